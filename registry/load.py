"""From a spec file and overrides to a full, checked spec: load, resolve, check."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from registry.catalog import Catalog
from registry.check import caveats, check
from registry.compose import Composed, compose
from registry.errors import Problem, SpecError
from registry.names import misnamed
from registry.overrides import Setting
from registry.resolve import Resolver
from registry.shipped import spec_file

ROOT = ("spec", "experiment")
"""The part whose signature is the schema of a whole spec file."""
SETTINGS_FILE = "swapformer.toml"
"""The user's own settings, in the user's own configuration folder: `trusted_plugins = ["~/my_parts.py"]`.

Not in the current folder: that may be somebody else's repository.
"""


@dataclass(frozen=True)
class Loaded:
    """A full, checked spec.

    full: every default filled in. composed: what was written, and where. catalog: the parts in reach.
    """

    full: dict[str, Any]
    composed: Composed
    catalog: Catalog
    plugins: tuple[str, ...]

    def variant(self, settings: Sequence[Setting], label: str) -> Loaded:
        """The same spec with more settings on top. Raises SpecError; places call the settings `label`."""
        composed = self.composed.override(settings, label)
        return replace(self, full=complete(composed, self.catalog), composed=composed)


def load(
    source: str | Path | Mapping[str, Any],
    overrides: Sequence[Setting] = (),
    *,
    plugins: Sequence[str | Path] = (),
    trust: bool = False,
) -> Loaded:
    """Read a spec, fill in every default and check it. Raises SpecError with all problems together.

    source: a file, the name of a spec that ships, or a mapping. plugins: files or modules with parts of the user's own.
    trust: also run the plug-ins that the spec itself names, which are code of whoever wrote the spec.
    """
    source = source if isinstance(source, Mapping) else spec_file(source)
    composed = compose(source, overrides)
    folder = Path.cwd() if isinstance(source, Mapping) else Path(source).parent
    chosen = [*map(str, plugins), *_spec_plugins(composed, folder, {Path(p).resolve() for p in plugins}, trust)]
    catalog = Catalog.load(chosen)
    return Loaded(complete(composed, catalog), composed, catalog, tuple(dict.fromkeys(chosen)))


def complete(composed: Composed, catalog: Catalog) -> dict[str, Any]:
    """The full, checked form of a composed spec. Raises SpecError with every problem."""
    root = catalog.get(*ROOT)
    resolver = Resolver(catalog, composed)
    full = resolver.block(root, composed.value)
    del full["kind"]
    if "kind" in composed.value:
        message = "a whole spec has no kind; the model's is `model: {topology: ...}`"
        resolver.problems.append(Problem("kind", message, composed.key_place(("kind",))))
    resolver.problems += misnamed(full, root, catalog, composed)
    wrong = [problem.path for problem in resolver.problems]
    unfit = [p for p in check(full, root, catalog, composed) if not any(_inside(path, p.path) for path in wrong)]
    if wrong:
        raise SpecError([*resolver.problems, *unfit])
    if unfit:
        raise Incompatible(unfit)
    return full


def caveats_of(full: Mapping[str, Any], catalog: Catalog) -> list[str]:
    """What must be known of the parts of a full spec that provide what others need in a sense only."""
    return caveats(full, catalog.get(*ROOT), catalog)


def _inside(path: str, block: str) -> bool:
    """Whether a path is in a block: what stands there in place of a wrong value says nothing about the block."""
    return path == block or path.startswith(f"{block}.")


class Incompatible(SpecError):
    """Every value is well formed, but parts do not go together."""


def trusted() -> set[Path]:
    """The plug-in files that the user's own settings name."""
    try:
        settings = tomllib.loads(_settings_file().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return set()
    except (OSError, ValueError) as error:
        raise SpecError([Problem(str(_settings_file()), f"cannot be read: {error}")]) from None
    named = settings.get("trusted_plugins", [])
    if not isinstance(named, list) or not all(isinstance(n, str) for n in named):
        raise SpecError([Problem(str(_settings_file()), "trusted_plugins must be a list of paths")])
    return {Path(n).expanduser().resolve() for n in named}


def _settings_file() -> Path:
    import platformdirs

    return platformdirs.user_config_path("swapformer") / SETTINGS_FILE


def _spec_plugins(composed: Composed, folder: Path, named_by_user: set[Path], trust: bool) -> list[str]:
    """The plug-ins that the spec names and the user has not, from here. Raises SpecError unless they may run."""
    named = composed.value.get("plugins") or []
    if not isinstance(named, list) or not all(isinstance(n, str) for n in named):
        raise SpecError([Problem("plugins", "expects a list of files or modules", composed.place(("plugins",)))])
    paths = {n: str(folder / n) if n.endswith(".py") else n for n in named}
    found = [path for path in paths.values() if Path(path).resolve() not in named_by_user]
    if trust or not found:
        return found
    known = trusted()
    strangers = [n for n, path in paths.items() if path in found and Path(path).resolve() not in known]
    if strangers:
        message = (
            f"the spec wants to run {', '.join(strangers)}, which is code of whoever wrote it: read it, then add "
            f"--trust, name it by --plugin, or list it in {_settings_file()} (trusted_plugins)"
        )
        raise SpecError([Problem("plugins", message, composed.place(("plugins",)))])
    return found
