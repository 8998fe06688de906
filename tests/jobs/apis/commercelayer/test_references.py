import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.apis.api import Matches
from jobs.apis.commercelayer.references import read_references, reference_pages
from jobs.model import Reply, Request
from tests.commerce_layer import COMMERCE_LAYER, references_request

MOST = COMMERCE_LAYER.key_page
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
    assert reference_pages(["a", "b,c", "d"], MOST) == [["b,c"], ["a", "d"]]
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
    assert [len(page) for page in reference_pages(references, MOST)] == sizes


@given(st.lists(st.text(max_size=400), max_size=80))
def test_pages_hold_every_reference_and_are_neither_too_many_nor_too_long(references: list[str]) -> None:
    pages = reference_pages(references, MOST)
    assert sorted(reference for each in pages for reference in each) == sorted(references)
    for each in pages:
        assert 1 <= len(each) <= MOST
        assert len(each) == 1 or len(references_request("orders", each).target) < 4_200


FEW = ["a", "b", "c"]
WHOLE = {"record_count": 2, "page_count": 1}


@pytest.mark.parametrize(
    ("reply", "ids"),
    [
        (page(("1", "a"), ("2", "b"), meta=WHOLE), {"a": ("1",), "b": ("2",), "c": ()}),
        (page(("1", "a"), ("2", "a"), meta=WHOLE), {"a": ("1", "2"), "b": (), "c": ()}),
        (page(("1", "A"), ("2", "a "), ("3", None), meta={"record_count": 3}), {"a": (), "b": (), "c": ()}),  # not it
        (page(("1", "a"), ("1", "a"), meta=WHOLE), {"a": ("1",), "b": (), "c": ()}),  # one record shown twice
        (Reply(200, JSON_API, b'{"data":[7,{"id":8,"attributes":{"reference":"a"}},{"id":"9"}],'
               b'"meta":{"record_count":3}}'), {"a": (), "b": (), "c": ()}),
    ],
)  # fmt: skip
def test_only_what_equals_a_reference_exactly_matches_it(reply: Reply, ids: dict[str, tuple[str, ...]]) -> None:
    assert read_references(reply, FEW) == Matches(ids, complete=True)


@pytest.mark.parametrize(
    "reply",
    [
        page(status=400),
        Reply(200, JSON_API, b'{"data":{}}'),
        Reply(200, {"content-type": "text/html"}, b"<p>"),
    ],
)
def test_a_page_of_references_that_cannot_be_used_is_none(reply: Reply) -> None:
    assert read_references(reply, FEW) is None


CUT = {"record_count": 9, "page_count": 5}


@pytest.mark.parametrize(
    ("reply", "references", "complete", "most"),
    [
        (page(("1", "a"), ("2", "b"), meta=CUT), FEW, False, 2),  # a server that has two to a page
        (page(("1", "a"), ("2", "b"), ("3", "c"), meta=CUT), FEW, False, 0),  # some reference has many records
        (page(*[(str(n), "a") for n in range(25)], meta=CUT), FEW, False, 0),
        (page(meta=CUT), FEW, False, 0),
        (page(("1", "x"), ("2", "y"), meta=CUT), FEW, False, 1),  # it ignores the filter
        (page(("1", None), meta=CUT), FEW, False, 1),
        (page(("1", "A"), ("2", "a"), meta=CUT), FEW, False, 2),  # it searches without regard to case
        (page(("1", "x"), ("2", "a"), meta=WHOLE), FEW, True, 0),  # and if: these are all there are
        (page(("1", "a"), ("2", "b"), ("3", "c")), FEW, False, 1),  # who knows whether there are more
        (page(), FEW, False, 1),
        (page(("1", "a")), ["a"], True, 0),
        (page(), ["a"], True, 0),
        (page(("1", "a"), ("2", "a")), ["a"], False, 1),
        (page(("1", "a"), meta=CUT), ["a"], False, 0),
    ],
)
def test_absent_or_alone_is_known_from_a_page_that_is_whole(
    reply: Reply, references: list[str], complete: bool, most: int
) -> None:
    found = read_references(reply, references)
    assert found is not None
    assert (found.complete, found.most) == (complete, most)
