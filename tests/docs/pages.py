"""The pages of the documentation, and the blocks in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

# docs/errors.md is written from the registry of codes, whose examples are wrong on purpose and tested there.
PAGES = [ROOT / "README.md", *sorted(path for path in (ROOT / "docs").glob("*.md") if path.name != "errors.md")]

_BLOCK = re.compile(r"(?P<mark><!-- runs -->\n+)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block."""

    page: Path
    line: int
    language: str
    text: str
    runs: bool

    @property
    def title(self) -> str:
        """Return what its first line says it is, such as `gateway.yaml` or `step`."""
        first = self.text.partition("\n")[0]
        return first[2:].strip() if first.startswith("# ") else ""

    @property
    def body(self) -> str:
        return self.text.partition("\n")[2]

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(language: str) -> Iterator[Block]:
    for page in PAGES:
        text = page.read_text()
        for found in _BLOCK.finditer(text):
            if found["language"] == language:
                line = text.count("\n", 0, found.start("text")) + 1
                yield Block(page, line, language, found["text"], found["mark"] is not None)
