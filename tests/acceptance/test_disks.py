"""A disk that is full: nothing acknowledged is lost, and work goes on when there is room."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import ENVIRONMENT, Gateway, Reply, eventually

MEGABYTE = 2**20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 12 MiB of its own; skipped where mounting is not allowed."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("a file system cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def gateway(tmp_path: Path, small_disk: Path) -> Iterator[Gateway]:
    running = Gateway(tmp_path, environment={"GATEWAY_DATABASE": f"sqlite:///{small_disk}/gateway.db"}).start()
    yield running
    assert running.stop() == 0


def test_before_the_disk_is_full_deliveries_are_refused_and_events_go_on(gateway: Gateway, small_disk: Path) -> None:
    # A fiftieth of this disk are 245 KiB: what is left for the events that were taken.
    assert send(gateway, 1).status == 200
    free = os.statvfs(small_disk)
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * (free.f_bavail * free.f_frsize - 120_000))
    eventually(lambda: send(gateway, 2).status == 503)
    reply = send(gateway, 3)
    eventually(lambda: "nearly full" in gateway.log)
    assert reply.headers["Retry-After"] == "30"
    assert gateway.get("/readyz").status == 503
    assert gateway.api("POST", "/api/events/1/retry").status == 200, "what was taken can still be finished"
    eventually(lambda: gateway.event("1")["status"] in {"done", "ignored"})
    ballast.unlink()
    eventually(lambda: send(gateway, 2).status == 200)
    eventually(lambda: gateway.get("/readyz").status == 200)


def send(gateway: Gateway, number: int, padding: int = 0) -> Reply:
    body = {"id": f"evt_{number}&1", "event": "PAYMENT_TELEPORTED", "padding": "x" * padding}
    headers = {"asaas-access-token": ENVIRONMENT["ASAAS_WEBHOOK_TOKEN"]}
    return gateway.post("/webhook/asaas", json.dumps(body).encode(), headers)


def stored(gateway: Gateway) -> set[str]:
    events: set[str] = set()
    cursor = ""
    while True:
        page = gateway.api("GET", f"/api/events?limit=100{cursor}").json
        events |= {event["event_id"] for event in page["events"]}
        if not page["next"]:
            return events
        cursor = f"&cursor={page['next']}"


def test_a_full_disk_is_answered_503_and_everything_goes_on_when_there_is_room(
    gateway: Gateway, small_disk: Path
) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * (5 * MEGABYTE))
    statuses = {number: send(gateway, number, padding=300_000) for number in range(60)}
    refused = [number for number, reply in statuses.items() if reply.status == 503]
    assert refused, "the disk was meant to be full"
    assert {reply.status for reply in statuses.values()} == {200, 503}
    reply = statuses[refused[-1]]
    assert reply.json["error"]["code"] == "storage_unavailable"
    assert int(reply.headers["Retry-After"]) > 0
    assert gateway.get("/readyz").status == 503
    assert gateway.get("/webhook/health").status == 503

    ballast.unlink()
    assert send(gateway, 1000).status == 200
    eventually(lambda: gateway.get("/readyz").status == 200)
    assert gateway.get("/webhook/health").status == 200
    accepted = {f"evt_{number}&1" for number, reply in statuses.items() if reply.status == 200}
    assert accepted <= stored(gateway)
