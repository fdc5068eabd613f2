"""Wrong specs, overrides and plug-ins: each told in words with its place and a remedy, and nothing is left behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import Result

Call = Callable[..., Result]

MODEL = "model: {topology: decoder, dim: 16, layers: 1, heads: 2}\n"


@dataclass(frozen=True)
class Bad:
    """A command line that is refused. says: what its message must contain; files: beside the spec."""

    name: str
    spec: str | bytes
    says: tuple[str, ...]
    more: tuple[str, ...] = ()
    files: tuple[tuple[str, str], ...] = ()


def model(options: str) -> str:
    return f"model: {{topology: decoder, dim: 16, layers: 1, heads: 2, {options}}}\n"


def sweep(options: str) -> str:
    return f"{MODEL}sweep: {options}\n"


TEXTS = [
    Bad("empty file", "", ("spec.yaml:1:1", "empty")),
    Bad("comment only", "# nothing yet\n", ("empty",)),
    Bad("list at the top", "- model\n- data\n", ("spec.yaml:1:1", "must be a mapping", "list")),
    Bad("word at the top", "model\n", ("must be a mapping",)),
    Bad("tab", "model:\n\ttopology: decoder\n", ("spec.yaml:2:1", "tabs cannot indent", "spaces")),
    Bad("wrong indentation", "model:\n    topology: decoder\n  dim: 16\n", ("spec.yaml:3:", "indentation")),
    Bad("unclosed brace", "model: {topology: decoder\n", ("spec.yaml:1:8", "never closed")),
    Bad("duplicate key", "seed: 1\n" + MODEL + "seed: 2\n", ("spec.yaml:3:1", "seed", "1")),
    Bad("two documents", MODEL + "---\n" + MODEL, ("spec.yaml:2:", "document")),
    Bad("tag", "model: !!python/object/apply:os.system [ls]\n", ("spec.yaml:1:8", "tag")),
    Bad("undefined alias", "model: *nowhere\n", ("spec.yaml:1:8", "nowhere")),
    Bad(
        "anchor that holds itself",
        "model: &m {topology: decoder, dim: 16, norm: *m}\n",
        ("spec.yaml:1:46", "inside its own anchor"),
    ),
    Bad("merge key", "a: &a {dim: 16}\nmodel: {<<: *a, topology: decoder}\n", ("spec.yaml:2:9", "<<", "base")),
    Bad(
        "alias bomb",
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefg", "bcdefgh", strict=True)),
        ("values",),
    ),
    Bad("deep nesting", "model: " + "[" * 500 + "]" * 500, ("nested deeper than 64",)),
    Bad("not UTF-8", b"model: \xff\xfe\n", ("not UTF-8", "save it as UTF-8")),
    Bad("UTF-16", MODEL.encode("utf-16"), ("UTF-16", "save it as UTF-8")),
    Bad("NUL", "model: \x00\n", ("U+0000",)),
    Bad("too large", "#" * 1_000_001, ("larger than",)),
    Bad("key that is a number", MODEL + "1: 2\n", ("spec.yaml:2:1", "text")),
]

VALUES = [
    Bad("unknown top-level key", "modle: {topology: decoder, dim: 16}\n" + MODEL, ("spec.yaml:1:1", "'model'")),
    Bad("unknown option", model("layrs: 3"), ("model.layrs", "Did you mean 'layers'?")),
    Bad("kind at the top", MODEL + "kind: decoder\n", ("spec.yaml:2:1", "topology")),
    Bad("look-alike letters", "m\u043edel: {topology: decoder, dim: 16}\n", ("look-alike", "'model'")),
    Bad("misspelt kind", model("attention: lngformer"), ("model.attention", "Did you mean 'longformer'?")),
    Bad("kind of another family", model("attention: rotary"), ("unknown attention 'rotary'", "kinds: bigbird, full")),
    Bad("option of another kind", model("attention: {kind: full, features: 2}"), ("an option of performer",)),
    Bad("option that a preset fixes", model("feedforward: {kind: swiglu, activation: relu}"), ("fixes 'activation'",)),
    Bad("missing kind", MODEL + "task: {label_smoothing: 0.1}\n", ("says no `kind`", "causal_lm, classification")),
    Bad("option that the default kind lacks", model("attention: {features: 8}"), ("attention 'full'", "of performer")),
    Bad("kind that is a number", model("attention: {kind: 3}"), ("unknown attention 3", "kinds: bigbird, full")),
    Bad("missing option", "model: {topology: decoder}\n", ("needs 'dim'", "a whole number >= 1")),
    Bad("missing model", "seed: 1\n", ("needs 'model'",)),
    Bad("text for a number", model("vocab: many"), ("spec.yaml:1:", "model.vocab", "a whole number", "'many'")),
    Bad("number in quotes", MODEL + "optimizer: {kind: adamw, lr: '1e-4'}\n", ("optimizer.lr", "leave out the quotes")),
    Bad("true for a number", model("vocab: true"), ("model.vocab", "a whole number")),
    Bad("one for true", model("prefix: 1"), ("model.prefix", "true or false")),
    Bad("yes for true", model("prefix: yes"), ("model.prefix", "Write true.")),
    Bad("fraction for a count", model("vocab: 1.5"), ("model.vocab", "a whole number", "1.5")),
    Bad("clock time", MODEL + "trainer: {max_steps: 1:30}\n", ("trainer.max_steps", "'1:30'")),
    Bad("negative count", model("vocab: -5"), ("model.vocab", ">= 1", "-5")),
    Bad("negative rate", MODEL + "optimizer: {kind: adamw, lr: -0.1}\n", ("optimizer.lr", "> 0")),
    Bad("zero steps", MODEL + "trainer: {max_steps: 0}\n", ("trainer.max_steps", ">= 1")),
    Bad("dropout of one", model("dropout: 1.0"), ("model.dropout", "< 1")),
    Bad("not a number", MODEL + "optimizer: {kind: adamw, lr: .nan}\n", ("spec.yaml:2:30", "NaN")),
    Bad("infinity", MODEL + "optimizer: {kind: adamw, lr: .inf}\n", ("spec.yaml:2:30", "infinity")),
    Bad("giant integer", MODEL + f"seed: {'9' * 26}\n", ("spec.yaml:2:7", "18 digits")),
    Bad("list for a mapping", MODEL + "optimizer: [adamw]\n", ("optimizer", "a list", "adamw")),
    Bad("mapping for a number", model("vocab: {a: 1}"), ("model.vocab", "a mapping")),
    Bad("word for a record", MODEL + "trainer: fast\n", ("trainer", "a mapping with", "'fast'")),
    Bad("word that is no choice", model("position: {kind: rotary, layout: halfs}"), ("Did you mean 'halves'?",)),
    Bad("name that leaves its folder", MODEL + "name: ../../x\n", ("name", "lower-case letters")),
    Bad("unknown logger", MODEL + "loggers: [tensorbord]\n", ("loggers.0", "Did you mean 'tensorboard'?")),
    Bad("unknown reference", model("vocab: '${model.nope}'"), ("model.nope",)),
    Bad("circle of references", MODEL + "seed: ${sed}\nsed: ${seed}\n", ("seed", "sed")),
    Bad("missing base", "base: [nowhere.yaml]\n" + MODEL, ("spec.yaml:1:8", "nowhere.yaml")),
    Bad("base in a circle", "base: spec.yaml\n" + MODEL, ("spec.yaml:1:7", "cycle")),
    Bad("absolute base", "base: /etc/passwd\n" + MODEL, ("spec.yaml:1:7", "absolute")),
]

PAIRS = [
    Bad(
        "position that the attention cannot honour",
        model("attention: performer, position: alibi"),
        (
            "spec.yaml:1:",
            "attention 'performer' cannot work with position 'alibi'",
            "score matrix",
            "bigbird, full, longformer, transformer_xl",
        ),
    ),
    Bad("prefix without a way to show it", model("attention: linear, prefix: true"), ("prefix", "works with", "full")),
    Bad(
        "attention that cannot read a source",
        "model: {topology: encoder_decoder, dim: 16, heads: 2, cross_attention: longformer}\n",
        ("model.cross_attention", "cross", "full, linear, performer"),
    ),
    Bad(
        "impossible pair in one type of layer",
        model("layer_types: {far: {attention: linear, position: t5}}"),
        ("model.layer_types.far", "cannot work with position 't5'"),
    ),
    Bad("width that heads cannot share", model("").replace("dim: 16", "dim: 15"), ("dim (15)", "heads (2)")),
    Bad("heads that key-value heads cannot share", model("attention: {kind: full, kv_heads: 3}"), ("kv_heads (3)",)),
    Bad("odd window", model("attention: {kind: longformer, window: 7}"), ("window (7)", "multiple of 2")),
    Bad(
        "task for another topology",
        "model: {topology: encoder, dim: 16, heads: 2}\ndata: text\ntask: causal_lm\n",
        ("encoder", "causal_lm", "decoder"),
    ),
]

OVERRIDES = [
    Bad("unknown path", MODEL, ("trainr", "trainer"), ("trainr.max_steps=3",)),
    Bad("unknown option in a path", MODEL, ("Did you mean 'heads'?",), ("model.head_s=3",)),
    Bad("no equals sign", MODEL, ("model.dim", "no '='", "path=value"), ("model.dim",)),
    Bad("plus before a path", MODEL, ("+model.dim=3", "path=value alone"), ("+model.dim=3",)),
    Bad("wrong value", MODEL, ("command line", "model.dim", "'wide'"), ("model.dim=wide",)),
    Bad("broken value", MODEL, ("model.attention={kind: full", "never closed"), ("model.attention={kind: full",)),
    Bad("two values", MODEL, ("model.dim", "16, 32"), ("model.dim=16, 32",)),
    Bad("append to what is no list", MODEL, ("not a list",), ("model.dim+=3",)),
    Bad("remove what is not set", MODEL, ("nothing is set", "optimizer.lr"), ("optimizer.lr=",)),
    Bad("step into a number", MODEL, ("'model.dim' is a number",), ("model.dim.x=3",)),
    Bad("impossible pair", MODEL, ("cannot work with",), ("model.attention=linear", "model.position=shaw")),
]

PLUGIN = """
from blocks.attention import Attention
from registry import part

