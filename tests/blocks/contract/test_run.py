"""The contract as others use it: under pytest and plainly."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from blocks.contract import Finding, checks_for, contract_tests, run_contract
from blocks.norm import Norm

from .broken_parts import MixesTokens

# this is a user's whole test file
test_rms = contract_tests("norm", "rms", eps=1e-3)


def test_findings_name_every_check_and_the_problems() -> None:
    findings = run_contract("norm", MixesTokens)
    assert Finding("norm", "MixesTokens", "saves and loads") in findings
    [problem] = [f for f in findings if not f.ok]
    assert (problem.family, problem.kind, problem.check) == ("norm", "MixesTokens", "each token by itself")
    assert problem.problem == "output 0 changes with token 1"


def test_what_a_part_raises_is_a_finding() -> None:
    class Raises(Norm):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            raise KeyError("lost")

    findings = run_contract("norm", Raises)
    assert {f.problem for f in findings} == {"KeyError: 'lost'"}


def test_a_good_part_has_no_problems_and_leaves_the_random_state_alone() -> None:
    torch.manual_seed(7)
    before = torch.get_rng_state()
    assert all(f.ok for f in run_contract("norm", "layer"))
    assert torch.equal(torch.get_rng_state(), before)


def test_options_and_sizes_reach_the_part() -> None:
    subject, _ = checks_for("attention", "full", window=4, heads=4, dim=24)
    made = subject.build()
    assert (made.window, made.heads, made.head_dim) == (4, 4, 6)


def test_checks_follow_what_is_declared() -> None:
    full, longformer = ({c.name for c in checks_for("attention", kind)[1]} for kind in ("full", "longformer"))
    assert "packed documents do not see each other" in full
    assert "refuses packed documents that it cannot keep apart" in longformer
    windowed = {c.name for c in checks_for("attention", "full", window=4)[1]}
    assert "refuses a source that it cannot read" in windowed


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no norm 'rmss' is declared .*declared: layer, none, rms"):
        contract_tests("norm", "rmss")
    with pytest.raises(ValueError, match="no contract for the family 'norms'; there is one for: attention, "):
        contract_tests("norms", "rms")


def test_needs_no_pytest_unless_asked_for_tests() -> None:
    code = "import sys, blocks.contract as c; c.run_contract('norm', 'rms'); print('pytest' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
