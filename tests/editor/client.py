"""An editor: speaks to a real `gateway lsp` over its standard input and output, in messages it writes itself."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

SECONDS = 15.0
"""How long an answer may take before a test gives up."""


class Editor:
    """One editor and its language server."""

    def __init__(self, folder: Path, *options: str, environ: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.diagnostics: dict[str, list[dict[str, Any]]] = {}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "gateway", "lsp", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env={**os.environ, **(environ or {})},
        )
        self._received: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._ids = iter(range(1, 1_000_000))
        self._errors: list[bytes] = []
        self._open: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._drain, daemon=True).start()

    def __enter__(self) -> Editor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert pipe is not None
            try:
                pipe.close()
            except BrokenPipeError:
                continue

    # messages

    def _read(self) -> None:
        out = self._process.stdout
        assert out is not None
        while line := out.readline():
            length = 0
            while line.strip():
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
                line = out.readline()
            self._received.put(json.loads(out.read(length)))
        self._received.put(None)

    def _drain(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._errors.append(line)

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._process.stdin.flush()

    def _next(self) -> dict[str, Any]:
        try:
            message = self._received.get(timeout=SECONDS)
        except queue.Empty:
            said = b"".join(self._errors).decode()
            raise AssertionError(f"no answer; findings: {self.diagnostics}; it said: {said}") from None
        assert message is not None, b"".join(self._errors).decode()
        if message.get("method") == "textDocument/publishDiagnostics":
            self.diagnostics[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif "method" in message and "id" in message:
            self._send({"id": message["id"], "result": None})
        assert message.get("method") != "window/showMessage", message
        return message

    def request(self, method: str, params: dict[str, Any] | None) -> Any:
        own = next(self._ids)
        self._send({"id": own, "method": method, "params": params})
        while (message := self._next()).get("id") != own or "method" in message:
            pass
        assert "error" not in message, message["error"]
        return message["result"]

    def notify(self, method: str, params: dict[str, Any]) -> None:
        self._send({"method": method, "params": params})

    # life

    def start(self, encodings: list[str] | None = None) -> dict[str, Any]:
        general = {"general": {"positionEncodings": encodings}} if encodings else {}
        watching = {"workspace": {"didChangeWatchedFiles": {"dynamicRegistration": True}}}
        root = self.folder.as_uri()
        params = {"processId": os.getpid(), "rootUri": root, "capabilities": {**general, **watching}}
        result: dict[str, Any] = self.request("initialize", params)
        self.notify("initialized", {})
        return result

    def stop(self) -> int:
        self.request("shutdown", None)
        self.notify("exit", {})
        return self._process.wait(SECONDS)

    # documents

    def uri(self, name: str) -> str:
        return (self.folder / name).resolve().as_uri()

    def open(self, name: str, text: str | None = None) -> str:
        text = (self.folder / name).read_text("utf-8") if text is None else text
        document = {"uri": self.uri(name), "languageId": "yaml", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})
        self._open.append(name)
        return text

    def change(self, name: str, text: str, version: int = 2) -> None:
        document = {"uri": self.uri(name), "version": version}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})

    def settle(self) -> None:
        """Close what is open, and wait for a check that was begun after that: its findings name a number of ours."""
        for name in self._open:
            self.close(name)
        self._open = ["rules/settling.yaml"]
        number = next(self._ids)
        self.notify(
            "textDocument/didOpen",
            {
                "textDocument": {
                    "uri": self.uri("rules/settling.yaml"),
                    "languageId": "yaml",
                    "version": number,
                    "text": f"version: {number}\nrules: [{{name: x, on: y, do: [{{log: z}}]}}]\n",
                }
            },
        )
        while not any(f"`{number}`" in one["message"] for one in self.findings("rules/settling.yaml", None)):
            self._next()

    def close(self, name: str) -> None:
        self.notify("textDocument/didClose", {"textDocument": {"uri": self.uri(name)}})

    def findings(self, name: str, codes: list[str] | None) -> list[dict[str, Any]]:
        """Wait until a file has findings of these codes, of any with None; return them."""
        uri = self.uri(name)
        while True:
            found = self.diagnostics.get(uri)
            own = None if found is None else sorted(one["code"] for one in found)
            if found is not None and (own == codes if codes is not None else own):
                return found
            self._next()

    def ask(self, what: str, name: str, line: int, character: int, **more: Any) -> Any:
        """Ask for something at a place, counted from 0."""
        place = {"textDocument": {"uri": self.uri(name)}, "position": {"line": line, "character": character}}
        return self.request(f"textDocument/{what}", {**place, **more})


@contextmanager
def started(folder: Path, *options: str, **more: Any) -> Iterator[Editor]:
    """An editor whose server has begun."""
    with Editor(folder, *options, **more) as editor:
        editor.start()
        yield editor


def cut(marked: str) -> tuple[str, int, int]:
    """Return a text without its cursor `‸`, and where that stood: line and UTF-16 column, from 0."""
    before, _, after = marked.partition("‸")
    column = len(before.rpartition("\n")[2].encode("utf-16-le")) // 2
    return before + after, before.count("\n"), column
