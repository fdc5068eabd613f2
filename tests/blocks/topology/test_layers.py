"""How a spec says which layers a stack has."""

from __future__ import annotations

import pytest

from blocks.attention import FullAttention, LinearAttention
from blocks.feedforward import Mlp
from blocks.norm import LayerNorm, RMSNorm
from blocks.placement import Pre
from blocks.position import NoPosition, Rotary
from blocks.stack import LayerPlan
from blocks.topology.layers import LayerType, Pattern, overridden, plan_layers

USUAL = LayerPlan(4, FullAttention, Rotary, LayerNorm, Pre, Mlp)
TYPES = {"linear": LayerType(attention=LinearAttention), "plain": LayerType(position=NoPosition, heads=2)}


def test_a_number_of_equal_layers() -> None:
    assert plan_layers(3, {}, USUAL) == [USUAL] * 3


def test_a_list_of_types() -> None:
    first, second, third = plan_layers(["linear", "plain", "linear"], TYPES, USUAL)
    assert first == third == overridden(USUAL, TYPES["linear"])
    assert first.attention is LinearAttention
    assert (second.attention, second.position, second.heads) == (FullAttention, NoPosition, 2)


def test_a_pattern_is_repeated_and_cut() -> None:
    plans = plan_layers(Pattern(5, ["linear", "plain"]), TYPES, USUAL)
    assert [p.attention is LinearAttention for p in plans] == [True, False, True, False, True]


def test_a_type_changes_what_it_names_and_nothing_else() -> None:
    changed = overridden(USUAL, LayerType(norm=RMSNorm))
    assert changed.norm is RMSNorm
    assert overridden(changed, LayerType(norm=LayerNorm)) == USUAL
    assert overridden(USUAL, LayerType()) == USUAL


def test_an_unknown_type_is_named_beside_the_known_ones() -> None:
    with pytest.raises(ValueError, match="unknown layer type locol; layer_types declares: linear, plain"):
        plan_layers(["linear", "locol"], TYPES, USUAL)
    with pytest.raises(ValueError, match="layer_types declares: none"):
        plan_layers(["linear"], {}, USUAL)


def test_an_empty_list_is_refused() -> None:
    with pytest.raises(ValueError, match="the list of layer types is empty"):
        plan_layers([], TYPES, USUAL)
