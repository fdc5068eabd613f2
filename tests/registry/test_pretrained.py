"""Models with their weights, from and to folders."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

import registry
from registry import CheckpointError, SpecError, assemble, load_pretrained, save_pretrained
from registry.load import load
from registry.state import owned

GPT2: dict[str, Any] = {
    "topology": "decoder",
    "dim": 8,
    "layers": 2,
    "heads": 2,
    "vocab": 11,
    "position": {"kind": "learned", "length": 16},
    "norm": {"kind": "layer", "eps": 1e-4},
    "feedforward": {"kind": "mlp", "hidden": 12, "activation": "gelu_tanh"},
}
TOKENS = torch.arange(9)[None] % 11


def model(**changes: Any) -> nn.Module:
    """A small model in evaluation mode, with weights that differ from how it starts."""
    made = assemble({**GPT2, **changes}).eval()
    with torch.no_grad():
        for tensor in made.parameters():
            tensor.add_(0.3 * torch.randn_like(tensor))
    return made


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A folder in Hugging Face's layout."""
    save_pretrained(model(), tmp_path / "published", as_="gpt2")
    return tmp_path / "published"


def change_config(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def into_pieces(folder: Path) -> dict[str, str]:
    """Two files and an index, in the place of one."""
    weights = load_file(folder / "model.safetensors")
    names = sorted(weights)
    pieces = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for piece, held in pieces.items():
        save_file({name: weights[name] for name in held}, folder / piece)
    (folder / "model.safetensors").unlink()
    index = {name: piece for piece, held in pieces.items() for name in held}
    write_index(folder, index)
    return index


def write_index(folder: Path, index: Any) -> None:
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))


# our own format


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"head": {"kind": "lm", "tied": False, "bias": True}},
        {"attention": {"kind": "performer", "features": 4}},
        {"position": "alibi", "norm": "rms"},
        {"layers": ["a", "b"], "layer_types": {"a": {"attention": {"kind": "full", "window": 4}}, "b": {}}},
    ],
    ids=["plain", "untied", "buffers", "computed buffers", "layer types"],
)
def test_what_is_saved_is_loaded(tmp_path: Path, changes: dict[str, Any]) -> None:
    made = model(**changes).double()
    save_pretrained(made, tmp_path / "m")
    again = load_pretrained(tmp_path / "m")
    assert again.spec == made.spec and not again.training
    assert not any(tensor.is_meta for tensor in [*again.parameters(), *again.buffers()])
    assert torch.equal(again(TOKENS), made(TOKENS))
    assert all(p.requires_grad for p in again.parameters())


def test_the_spec_is_one_like_any_other(tmp_path: Path) -> None:
    made = model()
    save_pretrained(made, tmp_path / "m")
    assert load(tmp_path / "m" / "spec.yaml").full["model"] == made.spec
    assert sorted(file.name for file in (tmp_path / "m").iterdir()) == ["model.safetensors", "spec.yaml"]


def test_a_model_from_classes_needs_its_spec(tmp_path: Path) -> None:
    made = model()
    del made.spec
    with pytest.raises(ValueError, match="does not know its spec"):
        save_pretrained(made, tmp_path / "m")
    save_pretrained(made, tmp_path / "m", spec=GPT2)
    assert torch.equal(load_pretrained(tmp_path / "m")(TOKENS), made(TOKENS))


SHARING = '''
import torch
from torch import nn
from blocks.norm import Norm
from registry import part

@part("norm", "{kind}")
class Shared(Norm):
    """One weight for all norms."""
    one = None

    def __init__(self, dim: int) -> None:
        super().__init__()
        if Shared.one is None or Shared.one.is_meta:
            Shared.one = nn.Parameter(torch.ones(dim))
        self.weight = Shared.one

    def forward(self, x):
        return x * self.weight
'''


