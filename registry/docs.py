"""What docstrings say of single options: `window: the whole window. bias: on all projections.`"""

from __future__ import annotations

import re
from collections.abc import Iterable

from registry.catalog import Catalog, Entry


def option_docs(doc: str, names: Iterable[str]) -> dict[str, str]:
    """The words after each option's name in a docstring; options that it does not mention are left out.

    A description begins at the start of a line or of a sentence, and may belong to several: `train, valid: files`.
    """
    known = set(names)
    text = re.sub(r"\n\s*\n", "\n\f", doc)
    marks = [
        (match, [name for name in re.split(r",\s*", match[1]) if name in known])
        for match in re.finditer(r"(?:^|(?<=[.;:)]\s)|(?<=\f))\s*((?:\w+,\s*)*\w+):\s", text, re.MULTILINE)
    ]
    marks = [(match, found) for match, found in marks if found]
    described: dict[str, str] = {}
    for number, (match, found) in enumerate(marks):
        end = marks[number + 1][0].start() if number + 1 < len(marks) else len(text)
        words = " ".join(text[match.end() : end].split("\f")[0].split())
        for name in found:
            described.setdefault(name, words)
    return described


def docs_of(entry: Entry, catalog: Catalog) -> dict[str, str]:
    """What is said of a part's options: by itself, else by another kind of its family that has the option too."""
    names = [option["name"] for option in entry["options"]]
    said = option_docs(entry["doc"], names)
    for other in catalog.of(entry["family"]):
        shared = [option["name"] for option in other["options"] if option["name"] in names]
        said = {**option_docs(other["doc"], shared), **said}
    return said


def prose(doc: str, names: Iterable[str]) -> str:
    """A docstring without what it says of single options, one line for each paragraph."""
    described = set(option_docs(doc, names).values())
    paragraphs = []
    for paragraph in re.split(r"\n\s*\n", doc):
        text = " ".join(paragraph.split())
        for words in sorted(described, key=len, reverse=True):
            text = re.sub(r"(?:\w+,\s*)*\w+:\s" + re.escape(words), "", text)
        if text.strip():
            paragraphs.append(" ".join(text.split()))
    return "\n\n".join(paragraphs)
