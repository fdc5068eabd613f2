"""Specs that ship with installed packages, by name, so that a spec can build on them wherever it stands."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Mapping
from pathlib import Path

from registry import index
from registry.errors import Problem, SpecError, did_you_mean

PUBLISHED = "published/"
"""The folder whose specs are called by what stands behind it: specs/published/gpt2-124m.yaml is `gpt2-124m`."""


@functools.cache
def shipped() -> Mapping[str, Path]:
    """The specs in the folder `specs` of every package that announces parts, by name, those near its top first."""
    found: dict[str, Path] = {}
    for provider in index.installed():
        specs = provider.folder / "specs"
        for path in sorted(specs.rglob("*.yaml"), key=lambda path: (len(path.parts), path)):
            found.setdefault(name_of(path.relative_to(specs).as_posix()), path)
    return found


def about(spec: Path) -> str:
    """What a spec says of itself: the first sentence of the comment at its top."""
    words: list[str] = []
    for line in spec.read_text(encoding="utf-8").splitlines():
        if not line.startswith("# ") or line.startswith("# yaml-language-server:"):
            break
        words += line[2:].split()
    # "et al. 2020" ends no sentence
    return re.split(r"(?<=\.)(?<!al\.) ", " ".join(words), maxsplit=1)[0]


def name_of(source: str) -> str:
    """What a spec is called, or would be if it shipped: published/gpt2-124m.yaml -> gpt2-124m."""
    return source.removesuffix(".yaml").removesuffix(".yml").removeprefix(PUBLISHED)


def spec_file(source: str | os.PathLike[str], folder: str = "") -> str:
    """The file in `folder` that is meant: one that is there, else the spec that ships by this name, else itself.

    Raises SpecError, with the nearest name, for a word that is neither.
    """
    name = os.fspath(source)
    path = os.path.join(folder, name)
    if os.path.isfile(path):
        return path
    if name in shipped():
        return str(shipped()[name])
    # who writes the ending of a file means a file
    if not os.path.exists(path) and name_of(name) in (name, *shipped()) and (hint := meant(name)):
        raise SpecError([Problem("", f"{path}: no such file.{hint}")])
    return path


def meant(name: str) -> str:
    """A hint at the specs that ship and may have been meant; a sentence to put after a message, or ""."""
    plain, known = name_of(name), shipped()
    if plain in known:
        return f" Did you mean '{plain}', which ships?"
    sizes = [f"'{other}'" for other in known if other.startswith(f"{plain}-")]
    return f" Did you mean {' or '.join(sizes)}?" if sizes else did_you_mean(plain, known)
