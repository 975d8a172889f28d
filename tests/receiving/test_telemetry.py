from __future__ import annotations

import io
import json
import logging
import re
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from gateway.telemetry import REDACTED, LogWriter, Redactor, RequestIds, configure_logging, new_registry

CARDS = ["4242424242424242", "4242 4242 4242 4242", "5555-5555-5555-4444", "378282246310005", "6011111111111117"]


@pytest.fixture
def redactor() -> Redactor:
    return Redactor()


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("mail to anna@example.com now", "mail to [e-mail] now"),
        ("<a.b+c@sub.example.co.uk>", "<[e-mail]>"),
        ("user=anna%40example.com&x=1", "user=[e-mail]&x=1"),
        ("key whsec_abcdefghijk!", "key whsec_[redacted]!"),
        ("sk_live_51Habcdefghij used", "sk_[redacted] used"),
        ("Authorization: Bearer abc.def-ghi_jkl", "Authorization: Bearer [redacted]"),
        ("postgresql://me:pass@host/db", "postgresql://me:[redacted]@host/db"),
        ("nothing to hide: evt_1, 12:00:01, €100.00", "nothing to hide: evt_1, 12:00:01, €100.00"),
        ("order 1234567890123456 is no card", "order 1234567890123456 is no card"),
        ("at 1763706000123456 µs", "at 1763706000123456 µs"),
        ("sha256:4242424242424242abc", "sha256:4242424242424242abc"),
    ],
)
def test_texts(redactor: Redactor, text: str, hidden: str) -> None:
    assert redactor.text(text) == hidden


@pytest.mark.parametrize("card", CARDS)
def test_card_numbers(redactor: Redactor, card: str) -> None:
    assert redactor.text(f"card {card}.") == "card [card]."
    wrong = card[:-1] + str((int(card[-1]) + 1) % 10)
    assert redactor.text(f"card {wrong}.") == f"card {wrong}."
    assert redactor.value(int(re.sub(r"\D", "", card))) == "[card]"


def test_registered_secrets(redactor: Redactor) -> None:
    redactor.register("  s3cr3t-value\n")
    redactor.register("")
    redactor.register("abc")
    assert redactor.text("x s3cr3t-valuex") == "x [redacted]x"
    assert redactor.text("abc abcd (abc)") == "[redacted] abcd ([redacted])"
    assert redactor.text("nothing") == "nothing"


def test_keys_and_nested_values(redactor: Redactor) -> None:
    fields = {
        "token": "x",
        "asaas_access_token": "x",
        "api_key": 5,
        "key": "cus_1",
        "event": 12,
        "nested": {"password": "x", "list": ["a@b.cc", None, True, 1.5, {"Client-Secret": "y"}]},
        "amount": Decimal("9.99"),
        "path": Path("rules/a.yaml"),
    }
    assert redactor.fields(fields) == {
        "token": REDACTED,
        "asaas_access_token": REDACTED,
        "api_key": REDACTED,
        "key": "cus_1",
        "event": 12,
        "nested": {"password": REDACTED, "list": ["[e-mail]", None, True, 1.5, {"Client-Secret": REDACTED}]},
        "amount": "9.99",
        "path": "rules/a.yaml",
    }


@given(st.text(), st.sampled_from(["anna@example.com", "4242424242424242", "whsec_abcdefgh1234"]), st.text())
def test_a_secret_between_spaces_is_always_hidden(before: str, secret: str, after: str) -> None:
    assert secret not in Redactor().text(f"{before} {secret} {after}")


@given(st.text(max_size=500))
def test_what_is_harmless_is_left_alone(text: str) -> None:
    redactor = Redactor()
    if redactor.harmless(text.encode("utf-8", "surrogatepass")):
        assert redactor.text(text) == text


class Lines:
    """Where log lines end up."""

    def __init__(self, **options: Any) -> None:
        self.stream = io.StringIO()
        self.writer = configure_logging(stream=self.stream, **options)

    def read(self) -> list[dict[str, Any]]:
        self.writer.close()
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


@pytest.fixture(autouse=True)
def _unconfigured() -> Iterator[None]:
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def test_lines_are_json_with_a_time() -> None:
    lines = Lines()
    structlog.get_logger().warning("delivery refused", source="asaas", reason="x", token="t", mail="a@b.cc")
    (line,) = lines.read()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line.pop("time"))
    assert line == {
        "level": "warning",
        "message": "delivery refused",
        "source": "asaas",
        "reason": "x",
        "token": REDACTED,
        "mail": "[e-mail]",
    }