@part("attention", "{kind}")
class Mine(Attention):
    "Mine."

    def __init__(self, dim: int, heads: int{options}) -> None:
        super().__init__()
"""


def plugin(kind: str, options: str = "") -> tuple[tuple[str, str], ...]:
    return (("mine.py", PLUGIN.format(kind=kind, options=options)),)


USE = ("--plugin", "mine.py")
PLUGINS = [
    Bad("missing plug-in", MODEL, ("no such plug-in file", "gone.py"), ("--plugin", "gone.py")),
    Bad("missing module", MODEL, ("cannot find", "no_such_module_at_all"), ("--plugin", "no_such_module_at_all")),
    Bad("plug-in that fails", MODEL, ("mine.py", "line 2", "ZeroDivisionError"), USE, (("mine.py", "x = 1\nx / 0\n"),)),
    Bad("plug-in that is no Python", MODEL, ("mine.py", "line 1", "SyntaxError"), USE, (("mine.py", "def (:\n"),)),
    Bad(
        "plug-in that imports nothing",
        MODEL,
        ("no_such_module_at_all",),
        USE,
        (("mine.py", "import no_such_module_at_all\n"),),
    ),
    Bad("kind that is taken", MODEL, ("mine.py", "'full'", "declared twice"), USE, plugin("full")),
    Bad("option without a type", MODEL, ("Mine", "'size'", "annotation"), USE, plugin("bare", ", *, size=3")),
    Bad(
        "option of a strange type", MODEL, ("Mine", "'size'", "complex"), USE, plugin("odd", ", *, size: complex = 1j")
    ),
    Bad("options without names", MODEL, ("Mine", "**kwargs"), USE, plugin("loose", ", **kwargs: int")),
    Bad(
        "spec that runs code", MODEL + "plugins: [mine.py]\n", ("spec.yaml:2:", "--trust", "mine.py"), (), plugin("any")
    ),
    Bad("plug-ins that are no list", MODEL + "plugins: mine.py\n", ("spec.yaml:2:", "a list"), (), plugin("any")),
    Bad(
        "trusted plug-in that is missing",
        MODEL + "plugins: [gone.py]\n",
        ("no such plug-in file", "gone.py"),
        ("--trust",),
    ),
]

SWEEPS = [
    Bad("axis that hits nothing", sweep("{axes: {model.atention: [full]}}"), ("model.atention", "'model.attention'")),
    Bad("axis below a part that has no such option", sweep("{axes: {model.dim.size: [1]}}"), ("model.dim.size",)),
    Bad("axis below a part that has no such option", sweep("{axes: {model.norm.epss: [1]}}"), ("'eps'",)),
    Bad("axis without values", sweep("{axes: {model.dim: []}}"), ("spec.yaml:2:", "no values")),
    Bad("axis with one value", sweep("{axes: {model.dim: 16}}"), ("sweep.axes.model.dim", "a list")),
    Bad("value twice", sweep("{axes: {model.dim: [16, 16]}}"), ("model.dim", "twice")),
    Bad("wrong value on an axis", sweep("{axes: {model.dim: [16, wide]}}"), ("model.dim", "'wide'")),
    Bad("misspelt kind on an axis", sweep("{axes: {model.norm: [layer, rmss]}}"), ("Did you mean 'rms'?",)),
    Bad("empty axes", sweep("{axes: {}}"), ("names no axis",)),
    Bad("seed as an axis", sweep("{axes: {seed: [0, 1]}}"), ("use sweep.seeds",)),
    Bad("no seeds", sweep("{axes: {model.dim: [16]}, seeds: 0}"), ("sweep.seeds", ">= 1")),
    Bad("baseline that is no axis", sweep("{axes: {model.dim: [16]}, baseline: {model.dm: 16}}"), ("'model.dim'",)),
    Bad("baseline of another value", sweep("{axes: {model.dim: [16]}, baseline: {model.dim: 32}}"), ("values: 16",)),
    Bad("baseline of no name", sweep("{variants: {a: {}}, baseline: b}"), ("spec.yaml:2:", "none of `variants`: a")),
    Bad(
        "lists of unequal length",
        sweep("{zip: [{model.dim: [16, 32], model.heads: [2, 4, 8]}]}"),
        ("spec.yaml:2:", "sweep.zip.0.model.heads", "model.heads has 3, model.dim has 2"),
    ),
    Bad(
        "axis that is zipped too",
        sweep("{axes: {model.dim: [16]}, zip: [{model.dim: [16, 32]}]}"),
        ("zip.0.model.dim", "is varied twice", "sweep.axes.model.dim"),
    ),
    Bad(
        "condition on nothing",
        sweep("{axes: {model.dim: {values: [16, 32], when: {model.nrm: rms}}}}"),
        ("when.model.nrm", "no axis and no setting", "'model.norm'"),
    ),
    Bad(
        "conditions in a circle",
        sweep("{axes: {model.dim: {values: [16, 32], when: {model.dim: 16}}}}"),
        ("model.dim", "lead in a circle"),
    ),
    Bad("labels that are too few", sweep("{axes: {model.dim: {values: [8, 16], labels: [a]}}}"), ("1 labels for 2",)),
    Bad(
        "distribution without ends",
        sweep("{random: {settings: {optimizer.lr: {}}, draws: 2}}"),
        ("spec.yaml:2:", "random.settings.optimizer.lr", "one of uniform, log_uniform, integers"),
    ),
    Bad(
        "distribution that begins with its end",
        sweep("{random: {settings: {optimizer.lr: {uniform: [2, 1]}}, draws: 2}}"),
        ("goes from 2 to 1", "the smaller number comes first"),
    ),
    Bad(
        "logarithm of nothing",
        sweep("{random: {settings: {optimizer.lr: {log_uniform: [0, 1]}}, draws: 2}}"),
        ("no logarithm", "use uniform"),
    ),
    Bad(
        "more draws than there are",
        sweep("{random: {settings: {model.dim: [16, 32]}, draws: 3}}"),
        ("sweep.random.draws", "only 2 different ones"),
    ),
    Bad(
        "override of no variant",
        sweep("{axes: {model.dim: [16]}, overrides: [{when: {model.norm: rms}, set: {optimizer.lr: 1.0}}]}"),
        ("sweep.overrides.0.when", "matches no variant", "none has model.norm = rms"),
    ),
    Bad(
        "override that makes two variants one",
        sweep("{axes: {model.dim: [16, 32]}, overrides: [{when: {model.dim: 16}, set: {model.dim: 32}}]}"),
        ("sweep.overrides.0.set", "[32] the label of two variants"),
    ),
    Bad("two names of one variant", sweep("{variants: {a: {}, b: {model.dim: 16}}}"), ("[a] and [b] are the same",)),
    Bad(
        "impossible pair in a strict sweep",
        sweep("{axes: {model.attention: [full, linear], model.position: [alibi]}, strict: true}"),
        ("sweep.strict", "[linear / alibi] cannot be trained", "score matrix"),
    ),
    Bad(
        "one seed to begin with",
        sweep("{axes: {model.dim: [16]}, seeds: {at_least: 1}}"),
        ("seeds.at_least", "least 2"),
    ),
    Bad("word for the seeds", sweep("{axes: {model.dim: [16]}, seeds: many}"), ("sweep.seeds", "auto")),
    Bad("tuned axis", sweep("{axes: {model.dim: [16]}, tune: {model.dim: [8]}}"), ("tune.model.dim", "varied twice")),
    Bad(
        "tuning of nothing", sweep("{axes: {model.dim: [16]}, tuning: {tries: 2}}"), ("sweep.tuning", "nothing to tune")
    ),
    Bad(
        "no number of tries",
        sweep("{axes: {model.dim: [16]}, tune: {optimizer.lr: [0.1]}, tuning: {search: random}}"),
        ("sweep.tuning", "needs `tries`"),
    ),
    Bad(
        "halving by one",
        sweep("{axes: {model.dim: [16]}, tune: {optimizer.lr: [0.1]}, tuning: {halving: 1}}"),
        ("sweep.tuning.halving", "at least 2"),
    ),
    Bad(
        "scaling along words", sweep("{axes: {model.norm: [rms, layer]}, scaling: model.norm}"), ("more than numbers",)
    ),
    Bad(
        "nothing left to train",
        sweep("{axes: {model.attention: [linear, performer], model.position: [alibi]}}"),
        ("no combination can be trained", "cannot work with position 'alibi'"),
    ),
]

ALL = [*TEXTS, *VALUES, *PAIRS, *OVERRIDES, *PLUGINS, *SWEEPS]


@pytest.mark.parametrize("bad", ALL, ids=lambda bad: bad.name)
def test_is_refused_in_words(bad: Bad, call: Call, own_folder: Path) -> None:
    Path("spec.yaml").write_bytes(bad.spec if isinstance(bad.spec, bytes) else bad.spec.encode())
    for name, content in bad.files:
        Path(name).write_text(content)
    before = sorted(own_folder.rglob("*"))
    result = call("check", "spec.yaml", *bad.more)
    assert result.exit_code == 2, result.output
    for words in bad.says:
        assert words in result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.output
    assert sorted(own_folder.rglob("*")) == before


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("spce.yaml", "Did you mean 'spec.yaml'?"),
        ("dmo", "Did you mean 'demo'?"),
        ("far/spec.yaml", "there is no folder 'far'"),
        ("folder", "this is a folder without a spec.yaml"),
        ("bert", "Did you mean 'bert-base' or 'bert-large'?"),
        ("nothing-alike", "`swapformer list specs` names the published systems too"),
    ],
)
def test_a_file_that_is_not_there(name: str, says: str, call: Call) -> None:
    Path("spec.yaml").write_text(MODEL)
    Path("folder").mkdir()
    result = call("check", name)
    assert result.exit_code == 2
    assert says in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_all_problems_are_told_together(call: Call) -> None:
    Path("spec.yaml").write_text(
        "model: {topology: decoder, dim: 15, heads: 2, attenton: full, norm: rsm}\n"
        "optimizer: {kind: adamw, lr: -1}\n"
        "trainer: {max_steps: many}\n"
        "data: {kind: text, length: 0}\n"
    )
    result = call("check", "spec.yaml", "schedule={kind: constant, warmup: -3}", "task.kind=causal")
    lines = result.stderr.splitlines()
    # two of them in the model itself: a misspelt key, and a width that the heads cannot share
    places = (
        "attenton",
        "model.attention",
        "model.norm",
        "optimizer.lr",
        "max_steps",
        "data.length",
        "schedule.warmup",
        "task",
    )
    assert [any(f": {place}" in line or f".{place}" in line for line in lines) for place in places] == [True] * 8
    assert len(lines) == 8


def test_a_mistake_does_not_hide_an_impossible_pair_elsewhere(call: Call) -> None:
    Path("spec.yaml").write_text(model("attention: linear, position: alibi") + "seed: one\n")
    lines = call("check", "spec.yaml").stderr.splitlines()
    assert len(lines) == 2
    assert "cannot work with position 'alibi'" in lines[0]
    assert "seed" in lines[1]


def test_the_same_words_from_every_command_that_takes_a_spec(call: Call) -> None:
    Path("spec.yaml").write_text(model("layrs: 3"))
    for command in ("check", "describe", "run", "sweep"):
        result = call(command, "spec.yaml")
        assert (command, result.exit_code) == (command, 2)
        assert "Did you mean 'layers'?" in result.stderr
    assert [path.name for path in Path().iterdir()] == ["spec.yaml"]


def test_debug_shows_the_traceback(call: Call) -> None:
    for arguments in (["--debug", "check", "nowhere.yaml"], ["check", "nowhere.yaml", "--debug"]):
        assert call(*arguments).exc_info[0].__name__ == "SpecError"
