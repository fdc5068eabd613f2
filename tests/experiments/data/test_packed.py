"""Documents side by side in a window: nothing is seen across them, and every token is a target once."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from blocks.position import T5, Learned, Rotary
from blocks.topology import Decoder, Encoder
from experiments.data import BadData, Bytes, Text
from registry.errors import SpecError

END = 256
DOCUMENTS = [b"one", b"and two", b"x", b"a longer one that a window cuts"]


def packed(folder: Path, **options: Any) -> Text:
    (folder / "t.txt").write_bytes(b"\n\n".join(DOCUMENTS))
    paths = {"train": str(folder / "t.txt"), "valid": str(folder / "t.txt")}
    return Text(0, **paths, documents="pack", **({"length": 12, "batch_size": 2} | options))


def test_windows_carry_the_number_of_the_document(tmp_path: Path) -> None:
    first, *_ = packed(tmp_path).eval_loader()
    assert first["tokens"][0].tolist() == [END, *b"one", END, *b"and two"]
    assert first["targets"][0].tolist() == [*b"one", END, *b"and two", END]
    assert first["segment"][0].tolist() == [1] * 4 + [2] * 8
    assert first["segment"][1].tolist() == [1] * 2 + [2] * 10


def test_every_token_is_a_target_once(tmp_path: Path) -> None:
    data = packed(tmp_path)
    targets = [int(t) for batch in data.eval_loader() for row in batch["targets"] for t in row]
    assert targets == [t for text in DOCUMENTS for t in [*text, END]]
    sizes = data.sizes()
    assert sum(int(sizes[t]) for t in targets) == sum(map(len, DOCUMENTS))
    assert data.about() | {"about": ""} == {
        "about": "",
        "train_bytes": 42,
        "valid_bytes": 42,
        "train_documents": 4,
        "valid_documents": 4,
        "train_tokens": 47,
        "valid_tokens": 47,
        "vocab": 257,
        "length": 12,
    }


@pytest.mark.parametrize("topology", [Decoder, Encoder])
@pytest.mark.parametrize("position", [Rotary, Learned, T5])
def test_no_token_attends_across_documents(topology: Any, position: Any, tmp_path: Path) -> None:
    """What a document gives within a window is what it gives alone."""
    data = packed(tmp_path)
    place = partial(position, length=12) if position is Learned else position
    net = topology(dim=16, layers=2, heads=2, vocab=data.vocab, position=place).double().eval()
    crossed = 0
    for batch in data.eval_loader():
        with torch.no_grad():
            together = net(batch["tokens"], segment=batch["segment"])
            apart = net(batch["tokens"])
        for tokens, segment, logits, wrong in zip(batch["tokens"], batch["segment"], together, apart, strict=True):
            for number in segment.unique():
                there = segment == number
                with torch.no_grad():
                    alone = net(tokens[None, there])[0]
                assert torch.allclose(logits[there], alone, rtol=0, atol=1e-12)
                crossed += not torch.allclose(wrong[there], alone, rtol=0, atol=1e-3)
    assert crossed > 0


def test_resumed_in_the_middle_of_a_pass(tmp_path: Path) -> None:
    def loader() -> Any:
        return packed(tmp_path, length=4).train_loader()

    whole = loader()
    taken = iter(whole)
    expected = [next(taken) for _ in range(11)]
    assert len(whole) == 5
    for start in (0, 3, 5, 10):
        again = loader()
        again.load_state_dict({"drawn": start})
        batch = next(iter(again))
        assert all(torch.equal(batch[name], expected[start][name]) for name in ("tokens", "targets", "segment"))


def test_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"data.order: packed documents do not continue each other"):
        packed(tmp_path, order="contiguous")
    assert packed(tmp_path).references() == []
    (tmp_path / "marks.txt").write_text("<end>\n\n<end>\n")
    with pytest.raises(BadData, match=r"marks.txt: there is no document, only lines that end one"):
        Text(0, train=str(tmp_path / "marks.txt"), documents="pack", separator="<end>").prepare()


def test_new_texts(tmp_path: Path) -> None:
    data = packed(tmp_path)
    rows = data.items("one").rows
    assert rows.batch(rows.keys(None))["tokens"].tolist() == [[END, *b"one"]]
    assert Bytes(("<eos>",)).vocab == data.vocab