def test_fields_cannot_take_the_place_of_a_lines_own() -> None:
    lines = Lines()
    structlog.get_logger().info("said", time="noon", level="x", message="y")
    (line,) = lines.read()
    assert (line["level"], line["message"]) == ("info", "said")
    assert (line["time_"], line["level_"], line["message_"]) == ("noon", "x", "y")


def test_levels() -> None:
    lines = Lines(level="warning")
    log = structlog.get_logger()
    log.info("quiet")
    log.error("loud")
    assert [line["message"] for line in lines.read()] == ["loud"]


def test_the_libraries_lines_come_the_same_way() -> None:
    lines = Lines()
    logging.getLogger("some.library").warning("trouble with %s", "a@b.cc")
    logging.getLogger("some.library").info("chatter")
    (line,) = lines.read()
    assert (line["level"], line["message"], line["logger"]) == ("warning", "trouble with [e-mail]", "some.library")


def test_an_exceptions_traceback_is_redacted_too() -> None:
    lines = Lines()
    try:
        int("no number: anna@example.com")
    except ValueError:
        structlog.get_logger().exception("failed")
    (line,) = lines.read()
    assert line["level"] == "error"
    assert "with base 10: 'no number: [e-mail]'" in line["exception"]


def test_nothing_that_is_logged_stops_the_log() -> None:
    class Odd:
        def __str__(self) -> str:
            return "odd \udcff"

    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("no text")

    lines = Lines()
    log = structlog.get_logger()
    log.info("odd", value=Odd(), number=10**30, text="\ud800", data=b"\xff")
    log.info("broken", value=Broken())
    log.info("fine")
    odd, broken, fine = lines.read()
    assert odd["value"] == "odd \\udcff"
    assert broken["message"] == "broken"
    assert fine["message"] == "fine"


def test_text_for_people() -> None:
    stream = io.StringIO()
    writer = configure_logging(stream=stream, format="text")
    structlog.get_logger().info("delivery refused", source="asaas", mail="a@b.cc")
    writer.close()
    assert "delivery refused" in stream.getvalue()
    assert "source=asaas" in stream.getvalue()
    assert "a@b.cc" not in stream.getvalue()


def test_a_stream_that_blocks_holds_up_nobody() -> None:
    class Blocked(io.StringIO):
        gate = threading.Event()

        def write(self, text: str) -> int:
            self.gate.wait(10)
            return super().write(text)

    stream = Blocked()
    writer = LogWriter(stream, text=False, delay=0, limit=100)
    for number in range(1000):
        writer.put({"time": 0.0, "level": "info", "message": str(number)})
    stream.gate.set()
    writer.close()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    dropped = sum(line["count"] for line in lines if line["message"] == "log lines dropped")
    assert dropped > 0
    assert len([line for line in lines if "count" not in line]) + dropped == 1000


def test_a_stream_that_is_closed_is_no_failure() -> None:
    stream = io.StringIO()
    writer = LogWriter(stream, text=False, delay=0)
    stream.close()
    writer.put({"time": 0.0, "level": "info", "message": "lost"})
    writer.close()


def test_many_lines_keep_their_order() -> None:
    lines = Lines()
    for number in range(5000):
        lines.writer.put({"time": 1.5, "level": "info", "message": "n", "number": number, "id": f"evt_{number:024d}"})
    assert [line["number"] for line in lines.read()] == list(range(5000))


def test_request_ids() -> None:
    ids, others = RequestIds(), RequestIds()
    made = {ids.take(None) for _ in range(1000)} | {others.take("bad id") for _ in range(1000)}
    assert len(made) == 2000
    assert all(re.fullmatch(r"[a-z]{10}-[0-9a-f]{8}", one) for one in made)
    assert ids.take("given-1") == "given-1"
    for bad in ("", " ", "a\n", "a@b.cc", "x" * 129, "ä", "-x", "a\r\nSet-Cookie: x"):
        assert ids.take(bad) not in {bad, bad.strip()}


def test_a_registry_has_the_processs_own_metrics() -> None:
    registry = new_registry()
    assert (registry.get_sample_value("process_resident_memory_bytes") or 0) > 1_000_000
    assert registry.get_sample_value("python_info", None) is None
