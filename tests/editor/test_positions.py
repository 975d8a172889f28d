"""Places as editors count them."""

from __future__ import annotations

import pytest

from gateway.config.diagnostics import Position, Span
from gateway.editor.positions import Place, Text

TEXT = "a: ä\r\nb: 🎉 ẍ c\nd"


@pytest.mark.parametrize(("encoding", "behind"), [("utf-8", 8), ("utf-16", 6), ("utf-32", 5)])
def test_columns_are_counted_in_units(encoding: str, behind: int) -> None:
    text = Text(TEXT, encoding)
    assert text.place(Position(2, 6)) == Place(1, behind)
    assert text.position(Place(1, behind)) == Position(2, 6)


def test_a_place_inside_a_character_is_before_it() -> None:
    assert Text(TEXT).position(Place(1, 4)) == Position(2, 4)


def test_a_place_behind_the_end_is_the_end() -> None:
    text = Text(TEXT)
    assert text.position(Place(9, 9)) == Position(3, 2)
    assert text.place(Position(9, 1)) == Place(2, 0)
    assert text.position(Place(0, 99)) == Position(1, 5)


def test_offsets_and_places_agree() -> None:
    text = Text(TEXT)
    assert [text.offset(text.at(offset)) for offset in range(len(TEXT)) if TEXT[offset] != "\n"] == [
        offset for offset in range(len(TEXT)) if TEXT[offset] != "\n"
    ]
    assert text.slice(Span(Position(2, 4), Position(2, 5))) == "🎉"
