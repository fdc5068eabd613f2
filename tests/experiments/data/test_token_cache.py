"""Encoded once, mapped afterwards."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from experiments.data import token_cache
from experiments.data.token_cache import encoded
from experiments.data.tokenizers import Bytes


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(token_cache.platformdirs, "user_cache_dir", lambda _: str(tmp_path))
    monkeypatch.setattr(token_cache, "WORTH_KEEPING", 8)
    return tmp_path / "tokens"


def test_a_long_text_is_encoded_once_and_mapped(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = encoded(Bytes(), b"a long enough text")
    assert isinstance(first, np.memmap) and bytes(first) == b"a long enough text"
    monkeypatch.setattr(Bytes, "encode", lambda *_: pytest.fail("encoded again"))
    assert bytes(encoded(Bytes(), b"a long enough text")) == b"a long enough text"


def test_writing_into_it_changes_no_file(cache: Path) -> None:
    encoded(Bytes(), b"a long enough text")[0] = 0
    assert bytes(encoded(Bytes(), b"a long enough text")) == b"a long enough text"


def test_another_text_or_tokenizer_is_another_file(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded(Bytes(), b"a long enough text")
    encoded(Bytes(), b"another text of some length")
    monkeypatch.setattr(Bytes, "identity", lambda _: "other")
    encoded(Bytes(), b"a long enough text")
    assert len(list(cache.glob("*.npy"))) == 3


def test_a_short_text_leaves_no_file(cache: Path) -> None:
    assert bytes(encoded(Bytes(), b"short")) == b"short" and not cache.exists()


def test_a_damaged_file_is_made_again(cache: Path) -> None:
    encoded(Bytes(), b"a long enough text")
    (path,) = cache.glob("*.npy")
    path.write_bytes(path.read_bytes()[:70])
    assert bytes(encoded(Bytes(), b"a long enough text")) == b"a long enough text"


def test_a_cache_that_cannot_be_written_is_done_without(cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    assert bytes(encoded(Bytes(), b"a long enough text")) == b"a long enough text"
