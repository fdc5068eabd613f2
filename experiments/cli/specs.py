"""The SPEC of every command: a file, or the name of a spec that ships with the package."""

from __future__ import annotations

from pathlib import Path

from registry.errors import Problem, SpecError, did_you_mean

FOLDER = Path(__file__).parent.parent / "specs"


PUBLISHED = FOLDER / "published"


def shipped() -> dict[str, Path]:
    """The experiments that ship, by name."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.yaml"))}


def published() -> dict[str, Path]:
    """The published systems that ship, by name: bert-base, and tiny/bert, which tests are made on."""
    return {str(path.relative_to(PUBLISHED).with_suffix("")): path for path in sorted(PUBLISHED.rglob("*.yaml"))}


def find_spec(name: str) -> Path:
    """The file that a SPEC argument means; a file of the user's own comes before one that ships.

    Raises SpecError, with the nearest name, when there is neither.
    """
    path = Path(name)
    if path.exists():
        return path
    known = shipped() | published()
    plain = name.removesuffix(".yaml").removesuffix(".yml").removeprefix("published/")
    if plain in known:
        return known[plain]
    return _refuse(name, path, list(known))


def _refuse(name: str, path: Path, known: list[str]) -> Path:
    if path.parent != Path() and not path.parent.is_dir():
        raise SpecError([Problem("", f"{name}: no such file; there is no folder '{path.parent}'")])
    beside = [file.name for file in sorted(path.parent.glob("*.y*ml"))]
    hint = did_you_mean(path.name, beside) or did_you_mean(path.stem, known)
    ships = f" Specs that ship: {', '.join(shipped())}; published systems: {', '.join(_sizes())}."
    raise SpecError([Problem("", f"{name}: no such file.{hint or ships}")])


def _sizes() -> list[str]:
    return [name for name in published() if "/" not in name]
