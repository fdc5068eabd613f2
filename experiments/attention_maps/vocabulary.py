"""Between text and token ids: of a run, of a tokenizer file, or plain numbers where there is neither."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments.attention_maps.words import Word, readable, visible
from experiments.data import Data, Tokenizer
from experiments.data.tokenizers import byte_level

STARTS = ("<bos>", "<s>", "<pad>")
STOPS = ("<eos>", "</s>")


class Vocabulary(ABC):
    """What a model's ids stand for.

    start: the ids that a decoder beside an encoder begins with, None where nobody knows. stop: the id that ends it.
    """

    start: list[int] | None = None
    stop: int | None = None

    @abstractmethod
    def source(self, text: str) -> list[int]:
        """The ids that a model reads for a text, with the special tokens around it. Raises ValueError."""

    @abstractmethod
    def target(self, text: str) -> list[int]:
        """The ids that a decoder beside an encoder reads for a text. Raises ValueError."""

    @abstractmethod
    def words(self, ids: Sequence[int]) -> list[Word]:
        """The tokens as people read them."""

    @abstractmethod
    def text(self, ids: Sequence[int]) -> str:
        """The text that these ids are, special tokens left out; of half a character U+FFFD."""


class RunVocabulary(Vocabulary):
    """The tokenizer of a run, with the special tokens that its data put around a text."""

    def __init__(self, data: Data) -> None:
        if data.tokenizer is None:
            raise ValueError("this run reads no text, so there are no words to draw")
        self.tokenizer: Tokenizer = data.tokenizer
        self.before: list[int] = []
        self.after: list[int] = []
        if "labels" in data.provides:
            self.before = [self.tokenizer.special("<bos>")]
        self.stop = next((i for i, name in self.tokenizer.special_ids().items() if name == "<eos>"), None)
        if "running text" in data.provides and self.stop is not None:
            # each document of a packed text stands behind the end of another
            self.before = [self.stop]
        if data.provides & {"pairs", "text tasks"}:
            self.start, self.after = [self.tokenizer.special("<bos>")], [self.tokenizer.special("<eos>")]

    def source(self, text: str) -> list[int]:
        return [*self.before, *self._ids(text), *self.after]

    def target(self, text: str) -> list[int]:
        return [*(self.start or []), *self._ids(text)]

    def words(self, ids: Sequence[int]) -> list[Word]:
        special = self.tokenizer.special_ids()
        return readable(self.tokenizer.pieces(ids), [special.get(i, "") for i in ids])

    def text(self, ids: Sequence[int]) -> str:
        return self.tokenizer.decode(ids)

    def _ids(self, text: str) -> list[int]:
        try:
            raw = text.encode()
        except UnicodeEncodeError:
            raise ValueError("the text is not UTF-8") from None
        return [int(i) for i in self.tokenizer.encode(raw)]


class FileVocabulary(Vocabulary):
    """A `tokenizer.json` of the `tokenizers` library; special tokens as its post-processor puts them.

    start: the token that a decoder begins with, by name or number; unless given, what the config.json beside the file
    says, or the first of STARTS that there is. Raises ValueError for a file that is no tokenizer, or a start that is no
    token of it.
    """

    def __init__(self, path: Path, start: str | None = None) -> None:
        from tokenizers import Tokenizer as Inner

        try:
            self.inner: Any = Inner.from_file(str(path))
        # the library raises bare exceptions
        except Exception as error:
            raise ValueError(f"{path} cannot be read as a tokenizer: {error}") from None
        self.inner.no_padding()
        self.inner.no_truncation()
        self.special = {i for i, token in self.inner.get_added_tokens_decoder().items() if token.special}
        settings = json.loads(self.inner.to_str())
        self.by_bytes = '"ByteLevel"' in json.dumps([settings["pre_tokenizer"], settings["decoder"]])
        config = _config(path.parent)
        self.start = self._first([start] if start is not None else [config.get("decoder_start_token_id"), *STARTS])
        if start is not None and self.start is None:
            raise ValueError(f"{path} has no token '{start}'")
        self.stop = next(iter(self._first([config.get("eos_token_id"), *STOPS]) or []), None)

    def source(self, text: str) -> list[int]:
        return list(self.inner.encode(text).ids)

    def target(self, text: str) -> list[int]:
        return [*(self.start or []), *self.inner.encode(text, add_special_tokens=False).ids]

    def words(self, ids: Sequence[int]) -> list[Word]:
        names = [self.inner.id_to_token(i) or str(i) for i in ids]
        if self.by_bytes:
            whole = [i in self.special or self.inner.id_to_token(i) is None for i in ids]
            return readable([None if w else _bytes(name) for w, name in zip(whole, names, strict=True)], names)
        return [Word(visible(name), i in self.special) for i, name in zip(ids, names, strict=True)]

    def text(self, ids: Sequence[int]) -> str:
        return str(self.inner.decode(list(ids)))

    def _first(self, tokens: Sequence[Any]) -> list[int] | None:
        """The first of these that is a token, by its name or number."""
        for token in tokens:
            known: int | None = self.inner.token_to_id(token) if isinstance(token, str) else None
            if known is None and str(token).isdecimal() and self.inner.id_to_token(int(token)) is not None:
                known = int(token)
            if known is not None:
                return [known]
        return None


class Numbers(Vocabulary):
    """No tokenizer: a text is the ids themselves, apart by spaces or commas, and nothing is put around them.

    start: the ids that a decoder begins with when it answers by itself.
    """

    def __init__(self, start: str | None = None) -> None:
        self.start = None if start is None else self.source(start)

    def source(self, text: str) -> list[int]:
        try:
            return [int(word) for word in text.replace(",", " ").split()]
        except ValueError:
            raise ValueError('there is no tokenizer.json, so give token ids, such as "12 7 300"') from None

    def target(self, text: str) -> list[int]:
        return self.source(text)

    def words(self, ids: Sequence[int]) -> list[Word]:
        return [Word(str(i)) for i in ids]

    def text(self, ids: Sequence[int]) -> str:
        return " ".join(map(str, ids))


def vocabulary_in(folder: Path, start: str | None = None) -> Vocabulary:
    """What stands beside a model's weights. Raises ValueError for a tokenizer that cannot be read."""
    path = folder / "tokenizer.json"
    if path.is_file():
        return FileVocabulary(path, start)
    return Numbers(start)


def _config(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    # the start of a target may be told in another way
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _bytes(name: str) -> bytes:
    try:
        return byte_level(name)
    # an added token of the user's own is written as it is
    except ValueError:
        return name.encode()
