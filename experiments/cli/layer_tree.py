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
        if isinstance(module, nn.ModuleList | nn.Sequential):
            name = name if same == 1 else f"{name} to {children[at + same - 1][0]}"
            _tell(tree, name, child, same)
            at += same
        else:
            _tell(tree, name, child)
            at += 1


def _tell(tree: Tree, name: str, module: nn.Module, same: int = 1) -> None:
    branch = tree.add(_words(name, module, same))
    if _only_leaf(module) is None:
        _grow(branch, module)


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
    if isinstance(module, nn.Conv1d | nn.Conv2d):
        return f"{module.in_channels} -> {module.out_channels}, {' x '.join(map(str, module.kernel_size))}"
    if isinstance(module, nn.Dropout):
        return _short(module.p)
    if (leaf := _only_leaf(module)) is not None:
        return _about(leaf)
    if not hasattr(module, "family"):
        return ""
    return ", ".join(f"{name} {_short(value)}" for name, value in _plain(module).items() if value)


def _only_leaf(module: nn.Module) -> nn.Module | None:
    """The one module inside that is worth a line, of a wrapper that is no part and no list; None if there are more."""
    if hasattr(module, "family") or isinstance(module, nn.ModuleList | nn.Sequential):
        return None
    inner = [child for child in module.children() if _worth_telling(child)]
    return inner[0] if len(inner) == 1 and not list(inner[0].children()) else None


def _worth_telling(module: nn.Module) -> bool:
    """Parts, what holds parts or parameters, and dropout; not what does nothing: dropout at rate 0, empty lists."""
    if isinstance(module, nn.Dropout):
        return module.p > 0
    return any(hasattr(inner, "family") or inner._parameters for inner in module.modules())


def _signature(module: nn.Module) -> Any:
    """Equal for modules of which the same would be told."""
    shapes = tuple(tuple(p.shape) for p in module.parameters(recurse=False))
    children = tuple((name, _signature(child)) for name, child in module.named_children())
    return type(module), shapes, _about(module), module.extra_repr(), children


def _plain(module: nn.Module) -> dict[str, Any]:
    kept = (int, float, str, type(None))
    own = {name: value for name, value in vars(module).items() if name != "training" and not name.startswith("_")}
    return {name: value for name, value in own.items() if isinstance(value, kept)}


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)
