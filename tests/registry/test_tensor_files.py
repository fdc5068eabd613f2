"""Files of weights that are something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry import SpecError
from registry.tensor_files import tensors_in


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 135\n", "a pointer of git-lfs"),
        (b"<html><body>404</body></html>", "is damaged"),
        (b"", "is damaged"),
    ],
)
def test_what_is_no_safetensors_file(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(SpecError, match=words), tensors_in(tmp_path):
        pass
