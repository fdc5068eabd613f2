"""The spec of a trial with the hash of what it starts from, once it is known that the weights fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from registry.catalog import Catalog


def settled(full: Mapping[str, Any], catalog: Catalog, plugins: Sequence[str | Path] = ()) -> dict[str, Any]:
    """The full spec with `init_from.content`. full: placed, with the sizes that the data know.

    Nothing is read where the hash is known already. Raises SpecError where the weights do not fit the model, a pattern
    matches nothing, or what is new would not be trained; MissingExtra without `peft` where adapters are asked for.
    """
    from experiments.start.options import block_of, start_of

    start = start_of(full)
    if start is None or start.content is not None:
        return dict(full)
    import torch

    from experiments.start.adapting import adapted, linear_maps, require_lora
    from experiments.start.match import match
    from experiments.start.source import look_at
    from registry.assembly import assemble_block
    from registry.checkpoint_errors import folded
    from registry.errors import Problem, SpecError

    source = look_at(start.path, plugins)
    ours = (full.get("data") or {}).get("tokenizer")
    if start.tokenizer == "same" and ours and source.tokenizer and ours != source.tokenizer:
        words = f"{source.about} was trained with the tokenizer {source.tokenizer['kind']}, which is not beside it, and"
        raise SpecError([Problem("init_from", f"{words} the data's is {ours['kind']}: name the folder of the run")])
    with torch.device("meta"), torch.random.fork_rng(devices=[]):
        model = assemble_block(full["model"], catalog)
    found = match(model, source.model, start)
    untrained = [name for name in found.new if not name.startswith("head.")]
    if start.lora is not None:
        require_lora()
        linear_maps(model, start.lora)
        if untrained:
            words = f"adapters leave {', '.join(folded(untrained))} as drawn at random, since the source has nothing"
            raise SpecError([Problem("init_from.lora", f"{words} for it; train without `lora`")])
    adapted(model, {**full, "init_from": block_of(replace(start, lora=None))})
    still = [name for name, parameter in model.named_parameters() if not parameter.requires_grad and name in found.new]
    if still:
        words = f"{', '.join(folded(still))} would stay as drawn at random, since the source has nothing for it"
        raise SpecError([Problem("init_from.freeze", words)])
    return {**full, "init_from": block_of(replace(start, content=source.content))}
