"""What the gateway says of itself: log lines, what they may hold, metrics, request ids.

A log line is a dictionary that goes into a queue; a thread redacts, renders and writes it, so that logging
never blocks the event loop and a line costs its sender about a microsecond. Modules log through
`structlog.get_logger()`; the line of an accepted delivery, written once a request, goes straight to
`LogWriter.put`.
"""

from __future__ import annotations

import atexit
import itertools
import logging
import re
import secrets
import string
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal, TextIO

import orjson
import structlog
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

REDACTED = "[redacted]"

Fields = dict[str, Any]
Format = Literal["json", "text", "auto"]

_SECRET_KEY = re.compile(
    r"secret|token|passw|authorization|cookie|credential|signature|cvc|cvv|iban"
    r"|(?:api|access|private|card)[_-]?(?:key|number)",
    re.IGNORECASE,
)
_OUTSIDE_EMAIL = r"\s@<>\"',;:()\[\]{}=&?/#"
_EMAIL = re.compile(
    rf"[^{_OUTSIDE_EMAIL}]{{1,64}}(?:@|%40)[^{_OUTSIDE_EMAIL}.]{{1,63}}(?:\.[^{_OUTSIDE_EMAIL}.]{{1,63}})+"
)
_DIGITS = re.compile(r"(?<![0-9A-Za-z])[0-9](?:[ -]?[0-9]){12,}(?![0-9A-Za-z])")
_TOKEN = re.compile(r"\b((?:whsec|whsk|sk|rk)_|Bearer\s+|Basic\s+)[A-Za-z0-9_+/=.~-]{6,}", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(://[^/\s:@]*:)[^/\s@]+(?=@)")
_ALIKE_DIGITS = bytes.maketrans(b"123456789", b"0" * 9)
# What every text that one of the patterns fits has in it, and what nested values have in JSON; before each the byte
# of it that is rarest in a log, because looking for one byte is ten times as fast.
_MARKS = (
    (b"@", b"@"),
    (b"%", b"%40"),
    (b"[", b":["),
    (b":", b":{"),
    (b"_", b"k_"),
    (b"_", b"whsec_"),
    (b" ", b"earer "),
    (b" ", b"asic "),
)

_HARMLESS = frozenset({bool, float, type(None)})
_SHORTEST_CARD = 10**12

# A shorter secret is hidden only where it stands as a word of its own: `test` must not black out `latest`.
_SHORT_SECRET = 8


class Redactor:
    """Hides what must not be logged: registered secrets, token-like keys and texts, e-mail addresses, card numbers."""

    def __init__(self) -> None:
        self._secrets: dict[str, re.Pattern[str]] = {}
        self._marks: tuple[tuple[bytes, bytes], ...] = _MARKS

    def register(self, secret: str) -> None:
        """Hide a secret wherever it occurs from now on. An empty one is no secret."""
        text = secret.strip()
        if not text or text in self._secrets:
            return
        pattern = re.escape(text)
        whole = pattern if len(text) >= _SHORT_SECRET else rf"(?<!\w){pattern}(?!\w)"
        self._secrets = {**self._secrets, text: re.compile(whole)}
        forms = {text.encode(), orjson.dumps(text)[1:-1]}
        self._marks = (*self._marks, *((form[:1], form) for form in forms))

    def harmless(self, text: bytes) -> bool:
        """Say that a text, or flat JSON, has nothing to hide: a few plain searches instead of all the patterns."""
        for byte, mark in self._marks:
            if byte in text and mark in text:
                return False
        return b"0" * 13 not in text.translate(_ALIKE_DIGITS, b" -")

    def fields(self, fields: Mapping[str, Any]) -> Fields:
        """Return a line's fields with everything hidden that must be."""
        return {name: REDACTED if _SECRET_KEY.search(name) else self.value(value) for name, value in fields.items()}

    def value(self, value: Any) -> Any:
        """Return a value of any shape with everything hidden that must be."""
        kind = type(value)
        if kind in _HARMLESS or (kind is int and value < _SHORTEST_CARD):
            return value
        if isinstance(value, Mapping):
            return self.fields({str(name): item for name, item in value.items()})
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(item) for item in value]
        text = str(value)
        hidden = self.text(text)
        return value if kind is int and hidden == text else hidden

    def text(self, text: str) -> str:
        """Return a text with everything hidden that must be."""
        if self.harmless(text.encode("utf-8", "surrogatepass")):
            return text
        for pattern in self._secrets.values():
            text = pattern.sub(REDACTED, text)
        text = _TOKEN.sub(rf"\g<1>{REDACTED}", _URL_PASSWORD.sub(rf"\g<1>{REDACTED}", text))
        return _DIGITS.sub(_hide_cards, _EMAIL.sub("[e-mail]", text))


@lru_cache(maxsize=1024)
def _are_plain_names(names: tuple[str, ...]) -> bool:
    return not any(map(_SECRET_KEY.search, names))


def _hide_cards(match: re.Match[str]) -> str:
    """Return a run of digits in groups without the groups that make a card number."""
    parts = re.split(r"([ -])", match[0])
    for first in range(0, len(parts), 2):
        for last in range(len(parts), first, -2):
            if _is_card("".join(parts[first:last:2])):
                return "".join([*parts[:first], "[card]", *parts[last:]])
    return match[0]


def _is_card(digits: str) -> bool:
    """Check length and first digit of a card number, and its last digit by Luhn's sum (ISO/IEC 7812-1)."""
    if not 13 <= len(digits) <= 19 or digits[0] not in "23456":
        return False
    values = [int(digit) for digit in reversed(digits)]
    doubled = (value * 2 - 9 if value > 4 else value * 2 for value in values[1::2])
    return (sum(values[0::2]) + sum(doubled)) % 10 == 0


_redactor = Redactor()
register_secret = _redactor.register
redact = _redactor.value


# The interpreter is held while lines are rendered and let go while they are written: small portions hold up
# nobody.
_LINES_A_WRITE = 128


class LogWriter:
    """Takes log lines without blocking and writes them from a thread of its own.

    Lines go out within `delay` seconds, many per write. When more than `limit` wait (the reader of the stream has
    stopped reading), further ones are dropped and counted.
    """

    def __init__(self, stream: TextIO, *, text: bool, delay: float = 0.05, limit: int = 100_000) -> None:
        self._stream = stream
        self._render = _TextRenderer(stream).lines if text else _json_lines
        self._delay, self._limit, self._dropped = delay, limit, 0
        self._lines: deque[Fields] = deque()
        self._idle = True
        self._wake, self._closing = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, name="gateway-log", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def put(self, fields: Fields) -> None:
        """Queue one line: `time` (seconds since the epoch), `level`, `message` and any others."""
        if len(self._lines) >= self._limit:
            self._dropped += 1
            return
        self._lines.append(fields)
        if self._idle:
            self._idle = False
            self._wake.set()

    def close(self) -> None:
        """Write what is queued and end the thread."""
        self._closing.set()
        self._wake.set()
        self._thread.join(timeout=5)
        atexit.unregister(self.close)

    def _work(self) -> None:
        while not (self._closing.is_set() and not self._lines):
            self._wake.wait()
            self._wake.clear()
            while self._lines:
                self._closing.wait(self._delay)  # else a busy gateway's lines would be written one by one
                for _ in range(0, len(self._lines), _LINES_A_WRITE):
                    self._write_lines()
            self._idle = True
            if self._lines:  # put in between the last look and the flag: nobody else would wake us
                self._wake.set()

    def _write_lines(self) -> None:
        lines = [self._lines.popleft() for _ in range(min(len(self._lines), _LINES_A_WRITE))]
        if self._dropped:
            lost = {"message": "log lines dropped", "count": self._dropped}
            lines.append({"time": time.time(), "level": "error", **lost})
            self._dropped = 0
        try:
            self._stream.write(self._render(lines))
            self._stream.flush()
        except (OSError, ValueError):  # the stream is closed or full: there is nowhere left to say so
            self._dropped += len(lines)


def _json_lines(lines: list[Fields]) -> str:
    for line in lines:
        line["time"] = _iso_time(line["time"])
    texts = [_plain_json(line) for line in lines]
    if not (all(texts) and _redactor.harmless(b"\n".join(texts))):
        texts = [
            text if text and _redactor.harmless(text) else _json(_hidden(line))
            for text, line in zip(texts, lines, strict=True)
        ]
    return b"\n".join([*texts, b""]).decode()


def _hidden(line: Fields) -> Fields:
    """Return a line with everything hidden that must be; of one that cannot be read, that it was there."""
    try:
        return _redactor.fields(line)
    except Exception as error:  # noqa: BLE001 - a value that cannot be made a text must not end the log
        return _redactor.fields({name: line[name] for name in _OWN_FIELDS} | {"unreadable": type(error).__name__})


def _plain_json(line: Fields) -> bytes:
    """Return a line as JSON, or nothing when it must be looked at value by value."""
    try:
        return orjson.dumps(line) if _are_plain_names(tuple(line)) else b""
    except TypeError:
        return b""


def _json(fields: Fields) -> bytes:
    try:
        return orjson.dumps(fields)
    except TypeError:  # half of a surrogate pair, from bytes that were not UTF-8; an integer beyond 64 bits
        return orjson.dumps({name: _writable(value) for name, value in fields.items()})


def _writable(value: Any) -> str:
    return str(value).encode("utf-8", "backslashreplace").decode()


class _TextRenderer:
    def __init__(self, stream: TextIO) -> None:
        colors = stream.isatty()
        self._console = structlog.dev.ConsoleRenderer(colors=colors, event_key="message", timestamp_key="time")

    def lines(self, lines: list[Fields]) -> str:
        return "".join([f"{self._line(_hidden(line))}\n" for line in lines])

    def _line(self, fields: Fields) -> str:
        fields["time"] = _iso_time(fields["time"])
        return _writable(self._console(None, "", fields))


def _iso_time(seconds: float) -> str:
    whole = int(seconds)
    return f"{_iso_second(whole)}.{int((seconds - whole) * 1e6):06d}Z"


@lru_cache(maxsize=16)
def _iso_second(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))


