"""Card numbers: the quick look that lets most lines pass never lets one pass that has a card in it."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.telemetry.redaction import REDACTOR, has_no_card

_CARD = "4111111111111111"
_AROUND = st.text('0123456789abcdefxyz \n\t"\\é-_/{}:,&', max_size=20)


def _apart(text: str) -> bool:
    """Say whether a card beside this character is not part of a longer number or word."""
    return not (text.isascii() and text.isalnum()) and text not in " -"


@given(_AROUND, st.sampled_from([_CARD, "4111 1111 1111 1111", "4111-1111-1111-1111", "411111 1111111111"]), _AROUND)
@example("\n", _CARD, "\n")
@example("evt_0123456789012345&", _CARD, "")
def test_a_card_between_anything_is_seen_and_hidden(before: str, card: str, after: str) -> None:
    before, after = before if not before or _apart(before[-1]) else f"{before}.", f".{after}"
    text = f"{before}{card}{after}"
    assert not has_no_card(text.encode())
    assert not has_no_card(orjson.dumps({"note": text}))
    assert card not in REDACTOR.text(text)


@pytest.mark.parametrize(
    "text",
    [
        "evt_15b708f961d739ea7eba7e4db3184621&368604920",
        "evt_05b7089611739417e1234567890123456a",
        "2025-11-21 12:00:00",
        "",
    ],
)
def test_ids_with_many_digits_are_no_cards(text: str) -> None:
    assert has_no_card(text.encode())
    assert REDACTOR.text(text) == text
