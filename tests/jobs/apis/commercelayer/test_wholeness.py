"""Whether a page shows all that was asked for."""

import json
from typing import Any

import pytest

from jobs.apis.commercelayer.wholeness import may_show_more, says_whole
from jobs.model import Reply

NEXT = {"next": "https://example.com/api/orders?page[number]=2"}


@pytest.mark.parametrize(
    ("members", "whole"),
    [
        ({"meta": {"record_count": 2, "page_count": 1}}, True),
        ({"meta": {"record_count": 2, "page_count": 1}, "links": {"next": None}}, True),
        ({"meta": {"record_count": 2}}, True),
        ({"meta": {"page_count": 1}}, True),
        ({"meta": {"record_count": 3, "page_count": 1}}, False),  # one is not shown
        ({"meta": {"record_count": 2, "page_count": 2}}, False),
        ({"meta": {"page_count": 3}}, False),
        ({"links": NEXT}, False),
        ({"meta": {"record_count": 2, "page_count": 1}, "links": NEXT}, False),
        ({}, None),
        ({"meta": None, "links": []}, None),
        ({"meta": {"record_count": "2", "page_count": True}}, None),
        ({"meta": {"record_count": 1, "page_count": 1}}, None),  # fewer than it shows: nobody knows what it counts
    ],
)
def test_a_page_says_whether_it_is_whole(members: dict[str, Any], whole: bool | None) -> None:
    assert says_whole(members, shown=2) is whole


def page(*ids: object, **members: Any) -> Reply:
    data = [{"type": "orders", "id": each} for each in ids]
    return Reply(200, {"content-type": "application/json"}, json.dumps({"data": data, **members}).encode())


@pytest.mark.parametrize(
    ("reply", "more"),
    [
        (page("a", "b", links=NEXT), True),  # a server that has two to a page
        (page("a", "b"), True),  # it does not say so
        (page("a", "b", meta={"record_count": 2}), False),  # they are all it knows of
        (page("a", "x", links=NEXT), False),  # it ignores the filter: its next page has as little to do with it
        (page("a", 7, links=NEXT), False),
        (page(links=NEXT), False),
        (page(), False),
        (Reply(200, {"content-type": "text/html"}, b"<p>"), False),
        (Reply(200, {"content-type": "application/json"}, b'{"data":{"id":"a"}}'), False),
    ],
)
def test_the_rest_of_a_page_is_asked_for_where_it_may_be_shown(reply: Reply, more: bool) -> None:
    assert may_show_more(reply, ["a", "b", "c"]) is more
