"""How much of the record the reply to an update shows."""

from typing import Any

import pytest

from jobs.model import Reply
from tests.worker.policy.probing.kit import WRAPPED, described, reading, reply
from tests.worker.policy.probing.oracle import subject_of
from worker.policy.probing.echo import echo_fact
from worker.policy.probing.facts import Note

RECORD = {"id": "1", "title": "a", "note": "b", "empty": None}

ECHOES: dict[str, tuple[Any, str, bool]] = {
    "the whole": (RECORD, "200, the whole record", False),
    "a part": ({"id": "1", "title": "a"}, "200, a part of the record: 2 of 3 members", False),
    "a part without the id": ({"title": "a"}, "200, a part of the record: 1 of 3 members", False),
    "elsewhere": ({"ok": 1, "item": RECORD}, "200, the record at /item", True),
    "something else": ({"ok": True}, "200, without the record: updates are read back", False),
    "another record": ({"ok": 1, "item": {"id": "2", "x": 1}}, "200, without the record: updates are read back", False),
    "a list": ([1], "200, without the record: updates are read back", False),
}


@pytest.mark.parametrize("case", ECHOES)
def test_what_a_reply_shows(case: str) -> None:
    document, told, contradicts = ECHOES[case]
    subject = described("")
    fact = echo_fact(subject, reply(document), "reply", reading(subject, RECORD))
    assert (fact.found, fact.contradicts) == (told, contradicts)
    assert fact.notes == ((Note(("resources", "things", "update", "echo"), "/item"),) if contradicts else ())


def test_no_body_and_no_json_are_told_apart() -> None:
    subject = described("")
    told = [
        echo_fact(subject, each, "", reading(subject, RECORD)).found for each in (Reply(204, {}), Reply(200, {}, b"OK"))
    ]
    assert told == ["204, nothing: updates are read back", "200, no JSON: updates are read back"]


def test_a_record_without_its_wrapper_is_found_too() -> None:
    subject = subject_of(WRAPPED)
    record = {"id": "1", "attributes": {"title": "a"}}
    fact = echo_fact(subject, reply(record), "", reading(subject, {"data": record}))
    assert (fact.says, fact.found, fact.notes[0].value) == ("", "200, the record", "")


def test_a_reply_without_the_fields_shows_none_of_them() -> None:
    subject = subject_of(WRAPPED)
    fact = echo_fact(
        subject, reply({"data": {"id": "1"}}), "", reading(subject, {"data": {"id": "1", "attributes": {"t": "a"}}})
    )
    assert fact.found == "200, a part of the record: 0 of 1 members"
