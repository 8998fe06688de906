"""What a terminal shows at every width: everything that matters, and no line that is wider."""

import math
import re
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from jobs.model import Status
from worker.cli.display import (
    ASCII,
    FINE,
    LIVE,
    Line,
    clock_time,
    cut,
    event_in_words,
    of_phase,
    of_run,
    packed,
    phase_in_words,
    problem_in_words,
)
from worker.engine.progress import Aim, Problem, Snapshot
from worker.events import (
    Advanced,
    CircuitClosed,
    CircuitOpened,
    Draining,
    Event,
    LimitLearned,
    NoAnswer,
    SlowedDown,
    Working,
)
from worker.policy.eta import Limiter

NOW = datetime(2026, 12, 1, 14, 26)  # noqa: DTZ001  # local time
WIDTHS = (60, 80, 120, 160, 200)
SHOP = Aim("apply", "https://acme.commercelayer.io", "live", is_live=True)
EVERY = {status: 1_234_567 + number for number, status in enumerate(Status)}


def snapshot(
    aim: Aim = SHOP,
    *,
    total: int = 10_000,
    done: int = 6213,
    counts: dict[Status, int] | None = None,
    left: float | None = 386.0,
    pause: float = 0.0,
    limit: float = 10.0,
    limiter: Limiter | None = Limiter.QUOTA,
    retries: int = 14,
) -> Snapshot:
    counted = {Status.APPLIED: 6190, Status.UNCHANGED: 12, Status.REJECTED: 8, Status.FAILED: 3}
    return Snapshot(aim, total, done, counted if counts is None else counts, 9.8, limit, limiter, pause, left, retries)


def texts(lines: list[Line]) -> list[str]:
    return ["".join(text for text, _ in line) for line in lines]


def shown(found: Snapshot, width: int = 80, said: str = "") -> list[str]:
    return texts(of_run(found, NOW, (said, "red"), width))


def bar(text: str) -> str:
    return re.sub(r"[█▓░#!-]{3,}", "=", text)


def test_a_run_is_five_lines_with_the_time_left_before_all_that_may_be_long() -> None:
    assert list(map(bar, shown(snapshot(), said="row 402 rejected: too long"))) == [
        " ! PRODUCTION !  apply: acme.commercelayer.io, live data",
        "=  62%  6,213 of 10,000 rows",
        "6 min left, done at 14:32 | 9.8/s | limit 10.0/s | limited by quota | 14 retries",
        "6,190 applied | 12 unchanged | 8 rejected | 3 failed",
        "row 402 rejected: too long",
    ]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    "aim",
    [
        SHOP,
        Aim("plan", "https://acme.commercelayer.io"),
        Aim("undo", f"https://{'a-very-long-name.' * 12}example.com/api/v3", "", is_live=True),
        Aim("apply", "http://127.0.0.1:8080", "test"),
    ],
)
@pytest.mark.parametrize(
    "said",
    [
        "",
        "row 7 rejected: " + "a word and another one " * 20,
        "row 8 failed: " + "x" * 500,
        "row 9 invalid: 価格は正の数でなければなりません" * 9,
        "row 10 failed: " + "e\u0301\u0323" * 300,
        "row 11 failed: \x1b[2J\u202e👩‍🔧" * 30,
    ],
)
def test_nothing_is_wider_than_the_terminal_and_nothing_is_lost_that_matters(width: int, aim: Aim, said: str) -> None:
    found = snapshot(aim, total=99_999_999, done=55_555_555, counts=EVERY, left=1e6, pause=3600.0, retries=123_456)
    lines = shown(found, width, said)
    assert max(map(cell_len, lines)) <= width
    whole = "\n".join(lines)
    for status, count in EVERY.items():
        assert f"{count:,} {'to send' if status is Status.PENDING else status}" in whole
    for part in ("55,555,555 of 99,999,999 rows", "11.6 days left, done at 2026-12-13 04:12", "paused 60 min", "9.8/s"):
        assert part in whole
    for part in ("limit 10.0/s", "limited by quota", "123,456 retries", f"{aim.command}: "):
        assert part in whole
    assert (LIVE in lines[0]) is aim.is_live
    assert lines[0].endswith(("live data", "nothing is sent", "test data"))


