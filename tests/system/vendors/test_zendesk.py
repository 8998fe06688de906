"""The fake Zendesk does what Zendesk's documents say."""

import pytest

from tests.system.vendors.base import ManualClock
from tests.system.vendors.client import driving
from tests.system.vendors.zendesk import AUTHORIZATION, Fake

TICKET = "/api/v2/tickets/1.json"


async def test_an_update_is_applied_echoed_and_kept_in_the_history() -> None:
    fake = Fake()
    async with driving(fake, Authorization=AUTHORIZATION) as send:
        got = await send("PUT", TICKET, {"ticket": {"subject": "New", "tags": ["B b", "A"], "unknown": 1}})
        assert (got.status, got.body["ticket"]["tags"], "audit" in got.body) == (200, ["a", "b_b"], True)
        assert (await send("GET", "/api/v2/tickets/1")).body["ticket"]["subject"] == "New"
    assert fake.records["1"]["subject"] == "New"
    assert [write.key for write in fake.history] == ["1"]


async def test_custom_fields_are_keyed_by_id_and_those_not_named_stay() -> None:
    fake = Fake()
    async with driving(fake, Authorization=AUTHORIZATION) as send:
        fields = [{"id": 102, "value": "12"}, {"id": 104, "value": "plan_paid"}, {"id": 999, "value": "x"}]
        got = await send("PUT", TICKET, {"ticket": {"custom_fields": fields}})
        shown = {field["id"]: field["value"] for field in got.body["ticket"]["custom_fields"]}
        assert shown == {101: "text", 102: 12, 103: False, 104: "plan_paid", 105: None}
        assert got.body["ticket"]["tags"] == ["old", "plan_paid"]
        await send("PUT", TICKET, {"ticket": {"custom_fields": {"104": None, "101": ""}}})
    assert (fake.records["1"]["tags"], fake.records["1"]["custom"]["101"]) == (["old"], None)


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"ticket": {"status": "done"}}, 422, "status"),
        ({"ticket": {"subject": ""}}, 422, "subject"),
        ({"ticket": {"custom_fields": [{"id": 104, "value": "gold"}]}}, 422, "base"),
        ({"ticket": {"assignee_id": "x"}}, 422, "assignee_id"),
        ({"subject": "no wrapper"}, 400, ""),
        ("{", 400, ""),
    ],
)
async def test_what_is_wrong_is_refused(body: object, status: int, field: str) -> None:
    fake = Fake()
    async with driving(fake, Authorization=AUTHORIZATION) as send:
        got = await send("PUT", TICKET, body)
    assert (got.status, fake.history) == (status, [])
    if field:
        assert got.body["error"] == "RecordInvalid"
        assert list(got.body["details"]) == [field]


async def test_credentials_and_places_are_looked_at() -> None:
    async with driving(Fake()) as send:
        assert (await send("GET", TICKET)).body == {"error": "Couldn't authenticate you"}
        assert (await send("GET", "/api/v2/tickets/99", Authorization=AUTHORIZATION)).body["error"] == "RecordNotFound"
        assert (await send("GET", "/api/v2/x", Authorization=AUTHORIZATION)).body["error"] == "InvalidEndpoint"


async def test_many_are_read_by_ids_and_the_missing_are_absent() -> None:
    async with driving(Fake(), Authorization=AUTHORIZATION) as send:
        got = await send("GET", "/api/v2/tickets/show_many.json?ids=2,1,99")
        assert [ticket["id"] for ticket in got.body["tickets"]] == [2, 1]
        ids = ",".join(str(n) for n in range(101))
        assert (await send("GET", f"/api/v2/tickets/show_many?ids={ids}")).status == 400


async def test_a_safe_update_of_a_changed_ticket_is_a_conflict() -> None:
    clock = ManualClock()
    fake = Fake(clock=clock, collide_every=4)
    async with driving(fake, Authorization=AUTHORIZATION) as send:
        read = (await send("GET", TICKET)).body["ticket"]["updated_at"]
        safe = {"safe_update": True, "updated_stamp": read}
        assert (await send("PUT", TICKET, {"ticket": {"subject": "A", **safe}})).status == 200
        got = await send("PUT", TICKET, {"ticket": {"subject": "B", **safe}})
        assert (got.status, got.body["error"]) == (409, "UpdateConflict")
        assert (await send("PUT", TICKET, {"ticket": {"subject": "C"}})).status == 200
        assert (await send("PUT", TICKET, {"ticket": {"subject": "D"}})).body["error"] == "DatabaseConflict"
    assert fake.records["1"]["subject"] == "C"


async def test_three_limits_are_kept_and_only_the_account_one_is_in_headers() -> None:
    clock = ManualClock()
    fake = Fake(account=(6, 60.0), updates=(3, 60.0), per_ticket=(2, 600.0), clock=clock)
    async with driving(fake, Authorization=AUTHORIZATION) as send:
        for _ in range(2):
            assert (await send("PUT", TICKET, {"ticket": {}})).status == 200
        refused = await send("PUT", TICKET, {"ticket": {}})
        assert (refused.status, refused.headers["Retry-After"]) == (429, "600")
        assert refused.headers["X-Rate-Limit-Remaining"] == "3"
        assert (await send("PUT", "/api/v2/tickets/2", {"ticket": {}})).status == 200
        assert (await send("PUT", "/api/v2/tickets/3", {"ticket": {}})).headers["Retry-After"] == "60"
        last = await send("GET", TICKET)
        assert (last.headers["ratelimit-remaining"], last.headers["ratelimit-reset"]) == ("0", "60")
        refused = await send("GET", TICKET)
        assert (refused.status, "per minute exceeded" in refused.text) == (429, True)
        clock.advance(60)
        assert (await send("GET", TICKET)).status == 200
