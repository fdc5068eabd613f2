"""Parameters and FLOPs against counts by hand, and on the meta device against the CPU's fused kernels."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from blocks.kernels.tiles import plan
from experiments import measure
from experiments.measure import facts, flops_per_token, parameters_by_part
from registry import assemble

DIM, HEADS, VOCAB, N = 32, 2, 11, 200
WIDTH = DIM // HEADS
# one layer: a feed-forward part of 4 times the width, and the logits
OUTSIDE = 2 * (2 * DIM * 4 * DIM) + 2 * DIM * VOCAB


def model(attention: Any, topology: str = "decoder", **options: Any) -> nn.Module:
    block = {"topology": topology, "dim": DIM, "layers": 1, "heads": HEADS, "vocab": VOCAB, "position": "none"}
    return assemble({**block, "attention": attention, **options})


def attention_flops(attention: Any, topology: str = "decoder") -> int:
    """For all N tokens and all heads, projections included."""
    return round(N * (flops_per_token(model(attention, topology), N) - OUTSIDE))


def projections(count: int) -> int:
    return N * count * 2 * DIM * DIM


def pairs(before: int, after: int) -> int:
    """Score entries that the band kernel computes: whole tiles."""
    return sum((block.q1 - block.q0) * (block.k1 - block.k0) for block in plan(N, before, after, None))


@pytest.mark.parametrize("topology", ["decoder", "encoder"])
def test_full(topology: str) -> None:
    assert attention_flops("full", topology) == projections(4) + HEADS * 2 * N * N * WIDTH * 2


def test_grouped_queries_project_less() -> None:
    assert attention_flops({"kind": "full", "kv_heads": 1}) == projections(3) + HEADS * 2 * N * N * WIDTH * 2


@pytest.mark.parametrize(("topology", "before", "after"), [("decoder", 15, 0), ("encoder", 8, 8)])
def test_window(topology: str, before: int, after: int) -> None:
    found = attention_flops({"kind": "full", "window": 16}, topology)
    assert found == projections(4) + HEADS * pairs(before, after) * 4 * WIDTH
    # no less than the band itself, and far from every pair
    assert HEADS * N * 15 * 4 * WIDTH < found - projections(4) < HEADS * N * N * 4 * WIDTH / 2


def test_longformer() -> None:
    # seven projections; the global token sees all keys through its own, and is seen by all through the local ones
    found = attention_flops({"kind": "longformer", "window": 16, "global_tokens": 1}, "encoder")
    own = N * 3 * 2 * DIM * DIM + 2 * DIM * DIM + N * 2 * 2 * DIM * DIM + N * 2 * DIM * DIM
    band, seen, sees = pairs(8, 8), N, N
    assert found == own + HEADS * (band + seen + sees) * 4 * WIDTH


def test_linear_bidirectional() -> None:
    # phi(k)^T v, and phi(q) of it; a column of ones in v gives the denominator
    assert attention_flops("linear", "encoder") == projections(4) + N * HEADS * 2 * (2 * WIDTH * (WIDTH + 1))


def test_linear_causal() -> None:
    chunks = [min(96, N - start) for start in range(0, N, 96)]
    # inside a chunk: scores and their sum of values, with a column of ones for the denominator
    inside = sum(2 * c * c * WIDTH + 2 * c * c * (WIDTH + 1) for c in chunks)
    # between chunks: all but the first read the state, and all but the last add to it
    between = (sum(chunks[1:]) + sum(chunks[:-1])) * 2 * WIDTH * (WIDTH + 1)
    assert attention_flops("linear") == projections(4) + HEADS * (inside + between)


def test_performer() -> None:
    features = 24
    # every query and key times the random directions, then as linear attention with that many features
    maps = 2 * 2 * WIDTH * features
    found = attention_flops({"kind": "performer", "features": features}, "encoder")
    assert found == projections(4) + N * HEADS * (maps + 2 * (2 * features * (WIDTH + 1)))


def test_performer_causal() -> None:
    features, chunks = 24, [min(96, N - start) for start in range(0, N, 96)]
    maps = N * 2 * 2 * WIDTH * features
    inside = sum(2 * c * c * features + 2 * c * c * (WIDTH + 1) for c in chunks)
    between = (sum(chunks[1:]) + sum(chunks[:-1])) * 2 * features * (WIDTH + 1)
    found = attention_flops({"kind": "performer", "features": features})
    assert found == projections(4) + HEADS * (maps + inside + between)


def test_bigbird() -> None:
    # the blocks at both ends see all keys; the others a window of three blocks, both ends and the random ones
    block, random = 8, 3
    inner = N // block - 2
    scores = 2 * block * N + inner * block * block * (3 + 2 + random)
    found = attention_flops({"kind": "bigbird", "block": block, "random": random}, "encoder")
    assert found == projections(4) + HEADS * scores * 4 * WIDTH


def test_bigbird_causal() -> None:
    # the first block sees itself; the others themselves and the block before, the first and the random ones
    block, random = 8, 3
    scores = block * block + (N // block - 1) * block * block * (2 + 1 + random)
    found = attention_flops({"kind": "bigbird", "block": block, "random": random})
    assert found == projections(4) + HEADS * scores * 4 * WIDTH


def test_transformer_xl_without_a_memory() -> None:
    assert attention_flops("transformer_xl") == projections(4) + HEADS * N * N * 4 * WIDTH


def test_relative_positions_cost_products_too() -> None:
    # the vectors of N distances are projected and meet every query, and a learned vector meets every key
    plain = flops_per_token(model("full"), N)
    more = N * (flops_per_token(model("full", position="transformer_xl"), N) - plain)
    assert more == 2 * N * DIM * DIM + HEADS * N * N * 2 * WIDTH + HEADS * N * 2 * WIDTH


def test_cross_attention_of_another_kind() -> None:
    plain = model("full", "encoder_decoder")
    built = model("full", "encoder_decoder", cross_attention="linear")
    per_head = 2 * (2 * WIDTH * (WIDTH + 1)) - 4 * N * WIDTH
    assert flops_per_token(built, N) - flops_per_token(plain, N) == HEADS * per_head


def test_convolutions_count() -> None:
    built = model("full", "encoder", vocab=None, embedding={"kind": "audio", "bins": 5}, head="hidden")
    convolutions = 2 * N * 2 * 5 * DIM * 3 + N * 2 * DIM * DIM * 3
    inside = N * 2 * (2 * DIM * 4 * DIM) + projections(4) + HEADS * N * N * 4 * WIDTH
    assert measure.flops(built, N) == convolutions + inside


PRODUCTS = {"mv", "addmv", "dot", "vdot", "addr", "outer", "inner", "matmul", "linear", "bilinear", "_addmm_activation"}
"""What multiplies matrices or vectors and is in no table of ours."""


class Seen(TorchDispatchMode):
    """The names of all operations that run."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.add(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


