"""The language server: what `gateway.editor` knows, in the words of the Language Server Protocol 3.17.

Everything is pushed or answered from the texts that the editor holds. Checking runs in a thread of its own, a moment
after the last change, so that typing is never held up.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from gateway import __version__
from gateway.config.diagnostics import Diagnostic, Span
from gateway.editor.completion import complete
from gateway.editor.fixes import fix_of
from gateway.editor.hover import explain
from gateway.editor.places import Where, definition, references
from gateway.editor.positions import Text
from gateway.editor.protocol import action_of, diagnostic_of, item_of, markdown, path_of, place_of, range_of, uri_of
from gateway.editor.renaming import is_name, places_of, renamable
from gateway.editor.session import Checked, Session

DELAY = 0.25
"""Seconds without a change after which the files are checked."""

_WATCHED = ("**/*.yaml", "**/*.yml", "**/.env", "**/schemas/payloads/**/*.json")
_TRIGGERS = [" ", ":", ".", "$", "{", "[", "(", "'", "-"]

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Checks:
    """The checks under way."""

    timers: dict[Path, asyncio.TimerHandle] = field(default_factory=dict)
    running: dict[Path, asyncio.Task[None]] = field(default_factory=dict)
    again: set[Path] = field(default_factory=set)
    published: dict[Path, set[Path]] = field(default_factory=dict)
    """By configuration: the files that something is said of in the editor."""
    found: dict[Path, tuple[Diagnostic, ...]] = field(default_factory=dict)


class GatewayServer(LanguageServer):
    """Serves one editor."""

    def __init__(self, config: Path | None = None) -> None:
        """Take the configuration to use for every file; without one, the nearest above each file is used."""
        super().__init__("gateway", __version__)
        self.session = Session(config=config)
        self._uris: dict[Path, str] = {}
        self.checks = _Checks()

    # texts

    def text(self, path: Path, text: str | None = None) -> Text:
        """Return a file's text, with places counted as was agreed with the editor."""
        encoding = self.workspace.position_encoding or "utf-16"
        read = self.session.read(path) if text is None else text
        return Text(read or "", str(getattr(encoding, "value", encoding)))

    def uri(self, path: Path) -> str:
        """Return a file's address: as the editor writes it where it has the file open, by whatever links."""
        return self._uris.get(path) or uri_of(path)

    def known(self, uri: str) -> Path | None:
        """Return the path of a document that is one of the gateway's, None for what belongs to others."""
        path = path_of(uri)
        return path if path is not None and self.session.view(path).knows(path) else None

    def location(self, where: Where) -> lsp.Location:
        """Return a place as the editor takes it."""
        path, span = where
        return lsp.Location(uri=self.uri(path), range=range_of(self.text(path), span))

    async def watch(self) -> None:
        """Ask the editor to tell of files that change on disk, if it can."""
        workspace = self.client_capabilities.workspace
        watching = workspace.did_change_watched_files if workspace is not None else None
        if watching is None or not watching.dynamic_registration:
            return
        options = lsp.DidChangeWatchedFilesRegistrationOptions(
            watchers=[lsp.FileSystemWatcher(glob_pattern=pattern) for pattern in _WATCHED]
        )
        registration = lsp.Registration(
            id="files", method=lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES, register_options=options
        )
        await self.client_register_capability_async(lsp.RegistrationParams(registrations=[registration]))

    # checking

    def changed(self, uri: str) -> None:
        """Take in a file's text, and check soon."""
        path = path_of(uri)
        if path is not None:
            self._uris[path] = uri
            self.session.buffers[path] = self.workspace.get_text_document(uri).source.removeprefix("\ufeff")
            self.check_soon(self.session.config_of(path))

    def closed(self, uri: str) -> None:
        """Go by what is on disk again."""
        path = path_of(uri)
        if path is not None and path in self.session.buffers:
            config = self.session.config_of(path)
            del self.session.buffers[path]
            self.check_soon(config)

    def check_soon(self, config: Path) -> None:
        """Check a configuration once nothing was typed for a moment."""
        timer = self.checks.timers.pop(config, None)
        if timer is not None:
            timer.cancel()
        self.checks.timers[config] = asyncio.get_running_loop().call_later(DELAY, self._check, config)

    def _check(self, config: Path) -> None:
        self.checks.timers.pop(config, None)
        if config in self.checks.running:
            self.checks.again.add(config)
        else:
            self.checks.running[config] = asyncio.get_running_loop().create_task(self._run(config))

    async def _run(self, config: Path) -> None:
        try:
            job = self.session.job(config)
            self._publish(await asyncio.to_thread(job.run))
        except Exception:  # noqa: BLE001 - a bug in a check must not end the server; the next change tries again
            _log.exception("checking %s failed", config)
        finally:
            del self.checks.running[config]
        if config in self.checks.again:
            self.checks.again.discard(config)
            self._check(config)

    def _publish(self, checked: Checked) -> None:
        before = self.checks.published.get(checked.config, set())
        self.checks.published[checked.config] = set(checked.diagnostics)
        for path in sorted(before | set(checked.diagnostics) | set(self.session.buffers)):
            if path in self.session.buffers and self.session.config_of(path) != checked.config:
                continue
            found = checked.diagnostics.get(path, ())
            if path in self.session.buffers or found != self.checks.found.get(path):
                self._tell(path, found, self.text(path, checked.texts.get(path)))

    def _tell(self, path: Path, found: tuple[Diagnostic, ...], text: Text) -> None:
        self.checks.found[path] = found
        uri = self.uri(path)
        told = [diagnostic_of(one, uri, text) for one in found]
        params = lsp.PublishDiagnosticsParams(uri=uri, diagnostics=told)
        self.text_document_publish_diagnostics(params)