def test_a_parameter_in_many_places_is_stored_once_and_stays_one(tmp_path: Path) -> None:
    plugin = tmp_path / "sharing.py"
    plugin.write_text(SHARING.format(kind="all_one"))
    made = assemble({**GPT2, "norm": "all_one"}, plugins=[plugin])
    with torch.no_grad():
        made.get_parameter("stack.norm.weight").mul_(torch.arange(8.0))
    save_pretrained(made, tmp_path / "m", plugins=[plugin])
    stored = load_file(tmp_path / "m" / "model.safetensors")
    assert [name for name in stored if "norm" in name] == ["stack.layers.0.placement.in_norms.0.weight"]
    again = load_pretrained(tmp_path / "m", plugins=[plugin])
    first, last = (again.get_parameter(n) for n in ("stack.layers.0.placement.in_norms.0.weight", "stack.norm.weight"))
    assert first is last and torch.equal(first, torch.arange(8.0))
    with pytest.raises(SpecError, match="unknown norm 'all_one'"):
        load_pretrained(tmp_path / "m")


def test_weights_of_another_model_are_refused_in_full(tmp_path: Path) -> None:
    save_pretrained(model(), tmp_path / "m")
    path = tmp_path / "m" / "model.safetensors"
    weights = load_file(path)
    weights["extra"] = torch.ones(1)
    weights["stack.norm.weight"] = torch.ones(3)
    del weights["stack.layers.1.attention.out.bias"]
    save_file(weights, path)
    with pytest.raises(CheckpointError) as caught:
        load_pretrained(tmp_path / "m")
    said = str(caught.value)
    assert "missing: stack.layers.1.attention.out.bias" in said
    assert "surplus: extra (the model of spec.yaml has none)" in said
    assert "wrong shape: stack.norm.weight is [3], expected [8]" in said


def test_loading_draws_no_numbers_and_leaves_the_default_dtype(tmp_path: Path) -> None:
    save_pretrained(model().double(), tmp_path / "m")
    before = torch.get_rng_state()
    load_pretrained(tmp_path / "m")
    assert torch.equal(torch.get_rng_state(), before) and torch.get_default_dtype() == torch.float32


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_the_dtype_is_that_of_the_file_unless_asked(tmp_path: Path, dtype: torch.dtype) -> None:
    save_pretrained(model().to(dtype), tmp_path / "m")
    assert {p.dtype for p in load_pretrained(tmp_path / "m").parameters()} == {dtype}
    assert {p.dtype for p in load_pretrained(tmp_path / "m", dtype=torch.float32).parameters()} == {torch.float32}


@pytest.mark.parametrize("name", ["embedding", "stack.norm"])
def test_of_several_dtypes_the_widest_is_taken(tmp_path: Path, name: str) -> None:
    for whole, part in ((torch.bfloat16, torch.float32), (torch.float32, torch.bfloat16)):
        made = model().to(whole)
        made.get_submodule(name).to(part)
        save_pretrained(made, tmp_path / f"{whole}")
        assert {p.dtype for p in load_pretrained(tmp_path / f"{whole}").parameters()} == {torch.float32}


THIRD = '''
import torch
from blocks.norm import Norm
from registry import part

@part("norm", "third")
class Third(Norm):
    """A third, which is computed and not saved."""
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer("third", torch.ones(()) / 3, persistent=False)

    def forward(self, x):
        return x * self.third
'''


def test_what_is_computed_is_computed_for_the_dtype_of_the_weights(tmp_path: Path) -> None:
    plugin = tmp_path / "third.py"
    plugin.write_text(THIRD)
    made = assemble({**GPT2, "norm": "third"}, plugins=[plugin]).double()
    save_pretrained(made, tmp_path / "m", plugins=[plugin])
    again = load_pretrained(tmp_path / "m", plugins=[plugin])
    assert float(again.get_buffer("stack.norm.third")) == 1 / 3 != float(made.get_buffer("stack.norm.third"))


