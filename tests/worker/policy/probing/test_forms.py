"""Whether fields are held as described."""

from typing import Any

import pytest

from tests.worker.policy.probing.kit import answered, described, reply
from worker.policy.probing.facts import Note
from worker.policy.probing.survey import surveyed

LIST = {"type": "list"}


def facts_of(text: str, **fields: Any) -> dict[str, tuple[str, str, bool, tuple[Note, ...]]]:
    found = surveyed(described(text), answered(reply({"id": "1", **fields})))
    return {fact.name: (fact.says, fact.found, fact.contradicts, fact.notes) for fact in found.facts}


def sep(value: str) -> tuple[Note, ...]:
    return (Note(("resources", "things", "fields", "tags", "sep"), value),)


BY_SEMICOLON = 'fields.tags = { type = "set", sep = ";" }'
PLAIN = 'fields.tags = { type = "list" }'
ONE_TEXT = 'one text, parted by ";"'


@pytest.mark.parametrize(
    ("text", "tags", "expected"),
    [
        (BY_SEMICOLON, "a;b,c", (ONE_TEXT, 'one text, "a;b,c"', False, ())),
        (BY_SEMICOLON, "big red", (ONE_TEXT, 'one text, "big red"', False, ())),
        (BY_SEMICOLON, "a, b", (ONE_TEXT, 'one text, "a, b": parted by ","?', True, sep(","))),
        (BY_SEMICOLON, ["a", "b"], (ONE_TEXT, "a list", True, sep(""))),
        (PLAIN, ["a, b"], ("a list", "a list", False, ())),
        (PLAIN, "a|b", ("a list", 'one text, "a|b": parted by "|"?', True, sep("|"))),
        (PLAIN, "a", ("a list", 'one text, "a"', True, ())),
    ],
)
def test_a_list_that_is_held_in_another_form_contradicts(text: str, tags: Any, expected: tuple[Any, ...]) -> None:
    assert facts_of(text, tags=tags)["list tags"] == expected


@pytest.mark.parametrize("tags", ["", [], None, 7])
def test_of_an_empty_list_nothing_is_said(tags: Any) -> None:
    assert "list tags" not in facts_of(BY_SEMICOLON, tags=tags)


@pytest.mark.parametrize("value", [False, 0, "", []])
def test_an_empty_value_that_is_shown_although_it_is_to_be_left_out_contradicts(value: Any) -> None:
    note = Note(("resources", "things", "omits_empty"), False)
    assert facts_of("omits_empty = true", a=1, b=value)["empty fields"] == ("left out", "shown: b", True, (note,))


def test_values_that_are_not_empty_say_nothing_against_it() -> None:
    found = facts_of("omits_empty = true", a=1, b=True, c=None)
    assert found["empty fields"] == ("left out", "none is shown", False, ())


def test_described_fields_that_are_not_shown_may_be_empty_ones() -> None:
    names = "abcdef"
    fields = "\n".join(f'fields.{name} = {{ type = "text" }}' for name in names)
    text = f"{fields}\nfields.secret = {{ write_only = true }}\nfields.go = {{ action = true }}"
    told = "described, and not shown: a, b, c, d, e and 1 more; if these are empty, write omits_empty = true"
    assert facts_of(text)["empty fields"] == ("shown", told, False, ())
    assert "empty fields" not in facts_of(text, **dict.fromkeys(names, ""))


@pytest.mark.parametrize(
    ("said", "value", "told"),
    [
        ('type = "bool"', "false", ('text, "false"; write encode = "text"', "text")),
        ('type = "int"', "7", ('text, "7"; write encode = "text"', "text")),
        ('type = "int"', True, ("true or false, true", None)),
        ('type = "text"', 7, ("a number, 7", None)),
        ('type = "datetime", encode = "epoch"', "2026-01-01", ('text, "2026-01-01"', None)),
        ('type = "object"', [1], ("a list, [1]", None)),
        ('type = "bool"', False, None),
        ('type = "bool", encode = "text"', "false", None),
        ('type = "int"', None, None),
        ('type = "json"', [1], None),
        ('merge = "deep"', {"a": 1}, None),
    ],
)
def test_a_value_of_another_form_than_described_contradicts(said: str, value: Any, told: Any) -> None:
    found = facts_of(f"fields.x = {{ {said} }}", x=value).get("form x")
    if told is None:
        assert found is None
    else:
        assert found is not None
        _, words, contradicts, notes = found
        assert (words, contradicts, [note.value for note in notes]) == (told[0], True, [told[1]] if told[1] else [])