def build_server(config: Path | None = None) -> GatewayServer:
    """Return a server that answers everything it can; `start_io` runs it."""
    server = GatewayServer(config)
    _follow_texts(server)
    _answer(server)
    return server


def _follow_texts(server: GatewayServer) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    def opened(ls: GatewayServer, params: lsp.DidOpenTextDocumentParams) -> None:
        ls.changed(params.text_document.uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    def changed(ls: GatewayServer, params: lsp.DidChangeTextDocumentParams) -> None:
        ls.changed(params.text_document.uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_SAVE)
    def saved(ls: GatewayServer, params: lsp.DidSaveTextDocumentParams) -> None:
        ls.changed(params.text_document.uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    def closed(ls: GatewayServer, params: lsp.DidCloseTextDocumentParams) -> None:
        ls.closed(params.text_document.uri)

    @server.feature(lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def changed_on_disk(ls: GatewayServer, _params: lsp.DidChangeWatchedFilesParams) -> None:
        for config in ls.session.configs():
            ls.check_soon(config)

    @server.feature(lsp.INITIALIZED)
    async def initialized(ls: GatewayServer, _params: lsp.InitializedParams) -> None:
        await ls.watch()


def _answer(server: GatewayServer) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_COMPLETION, lsp.CompletionOptions(trigger_characters=_TRIGGERS))
    def completion(ls: GatewayServer, params: lsp.CompletionParams) -> lsp.CompletionList | None:
        path = ls.known(params.text_document.uri)
        if path is None:
            return None
        text = ls.text(path)
        found = complete(ls.session.view(path), path, text, text.position(place_of(params.position)))
        return lsp.CompletionList(is_incomplete=False, items=[item_of(one, text) for one in found])

    @server.feature(lsp.TEXT_DOCUMENT_HOVER)
    def hover(ls: GatewayServer, params: lsp.HoverParams) -> lsp.Hover | None:
        path = ls.known(params.text_document.uri)
        if path is None:
            return None
        text = ls.text(path)
        found = explain(
            ls.session.view(path), path, text.position(place_of(params.position)), ls.checks.found.get(path, ())
        )
        return None if found is None else lsp.Hover(contents=markdown(found.text), range=range_of(text, found.span))

    @server.feature(lsp.TEXT_DOCUMENT_DEFINITION)
    def going(ls: GatewayServer, params: lsp.DefinitionParams) -> lsp.Location | None:
        path = ls.known(params.text_document.uri)
        if path is None:
            return None
        found = definition(ls.session.view(path), path, ls.text(path).position(place_of(params.position)))
        return None if found is None else ls.location(found)

    @server.feature(lsp.TEXT_DOCUMENT_REFERENCES)
    def uses(ls: GatewayServer, params: lsp.ReferenceParams) -> list[lsp.Location] | None:
        path = ls.known(params.text_document.uri)
        if path is None:
            return None
        found = references(ls.session.view(path), path, ls.text(path).position(place_of(params.position)))
        return [ls.location(one) for one in (found if params.context.include_declaration else found[1:])]

    @server.feature(lsp.TEXT_DOCUMENT_PREPARE_RENAME)
    def nameable(ls: GatewayServer, params: lsp.PrepareRenameParams) -> lsp.Range | None:
        path = ls.known(params.text_document.uri)
        if path is None:
            return None
        text = ls.text(path)
        found = renamable(ls.session.view(path), path, text.position(place_of(params.position)))
        return None if found is None else range_of(text, found)

    @server.feature(lsp.TEXT_DOCUMENT_RENAME, lsp.RenameOptions(prepare_provider=True))
    def renamed(ls: GatewayServer, params: lsp.RenameParams) -> lsp.WorkspaceEdit | None:
        path = ls.known(params.text_document.uri)
        if path is None or not is_name(params.new_name):
            return None
        found = places_of(ls.session.view(path), path, ls.text(path).position(place_of(params.position)))
        changes: dict[str, list[lsp.TextEdit]] = {}
        for own, span in found:
            edit = lsp.TextEdit(range=range_of(ls.text(own), span), new_text=params.new_name)
            changes.setdefault(ls.uri(own), []).append(edit)
        return lsp.WorkspaceEdit(changes=changes) if changes else None

    @server.feature(
        lsp.TEXT_DOCUMENT_CODE_ACTION, lsp.CodeActionOptions(code_action_kinds=[lsp.CodeActionKind.QuickFix])
    )
    def fixes(ls: GatewayServer, params: lsp.CodeActionParams) -> list[lsp.CodeAction] | None:
        path = ls.known(params.text_document.uri)
        if path is None:
            return None
        text = ls.text(path)
        wanted = Span(text.position(place_of(params.range.start)), text.position(place_of(params.range.end)))
        return list(_fixes(ls, path, wanted, params.context.diagnostics))


def _fixes(ls: GatewayServer, path: Path, wanted: Span, shown: Iterable[lsp.Diagnostic]) -> Iterator[lsp.CodeAction]:
    """Yield what mends findings that touch a stretch of a file."""
    text = ls.text(path)
    for one in ls.checks.found.get(path, ()):
        if one.span.start <= wanted.end and wanted.start <= one.span.end:
            fix = fix_of(one, text)
            own = next((it for it in shown if it.code == one.code and it.range == range_of(text, one.span)), None)
            if fix is not None:
                yield action_of(fix, ls.uri(path), text, own)
