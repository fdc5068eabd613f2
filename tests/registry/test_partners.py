"""What goes with what, and where parts stand in a spec."""

from registry.catalog import Catalog
from registry.example import example
from registry.partners import Partners, partners
from registry.slots import families_in_order, slots


def found(family: str, kind: str, other: str) -> Partners:
    catalog = Catalog.load()
    return next(p for p in partners(catalog.get(family, kind), catalog) if p.family == other)


def test_both_sides_say_the_same() -> None:
    catalog = Catalog.load()
    for attention in catalog.kinds("attention"):
        theirs = found("attention", attention, "position")
        for position in catalog.kinds("position"):
            asks = any(need["slot"] == "attention" for need in catalog.get("position", position)["needs"])
            mine = found("position", position, "attention") if asks else None
            works = mine is None or attention in mine.works
            assert (position in theirs.works) == works
            assert (position in theirs.refused) == (not works)


def test_a_need_under_a_condition_only_limits() -> None:
    topologies = found("attention", "linear", "topology")
    assert topologies.works == Catalog.load().kinds("topology")
    assert topologies.limited == {"decoder": "not with prefix: true: the prefix is visible to all tokens (prefix)"}


def test_a_need_of_a_second_slot_only_limits() -> None:
    limited = found("attention", "longformer", "topology").limited
    assert limited["encoder_decoder"] == "not as `cross_attention`: the decoder reads the encoder's stream (cross)"


def test_families_without_needs_of_each_other_are_not_told() -> None:
    catalog = Catalog.load()
    assert partners(catalog.get("norm", "rms"), catalog) == []


def test_slots_are_where_a_spec_names_a_family() -> None:
    found = slots(Catalog.load())
    assert found["topology"] == ("model",)
    assert found["attention"] == ("model", "attention")
    assert found["tokenizer"] == ("data", "tokenizer")


def test_families_in_order_are_all_families() -> None:
    catalog = Catalog.load()
    assert sorted(families_in_order(catalog)) == sorted(catalog.families)


def test_examples_are_lines_of_a_spec() -> None:
    catalog = Catalog.load()
    assert example(catalog.get("position", "alibi"), catalog) == (
        "position: {kind: alibi, steepest: 8}",
        ("model",),
    )
    assert example(catalog.get("topology", "encoder"), catalog) == ("model: {topology: encoder, dim: 256}", ())
    line, below = example(catalog.get("attention", "longformer"), catalog)
    assert (line, below) == ("attention: {kind: longformer, window: 512, global_tokens: 1}", ("model",))
