"""When a target is left alone, and when it is tried again."""

from __future__ import annotations

from gateway.sending.circuit import FAILURES, FIRST_PAUSE, LONGEST_PAUSE, Circuit


def opened() -> Circuit:
    circuit = Circuit()
    assert [circuit.failed(0) for _ in range(FAILURES)] == [False] * (FAILURES - 1) + [True]
    return circuit


def test_single_failures_keep_nothing_back() -> None:
    circuit = Circuit()
    for _ in range(3 * FAILURES):
        circuit.failed(0)
        assert circuit.allows(0, 8) == 8
        assert circuit.succeeded() is False


def test_failures_in_a_row_open_it_and_one_probe_is_let_through() -> None:
    circuit = opened()
    assert circuit.allows(FIRST_PAUSE - 1, 8) == 0
    assert circuit.allows(FIRST_PAUSE, 8) == 1
    circuit.took(1)
    assert circuit.allows(FIRST_PAUSE + 1, 8) == 0, "one probe at a time"


def test_a_probe_that_is_answered_closes_it() -> None:
    circuit = opened()
    circuit.took(1)
    assert circuit.succeeded() is True
    assert circuit.allows(0, 8) == 8
    assert circuit.failed(1) is False, "it takes as many failures as at first to open it again"


def test_each_probe_that_fails_doubles_the_pause_up_to_a_limit() -> None:
    circuit, now, pauses = opened(), FIRST_PAUSE, []
    for _ in range(12):
        circuit.took(1)
        circuit.failed(now)
        assert circuit.open_until is not None
        pauses.append(circuit.open_until - now)
        now = circuit.open_until
    assert pauses[:3] == [2 * FIRST_PAUSE, 4 * FIRST_PAUSE, 8 * FIRST_PAUSE]
    assert pauses[-1] == LONGEST_PAUSE


def test_what_was_under_way_when_it_opened_changes_nothing() -> None:
    circuit = opened()
    for _ in range(8):
        circuit.failed(FIRST_PAUSE // 2)
    assert circuit.allows(FIRST_PAUSE, 8) == 1
    assert circuit.pause == FIRST_PAUSE


def test_a_target_that_asks_for_time_gets_it() -> None:
    circuit = Circuit()
    circuit.hold(10)
    circuit.hold(5)
    assert [circuit.allows(now, 8) for now in (0, 9, 10)] == [0, 0, 8]
