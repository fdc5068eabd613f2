"""What an unquoted word in a spec means: the YAML 1.2 core schema, without NaN, infinity and giant integers.

Numbers are `12`, `-3`, `010` (ten), `0x1F`, `0o17`, `1.5`, `.5`, `1e-4`, `1E5`. Only true/True/TRUE and
false/False/FALSE are booleans; only null/Null/NULL, `~` and nothing are null. All else is text: no, yes, on, off,
1:30, 1_000, 2026-01-01. The reader does not know which option wants a number; whoever does refuses the text.
"""

import re

from registry.errors import fold, quoted
from registry.located import MAX_DIGITS, Scalar, number_fault

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+")
_HEX_OR_OCTAL = re.compile(r"0x([0-9a-fA-F]+)|0o([0-7]+)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_TOO_LONG = f"an integer of more than {MAX_DIGITS} digits is not allowed; quote it if it is text"


def read_plain(text: str) -> Scalar:
    """The value of an unquoted scalar. Raises ValueError with a message for a value that no spec may hold."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INT.fullmatch(text):
        # Counted before int(): Python itself gives up, with a worse message, at 4,300 digits.
        if len(text.lstrip("+-").lstrip("0")) > MAX_DIGITS:
            raise ValueError(_TOO_LONG)
        return int(text)
    if match := _HEX_OR_OCTAL.fullmatch(text):
        number = int(match[1], 16) if match[1] else int(match[2], 8)
        if number_fault(number):
            raise ValueError(_TOO_LONG)
        return number
    if _FLOAT.fullmatch(text):
        value = float(text)
        if number_fault(value):
            raise ValueError(f"the number {quoted(text)} is too large")
        return value
    if _NOT_FINITE.fullmatch(text):
        raise ValueError(f"{quoted(text)} is not allowed: NaN and infinity are no settings; quote it if it is text")
    if not text.isascii() and not isinstance(_folded(text), str):
        ascii_form = quoted(fold(text))
        raise ValueError(f"{quoted(text)} contains non-ASCII look-alike characters; did you mean {ascii_form}?")
    return text


def _folded(text: str) -> Scalar:
    folded = fold(text)
    return read_plain(folded) if folded.isascii() and folded else text
