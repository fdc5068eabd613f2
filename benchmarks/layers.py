"""The attention layers that are compared: ours, and those of other packages where they are installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional

from blocks.attention import FullAttention, LinearAttention, Longformer, Performer
from blocks.masks import Causal, Full

WINDOW, GLOBALS, FEATURES, BLOCK = 512, 8, 256, 64

Run: TypeAlias = Callable[[Tensor], Tensor]
Make: TypeAlias = Callable[[int, int, bool], nn.Module | Run]


@dataclass(frozen=True)
class Contender:
    """One implementation of a kind. make(width, heads, causal) builds the layer: [b n m] -> [b n m].

    package: what must be installed, "" for torch and ourselves. causal: the directions it can do.
    longest: no longer input is tried. about: where it does not compute quite the same.
    """

    kind: str
    name: str
    make: Make
    package: str = ""
    causal: tuple[bool, ...] = (False, True)
    longest: int = 1 << 30
    about: str = ""

    @property
    def installed(self) -> bool:
        return not self.package or importlib.util.find_spec(self.package.replace("-", "_")) is not None


def ours(build: Callable[..., nn.Module]) -> Make:
    def make(width: int, heads: int, causal: bool) -> nn.Module:
        return _Masked(build(width, heads), causal)

    return make


def window(width: int, heads: int, causal: bool) -> nn.Module:
    """The same reach backwards in both directions."""
    return _Masked(FullAttention(width, heads, window=WINDOW // 2 if causal else WINDOW), causal)


class _Masked(nn.Module):
    def __init__(self, attention: nn.Module, causal: bool) -> None:
        super().__init__()
        self.attention, self.mask = attention, Causal() if causal else Full()

    def forward(self, x: Tensor) -> Tensor:
        return self.attention(x, mask=self.mask)  # type: ignore[no-any-return]


class _Sdpa(nn.Module):
    """Plain torch: projections around `scaled_dot_product_attention`."""

    def __init__(self, width: int, heads: int, causal: bool) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.heads, self.causal = heads, causal

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = rearrange(self.inner(x), "b n (three h d) -> three b h n d", three=3, h=self.heads)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        return self.outer(rearrange(mixed, "b h n d -> b n (h d)"))  # type: ignore[no-any-return]


class _MultiHead(nn.Module):
    def __init__(self, width: int, heads: int, causal: bool) -> None:
        super().__init__()
        self.attention, self.causal = nn.MultiheadAttention(width, heads, batch_first=True), causal

    def forward(self, x: Tensor) -> Tensor:
        n = x.shape[1]
        hidden = nn.Transformer.generate_square_subsequent_mask(n) if self.causal else None
        out = self.attention(x, x, x, attn_mask=hidden, is_causal=self.causal, need_weights=False)
        return out[0]  # type: ignore[no-any-return]


def _x_transformers(width: int, heads: int, causal: bool) -> Run:
    from x_transformers.x_transformers import Attention

    return Attention(dim=width, heads=heads, dim_head=width // heads, causal=causal, flash=True)  # type: ignore[no-any-return]


def _local(width: int, heads: int, causal: bool) -> Run:
    from local_attention import LocalMHA

    return LocalMHA(dim=width, heads=heads, dim_head=width // heads, window_size=WINDOW // 2, causal=causal)  # type: ignore[no-any-return]


class _HuggingFace(nn.Module):
    """A self-attention of transformers with the output projection that stands outside it there."""

    def __init__(self, attention: nn.Module, width: int, inputs: Callable[[int], dict[str, Any]]) -> None:
        super().__init__()
        self.attention, self.out, self.inputs = attention, nn.Linear(width, width), inputs

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.attention(x, **self.inputs(x.shape[1]))[0])  # type: ignore[no-any-return]


def _hf_longformer(width: int, heads: int, causal: bool) -> nn.Module:
    from transformers import LongformerConfig
    from transformers.models.longformer.modeling_longformer import LongformerSelfAttention

    config = LongformerConfig(
        hidden_size=width,
        num_attention_heads=heads,
        attention_window=[WINDOW],
        num_hidden_layers=1,
        attention_probs_dropout_prob=0.0,
    )

    def inputs(n: int) -> dict[str, Any]:
        leading = torch.arange(n).unsqueeze(0) < GLOBALS
        mask = torch.zeros(1, n).masked_fill(leading, 10000.0)
        return {
            "attention_mask": mask,
            "is_index_masked": mask < 0,
            "is_index_global_attn": leading,
            "is_global_attn": True,
        }

    return _HuggingFace(LongformerSelfAttention(config, 0), width, inputs)


def _hf_bigbird(width: int, heads: int, causal: bool) -> nn.Module:
    from transformers import BigBirdConfig
    from transformers.models.big_bird.modeling_big_bird import BigBirdBlockSparseAttention, BigBirdModel

    config = BigBirdConfig(
        hidden_size=width,
        num_attention_heads=heads,
        block_size=BLOCK,
        num_random_blocks=3,
        attention_probs_dropout_prob=0.0,
        max_position_embeddings=1 << 17,
    )

    def inputs(n: int) -> dict[str, Any]:
        blocked, band, rows, columns = BigBirdModel.create_masks_for_block_sparse_attn(torch.ones(1, n), BLOCK)
        return {
            "band_mask": band,
            "from_mask": rows,
            "to_mask": columns,
            "from_blocked_mask": blocked,
            "to_blocked_mask": blocked,
        }

    return _HuggingFace(BigBirdBlockSparseAttention(config, seed=0), width, inputs)


def _linear_transformer(width: int, heads: int, causal: bool) -> Run:
    from linear_attention_transformer.linear_attention_transformer import SelfAttention

    return SelfAttention(width, heads, causal=causal, dim_head=width // heads)  # type: ignore[no-any-return]


def _performer_pytorch(width: int, heads: int, causal: bool) -> Run:
    from performer_pytorch import SelfAttention

    return SelfAttention(width, heads=heads, dim_head=width // heads, nb_features=FEATURES, causal=causal)  # type: ignore[no-any-return]


LONGFORMER = partial(Longformer, window=WINDOW, global_tokens=GLOBALS)
PERFORMER = partial(Performer, features=FEATURES, redraw=0)

CONTENDERS = (
    Contender("full", "swapformer", ours(FullAttention)),
    Contender("full", "torch SDPA", _Sdpa),
    Contender("full", "torch MultiheadAttention", _MultiHead, longest=8192, about="keeps an n x n mask when causal"),
    Contender("full", "x-transformers", _x_transformers, "x-transformers", about="flash=True"),
    Contender("window", "swapformer", window),
    Contender("window", "local-attention", _local, "local-attention", about="blocks: the reach varies from 256 to 511"),
    Contender("longformer", "swapformer", ours(LONGFORMER)),
    Contender("longformer", "transformers Longformer", _hf_longformer, "transformers", (False,)),
    Contender(
        "longformer", "transformers BigBird", _hf_bigbird, "transformers", (False,), 8192, "blocks of 64, 3 random"
    ),
    Contender("linear", "swapformer", ours(LinearAttention)),
    Contender(
        "linear",
        "linear-attention-transformer",
        _linear_transformer,
        "linear-attention-transformer",
        longest=8192,
        about="bidirectional: softmax features",
    ),
    Contender("performer", "swapformer", ours(PERFORMER)),
    Contender(
        "performer",
        "performer-pytorch",
        _performer_pytorch,
        "performer-pytorch",
        longest=4096,
        about="causal: looks ahead through its stabiliser",
    ),
)
KINDS = tuple(dict.fromkeys(c.kind for c in CONTENDERS))
