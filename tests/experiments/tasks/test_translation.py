"""Translation: the loss by hand, greedy decoding, and scores that are sacrebleu's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sacrebleu
import torch
from torch import Tensor

from blocks.generation import Decoding, generate
from blocks.topology import EncoderDecoder
from experiments.cli.specs import find_spec
from experiments.data import ParallelText
from experiments.optimizers import AdamW
from experiments.schedules import Constant
from experiments.tasks import Translation
from experiments.tasks.translation import overlap
from registry import SpecError
from registry.load import load

BOS, EOS = 257, 258
ROWS = ["in the beginning was the word\ten el principio era el verbo", "a b c d e\tf g h i j", "one\tuno"]


def greedy(model: EncoderDecoder, source: Tensor, source_valid: Tensor, most: int) -> list[list[int]]:
    """The plain form: one row at a time without padding, the whole prefix again for each token."""
    found = []
    for row, valid in zip(source, source_valid, strict=True):
        ids = [BOS]
        while len(ids) <= most and ids[-1] != EOS:
            logits = model(torch.tensor([ids]), source=row[valid][None])
            ids.append(int(logits[0, -1].argmax()))
        found.append([i for i in ids[1:] if i != EOS])
    return found


def test_a_decoder_that_sees_the_answer_is_refused() -> None:
    with pytest.raises(SpecError, match=r"task 'translation' cannot work with model\.decoder .*know the next one"):
        load(find_spec("translate"), ["model.decoder.causal=false"])


@pytest.fixture
def task(tmp_path: Path) -> Translation:
    """An untrained model, its weights large enough for different answers to different sources."""
    for name in ("train", "valid", "test"):
        (tmp_path / f"{name}.tsv").write_text("en\tes\n" + "\n".join(ROWS) + "\n")
    files = {name: str(tmp_path / f"{name}.tsv") for name in ("train", "valid", "test")}
    data = ParallelText(0, **files, length=30, batch_size=2)
    torch.manual_seed(1)
    model = EncoderDecoder(dim=16, layers=1, heads=2, vocab=data.vocab)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
    return Translation(model.eval(), data, AdamW(), Constant(), decode_batches=2)


def validate(task: Translation, split: str = "valid") -> dict[str, float]:
    """What Lightning does, without it."""
    task.begin(split)
    for i, batch in enumerate(task.data.eval_loader(split)):
        task.add(batch, i)
    return task.summarise({name: float(value.detach()) for name, value in task._sums.items()})


def test_scores_are_sacrebleu_s(task: Translation) -> None:
    metrics = validate(task)
    references = [row.split("\t")[1] for row in ROWS]
    found = [translation for translation, _ in task.translations]
    assert [reference for _, reference in task.translations] == references
    assert metrics["bleu"] == sacrebleu.corpus_bleu(found, [references]).score
    assert metrics["chrf"] == sacrebleu.corpus_chrf(found, [references]).score
    assert overlap([(r, r) for r in references]) == pytest.approx({"bleu": 100, "chrf": 100})
    assert 0 < overlap([("the principio era el verbo", references[0])])["bleu"] < 100


def test_translations_are_those_of_plain_greedy_decoding(task: Translation) -> None:
    validate(task)
    plain = [
        task.pairs.tokenizer.decode(ids)
        for batch in task.data.eval_loader()
        for ids in greedy(task.model, batch["source"], batch["source_valid"], most=30)
    ]
    assert [translation for translation, _ in task.translations] == plain
    assert len(set(plain)) == 3


def test_only_so_many_batches_are_decoded(task: Translation) -> None:
    task.decode_batches = 1
    validate(task)
    assert len(task.translations) == 2
    task.decode_batches = 0
    assert "bleu" not in validate(task)


def test_the_whole_test_split_is_translated_by_beam_search(task: Translation) -> None:
    task.decode_batches, task.beams = 1, 3
    greedy = [text for text, _ in _translated(task, "valid")]
    by_beams = _translated(task, "test")
    assert [reference for _, reference in by_beams] == [row.split("\t")[1] for row in ROWS]
    batches = list(task.data.eval_loader("test"))
    start = [torch.full((len(batch["source"]), 1), BOS) for batch in batches]
    ids = [
        generate(
            task.model,
            begins,
            Decoding(max_new_tokens=30, stop=EOS, beams=3, length_penalty=0.6),
            source=batch["source"],
            source_valid=batch["source_valid"],
        ).tolist()
        for begins, batch in zip(start, batches, strict=True)
    ]
    assert [text for text, _ in by_beams] == [task.pairs.tokenizer.decode(row) for rows in ids for row in rows]
    assert len(greedy) == 2 and greedy != [text for text, _ in by_beams[:2]]
    task.decode_batches = 0
    assert _translated(task, "test") == []


def _translated(task: Translation, split: str) -> list[tuple[str, str]]:
    validate(task, split)
    return list(task.translations)


def test_new_sources_are_answered(task: Translation) -> None:
    task.beams = 3
    batch = next(iter(task.data.eval_loader("test")))
    new = {name: batch[name] for name in ("source", "source_valid")}
    assert [found["translation"] for found in task.answers(new)] == task.translate(batch, 3)


def test_the_summary_holds_sacrebleu_s_signatures(task: Translation) -> None:
    facts = task.facts()
    assert facts["bleu_signature"].startswith("nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:")
    assert facts["chrf_signature"].startswith("nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:")
    task.decode_batches = 0
    assert task.facts() == {}


def test_loss_by_hand(task: Translation) -> None:
    (batch, _) = task.data.eval_loader()
    logp = task.logits(batch).detach().log_softmax(-1)
    each = [
        float(-0.9 * logp[b, n, batch["targets"][b, n]] - 0.1 * logp[b, n].mean())
        for b, n in batch["valid"].nonzero().tolist()
    ]
    assert float(task.loss(batch).detach()) == pytest.approx(sum(each) / len(each))
    assert task.count(batch) == len(each) == 29 + 10
    sums: dict[str, Any] = {k: float(v.detach()) for k, v in task.measure(batch).items()}
    # <eos> is a token to predict, but no byte of text
    assert (sums["tokens"], sums["bytes"]) == (39, 37)