# folders


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    save_pretrained(model(), tmp_path / "empty")
    for taken in (tmp_path / "empty", tmp_path / "empty" / "spec.yaml"):
        with pytest.raises(SpecError, match="exists and is not empty"):
            save_pretrained(model(), taken)


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    with pytest.raises(OSError, match="no space"):
        save_pretrained(model(), tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_folder_of_weights(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="is not a folder"):
        load_pretrained(tmp_path / "nowhere")
    with pytest.raises(SpecError, match=r"has no model\.safetensors"):
        load_pretrained(tmp_path)
    save_file({"x": torch.ones(1)}, tmp_path / "model.safetensors")
    with pytest.raises(SpecError, match=r"neither spec\.yaml .* nor config\.json"):
        load_pretrained(tmp_path)
    (tmp_path / "config.json").write_text("[1]")
    with pytest.raises(SpecError, match="is not a JSON object"):
        load_pretrained(tmp_path)
    for text in ("{", '{"a":' * 10**5):
        (tmp_path / "config.json").write_text(text)
        with pytest.raises(SpecError, match="cannot be read"):
            load_pretrained(tmp_path)
    (tmp_path / "spec.yaml").write_text("data: {}\n")
    with pytest.raises(SpecError, match="has no `model:`"):
        load_pretrained(tmp_path)


def test_a_damaged_file_is_told(published: Path) -> None:
    path = published / "model.safetensors"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(SpecError, match=r"model\.safetensors is damaged"):
        load_pretrained(published)


class Trap:
    """A pickle that leaves a trace when it is read."""

    def __reduce__(self) -> Any:
        return (Path.touch, (Path("trace"),))


@pytest.mark.parametrize("name", ["pytorch_model.bin", "consolidated.pth", "model.pt", "last.ckpt"])
def test_pickles_are_refused_unread(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (published / "model.safetensors").unlink()
    (published / name).write_bytes(pickle.dumps(Trap()))
    with pytest.raises(
        SpecError, match=f"has {name} but no .* to read a pickle is to run the code .* safetensors version"
    ):
        load_pretrained(published)
    assert not Path("trace").exists()


# published families


def test_the_family_is_told_from_the_config(published: Path) -> None:
    assert load_pretrained(published).spec == load_pretrained(published, as_="gpt2").spec
    change_config(published, model_type="gtp2")
    with pytest.raises(SpecError, match=r"model_type 'gtp2', for which there is no conversion\. Did you mean 'gpt2'\?"):
        load_pretrained(published)
    change_config(published, model_type="")
    with pytest.raises(SpecError, match=r"says no model_type\. There are: .*gpt2"):
        load_pretrained(published)
    with pytest.raises(SpecError, match=r"there is no conversion 'gtp2'\. Did you mean 'gpt2'"):
        load_pretrained(published, as_="gtp2")


def test_pieces_of_a_matrix_do_not_hold_all_of_it(published: Path) -> None:
    for name, tensor in owned(load_pretrained(published)).items():
        assert tensor.is_contiguous() and tensor.untyped_storage().nbytes() == tensor.nbytes, name


def test_pieces_are_one_model(published: Path) -> None:
    whole = load_pretrained(published)
    into_pieces(published)
    pieces = owned(load_pretrained(published))
    assert all(torch.equal(tensor, pieces[name]) for name, tensor in owned(whole).items())


@pytest.mark.parametrize(
    "name", ["../a.safetensors", "/etc/a.safetensors", "sub/a.safetensors", "..\\a.safetensors", "a.bin", ""]
)
def test_an_index_cannot_lead_out_of_the_folder(published: Path, name: str) -> None:
    index = into_pieces(published)
    (published.parent / "a.safetensors").write_bytes((published / "a.safetensors").read_bytes())
    write_index(published, dict.fromkeys(index, name))
    with pytest.raises(SpecError, match="not a safetensors file of the same folder"):
        load_pretrained(published)


def test_an_index_that_promises_too_much(published: Path) -> None:
    index = into_pieces(published)
    write_index(published, {**index, "transformer.h.9.ln_1.bias": "a.safetensors"})
    with pytest.raises(SpecError, match=r"promises transformer\.h\.9\.ln_1\.bias, which no file has"):
        load_pretrained(published)
    (published / "b.safetensors").unlink()
    write_index(published, index)
    with pytest.raises(SpecError, match=r"has no b\.safetensors"):
        load_pretrained(published)
    for nothing in ({}, [], {"x": 1}):
        write_index(published, nothing)
        with pytest.raises(SpecError, match="has no weight_map"):
            load_pretrained(published)


def test_what_does_not_matter_travels_along(published: Path, tmp_path: Path) -> None:
    change_config(published, eos_token_id=7, summary_type="first", n_ctx=16)
    save_pretrained(load_pretrained(published), tmp_path / "own")
    save_pretrained(load_pretrained(tmp_path / "own"), tmp_path / "out", as_="gpt2")
    before, after = (json.loads((folder / "config.json").read_text()) for folder in (published, tmp_path / "out"))
    assert before == after
    save_pretrained(model(), tmp_path / "plain", as_="gpt2")
    assert "eos_token_id" not in json.loads((tmp_path / "plain" / "config.json").read_text())


def test_the_tensors_of_an_export_are_those_of_the_import(published: Path, tmp_path: Path) -> None:
    save_pretrained(load_pretrained(published), tmp_path / "out", as_="gpt2")
    before, after = (load_file(folder / "model.safetensors") for folder in (published, tmp_path / "out"))
    assert before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)


# models that a family cannot express


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"norm": "rms"}, r"model\.norm\.kind is 'rms', but would be read as 'layer'"),
        ({"norm": {"kind": "layer", "bias": False}}, r"model\.norm\.bias is False, but would be read as True"),
        ({"position": "alibi"}, r"model\.position 'alibi' has no option 'length'"),
        ({"position": {"kind": "learned", "length": 16, "offset": 2}}, r"model\.position\.offset is 2, .* as 0"),
        ({"attention": {"kind": "full", "window": 4}}, r"model\.attention\.window is 4, but would be read as None"),
        ({"attention": {"kind": "full", "kv_heads": 1}}, r"model\.attention\.kv_heads is 1, .* as None"),
        ({"placement": "post"}, r"model\.placement\.kind is 'post', but would be read as 'pre'"),
        ({"final_norm": False}, r"model\.final_norm is False"),
        ({"head": {"kind": "lm", "bias": True}}, r"model\.head\.bias is True"),
        ({"prefix": True}, r"model\.prefix is True"),
        ({"embedding": {"kind": "tokens", "scale": True}}, r"model\.embedding\.scale is True"),
        ({"feedforward": "swiglu"}, r"model\.feedforward\.kind is 'glu', .* as 'mlp'"),
        (
            {"layers": ["a", "a"], "layer_types": {"a": {"norm": "rms"}}},
            r"model\.layer_types\.a\.norm\.kind is 'rms', but would be read as None",
        ),
    ],
)
def test_each_option_in_the_way_is_named(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(CheckpointError, match=words) as caught:
        save_pretrained(assemble({**GPT2, **changes}), tmp_path / "out", as_="gpt2")
    assert "conversion 'gpt2' cannot express this model" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"attention": {"kind": "full", "kv_heads": 2, "head_dim": 4, "scale": 0.5}},
        {"feedforward": {"kind": "mlp", "hidden": None, "activation": "gelu_tanh"}},
        {"final_norm": True},
        {"init": "bert", "dropout": 0.3},
        {"layers": {"count": 2, "pattern": ["a"]}, "layer_types": {"a": {}, "b": {"norm": "rms"}}},
    ],
)
def test_other_words_for_the_same_model_are_as_good(tmp_path: Path, changes: dict[str, Any]) -> None:
    made = model(**changes)
    save_pretrained(made, tmp_path / "out", as_="gpt2")
    assert torch.equal(load_pretrained(tmp_path / "out")(TOKENS), made(TOKENS))


