"""The fake JSON:API server does what the specification says."""

from typing import Any

import pytest

from tests.system.vendors.base import ManualClock
from tests.system.vendors.client import driving
from tests.system.vendors.jsonapi import MEDIA, TOKEN, Fake

SENT: dict[str, Any] = {"Authorization": f"Bearer {TOKEN}", "Content_Type": MEDIA, "Accept": MEDIA}


def article(key: str = "1", kind: str = "articles", **members: object) -> dict[str, object]:
    return {"data": {"type": kind, "id": key, **members}}


async def test_an_update_is_applied_echoed_and_what_is_missing_stays() -> None:
    fake = Fake()
    async with driving(fake, **SENT) as send:
        author = {"author": {"data": {"type": "people", "id": "2"}}}
        tags = {"tags": {"data": [{"type": "tags", "id": "blue"}]}}
        body = article(attributes={"title": "New", "options": {"b": 2}}, relationships={**author, **tags})
        got = await send("PATCH", "/articles/1", body)
        assert (got.status, got.headers["Content-Type"]) == (200, MEDIA)
        assert got.body["data"]["attributes"]["options"] == {"b": 2}
        assert got.body["data"]["attributes"]["price"] == 1
        assert "updated-at" in got.body["data"]["attributes"]
        assert (await send("GET", "/articles/1?fields[articles]=title")).body["data"]["attributes"] == {"title": "New"}
    assert (fake.records["1"]["author"], fake.records["1"]["tags"]) == ("2", ["blue"])
    assert [write.key for write in fake.history] == ["1"]


async def test_an_update_may_be_answered_without_the_resource() -> None:
    body = article(attributes={"price": 7})
    async with driving(Fake(reply="no_content"), **SENT) as send:
        got = await send("PATCH", "/articles/1", body)
        assert (got.status, got.text) == (204, "")
        assert (await send("GET", "/articles/1")).body["data"]["attributes"]["price"] == 7
    async with driving(Fake(reply="meta"), **SENT) as send:
        assert "data" not in (await send("PATCH", "/articles/1", body)).body


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        (article("2"), 409, "/data/id"),
        (article(kind="people"), 409, "/data/type"),
        ({"data": {"type": "articles"}}, 400, "/data/id"),
        ({"data": {"type": "articles", "id": 1}}, 400, "/data/id"),
        ({"data": []}, 400, "/data"),
        (article(attributes={"nonsense": 1}), 422, "/data/attributes/nonsense"),
        (article(attributes={"price": "1"}), 422, "/data/attributes/price"),
        (article(attributes={"title": None}), 422, "/data/attributes/title"),
        (article(attributes={"updated-at": "x"}), 403, "/data/attributes/updated-at"),
        (article(relationships={"author": {"data": {"type": "people", "id": "9"}}}), 404, "/data/relationships/author"),
        (article(relationships={"author": {}}), 400, "/data/relationships/author"),
        (article(relationships={"tags": {"data": None}}), 400, "/data/relationships/tags"),
    ],
)
async def test_what_is_wrong_is_pointed_at(body: object, status: int, pointer: str) -> None:
    fake = Fake()
    async with driving(fake, **SENT) as send:
        got = await send("PATCH", "/articles/1", body)
    [error] = got.body["errors"]
    assert (got.status, error["status"], error["source"], fake.history) == (
        status,
        str(status),
        {"pointer": pointer},
        [],
    )


async def test_unknown_attributes_can_be_dropped_and_tags_guarded() -> None:
    async with driving(Fake(unknown="drop", replace_tags=False), **SENT) as send:
        assert (await send("PATCH", "/articles/1", article(attributes={"nonsense": 1}))).status == 200
        assert (await send("PATCH", "/articles/1", article(relationships={"tags": {"data": []}}))).status == 403


async def test_media_types_queries_and_credentials_are_looked_at() -> None:
    async with driving(Fake(), **SENT) as send:
        body = article(attributes={"price": 2})
        assert (await send("PATCH", "/articles/1", body, Content_Type="application/json")).status == 415
        assert (await send("PATCH", "/articles/1", body, Content_Type=f"{MEDIA}; charset=utf-8")).status == 415
        assert (await send("PATCH", "/articles/1", body, Content_Type=f'{MEDIA}; profile="x"')).status == 200
        assert (await send("GET", "/articles/1", Accept=f"{MEDIA}; ext=x")).status == 406
        assert (await send("GET", "/articles/1?include=author")).status == 400
        assert (await send("GET", "/articles/1", Authorization="Bearer no")).status == 401
        assert (await send("GET", "/articles/99")).status == 404


async def test_many_are_read_by_ids_in_pages() -> None:
    async with driving(Fake(page_size=2), **SENT) as send:
        got = await send("GET", "/articles?filter[id]=1,3,99&fields[articles]=title")
        assert [each["id"] for each in got.body["data"]] == ["1", "3"]
        page = (await send("GET", "/articles")).body
        following = (await send("GET", page["links"]["next"])).body
        assert [each["id"] for each in following["data"]] == ["3", "4"]


async def test_a_limit_is_kept() -> None:
    clock = ManualClock()
    async with driving(Fake(rate=(1, 2.0), clock=clock), **SENT) as send:
        assert (await send("GET", "/articles/1")).headers["RateLimit"] == '"default";r=0;t=2'
        refused = await send("GET", "/articles/1")
        assert (refused.status, refused.headers["Retry-After"]) == (429, "2")
        clock.advance(2)
        assert (await send("GET", "/articles/1")).status == 200
