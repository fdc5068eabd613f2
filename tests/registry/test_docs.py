"""What docstrings say of options."""

from registry.catalog import Catalog
from registry.docs import docs_of, option_docs, prose

DOC = """A window and more; costs n: linear.

It keeps a promise: always.
size: the whole window, half of it
    on each side. rate, decay: how fast, at first: very. other: not an option.
bias: on all maps.
"""


def test_each_option_has_its_words() -> None:
    assert option_docs(DOC, ["size", "rate", "decay", "bias", "silent"]) == {
        "size": "the whole window, half of it on each side.",
        "rate": "how fast, at first: very. other: not an option.",
        "decay": "how fast, at first: very. other: not an option.",
        "bias": "on all maps.",
    }


def test_prose_is_the_rest() -> None:
    assert (
        prose(DOC, ["size", "rate", "decay", "bias"])
        == "A window and more; costs n: linear.\n\nIt keeps a promise: always."
    )


def test_a_name_inside_a_sentence_is_no_description() -> None:
    assert option_docs("Costs size: many.", ["size"]) == {}


def test_words_are_borrowed_from_the_family() -> None:
    catalog = Catalog.load()
    encoder = docs_of(catalog.get("topology", "encoder"), catalog)
    assert encoder["dim"] == "width of the model."


def test_own_words_come_first() -> None:
    catalog = Catalog.load()
    assert docs_of(catalog.get("attention", "longformer"), catalog)["window"].startswith("the whole window")
    assert docs_of(catalog.get("attention", "full"), catalog)["window"].startswith("a query sees itself")
