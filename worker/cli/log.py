"""Log the events of a run."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Final

import structlog

from worker.events import (
    Advanced,
    CircuitClosed,
    CircuitOpened,
    Draining,
    Event,
    LimitInferred,
    LimitLearned,
    NoAnswer,
    NoticeFailed,
    NoticeSent,
    RetryBudgetExhausted,
    SlowedDown,
    TokenNotRenewed,
    Working,
)
from worker.policy.pace import Window

log: structlog.stdlib.BoundLogger = structlog.get_logger("rowpatch")

NAMES: Final[Mapping[type[Event], str]] = {
    Working: "working",
    Draining: "stopping",
    SlowedDown: "slowed_down",
    LimitLearned: "limit_learned",
    LimitInferred: "limit_inferred",
    CircuitOpened: "circuit_opened",
    CircuitClosed: "circuit_closed",
    NoAnswer: "no_answer",
    RetryBudgetExhausted: "retry_budget_exhausted",
    TokenNotRenewed: "token_not_renewed",
    NoticeSent: "notice_sent",
    NoticeFailed: "notice_failed",
    Advanced: "progress",
}
"""The name of each kind of event in the log. Users filter by these names: they never change."""

_ALSO: Final[Mapping[type[Event], Mapping[str, str]]] = {
    Draining: {"waiting_for": "requests in flight", "not_to_wait": "interrupt again"},
}
"""Further facts for a user at a terminal."""


def log_event(event: Event) -> None:
    """Log an event with its facts, in the order of its fields."""
    facts = {each.name: _shown(getattr(event, each.name)) for each in fields(event)}
    log.info(NAMES[type(event)], **facts, **_ALSO.get(type(event), {}))


def _shown(value: object) -> object:
    match value:
        case tuple() if all(isinstance(each, Window) for each in value):
            return windows_text(value)
        case tuple():
            return ", ".join(value)
        case Path():
            return str(value)
        case float():
            return round(value, 3)
        case _:
            return value


def windows_text(windows: tuple[Window, ...]) -> str:
    """Format windows as text, like `100/60s, 25/10s`."""
    return ", ".join(f"{window.limit}/{window.interval:g}s" for window in windows)
