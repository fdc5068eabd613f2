"""Trained models put to use: `run`, `predict`, `generate`, `evaluate` and `export`."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result

from experiments.cli.main import cli
from experiments.predicting import predictions
from experiments.trained import load_trained
from experiments.training.checkpoint_io import model_state, read_checkpoint
from registry.errors import SpecError
from registry.yaml_writer import dump_yaml

TRAINER = {"max_steps": 2, "limit_val_batches": 1}
SPECS: dict[str, dict[str, Any]] = {
    "text": {
        "model": {"topology": "decoder", "dim": 16, "layers": 1, "heads": 2},
        "data": {"kind": "text", "length": 16, "tokenizer": {"kind": "bpe", "vocab": 300}},
        "task": "causal_lm",
    },
    "pairs": {
        "model": {"topology": "encoder_decoder", "dim": 16, "layers": 1, "heads": 2},
        "data": {"kind": "parallel_text", "length": 16},
        "task": {"kind": "translation", "decode_batches": 0},
    },
    "classes": {
        "model": {"topology": "encoder", "dim": 16, "layers": 1, "heads": 2, "head": "classification"},
        "data": {"kind": "labelled_text", "length": 32},
        "task": "classification",
    },
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("runs")
    found = {}
    for name, spec in SPECS.items():
        path = root / f"{name}.yaml"
        path.write_text(dump_yaml({**spec, "trainer": TRAINER}))
        result = CliRunner().invoke(cli, ["run", str(path), "--out", str(root)])
        assert result.exit_code == 0, result.output
        (found[name],) = root.glob(f"{name}-*/")
    return found


def test_the_model_is_the_saved_one(runs: dict[str, Path]) -> None:
    for folder in runs.values():
        trained = load_trained(folder)
        saved = model_state(read_checkpoint(folder / "checkpoints" / "best.ckpt"))
        assert not trained.model.training
        assert read_checkpoint(folder / "checkpoints" / "best.ckpt")["spec"] == trained.spec
        assert all(torch.equal(value, saved[name]) for name, value in trained.model.state_dict().items())


@pytest.mark.parametrize("how", [[], ["--temperature", "1", "--top-k", "5", "--top-p", "0.9"], ["--beams", "2"]])
def test_text_is_continued_and_sentences_translated(runs: dict[str, Path], how: list[str]) -> None:
    for name in ("text", "pairs"):
        result = CliRunner().invoke(cli, ["generate", str(runs[name]), "The people", "-n", "8", *how])
        assert result.exit_code == 0, result.output
        assert result.output.startswith("The people") == (name == "text")


def test_sampling_repeats_with_its_seed(runs: dict[str, Path]) -> None:
    words = ["generate", str(runs["text"]), "The", "-n", "20", "--temperature", "2"]
    outputs = [CliRunner().invoke(cli, [*words, "--seed", seed]).output for seed in ("1", "1", "2")]
    assert outputs[0] == outputs[1] != outputs[2]


@pytest.mark.parametrize(
    ("name", "more", "words"),
    [
        ("classes", [], "does not predict tokens"),
        ("text", ["--beams", "3", "--temperature", "1"], "beam search does not sample"),
        ("text", ["--top-k", "3"], "what is sampled"),
    ],
)
def test_what_cannot_be_generated_is_refused(runs: dict[str, Path], name: str, more: list[str], words: str) -> None:
    result = CliRunner().invoke(cli, ["generate", str(runs[name]), "Yes", *more])
    assert result.exit_code == 2 and words in result.output


def test_an_empty_prompt_and_a_folder_that_is_no_run(runs: dict[str, Path], tmp_path: Path) -> None:
    assert "the prompt is empty" in CliRunner().invoke(cli, ["generate", str(runs["text"]), ""]).output
    with pytest.raises(SpecError, match="is no run"):
        load_trained(tmp_path)
    (tmp_path / "spec.yaml").write_text("model: {topology: decoder, dim: 8, heads: 2, vocab: 5}\n")
    with pytest.raises(SpecError, match=r"is a model without data, .*registry\.load_pretrained"):
        load_trained(tmp_path)


def test_a_finished_run_is_told_so_and_a_torn_summary_written_anew(runs: dict[str, Path]) -> None:
    folder = runs["text"]
    words = ["run", str(folder.parent / "text.yaml"), "--out", str(folder.parent)]
    again = CliRunner().invoke(cli, words)
    assert again.exit_code == 0 and "trained before: nothing is left to do" in again.output
    summary = folder / "summary.json"
    whole = json.loads(summary.read_text())
    summary.write_bytes(summary.read_bytes()[:40])
    mended = CliRunner().invoke(cli, words)
    assert mended.exit_code == 0 and "trained before" not in mended.output
    assert json.loads(summary.read_text())["metrics"] == whole["metrics"]


def test_a_run_with_a_part_of_ones_own_needs_its_file(tmp_path: Path) -> None:
    plugin = tmp_path / "mine.py"
    plugin.write_text(
        "from blocks.norm import Norm\nfrom registry import part\n\n"
        "@part('norm', 'mine')\nclass Mine(Norm):\n    '''Nothing.'''\n\n"
        "    def __init__(self, dim: int) -> None:\n        super().__init__()\n\n"
        "    def forward(self, x):\n        return x\n"
    )
    path = tmp_path / "own.yaml"
    path.write_text(dump_yaml({**SPECS["text"], "trainer": TRAINER}))
    words = ["run", str(path), "model.norm=mine", "--plugin", str(plugin), "--out", str(tmp_path)]
    assert CliRunner().invoke(cli, words).exit_code == 0
    (folder,) = tmp_path.glob("own-*/")
    refused = CliRunner().invoke(cli, ["generate", str(folder), "The", "-n", "2"])
    assert refused.exit_code == 2
    assert "unknown norm 'mine'" in refused.output and "--plugin" in refused.output
    assert CliRunner().invoke(cli, ["generate", str(folder), "The", "-n", "2", "--plugin", str(plugin)]).exit_code == 0


def use(*words: object, said: str | None = None) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words], input=said)


def test_a_class_is_told_of_a_text_a_file_and_lines_of_the_standard_input(
    runs: dict[str, Path], tmp_path: Path
) -> None:
    one = use("predict", runs["classes"], "a small bird that sings")
    assert one.exit_code == 0 and one.output.splitlines()[0].startswith("label ")
    lines = tmp_path / "lines.txt"
    lines.write_text("a small bird\na large city\n")
    out = tmp_path / "answers.jsonl"
    assert use("predict", runs["classes"], lines, "a town", "-o", out).exit_code == 0
    answers = [json.loads(line) for line in out.read_text().splitlines()]
    assert [answer["input"] for answer in answers] == ["a small bird", "a large city", "a town"]
    assert all(sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-5) for answer in answers)
    piped = use("predict", runs["classes"], "-", "-o", "-", said="a small bird\n\na large city\n")
    found = [json.loads(line) for line in piped.output.splitlines()]
    assert [answer["label"] for answer in found] == [answer["label"] for answer in answers[:2]]
    latin = CliRunner().invoke(cli, ["predict", str(runs["classes"]), "-"], input=b"a bird\ncaf\xe9\n")
    assert latin.exit_code == 2 and latin.output.startswith("a bird") and "standard input:2: not UTF-8" in latin.output
    # alone in its batch or not
    assert found[0]["probability"] == pytest.approx(answers[0]["probability"], abs=1e-5)


def test_a_file_s_name_may_be_a_text(runs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bird.txt").write_text("a large city\na town\n")
    assert len(use("predict", runs["classes"], "bird.txt", "-o", "-").output.splitlines()) == 2
    said = use("predict", runs["classes"], "--text", "bird.txt", "-o", "-").output.splitlines()
    assert [json.loads(line)["input"] for line in said] == ["bird.txt"]
    assert "there is no file no.txt, so it is read as a text" in use("predict", runs["classes"], "no.txt").output
    missing = use("predict", runs["classes"], "--file", "no.txt")
    assert missing.exit_code == 2 and "no such file" in missing.output


def test_a_bad_input_is_told_of_and_the_others_are_answered(runs: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9\n")
    out = tmp_path / "answers.jsonl"
    words = [
        "predict",
        runs["text"],
        "The people",
        tmp_path / "empty.txt",
        tmp_path / "latin.txt",
        "x",
        "We the people",
    ]
    result = use(*words, "-o", out)
    assert result.exit_code == 2
    for part in ("empty.txt: the file is empty", "latin.txt:1: not UTF-8", "x: too short", "2 answers"):
        assert part in result.output
    assert [json.loads(line)["input"] for line in out.read_text().splitlines()] == ["The people", "We the people"]
    again = use(*words, "-o", out)
    assert again.exit_code == 2 and "exists; --force writes over it" in again.output
    assert use(*words, "-o", out, "--force").exit_code == 2 and len(out.read_text().splitlines()) == 2


def test_nothing_is_half_written_and_nothing_that_was_done_is_lost(
    runs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from experiments.tasks import CausalLM

    real, calls = CausalLM.answers, []

    def failing(self: CausalLM, batch: dict[str, torch.Tensor]) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise MemoryError("no room")
        return real(self, batch)

    monkeypatch.setattr(CausalLM, "answers", failing)
    out = tmp_path / "answers.jsonl"
    assert use("predict", runs["text"], "one text", "two texts", "three texts", "-o", out).exit_code == 1
    assert [json.loads(line)["input"] for line in out.read_text().splitlines()] == ["one text", "two texts"]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_text_s_surprise_is_what_the_evaluation_counts(runs: dict[str, Path]) -> None:
    trained = load_trained(runs["text"])
    text = trained.data.raw("test").decode()[:300]
    (answer,) = [said.answer for said in predictions(trained, [text], pytest.fail)]
    ids = [int(i) for i in trained.data.tokenizer.encode(text.encode())]
    nats = []
    # each token from those before it in its window of 16, one forward pass a token
    for place in range(1, len(ids)):
        start = (place - 1) // 16 * 16
        logits = trained.model(torch.tensor([ids[start:place]]))[0, -1]
        nats.append(-float(logits.log_softmax(-1)[ids[place]].detach()))
    assert [entry["nats"] for entry in answer["tokens"]][1:] == pytest.approx(nats, abs=1e-4)
    assert answer["nats"] == pytest.approx(sum(nats), abs=1e-2)
    size = len(text.encode()) - len(trained.data.tokenizer.decode(ids[:1]).encode())
    assert answer["bits_per_byte"] == pytest.approx(sum(nats) / size / math.log(2), abs=1e-4)


def test_pictures_are_drawn_of_what_can_be_looked_at(runs: dict[str, Path], tmp_path: Path) -> None:
    result = use("predict", runs["text"], "The people of $5 & more", "We", "--figures", tmp_path / "figures")
    assert result.exit_code == 0, result.output
    names = sorted(path.name for path in (tmp_path / "figures").iterdir())
    assert names == ["0001-The-people-of-5-more.png", "0002-We.png"]
    assert (tmp_path / "figures" / names[0]).read_bytes().startswith(b"\x89PNG")
    assert "draws no pictures" in use("predict", runs["classes"], "a bird", "--figures", tmp_path / "none").output


@pytest.mark.parametrize("name", SPECS)
def test_an_evaluation_repeats_the_training_s_own_to_the_last_bit(runs: dict[str, Path], name: str) -> None:
    folder = runs[name]
    before = (folder / "summary.json").read_bytes()
    summary = json.loads(before)
    reported = {**summary["metrics"], **summary["best_metrics"]}
    for split in ("valid", "test"):
        assert use("evaluate", folder, "--split", split).exit_code == 0
        found = json.loads((folder / f"evaluation-{split}.json").read_text())
        assert found["metrics"] == {k: v for k, v in reported.items() if k.startswith(f"{split}/")} != {}
        assert found["step"] == summary["best_step"]
    assert (folder / "summary.json").read_bytes() == before


def test_an_evaluation_writes_what_the_model_says_to_every_row(runs: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "answers.jsonl"
    assert use("evaluate", runs["classes"], "-o", out).exit_code == 0
    answers = [json.loads(line) for line in out.read_text().splitlines()]
    trained = load_trained(runs["classes"])
    assert [answer["row"] for answer in answers] == list(range(len(trained.data.rows("test"))))


def test_a_model_is_used_without_its_training_files(tmp_path: Path) -> None:
    train, valid = tmp_path / "train.tsv", tmp_path / "valid.tsv"
    for path in (train, valid):
        path.write_text("text\tlabel\n" + "".join(f"word {i} of {i % 2}\t{'ab'[i % 2]}\n" for i in range(20)))
    spec = tmp_path / "own.yaml"
    data = {**SPECS["classes"]["data"], "train": str(train), "valid": str(valid), "tokenizer": "bpe"}
    spec.write_text(dump_yaml({**SPECS["classes"], "data": data, "trainer": TRAINER}))
    assert use("run", spec, "--out", tmp_path).exit_code == 0
    (folder,) = tmp_path.glob("own-*/")
    train.unlink()
    valid.unlink()
    assert use("predict", folder, "word 3").output.splitlines()[0].split()[0] == "label"
    refused = use("evaluate", folder, "--split", "valid")
    assert refused.exit_code == 2 and "no such file" in refused.output


def test_prompts_of_a_file_are_continued_as_each_alone(runs: dict[str, Path], tmp_path: Path) -> None:
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("The people of this country\nWe\n\nIt is\n")
    for name in ("text", "pairs"):
        out = tmp_path / f"{name}.jsonl"
        assert use("generate", runs[name], "--file", prompts, "-n", "6", "-o", out).exit_code == 0
        lines = [json.loads(line) for line in out.read_text().splitlines()]
        assert [line["input"] for line in lines] == ["The people of this country", "We", "It is"]
        for line in lines:
            alone = use("generate", runs[name], line["input"], "-n", "6").output.removesuffix("\n")
            assert alone == (line["input"] if name == "text" else "") + line["output"]
    (tmp_path / "none.txt").write_text("\n\n")
    assert "the file is empty" in use("generate", runs["text"], "--file", tmp_path / "none.txt").output
    assert "give a PROMPT" in use("generate", runs["text"]).output


def test_what_does_not_write_text_names_the_command_that_fits(runs: dict[str, Path]) -> None:
    said = use("generate", runs["classes"], "Yes").output
    assert "was trained on classification: see `swapformer predict" in said


def test_a_folder_with_weights_and_a_tokenizer_writes_too(runs: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "model"
    assert use("export", runs["text"], "-o", folder).exit_code == 0
    assert use("generate", folder, "3 4 5", "-n", "3").output.startswith("3 4 5")
    (folder / "tokenizer.json").write_bytes((runs["text"] / "tokenizer.json").read_bytes())
    same = [use("generate", where, "The people", "-n", "8").output for where in (folder, runs["text"])]
    assert same[0] == same[1]
    assert use("export", runs["classes"], "-o", tmp_path / "classes").exit_code == 0
    refused = use("generate", tmp_path / "classes", "Yes")
    assert refused.exit_code == 2 and "does not predict the next token" in refused.output


def test_a_graph_that_cannot_be_written_is_refused_with_the_reason(
    runs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import experiments.exporting as exporting

    def refuse(*_: object) -> None:
        raise exporting.CannotExport("what it computes depends on values")

    monkeypatch.setattr(exporting, "write_graph", refuse)
    refused = use("export", runs["classes"], "--as", "onnx", "-o", tmp_path / "out")
    assert refused.exit_code == 2 and "cannot be written as onnx: what it computes depends on values" in refused.output
