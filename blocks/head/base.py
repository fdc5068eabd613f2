"""The head family: from the last hidden states to what the task wants."""

from collections.abc import Iterable
from typing import ClassVar

from torch import Tensor, nn

from blocks.coords import Coords
from blocks.embedding import Embedding, TokenEmbedding
from registry import Build, Need


class Head(nn.Module):
    """hidden: [b n m] -> logits; provides: what they are of.

    "tokens" [b n v], "classes" [b classes], "token classes" [b n classes], "spans" [b n 2], "boxes", "values",
    "vector" [b w] ...
    example_embedding: the kind of embedding that the contract tries the head with.
    """

    family: ClassVar[str] = "head"
    provides: ClassVar[frozenset[str]] = frozenset()
    needs: ClassVar[Iterable[Need]] = ()
    example_embedding: ClassVar[Build[Embedding]] = TokenEmbedding

    def forward(self, hidden: Tensor, at: Coords, embedding: Embedding) -> Tensor:
        """`embedding` is the model's, for heads that share its table."""
        raise NotImplementedError

    def beside(self, hidden: Tensor, at: Coords, embedding: Embedding) -> dict[str, Tensor]:
        """What the head says beside the logits, by name."""
        return {}

    def compare(self, a: Tensor, b: Tensor) -> Tensor:
        """How well the vectors of two texts, a and b [b w], go together; for heads that give one vector for each."""
        raise NotImplementedError(f"head '{type(self).__name__}' compares no vectors")


def shared_table(embedding: Embedding) -> Tensor:
    """The embedding's table [v m]. Raises ValueError where it has none."""
    if embedding.weight is None:
        raise ValueError(f"a tied head shares the table of the tokens, and {type(embedding).__name__} has none")
    return embedding.weight


def known_classes(kind: str, classes: int | None) -> int:
    """The number of classes. Raises ValueError when nobody has said it."""
    if classes is None:
        raise ValueError(f"head '{kind}' needs the number of classes: set model.head.classes, or give data")
    return classes
