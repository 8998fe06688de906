"""What the normaliser replaces, and what it leaves alone."""

import pytest

from tests.system.golden.normal import Surroundings

HERE = Surroundings("/tmp/desk", "http://127.0.0.1:4711")


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("2026-03-01T10:20:30Z working run=run", "<time> working run=run"),
        ("applied,,2026-03-01T10:20:30.123Z,x", "applied,,<time>,x"),
        ("/tmp/desk/run/results.csv", "<folder>/run/results.csv"),
        ("apply failed.csv --url http://127.0.0.1:4711 --type", "apply failed.csv --url <url> --type"),
        ('"elapsed_s": 0.123,', '"elapsed_s": <seconds>,'),
        ('"longest_gap_s":1e-05}', '"longest_gap_s":<seconds>}'),
        ("request 0123456789abcdef0123456789abcdef.", "request <request>."),
    ],
)
def test_what_differs_between_two_runs_is_replaced(text: str, normal: str) -> None:
    assert HERE.normal(text) == normal


@pytest.mark.parametrize(
    "text",
    [
        "applied,2026-03-01T10:20:30Z",  # a value of a sheet
        "2026-03-01T10:20:30Z,applied",
        "2026-03-01T10:20:30.12Z",
        "2026-03-01",
        "http://127.0.0.1:4712",  # another server
        "/tmp/elsewhere",
        '"longest_gap_s": null',
        '"attempts": 3',
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",  # a SHA-256
        "0.1.0",
        "exit status 3",
    ],
)
def test_everything_else_keeps_its_bytes(text: str) -> None:
    assert HERE.normal(text) == text


def test_of_a_journal_only_the_columns_of_time_and_request_are_replaced() -> None:
    columns = ("row", "digest", "at", "request_id", "message")
    row = (7, b"\x00\xff", 1772360430.5, "r1", "see /tmp/desk")
    assert HERE.normal_row("result", columns, row) == [7, "00ff", "<time>", "<request>", "see <folder>"]
    assert HERE.normal_row("image", columns, row) == [7, "00ff", 1772360430.5, "r1", "see <folder>"]


def test_a_time_or_a_request_id_that_is_missing_stays_missing() -> None:
    assert HERE.normal_row("result", ("at", "request_id"), (0.0, "")) == [0.0, ""]
    assert HERE.normal_row("attempt", ("at", "outcome"), (None, None)) == [None, None]


def test_of_the_facts_only_the_measured_one_is_replaced() -> None:
    assert HERE.normal_row("fact", ("name", "value"), ("longest_gap", "0.01")) == ["longest_gap", "<seconds>"]
    assert HERE.normal_row("fact", ("name", "value"), ("rows", "12")) == ["rows", "12"]
    assert HERE.normal_row("fact", ("name", "value"), ("source", "/tmp/desk/a.csv")) == ["source", "<folder>/a.csv"]
