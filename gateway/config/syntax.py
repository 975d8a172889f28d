"""Says in plain words what libyaml says in its own."""

from __future__ import annotations

import re
from typing import NamedTuple

import yaml

from gateway.config.diagnostics import DocumentFindings, Position, Span

_CLOSING = {"[": "]", "{": "}"}
_KEY = re.compile(r"^\s*(?:- +)*([^\s#][^#]*?)\s*:(?:\s|$)")


class _Problem(NamedTuple):
    code: str
    message: str
    place: Position
    help: str | None = None
    note: str | None = None


class _Reading:
    """One syntax error beside the text it is about."""

    def __init__(self, error: yaml.MarkedYAMLError, text: str, end: Position) -> None:
        self.problem = (error.problem or "").lower()
        self.context = (error.context or "").lower()
        self.lines = re.split(r"\r\n|\r|\n", text)
        self.end = end
        mark = error.problem_mark or error.context_mark
        self.place = self.position(mark)
        self.opening = self.position(error.context_mark or mark)

    def position(self, mark: yaml.Mark | None) -> Position:
        """Return a mark as a place inside the file."""
        return min(Position(mark.line + 1, mark.column + 1), self.end) if mark else Position(1, 1)

    def at(self, place: Position) -> str:
        """Return the character at a place, "" at the end of a line."""
        return self.line(place)[place.column - 1 : place.column]

    def line(self, place: Position) -> str:
        """Return the line of a place."""
        return self.lines[place.line - 1]

    def before(self, place: Position) -> str:
        """Return what stands before a place on its line."""
        return self.line(place)[: place.column - 1]

    def line_above(self, place: Position) -> tuple[int, str]:
        """Return the nearest line above that is neither blank nor a comment, and its number."""
        for number in range(place.line - 1, 0, -1):
            text = self.lines[number - 1]
            if text.strip() and not text.lstrip().startswith("#"):
                return number, text
        return 0, ""


def report_syntax(error: yaml.MarkedYAMLError, text: str, end: Position, findings: DocumentFindings) -> None:
    """Record what keeps the text from being YAML, at the place where it should be mended."""
    reading = _Reading(error, text, end)
    found = _problem(reading)
    after = Position(found.place.line, found.place.column + bool(reading.at(found.place)))
    findings.error(found.code, found.message, Span(found.place, after), help=found.help, note=found.note)


def _problem(reading: _Reading) -> _Problem:
    for judge in (
        _conflict,
        _strange_space,
        _tab,
        _long_quote,
        _colon,
        _quote,
        _bracket,
        _escape,
        _first_character,
        _list_entry,
        _left_over,
        _mark,
    ):
        found = judge(reading)
        if found:
            return found
    return _Problem("GW019", f"this is not YAML: {reading.problem}", reading.place)


def _conflict(reading: _Reading) -> _Problem | None:
    """Judge what a merge that was not finished has left behind."""
    for number, line in enumerate(reading.lines[: reading.place.line], 1):
        if re.match(r"(?:<{7}|={7}|>{7})(?: |$)", line):
            message = "a merge conflict is left in the file"
            return _Problem("GW019", message, Position(number, 1), "keep one side, and take the `<<<<<<<` lines out")
    return None


def _strange_space(reading: _Reading) -> _Problem | None:
    """Judge a space in the indentation that is none to YAML: it comes with text copied from a page."""
    above, _ = reading.line_above(reading.place)
    for number in filter(None, (above, reading.place.line)):
        line = reading.lines[number - 1]
        lead = re.match(r"[ \t]*([\u00a0\u2000-\u200a\u202f\u3000])", line)
        if lead:
            message = f"the character U+{ord(lead[1]):04X} stands in the indentation, which is no space to YAML"
            return _Problem("GW003", message, Position(number, lead.end()), "indent with spaces")
    return None


def _tab(reading: _Reading) -> _Problem | None:
    lead = re.match(r" *\t", reading.line(reading.place))
    if "tab" not in reading.problem and not (lead and reading.at(reading.place) == "\t"):
        return None
    column = lead.end() if lead else reading.place.column
    return _Problem(
        "GW003",
        "a tab stands in the indentation",
        Position(reading.place.line, column),
        "indent with spaces",
    )


