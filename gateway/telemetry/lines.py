"""Log lines: queued by whoever has something to say, written by a thread of their own.

A log line is a dictionary that goes into a queue; a thread redacts, renders and writes it, so that logging
never blocks the event loop and a line costs its sender about a microsecond.
"""

from __future__ import annotations

import atexit
import logging
import sys
import threading
import time
from collections import deque
from functools import lru_cache
from typing import Any, Literal, TextIO

import orjson
import structlog

from gateway.telemetry.redaction import REDACTOR, Fields, are_plain_names, has_no_card

Format = Literal["json", "text", "auto"]

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
    # Digits are many, and looked at line by line; anything else that must be hidden is rare.
    harmless = has_no_card if all(texts) and REDACTOR.unmarked(b"\n".join(texts)) else REDACTOR.harmless
    texts = [text if text and harmless(text) else _json(_hidden(line)) for text, line in zip(texts, lines, strict=True)]
    return b"\n".join([*texts, b""]).decode()


def _hidden(line: Fields) -> Fields:
    """Return a line with everything hidden that must be; of one that cannot be read, that it was there."""
    try:
        return REDACTOR.fields(line)
    except Exception as error:  # noqa: BLE001 - a value that cannot be made a text must not end the log
        return REDACTOR.fields({name: line[name] for name in _OWN_FIELDS} | {"unreadable": type(error).__name__})


def _plain_json(line: Fields) -> bytes:
    """Return a line as JSON, or nothing when it must be looked at value by value."""
    try:
        return orjson.dumps(line) if are_plain_names(tuple(line)) else b""
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


# One slice of events has one time for all its lines.
@lru_cache(maxsize=16)
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