KINDS = [
    "full",
    {"kind": "full", "window": 16},
    {"kind": "full", "softcap": 5.0},
    {"kind": "longformer", "window": 16},
    {"kind": "bigbird", "block": 8},
    "linear",
    "performer",
]


@pytest.mark.parametrize("attention", [*KINDS, "transformer_xl"], ids=str)
def test_no_product_runs_uncounted(attention: Any) -> None:
    built = model(attention, position="rotary")
    for device in ("cpu", "meta"):
        with torch.device(device):
            on = model(attention, position="rotary") if device == "meta" else built
            with Seen() as seen, torch.no_grad():
                on.eval()(**on.example(1, N))
        assert {"mm", "bmm", "addmm"} & seen.names
        assert not seen.names & PRODUCTS


@pytest.mark.parametrize("attention", KINDS, ids=str)
@pytest.mark.parametrize("topology", ["decoder", "encoder"])
def test_nothing_that_the_cpu_computes_is_invisible(attention: Any, topology: str) -> None:
    """The real run on the CPU, fused kernels and all, counts the same as the one without computing."""
    built = model(attention, topology)
    assert measure._count(built, N, 1, torch.device("meta")) == measure._count(built, N, 1, torch.device("cpu"))


def test_a_source_counts_towards_its_target() -> None:
    built = model("full", "encoder_decoder")
    decoder = OUTSIDE + 8 * 2 * DIM * DIM + 2 * HEADS * 4 * N * WIDTH
    encoder = 2 * (2 * DIM * 4 * DIM) + 4 * 2 * DIM * DIM + HEADS * 4 * N * WIDTH
    assert flops_per_token(built, N) == decoder + encoder


