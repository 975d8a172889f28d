"""Lays out the files of an example, so that the real checks can be run on them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gateway.config.codes.entry import Code
from gateway.config.codes.samples import GATEWAY_FILE, RULES_FILE, SECRET_NAME


def write_example(code: Code, text: str, directory: Path) -> Path:
    """Write `text`, the wrong or the right file of a code, with what belongs round it; return gateway.yaml."""
    usual = {"gateway.yaml": code.gateway or GATEWAY_FILE, "rules.yaml": code.rules or RULES_FILE}
    files = {**usual, **code.beside, code.file: text}
    for name, content in files.items():
        encoding = code.encoding if content is code.wrong else "utf-8"
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(content.encode(encoding))
    return directory / "gateway.yaml"


def example_environ(code: Code) -> Mapping[str, str]:
    """Return the variables an example is read with."""
    return {SECRET_NAME: "whsec_c2VjcmV0IG9mIGFuIGV4YW1wbGU", **code.environ}
