"""The sandbox without a socket: windows, tokens and seeds, at times of the test's choosing."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from worker.sandbox import Entry, SandboxSettings, SeedError, seeded_id
from worker.sandbox.api import Answer, Api, Call
from worker.sandbox.limits import Counter
from worker.sandbox.seeding import seeded

MEDIA = "application/vnd.api+json"


def api(**settings: Any) -> Api:
    made = Api(SandboxSettings(**settings), "http://sandbox", 0.0)
    for resource in seeded(made.settings.seed, made.settings.random_seed, 0.0):
        made.store.put(resource)
    return made


def send(made: Api, now: float, method: str = "GET", target: str = "/api/orders", token: str = "") -> Answer:
    headers = CIMultiDict({"Authorization": f"Bearer {token or made.tokens.current(now)}", "Accept": MEDIA})
    return made.answer(Call(method, target, headers, b"", now))[0]


def statuses(made: Api, times: list[float], **how: str) -> list[int]:
    return [send(made, now, **how).reply.status for now in times]


def test_the_burst_window_is_a_quarter_of_the_limit_in_a_sixth_of_the_interval() -> None:
    made = api(limit=(100, 60.0))
    assert statuses(made, [0.0] * 26) == [200] * 25 + [429]
    assert statuses(made, [9.999, 10.0]) == [429, 200]


def test_the_average_window_slides_and_is_never_reset() -> None:
    made = api(limit=(100, 60.0))
    spread = [number * 0.5 for number in range(100)]
    assert set(statuses(made, spread)) == {200}
    assert statuses(made, [59.9, 60.0, 60.1, 60.5]) == [429, 200, 429, 200]


@pytest.mark.parametrize(("penalty", "afterwards"), [(False, 200), (True, 429)])
def test_refused_requests_count_only_with_the_penalty(penalty: bool, afterwards: int) -> None:
    made = api(limit=(4, 60.0), penalty=penalty)
    assert statuses(made, [0.0, 9.0, 10.0]) == [200, 429, afterwards]


@given(st.lists(st.floats(0, 30), max_size=60))
def test_no_interval_ever_holds_more_than_the_limit(times: list[float]) -> None:
    counter = Counter.of(8, 6.0)
    admitted = [now for now in sorted(times) if counter.admit(now)]
    for limit, interval in ((8, 6.0), (2, 1.0)):
        assert all(late > early + interval - 1e-9 for early, late in zip(admitted, admitted[limit:], strict=False))


def test_methods_and_cacheable_reads_have_counters_of_their_own() -> None:
    made = api(limit=(4, 60.0))
    assert statuses(made, [0.0, 0.0]) == [200, 429]
    # another resource type spends from the same counter
    assert statuses(made, [0.0], target="/api/stripe_payments") == [429]
    # cacheable types may be read five times as often
    assert statuses(made, [0.0] * 6, target="/api/skus") == [200] * 5 + [429]
    assert statuses(made, [0.0, 0.0], method="PATCH", target="/api/skus/x") == [415, 429]


def test_rate_headers_tell_the_average_window_only() -> None:
    made = api(limit=(100, 60.0))
    headers = [send(made, 0.0).reply.headers for _ in range(2)]
    assert [header["X-Ratelimit-Remaining"] for header in headers] == ["99", "98"]
    assert headers[0]["X-Ratelimit-Limit"] == "100"
    assert headers[0]["X-Ratelimit-Interval"] == "60"


def test_the_429_is_as_odd_as_the_recorded_one() -> None:
    made = api(limit=(4, 60.0))
    send(made, 0.0)
    reply = send(made, 0.0).reply
    assert reply.content_type == "application/json"
    assert json.loads(reply.body) == {"errors": {"title": "Too Many Requests", "code": "THROTTLED", "status": 429}}
    assert reply.headers["Retry-After"] == "0"
    assert reply.headers["X-Ratelimit-Remaining"] == "0"
    assert reply.headers["X-Ratelimit-Limit"] == "4"


def test_an_unknown_server_enforces_without_telling() -> None:
    made = api(limit=(4, 60.0), headers=False)
    replies = [send(made, 0.0).reply for _ in range(2)]
    assert [reply.status for reply in replies] == [200, 429]
    assert not [name for reply in replies for name in reply.headers if name.startswith("X-Ratelimit")]


def test_without_a_limit_nothing_is_refused_and_nothing_told() -> None:
    made = api()
    assert set(statuses(made, [0.0] * 500)) == {200}
    assert "X-Ratelimit-Limit" not in send(made, 0.0).reply.headers


def test_a_request_without_a_valid_token_spends_no_quota() -> None:
    made = api(limit=(4, 60.0))
    assert statuses(made, [0.0] * 9, token="wrong") == [401] * 9
    assert send(made, 0.0).reply.headers["X-Ratelimit-Remaining"] == "3"


def test_the_token_endpoint_has_thirty_a_minute_and_no_burst_window() -> None:
    made = api(limit=(100, 60.0))
    how = {"method": "POST", "target": "/oauth/token"}
    assert statuses(made, [0.0] * 31, **how) == [400] * 30 + [429]
    assert statuses(made, [59.0, 60.0], **how) == [429, 400]
    assert statuses(made, [60.0], target="/oauth/token") == [405]


def grant(made: Api, now: float) -> dict[str, Any]:
    settings = made.settings
    form = f"grant_type=client_credentials&client_id={settings.client_id}&client_secret={settings.client_secret}"
    body: dict[str, Any] = json.loads(made.tokens.grant("application/x-www-form-urlencoded", form.encode(), now).body)
    return body


def test_the_token_is_shared_and_told_with_its_remaining_life() -> None:
    made = api(token_ttl=7200.0)
    first, late, next_one = grant(made, 0.0), grant(made, 4732.0), grant(made, 7200.0)
    assert (first["expires_in"], late["expires_in"], next_one["expires_in"]) == (7200, 2468, 7200)
    assert first["access_token"] == late["access_token"] != next_one["access_token"]
    assert statuses(made, [7200.0], token=first["access_token"]) == [401]


def test_the_wall_clock_of_replies_follows_the_loop() -> None:
    made = Api(SandboxSettings(), "http://sandbox", 1_000_000_000.0)
    assert grant(made, 5.0)["created_at"] == 1_000_000_005


def ledger(faults: float, random_seed: int) -> list[Entry]:
    made = api(seed=("stripe_payments=1",), faults=faults, random_seed=random_seed)
    target = f"/api/stripe_payments/{seeded_id('stripe_payments', 0, random_seed)}"
    for number in range(200):
        send(made, float(number), ("GET", "PATCH")[number % 2], target)
    return made.ledger.entries


def test_the_same_seed_gives_the_same_story_and_another_seed_another() -> None:
    assert ledger(0.3, 1) == ledger(0.3, 1)
    assert [entry.fault for entry in ledger(0.3, 1)] != [entry.fault for entry in ledger(0.3, 2)]


def test_reads_meet_only_faults_that_apply_nothing() -> None:
    reads = {entry.fault for entry in ledger(0.5, 3) if entry.method == "GET"}
    assert reads == {"", "500-before", "reset-before"}


def test_latency_has_the_recorded_median_and_tail_and_is_zero_when_off() -> None:
    luck = api(latency=0.024).luck
    totals = sorted((delay := luck.delay()).there + delay.back for _ in range(20_000))
    assert totals[10_000] == pytest.approx(0.024, rel=0.05)
    assert totals[19_000] == pytest.approx(0.076, rel=0.05)
    assert api().luck.delay().there == 0.0


def test_seeded_ids_are_ten_letters_and_a_function_of_type_index_and_seed() -> None:
    keys = {seeded_id(kind, index, seed) for kind in ("skus", "orders") for index in range(500) for seed in (0, 1)}
    assert len(keys) == 2000
    assert all(len(key) == 10 and key.isascii() and key.isalpha() for key in keys)
    assert seeded_id("skus", 7) == seeded_id("skus", 7)


FILES = [
    ("seed.json", '[{"type": "orders", "id": "AbCdEfGhIj", "attributes": {"reference": "R"}}]'),
    ("seed.json", '{"data": [{"type": "orders", "id": "AbCdEfGhIj", "attributes": {"reference": "R"}}]}'),
    ("seed.json", '{"type": "orders", "id": "AbCdEfGhIj", "attributes": {"reference": "R"}}'),
    ("seed.ndjson", '{"type": "orders", "id": "AbCdEfGhIj", "attributes": {"reference": "R"}}\n\n'),
]


@pytest.mark.parametrize(("name", "text"), FILES)
def test_a_seed_can_be_a_file_of_resource_objects(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    record = api(seed=(str(tmp_path / name),)).store.get("orders", "AbCdEfGhIj")
    assert record is not None
    assert (record.attributes["reference"], record.attributes["cart_url"]) == ("R", None)


def test_a_seed_file_keeps_links_and_puts_a_transaction_under_its_concrete_type(tmp_path: Path) -> None:
    link = {"type": "orders", "id": "Order12345"}
    entry = {"type": "transactions", "id": "Refund1234", "attributes": {"type": "refunds"}}
    payment = {"type": "stripe_payments", "id": "Stripe1234", "relationships": {"order": {"data": link}}}
    (tmp_path / "seed.jsonl").write_text(f"{json.dumps(entry)}\n{json.dumps(payment)}\n", encoding="utf-8")
    store = api(seed=(str(tmp_path / "seed.jsonl"),)).store
    assert store.by_type["refunds"]["Refund1234"].attributes.get("type") is None
    assert store.by_type["stripe_payments"]["Stripe1234"].relationships == {"order": link}


BAD_SEEDS = [
    ("stripe_payment=3", "did you mean stripe_payments"),
    ("xyzzy=3", "no such resource type"),
    ("orders=many", "whole number"),
    ("absent.json", "A seed is TYPE=COUNT"),
]


@pytest.mark.parametrize(("item", "told"), BAD_SEEDS)
def test_a_bad_seed_says_how_to_write_it(item: str, told: str) -> None:
    with pytest.raises(SeedError, match=told):
        api(seed=(item,))


BAD_FILES = [
    ('[{"type": "orders"}]', "record 1 is not a resource object"),
    ('[{"type": "transactions", "id": "x"}]', "abstract"),
]


@pytest.mark.parametrize(("text", "told"), BAD_FILES)
def test_a_bad_seed_file_names_the_record(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "seed.json").write_text(text, encoding="utf-8")
    with pytest.raises(SeedError, match=told):
        api(seed=(str(tmp_path / "seed.json"),))
