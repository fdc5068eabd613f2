"""The conversion family: how a published checkpoint family names, lays out and configures what is a model of ours."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from blocks.conversion.block import Block, Settings
from blocks.conversion.bookkeeping import BOOKKEEPING, OFF, OTHER_TASKS
from blocks.conversion.plan import Line, Plan
from registry.checkpoint_errors import CheckpointError, Shape


class Conversion:
    """Reads and writes the checkpoints of one family of published models; knows nothing of files.

    A table is a subclass with class attributes and three methods. GPT-NeoX's attention, for example, whose query, key
    and value stand in one matrix, head by head:

        @part("conversion", "gpt_neox", paper="Black et al. 2022, arXiv 2204.06745")
        class GPTNeoX(Conversion):
            model_type = "gpt_neox"
            architectures = ("GPTNeoXForCausalLM",)
            settings = {"hidden_size": 6144, "num_attention_heads": 64, ..., "tie_word_embeddings": False}
            fixed = {"use_parallel_residual": True}
            tiny = {"hidden_size": 32, "num_attention_heads": 4, ...}

            def spec(self, config):
                c = self.read(config)
                return {"topology": "decoder", "dim": c["hidden_size"], "heads": c["num_attention_heads"], ...}

            def config(self, model):
                return {"hidden_size": model["dim"], "num_attention_heads": model["heads"], ...}

            def tensors(self, model):
                theirs, ours = "gpt_neox.layers.{n}.attention", "stack.layers.{n}.attention"
                return [
                    Rule("gpt_neox.embed_in.weight", "embedding.table.weight"),
                    *weights(
                        f"{theirs}.query_key_value",
                        [f"{ours}.query", f"{ours}.key", f"{ours}.value"],
                        "(h (d + d + d)) i -> (h d) i, (h d) i, (h d) i",
                    ),
                    *weights(f"{theirs}.dense", f"{ours}.out"),
                    Ignored(f"{theirs}.rotary_emb.inv_freq"),
                    ...
                ]

    More layouts, each also for the bias, whose layout follows from the weight's:

        "i o -> o i"                                                    GPT-2: matrices stored as (in, out)
        "(h d + g d + g d) i -> (h d) i, (g d) i, (g d) i"              Phi-3: stacked, with fewer keys than queries
        "(g (r d + d + d)) i -> (g r d) i, (g d) i, (g d) i"            Falcon: for each key its r queries
        "(f + f) i -> f i, f i"                                         gate and inner matrix in one
        Rule("...q_norm.weight", "...q_norm.{h}.weight", "h d -> d")    one tensor for parameters of each head
        Rule("...experts.{e}.w1.weight", "...inner", "f i -> e f i")    a tensor for each expert, ours stacked

    The sizes of h, g, r, d, m, v follow from the model (`lengths`), others from the shapes of our parameters.
    A rule whose parameters the model lacks does nothing, so a table needs no `if` for biases, heads or tying.

    model_type, architectures: as in config.json. settings: the keys of config.json that `spec` reads, with the defaults
    of the reference. fixed: keys that must have this value, since nothing else is implemented; a tuple is a choice.
    harmless: more keys, with `*`, that do not change what the model computes. Any other key is refused by its name.
    prefix: in front of names, there or not. renamed: pieces of names in older files -> their form in the rules.
    tiny: settings of a very small model, every size another number, for tests.
    reads: more values of model_type that mean the same.

    Their names are those in the files, which need not be those in the code that reads them (transformers renames some);
    ours are those of `model.state_dict()`. What families share is in the modules beside this one: `keys` (settings
    under other names), `names` (rules of a Llama-like layer), `rope`, `windows` (layers of two kinds), `words`
    (activations), and for whole lines `encoders` (BERT's) and `seq2seq` (BART's). A family that differs from another in
    its names alone is a subclass of that one's table, with a model_type, architectures and declaration of its own.

    `contract_tests("conversion", kind)` of blocks.contract tries a table on its tiny model.
    """

    family: ClassVar[str] = "conversion"
    usage: ClassVar[str] = "swapformer import FOLDER --as {kind} -o NEW_FOLDER"
    model_type: ClassVar[str]
    architectures: ClassVar[tuple[str, ...]] = ()
    settings: ClassVar[Mapping[str, Any]] = {}
    fixed: ClassVar[Mapping[str, Any]] = {}
    harmless: ClassVar[tuple[str, ...]] = ()
    prefix: ClassVar[str] = ""
    renamed: ClassVar[Mapping[str, str]] = {}
    tiny: ClassVar[Mapping[str, Any]] = {}
    reads: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # what several families share has no type of its own
        own = [cls.model_type] if hasattr(cls, "model_type") else []
        # of its own: a table made from another one does not read that one's files as well
        cls.reads = tuple(dict.fromkeys([*own, *vars(cls).get("reads", ())]))

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Our model block for a config.json; starts with `self.read(config)`."""
        raise NotImplementedError

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        """The settings of config.json for a full model block of ours.

        It may be taken to be of this family: `save_pretrained` refuses a model that reading them would not give back.
        """
        raise NotImplementedError

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        """Names and layouts of the tensors, for a full model block of ours."""
        raise NotImplementedError

    def lengths(self, model: Mapping[str, Any]) -> dict[str, int]:
        """Sizes of axes: h heads, g key-value heads, r = h / g, d head width, m model width, v vocabulary."""
        attention = model["attention"]
        h, g = model["heads"], attention.get("kv_heads") or model["heads"]
        d = attention.get("head_dim") or model["dim"] // h
        known = {"h": h, "g": g, "r": h // g, "d": d, "m": model["dim"], "v": model["vocab"]}
        return {axis: size for axis, size in known.items() if size is not None}

    def config_json(self, model: Mapping[str, Any]) -> dict[str, Any]:
        """A whole config.json for a full model block.

        Raises CheckpointError for an option or a value that the family has no word for. That reading the result gives
        the model back is for the caller to see.
        """
        try:
            settings = self.config(Block(model))
        except KeyError as missing:
            raise CheckpointError(f"{self.name} has no word for {missing}") from None
        except CheckpointError as error:
            raise CheckpointError(f"{self.name} cannot express this model: {error}") from None
        except NotImplementedError:
            raise CheckpointError(f"{self.name} reads and does not write: it has no `config`") from None
        fixed = {key: value[0] if isinstance(value, tuple) else value for key, value in self.fixed.items()}
        return {"architectures": list(self.architectures), "model_type": self.model_type, **fixed, **settings}

    def read(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """The settings of a config.json, with the reference's defaults for those that it leaves out.

        Raises CheckpointError, naming each key, for what the table does not implement.
        """
        if config.get("model_type", self.model_type) not in self.reads:
            kinds = ", ".join(self.reads)
            raise CheckpointError(f"{self.name}: model_type is '{config['model_type']}', this table reads {kinds}")
        lines = [
            f"architecture {name} is not implemented, only {', '.join(self.architectures)}"
            for name in config.get("architectures") or ()
            if name.endswith(OTHER_TASKS) and name not in self.architectures
        ]
        fixed = {**OFF, **self.fixed}
        for key, value in config.items():
            if key in self.settings:
                continue
            if key in fixed:
                choices = fixed[key] if isinstance(fixed[key], tuple) else (fixed[key],)
                if value not in choices:
                    wanted = " or ".join(map(repr, choices))
                    lines.append(f"{key}: {value!r} is not implemented, only {wanted}")
            elif not self.is_harmless(key):
                lines.append(f"{key}: {value!r} is not known; if it does not change what is computed, remove it")
        if lines:
            raise CheckpointError("\n  ".join([f"{self.name}: config.json cannot be read", *lines]))
        return Settings({**self.settings, **config}, self.name)

    def notes(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """What a config.json says that the model does not depend on, to be written again by an export."""
        ours = ("architectures", "auto_map", "dtype", "model_type", "torch_dtype", "transformers_version")
        return {
            key: value
            for key, value in config.items()
            if self.is_harmless(key) and key not in ours and not key.startswith("_")
        }

    def is_harmless(self, key: str) -> bool:
        """Whether a key of config.json is known not to change what the model computes."""
        return any(fnmatch.fnmatchcase(key, pattern) for pattern in (*BOOKKEEPING, *self.harmless))

    def choose(self, choices: Mapping[Any, Any], config: Mapping[str, Any], key: str) -> Any:
        """Our word for the value of a setting. Raises CheckpointError for a value that has none."""
        if config[key] not in choices:
            known = ", ".join(map(str, choices))
            raise CheckpointError(f"{self.name}: {key}: {config[key]!r} is not implemented, only {known}")
        return choices[config[key]]

    def plan(self, model: Mapping[str, Any], shapes: Mapping[str, Shape]) -> Plan:
        """The table applied to the model of a full block, with parameters of these shapes.

        Raises CheckpointError for a rule that is wrong, and unless each parameter has exactly one.
        """
        try:
            lines = self.tensors(Block(model))
        except CheckpointError:
            raise
        # a layout that cannot be read
        except ValueError as error:
            raise CheckpointError(f"{self.name}: {error}") from None
        return Plan.make(
            self.model_type,
            lines,
            shapes,
            self.lengths(model),
            prefix=self.prefix,
            renamed=self.renamed,
        )

    @property
    def name(self) -> str:
        """For messages."""
        return f"conversion '{self.model_type}'"
