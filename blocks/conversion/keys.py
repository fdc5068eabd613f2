"""Settings that config.json and a model block say alike, under other names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

Keys: TypeAlias = Mapping[str, str]
"""A key of config.json -> the option of ours, dotted to look inside a part."""

DECODER: Keys = {
    "vocab_size": "vocab",
    "hidden_size": "dim",
    "num_attention_heads": "heads",
    "num_key_value_heads": "attention.kv_heads",
    "attention_dropout": "attention.dropout",
    "intermediate_size": "feedforward.hidden",
    "tie_word_embeddings": "head.tied",
}
"""What most decoders since Llama call alike, the number of layers left out."""


def nested(keys: Keys, config: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a model block that these settings make; a size that is left open is worked out."""
    sizes = {ours: config[theirs] for theirs, ours in keys.items()}
    dim, heads = sizes.get("dim"), sizes.get("heads")
    usual = {
        "attention.kv_heads": heads,
        "attention.head_dim": dim // heads if dim and heads else None,
        "feedforward.hidden": 4 * dim if dim else None,
    }
    block: dict[str, Any] = {}
    for option, value in sizes.items():
        *outer, last = option.split(".")
        place = block
        for step in outer:
            place = place.setdefault(step, {})
        place[last] = usual.get(option) if value is None else value
    return block


def flat(keys: Keys, model: Mapping[str, Any]) -> dict[str, Any]:
    """The settings for a full model block, with the numbers that stand for sizes left open."""
    found = {}
    for theirs, ours in keys.items():
        value: Any = model
        for step in ours.split("."):
            value = value[step]
        found[theirs] = _size(ours, model) if value is None else value
    return found


def _size(option: str, model: Mapping[str, Any]) -> int | None:
    """What an option without a value amounts to, where it is a size; not every reader of config.json works it out."""
    match option:
        case "attention.kv_heads":
            return int(model["heads"])
        case "attention.head_dim":
            return int(model["dim"] // model["heads"])
        case "feedforward.hidden":
            return int(4 * model["dim"] if model["feedforward"]["kind"] == "mlp" else -(-8 * model["dim"] // 24) * 8)
    return None


def merged(*blocks: Mapping[str, Any]) -> dict[str, Any]:
    """Blocks laid over each other, part by part; the later one wins."""
    whole: dict[str, Any] = {}
    for block in blocks:
        for key, value in block.items():
            both = isinstance(value, Mapping) and isinstance(whole.get(key), Mapping)
            whole[key] = merged(whole[key], value) if both else value
    return whole


def repeated(names: Sequence[str]) -> dict[str, Any]:
    """Types of layers, one a layer, as the shortest pattern that gives them."""
    lengths = range(1, len(names) + 1)
    short = next(n for n in lengths if all(name == names[i % n] for i, name in enumerate(names)))
    return {"count": len(names), "pattern": list(names[:short])}


def layers_of(model: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Of a full model block, the block of each layer: what its type says, and else the model."""
    layers, types = model["layers"], model["layer_types"] or {}
    if isinstance(layers, int):
        return [dict(model)] * layers
    names = layers if isinstance(layers, list) else layers["pattern"]
    count = len(names) if isinstance(layers, list) else layers["count"]
    chosen = [types[names[i % len(names)]] for i in range(count)]
    return [{**model, **{key: value for key, value in one.items() if value is not None}} for one in chosen]