@given(
    total=st.integers(0, 10**9),
    done=st.integers(0, 10**9),
    bad=st.integers(0, 10**9),
    left=st.none() | st.floats(0, 1e15),
    said=st.text(),
    width=st.integers(20, 250),
)
def test_whatever_the_numbers_and_words_are_no_line_is_wider(
    total: int, done: int, bad: int, left: float | None, said: str, width: int
) -> None:
    found = snapshot(total=total, done=done, counts={Status.FAILED: bad} if bad else {}, left=left)
    lines = shown(found, width, said)
    assert max(map(cell_len, lines)) <= width
    assert all(line.isprintable() or set(line) & set("\u200c\u200d") for line in lines)


@pytest.mark.parametrize(
    ("aim", "head"),
    [
        (SHOP, " ! PRODUCTION !  apply: acme.commercelayer.io, live data"),
        (Aim("undo", "https://x.org/v2/", "", is_live=True), " ! PRODUCTION !  undo: x.org/v2, taken as live data"),
        (Aim("retry", "https://x.org", "test"), "retry: x.org, test data"),
        (Aim("apply", "http://localhost:80"), "apply: localhost:80, on this machine"),
        (Aim("plan", "https://x.org", "live"), "plan: x.org, nothing is sent"),
    ],
)
def test_live_data_is_named_by_a_word_and_a_colour_and_nothing_else_is(aim: Aim, head: str) -> None:
    first = of_run(snapshot(aim), NOW, ("", ""), 80)[0]
    assert texts([first]) == [head]
    assert any("on red" in style for _, style in first) is aim.is_live


def test_every_status_has_a_colour_of_its_meaning() -> None:
    lines = of_run(snapshot(counts=EVERY), NOW, ("", ""), 500)
    styles = {text.split(" ", 1)[1]: style for text, style in lines[3] if text != " | "}
    assert styles["applied"] == "green"
    assert {styles[status] for status in (Status.INVALID, Status.REJECTED, Status.FAILED)} == {"red"}
    assert len(styles) == len(Status)


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (snapshot(left=None), "time left not known yet | 9.8/s | limit 10.0/s | limited by quota | 14 retries"),
        (snapshot(left=None, done=10_000, retries=0), "9.8/s | limit 10.0/s | limited by quota"),
        (snapshot(limit=math.inf, limiter=None, retries=1), "6 min left, done at 14:32 | 9.8/s | 1 retry"),
        (
            snapshot(pause=61.0, retries=0, limiter=Limiter.BACKOFF),
            "6 min left, done at 14:32 | paused 61 s | 9.8/s | limit 10.0/s",
        ),
    ],
)
def test_the_pace_says_what_is_known(found: Snapshot, line: str) -> None:
    assert shown(found, 200)[2] == line


@pytest.mark.parametrize(
    ("done", "bad", "drawn"),
    [
        (0, 0, "░░░░░░░░░░"),
        (50, 0, "█████░░░░░"),
        (50, 25, "███▓▓░░░░░"),
        (50, 1, "████▓░░░░░"),
        (1, 1, "▓░░░░░░░░░"),
        (100, 0, "██████████"),
        (100, 100, "▓▓▓▓▓▓▓▓▓▓"),
    ],
)
def test_the_bar_shows_what_went_well_and_at_least_a_trace_of_what_did_not(done: int, bad: int, drawn: str) -> None:
    found = snapshot(total=100, done=done, counts={Status.FAILED: bad} if bad else {})
    words = f"{done:3}%  {done} of 100 rows"
    assert shown(found, 10 + 1 + len(words))[1] == f"{drawn} {words}"


def test_where_a_bar_would_be_too_short_there_are_the_words_alone() -> None:
    assert shown(snapshot(), 30)[1] == "62%  6,213 of 10,000 rows"


def test_a_terminal_without_unicode_gets_none() -> None:
    lines = texts(of_run(snapshot(), NOW, ("row 1 failed: " + "word " * 99, "red"), 60, ASCII))
    assert all(line.isascii() for line in lines)
    assert lines[-1].endswith("...")


