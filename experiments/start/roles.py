"""Which module of a model plays which role, and where the same role is played in another model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn

from blocks.attention import Attention
from blocks.embedding import Embedding
from blocks.head import Head
from blocks.head.pooling import Pooler
from blocks.stack import Layer, Stack

POOLER = "head.pooler"
_STEP = re.compile(r"^(layers\.\d+\.placement\..*norms\.)(\d+)(\..*)$")


@dataclass(frozen=True)
class Role:
    """What a module of a model does: "encoder", "decoder", "embedding", "head"; reads: the stack that it feeds."""

    name: str
    module: str
    reads: tuple[str, ...] = ()


def roles_of(model: nn.Module) -> list[Role]:
    """The roles in a model: its stacks by the stream they work on, embeddings by who reads them, its head."""
    children = dict(model.named_children())
    stacks = {name: child.plan.stream for name, child in children.items() if isinstance(child, Stack)}
    found = [Role(stream, name) for name, stream in stacks.items()]
    sources = [name for name, child in children.items() if name == "source_embedding" and isinstance(child, Embedding)]
    for name, child in children.items():
        if isinstance(child, Embedding):
            streams = set(stacks.values())
            # without an embedding of its own, the encoder reads the decoder's
            reads = {"encoder"} if name in sources else streams - ({"encoder"} if sources else set())
            found.append(Role("embedding", name, tuple(sorted(reads))))
        elif isinstance(child, Head):
            found.append(Role("head", name))
    known = {role.module for role in found}
    return [*found, *(Role(name, name) for name in children if name not in known)]


def same_role(role: Role, others: list[Role]) -> Role | None:
    """The one among the roles of another model that has learned the same, or None.

    An embedding starts from the one that the same stack reads, else from the only one that there is.
    """
    alike = [other for other in others if other.name == role.name]
    if role.name == "embedding":
        fed = [other for other in alike if set(other.reads) & set(role.reads)]
        # where one embedding serves both stacks, it starts from that of the target side
        return fed[0] if fed else (alike[0] if len(alike) == 1 else None)
    return alike[0] if alike else None


def comparable(target: nn.Module, source: nn.Module, name: str, other: str) -> bool:
    """Whether a tensor of one model can hold what one of another has learned: all parts around it are of one kind.

    Kinds of attention may differ, since their projections mean the same. name, other: below the role's module.
    """
    for mine, theirs in zip(_modules(target, name), _modules(source, other), strict=False):
        if isinstance(mine, Attention) and isinstance(theirs, Attention):
            continue
        if hasattr(mine, "family") != hasattr(theirs, "family"):
            return False
        if hasattr(mine, "family") and type(mine) is not type(theirs):
            return False
    return True


def _modules(module: nn.Module, name: str) -> Iterator[nn.Module]:
    """The modules on the way to a tensor, the outermost first."""
    yield module
    for piece in name.split(".")[:-1]:
        found = getattr(module, piece, None)
        if not isinstance(found, nn.Module):
            return
        if piece != "base_layer":
            yield found
        module = found


def translated(name: str, target: nn.Module, source: nn.Module) -> str | None:
    """The name, in a stack of another model, of what is called `name` in this one; None where it has nothing such.

    A layer that reads another stream has a step more, between attention and feed-forward; norms count the steps.
    """
    steps = _STEP.match(name)
    if steps is None or not (isinstance(target, Stack) and isinstance(source, Stack)):
        return name
    reads, read = (_reads(stack) for stack in (target, source))
    if reads == read:
        return name
    number = int(steps[2])
    moved = {0: 0, 2: 1} if reads else {0: 0, 1: 2}
    return f"{steps[1]}{moved[number]}{steps[3]}" if number in moved else None


def _reads(stack: Stack) -> bool:
    layer = stack.layers[0]
    assert isinstance(layer, Layer)
    return layer.cross is not None


def start_as(target: nn.Module, name: str) -> str | None:
    """The projection whose weights this one starts from, where the other model has none for it."""
    pieces = name.split(".")
    around = list(_modules(target, name))
    for depth, module in enumerate(around):
        if isinstance(module, Attention) and (other := type(module).start_as.get(pieces[depth])) is not None:
            return ".".join([*pieces[:depth], other, *pieces[depth + 1 :]])
    return None


def poolers(target: nn.Module, source: nn.Module) -> bool:
    """Whether the heads of both models, which may be of different kinds, have a pooler."""
    return all(isinstance(getattr(getattr(m, "head", None), "pooler", None), Pooler) for m in (target, source))