def _long_quote(reading: _Reading) -> _Problem | None:
    """Judge a quote that was closed by the next one, lines below: what stands behind that is no YAML."""
    last: yaml.ScalarToken | None = None
    try:
        for token in yaml.scan("\n".join(reading.lines), Loader=yaml.SafeLoader):
            if not isinstance(token, yaml.ScalarToken) or token.style not in ("'", '"'):
                continue
            if token.start_mark.line < token.end_mark.line:
                last = token
    except yaml.YAMLError:
        pass  # it is the error that is being judged: what was read before it counts
    if last is None or last.end_mark.line + 1 != reading.place.line:
        return None
    note = f"the next quote, which would close it, stands in line {reading.place.line}"
    return _Problem("GW005", "the quote is not closed", reading.position(last.start_mark), note=note)


def _colon(reading: _Reading) -> _Problem | None:
    place = reading.place
    if "could not find expected ':'" in reading.problem:
        return _no_colon(reading, reading.opening)
    if "mapping values are not allowed" not in reading.problem:
        return None
    if re.search(r":\s", reading.before(place)):
        return _Problem("GW006", "`: ` inside a text that has no quotes", place, "put the whole value in quotes")
    number, above = reading.line_above(place)
    lead = len(above) - len(above.lstrip())
    own = len(reading.line(place)) - len(reading.line(place).lstrip())
    if number and not re.search(r":(?:\s|$)", above):
        return _no_colon(reading, Position(number, lead + 1))
    key = reading.before(place).strip().removeprefix("- ").strip()
    start = Position(place.line, own + 1)
    if number and own > lead:
        return _Problem(
            "GW004",
            f"`{key}` is indented as if it belonged to the line above, which already has a value",
            start,
            "give it the indentation of the keys it stands beside",
        )
    help = "give it the indentation of the keys it stands beside"
    return _Problem("GW004", f"`{key}` cannot be a key here", start, help)


def _no_colon(reading: _Reading, place: Position) -> _Problem:
    words = reading.line(place)[place.column - 1 :].split(" #")[0].strip()
    name, colon, rest = words.partition(":")
    if colon and rest:
        return _Problem("GW006", f"a space is missing after `{name}:`", place, f"write `{name}: {rest}`")
    first, _, second = words.removeprefix("- ").partition(" ")
    first, lead = first.rstrip(";="), "- " if words.startswith("- ") else ""
    if second and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", first):
        value = second.lstrip("=: ")
        return _Problem("GW004", f"`{words}` is not followed by `:`", place, f"write `{lead}{first}: {value}`")
    return _Problem("GW004", f"`{words}` is not followed by `:`", place, f"a key is written `{words}:`")


def _quote(reading: _Reading) -> _Problem | None:
    if "quoted scalar" not in reading.context or "end of stream" not in reading.problem:
        if "quoted scalar" in reading.context and "document indicator" in reading.problem:
            return _Problem("GW005", "the quote is not closed", reading.opening)
        return None
    return _Problem("GW005", "the quote is not closed", reading.opening)


def _bracket(reading: _Reading) -> _Problem | None:
    if "parsing a flow" not in reading.context or not re.search(r"expected ','", reading.problem):
        return None
    before = reading.before(reading.place).rstrip()
    reference = re.match(r"\{[^}]*\}", reading.line(reading.place)[reading.place.column - 1 :])
    if before.endswith("$") and reference:
        message = f"`${reference[0]}` needs quotes inside `{{…}}` and `[…]`"
        start = Position(reading.place.line, len(before))
        return _Problem("GW006", message, start, f'write `"${reference[0]}"`')
    if before and before[-1] in "'\"" and before.count(before[-1]) % 2 == 0:
        return _after_closing(before[-1], reading.place)
    bracket = reading.at(reading.opening)
    closing = _CLOSING.get(bracket, "]")
    if reading.place.line == reading.opening.line and reading.at(reading.place):
        note = f"the `{bracket}` stands at column {reading.opening.column}"
        return _Problem("GW005", f"expected `,` or `{closing}`", reading.place, note=note)
    return _Problem("GW005", f"the `{bracket}` is not closed", reading.opening, f"a `{closing}` or a `,` is missing")


def _escape(reading: _Reading) -> _Problem | None:
    if "double-quoted" not in reading.context and "quoted scalar" not in reading.context:
        return None
    start = reading.before(Position(reading.place.line, reading.place.column + 1)).rfind("\\")
    place = Position(reading.place.line, start + 1) if start >= 0 else reading.place
    written = reading.line(place)[place.column - 1 :][:2]
    return _Problem(
        "GW018",
        f"`{written}` begins no escape that double quotes know",
        place,
        "write `\\\\` for a backslash, or use single quotes",
    )


