"""Which field is sent back, and which value is written."""

from typing import Any

import pytest

from jobs.model import JSON
from tests.worker.policy.probing.kit import described, reading
from worker.policy.probing.choice import Unfit, field_and_value, plain_field, refuse_known, refuse_unfit

RECORD = {"id": "1", "title": "t", "price": 7, "meta": {"a": "1"}, "tags": ["x"]}

FIELDS: dict[str, tuple[str, dict[str, Any], str]] = {
    "text that people write": ("", {"created_at": "t", "weight": 7, "colour": "red", "title": "x"}, "title"),
    "text before numbers": ("", {"weight": 7, "colour": "red"}, "colour"),
    "a number": ("", {"weight": 7, "ok": True}, "weight"),
    "what is described goes first": ("fields.weight = {}", {"title": "x", "weight": 7}, "weight"),
    "not what is read only": ("fields.title = { read_only = true }", {"title": "x", "colour": "red"}, "colour"),
    "not what makes something happen": ("fields.title = { action = true }", {"title": "x"}, ""),
    "not what is never shown": ("fields.title = { write_only = true }", {"title": "x"}, ""),
    "not a described member": ('fields."meta.a" = {}', {"meta": {"a": "x"}}, ""),
    "not the key": ("", {"id": "1"}, ""),
    "not what is empty": ("", {"title": "", "note": None}, ""),
    "delicate names last": ("", {"email": "a@b", "username": "u", "colour": "red"}, "colour"),
    "a delicate name if there is no other": ("", {"email": "a@b"}, "email"),
    "not what servers set": ("", {"updatedAt": "t", "etag": "e", "self": "u"}, ""),
}


@pytest.mark.parametrize("case", FIELDS)
def test_the_field_that_is_sent_back(case: str) -> None:
    text, record, expected = FIELDS[case]
    subject = described(text)
    assert plain_field(subject, reading(subject, record)) == expected


TYPES = """
fields.n = { type = "int" }
fields.s = { type = "set" }
fields.l = { type = "list" }
fields.o = { type = "object" }
"""

VALUES: list[tuple[str, str | None, str, JSON]] = [
    ("title", "007", "title", "007"),
    ("title:int", "7", "title", 7),
    ("n", "7", "n", 7),
    ("n:str", "7", "n", "7"),
    ("a.b:json", '{"x": 1}', "a.b", {"x": 1}),
    ("/a.b", "x", "/a.b", "x"),
    ("a:b", "x", "a:b", "x"),
    ("s", "a,b", "s", {"a": True, "b": True}),
    ("s", '["a"]', "s", {"a": True}),
    ("l", "a,b", "l", ["a", "b"]),
    ("l:json", '["a", "b"]', "l", ["a", "b"]),
    ("o", '{"x": 1}', "o", {"x": 1}),
    ("title", None, "title", None),
]


@pytest.mark.parametrize(("column", "text", "name", "value"), VALUES)
def test_a_value_is_read_as_a_cell_would_be(column: str, text: str | None, name: str, value: JSON) -> None:
    assert field_and_value(described(TYPES).rules, column, text) == (name, value)


def test_a_value_of_another_type_is_refused() -> None:
    with pytest.raises(Unfit, match="--value for n: it needs a whole number"):
        field_and_value(described(TYPES).rules, "n", "x")


UNFIT = {
    "an action": ("fields.title = { action = true }", "title", "x", "makes something happen"),
    "write only": ("fields.title = { write_only = true }", "title", "x", "is never shown"),
    "the key": ("", "id", "x", "key of the record"),
    "a member of a text": ("", "title.x", "x", "no object title"),
    "a member of a set": ('fields.tags = { type = "set" }', "tags.x", "x", "no object tags"),
    "the value that is there": ("", "title", "t", "has this value already"),
}


@pytest.mark.parametrize("case", UNFIT)
def test_a_field_that_could_not_be_put_back_is_refused(case: str) -> None:
    text, name, value, said = UNFIT[case]
    subject = described(text)
    with pytest.raises(Unfit, match=said):
        refuse_unfit(subject, reading(subject, RECORD), name, value)


@pytest.mark.parametrize(("name", "value"), [("title", "new"), ("meta.a", "2"), ("meta.b", "1"), ("other", "1")])
def test_a_field_that_can_be_put_back_is_taken(name: str, value: str) -> None:
    subject = described("")
    refuse_unfit(subject, reading(subject, RECORD), name, value)


@pytest.mark.parametrize("name", ["title", "id", "a.b", "/x", "known"])
def test_a_member_that_is_known_is_refused(name: str) -> None:
    subject = described("fields.known = {}")
    with pytest.raises(Unfit):
        refuse_known(subject, reading(subject, RECORD), name)


def test_a_member_that_nobody_knows_is_taken() -> None:
    subject = described("")
    refuse_known(subject, reading(subject, RECORD), "colour")


def test_elements_are_written_with_their_whole_set() -> None:
    rules = described('fields.tags = { type = "set" }').rules
    with pytest.raises(Unfit, match="Pass --field tags, with all elements"):
        field_and_value(rules, "tags.add", "a")
    assert field_and_value(rules, "note.add", "a") == ("note.add", "a")
