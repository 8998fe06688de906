"""What the reads of a probe show."""

from typing import Any

import pytest

from jobs.apis.meanings import Meaning
from jobs.model import NotSent
from tests.worker.policy.probing.kit import WRAPPED, answered, described, reading, reply
from tests.worker.policy.probing.oracle import subject_of
from worker.policy.probing.facts import Note
from worker.policy.probing.survey import limits_fact, read_many, read_many_fact, surveyed
from worker.policy.ratelimit import read_limits

RECORD = {"id": "1", "title": "a"}


def found_in(subject_text: str, document: Any) -> tuple[dict[str, str], set[str], bool]:
    found = surveyed(described(subject_text), answered(reply(document)))
    told = {fact.name: fact.found for fact in found.facts}
    return told, {fact.name for fact in found.facts if fact.contradicts}, found.reading is not None


PLACES: dict[str, tuple[str, Any, dict[str, str], set[str], bool]] = {
    "as described": ("", RECORD, {"read": "works: 200", "record": "the whole reply"}, set(), True),
    "wrapped": (
        'record = "/data"', {"data": RECORD}, {"read": "works: 200", "record": "at /data"}, set(), True,
    ),
    "wrapped, which nobody said": (
        "", {"data": RECORD, "ok": 1}, {"read": "works: 200", "record": "at /data"}, {"record"}, True,
    ),
    "not wrapped, although it is said": (
        'record = "/data"', RECORD, {"read": "works: 200", "record": "the whole reply"}, {"record"}, True,
    ),
    "without an id": (
        "", {"title": "a", "meta": {}}, {"read": "works: 200", "record": "the whole reply"}, set(), True,
    ),
    "another id": (
        "", {"id": "2", "x": 1}, {"read": "works: 200", "key": "a record that shows another id"}, {"key"}, False,
    ),
    "no object": ("", [RECORD], {"read": "200, and no record in the reply"}, {"read"}, False),
    "no object at the place": (
        'record = "/data"', {"x": {}, "y": {}}, {"read": "200, and no record in the reply"}, {"read"}, False,
    ),
    "fields in it": (
        'values = "/f"', {"id": "1", "f": {"a": 1}},
        {"read": "works: 200", "record": "the whole reply", "values": "1 members"}, set(), True,
    ),
    "fields elsewhere": (
        'values = "/f"', {"id": "1", "g": {"a": 1}},
        {"read": "works: 200", "record": "the whole reply", "values": "no object there; objects are g"},
        {"values"}, True,
    ),
    "no fields at all": (
        'values = "/f"', RECORD,
        {"read": "works: 200", "record": "the whole reply", "values": "no object there; objects are nowhere"},
        {"values"}, True,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", PLACES)
def test_where_a_reply_holds_the_record(case: str) -> None:
    text, document, told, against, is_read = PLACES[case]
    assert found_in(text, document) == (told, against, is_read)


def test_a_record_elsewhere_is_read_there_from_then_on() -> None:
    found = surveyed(described(""), answered(reply({"data": RECORD, "ok": 1})))
    assert found.reading is not None
    assert (found.subject.described.record, found.reading.fields) == ("/data", RECORD)
    assert found.facts[1].notes == (Note(("resources", "things", "record"), "/data"),)


def test_a_read_that_fails_is_all_there_is() -> None:
    for each in (
        answered(reply({"message": "no"}, 404), Meaning.NOT_FOUND),
        answered(NotSent("refused"), Meaning.UNSENT),
    ):
        found = surveyed(described('read = { path = "/v2/things/{id}" }'), each)
        assert found.reading is None
        assert [(fact.says, fact.contradicts) for fact in found.facts] == [("GET /v2/things/{id}", True)]


MANY = 'read_many = { path = "/things", query = { ids = "{ids}" }, records = "/data" }'

PAGES: dict[str, tuple[Any, str, bool]] = {
    "the same": ({"data": [{"id": "2"}, RECORD]}, "works: the same values", False),
    "other values": ({"data": [{"id": "1", "title": "b"}]}, "shows other values: title", True),
    "fewer values": ({"data": [{"id": "1"}]}, "shows other values: title", True),
    "not on the page": ({"data": [{"id": "2"}]}, "the record is not on the page", True),
    "no list": ({"data": RECORD}, "no list of records in the reply", True),
}


@pytest.mark.parametrize("case", PAGES)
@pytest.mark.parametrize("more", ["", '\nprecondition = { headers = { If-Match = "{@ETag}" } }'])
def test_reading_many_shows_what_reading_one_does(case: str, more: str) -> None:
    document, told, contradicts = PAGES[case]
    subject = described(MANY + more)
    alone = reading(subject, RECORD)
    request = read_many(subject, alone)
    assert request is not None
    assert request.target == "/things?ids=1"
    fact = read_many_fact(subject, alone, request, answered(reply(document)))
    assert (fact.found, fact.contradicts) == (told, contradicts)


def test_reading_many_may_fail_and_need_not_be_described() -> None:
    subject = described(MANY)
    alone = reading(subject, RECORD)
    request = read_many(subject, alone)
    assert request is not None
    for each in (answered(reply({}, 400), Meaning.BAD_REQUEST), answered(NotSent("refused"), Meaning.UNSENT)):
        assert read_many_fact(subject, alone, request, each).contradicts
    assert read_many(described(""), alone) is None


LIMITED = """
name = "limited"
limits = [{ rate = "100/60s" }, { concurrency = 3 }]
limit_headers = [{ limit = "X-Our-Limit", remaining = "X-Our-Left" }]
[auth]
type = "none"
[resources.things]
path = "/things/{id}"
"""

HEADERS: dict[str, tuple[str, dict[str, str], str, bool]] = {
    "none": (WRAPPED, {"date": "x"}, "no header tells any", False),
    "understood": (WRAPPED, {"ratelimit-policy": '"a";q=50;w=10'}, "50 in 10 s (ratelimit-policy)", False),
    "not understood": (WRAPPED, {"x-our-quota": "7"}, "not understood: x-our-quota", False),
    "described": (LIMITED, {"x-our-limit": "7", "x-our-left": "6"}, "no header tells any", False),
    "described, not sent": (LIMITED, {"x-our-limit": "7"}, "described, but not sent: x-our-left", True),
}


@pytest.mark.parametrize("case", HEADERS)
def test_which_headers_are_about_limits(case: str) -> None:
    text, headers, told, contradicts = HEADERS[case]
    fact = limits_fact(subject_of(text), headers, read_limits, 1_800_000_000.0)
    assert (fact.found, fact.contradicts) == (told, contradicts)
    assert fact.says == ("100/60s, 3 in flight, x-our-left, x-our-limit" if text is LIMITED else "")