def test_a_preset_is_its_class(tmp_path: Path) -> None:
    llama = {**GPT2, "position": "rotary", "norm": "rms", "attention": {"kind": "full", "bias": False}}
    for feedforward in ("swiglu", {"kind": "glu", "activation": "silu"}):
        made = model(**{**llama, "feedforward": feedforward})
        save_pretrained(made, tmp_path / str(feedforward), as_="llama")
        assert torch.equal(load_pretrained(tmp_path / str(feedforward))(TOKENS), made(TOKENS))


# tables from outside

TABLE = '''
"""A family of my own."""
from blocks.conversion import Conversion, Rule, weights
from registry import part

@part("conversion", "{kind}", paper="mine")
class Mine(Conversion):
    """My old checkpoints."""
    model_type = "{model_type}"
    settings = {{"width": 8, "words": 11}}
    tiny = {{"width": 4}}

    def spec(self, config):
        c = self.read(config)
        sizes = {{"dim": c["width"], "layers": 1, "heads": 2, "vocab": c["words"]}}
        return {{"topology": "encoder", "position": "none", **sizes}}

    def config(self, model):
        return {{"width": model["dim"], "words": model["vocab"]}}

    def tensors(self, model):
        layer = "stack.layers.0"
        return [
            Rule("words", "embedding.table.weight"),
            *weights("n1", layer + ".placement.in_norms.0"),
            *weights("n2", layer + ".placement.in_norms.1"),
            *weights("n3", "stack.norm"),
            *weights("qkv", [layer + ".attention." + n for n in ("query", "key", "value")],
                     "(h (d + d + d)) i -> (h d) i, (h d) i, (h d) i"),
            *weights("out", layer + ".attention.out"),
            *weights("up", layer + ".feedforward.inner"),
            *weights("down", layer + ".feedforward.outer"),
        ]
'''


