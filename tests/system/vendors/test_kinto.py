"""The fake Kinto does what Kinto's documents say."""

import pytest

from tests.system.vendors.base import ManualClock
from tests.system.vendors.client import driving
from tests.system.vendors.kinto import AUTHORIZATION, ROOT, Fake

RECORD = f"{ROOT}/thing-1"
MERGE, OPERATIONS = "application/merge-patch+json", "application/json-patch+json"


async def test_plain_json_merges_on_the_first_level_only() -> None:
    fake = Fake()
    async with driving(fake, Authorization=AUTHORIZATION) as send:
        got = await send("PATCH", RECORD, {"data": {"stock": {"there": 5}, "note": None}})
        assert got.status == 200
        assert (got.body["data"]["stock"], got.body["data"]["note"]) == ({"there": 5}, None)
        assert got.headers["ETag"] == f'"{got.body["data"]["last_modified"]}"'
        same = await send("PATCH", RECORD, {"data": {"note": None}})
        assert same.body["data"]["last_modified"] == got.body["data"]["last_modified"]
        light = await send("PATCH", RECORD, {"data": {"price": 9, "note": None}}, Response_Behavior="light")
        assert light.body["data"] == {"price": 9}
    assert [write.key for write in fake.history] == ["thing-1"] * 3


async def test_merge_patch_merges_deeply_and_removes() -> None:
    async with driving(Fake(), Authorization=AUTHORIZATION, Content_Type=MERGE) as send:
        got = await send("PATCH", RECORD, {"data": {"stock": {"there": 5}, "price": None}})
        assert (got.body["data"]["stock"], "price" in got.body["data"]) == ({"here": 1, "there": 5}, False)


async def test_json_patch_works_on_data() -> None:
    async with driving(Fake(), Authorization=AUTHORIZATION, Content_Type=OPERATIONS) as send:
        good = [{"op": "test", "path": "data/price", "value": 1}, {"op": "replace", "path": "/data/price", "value": 2}]
        assert (await send("PATCH", RECORD, good)).body["data"]["price"] == 2
        got = await send("PATCH", RECORD, good)
        assert (got.status, got.body["errno"]) == (400, 107)
        assert "JSON Patch operation failed" in got.body["message"]


async def test_a_changed_record_is_412_and_comes_with_it() -> None:
    async with driving(Fake(), Authorization=AUTHORIZATION) as send:
        tag = (await send("GET", RECORD)).headers["ETag"]
        assert (await send("GET", RECORD, If_None_Match=tag)).status == 304
        assert (await send("PATCH", RECORD, {"data": {"price": 2}}, If_Match=tag)).status == 200
        got = await send("PATCH", RECORD, {"data": {"price": 3}}, If_Match=tag)
        assert (got.status, got.body["errno"], got.body["details"]["existing"]["price"]) == (412, 114, 2)
        assert (await send("PATCH", RECORD, {"data": {"price": 3}}, If_Match="x")).status == 400


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ({}, "application/json", 400),
        ({"title": "no wrapper"}, "application/json", 400),
        ({"data": {"price": "1"}}, "application/json", 400),
        ({"data": {"id": "other"}}, "application/json", 400),
        ("{", "application/json", 400),
        ({"data": {}}, "text/plain", 415),
    ],
)
async def test_what_is_wrong_is_refused(body: object, kind: str, status: int) -> None:
    fake = Fake()
    async with driving(fake, Authorization=AUTHORIZATION) as send:
        got = await send("PATCH", RECORD, body, Content_Type=kind)
    assert (got.status, got.body["code"], got.body["errno"], fake.history) == (status, status, 107, [])


async def test_credentials_and_places_are_looked_at() -> None:
    async with driving(Fake()) as send:
        assert (await send("GET", RECORD)).body["errno"] == 104
        assert (await send("GET", f"{ROOT}/none", Authorization=AUTHORIZATION)).body["errno"] == 110
        other = RECORD.replace("shop", "other")
        assert (await send("GET", other, Authorization=AUTHORIZATION)).body["errno"] == 121


async def test_many_are_read_by_ids_in_pages() -> None:
    async with driving(Fake(), Authorization=AUTHORIZATION) as send:
        got = await send("GET", f"{ROOT}?in_id=thing-1,thing-3,none")
        assert [record["id"] for record in got.body["data"]] == ["thing-3", "thing-1"]
        page = await send("GET", f"{ROOT}?_limit=3")
        assert len((await send("GET", page.headers["Next-Page"])).body["data"]) == 2


async def test_load_is_told_by_backoff_and_retry_after() -> None:
    clock = ManualClock()
    fake = Fake(backoff=3, overloaded_every=3, retry_after=2, rate=(1, 1.0), clock=clock)
    async with driving(fake, Authorization=AUTHORIZATION) as send:
        assert (await send("GET", RECORD)).headers["Backoff"] == "3"
        assert (await send("GET", RECORD)).status == 429
        refused = await send("GET", RECORD)
        assert (refused.status, refused.body["errno"], refused.headers["Retry-After"]) == (503, 201, "2")
        assert "Backoff" not in refused.headers
