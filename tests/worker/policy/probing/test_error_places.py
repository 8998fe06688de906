"""Where failures say what is wrong, as a probe meets them."""

from typing import Any

import pytest

from jobs.model import Reply
from tests.worker.policy.probing.kit import described, reply
from worker.policy.probing.error_places import errors_fact, proposed
from worker.policy.probing.facts import Note

ONE = {"code": "unknown_field", "field": "colour", "text": "A field 'colour' is not known."}


@pytest.mark.parametrize(
    ("document", "places"),
    [
        ({"problems": [ONE]}, {"items": ["/problems"], "message": "/text", "code": "/code", "field": "/field"}),
        ({"error": {"message": "no"}}, {"items": ["/error"], "message": "/message"}),
        ({"error": "no"}, {"message": "/error"}),
        ({"error": "E7", "message": "no"}, {"message": "/message", "code": "/error"}),
        ({"problems": []}, {}),
        ({"problems": [{"x": 1}], "detail": "no"}, {"message": "/detail"}),
        ([ONE], {}),
        (None, {}),
    ],
)
def test_places_are_proposed_by_their_names(document: Any, places: dict[str, Any]) -> None:
    assert proposed(document) == places


def test_what_is_met_is_proposed_and_quoted() -> None:
    fact = errors_fact(described(""), [Reply(502, {}, b"<html>"), reply({"problems": [ONE]}, 422)])
    assert fact is not None
    assert (fact.says, fact.contradicts) == ("", False)
    assert fact.found.startswith("items /problems, message /text, code /code, field /field: 422: ")
    assert "A field 'colour' is not known." in fact.found
    assert fact.notes[:2] == (Note(("errors", "items"), ["/problems"]), Note(("errors", "message"), "/text"))


@pytest.mark.parametrize(
    ("said", "contradicts"),
    [
        ('errors = { items = ["/problems"], message = "/text" }', False),
        ('errors = { message = "/message" }', True),
        ('errors = { message = "/problems/text" }', True),
        ('errors = { message = "@X-Error" }', True),
    ],
)
def test_places_that_show_nothing_contradict(said: str, contradicts: bool) -> None:
    fact = errors_fact(described(said), [reply({"problems": [ONE]}, 422)])
    assert fact is not None
    assert (fact.contradicts, fact.notes) == (contradicts, ())


def test_nothing_met_is_nothing_told() -> None:
    assert errors_fact(described(""), []) is None
