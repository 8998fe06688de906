"""Every event is a line of the log, in words that never change."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args

import pytest
import structlog

from worker import events
from worker.cli import console, log, screen
from worker.events import Event
from worker.policy.pace import Window

WINDOWS = (Window(100, 60.0), Window(25, 10.0))

LINES: list[tuple[Event, str]] = [
    (events.Working(Path("runs/x"), 7), "working run=runs/x rows=7"),
    (events.Draining(), "stopping waiting_for=requests in flight not_to_wait=interrupt again"),
    (events.SlowedDown("PATCH", 429, 1.23456), "slowed_down method=PATCH status=429 pause_s=1.235"),
    (events.LimitLearned("GET", WINDOWS), "limit_learned method=GET windows=100/60s, 25/10s"),
    (events.LimitInferred("GET", ()), "limit_inferred method=GET windows="),
    (events.CircuitOpened("PATCH", 10, "no answer"), "circuit_opened method=PATCH failures=10 why=no answer"),
    (events.CircuitClosed("PATCH"), "circuit_closed method=PATCH"),
    (events.NoAnswer("POST", "refused"), "no_answer method=POST why=refused"),
    (events.RetryBudgetExhausted("PATCH"), "retry_budget_exhausted method=PATCH"),
    (events.TokenNotRenewed("POST", "it answered 500"), "token_not_renewed method=POST why=it answered 500"),
    (
        events.NoticeSent("command /opt/tell", ("failed", "drift")),
        "notice_sent way=command /opt/tell occasions=failed, drift",
    ),
    (
        events.NoticeFailed("webhook HOOK", ("guard",), "the server did not reply"),
        "notice_failed way=webhook HOOK occasions=guard why=the server did not reply",
    ),
    (events.Advanced("check", 500, 4096, 8192), "progress what=check rows=500 done=4096 of=8192"),
]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What reaches standard error."""
    file = io.StringIO()
    monkeypatch.setattr(screen, "_console", console.Screen(file=file, soft_wrap=True))
    yield file
    structlog.reset_defaults()


def logged(event: Event, log_format: Literal["text", "json"], shown: io.StringIO) -> str:
    screen.configure_log(log_format)
    log.log_event(event)
    return shown.getvalue().removesuffix("\n")


@pytest.mark.parametrize(("event", "line"), LINES)
def test_an_event_is_a_line(event: Event, line: str, shown: io.StringIO) -> None:
    stamp, _, text = logged(event, "text", shown).partition(" ")
    assert len(stamp) == len("2026-01-31T09:00:00Z")
    assert text == line


def test_in_json_numbers_stay_numbers(shown: io.StringIO) -> None:
    said = json.loads(logged(events.SlowedDown("PATCH", 503, 2.0), "json", shown))
    stamp = said.pop("timestamp")
    assert stamp.endswith("Z")
    assert said == {"event": "slowed_down", "level": "info", "method": "PATCH", "status": 503, "pause_s": 2.0}


def test_every_kind_of_event_has_a_name() -> None:
    kinds = set(get_args(Event))
    assert set(log.NAMES) == kinds == {type(event) for event, _ in LINES}
