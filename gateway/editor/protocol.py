"""What the gateway knows, in the types of the Language Server Protocol 3.17."""

from __future__ import annotations

import re
from pathlib import Path

from lsprotocol import types as lsp
from pygls.uris import from_fs_path, to_fs_path

from gateway.config.codes import CODES
from gateway.config.diagnostics import Diagnostic, Severity, Span
from gateway.editor.completion import Sort, Suggestion
from gateway.editor.fixes import Fix
from gateway.editor.positions import Place, Text

_INSTALLED = Path(__file__).parents[1] / "errors.md"
_CHECKED_OUT = Path(__file__).parents[2] / "docs" / "errors.md"

ERRORS_PAGE = _INSTALLED if _INSTALLED.is_file() else _CHECKED_OUT
"""The page that explains the codes: inside the installed package, beside it in a checkout."""

_SEVERITIES = {
    Severity.ERROR: lsp.DiagnosticSeverity.Error,
    Severity.WARNING: lsp.DiagnosticSeverity.Warning,
    Severity.ADVICE: lsp.DiagnosticSeverity.Information,
}
_ICONS = {
    Sort.KEY: lsp.CompletionItemKind.Property,
    Sort.ACTION: lsp.CompletionItemKind.Keyword,
    Sort.NAME: lsp.CompletionItemKind.Reference,
    Sort.VALUE: lsp.CompletionItemKind.EnumMember,
    Sort.MEMBER: lsp.CompletionItemKind.Field,
    Sort.FUNCTION: lsp.CompletionItemKind.Function,
}
_PLACE = re.compile(r"line (\d+)(?:, column (\d+))?")


def diagnostic_of(one: Diagnostic, uri: str, text: Text) -> lsp.Diagnostic:
    """Return a finding of a document; its notes and its help are part of the message."""
    told = [one.message, *one.notes, *([f"help: {one.help}"] if one.help else [])]
    return lsp.Diagnostic(
        range=range_of(text, one.span),
        severity=_SEVERITIES[one.severity],
        code=one.code,
        code_description=lsp.CodeDescription(href=page_of(one.code)),
        source="gateway",
        message="\n".join(told),
        related_information=_related(one, uri) or None,
    )


def _related(one: Diagnostic, uri: str) -> list[lsp.DiagnosticRelatedInformation]:
    """Return the places that notes speak of: those of a line in the same file."""
    found = []
    for note in one.notes:
        place = _PLACE.search(note)
        if place is not None:
            start = Place(int(place[1]) - 1, int(place[2] or 1) - 1)
            position = lsp.Position(line=start.line, character=start.character)
            location = lsp.Location(uri=uri, range=lsp.Range(start=position, end=position))
            found.append(lsp.DiagnosticRelatedInformation(location=location, message=note))
    return found


def page_of(code: str) -> str:
    """Return the address of a code's section, named as renderers of Markdown name it."""
    heading = re.sub(r"[^\w\- ]", "", f"{code}: {CODES[code].title}".lower()).replace(" ", "-")
    return f"{uri_of(ERRORS_PAGE)}#{heading}"


def range_of(text: Text, span: Span) -> lsp.Range:
    """Return a stretch of a text."""
    start, end = text.range(span)
    return lsp.Range(
        start=lsp.Position(line=start.line, character=start.character),
        end=lsp.Position(line=end.line, character=end.character),
    )


def uri_of(path: Path) -> str:
    """Return the address of a file."""
    uri: str | None = from_fs_path(str(path))
    assert uri is not None
    return uri


def path_of(uri: str) -> Path | None:
    """Return the file of a document; None for one that is none, such as a new one without a name."""
    path = to_fs_path(uri) if uri.startswith("file:") else None
    return Path(path).resolve() if path else None


def place_of(position: lsp.Position) -> Place:
    """Return a place in a document."""
    return Place(position.line, position.character)


def item_of(one: Suggestion, text: Text) -> lsp.CompletionItem:
    """Return a suggestion."""
    return lsp.CompletionItem(
        label=one.label,
        kind=_ICONS[one.sort],
        detail=one.detail or None,
        documentation=markdown(one.about) if one.about else None,
        sort_text=f"{one.rank}{one.label}",
        filter_text=one.label,
        text_edit=lsp.TextEdit(range=range_of(text, one.span), new_text=one.insert),
    )


def markdown(text: str) -> lsp.MarkupContent:
    """Return text in Markdown."""
    return lsp.MarkupContent(kind=lsp.MarkupKind.Markdown, value=text)


def action_of(fix: Fix, uri: str, text: Text, diagnostic: lsp.Diagnostic | None) -> lsp.CodeAction:
    """Return a quick fix; `diagnostic` is the editor's own of what it mends."""
    edit = lsp.TextEdit(range=range_of(text, fix.span), new_text=fix.text)
    return lsp.CodeAction(
        title=fix.title,
        kind=lsp.CodeActionKind.QuickFix,
        diagnostics=[diagnostic] if diagnostic is not None else None,
        is_preferred=True,
        edit=lsp.WorkspaceEdit(changes={uri: [edit]}),
    )
