"""Where parts come from, and the cached index of what each place offers.

Places: packages that announce themselves by the entry-point group `swapformer.parts` (our own do too), and plug-ins
that the user names. A place's parts are described once, by importing it, and again only when one of its files changes.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.metadata
import importlib.util
import json
import os
import sys
import tempfile
import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from registry.errors import Problem, SpecError
from registry.part import PLUGIN_PREFIX, declared_in

GROUP = "swapformer.parts"
FORMAT = 9
"""Counts up when the descriptions change shape, so that an old index is not read."""


@dataclass(frozen=True)
class Provider:
    """A place that offers parts: an importable module or package, or (plugin) a file.

    name: the module; files: its sources.
    """

    name: str
    files: tuple[Path, ...]
    plugin: bool = False

    @property
    def folder(self) -> Path:
        """Where it is; of a package, its own folder."""
        return min((file.parent for file in self.files), key=lambda parent: len(parent.parts))

    def entries(self) -> list[dict[str, Any]]:
        """Descriptions of its parts, from the index where that is still true."""
        return _cached(self)


def installed() -> list[Provider]:
    """The packages that announce parts, in the order of their names."""
    return [_package(name) for name in sorted({point.value for point in importlib.metadata.entry_points(group=GROUP)})]


def plugin(source: str | Path) -> Provider:
    """A plug-in: a path to a .py file, or the name of a module. Raises SpecError when there is none."""
    path = Path(source)
    if path.suffix == ".py" or os.sep in str(source):
        if not path.is_file():
            raise SpecError([Problem("plugins", f"no such plug-in file: {source}")])
        return Provider(_file_module(path), (path.resolve(),), plugin=True)
    try:
        return _package(str(source))
    except ImportError as error:
        raise SpecError([Problem("plugins", f"cannot find the plug-in module '{source}': {error}")]) from None


def import_file(path: Path) -> types.ModuleType:
    """Import a plug-in file, once. Raises SpecError, naming its line, when it fails."""
    path = path.resolve()
    name = _file_module(path)
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise SpecError([Problem("plugins", f"plug-in {path.name} failed: {_last_line(error, path)}")]) from error
    return module


def _last_line(error: Exception, path: Path) -> str:
    # imported late: only a plug-in that fails pays for it
    import traceback

    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    if isinstance(error, SyntaxError):
        lines = [error.lineno]
    where = f"line {lines[-1]}: " if lines else ""
    return f"{where}{type(error).__name__}: {error}"


@functools.cache
def _package(name: str) -> Provider:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ImportError(f"no module named '{name}'")
    origin = Path(spec.origin)
    files = sorted(origin.parent.rglob("*.py")) if spec.submodule_search_locations else [origin]
    return Provider(name, tuple(files))


def _file_module(path: Path) -> str:
    digest = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]
    return f"{PLUGIN_PREFIX}{path.stem}_{digest}"


def _cached(provider: Provider) -> list[dict[str, Any]]:
    fingerprint = _fingerprint(provider.files)
    file = _cache_file(provider)
    try:
        stored = json.loads(file.read_text())
        if stored["fingerprint"] == fingerprint:
            return stored["entries"]  # type: ignore[no-any-return]
    except (OSError, ValueError, KeyError, TypeError):
        pass
    entries = _describe(provider)
    _store(file, {"fingerprint": fingerprint, "entries": entries})
    return entries


def _fingerprint(files: Sequence[Path]) -> list[Any]:
    stats = [(str(f), f.stat()) for f in files]
    digest = hashlib.sha256(repr([(name, s.st_mtime_ns, s.st_size) for name, s in stats]).encode()).hexdigest()
    return [FORMAT, list(sys.version_info[:2]), digest]


def _cache_file(provider: Provider) -> Path:
    import platformdirs

    key = hashlib.sha256(f"{provider.name} {provider.files[:1]}".encode()).hexdigest()[:16]
    root = os.environ.get("SWAPFORMER_CACHE") or platformdirs.user_cache_dir("swapformer")
    return Path(root) / f"parts-{provider.name.split('.')[0]}-{key}.json"


def _store(file: Path, content: Any) -> None:
    """Write the index; a place that cannot be written to only costs time."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=file.parent, suffix=".tmp", delete=False) as temporary:
            json.dump(content, temporary)
        os.replace(temporary.name, file)
    except OSError:
        pass


def _describe(provider: Provider) -> list[dict[str, Any]]:
    from registry.signature import describe

    modules = [import_file(provider.files[0]).__name__] if provider.plugin else list(_import_parts(provider))
    entries = []
    for module in modules:
        file = provider.files[0] if provider.plugin else Path(str(sys.modules[module].__file__))
        for part in declared_in(module).values():
            try:
                described = describe(part)
            except Exception as error:
                raise SpecError([Problem("plugins", f"{file}: {part.family} '{part.kind}': {error}")]) from error
            entries.append({**described, "file": str(file), "provider": provider.name, "plugin": provider.plugin})
    return entries


def _import_parts(provider: Provider) -> Iterator[str]:
    """Import the modules of a package that declare parts; the others are left alone."""
    for file in provider.files:
        source = file.read_text(encoding="utf-8")
        if "@part(" in source or "preset(" in source:
            inner = [step for step in file.relative_to(provider.folder).with_suffix("").parts if step != "__init__"]
            name = ".".join([provider.name, *inner]) if len(provider.files) > 1 else provider.name
            try:
                yield importlib.import_module(name).__name__
            except Exception as error:
                message = f"{provider.name}: cannot import {name}: {_last_line(error, file)}"
                raise SpecError([Problem("plugins", message)]) from error
