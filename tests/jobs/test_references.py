import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.commercelayer import Matches, read_references, reference_pages, references_request
from jobs.commercelayer.references import MOST_REFERENCES
from jobs.model import Reply, Request

JSON_API = {"content-type": "application/vnd.api+json"}


def page(*records: tuple[str, Any], meta: Any = None, status: int = 200) -> Reply:
    data = [{"type": "orders", "id": key, "attributes": {"reference": reference}} for key, reference in records]
    return Reply(status, JSON_API, json.dumps({"data": data, "meta": meta}).encode())


def test_several_references_are_asked_for_in_one_page() -> None:
    assert references_request("orders", ["A 1", "B&2", "Ü"]) == Request(
        "GET",
        "/api/orders?filter[q][reference_in]=A%201,B%262,%C3%9C"
        "&fields[orders]=reference&page[size]=25&page[number]=1",
    )  # fmt: skip


def test_a_reference_with_a_comma_is_asked_for_alone() -> None:
    assert reference_pages(["a", "b,c", "d"]) == [["b,c"], ["a", "d"]]
    assert "filter[q][reference_eq]=b%2Cc&" in references_request("orders", ["b,c"]).target


@pytest.mark.parametrize(
    ("references", "sizes"),
    [
        ([], []),
        ([f"R-{index}" for index in range(60)], [24, 24, 12]),
        (["x" * 999] * 7, [4, 3]),  # the request's target stays within 4,000 characters
        (["ü" * 1000] * 2, [1, 1]),  # six characters each, percent-encoded
    ],
)
def test_references_are_parted_into_pages(references: list[str], sizes: list[int]) -> None:
    assert [len(page) for page in reference_pages(references)] == sizes


@given(st.lists(st.text(max_size=400), max_size=80))
def test_pages_hold_every_reference_and_are_neither_too_many_nor_too_long(references: list[str]) -> None:
    pages = reference_pages(references)
    assert sorted(reference for each in pages for reference in each) == sorted(references)
    for each in pages:
        assert 1 <= len(each) <= MOST_REFERENCES
        assert len(each) == 1 or len(references_request("orders", each).target) < 4_200


@pytest.mark.parametrize(
    ("reply", "matches"),
    [
        (page(("1", "a"), ("2", "b")), Matches({"a": ("1",), "b": ("2",), "c": ()}, True)),
        (page(("1", "a"), ("2", "a")), Matches({"a": ("1", "2"), "b": (), "c": ()}, True)),
        (page(("1", "A"), ("2", "a "), ("3", None)), Matches({"a": (), "b": (), "c": ()}, True)),  # not exactly it
        (page(("1", "a"), ("1", "a")), Matches({"a": ("1",), "b": (), "c": ()}, True)),  # one record shown twice
        (page(("1", "a"), meta={"page_count": 2}), Matches({"a": ("1",), "b": (), "c": ()}, False)),
        (page(*[(str(n), "d") for n in range(25)]), Matches({"a": (), "b": (), "c": ()}, False)),  # a full page
        (page(status=400), None),
        (Reply(200, JSON_API, b'{"data":{}}'), None),
        (Reply(200, {"content-type": "text/html"}, b"<p>"), None),
        (Reply(200, JSON_API, b'{"data":[7,{"id":8,"attributes":{"reference":"a"}},{"id":"9"}]}'),
         Matches({"a": (), "b": (), "c": ()}, True)),
    ],
)  # fmt: skip
def test_only_what_equals_a_reference_exactly_matches_it(reply: Reply, matches: Matches | None) -> None:
    assert read_references(reply, ["a", "b", "c"]) == matches
