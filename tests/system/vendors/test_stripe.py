"""The fake Stripe does what Stripe's documents say."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.system.vendors.base import ManualClock
from tests.system.vendors.client import Client, driving
from tests.system.vendors.stripe import KEY, Fake

CUSTOMER, INTENT = "/v1/customers/cus_1", "/v1/payment_intents/pi_1"


@asynccontextmanager
async def stripe(fake: Fake, **headers: str) -> AsyncIterator[Client]:
    form: dict[str, Any] = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/x-www-form-urlencoded"}
    async with driving(fake, **{**form, **headers}) as send:
        yield send


async def test_keys_of_metadata_merge_and_an_empty_value_removes_its_key() -> None:
    fake = Fake()
    async with stripe(fake) as send:
        got = await send("POST", CUSTOMER, "name=Eva+B&metadata[plan]=gold&address[city]=Bonn&email=")
        assert got.status == 200
        assert (got.body["name"], got.body["email"], got.body["address"]["city"]) == ("Eva B", None, "Bonn")
        assert got.body["metadata"] == {"old": "kept", "plan": "gold"}
        assert (await send("POST", CUSTOMER, "metadata%5Bold%5D=")).body["metadata"] == {"plan": "gold"}
        assert (await send("POST", CUSTOMER, "metadata=")).body["metadata"] == {}
        assert (await send("GET", CUSTOMER)).body["name"] == "Eva B"
    assert [write.key for write in fake.history] == ["cus_1"] * 3


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ("nonsense=1", "nonsense", "parameter_unknown"),
        ("email=x", "email", "email_invalid"),
        ("balance=1.5", "balance", "parameter_invalid_integer"),
        ("address[planet]=Mars", "address[planet]", "parameter_unknown"),
        ("metadata[" + "k" * 41 + "]=1", "metadata[" + "k" * 41 + "]", None),
        ("metadata[k]=" + "v" * 501, "metadata[k]", None),
        ("&".join(f"metadata[k{n}]=1" for n in range(50)), "metadata", None),
        ("metadata=x", "metadata", None),
    ],
)
async def test_what_is_wrong_is_refused(body: str, param: str, code: str | None) -> None:
    fake = Fake()
    async with stripe(fake) as send:
        got = await send("POST", CUSTOMER, body)
    assert (got.status, got.body["error"]["type"], fake.history) == (400, "invalid_request_error", [])
    assert (got.body["error"]["param"], got.body["error"].get("code")) == (param, code)


async def test_credentials_places_forms_and_states_are_looked_at() -> None:
    async with stripe(Fake()) as send:
        assert (await send("GET", CUSTOMER, Authorization="Bearer no")).status == 401
        assert (await send("GET", "/v1/customers/pi_1")).body["error"]["code"] == "resource_missing"
        assert (await send("POST", CUSTOMER, '{"name": 1}', Content_Type="application/json")).status == 400
        got = await send("POST", "/v1/payment_intents/pi_2", "amount=5")
        assert got.body["error"]["code"] == "payment_intent_unexpected_state"


async def test_a_key_replays_the_first_answer_and_refuses_other_parameters() -> None:
    clock = ManualClock()
    fake = Fake(clock=clock)
    async with stripe(fake) as send:
        first = await send("POST", CUSTOMER, "name=A", Idempotency_Key="k1")
        again = await send("POST", CUSTOMER, "name=A", Idempotency_Key="k1")
        assert (again.text, again.headers["Idempotent-Replayed"]) == (first.text, "true")
        assert again.headers["Original-Request"] == first.headers["Request-Id"]
        other = await send("POST", CUSTOMER, "name=B", Idempotency_Key="k1")
        assert (other.status, other.body["error"]["type"]) == (400, "idempotency_error")
        wrong = await send("POST", CUSTOMER, "email=x", Idempotency_Key="k2")
        assert wrong.status == 400
        assert (await send("POST", CUSTOMER, "email=a@b.cc", Idempotency_Key="k2")).status == 200
        clock.advance(86_400)
        assert (await send("POST", CUSTOMER, "name=B", Idempotency_Key="k1")).status == 200
    assert len(fake.history) == 3


async def test_a_500_is_replayed_too() -> None:
    fake = Fake(fail_every=2, fail_applies=False)
    async with stripe(fake) as send:
        assert (await send("POST", CUSTOMER, "name=A")).status == 200
        for _ in range(2):
            failed = await send("POST", CUSTOMER, "name=B", Idempotency_Key="k")
            assert (failed.status, failed.body["error"]["type"]) == (500, "api_error")
        assert (await send("POST", CUSTOMER, "name=B", Idempotency_Key="new")).status == 200
    assert [write.after["name"] for write in fake.history] == ["A", "B"]


async def test_four_kinds_of_429_are_told_apart() -> None:
    clock = ManualClock()
    fake = Fake(everything=(6, 1.0), endpoint=(3, 1.0), intent=(1, 3600.0), lock_every=2, clock=clock)
    async with stripe(fake) as send:
        assert (await send("POST", INTENT, "description=x")).status == 200
        limited = await send("POST", INTENT, "description=y")
        assert limited.headers["Stripe-Rate-Limited-Reason"] == "resource-specific"
        locked = await send("POST", "/v1/payment_intents/pi_3", "description=y")
        assert (locked.status, locked.body["error"]["code"]) == (429, "lock_timeout")
        assert "Stripe-Rate-Limited-Reason" not in locked.headers
        limited = await send("POST", "/v1/payment_intents/pi_3", "description=y")
        assert limited.headers["Stripe-Rate-Limited-Reason"] == "endpoint-rate"
        assert (limited.status, limited.body["error"]["code"]) == (429, "rate_limit")
        for _ in range(3):
            assert (await send("GET", CUSTOMER)).status == 200
        limited = await send("GET", INTENT)
        assert limited.headers["Stripe-Rate-Limited-Reason"] == "global-rate"
        clock.advance(1)
        assert (await send("GET", INTENT)).status == 200