class _QueueLogger:
    """What structlog calls with a finished line."""

    def __init__(self, writer: LogWriter) -> None:
        self.debug = self.info = self.warning = self.error = self.critical = self.exception = writer.put
        self.msg = writer.put


class _StandardHandler(logging.Handler):
    """Brings the lines of libraries, which log through `logging`, into the same queue."""

    def __init__(self, writer: LogWriter) -> None:
        super().__init__()
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        fields: Fields = {
            "time": record.created,
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            "logger": record.name,
        }
        if record.exc_info:
            fields["exception"] = logging.Formatter().formatException(record.exc_info)
        self._writer.put(fields)


_OWN_FIELDS = ("time", "level", "message")


def _as_line(logger: object, level: str, event: Any) -> Any:
    line = {"time": time.time(), "level": "error" if level == "exception" else level, "message": event.pop("event")}
    for name, value in event.items():
        line[f"{name}_" if name in line else name] = value
    return (line,), {}


def configure_logging(*, level: str = "info", format: Format = "auto", stream: TextIO | None = None) -> LogWriter:
    """Send all log lines of this process to a stream (standard error), and return their writer.

    `auto` writes text to a terminal and JSON, one object a line, elsewhere. Close the writer before the
    process ends, or the last lines are written at exit.
    """
    target = sys.stderr if stream is None else stream
    writer = LogWriter(target, text=format == "text" or (format == "auto" and target.isatty()))
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, structlog.processors.format_exc_info, _as_line],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=lambda *_: _QueueLogger(writer),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[_StandardHandler(writer)], level=max(threshold, logging.WARNING), force=True)
    return writer


def new_registry() -> CollectorRegistry:
    """Return a registry of metrics that already has those of the process, the interpreter and its garbage collector."""
    registry = CollectorRegistry(auto_describe=True)
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    return registry


_SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+=-]{0,127}", re.ASCII).fullmatch


class RequestIds:
    """Names requests: the caller's own id where it is sane, else one that no other request of any process has."""

    def __init__(self) -> None:
        # Letters only: with digits in front of the counter's an id could look like a card number to the redactor.
        self._prefix = "".join([secrets.choice(string.ascii_lowercase) for _ in range(10)])
        self._counter = itertools.count(1)

    def take(self, given: str | None) -> str:
        """Return `given` if it has at most 128 letters, digits and `._:/+=-`; else a new id."""
        if given is not None and _SANE_REQUEST_ID(given):
            return given
        return f"{self._prefix}-{next(self._counter):08x}"
