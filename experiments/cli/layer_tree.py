"""A model as a tree of its modules, those that repeat told once."""

from __future__ import annotations

from typing import Any

from rich.text import Text
from rich.tree import Tree
from torch import nn

from experiments.results.words import count
from registry.part import part_of


def layer_tree(model: nn.Module) -> Tree:
    """Every module with parameters: its name, its kind, what sets it apart, how many parameters it has."""
    tree = Tree(_words("model", model), guide_style="dim")
    _grow(tree, model)
    return tree


def _grow(tree: Tree, module: nn.Module) -> None:
    children = [(name, child) for name, child in module.named_children() if _worth_telling(child)]
    at = 0
    while at < len(children):
        name, child = children[at]
        same = 1
        while at + same < len(children) and _signature(children[at + same][1]) == _signature(child):
            same += 1
        if isinstance(module, nn.ModuleList):
            name = name if same == 1 else f"{name} to {children[at + same - 1][0]}"
            branch = tree.add(_words(name, child, same))
            _grow(branch, child)
            at += same
        else:
            _grow(tree.add(_words(name, child)), child)
            at += 1


def _words(name: str, module: nn.Module, same: int = 1) -> Text:
    words = Text(f"{name}: ", "dim")
    words.append(_kind(module), "bold")
    if about := _about(module):
        words.append(f"  {about}")
    if own := sum(p.numel() for p in module.parameters()):
        words.append(f"  {f'{same} x ' if same > 1 else ''}{count(own)}", "cyan")
    return words


def _kind(module: nn.Module) -> str:
    part = part_of(type(module))
    return part.kind if part is not None else type(module).__name__


def _about(module: nn.Module) -> str:
    """Sizes: of a matrix or table from what torch prints, of a part from its own plain attributes."""
    if isinstance(module, nn.Linear):
        return f"{module.in_features} -> {module.out_features}"
    if isinstance(module, nn.Embedding):
        return f"{module.num_embeddings} x {module.embedding_dim}"
    if not hasattr(module, "family"):
        return ""
    return ", ".join(f"{name} {_short(value)}" for name, value in _plain(module).items() if value)


def _worth_telling(module: nn.Module) -> bool:
    """Not what does nothing: identities, dropout at rate 0, lists without members."""
    if isinstance(module, nn.Identity) or (isinstance(module, nn.Dropout) and module.p == 0):
        return False
    return not (isinstance(module, nn.ModuleList) and len(module) == 0)


def _signature(module: nn.Module) -> Any:
    """Equal for modules that are built alike."""
    shapes = tuple(tuple(p.shape) for p in module.parameters(recurse=False))
    children = tuple((name, _signature(child)) for name, child in module.named_children())
    return type(module), shapes, tuple(_plain(module).items()), module.extra_repr(), children


def _plain(module: nn.Module) -> dict[str, Any]:
    kept = (int, float, str, type(None))
    own = {name: value for name, value in vars(module).items() if name != "training" and not name.startswith("_")}
    return {name: value for name, value in own.items() if isinstance(value, kept)}


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)