def test_a_table_of_ones_own(tmp_path: Path) -> None:
    plugin = tmp_path / "mine.py"
    plugin.write_text(TABLE.format(kind="mine", model_type="mine"))
    made = assemble({"topology": "encoder", "dim": 8, "layers": 1, "heads": 2, "vocab": 11, "position": "none"}).eval()
    save_pretrained(made, tmp_path / "out", as_="mine", plugins=[plugin])
    assert load_file(tmp_path / "out" / "model.safetensors")["qkv.weight"].shape == (24, 8)
    again = load_pretrained(tmp_path / "out", plugins=[plugin])
    assert torch.equal(again(TOKENS), made(TOKENS))
    with pytest.raises(SpecError, match=r"for which there is no conversion.* A table of your own .* as a plug-in"):
        load_pretrained(tmp_path / "out")


def test_a_table_that_makes_an_impossible_model_is_named(tmp_path: Path, published: Path) -> None:
    plugin = tmp_path / "mine.py"
    plugin.write_text(
        TABLE.format(kind="mine", model_type="gpt2").replace("c = self.read(config)", 'return {"topology": "decodr"}')
    )
    with pytest.raises(SpecError) as caught:
        load_pretrained(published, plugins=[plugin], as_="mine")
    first, second = str(caught.value).splitlines()[:2]
    assert first == f"{published / 'config.json'}: conversion 'gpt2' reads it as a model that cannot be built"
    assert "decodr" in second


def test_two_tables_for_one_family_have_to_be_told_apart(tmp_path: Path, published: Path) -> None:
    plugin = tmp_path / "mine.py"
    plugin.write_text(TABLE.format(kind="mine", model_type="gpt2"))
    with pytest.raises(SpecError, match="'gpt2', which gpt2 and mine read: say which one"):
        load_pretrained(published, plugins=[plugin])
    assert load_pretrained(published, plugins=[plugin], as_="gpt2").spec["dim"] == 8


def test_a_table_of_ones_own_passes_the_contract(tmp_path: Path) -> None:
    from blocks.contract import run_contract
    from registry.index import import_file

    (tmp_path / "mine.py").write_text(TABLE.format(kind="mine", model_type="mine"))
    import_file(tmp_path / "mine.py")
    assert [finding for finding in run_contract("conversion", "mine") if not finding.ok] == []


def test_the_package_offers_both() -> None:
    assert {"load_pretrained", "save_pretrained"} <= set(registry.__all__)


def test_a_dtype_by_its_name_and_none_that_weights_cannot_have(published: Path) -> None:
    assert next(load_pretrained(published, dtype="bfloat16").parameters()).dtype == torch.bfloat16
    for wrong in ("bfloat17", torch.int32):
        with pytest.raises(ValueError, match="dtype is a floating-point one"):
            load_pretrained(published, dtype=wrong)


def test_whole_numbers_are_no_weights(published: Path) -> None:
    path = published / "model.safetensors"
    weights = load_file(path)
    name = "transformer.h.0.ln_1.weight"
    save_file({**weights, name: weights[name].long()}, path)
    with pytest.raises(CheckpointError, match=r"in_norms\.0\.weight' is filled with int64 numbers"):
        load_pretrained(published)
