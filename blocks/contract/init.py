"""The contract of the init family."""

from __future__ import annotations

from typing import get_args

import torch
from torch import Tensor, nn

from blocks.contract.check import check, demand
from blocks.contract.subject import Subject
from blocks.init import Init, Site, initialise
from blocks.linear import Linear, Role, Table

ROLES: tuple[Role, ...] = get_args(Role)
SITES = (
    Site(16, 8, 4, "encoder", 2, 0),
    Site(16, 8, 4, "decoder", 0, 2),
    Site(16, 8, 4, "encoder", 2, 3),
    Site(16, 8, 6, "decoder", 2, 3),
)


def filled(init: Init, role: Role, site: Site, *, seed: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """A weight [24 16] that was no number before it was filled."""
    torch.manual_seed(seed)
    weight = torch.full((24, 16), torch.nan, dtype=dtype)
    init.fill(weight, role, site)
    return weight


@check("init", "fills every weight of every role, in place")
@torch.no_grad()
def every_role(subject: Subject) -> None:
    init = subject.raw()
    for site in SITES:
        for role in ROLES:
            for dtype in (torch.float64, torch.float32):
                weight = filled(init, role, site, seed=0, dtype=dtype)
                demand(weight.isfinite().all(), f"role '{role}' in the {site.stream}: not every number is set")


@check("init", "the same seed gives the same weights")
@torch.no_grad()
def seeded(subject: Subject) -> None:
    init = subject.raw()
    for role in ROLES:
        once, again = (filled(init, role, SITES[0], seed=5) for _ in range(2))
        demand(torch.equal(once, again), f"role '{role}': the same seed gives other weights")
        if once.std() > 0:
            other = filled(init, role, SITES[0], seed=6)
            demand(not torch.equal(once, other), f"role '{role}': another seed gives the same weights")


@check("init", "fills a whole module, biases with zeros")
def whole_module(subject: Subject) -> None:
    module = nn.ModuleDict({role: _site(role) for role in ROLES})
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.fill_(torch.nan)
    initialise(module, subject.raw(), SITES[0], seed=0)
    for name, parameter in module.named_parameters():
        demand(parameter.isfinite().all() and parameter.requires_grad, f"'{name}' is not set, or no longer trained")
        demand(not name.endswith("bias") or ~parameter.any(), f"'{name}' does not start at 0")


def _site(role: Role) -> nn.Module:
    return Table(24, 16, role=role) if role in ("embedding", "position") else Linear(16, 24, role=role)


@check("init", "runs on the meta device")
@torch.no_grad()
def runs_on_meta(subject: Subject) -> None:
    with torch.device("meta"):
        init, weight = subject.raw(), torch.empty(24, 16)
        for role in ROLES:
            init.fill(weight, role, SITES[0])
