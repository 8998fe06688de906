"""Live state in pages: what a page does not show is neither missing nor found before it has been asked for alone."""

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.model import Fields, Reply, Request
from tests.commerce_layer import COMMERCE_LAYER
from worker.clock import Moment
from worker.lane.pages import About, Answer, NoAnswer, Pages, Wanted
from worker.lane.reference_pages import ReferencePages
from worker.policy.row import Found

JSON_API = {"content-type": "application/vnd.api+json"}
WANTED = Wanted("skus", Fields(frozenset({"name"})))


def reply(status: int, document: Any, *, complete: bool = True) -> Reply:
    return Reply(status, JSON_API, json.dumps(document).encode(), complete=complete)


def refused(status: int, detail: str) -> Reply:
    return reply(status, {"errors": [{"detail": detail}]})


@dataclass
class Server:
    """A server of records with an id, named after it, that reads in its own way; it notes what it is asked.

    Attributes:
        cap: records to a page at most. `tells`: it says whether there are more.
        filters: it heeds the filter. `indexed`: what the search finds, None for everything.
        refuse: the refusal of a request for these ids, None to answer it; `single` for one record alone.
    """

    there: list[str]
    cap: int = 25
    tells: bool = True
    filters: bool = True
    indexed: frozenset[str] | None = None
    refuse: Callable[[list[str], bool], Reply | NoAnswer | None] = lambda _ids, _single: None
    asked: list[Request] = field(default_factory=list)

    async def __call__(self, request: Request, about: About, *, patient: bool) -> Answer | NoAnswer:
        assert patient
        assert about.type == "skus"
        self.asked.append(request)
        url = urlsplit(request.target)
        single = url.path.count("/") == 3
        wanted = [unquote(url.path.rsplit("/", 1)[1])] if single else self._filter(url.query)
        said = self.refuse(wanted, single)
        if isinstance(said, NoAnswer):
            return said
        told = said or (self._one(wanted[0]) if single else self._page(wanted))
        return Answer(told, Moment(float(len(self.asked)), 0.0), COMMERCE_LAYER.meaning(request, told))

    def _filter(self, query: str) -> list[str]:
        raw = next(value for key, value in parse_qs(query).items() if key.startswith("filter"))[0]
        return raw.split(",")

    def _one(self, key: str) -> Reply:
        return reply(200, {"data": record(key)}) if key in self.there else refused(404, f"no {key}")

    def _page(self, wanted: list[str]) -> Reply:
        searched = [key for key in self.there if self.indexed is None or key in self.indexed]
        found = [key for key in searched if key in wanted] if self.filters else searched
        meta = {"record_count": len(found), "page_count": -(-len(found) // self.cap)}
        return reply(200, {"data": list(map(record, found[: self.cap])), **({"meta": meta} if self.tells else {})})

    @property
    def pages(self) -> int:
        return sum("filter" in request.target for request in self.asked)


def record(key: str) -> dict[str, Any]:
    return {"type": "skus", "id": key, "attributes": {"name": key, "reference": key}}


def read(api: Server, ids: Iterable[str], pages: Pages | None = None) -> Found:
    found = asyncio.run((pages or Pages(COMMERCE_LAYER, api)).read(WANTED, list(ids)))
    assert sorted([*found.records, *found.missing, *found.failed]) == sorted(ids)
    assert found.at.keys() == found.records.keys()
    assert all(live.attributes == {"name": key} for key, live in found.records.items())
    return found


def keys(count: int) -> list[str]:
    return [f"key{index:03}" for index in range(count)]


IDS = keys(25)


@pytest.mark.parametrize(
    ("api", "requests"),
    [
        (Server(IDS), 1),  # as it should be
        (Server(IDS, tells=False), 1),
        (Server(IDS, cap=10), 3),  # near one request for ten rows, not one for each
        (Server(IDS, cap=10, tells=False), 3),
        (Server([*keys(100)[50:], *IDS], filters=False), 1 + 25),  # not paged through for ever
        (Server([*IDS, *keys(100)[50:]], filters=False, tells=False), 1),
        (Server(IDS, indexed=frozenset(IDS[:3])), 1 + 22),  # an index that lags and says that it knows everything
        (Server(IDS, indexed=frozenset(IDS[:3]), tells=False), 2 + 22),
        (Server(IDS, indexed=frozenset()), 1 + 25),
    ],
)
def test_a_record_that_is_there_is_found_however_pages_are_made(api: Server, requests: int) -> None:
    assert read(api, IDS).records.keys() == set(IDS)
    assert len(api.asked) == requests


@pytest.mark.parametrize("tells", [True, False])
def test_missing_is_what_a_request_for_it_alone_does_not_find(tells: bool) -> None:
    api = Server(IDS[5:], tells=tells)
    assert read(api, IDS).missing == set(IDS[:5])
    assert len(api.asked) == (1 if tells else 2) + 5
    assert read(Server([]), IDS[:1]).missing == {IDS[0]}


@given(
    there=st.sets(st.sampled_from(IDS)),
    others=st.integers(0, 30),
    cap=st.integers(1, 25),
    tells=st.booleans(),
    filters=st.booleans(),
    indexed=st.none() | st.frozensets(st.sampled_from(IDS)),
    bad=st.sets(st.sampled_from(IDS), max_size=3),
    status=st.sampled_from([400, 404, 414, 422]),
)
def test_whatever_the_server_does_nothing_that_is_there_is_called_missing(
    *,
    there: set[str],
    others: int,
    cap: int,
    tells: bool,
    filters: bool,
    indexed: frozenset[str] | None,
    bad: set[str],
    status: int,
) -> None:
    def refuse(ids: list[str], single: bool) -> Reply | None:
        hit = bad.intersection(ids)
        return refused(status, f"bad {min(hit)}") if hit and not (single and status == 404) else None

    api = Server([*keys(100)[40 : 40 + others], *there], cap, tells, filters, indexed, refuse)
    found = read(api, IDS)
    assert found.records.keys() <= there
    assert not found.missing & there
    assert found.failed.keys() <= bad
    assert len(api.asked) <= 2 * 25 + 25 + 10


def test_a_refusal_of_everything_is_found_out_once_a_type() -> None:
    api = Server(IDS, refuse=lambda _ids, _single: refused(400, "include is not supported"))
    pages = Pages(COMMERCE_LAYER, api)
    assert set(read(api, IDS, pages).failed.values()) == {"it answered 400: include is not supported"}
    assert len(api.asked) == 2 + 2 + 3  # the page and that for all fields, its halves, three records
    for _ in range(10):
        assert set(read(api, IDS, pages).failed) == set(IDS)
    assert len(api.asked) == 7 + 10 * 4


@pytest.mark.parametrize("status", [401, 403])
def test_a_credential_that_may_not_read_is_not_tried_for_each_record(status: int) -> None:
    api = Server(IDS, refuse=lambda _ids, _single: refused(status, "no"))
    pages = Pages(COMMERCE_LAYER, api)
    for _ in range(10):
        assert set(read(api, IDS, pages).failed) == set(IDS)
    assert len(api.asked) == 3 + 9


def test_a_page_that_is_refused_for_one_of_its_ids_is_read_but_for_that() -> None:
    api = Server(IDS, refuse=lambda ids, _single: refused(403, "this one is for others") if "key007" in ids else None)
    found = read(api, IDS)
    assert found.failed == {"key007": "it answered 403: this one is for others"}
    assert len(found.records) == 24
    assert len(api.asked) < 12


def test_pages_that_are_refused_for_good_are_replaced_by_single_records() -> None:
    api = Server(IDS, refuse=lambda _ids, single: None if single else refused(400, "page[size] is not allowed"))
    pages = Pages(COMMERCE_LAYER, api)
    for _ in range(3):
        assert len(read(api, IDS, pages).records) == 25
    assert (api.pages, len(api.asked)) == (4 + 1 + 1, 6 + 75)


def test_pages_are_split_again_once_they_have_been_answered_again() -> None:
    bad = {"key003", "key020"}
    api = Server(IDS, refuse=lambda ids, single: refused(400, "bad") if bad & set(ids) and not single else None)
    pages = Pages(COMMERCE_LAYER, api)
    assert len(read(api, IDS, pages).records) == 25  # one by one: both halves are refused
    bad.clear()
    read(api, IDS, pages)
    bad.add("key003")
    api.asked.clear()
    assert len(read(api, IDS, pages).records) == 25
    assert len(api.asked) < 15


def test_a_404_that_the_page_met_as_well_is_no_proof() -> None:
    """A wrong path, or a proxy without a way: it says of no record that it does not exist."""
    api = Server(IDS, refuse=lambda _ids, _single: refused(404, "no route"))
    assert set(read(api, IDS).failed) == set(IDS)


def test_a_page_that_stumbles_over_one_record_is_read_without_it() -> None:
    down = NoAnswer("it answered 500", spoken=True)
    api = Server(IDS, refuse=lambda ids, _single: down if "key007" in ids else None)
    found = read(api, IDS)
    assert found.failed == {"key007": "it answered 500"}
    assert len(found.records) == 24


@pytest.mark.parametrize(("spoken", "requests"), [(False, 1), (True, 1 + 3)])
def test_a_server_that_is_down_is_not_asked_for_each_record(spoken: bool, requests: int) -> None:
    api = Server(IDS, refuse=lambda _ids, _single: NoAnswer("nothing", spoken))
    assert read(api, IDS).failed == dict.fromkeys(IDS, "nothing")
    assert len(api.asked) == requests


def test_a_page_that_is_too_long_is_read_in_halves() -> None:
    api = Server(IDS, refuse=lambda ids, _: reply(200, {}, complete=False) if len(ids) > 4 else None)
    assert len(read(api, IDS).records) == 25
    assert len(api.asked) == 15


def test_a_record_of_another_type_under_an_id_of_ours_ends_nowhere() -> None:
    """Its page shows the id, and never what was asked for: asking for the rest must end."""
    other = {"type": "orders", "id": IDS[0]}
    api = Server([], refuse=lambda _ids, single: reply(200, {"data": other if single else [other]}))
    assert set(read(api, IDS[:3]).failed) == set(IDS[:3])


def look_up(api: Server, references: list[str], pages: ReferencePages | None = None) -> dict[str, tuple[str, ...]]:
    found = asyncio.run((pages or ReferencePages(COMMERCE_LAYER, api)).read("skus", references))
    assert {*found.ids, *found.failed} == set(references)  # each is found, or it is said why not
    return found.ids


@pytest.mark.parametrize(
    ("refuse", "why"),
    [
        (refused(400, "no such filter"), "it answered 400: no such filter"),
        (refused(403, "not yours"), "it answered 403: not yours"),
        (refused(500, "down"), "it answered 500: down"),
        (NoAnswer("nobody there"), "nobody there"),
        (reply(200, {"data": {}}), "it answered 200, and shows no records where they should be"),
        (reply(200, {}, complete=False), "it answered 200, and the reply broke off"),
    ],
)
def test_a_look_up_that_fails_says_why_for_each_reference(refuse: Reply | NoAnswer, why: str) -> None:
    api = Server(IDS, refuse=lambda _ids, _single: refuse)
    found = asyncio.run(ReferencePages(COMMERCE_LAYER, api).read("skus", IDS[:24]))
    assert found.failed == dict.fromkeys(IDS[:24], why)


def test_a_page_that_breaks_off_for_a_single_reference_says_so() -> None:
    found = asyncio.run(ReferencePages(COMMERCE_LAYER, Server(keys(100), filters=False)).read("skus", IDS[:1]))
    assert found.failed == {IDS[0]: "the page breaks off before its end"}


def alone(wanted: list[str]) -> dict[str, tuple[str, ...]]:
    return {each: (each,) for each in wanted}


def test_references_are_looked_up_in_pages_as_large_as_the_servers() -> None:
    wanted = keys(48)
    api = Server(wanted, cap=10)
    pages = ReferencePages(COMMERCE_LAYER, api)
    assert look_up(api, wanted, pages) == alone(wanted)
    assert len(api.asked) == 1 + 3 + 1 + 3  # the second page of 24 had been made before
    api.asked.clear()
    assert look_up(api, wanted, pages) == alone(wanted)
    assert len(api.asked) == 5


@pytest.mark.parametrize(
    ("api", "expected"),
    [
        (Server(keys(20), tells=False), {**alone(keys(20)), **dict.fromkeys(IDS[20:24], ())}),
        (Server(keys(100), filters=False), {}),  # who knows what the other pages hold
        (Server(keys(24), filters=False), alone(keys(24))),  # all that there are
        (Server(IDS, refuse=lambda _ids, _single: refused(400, "no")), {}),
        (Server(IDS, refuse=lambda _ids, _single: refused(403, "no")), {}),
        (Server(IDS, refuse=lambda _ids, _single: NoAnswer("nothing")), {}),
    ],
)
def test_a_reference_is_absent_or_unique_only_where_that_is_known(api: Server, expected: dict[str, Any]) -> None:
    assert look_up(api, IDS[:24]) == expected


def test_references_that_are_refused_alike_are_not_asked_for_in_ever_smaller_pages() -> None:
    api = Server(IDS, refuse=lambda _ids, _single: refused(400, "no"))
    pages = ReferencePages(COMMERCE_LAYER, api)
    for _ in range(5):
        assert look_up(api, IDS[:24], pages) == {}
    assert len(api.asked) == 3 + 3 + 4 * (1 + 3)


def test_two_references_that_are_refused_do_not_hide_the_others() -> None:
    bad = {"key003", "key020"}
    api = Server(IDS, refuse=lambda ids, _single: refused(400, "bad") if bad & set(ids) else None)
    assert look_up(api, IDS[:24]) == alone([each for each in IDS[:24] if each not in bad])
