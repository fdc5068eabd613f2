"""What every part promises, as checks that anyone can run on a part of their own.

A part's whole test file:

    import my_parts
    from blocks.contract import contract_tests

    test_mine = contract_tests("attention", "mine")
"""

from blocks.contract.check import Broken, Check
from blocks.contract.run import Finding, checks_for, contract_tests, run_contract

__all__ = ["Broken", "Check", "Finding", "checks_for", "contract_tests", "run_contract"]
