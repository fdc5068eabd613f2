"""From bytes to text, and PyYAML's syntax errors in words that say what to change."""

import re

import yaml

from registry.errors import Place, Problem, SpecError, quoted

MAX_BYTES = 1_000_000

# YAML's own list of what may stand in a file, less the exotic line breaks: there editors and PyYAML count lines
# differently.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Characters that look like a blank, a colon or a quote, and are none; the usual guests of text pasted from a web page.
_PASTED = re.compile("[\xa0\u2002-\u200b\u3000\uff1a\u2018\u2019\u201c\u201d]")


def decode(data: bytes | str, name: str) -> str:
    """The text of a file, without byte order mark. Raises SpecError unless it is UTF-8 without control characters."""
    if len(data) > MAX_BYTES:
        raise SpecError([Problem("", f"the file is larger than {MAX_BYTES:,} bytes", Place(name, 1, 1))])
    if isinstance(data, str):
        text = data
    else:
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise SpecError([Problem("", "the file is UTF-16; save it as UTF-8", Place(name, 1, 1))])
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            place = _position(data[: error.start].decode("utf-8"), name)
            message = f"the file is not UTF-8 (byte 0x{data[error.start]:02x}); save it as UTF-8"
            raise SpecError([Problem("", message, place)]) from None
    text = text.removeprefix("\ufeff")
    if match := _FORBIDDEN.search(text):
        message = f"the character U+{ord(match[0]):04X} is not allowed in a spec"
        raise SpecError([Problem("", message, _position(text[: match.start()], name))])
    return text


def _position(before: str, name: str) -> Place:
    """The place right after the text `before`."""
    before = before.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return Place(name, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


def place_of(mark: yaml.Mark, name: str) -> Place:
    """PyYAML counts from 0."""
    return Place(name, mark.line + 1, mark.column + 1)


def syntax_problem(error: yaml.MarkedYAMLError, text: str, name: str) -> Problem:
    """One line that says what is wrong in a text that is no YAML."""
    mark = error.problem_mark or error.context_mark
    context = error.context_mark or mark
    if mark is None or context is None:
        return Problem("", " ".join(str(error).split()), Place(name, 1, 1))
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    line = lines[mark.line]
    place, start = place_of(mark, name), place_of(context, name)
    message, at_start = _words(error.problem or "", error.context or "", line, mark.column, start)
    # The line above too: PyYAML often notices one line late.
    for number in (mark.line, mark.line - 1):
        if number >= 0 and (pasted := _PASTED.search(lines[number])):
            message += f" (line {number + 1} contains the non-ASCII character U+{ord(pasted[0]):04X}, perhaps pasted)"
            break
    return Problem("", message, start if at_start else place)


def _words(problem: str, context: str, line: str, column: int, start: Place) -> tuple[str, bool]:
    """The message, and whether it belongs to the start of the construct rather than to where PyYAML stopped."""
    before = line[:column]
    if problem.startswith("found character"):
        found = line[column : column + 1]
        if found == "\t":
            where = "tabs cannot indent" if not before.strip() else "a tab cannot stand here"
            return f"{where}; use spaces", False
        return f"a value cannot start with {quoted(found)}; quote the value", False
    if "flow" in context or ("expected the node content" in problem and line[column : column + 1] in "]}"):
        return _bracket_words(problem, context, line, column, start)
    if problem == "mapping values are not allowed here":
        if ": " in before:
            return "a second ':' in one line; quote a value that contains ': '", False
        above = "the line above has no ':', has a value already, or is indented differently"
        return f"no ':' is allowed here: {above}", False
    if problem == "sequence entries are not allowed here":
        return "a list cannot start with '- ' in the line of its key; begin a new line, or write [a, b]", False
    if problem == "could not find expected ':'":
        return "this line has no ':' after its key", True
    if "unexpected end of stream" in problem:
        return "the quote that starts here is never closed", True
    if "unknown escape" in problem:
        return f"{problem.removeprefix('found ')} in double quotes; use single quotes or write \\\\", False
    if "expected <block end>" in problem:
        if line[column : column + 1] == "-" or "collection" in context:
            return "a list and a mapping are mixed at the same indentation", False
        if line[column : column + 1] == ":":
            return "a key is missing before ':'", False
        if not before.strip():
            return "wrong indentation: this line fits no line above", False
        return "unexpected text after the value; quote the whole value", False
    if "<document start>" in problem:
        return "unexpected text here: a spec file holds one document, a mapping of 'key: value' lines", False
    if "tag" in f"{problem} {context}":
        return "tags (words that start with '!') are not allowed", False
    if "alias" in context or "anchor" in context:
        return "'*' and '&' start an alias or an anchor; quote the value if it is text", True
    return " ".join(f"{context}, {problem}".strip(", ").split()), False


def _bracket_words(problem: str, context: str, line: str, column: int, start: Place) -> tuple[str, bool]:
    opened, closes = ("{", "}") if "mapping" in context else ("[", "]")
    found = line[column : column + 1]
    if "flow" not in context:
        return f"'{found}' closes nothing", False
    if "stream end" in problem:
        return f"the '{opened}' that starts here is never closed by '{closes}'", True
    if found == "{" and line[:column].endswith("$"):
        return "quote a reference inside brackets: '${a.b}'", False
    hint = f"expected ',' or '{closes}' (the '{opened}' is in line {start.line})"
    return f"{hint}, found {quoted(found)}" if found else hint, False
