"""A list that an API holds as one text: a plan says what becomes of it, since nothing else shows a wrong `sep`."""

from typing import Any

import pytest

from jobs.apis.commercelayer.api import COMMERCE_LAYER
from jobs.apis.described.schema import schema_of
from jobs.changes.diff import Change, CompareRules, difference
from jobs.changes.one_text import in_words, other_separator
from jobs.model import ABSENT, JSON, Edit, Live
from tests.jobs.apis.described.kit import description, job


def told(said: dict[str, Any], shown: JSON, **row: Any) -> str:
    schema = schema_of(description(fields={"tags": said}), {})
    live = Live("things", {"tags": shown})
    return in_words("things", difference(job(**row), live, CompareRules(schema)), live, schema)


@pytest.mark.parametrize(
    ("said", "shown", "row", "words"),
    [
        (
            {"type": "set", "sep": ";"},
            {"a": True, "b": True},
            {"members": {"tags": {"c": True, "a": ABSENT}}},
            'tags is one text: "a;b" becomes "b;c"',
        ),
        (
            {"type": "list", "sep": ", "},
            ["a"],
            {"attributes": {"tags": [1, "b"]}},
            'tags is one text: "a" becomes "1, b"',
        ),
        ({"type": "set", "sep": ";"}, {"a": True}, {"attributes": {"tags": None}}, 'tags is one text: "a" becomes ""'),
        (
            {"type": "set", "sep": ","},
            {"city;basket": True},
            {"members": {"tags": {"winter": True}}},
            'tags is one text: "city;basket" becomes "city;basket,winter" (does ";" part it, and not ","? See `sep`)',
        ),
        ({"type": "set"}, {"a": True}, {"members": {"tags": {"b": True}}}, ""),
    ],
)
def test_a_text_is_told_before_and_after(said: dict[str, Any], shown: JSON, row: dict[str, Any], words: str) -> None:
    assert told(said, shown, **row) == words


def test_a_blind_run_and_another_grammar_know_of_no_text() -> None:
    edits = (Edit(("attributes", "tags"), None, ["a"]), Edit(("relationships", "x"), None, None))
    schema = schema_of(description(fields={"tags": {"type": "list", "sep": ";"}}), {})
    assert in_words("things", Change({"tags": ["a"]}, edits=edits), None, schema) == ""
    assert in_words("boats", Change({"tags": ["a"]}, edits=edits), Live("boats", {}), schema) == ""
    assert COMMERCE_LAYER.schema.separator("orders", "tags") == ""


@pytest.mark.parametrize(
    ("text", "joint", "other"),
    [("a;b", ",", ";"), ("a;b,c", ",", ""), ("a|b", "", "|"), ("a b", ";", ""), ("a;b", "; ", "")],
)
def test_another_separator_is_seen_where_the_own_one_is_not(text: str, joint: str, other: str) -> None:
    assert other_separator(text, joint) == other
