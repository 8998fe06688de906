"""The fake HubSpot does what HubSpot's documents say."""

import pytest

from tests.system.vendors.base import ManualClock
from tests.system.vendors.client import driving
from tests.system.vendors.hubspot import TOKEN, Fake

AUTH = f"Bearer {TOKEN}"
CONTACT = "/crm/v3/objects/contacts/501"


async def test_an_update_is_applied_echoed_and_an_empty_text_clears() -> None:
    fake = Fake()
    async with driving(fake, Authorization=AUTH) as send:
        got = await send("PATCH", CONTACT, {"properties": {"firstname": "Eva", "lastname": "", "score": 7}})
        assert got.status == 200
        assert got.body["properties"]["score"] == "7"
        assert got.body["properties"]["lastname"] is None
        assert "email" not in got.body["properties"]
    assert ("lastname" in fake.records["501"], fake.records["501"]["firstname"]) == (False, "Eva")
    assert [write.key for write in fake.history] == ["501"]


async def test_a_contact_is_found_by_a_unique_property() -> None:
    async with driving(Fake(), Authorization=AUTH) as send:
        path = "/crm/objects/2026-03/contacts/Person2%40example.com?idProperty=email"
        assert (await send("PATCH", path, {"properties": {"phone": "1"}})).body["id"] == "502"
        assert (await send("GET", f"{CONTACT}?idProperty=plan")).status == 400
        assert (await send("GET", f"{CONTACT}?properties=plan,phone")).body["properties"]["phone"] is None
        assert (await send("GET", "/crm/v3/objects/contacts/999")).body["category"] == "OBJECT_NOT_FOUND"


async def test_many_are_read_and_the_missing_make_it_207() -> None:
    async with driving(Fake(), Authorization=AUTH) as send:
        path = "/crm/v3/objects/contacts/batch/read"
        body = {"idProperty": "email", "properties": ["plan"]}
        good = await send("POST", path, {**body, "inputs": [{"id": "person1@example.com"}]})
        assert (good.status, good.body["results"][0]["properties"]["plan"]) == (200, "free")
        mixed = await send("POST", path, {**body, "inputs": [{"id": "person2@example.com"}, {"id": "x@y.zz"}]})
        assert (mixed.status, mixed.body["numErrors"]) == (207, 1)
        assert mixed.body["errors"][0]["context"] == {"ids": ["x@y.zz"]}
        assert (await send("POST", path, {"inputs": [{"id": str(n)} for n in range(101)]})).status == 400


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("nonsense", "1", "PROPERTY_DOESNT_EXIST"),
        ("hs_object_id", "1", "READ_ONLY_VALUE"),
        ("score", "many", "INVALID_INTEGER"),
        ("plan", "gold", "INVALID_OPTION"),
        ("email", "no mail", "INVALID_EMAIL"),
        ("vip", "yes", "INVALID_BOOLEAN"),
        ("birthday", "24.12.", "INVALID_DATE"),
        ("phone", ["1"], "INVALID_STRING"),
    ],
)
async def test_what_is_wrong_is_told_twice(name: str, value: object, code: str) -> None:
    fake = Fake()
    async with driving(fake, Authorization=AUTH) as send:
        got = await send("PATCH", CONTACT, {"properties": {name: value, "firstname": "Eva"}})
    assert (got.status, got.body["category"], fake.history) == (400, "VALIDATION_ERROR", [])
    assert got.body["errors"][0]["code"] == code
    assert got.body["errors"][0]["context"] == {"propertyName": [name]}
    assert got.body["message"].startswith("Property values were not valid: [{")


async def test_credentials_and_unique_values_are_looked_at() -> None:
    async with driving(Fake()) as send:
        assert (await send("GET", CONTACT)).body["category"] == "INVALID_AUTHENTICATION"
        body = {"properties": {"email": "PERSON2@example.com"}}
        got = await send("PATCH", CONTACT, body, Authorization=AUTH)
        assert (got.status, got.body["message"]) == (409, "Contact already exists. Existing ID: 502")


async def test_a_limit_tells_its_policy_and_not_how_long_to_wait() -> None:
    clock = ManualClock()
    async with driving(Fake(rolling=(2, 10.0), daily=(4, 100.0), clock=clock), Authorization=AUTH) as send:
        first = await send("GET", CONTACT)
        assert first.headers["X-HubSpot-RateLimit-Remaining"] == "1"
        await send("GET", CONTACT)
        refused = await send("GET", CONTACT)
        assert (refused.status, refused.body["policyName"]) == (429, "TEN_SECONDLY_ROLLING")
        assert "Retry-After" not in refused.headers
        clock.advance(10)
        assert (await send("GET", CONTACT)).status == 200
        assert (await send("GET", CONTACT)).body["policyName"] == "DAILY"


async def test_a_migrating_account_answers_477() -> None:
    clock = ManualClock()
    async with driving(Fake(migrating_for_s=30, clock=clock), Authorization=AUTH) as send:
        refused = await send("GET", CONTACT)
        assert (refused.status, refused.headers["Retry-After"]) == (477, "30")
        clock.advance(30)
        assert (await send("GET", CONTACT)).status == 200