def _first_character(reading: _Reading) -> _Problem | None:
    character = reading.at(reading.place)
    if "cannot start any token" in reading.problem:
        return _Problem(
            "GW006",
            f"a text without quotes cannot begin with {_named(character)}",
            reading.place,
            "put the whole value in quotes",
        )
    if "node content" in reading.problem or "the node content" in reading.problem:
        if character and character in "]},":
            return _Problem("GW005", f"a value is missing before `{character}`", reading.place)
        if "parsing a flow" in reading.context or reading.opening.line < reading.place.line:
            unclosed = _unclosed(reading)
            if unclosed is not None:
                bracket = reading.at(unclosed)
                help = f"a `{_CLOSING[bracket]}` or a `,` is missing"
                return _Problem("GW005", f"the `{bracket}` is not closed", unclosed, help)
        return _Problem("GW019", "a value is missing here", reading.place, "write it, or take this out")
    return None


def _unclosed(reading: _Reading) -> Position | None:
    """Return the last bracket above that is still open at the end of its line."""
    for number in range(reading.place.line - 1, 0, -1):
        line = re.sub(
            r"(?:\"(?:[^\"\\\\]|\\\\.)*\"|'[^']*'|(?:^|\s)#.*)",
            lambda found: " " * len(found[0]),
            reading.lines[number - 1],
        )
        opened = [column for column, mark in enumerate(line) if mark in _CLOSING]
        if opened and line.count("[") + line.count("{") > line.count("]") + line.count("}"):
            return Position(number, opened[-1] + 1)
        if line.strip() and re.search(r":\s*\S", line):
            return None
    return None


def _list_entry(reading: _Reading) -> _Problem | None:
    place = reading.place
    if "sequence entries are not allowed" in reading.problem:
        if _KEY.match(reading.line(place)):
            message = "a list cannot begin on the line of its key"
            return _Problem("GW004", message, place, "put `- …` on the next line, or write `[…]`")
        return _Problem("GW004", "a list entry cannot stand here", place)
    entry = re.match(r"\s*-(?:\s|$)", reading.line(place)[place.column - 1 :])
    if "block mapping" in reading.context and entry:
        help = "the entries of a list all begin with `- `; keys have no `-`"
        return _Problem("GW004", "a list entry stands among keys", place, help)
    if "block collection" in reading.context or "block sequence" in reading.context:
        return _Problem(
            "GW004",
            "expected another list entry (`- …`) or less indentation",
            place,
            _entry_help(reading),
            note=f"the list begins at line {reading.opening.line}, column {reading.opening.column}",
        )
    return None


def _entry_help(reading: _Reading) -> str:
    line = reading.line(reading.place).strip()
    if re.match(r"-[^\s-]", line):
        return f"a space is missing after `-`: write `- {line[1:]}`"
    column = reading.opening.column
    return f"begin the entry with `- ` at column {column}, or give it the indentation of the keys above"


def _left_over(reading: _Reading) -> _Problem | None:
    if "block mapping" not in reading.context:
        return None
    place = reading.place
    before = reading.before(place).rstrip()
    if reading.at(place) == ":" and not before:
        return _Problem("GW016", "the key before `:` is missing", place)
    if before and before[-1] in "'\"]}" and not re.fullmatch(r"\s*-", before):
        return _after_closing(before[-1], place)
    if before:
        return _Problem("GW019", "expected a key", place)
    return _Problem(
        "GW004",
        "the indentation of this line fits no line above",
        place,
        f"the keys it could stand beside begin at column {reading.opening.column}",
    )


def _after_closing(mark: str, place: Position) -> _Problem:
    message = f"nothing may follow the closing `{mark}`"
    return _Problem("GW006", message, place, "put the whole value in one pair of quotes, the other kind inside")


def _mark(reading: _Reading) -> _Problem | None:
    """Judge what is wrong with an anchor, an alias, a block or a directive."""
    if "anchor" in reading.context or "alias" in reading.context:
        mark = reading.at(reading.opening)
        message = f"a name is missing after `{mark}`"
        return _Problem("GW008", message, reading.opening, f"text that begins with `{mark}` needs quotes")
    if "block scalar" in reading.context and reading.place.line == reading.opening.line:
        mark = reading.at(reading.opening)
        message = f"nothing may follow `{mark}` on its line"
        return _Problem("GW019", message, reading.place, "the text begins on the next line, indented")
    if "incompatible yaml" in reading.problem:
        return _Problem("GW019", "files are read as YAML 1.2", reading.place, "take the `%YAML` line out")
    return None


def _named(character: str) -> str:
    return "a backtick" if character == "`" else f"`{character}`"
