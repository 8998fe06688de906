"""The fake Keycloak does what Keycloak's code says."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.system.vendors.base import ManualClock
from tests.system.vendors.client import Client, driving
from tests.system.vendors.keycloak import CLIENT_ID, CLIENT_SECRET, REALM, USERS, Fake, user_id

FORM = "application/x-www-form-urlencoded"
TOKENS = f"/realms/{REALM}/protocol/openid-connect/token"
GRANT = f"grant_type=client_credentials&client_id={CLIENT_ID}&client_secret={CLIENT_SECRET}"
USER = f"{USERS}/{user_id(1)}"


@asynccontextmanager
async def signed_in(fake: Fake) -> AsyncIterator[Client]:
    async with driving(fake) as send:
        got = await send("POST", TOKENS, GRANT, Content_Type=FORM)
        send.session.headers["Authorization"] = f"Bearer {got.body['access_token']}"
        yield send


async def test_the_whole_representation_can_be_read_changed_and_put_back() -> None:
    fake = Fake()
    async with signed_in(fake) as send:
        whole = (await send("GET", USER)).body
        whole["attributes"]["phone"] = ["3"]
        whole["firstName"] = "Eva"
        got = await send("PUT", USER, whole)
        assert (got.status, got.text) == (204, "")
        assert (await send("GET", USER)).body == whole
    assert fake.records[user_id(1)]["attributes"] == {"department": ["sales"], "phone": ["3"]}
    assert [write.key for write in fake.history] == [user_id(1)]


async def test_attributes_are_replaced_whole_and_missing_names_are_cleared() -> None:
    fake = Fake()
    async with signed_in(fake) as send:
        assert (await send("PUT", USER, {"attributes": {"phone": "9", "unmanaged": ["x"]}})).status == 204
        read = (await send("GET", USER)).body
    assert read["attributes"] == {"phone": ["9"]}
    assert not {"email", "firstName", "lastName"} & set(read)
    assert (read["username"], read["enabled"]) == ("user1", True)


@pytest.mark.parametrize(("clears", "email"), [("with_attributes", "user1@example.com"), ("always", None)])
async def test_without_attributes_names_stay_or_not(clears: Any, email: str | None) -> None:
    fake = Fake(clears=clears)
    async with signed_in(fake) as send:
        assert (await send("PUT", USER, {"firstName": "Eva"})).status == 204
    assert fake.records[user_id(1)]["email"] == email
    assert fake.records[user_id(1)]["attributes"]["phone"] == ["1", "2"]


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"attributes": {}}, 400, {"field": "email", "errorMessage": "error-user-attribute-required"}),
        ({"email": "no mail"}, 400, {"field": "email", "errorMessage": "error-invalid-email"}),
        ({"email": "USER2@example.com"}, 409, {"errorMessage": "User exists with same email"}),
        ({"username": "other"}, 400, {"field": "username", "errorMessage": "error-user-attribute-read-only"}),
    ],
)
async def test_what_is_wrong_is_refused(body: object, status: int, told: dict[str, str]) -> None:
    fake = Fake(required=["email"])
    async with signed_in(fake) as send:
        got = await send("PUT", USER, body)
    assert (got.status, fake.history) == (status, [])
    assert told.items() <= got.body.items()


async def test_several_errors_come_in_a_list_and_unknown_members_are_refused() -> None:
    async with signed_in(Fake(required=["email", "department"])) as send:
        assert len((await send("PUT", USER, {"attributes": {}})).body["errors"]) == 2
        assert (await send("PUT", USER, {"nonsense": 1})).status == 400
        assert (await send("PATCH", USER, {})).status == 405
        assert (await send("GET", f"{USERS}/none")).body == {"error": "User not found"}


async def test_users_are_found_by_mail() -> None:
    async with signed_in(Fake()) as send:
        got = await send("GET", f"{USERS}?email=user2@example.com&exact=true")
        assert [user["username"] for user in got.body] == ["user2"]
        assert len((await send("GET", f"{USERS}?first=3&max=10")).body) == 2


async def test_tokens_come_for_forms_only_and_end_soon() -> None:
    clock = ManualClock()
    async with signed_in(Fake(clock=clock, unmanaged="ENABLED")) as send:
        assert (await send("GET", USER)).status == 200
        clock.advance(60)
        assert (await send("GET", USER)).status == 401
        assert (await send("POST", TOKENS, {"grant_type": "client_credentials"})).status == 415
        assert (await send("POST", TOKENS, GRANT + "x", Content_Type=FORM)).body["error"] == "unauthorized_client"