def test_batches_cost_the_same_a_token() -> None:
    assert flops_per_token(model("full"), N, batch=3) == flops_per_token(model("full"), N)


def test_sequences_are_no_longer_than_the_positions() -> None:
    built = model("full", position={"kind": "learned", "length": 50})
    assert flops_per_token(built, N) == flops_per_token(built, 50) < flops_per_token(model("full"), N)


def test_the_model_is_left_as_it_was() -> None:
    built = model({"kind": "performer", "redraw": 1}, dropout=0.5)
    built.train()
    built.head.eval()
    before = {name: tensor.clone() for name, tensor in built.state_dict().items()}
    torch.manual_seed(0)
    state = torch.get_rng_state()
    flops_per_token(built, 8)
    assert built.training
    assert built.stack.training
    assert not built.head.training
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(tensor, before[name]) for name, tensor in built.state_dict().items())
    assert all(parameter.device.type == "cpu" for parameter in built.parameters())


def test_a_part_that_reads_its_numbers_is_counted_by_running_it() -> None:
    class Reads(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(VOCAB, DIM)
            self.inner = nn.Linear(DIM, DIM)

        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            x = self.table(tokens)
            return self.inner(x) if float(x.sum()) < 1e9 else x

        def example(self, batch: int, length: int) -> dict[str, torch.Tensor]:
            return {"tokens": torch.zeros(batch, length, dtype=torch.long)}

    assert flops_per_token(Reads(), 4) == 2 * DIM * DIM


def test_parameters_belong_to_the_innermost_part() -> None:
    built = model({"kind": "full", "qk_norm": "rms"}, embedding={"kind": "tokens", "norm": "layer"})
    found = parameters_by_part(built)
    assert found["attention"] == 4 * (DIM * DIM + DIM)
    # before attention and feed-forward, at the end, after the embedding; and two of the width of a head
    assert found["norm"] == 4 * 2 * DIM + 2 * WIDTH
    assert found["embedding"] == VOCAB * DIM
    assert sum(found.values()) == sum(p.numel() for p in built.parameters())
    assert list(found.values()) == sorted(found.values(), reverse=True)


def test_shared_parameters_count_once_and_own_ones_apart() -> None:
    assert "head" not in parameters_by_part(model("full"))
    assert parameters_by_part(model("full", head={"kind": "lm", "tied": False}))["head"] == VOCAB * DIM


def test_a_parameter_in_two_places_counts_once() -> None:
    twice = nn.ModuleList([nn.Linear(3, 2), nn.Linear(3, 2)])
    twice[1].weight = twice[0].weight
    assert parameters_by_part(twice) == {"model": 6 + 2 + 2}


def test_what_stands_in_no_part_belongs_to_the_model() -> None:
    assert parameters_by_part(nn.Linear(3, 2)) == {"model": 8}


def test_facts_are_what_a_summary_holds() -> None:
    built = model("full")
    assert facts(built, 7) == {
        "parameters_by_part": parameters_by_part(built),
        "flops_per_token": flops_per_token(built, 7),
    }
