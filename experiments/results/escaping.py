"""Text that other programs take literally: spreadsheets, Markdown, LaTeX. Names in a spec may hold anything."""

from __future__ import annotations

from experiments.results.words import clean

_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    # at the start of a row, these would belong to the line break before it
    "[": "{[}",
    "*": "{*}",
    "\u2013": "--",
    "\u2212": "$-$",
    "\u00b1": r"$\pm$",
    "\u2026": r"\dots{}",
    **{char: f"\\{char}" for char in "&%$#_{}"},
}


def defused(cell: object) -> object:
    """A cell of a CSV file: text that a spreadsheet would run as a formula gets an apostrophe first; numbers stay."""
    if isinstance(cell, str) and cell.lstrip()[:1] in ("=", "+", "-", "@"):
        return f"'{cell}"
    return "" if cell is None else cell


def markdown(text: str) -> str:
    """Text that Markdown and the HTML inside it take literally."""
    plain = clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\\{char}" if char in "\\|`*_[]" else char for char in plain)


def latex(text: str) -> str:
    """Text that LaTeX sets as it is; what is not in Latin-1 is kept for XeLaTeX and LuaLaTeX."""
    return "".join(_LATEX.get(char, char) for char in clean(text))
