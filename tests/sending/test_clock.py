"""A machine's clock that is set back: what was written while it was ahead does not wait for it to come round again."""

from __future__ import annotations

from pathlib import Path

from sending.rig import Start, add_event, open_outbox, outgoing, post
from servers import Receiver

from gateway.building import clock
from gateway.sending.clock import ClockWatch
from gateway.store.misdated import bring_forward
from gateway.store.outbox import add_outgoing

HOUR = 3_600_000_000


class Machine:
    """A wall clock and a steady one."""

    def __init__(self) -> None:
        self.wall, self.steady = 100 * HOUR, 5 * HOUR

    def goes_on(self, microseconds: int) -> None:
        self.wall += microseconds
        self.steady += microseconds

    def watch(self) -> ClockWatch:
        return ClockWatch(lambda: self.wall, lambda: self.steady)


def look(watch: ClockWatch) -> bool:
    """Look when it is time to; say whether it was."""
    if not watch.is_time():
        return False
    watch.looked()
    return True


def test_at_the_start_nobody_knows_what_the_clock_has_been() -> None:
    watch = Machine().watch()
    assert look(watch)
    assert not look(watch)


def test_a_look_that_failed_is_made_again() -> None:
    watch = Machine().watch()
    assert watch.is_time()
    assert watch.is_time(), "nobody has said that it was looked"


def test_a_clock_that_is_set_back_is_noticed_and_looked_after_twice() -> None:
    machine = Machine()
    watch = machine.watch()
    look(watch)
    machine.wall -= HOUR
    assert look(watch)
    assert not look(watch)
    machine.goes_on(5_000_000)
    assert look(watch), "what was read before it was set back may have been written after it"
    machine.goes_on(HOUR)
    assert not look(watch)


def test_a_clock_that_is_set_forward_or_trimmed_changes_nothing() -> None:
    machine = Machine()
    watch = machine.watch()
    look(watch)
    machine.wall += HOUR
    assert not look(watch)
    machine.goes_on(1_000)
    machine.wall -= 500_000
    assert not look(watch)


def test_it_is_noticed_also_when_it_was_set_forward_before() -> None:
    machine = Machine()
    watch = machine.watch()
    look(watch)
    machine.wall += HOUR
    look(watch)
    machine.wall -= HOUR
    assert look(watch)


def test_only_times_that_no_retry_can_have_set_are_brought_forward(tmp_path: Path) -> None:
    database = open_outbox(tmp_path)
    now, latest = clock(), clock() + HOUR
    add_outgoing(database, [(None, outgoing("send", "app", post(n), n)) for n in range(5)], now + 2 * HOUR)
    changes = ((0, 1, now + HOUR // 2), (1, 1, now + 2 * HOUR), (2, 0, now + HOUR // 2), (3, 0, now - 5))
    for number, attempts, due in changes:
        statement = "UPDATE gateway_outbox SET attempts = ?, next_attempt_at = ? WHERE message_id = ?"
        database.execute(statement, (attempts, due, f"msg_send_app_{number}"))
    under_way = "UPDATE gateway_outbox SET attempts = 1, leased_by = 'elsewhere/1/1' WHERE message_id = ?"
    database.execute(under_way, ("msg_send_app_4",))
    events = [add_event(database, f"evt_{n}") for n in range(4)]
    for event, (status, type_, due) in zip(
        events,
        (
            ("waiting", "order", now + 2 * HOUR),
            ("waiting", "order", now + HOUR // 2),
            ("parked", "order", now + 2 * HOUR),
            ("waiting", "schedule.suspend", now + 2 * HOUR),
        ),
        strict=True,
    ):
        database.execute(
            "UPDATE gateway_events SET status = ?, type = ?, next_attempt_at = ?, finished_at = NULL WHERE seq = ?",
            (status, type_, due, event),
        )
    assert bring_forward(database, now=now, latest=latest, lease_ends=now + 7) == 5
    dues = database.execute("SELECT next_attempt_at FROM gateway_outbox ORDER BY message_id", ()).fetchall()
    assert [due for (due,) in dues] == [now + HOUR // 2, now, now, now - 5, now + 7]
    stands = database.execute("SELECT status, next_attempt_at FROM gateway_events ORDER BY seq", ()).fetchall()
    assert [tuple(row) for row in stands] == [
        ("ready", None),
        ("waiting", now + HOUR // 2),
        ("ready", None),
        ("waiting", now + 2 * HOUR),
    ]
    database.close()


async def test_what_was_written_while_the_clock_was_ahead_is_sent_by_who_starts_after_it(
    app: Receiver, start: Start, tmp_path: Path
) -> None:
    database = open_outbox(tmp_path)
    with database.transaction():
        add_outgoing(database, [(None, outgoing("send", "app", post()))], clock() + 26 * HOUR)
    database.close()
    sending = await start(f'destinations:\n  app: {{url: "{app.url}"}}\n')
    await sending.until(lambda: sending.rows("status") == [("done",)])
    assert len(app.received) == 1
