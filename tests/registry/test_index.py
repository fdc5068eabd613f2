"""The cached index of parts, and plug-ins."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from registry import index
from registry.catalog import Catalog
from registry.errors import SpecError
from registry.part import _PARTS

PLUGIN = '''
from blocks.norm import Norm
from registry import part
from registry.types import PositiveFloat

@part("norm", "{kind}")
class Mine(Norm):
    """{about}"""
    def __init__(self, dim: int, *, eps: PositiveFloat = 1e-3) -> None:
        super().__init__()
'''


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SWAPFORMER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def write(path: Path, kind: str = "mine", about: str = "My norm.") -> Path:
    path.write_text(PLUGIN.format(kind=kind, about=about))
    return path


def test_a_plug_in_is_described_once_and_again_when_it_changes(tmp_path: Path, cache: Path) -> None:
    path = write(tmp_path / "one.py")
    assert index.plugin(path).entries()[0]["summary"] == "My norm."
    (stored,) = cache.glob("*.json")
    content = json.loads(stored.read_text())
    content["entries"][0]["summary"] = "From the index."
    stored.write_text(json.dumps(content))
    assert index.plugin(path).entries()[0]["summary"] == "From the index."
    write(path, about="My better norm.")
    os.utime(path, ns=(1, 1))
    sys.modules.pop(index.import_file(path).__name__)
    assert index.plugin(path).entries()[0]["summary"] == "My better norm."


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"fingerprint": 1}'])
def test_a_damaged_index_is_made_again(tmp_path: Path, cache: Path, damage: str) -> None:
    path = write(tmp_path / "two.py", kind="mine2")
    index.plugin(path).entries()
    (stored,) = cache.glob("*.json")
    stored.write_text(damage)
    assert [entry["kind"] for entry in index.plugin(path).entries()] == ["mine2"]


def test_a_catalog_with_a_plug_in_builds_its_part(tmp_path: Path) -> None:
    path = write(tmp_path / "three.py", kind="mine3")
    catalog = Catalog.load([path])
    assert "mine3" in catalog.kinds("norm") and "layer" in catalog.kinds("norm")
    assert catalog.part("norm", "mine3").target.__name__ == "Mine"


def test_a_plug_in_cannot_take_a_kind_that_exists(tmp_path: Path) -> None:
    path = tmp_path / "four.py"
    path.write_text(PLUGIN.format(kind="layer", about="x"))
    with pytest.raises(SpecError, match="norm 'layer'"):
        Catalog.load([path])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import nothing_like_this", "line 1: ModuleNotFoundError"),
        ("x = 1\nraise RuntimeError('no luck')", "line 2: RuntimeError: no luck"),
        ("def broken(:\n", "line 1: SyntaxError"),
    ],
)
def test_a_plug_in_that_fails_says_where(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "five.py"
    path.write_text(text)
    with pytest.raises(SpecError, match=f"plug-in five.py failed: {message}"):
        Catalog.load([path])


def test_a_plug_in_that_is_not_there() -> None:
    with pytest.raises(SpecError, match="no such plug-in file"):
        Catalog.load(["nowhere.py"])
    with pytest.raises(SpecError, match="cannot find the plug-in module"):
        Catalog.load(["nowhere_at_all"])


def test_a_preset_of_a_class_from_elsewhere_is_listed(tmp_path: Path) -> None:
    path = tmp_path / "six.py"
    path.write_text(
        "from blocks.norm import RMSNorm\nfrom registry import preset\n"
        "preset('norm', 'loose_rms', RMSNorm, 'An rms norm with a large eps.', eps=0.1)\n"
    )
    catalog = Catalog.load([path])
    assert "eps" not in {option["name"] for option in catalog.get("norm", "loose_rms")["options"]}
    assert catalog.part("norm", "loose_rms").fixed == {"eps": 0.1}


def test_a_family_that_is_not_the_class_s_own_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "astray.py"
    path.write_text(
        "from blocks.norm import Norm\nfrom registry import part\n\n"
        "@part('nrom', 'mine')\nclass Mine(Norm):\n    'Mine.'\n"
    )
    with pytest.raises(SpecError, match="nrom 'mine': Mine is of the family 'norm'"):
        Catalog.load([path])


def test_an_installed_package_announces_its_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package, info = tmp_path / "strangers_parts", tmp_path / "strangers_parts-1.0.dist-info"
    package.mkdir()
    info.mkdir()
    (package / "__init__.py").write_text("")
    write(package / "norms.py", kind="strange", about="From another package.")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: strangers-parts\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[swapformer.parts]\nstrangers = strangers_parts\n")
    monkeypatch.syspath_prepend(tmp_path)
    catalog = Catalog.load()
    assert catalog.get("norm", "strange")["summary"] == "From another package."
    assert catalog.part("norm", "strange").module == "strangers_parts.norms"
    for name in ("strangers_parts", "strangers_parts.norms"):
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(_PARTS, ("norm", "strange"))
