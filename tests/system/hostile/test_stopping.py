"""When the same evil meets every row: how many PATCHes it takes until the run stops, and with which reason."""

from dataclasses import replace
from pathlib import Path

import pytest

from jobs.model import Status
from tests.system.hostile.evils import EVILS
from tests.system.hostile.judge import judge
from tests.system.hostile.server import Crime, Server
from tests.system.hostile.stage import CASE, Row, key, perform
from tests.system.hostile.truth import Asked
from worker.settings import Stopping

ROWS = [Row(key(number)) for number in range(130)]
NAMED = {evil.name: evil for evil in EVILS}


def stopped(name: str, place: Path, *, after: int, stopping: Stopping, every: int = 1) -> tuple[str, int]:
    """Why the run stopped, or `finished`, and the PATCHes that met the evil.

    Args:
        name: of the evil.
        place: for files.
        after: rows that meet none, from the top.
        stopping: when the run is to stop.
        every: which of the rows after those meet the evil.
    """
    evil, spared = NAMED[name], {row.id for at, row in enumerate(ROWS) if at < after or (at - after) % every}

    def crime(asked: Asked, _: int) -> Crime | None:
        return evil.crime(applies=False) if asked.method == "PATCH" and asked.id not in spared else None

    server = Server(crime=crime)
    story = perform(replace(CASE, stopping=stopping), ROWS, server, place)
    honest = [violation for violation in judge(ROWS, story.results, server.truth) if violation.kind != "no result"]
    assert honest == []
    assert story.ended.exit_status == (1 if story.ended.state == "finished" else 3)
    assert sum(story.counts.values()) == len(ROWS)
    assert (Status.PENDING in story.counts) == (story.ended.state != "finished")
    reason = story.ended.message.partition(":")[0] or story.ended.state
    return reason, sum(seen.evil == name for seen in server.truth.ledger)


PLAIN = Stopping(canary=0)
DOUBTS = {"server_error", "timed_out"}


@pytest.mark.parametrize(
    ("name", "at_first", "later"),
    [
        # every row of the type would get the same
        ("405", ("not_updatable", 1), ("not_updatable", 1)),
        ("406", ("refused", 1), ("refused", 1)),
        ("415", ("refused", 1), ("refused", 1)),
        # the credential: no permission, or no longer a token
        ("401, no permission", ("not_authorized", 5), ("not_authorized", 5)),
        ("403", ("not_authorized", 5), ("not_authorized", 5)),
        ("401, token refused", ("authorisation_lost", 1), ("authorisation_lost", 1)),
        # the wrong account, sheet or origin, as long as nothing has ever succeeded
        ("404", ("not_found", 20), ("finished", 100)),
        ("409", ("not_unique", 20), ("finished", 100)),
        ("422", ("validation", 20), ("finished", 100)),
        ("418", ("refused", 20), ("finished", 100)),
        ("307 to another origin", ("redirected", 20), ("finished", 100)),
        # the server is down, whatever it did before: two attempts a row
        ("500", ("outage", 31), ("server_error", 40)),
        ("silence", ("outage", 31), ("timed_out", 40)),
        # it wants to be left alone: three refusals of a row, then one more
        ("429", ("parked", 4), ("parked", 4)),
        ("429, Retry-After a year", ("parked", 1), ("parked", 1)),
    ],
)
def test_what_every_row_meets_stops_the_run(
    name: str, at_first: tuple[str, int], later: tuple[str, int], place: Path
) -> None:
    for after, (reason, patches) in ((0, at_first), (30, later)):
        told, sent = stopped(name, place / str(after), after=after, stopping=PLAIN)
        assert told == reason
        assert patches <= sent <= patches + (2 if reason in DOUBTS else 0)  # another row may leave meanwhile


@pytest.mark.parametrize("after", [0, 30])
def test_something_else_that_answers_every_row_stops_the_run(after: int, place: Path) -> None:
    reason, patches = stopped("HTML (a captive portal)", place, after=after, stopping=PLAIN)
    assert reason in {"reply_mismatch", "outage"}  # not `not_applied`: nobody knows what became of the rows
    assert 20 <= patches <= 60  # one or two attempts a row, and those that leave while doubts are settled


@pytest.mark.parametrize(
    ("stopping", "every", "expected"),
    [
        (Stopping(rows=7, canary=0), 1, ("stop_after", 7)),
        (Stopping(rows=7, canary=0), 2, ("stop_after", 7)),  # not in a row
        (Stopping(rows=101, canary=0), 1, ("finished", 100)),  # fewer than that
        (Stopping(share=5.0, canary=0), 10, ("stop_after", 8)),  # of 100 rows, 7 of the 70 after the first 30: at once
        (Stopping(share=50.0, canary=0), 1, ("stop_after", 70)),  # a share counts from 100 rows on
        (Stopping(share=20.0, canary=0), 10, ("finished", 10)),  # less than that
    ],
)
def test_the_users_threshold_stops_the_run(
    stopping: Stopping, every: int, expected: tuple[str, int], place: Path
) -> None:
    assert stopped("422", place, after=30, stopping=stopping, every=every) == expected
