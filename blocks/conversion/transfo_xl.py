"""Checkpoints of Transformer-XL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blocks.conversion.base import Conversion
from blocks.conversion.plan import Line
from blocks.conversion.rule import Ignored, Rule, Tied, weights
from registry import part
from registry.checkpoint_errors import CheckpointError


@part(
    "conversion",
    "transfo_xl",
    paper="Dai et al. 2019, arXiv 1901.02860; names and settings of transformers' TransfoXLLMHeadModel",
)
class TransfoXL(Conversion):
    """Transformer-XL: post-norm decoder with a memory, relative positions, plain or adaptive embedding and softmax.

    The memory starts with zeros, as in transformers (up to version 4) and the authors' TensorFlow code; where it should
    start empty, as in their PyTorch code, set model.attention.start after reading. Files of that code itself have other
    names, and the entries of the clusters in reverse order; they are not read.
    """

    model_type = "transfo-xl"
    architectures = ("TransfoXLLMHeadModel",)
    settings = {
        "vocab_size": 267735,
        "cutoffs": [20000, 40000, 200000],
        "d_model": 1024,
        "d_embed": 1024,
        "n_head": 16,
        "d_head": 64,
        "d_inner": 4096,
        "div_val": 4,
        "pre_lnorm": False,
        "n_layer": 18,
        "mem_len": 1600,
        "clamp_len": 1000,
        "same_length": True,
        "proj_share_all_but_first": True,
        "tie_projs": None,
        "dropout": 0.1,
        "dropatt": 0.0,
        "untie_r": True,
        "layer_norm_epsilon": 1e-5,
        "tie_word_embeddings": True,
    }
    fixed = {"attn_type": 0, "sample_softmax": -1, "ext_len": 0, "tie_weight": True}
    # there is no other way than the adaptive one, which has one cluster where there are no cutoffs
    harmless = ("adaptive", "init", "init_range", "init_std", "proj_init_std", "tgt_len")
    tiny = {
        "vocab_size": 23,
        "cutoffs": [5, 11],
        "d_model": 12,
        "d_embed": 16,
        "n_head": 3,
        "d_head": 5,
        "d_inner": 14,
        "div_val": 2,
        "n_layer": 2,
        "mem_len": 7,
        "clamp_len": 6,
    }

    def spec(self, config: Mapping[str, Any]) -> dict[str, Any]:
        c = self.read(config)
        return {
            "topology": "decoder",
            "dim": c["d_model"],
            "layers": c["n_layer"],
            "heads": c["n_head"],
            "vocab": c["vocab_size"],
            "attention": {
                "kind": "transformer_xl",
                "memory": c["mem_len"],
                "head_dim": c["d_head"],
                "same_length": c["same_length"],
                "start": "zeros",
                "dropout": c["dropatt"],
            },
            "position": {
                "kind": "transformer_xl",
                "untie": c["untie_r"],
                "clamp": c["clamp_len"] if c["clamp_len"] > 0 else None,
                "dropout": c["dropout"],
            },
            "norm": {"kind": "layer", "eps": c["layer_norm_epsilon"]},
            "placement": "pre" if c["pre_lnorm"] else "post",
            "final_norm": False if c["pre_lnorm"] else None,
            "feedforward": {"kind": "mlp", "hidden": c["d_inner"], "activation": "relu", "dropout": c["dropout"]},
            **self._ends(c),
            "dropout": c["dropout"],
            "final_dropout": c["dropout"],
            "init": "normal",
        }

    def config(self, model: Mapping[str, Any]) -> dict[str, Any]:
        attention, position, embedding, head = (model[name] for name in ("attention", "position", "embedding", "head"))
        adaptive = embedding["kind"] == "adaptive"
        return {
            "vocab_size": model["vocab"],
            "cutoffs": (embedding["cutoffs"] or []) if adaptive else [],
            "d_model": model["dim"],
            "d_embed": (embedding["width"] or model["dim"]) if adaptive else model["dim"],
            "n_head": model["heads"],
            "d_head": attention["head_dim"] or model["dim"] // model["heads"],
            "d_inner": model["feedforward"]["hidden"] or 4 * model["dim"],
            "div_val": embedding["div"] if adaptive else 1,
            "pre_lnorm": model["placement"]["kind"] == "pre",
            "n_layer": model["layers"],
            "mem_len": attention["memory"],
            "clamp_len": position["clamp"] or -1,
            "same_length": attention["same_length"],
            "tie_projs": self._tie_projs(head["tied_maps"], embedding["cutoffs"] or []) if adaptive else [False],
            "dropout": model["dropout"],
            "dropatt": attention["dropout"],
            "untie_r": position["untie"],
            "layer_norm_epsilon": model["norm"]["eps"],
            "tie_word_embeddings": head["tied"],
        }

    def tensors(self, model: Mapping[str, Any]) -> Sequence[Line]:
        theirs, ours = "transformer.layers.{n}", "stack.layers.{n}"
        table, projection = "transformer.word_emb.emb_layers.{c}.weight", "transformer.word_emb.emb_projs.{c}"
        return [
            Rule(table, "embedding.tables.{c}.weight"),
            Rule(projection, "embedding.maps.{c}.weight"),
            Rule(table.format(c=0), "embedding.table.weight"),
            *self._pairs(model["position"]["untie"]),
            Rule(f"{theirs}.dec_attn.r_net.weight", "stack.positions.{n}.key.weight"),
            *weights(
                f"{theirs}.dec_attn.qkv_net",
                [f"{ours}.attention.{name}" for name in ("query", "key", "value")],
                "(h d + h d + h d) i -> (h d) i, (h d) i, (h d) i",
            ),
            *weights(f"{theirs}.dec_attn.o_net", f"{ours}.attention.out"),
            *(
                rule
                for norms in ("in_norms", "out_norms")
                for number, block in enumerate(("dec_attn", "pos_ff"))
                for rule in weights(f"{theirs}.{block}.layer_norm", f"{ours}.placement.{norms}.{number}")
            ),
            *weights(f"{theirs}.pos_ff.CoreNet.0", f"{ours}.feedforward.inner"),
            *weights(f"{theirs}.pos_ff.CoreNet.3", f"{ours}.feedforward.outer"),
            Rule("crit.cluster_weight", "head.entries.weight"),
            Rule("crit.cluster_bias", "head.entries.bias"),
            Rule("crit.out_projs.{c}", "head.maps.{c}.weight", "i w -> w i"),
            Rule("crit.out_layers.{c}.weight", "head.tables.{c}.weight"),
            Rule("crit.out_layers.{c}.bias", "head.biases.{c}"),
            Rule("crit.out_layers.0.weight", "head.matrix.weight"),
            Rule("crit.out_layers.0.bias", "head.bias"),
            Tied("crit.out_layers.{c}.weight", table),
            Tied("crit.out_projs.{c}", projection),
            # clusters of one width share one map
            Tied("crit.out_projs.{c}", projection.format(c=0)),
            Ignored("transformer.pos_emb.inv_freq"),
        ]

    def _pairs(self, untie: bool) -> Sequence[Line]:
        """u and v, of each layer or of the whole model."""
        names = {"r_w_bias": "content", "r_r_bias": "place"}
        each = "transformer.layers.{n}.dec_attn."
        if untie:
            return [Rule(f"{each}{name}", f"stack.positions.{{n}}.{ours}.weight") for name, ours in names.items()]
        rules = [Rule(f"transformer.{name}", f"stack.positions.0.{ours}.weight") for name, ours in names.items()]
        return [*rules, *(Tied(f"{each}{name}", f"transformer.{name}") for name in names)]

    def _ends(self, c: Mapping[str, Any]) -> dict[str, Any]:
        """Embedding and head: the plain ones where there is one cluster of the model's width."""
        dropout, tied = c["dropout"], c["tie_word_embeddings"]
        if not c["cutoffs"] and c["div_val"] == 1 and c["d_embed"] == c["d_model"]:
            embedding = {"kind": "tokens", "scale": True, "dropout": dropout}
            return {"embedding": embedding, "head": {"kind": "lm", "tied": tied, "bias": True}}
        cut = {
            "cutoffs": list(c["cutoffs"]),
            "div": c["div_val"],
            "width": None if c["d_embed"] == c["d_model"] else c["d_embed"],
        }
        embedding = {"kind": "adaptive", **cut, "scale": True, "dropout": dropout}
        head = {"kind": "adaptive_softmax", **cut, "tied": tied, "tied_maps": self._tied_maps(c)}
        return {"embedding": embedding, "head": head}

    def _tied_maps(self, c: Mapping[str, Any]) -> str:
        shared = "tail" if c["proj_share_all_but_first"] else "none"
        said = self._tie_projs(shared, c["cutoffs"]) if c["tie_projs"] is None else list(c["tie_projs"])
        for word in ("tail", "all", "none"):
            if said == self._tie_projs(word, c["cutoffs"]):
                return word
        raise CheckpointError(
            f"{self.name}: tie_projs: {said} is not implemented, only all, none, or all but the first"
        )

    def _tie_projs(self, word: str, cutoffs: Sequence[int]) -> list[bool]:
        """For each cluster whether the embedding's map serves the head."""
        return [word == "all", *[word != "none"] * len(cutoffs)]
