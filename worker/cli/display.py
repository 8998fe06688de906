"""What a terminal shows while a process works: from values and a width to lines. Nothing is read, nothing is written.

Whatever does not fit goes on the next line. Only the address of the API and the last problem are ever cut.
"""

import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from rich.cells import cell_len, set_cell_size

from jobs.model import Status
from jobs.printable import printable
from jobs.reasons import REASONS
from jobs.values import valueclass
from worker.engine.progress import PLAN, Aim, Problem, Snapshot, duration, named
from worker.events import Advanced, CircuitClosed, CircuitOpened, Draining, Event, NoAnswer, SlowedDown
from worker.policy.eta import Limiter

Span: TypeAlias = tuple[str, str]
"""A text, and its style as rich names it."""

Line: TypeAlias = tuple[Span, ...]

LIVE: Final = "PRODUCTION"
"""The word for live data, which stands there without colour, too."""

_LIVE_STYLE: Final = "bold bright_white on red"

_STYLES: Final[Mapping[Status, str]] = {
    Status.APPLIED: "green",
    Status.UNCHANGED: "dim",
    Status.SKIPPED: "dim",
    Status.PENDING: "cyan",
    Status.INVALID: "red",
    Status.REJECTED: "red",
    Status.FAILED: "red",
    Status.CONFLICT: "yellow",
    Status.UNKNOWN: "magenta",
}

_WHAT: Final[Mapping[str, str]] = {
    "check": "Checking the sheet",
    "verify": "Reading the records again",
    "undo": "Looking for what to restore",
    "plan": "Writing the plan of the undo",
    "reports": "Writing the reports",
}

_MOST_BAR: Final = 60
_LEAST_BAR: Final = 10
_PROBLEM_LINES: Final = 2
_SEPARATOR: Final = " | "


@valueclass(frozen=True, slots=True)
class Glyphs:
    """Characters to draw with: rows in a bar that went well, that did not, that are left; and an ellipsis."""

    good: str = "█"
    bad: str = "▓"
    rest: str = "░"
    cut: str = "…"


FINE: Final = Glyphs()
ASCII: Final = Glyphs("#", "!", "-", "...")
"""For a terminal without Unicode."""


def of_run(shown: Snapshot, now: datetime, said: Span, width: int, glyphs: Glyphs = FINE) -> list[Line]:
    """Return the lines of a run or a plan, the most important first.

    Args:
        shown: its progress.
        now: local time.
        said: the last problem in words, and its style; no text if there was none.
        width: of the terminal in cells; no line is wider.
        glyphs: to draw with.
    """
    words = f"{shown.share:3}%  {shown.done:,} of {shown.total:,} rows"
    counts = [(f"{count:,} {named(status)}", _STYLES[status]) for status, count in shown.counts.items()]
    return [
        _head(shown.aim, width, glyphs),
        *_bar(shown.done - shown.bad, shown.bad, shown.total, words, width, glyphs),
        *packed(_pace(shown, now), width),
        *packed(counts, width),
        *_told(said, width, glyphs),
    ]


def of_phase(event: Advanced, seconds: float, width: int, glyphs: Glyphs = FINE) -> list[Line]:
    """Return the lines of a phase that has taken so many seconds."""
    words = f"{event.done * 100 // event.of:3}%  {event.rows:,} {_unit(event)}" if event.of else ""
    bar = _bar(event.done, 0, event.of, words, width, glyphs) if words else []
    parts = [(text, "") for text in _speed(event, seconds)]
    counted = [] if words else [(f"{event.rows:,} {_unit(event)}", "")]
    return [*packed([(_WHAT[event.what], "bold")], width), *bar, *packed([*counted, *parts], width)]


def phase_in_words(event: Advanced, seconds: float) -> str:
    """Return a phase as one plain line."""
    share = f" ({event.done * 100 // event.of}%)" if event.of else ""
    return _SEPARATOR.join([f"{_WHAT[event.what]}: {event.rows:,} {_unit(event)}{share}", *_speed(event, seconds)])


def problem_in_words(problem: Problem) -> str:
    """Return what is wrong with a row, and with which."""
    known = REASONS.get(problem.reason)
    words = problem.message or (known.meaning if known else problem.reason)
    return f"row {problem.row:,} {named(problem.status)}: {words}"


def event_in_words(event: Event) -> str:
    """Return what happened to the run as a whole; empty if it does not matter to somebody who waits."""
    match event:
        case SlowedDown(method, status, pause_s) if pause_s > 1:
            return f"{method} was answered with {status}: nothing is sent for {duration(pause_s)}"
        case CircuitOpened(_, failures, why):
            return f"{failures} requests failed in a row ({why}): the server is asked from time to time"
        case CircuitClosed():
            return "the server answers again"
        case NoAnswer(_, why):
            return f"the server does not answer: {why}"
        case Draining():
            return "stopping: waits for the requests in flight; interrupt again not to wait"
    return ""


