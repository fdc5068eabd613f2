"""Fine-tuning from the terminal: what is loaded, taken over, kept still and told."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from fine_tuning import MODEL, TRAINER, Swapformer, fine_spec, planned, run_of, text_spec
from sweep_folder import write_sweep

from experiments.start.find import Found, find_source
from experiments.trained import load_trained
from experiments.training.checkpoint_io import model_state, read_checkpoint
from registry import assemble, load_pretrained, save_pretrained
from registry.errors import SpecError
from registry.yaml_reader import read_yaml

BODY = ["embedding", "decoder"]


def summary_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return found


def test_a_run_is_fine_tuned_with_its_own_tokenizer(swapformer: Swapformer) -> None:
    """Frozen, the body is that of the source to the last bit, and the optimizer knows the head alone."""
    said = swapformer("run", fine_spec({"path": "runs/lm", "freeze": BODY}), name="frozen").output
    assert "starts from runs/lm-" in said and "new: head.matrix.weight, head.matrix.bias" in said
    folder, source = run_of("frozen"), run_of("lm")
    assert (folder / "tokenizer.json").read_text() == (source / "tokenizer.json").read_text()
    spec = read_yaml(folder / "spec.yaml").value
    assert spec["data"]["tokenizer"] == {"kind": "file", "path": str(source / "tokenizer.json")}
    mine, theirs = (model_state(read_checkpoint(f / "checkpoints" / "best.ckpt")) for f in (folder, source))
    words = load_trained(source).data.tokenizer
    assert words is not None
    for name in theirs:
        rows = slice(words.vocab) if name == "embedding.table.weight" else slice(None)
        assert torch.equal(mine[name][rows], theirs[name]), name
    state = read_checkpoint(folder / "checkpoints" / "last.ckpt")["optimizer_states"][0]
    assert len(state["state"]) == 2
    found, report = summary_of(folder), json.loads((folder / "init_from.json").read_text())
    assert found["trainable_parameters"] == 2 * 16 + 2 < found["parameters"]
    assert found["init_from"] == {
        **{"path": "runs/lm", "source": f"{source} (step 2)", "content": spec["init_from"]["content"]},
        **{"loaded": 35, "new": 2, "left": 0, "resized": 1, "frozen": 35},
    }
    assert report["new"] == ["head.matrix.weight", "head.matrix.bias"]
    assert report["resized"] == {"embedding.table.weight": f"{words.vocab} of {words.vocab + 3} rows"}
    assert "stack.layers.0-1.attention.query.weight" in report["loaded"] and not report["left"]


def test_weights_in_hugging_faces_layout(swapformer: Swapformer) -> None:
    norm = {"kind": "layer", "eps": 1e-12}
    bert: dict[str, Any] = {
        "topology": "encoder",
        "dim": 16,
        "layers": 2,
        "heads": 2,
        "vocab": 259,
        "placement": "post",
    }
    bert |= {"embedding": {"kind": "tokens", "types": 2, "norm": norm}, "head": {"kind": "mlm", "norm": norm}}
    bert |= {"position": {"kind": "learned", "length": 32}, "norm": norm}
    torch.manual_seed(0)
    save_pretrained(assemble(bert), "bert", as_="bert")
    model = bert | {"vocab": None, "head": {"kind": "classification", "pool": "first"}}
    swapformer("run", fine_spec({"path": "bert", "freeze": ["embedding", "encoder"]}, model=model), name="hf")
    theirs, mine = load_pretrained("bert"), load_trained(run_of("hf")).model
    tokens = torch.randint(250, (2, 9))
    torch.testing.assert_close(mine.run(tokens).hidden, theirs.run(tokens).hidden)
    assert summary_of(run_of("hf"))["init_from"]["new"] == 2


def test_of_a_sweep_the_best_trial_or_the_one_that_is_named(swapformer: Swapformer) -> None:
    write_sweep(Path("runs/many"), done=3)
    trials = [Path("runs/many/trials") / name for name in ("t0", "t2")]
    for trial in trials:
        shutil.copytree(run_of("plain") / "checkpoints", trial / "checkpoints", dirs_exist_ok=True)
        shutil.copy(run_of("plain") / "spec.yaml", trial)
    assert find_source("runs/many") == Found(trials[0], "run")
    assert find_source("runs/many/t2") == Found(trials[1], "run")
    swapformer("run", fine_spec("runs/many"), name="after")
    assert summary_of(run_of("after"))["init_from"]["source"] == f"{trials[0]} (step 2)"
    write_sweep(Path("runs/none"), done=0)
    assert "no trial of this sweep has finished" in swapformer("check", fine_spec("runs/none"), code=2).output


@pytest.mark.parametrize(
    ("init_from", "more", "words"),
    [
        ("runs/lmm", {}, "init_from: there is no 'runs/lmm'. Did you mean 'lm'?"),
        ("lmm", {}, "there is no 'lmm'. Did you mean 'lm'?"),
        ("nowhere/lm", {}, "There is no folder 'nowhere'"),
        ("train.txt", {}, "not a checkpoint"),
        ("fine.yaml", {}, "holds no weights"),
        ("runs", {}, "runs is no run and holds no weights"),
        ("runs/lm", {"data": fine_spec(None)["data"] | {"tokenizer": "bytes"}}, "bytes is not the tokenizer that"),
        (
            "runs/plain",
            {"data": fine_spec(None)["data"] | {"tokenizer": "words"}},
            "Leave it out to take that one over",
        ),
        ("runs/lm", {"model": fine_spec(None)["model"] | {"dim": 8}}, "embedding.table.weight is ["),
        ({"path": "runs/lm", "freeze": ["decoder.layers.4-7"]}, {}, "nothing is called 'decoder.layers.4-7' here"),
        (
            {"path": "runs/lm", "freeze": ["embeding"]},
            {},
            "Did you mean 'embedding'? There are: embedding, embedding.table",
        ),
        ({"path": "runs/lm", "freeze": ["head"]}, {}, "head.matrix.weight, head.matrix.bias would stay as drawn"),
        (
            {"path": "runs/lm", "strict": True},
            {"model": fine_spec(None)["model"] | {"layers": 3}},
            "strict: the source has",
        ),
        ({"path": "runs/lm", "lora": {"targets": ["attention.querry"]}}, {}, "Did you mean 'attention.query'?"),
        (
            {"path": "runs/lm", "lora": {}},
            {"model": fine_spec(None)["model"] | {"layers": 3}},
            "adapters leave stack.layers.2",
        ),
        ({"path": "runs/lm", "only": ["ears"]}, {}, "init_from.only: nothing is called 'ears'"),
        ({"path": "runs/lm", "frooze": ["x"]}, {}, "has no option 'frooze'. Did you mean 'freeze'?"),
        ({"freeze": ["x"]}, {}, "path"),
    ],
)
def test_what_is_refused(swapformer: Swapformer, init_from: Any, more: dict[str, Any], words: str) -> None:
    with pytest.raises((SpecError, ValueError)) as caught:
        planned(fine_spec(init_from, **more))
    assert words in str(caught.value)


def test_a_mistake_has_its_place_and_leaves_no_folder(swapformer: Swapformer) -> None:
    before = sorted(Path("runs").glob("*"))
    for init_from, words in (
        ("runs/lmm", "fine.yaml:"),
        ({"path": "runs/lm", "freeze": ["embeding"]}, "init_from.freeze"),
    ):
        assert words in swapformer("run", fine_spec(init_from), code=2).output
    assert sorted(Path("runs").glob("*")) == before


def test_two_runs_of_one_name_are_told_apart(swapformer: Swapformer) -> None:
    for seed in (0, 1):
        swapformer("run", text_spec(seed=seed), name="twice")
    output = swapformer("check", fine_spec("runs/twice"), code=2).output
    assert "2 runs are named 'twice': runs/twice-" in output


def test_a_checkpoint_without_its_tokenizer_is_refused(swapformer: Swapformer, tmp_path: Path) -> None:
    alone = shutil.copy(run_of("lm") / "checkpoints" / "best.ckpt", tmp_path)
    with pytest.raises(SpecError, match="was trained with the tokenizer bpe, which is not beside it"):
        planned(fine_spec(str(alone)))


def test_another_tokenizer_by_choice(swapformer: Swapformer) -> None:
    data = fine_spec(None)["data"] | {"tokenizer": "bytes"}
    swapformer("run", fine_spec({"path": "runs/lm", "tokenizer": "own"}, data=data), name="own")
    assert json.loads((run_of("own") / "init_from.json").read_text())["new"][0] == "embedding.table.weight"


def test_what_check_looks_at_needs_no_torch() -> None:
    code = "import sys, experiments.start.placing, experiments.start.settling; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_published_spec_starts_from_nothing(swapformer: Swapformer) -> None:
    """What is null is no part of a trial's id."""
    from experiments.trial_spec import content

    assert "init_from" not in content({"model": MODEL, "init_from": None})
    assert content({"init_from": {"path": "a", "content": "1"}}) == content(
        {"init_from": {"path": "b", "content": "1"}}
    )
    assert content({"init_from": "a"}) != content({"init_from": "b"})
    assert TRAINER
