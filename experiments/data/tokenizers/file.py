"""A tokenizer of the user's own, from a file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.atomic import write_text
from experiments.data.content import read_text
from experiments.data.errors import BadData
from experiments.data.tokenizers.base import Specials, Tokenizer, special_names
from experiments.data.tokenizers.byte_level import byte_level
from experiments.data.tokenizers.learned import read
from registry import part

ALIASES: Mapping[str, tuple[str, ...]] = {
    "<pad>": ("[PAD]", "<|pad|>", "<|padding|>"),
    "<bos>": ("<s>", "[CLS]", "<|begin_of_text|>", "<|startoftext|>"),
    "<eos>": ("</s>", "[SEP]", "<|end_of_text|>", "<|endoftext|>"),
    "<mask>": ("[MASK]",),
    "<cls>": ("[CLS]", "<s>", "<bos>"),
    "<sep>": ("[SEP]", "</s>", "<eos>"),
}
"""Other names by which published tokenizers know a special token, the likeliest first."""


@part("tokenizer", "file")
class FromFile(Tokenizer):
    """A tokenizer.json of the library `tokenizers`, as Hugging Face models bring one; nothing is learned.

    Its special tokens serve where the data need some (<pad>, [PAD], ...), and others are added behind its vocabulary; a
    post-processor, which would put some around a text, is left out. Bits per byte is left out of the metrics unless it
    works on bytes, as GPT-2's does.

    path: of the file, from the current folder.
    """

    learns = False

    def __init__(self, specials: Specials = 0, *, path: str) -> None:
        self.names = special_names(specials)
        self.path = path
        self._content: str | None = None
        self._inner: Any = None
        self._found: dict[str, int] = {}
        self._words = 0
        self._bytes = False

    @property
    def vocab(self) -> int:  # type: ignore[override] # known when the file was read
        self._ready()
        return self._words + self.specials

    @property
    def specials(self) -> int:  # type: ignore[override]
        """How many special tokens were added behind the vocabulary of the file."""
        self._ready()
        return len(self.names) - sum(name in self._found for name in self.names)

    def fit(self, texts: Sequence[bytes]) -> None:
        self._ready()

    def identity(self) -> str:
        self._ready()
        assert self._content is not None
        return self._content

    def encode(self, text: bytes) -> np.ndarray:
        self._ready()
        return np.array(self._inner.encode(text.decode(), add_special_tokens=False).ids, dtype=np.int32)

    def decode(self, ids: Iterable[int]) -> str:
        special = self.special_ids()
        text: str = self._inner.decode([i for i in ids if i not in special])
        return text

    def sizes(self) -> list[int]:
        sizes = [0] * self.vocab
        special = self.special_ids()
        if self._bytes:
            for word, i in self._inner.get_vocab(with_added_tokens=False).items():
                sizes[i] = 0 if i in special else len(byte_level(word))
        return sizes

    def pieces(self, ids: Iterable[int]) -> list[bytes | None]:
        special = self.special_ids()
        words = [None if i in special else self._inner.id_to_token(i) or "" for i in ids]
        return [None if word is None else byte_level(word) if self._bytes else word.encode() for word in words]

    def save(self, folder: Path) -> None:
        write_text(folder / "tokenizer.json", self.identity())

    def load(self, folder: Path) -> bool:
        path = folder / "tokenizer.json"
        if not path.is_file():
            return False
        self._take(path)
        return True

    def special(self, name: str) -> int:
        self._ready()
        if name not in self.names:
            raise ValueError(f"no special token {name}: there are {', '.join(self.names) or 'none'}")
        added = [other for other in self.names if other not in self._found]
        return self._found[name] if name in self._found else self._words + added.index(name)

    def special_ids(self) -> Mapping[int, str]:
        self._ready()
        own = {i: str(token.content) for i, token in self._inner.get_added_tokens_decoder().items() if token.special}
        return {**own, **super().special_ids()}

    def _ready(self) -> None:
        if self._inner is None:
            self._take(Path(self.path))

    def _take(self, path: Path) -> None:
        content = read_text(path)
        try:
            inner = read(content)
        except ValueError as error:
            raise BadData(path, f"no tokenizer.json of the library tokenizers: {error}") from None
        ids: dict[str, int] = inner.get_vocab(with_added_tokens=True)
        if not ids:
            raise BadData(path, "a tokenizer without any token")
        candidates = {name: (name, *ALIASES.get(name, ())) for name in self.names}
        found = {name: [ids[word] for word in words if word in ids] for name, words in candidates.items()}
        self._content, self._inner, self._words = content, inner, max(ids.values()) + 1
        self._bytes = on_bytes(content, inner)
        self._found = {name: there[0] for name, there in found.items() if there}


def on_bytes(content: str, inner: Any) -> bool:
    """Whether every text can be had back from a tokenizer.json, because its tokens are strings of bytes."""
    settings = json.loads(content)
    before, after = (json.dumps(settings[name]) for name in ("pre_tokenizer", "decoder"))
    kept = settings["normalizer"] is None and '"add_prefix_space": true' not in before
    words = inner.get_vocab(with_added_tokens=False)
    whole = all(char in words for char in _alphabet())
    return kept and '"ByteLevel"' in before and '"ByteLevel"' in after and whole


def _alphabet() -> list[str]:
    from tokenizers import pre_tokenizers

    found: list[str] = pre_tokenizers.ByteLevel.alphabet()
    return found
