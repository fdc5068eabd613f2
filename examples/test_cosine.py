"""A part's whole test file: everything that every attention kind promises."""

from pathlib import Path

from blocks.contract import contract_tests
from registry.index import import_file

import_file(Path(__file__).with_name("cosine.py"))
test_cosine = contract_tests("attention", "cosine")
