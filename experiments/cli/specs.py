"""The SPEC of every command: a file, a folder with one, or the name of a spec that ships with the package."""

from __future__ import annotations

from pathlib import Path

from registry.errors import Problem, SpecError, did_you_mean
from registry.shipped import meant, name_of
from registry.shipped import shipped as known_specs

FOLDER = Path(__file__).parent.parent / "specs"
PUBLISHED = FOLDER / "published"
RECIPES = FOLDER / "recipes"


def shipped() -> dict[str, Path]:
    """The experiments that ship with us, by name."""
    return {name: path for name, path in known_specs().items() if path.parent == FOLDER}


def recipes() -> dict[str, Path]:
    """The recipes that ship, one or more for each objective, by name: recipes/bert, recipes/long/listops."""
    return {name: path for name, path in known_specs().items() if path.is_relative_to(RECIPES)}


def published() -> dict[str, Path]:
    """The published systems that ship, by name: bert-base, and tiny/bert, which tests are made on."""
    return {name: path for name, path in known_specs().items() if path.is_relative_to(PUBLISHED)}


def find_spec(name: str) -> Path:
    """The file that a SPEC argument means; a file of the user's own comes before one that ships.

    Of a folder, such as that of a run or of an imported model, its spec.yaml. Raises SpecError, with the nearest name,
    when there is neither.
    """
    path = Path(name)
    if path.is_file():
        return path
    if name_of(name) in known_specs():
        return known_specs()[name_of(name)]
    if path.is_dir():
        if (path / "spec.yaml").is_file():
            return path / "spec.yaml"
        raise SpecError([Problem("", f"{name}: this is a folder without a spec.yaml, not a spec file")])
    return _refuse(name, path)


def _refuse(name: str, path: Path) -> Path:
    if path.parent != Path() and not path.parent.is_dir():
        raise SpecError([Problem("", f"{name}: no such file; there is no folder '{path.parent}'")])
    beside = [file.name for file in sorted(path.parent.glob("*.y*ml"))]
    hint = did_you_mean(path.name, beside) or meant(path.name)
    ships = f" Specs that ship: {', '.join(shipped())}; `swapformer list specs` names the published systems too."
    raise SpecError([Problem("", f"{name}: no such file.{hint or ships}")])
