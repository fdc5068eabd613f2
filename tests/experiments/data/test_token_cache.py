"""Encoded once, mapped afterwards; damaged files are made again, and several processes make one file."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from experiments.data import kept, token_cache
from experiments.data.kept import keep
from experiments.data.token_cache import encoded, packed
from experiments.data.tokenizers import Bytes

TEXT = b"a long enough text"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(kept.platformdirs, "user_cache_dir", lambda _: str(tmp_path))
    monkeypatch.setattr(token_cache, "WORTH_KEEPING", 8)
    return tmp_path / "tokens"


def test_a_long_text_is_encoded_once_and_mapped(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = encoded(Bytes(), TEXT)
    assert isinstance(first, np.memmap) and bytes(first) == TEXT
    monkeypatch.setattr(Bytes, "encode", lambda *_: pytest.fail("encoded again"))
    assert bytes(encoded(Bytes(), TEXT)) == TEXT


def test_writing_into_it_changes_no_file(cache: Path) -> None:
    encoded(Bytes(), TEXT)[0] = 0
    assert bytes(encoded(Bytes(), TEXT)) == TEXT


def test_another_text_or_tokenizer_is_another_file(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded(Bytes(), TEXT)
    encoded(Bytes(), b"another text of some length")
    packed(Bytes(1), [TEXT], 256)
    packed(Bytes(1), [TEXT[:9], TEXT[9:]], 256)
    monkeypatch.setattr(Bytes, "identity", lambda _: "other")
    encoded(Bytes(), TEXT)
    assert len(list(cache.glob("*.npy"))) == 5


def test_documents_with_marks(cache: Path) -> None:
    for _ in range(2):
        assert packed(Bytes(1), [b"long enough", b"yes"], 256).tolist() == [256, *b"long enough", 256, *b"yes", 256]


def test_a_short_text_leaves_no_file(cache: Path) -> None:
    assert bytes(encoded(Bytes(), b"short")) == b"short" and not cache.exists()


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:70],
        lambda content: content[:-1],
        lambda content: b"",
        # one flipped bit of a number: still an array of as many numbers
        lambda content: content[:-3] + bytes([content[-3] ^ 1]) + content[-2:],
        lambda content: content + b"x",
    ],
    ids=["cut", "short", "empty", "flipped", "longer"],
)
@pytest.mark.parametrize("which", ["*.npy", "*.sha256"])
def test_a_damaged_file_is_made_again(cache: Path, which: str, damage: Callable[[bytes], bytes]) -> None:
    encoded(Bytes(), TEXT)
    (path,) = cache.glob(which)
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert bytes(encoded(Bytes(), TEXT)) == TEXT
    assert path.read_bytes() == whole


def test_a_cache_that_cannot_be_written_is_done_without(cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    assert bytes(encoded(Bytes(), TEXT)) == TEXT


def _make(folder: Path, start: float) -> bool:
    def made() -> bytes:
        with open(folder / "made", "a") as log:
            log.write("once\n")
        time.sleep(0.3)
        return b"content"

    time.sleep(max(0.0, start - time.time()))
    return keep(folder / "file", made)


def test_processes_at_the_same_time_make_it_once(tmp_path: Path) -> None:
    start = time.time() + 0.5
    with multiprocessing.get_context("fork").Pool(3) as pool:
        assert pool.starmap(_make, [(tmp_path, start)] * 3) == [True] * 3
    assert (tmp_path / "made").read_text() == "once\n"
    assert (tmp_path / "file").read_bytes() == b"content"


def test_who_dies_while_making_leaves_it_to_the_next(tmp_path: Path) -> None:
    def killed() -> bytes:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        keep(tmp_path / "file", killed)
    assert keep(tmp_path / "file", lambda: b"content") and (tmp_path / "file").read_bytes() == b"content"
