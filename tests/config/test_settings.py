"""gateway.yaml as frozen settings."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from config.golden import ENVIRON, HERE, environ_of, lay_out
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config.codes.samples import GATEWAY_FILE, RULES_FILE
from gateway.config.diagnostics import Findings
from gateway.config.document import Mapping
from gateway.settings import Settings, load_settings


def load(directory: Path, text: str, **variables: str) -> tuple[Settings | None, list[str]]:
    (directory / "gateway.yaml").write_text(text)
    (directory / "rules.yaml").write_text(RULES_FILE)
    findings = Findings()
    settings = load_settings(directory / "gateway.yaml", findings, {**ENVIRON, **variables})
    return settings, [one.code for one in findings.diagnostics]


def settings_of(directory: Path, text: str, **variables: str) -> Settings:
    settings, codes = load(directory, text, **variables)
    assert codes == []
    assert settings is not None
    return settings


@pytest.fixture
def everything(tmp_path: Path) -> Settings:
    case = HERE / "ok" / "everything.yaml"
    findings = Findings()
    settings = load_settings(lay_out(case, tmp_path), findings, environ_of(case))
    assert findings.diagnostics == ()
    assert settings is not None
    return settings


def test_defaults(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, GATEWAY_FILE)
    assert (settings.server.host, settings.server.port, settings.server.max_body) == ("127.0.0.1", 8080, 2**20)
    assert settings.database == "sqlite:///gateway.db"
    assert (settings.admin_token, settings.redis, settings.stripe.api_key) == (None, None, None)
    assert settings.retry.first == timedelta(seconds=5)
    assert (settings.retry.factor, settings.retry.jitter) == (3.0, 0.2)
    assert (settings.retention.done, settings.retention.dead) == (timedelta(days=30), timedelta(days=180))
    assert (settings.log.level, settings.log.format) == ("info", "auto")
    assert (settings.destinations, settings.channels, settings.alerts) == ({}, {}, ())
    (source,) = settings.sources
    assert (source.respond, source.unmatched, source.ordering) == ("accepted", "ignore", "key")
    assert (source.allow_ips, source.rate_limit, source.stale_after) == ((), None, None)
    assert source.max_body == 2**20
    assert source.health_service == "stripe-webhook"
    assert source.rules == (tmp_path / "rules.yaml",)


def test_the_server(everything: Settings) -> None:
    server = everything.server
    assert (server.host, server.port, server.max_body) == ("0.0.0.0", 9000, 2 * 2**20)  # noqa: S104 - a sample
    assert (server.body_timeout, server.keep_alive, server.drain) == (
        timedelta(seconds=10),
        timedelta(minutes=1),
        timedelta(seconds=20),
    )
    assert server.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("::1"))


def test_a_source(everything: Settings) -> None:
    source = everything.source("payments")
    assert source is not None
    assert source.path == "/api/backoffice/finance/stripe/webhook"
    assert source.verify == {"secrets": [ENVIRON["STRIPE_WEBHOOK_SECRET"], ""], "tolerance": "5m"}
    assert source.allow_ips == (ip_network("127.0.0.0/8"), ip_network("192.0.2.7"))
    assert source.rate_limit is not None
    assert (source.rate_limit.count, source.rate_limit.period) == (100, timedelta(seconds=1))
    assert (source.respond, source.unmatched, source.ordering) == ("result", "reject", "strict")
    assert (source.max_body, source.dedupe_window) == (65536, timedelta(days=2))
    assert (source.health_service, source.stale_after) == ("stripe-payments", timedelta(hours=26))
    assert source.settings == {"days": 3}
    assert isinstance(source.response, Mapping)
    assert source.response.plain() == {
        "body": {"success": "${ error == `null` }", "action": "$result"},
        "errors": {"success": False},
    }


def test_a_source_without_a_provider(everything: Settings) -> None:
    source = everything.source("partner")
    assert source is not None
    assert source.provider is None
    assert source.event == {"id": "delivery.id", "type": "kind", "occurred_at": "sent_at", "key": "account.id"}
    assert everything.source("none") is None


def test_where_messages_go(everything: Settings) -> None:
    app = everything.destinations["app"]
    assert (app.url, app.secret, app.timeout, app.concurrency) == (
        "http://127.0.0.1:9000",
        None,
        timedelta(seconds=5),
        4,
    )
    assert app.headers["Authorization"].reveal() == f"Bearer {ENVIRON['STRIPE_WEBHOOK_SECRET']}"
    assert [address.reveal() for address in everything.channels["admins"]] == ["log://"]
    (alert,) = everything.alerts
    assert (alert.name, alert.source, alert.over, alert.notify) == (
        "failing",
        "payments",
        timedelta(minutes=5),
        "admins",
    )


def test_numbers_from_the_environment(everything: Settings) -> None:
    assert (everything.engine.workers, everything.engine.slice) == (2, 64)
    assert everything.retry.factor == 2.5
    assert everything.retry.jitter == 0.125


def test_no_secret_in_what_settings_print(everything: Settings) -> None:
    assert ENVIRON["STRIPE_WEBHOOK_SECRET"] not in repr(everything)
    assert ENVIRON["STRIPE_WEBHOOK_SECRET"] in {secret.reveal() for secret in everything.secrets}


def test_a_token_of_digits_stays_text(tmp_path: Path) -> None:
    text = GATEWAY_FILE + "admin: {token: '${env:GATEWAY_ADMIN_TOKEN}'}\n"
    settings = settings_of(tmp_path, text, GATEWAY_ADMIN_TOKEN="0012345")
    assert settings.admin_token is not None
    assert settings.admin_token.reveal() == "0012345"


@pytest.mark.parametrize("port", ["9000", " 9000 "])
def test_a_port_from_the_environment_is_a_number(tmp_path: Path, port: str) -> None:
    assert settings_of(tmp_path, GATEWAY_FILE + "server: {port: '${env:PORT}'}\n", PORT=port).server.port == 9000


@pytest.mark.parametrize("port", ["", "x", "80.5", "true", "-1", "99999999999999999999"])
def test_a_port_that_is_none(tmp_path: Path, port: str) -> None:
    settings, codes = load(tmp_path, GATEWAY_FILE + "server: {port: '${env:PORT}'}\n", PORT=port)
    assert codes in (["GW103"], ["GW104"])
    assert settings is not None
    assert settings.server.port == 8080


def test_a_dotenv_beside_the_file_is_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=7000\nSTRIPE_WEBHOOK_SECRET=ignored\n")
    settings = settings_of(tmp_path, GATEWAY_FILE + "server: {port: '${env:PORT}'}\n")
    assert settings.server.port == 7000
    assert settings.sources[0].verify == {"secrets": [ENVIRON["STRIPE_WEBHOOK_SECRET"]]}


def test_a_secret_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    settings = settings_of(tmp_path, GATEWAY_FILE + 'admin: {token: "${file:token}"}\n')
    assert settings.admin_token is not None
    assert settings.admin_token.reveal() == "s3cret"


def test_what_is_wrong_leaves_the_rest_to_check_the_rules_by(tmp_path: Path) -> None:
    text = GATEWAY_FILE.replace("path: /webhook/stripe", "path: 5") + (
        "server: {port: 99999, hst: x}\nretry: [1]\nalerts: [{name: a}, {name: b, when: c, notify: d, over: e}]\n"
        "engine: {workers: [1]}\ndestinations: {a b: {url: 1}, c: 2}\nchannels: {x: 1}\nlog: {level: loud}\n"
    )
    settings, codes = load(tmp_path, text)
    assert "GW101" in codes
    assert settings is not None
    assert settings.server.port == 8080
    assert settings.sources[0].rules == (tmp_path / "rules.yaml",)
    assert settings.retry.factor == 3.0


@pytest.mark.parametrize("text", ["", "- a\n", "text\n", "a: [\n"])
def test_no_mapping_no_settings(tmp_path: Path, text: str) -> None:
    settings, codes = load(tmp_path, text)
    assert settings is None
    assert len(codes) == 1


def test_no_file_no_settings(tmp_path: Path) -> None:
    findings = Findings()
    assert load_settings(tmp_path / "gateway.yaml", findings, {}) is None
    assert [one.code for one in findings.diagnostics] == ["GW001"]


@pytest.mark.parametrize(
    ("path", "reserved"),
    [
        ("/api", True),
        ("/api/", True),
        ("/api/events", True),
        ("/api/events/x", True),
        ("/api/openapi.json", True),
        ("/api/payment/webhook/paypal", False),
        ("/console", True),
        ("/console/x", True),
        ("/consoles", False),
        ("/healthz", True),
        ("/metrics", True),
        ("/readyz", True),
        ("/webhook/metrics", False),
    ],
)
def test_the_gateways_own_paths(tmp_path: Path, path: str, reserved: bool) -> None:
    _, codes = load(tmp_path, GATEWAY_FILE.replace("/webhook/stripe", path))
    assert codes == (["GW211"] if reserved else [])


def test_an_alias_may_be_used(tmp_path: Path) -> None:
    text = GATEWAY_FILE.replace("verify: {", "verify: &same {") + (
        "  other: {provider: stripe, path: /other, verify: *same, rules: [rules.yaml]}\n"
    )
    settings = settings_of(tmp_path, text)
    assert settings.sources[0].verify == settings.sources[1].verify


EVERYTHING = (HERE / "ok" / "everything.yaml").read_text("utf-8")
WORDS = st.sampled_from(
    ["", "x", "[", "]", "{", "}", ": ", "- ", "\n", "  ", "null", "5", "true", "'", "${", "${env:X}", "*a"]
)


@settings(max_examples=50)
@given(start=st.integers(0, len(EVERYTHING)), length=st.integers(0, 40), word=WORDS)
def test_no_slip_breaks_the_reader(
    tmp_path_factory: pytest.TempPathFactory, start: int, length: int, word: str
) -> None:
    text = EVERYTHING[:start] + word + EVERYTHING[start + length :]
    read, codes = load(tmp_path_factory.mktemp("slip"), text)
    assert read is not None or codes