@pytest.mark.parametrize(
    ("hours", "text"),
    [
        (0.1, "14:32"),
        (9.6, "Wed 00:02"),
        (24 * 6, "Mon 14:26"),
        (24 * 8, "2026-12-09 14:26"),
        (1e12, "some distant day"),
    ],
)
def test_the_end_is_a_time_of_day_with_the_day_where_it_is_not_today(hours: float, text: str) -> None:
    assert clock_time(NOW, 3600 * hours) == text


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        (["a", "b", "c"], 10, ["a | b | c"]),
        (["a", "b", "c"], 8, ["a | b", "c"]),
        (["abcdef"], 4, ["abcd", "ef"]),
        (["abcdef", "g"], 7, ["abcdef", "g"]),
        (["価格は", "x"], 5, ["価格", "は", "x"]),
        (["e\u0301" * 4], 4, ["e\u0301" * 4]),
        ([], 9, []),
    ],
)
def test_parts_are_packed_into_lines_and_lose_nothing(text: list[str], width: int, lines: list[str]) -> None:
    assert texts(packed([(each, "") for each in text], width)) == lines


@pytest.mark.parametrize(
    ("text", "width", "result"), [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("価格は", 5, "価格…"), ("a bc", 3, "a…")]
)
def test_what_is_cut_says_so(text: str, width: int, result: str) -> None:
    assert cut(text, width, FINE) == result


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem(1402, Status.REJECTED, "validation", "price: too low"), "row 1,402 rejected: price: too low"),
        (Problem(7, Status.REJECTED, "not_found", ""), "row 7 rejected: No such record: it is missing"),
    ],
)
def test_a_problem_is_told_in_words_those_of_its_reason_if_there_are_no_others(problem: Problem, text: str) -> None:
    assert problem_in_words(problem).startswith(text)


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (SlowedDown("PATCH", 429, 60.0), "PATCH was answered with 429: nothing is sent for 60 s"),
        (SlowedDown("PATCH", 429, 0.5), ""),
        (CircuitOpened("PATCH", 9, "503"), "9 requests failed in a row (503): the server is asked from time to time"),
        (CircuitClosed("PATCH"), "the server answers again"),
        (NoAnswer("GET", "refused"), "the server does not answer: refused"),
        (Draining(), "stopping: waits for the requests in flight; interrupt again not to wait"),
        (LimitLearned("GET", ()), ""),
        (Working(Path("runs/x"), 9), ""),
    ],
)
def test_what_happens_to_the_run_as_a_whole_is_told_in_words(event: Event, text: str) -> None:
    assert event_in_words(event) == text


@pytest.mark.parametrize(
    ("event", "lines", "plain"),
    [
        (
            Advanced("check", 340_000, 34, 100),
            ["Checking the sheet", "=  34%  340,000 rows", "19 s left | 34,000 rows/s"],
            "Checking the sheet: 340,000 rows (34%) | 19 s left | 34,000 rows/s",
        ),
        (
            Advanced("check", 500, 0, 0),
            ["Checking the sheet", "500 rows | 50 rows/s"],
            "Checking the sheet: 500 rows | 50 rows/s",
        ),
        (
            Advanced("verify", 10, 10, 10),
            ["Reading the records again", "= 100%  10 records", "1 records/s"],
            "Reading the records again: 10 records (100%) | 1 records/s",
        ),
    ],
)
def test_a_phase_says_how_far_it_is(event: Advanced, lines: list[str], plain: str) -> None:
    assert list(map(bar, texts(of_phase(event, 10.0, 80)))) == lines
    assert phase_in_words(event, 10.0) == plain


@pytest.mark.parametrize("what", ["check", "verify", "undo", "plan", "reports"])
@pytest.mark.parametrize("width", WIDTHS)
def test_every_phase_fits(what: str, width: int) -> None:
    lines = texts(of_phase(Advanced(what, 10**9, 10**9, 10**10), 1.0, width))
    assert max(map(cell_len, lines)) <= width
    assert any(re.match("[0-9]+ s left", line) for line in lines)
