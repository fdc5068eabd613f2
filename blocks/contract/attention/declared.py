"""What everything else follows from: the declarations themselves."""

from __future__ import annotations

from blocks.contract.check import Broken, check
from blocks.contract.subject import Subject


@check("attention", "declares which way it sees, and its heads")
def declares_the_basics(subject: Subject) -> None:
    if not subject.provides & {"bidirectional", "causal"}:
        raise Broken("provides neither 'bidirectional' nor 'causal', so that no topology can use it")
    attention = subject.build()
    for name in ("heads", "head_dim"):
        if not isinstance(getattr(attention, name, None), int):
            raise Broken(f"its constructor sets no `{name}`, a whole number, which position schemes need")
