"""Files with their expected output beside them; `GATEWAY_WRITE=1` writes the output anew."""

from __future__ import annotations

import os
import re
from pathlib import Path

from gateway.config.codes.samples import GATEWAY_FILE, RULES_FILE

HERE = Path(__file__).parent
WRITING = os.environ.get("GATEWAY_WRITE") == "1"
ENVIRON = {"STRIPE_WEBHOOK_SECRET": "whsec_c2VjcmV0IG9mIHRoZSB0ZXN0cw"}
STRIPE_KEY = {"STRIPE_API_KEY": "sk_test_hidden"}


TARGETS = """\
destinations: {app: {url: "http://127.0.0.1:9000"}, events: {url: "nats://127.0.0.1:4222"}}
channels: {admins: ["log://"]}
stripe: {api_key: "${env:STRIPE_API_KEY}"}
"""
"""What is put behind gateway.yaml for a case with the line `# with targets`."""

WITH_SETTINGS = (
    RULES_FILE.replace("an invoice was paid", "${ lookup(settings, 'on') }")
    + "settings: {days: 7, on: 1, at: 1, day: 1}\n"
)


def files(directory: str) -> list[Path]:
    """Return the cases in a directory."""
    return sorted((HERE / directory).glob("*.yaml"))


def lay_out(case: Path, directory: Path) -> Path:
    """Put a case into an empty directory, with the file it needs round it; return gateway.yaml."""
    text = case.read_bytes()
    own = "rules.yaml" if b"\nrules:" in text or b"\nprocedures:" in text else "gateway.yaml"
    (directory / "gateway.yaml").write_text(GATEWAY_FILE + (TARGETS if b"# with targets" in text else ""))
    (directory / "rules.yaml").write_text(RULES_FILE if case.parent.name == "err" else WITH_SETTINGS)
    for name, content in re.findall(r"^# beside (\S+): (.*)$", text.decode(errors="replace"), re.MULTILINE):
        (directory / name).write_text(f"{content}\n")
    (directory / own).write_bytes(text)
    return directory / "gateway.yaml"


def environ_of(case: Path) -> dict[str, str]:
    """Return the variables of a case, from its lines `# env NAME=value`."""
    found = re.findall(r"^# env (\w+)=(.*)$", case.read_text("utf-8"), re.MULTILINE)
    key = STRIPE_KEY if "# with targets" in case.read_text("utf-8") else {}
    return {**ENVIRON, **key, **dict(found)}


def expect(path: Path, text: str) -> None:
    """Compare a text with what its file holds, or write it there."""
    if WRITING:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    assert path.read_text("utf-8") == text
