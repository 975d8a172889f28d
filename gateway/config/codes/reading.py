"""GW0xx: the file cannot be read, or is not the YAML it should be."""

from __future__ import annotations

from gateway.config.codes.entry import RULES, Code
from gateway.config.codes.samples import GATEWAY_FILE, RULES_FILE, with_source

_PLAIN = RULES_FILE
_SERVER = f"{GATEWAY_FILE}server:\n"
_ORDER = _PLAIN.removeprefix("version: 1\n").replace("an invoice was", "order $order was")

READING = (
    Code(
        code="GW001",
        title="a file cannot be read",
        why="The file does not exist, is a directory, or may not be read by this user.",
        wrong=with_source(rules="[ruls.yaml]"),
        right=with_source(),
    ),
    Code(
        code="GW002",
        title="the file is not UTF-8",
        why="Files are read as UTF-8, so that every machine reads the same text. This one was saved as Latin-1.",
        wrong=_PLAIN.replace("an invoice was paid", "bezahlt für März"),
        right=_PLAIN.replace("an invoice was paid", "bezahlt für März"),
        file=RULES,
        encoding="latin-1",
    ),
    Code(
        code="GW003",
        title="a tab in the indentation",
        why="YAML indents with spaces alone: how wide a tab is depends on who looks at it.",
        wrong=_SERVER + "\tport: 8080\n",
        right=_SERVER + "  port: 8080\n",
    ),
    Code(
        code="GW004",
        title="the indentation does not add up",
        why="What belongs together has the same indentation, and what belongs to a key has more than the key.",
        wrong=_SERVER + "  host: 127.0.0.1\n   port: 8080\n",
        right=_SERVER + "  host: 127.0.0.1\n  port: 8080\n",
    ),
    Code(
        code="GW005",
        title="a quote or bracket is not closed",
        why="The rest of the file would belong to it.",
        wrong=with_source(rules="[rules.yaml"),
        right=with_source(rules="[rules.yaml]"),
    ),
    Code(
        code="GW006",
        title="a text needs quotes",
        why="Some characters mean something to YAML: `: ` and ` #` inside a text, "
        "and ``@ ` % & * ! | > { [`` at its beginning.",
        wrong=_PLAIN.replace("an invoice was paid", "paid: an invoice"),
        right=_PLAIN.replace("an invoice was paid", '"paid: an invoice"'),
        file=RULES,
    ),
    Code(
        code="GW007",
        title="a key is written twice",
        why="Only one of the two could count, and which one depends on the reader.",
        wrong=_SERVER + "  port: 8080\n  host: 127.0.0.1\n  port: 9090\n",
        right=_SERVER + "  port: 8080\n  host: 127.0.0.1\n",
    ),
    Code(
        code="GW008",
        title="an alias that stands for nothing",
        why="`*name` repeats what `&name` marked above it, and cannot repeat what it is part of. "
        "A text that begins with `*` needs quotes.",
        wrong=_PLAIN.replace("on: invoice.paid", "on: *"),
        right=_PLAIN.replace("on: invoice.paid", 'on: "*"'),
        file=RULES,
    ),
    Code(
        code="GW009",
        title="aliases stand for too much",
        why="Aliases of aliases grow without bound: nine lines could fill the memory.",
        wrong="a: &a [x, x, x, x, x, x, x, x, x, x]\n"
        + "".join(
            f"{name}: &{name} [{', '.join([f'*{last}'] * 10)}]\n" for last, name in zip("abcd", "bcde", strict=True)
        ),
        right=_PLAIN,
        file=RULES,
    ),
    Code(
        code="GW010",
        title="the file is too large or too deeply nested",
        why="No configuration needs 4 MiB or 64 levels; a mistake does.",
        wrong="version: 1\nrules: " + "[" * 70 + "]" * 70 + "\n",
        right=_PLAIN,
        file=RULES,
    ),
    Code(
        code="GW011",
        title="more than one document",
        why="A file holds one document; what follows a second `---` would be left out.",
        wrong=_PLAIN + "---\nversion: 1\n",
        right=_PLAIN,
        file=RULES,
    ),
    Code(
        code="GW012",
        title="the file is empty",
        why="There is nothing in it but comments, if anything.",
        wrong="# to be written\n",
        right=_PLAIN,
        file=RULES,
    ),
    Code(
        code="GW013",
        title="a character that may not stand in a file",
        why="Control characters and invisible line ends are not seen, and are hardly ever meant.",
        wrong=_PLAIN.replace("an invoice", "an\x08invoice"),
        right=_PLAIN,
        file=RULES,
    ),
    Code(
        code="GW014",
        title="a tag",
        why="Tags (`!!str`, `!!python/…`) make a value something else than it looks like.",
        wrong=_SERVER + "  host: !!str 127.0.0.1\n",
        right=_SERVER + '  host: "127.0.0.1"\n',
    ),
    Code(
        code="GW015",
        title="a merge key",
        why="`<<` is not part of YAML 1.2: readers differ in what it does.",
        wrong=_SERVER + "  <<: {port: 8080}\n",
        right=_SERVER + "  port: 8080\n",
    ),
    Code(
        code="GW016",
        title="a key that is not text",
        why="Every key is one word or text. A `{` or `[` where a key should be often is a missing quote.",
        wrong=_SERVER + "  [port]: 8080\n",
        right=_SERVER + "  port: 8080\n",
    ),
    Code(
        code="GW017",
        title="a number without an exact value",
        why="Numbers are exact decimals of sensible length; infinity is none.",
        wrong=GATEWAY_FILE + "retry: {factor: .inf}\n",
        right=GATEWAY_FILE + "retry: {factor: 10}\n",
    ),
    Code(
        code="GW018",
        title="an unknown escape in double quotes",
        why="In double quotes a backslash begins an escape. Patterns are best written in single quotes.",
        wrong='version: 1\nextract:\n  order: {path: id, match: "(\\d+)"}\n' + _ORDER,
        right="version: 1\nextract:\n  order: {path: id, match: '(\\d+)'}\n" + _ORDER,
        file=RULES,
    ),
    Code(
        code="GW019",
        title="this is not YAML",
        why="The file breaks a rule of YAML that has no code of its own.",
        wrong=_PLAIN.replace("log: an invoice", "log: | an invoice"),
        right=_PLAIN.replace("log: an invoice", "log: |\n          an invoice"),
        file=RULES,
    ),
)