def clock_time(now: datetime, seconds: float) -> str:
    """Return the local time in so many seconds: `14:32`, `Thu 14:32` within six days, else `2026-12-09 14:32`."""
    try:
        then = now + timedelta(seconds=seconds)
    except OverflowError:
        return "some distant day"
    days = (then.date() - now.date()).days
    return then.strftime("%H:%M" if days == 0 else "%a %H:%M" if days < 7 else "%Y-%m-%d %H:%M")  # a week


def packed(parts: Iterable[Span], width: int, separator: str = _SEPARATOR) -> list[Line]:
    """Put parts on as few lines as hold them; one that is wider than a line goes on in the next."""
    lines: list[list[Span]] = []
    room = 0
    for text, style in parts:
        needed = cell_len(text) + len(separator)
        if lines and needed <= room:
            lines[-1] += [(separator, "dim"), (text, style)]
            room -= needed
            continue
        for piece in _pieces(text, width):
            lines.append([(piece, style)])
            room = width - cell_len(piece)
    return [tuple(line) for line in lines]


def _head(aim: Aim, width: int, glyphs: Glyphs) -> Line:
    badge = f" ! {LIVE} ! " if aim.is_live else ""
    gap = " " if badge else ""
    what, mode = f"{aim.command}: ", f", {_mode(aim)}"
    room = width - sum(map(cell_len, (badge, gap, what, mode)))
    parts = urlsplit(aim.url)
    place = cut(printable(f"{parts.netloc}{parts.path.rstrip('/')}"), max(1, room), glyphs)
    rest = cut(f"{gap}{what}{place}{mode}", width - cell_len(badge), glyphs)
    return ((badge, _LIVE_STYLE), (rest, "bold")) if badge else ((rest, "bold"),)


def _mode(aim: Aim) -> str:
    if aim.command == PLAN:
        return "nothing is sent"
    if aim.is_live:
        return "live data" if aim.mode else "taken as live data"
    return "test data" if aim.mode else "on this machine"


def _bar(good: int, bad: int, total: int, words: str, width: int, glyphs: Glyphs) -> list[Line]:
    """Return a bar and what it means; only the words where it would be too short to see anything."""
    cells = min(_MOST_BAR, width - cell_len(words) - 1)
    if cells < _LEAST_BAR:
        return packed([(words.strip(), "bold")], width)
    whole = max(total, good + bad, 1)
    done = cells * (good + bad) // whole if total else cells
    wrong = min(max(1, round(cells * bad / whole)), max(done, 1)) if bad else 0
    right = max(0, done - wrong)
    left = cells - right - wrong
    drawn = ((glyphs.good * right, "green"), (glyphs.bad * wrong, "red"), (glyphs.rest * left, "dim"))
    return [(*(span for span in drawn if span[0]), (f" {words}", "bold"))]


def _pace(shown: Snapshot, now: datetime) -> Iterable[Span]:
    if shown.left is not None:
        yield f"{duration(shown.left)} left, done at {clock_time(now, shown.left)}", "bold"
    elif shown.done < shown.total:
        yield "time left not known yet", "dim"
    if shown.pause > 1:
        yield f"paused {duration(shown.pause)}", "bold yellow"
    yield f"{shown.rate:.1f}/s", ""
    if not math.isinf(shown.limit):
        yield f"limit {shown.limit:.1f}/s", ""
    if shown.limiter and not (shown.limiter is Limiter.BACKOFF and shown.pause > 1):  # the pause says it
        yield f"limited by {shown.limiter}", ""
    if shown.retries:
        yield f"{shown.retries:,} {'retry' if shown.retries == 1 else 'retries'}", "yellow"


def _told(said: Span, width: int, glyphs: Glyphs) -> list[Line]:
    text, style = said
    if not text:
        return []
    lines = packed([(word, style) for word in printable(text).split()], width, " ")
    kept = ["".join(part for part, _ in line) for line in lines[:_PROBLEM_LINES]]
    if len(lines) > _PROBLEM_LINES:
        kept[-1] = cut(f"{kept[-1]} {glyphs.cut}", width, glyphs)
    return [((line, style),) for line in kept]


def _unit(event: Advanced) -> str:
    return "records" if event.what in {"verify", "undo", "plan"} else "rows"


def _speed(event: Advanced, seconds: float) -> Iterable[str]:
    if seconds <= 0 or (not event.done and not event.rows):
        return
    if 0 < event.done < event.of:
        yield f"{duration(seconds * (event.of - event.done) / event.done)} left"
    yield f"{event.rows / seconds:,.0f} {_unit(event)}/s"


def cut(text: str, width: int, glyphs: Glyphs = FINE) -> str:
    """Return a text that is no wider, with an ellipsis at its end if it was."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, max(0, width - len(glyphs.cut))).rstrip() + glyphs.cut


def _pieces(text: str, width: int) -> Iterable[str]:
    """Yield a text in pieces that are no wider."""
    while cell_len(text) > width:
        size = len(text)
        while size > 1 and cell_len(text[:size]) > width:
            size -= max(1, (cell_len(text[:size]) - width) // 2)
        yield text[:size]
        text = text[size:]
    yield text
