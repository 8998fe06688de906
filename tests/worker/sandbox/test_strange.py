"""The strange habits of the sandbox, at times of the test's choosing, and by the flags of the command line."""

import json
from contextlib import closing
from dataclasses import fields
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from multidict import CIMultiDict

from tests.system.e2e.program import sandbox
from worker.sandbox import Entry, Oddity, SandboxSettings, Strange, canonical_text, seeded_id, serve
from worker.sandbox.api import Answer, Api, Call
from worker.sandbox.seeding import seeded
from worker.sandbox.state import State

MEDIA = "application/vnd.api+json"
TYPE = "orders"
ONE = seeded_id(TYPE, 0)


def api(settings: dict[str, Any] | None = None, **strange: Any) -> Api:
    made = Api(SandboxSettings(seed=(f"{TYPE}=30",), **(settings or {}), strange=Strange(**strange)), "http://x", 0.0)
    for resource in seeded(made.settings.seed, made.settings.random_seed, 0.0):
        made.store.put(resource)
    made.tokens.current(0.0)
    return made


def ask(made: Api, now: float, method: str, target: str, body: bytes = b"", *, token: str = "") -> tuple[Answer, Entry]:
    headers = {"Authorization": f"Bearer {token or made.tokens._token}", "Accept": MEDIA, "Content-Type": MEDIA}
    return made.answer(Call(method, target, CIMultiDict(headers), body, now))


def update(made: Api, now: float, key: str = ONE, **attributes: Any) -> tuple[Answer, Entry]:
    body = json.dumps({"data": {"type": TYPE, "id": key, "attributes": attributes}})
    return ask(made, now, "PATCH", f"/api/{TYPE}/{key}", body.encode())


def read(made: Api, now: float, target: str = f"/{ONE}") -> Any:
    return json.loads(ask(made, now, "GET", f"/api/{TYPE}{target}")[0].reply.body)


def reference(made: Api, now: float) -> Any:
    return read(made, now)["data"]["attributes"]["reference"]


def test_an_ordinary_sandbox_applies_at_once() -> None:
    made = api()
    answer, entry = update(made, 7.0, reference="new")
    assert (entry.applied, entry.lands_at, entry.fault) == (True, 7.0, "")
    assert reference(made, 7.0) == "new"
    assert "links" not in read(made, 7.0, "?page[size]=25")["data"][0]["attributes"]
    assert answer.reply.status == 200


def test_a_change_lands_late_in_its_order_and_is_echoed_at_once() -> None:
    made = api(lands_late=5.0)
    first, later = update(made, 0.0, reference="first"), update(made, 0.1, _capture=True, reference="later")
    assert json.loads(first[0].reply.body)["data"]["attributes"]["reference"] == "first"
    assert json.loads(later[0].reply.body)["data"]["attributes"]["reference"] == "later"
    assert 0.0 < first[1].lands_at <= later[1].lands_at
    assert first[1].applied
    assert later[1].applied
    assert reference(made, first[1].lands_at / 2) is None
    assert reference(made, 6.0) == "later"
    assert made.store.by_type[TYPE][ONE].triggers == {"_capture": 1}
    assert made.landings.last == 0.0


def test_reads_lag_behind_and_catch_up() -> None:
    made = api(reads_lag=2.0)
    update(made, 1.0, reference="new")
    assert {reference(made, 1.5) for _ in range(50)} == {None, "new"}
    assert {reference(made, 3.1) for _ in range(50)} == {"new"}


def test_a_list_omits_what_has_changed_of_late_and_a_single_read_does_not() -> None:
    made, target = api(index_lag=3.0), f"?filter[q][id_in]={ONE}"
    update(made, 1.0, reference="new")
    assert {len(read(made, 2.0, target)["data"]) for _ in range(50)} == {0, 1}
    assert {len(read(made, 4.1, target)["data"]) for _ in range(50)} == {1}
    assert reference(made, 2.0) == "new"


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("  blank ", "blank"),
        ("cafe\u0301", "caf\u00e9"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("Zoe@Example.COM", "zoe@example.com"),
        ("Mail Zoe@Example.COM", "Mail Zoe@Example.COM"),
        ("As It Is", "As It Is"),
    ],
)
def test_texts_are_stored_and_echoed_in_a_form_of_the_servers_own(sent: str, stored: str) -> None:
    made = api(canonical=True)
    answer, _ = update(made, 0.0, reference=sent, metadata={"a": sent, "deep": {"b": sent}, "n": 1})
    shown = json.loads(answer.reply.body)["data"]["attributes"]
    assert (shown["reference"], shown["metadata"]) == (stored, {"a": stored, "deep": {"b": stored}, "n": 1})
    assert reference(made, 0.0) == stored == canonical_text(sent)


def test_a_page_is_capped_and_its_links_lead_through_all_of_them() -> None:
    made = api(page_cap=10)
    ids = [seeded_id(TYPE, index) for index in range(25)]
    target, seen = f"/api/{TYPE}?filter[q][id_in]={','.join(ids)}&page[size]=25&page[number]=1", list[str]()
    pages = 0
    while target:
        page = json.loads(ask(made, 0.0, "GET", target)[0].reply.body)
        seen += [each["id"] for each in page["data"]]
        assert page["meta"] == {"record_count": 25, "page_count": 3}
        target, pages = page.get("links", {}).get("next", "").removeprefix("http://x"), pages + 1
    assert (seen, pages) == (ids, 3)


def test_filters_are_ignored() -> None:
    page = read(api(ignores_filters=True), 0.0, f"?filter[q][id_in]={ONE}&page[size]=25")
    assert len(page["data"]) == 25
    assert page["meta"] == {"record_count": 30, "page_count": 2}


STATUSES = {"200-bare": 200, "200-errors": 200, "207-errors": 207, "204": 204, "202-job": 202, "202-empty": 202,
            "202-old": 202, "408-after": 408, "503-busy-after": 503, "504-after": 504, "524-after": 524}  # fmt: skip


def test_odd_replies_are_in_the_ledger_with_what_was_applied() -> None:
    made = api(odd_replies=1.0, canonical=True)
    for number in range(200):
        answer, entry = update(made, float(number), reference=f"new-{number}")
        assert entry.status == STATUSES[entry.fault]
        assert entry.applied is Oddity(entry.fault).applies is (reference(made, number) == f"new-{number}")
        document = json.loads(answer.reply.body) if answer.reply.body else {}
        match entry.fault:
            case "202-job":
                assert document["data"]["type"] == "queue_jobs"
            case "202-old":
                assert document["data"]["attributes"]["reference"] != f"new-{number}"
            case "200-bare":
                assert document == {"data": {"type": TYPE, "id": ONE}}
            case "200-errors" | "207-errors":
                assert document["data"]["attributes"]["reference"] == f"new-{number}"
                assert document["errors"]
            case _:
                assert document == {}
    assert {entry.fault for entry in made.ledger.entries if entry.method == "PATCH"} == set(Oddity) == set(STATUSES)


def test_what_the_api_refuses_is_not_answered_oddly() -> None:
    made = api(odd_replies=1.0)
    assert update(made, 0.0, nonsense=1)[0].reply.status == 400


def test_pauses_refuse_on_any_status_in_every_form() -> None:
    made = api(pauses=1.0)
    seen = [update(made, 1000.0, reference="new") for _ in range(300)]
    assert not any(entry.applied for _, entry in seen)
    assert {entry.status for _, entry in seen} == {400 + 3, 409, 420, 423, 429, 430, 500, 503}
    told = {answer.reply.headers.get("Retry-After") for answer, _ in seen}
    assert told == {None, "1", "1001", "1001000"}
    assert all(entry.fault == f"{entry.status}-pause" for _, entry in seen)
    bodies = [answer.reply.body for answer, _ in seen if "Retry-After" not in answer.reply.headers]
    assert {b"rateLimitExceeded" in body for body in bodies} == {True, False}


@pytest.mark.parametrize("settings", [{}, {"limit": (1000, 60.0)}])
def test_an_untold_limit_is_kept_and_not_told(settings: dict[str, Any]) -> None:
    made = api(settings, untold_limit=(2, 10.0))
    seen = [update(made, now, reference="new") for now in (0.0, 0.0, 1.0, 10.0)]
    assert [entry.status for _, entry in seen] == [200, 200, 429, 200]
    assert {answer.reply.headers.get("X-Ratelimit-Limit") for answer, _ in seen} == {"1000" if settings else None}


def test_a_limit_is_told_in_a_body() -> None:
    made = api({"limit": (4, 60.0)}, limits_in_body=True)
    seen = [update(made, 0.0, reference="new")[0].reply for _ in range(2)]
    assert [reply.status for reply in seen] == [200, 403]


def test_a_token_ends_before_its_time_and_a_new_one_is_refused_for_a_moment() -> None:
    made = api(token_life=60.0, token_settles=2.0, bearer_errors=True)
    old = made.tokens.current(0.0)
    target = f"/api/{TYPE}/{ONE}"
    assert ask(made, 59.0, "GET", target, token=old)[0].reply.status == 200
    bodies = {ask(made, 61.0, "GET", target, token=old)[0].reply.body for _ in range(30)}
    assert len(bodies) == 3
    refused = ask(made, 61.0, "GET", target, token=old)[0].reply
    assert refused.status == 401
    assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]
    new = made.tokens.current(61.0)
    assert [ask(made, now, "GET", target, token=new)[0].reply.status for now in (61.0, 62.9, 63.0)] == [401, 401, 200]
    assert made.tokens._granted(61.0)["expires_in"] == 7200


def test_the_same_seed_is_strange_in_the_same_way() -> None:
    def story() -> list[tuple[int, str, float]]:
        made = api(odd_replies=0.4, pauses=0.2, lands_late=3.0, reads_lag=1.0)
        entries = [update(made, float(number), reference=f"{number}")[1] for number in range(60)]
        return [(entry.status, entry.fault, entry.lands_at) for entry in entries]

    assert story() == story()
    assert len({fault for _, fault, _ in story()}) > 10


async def test_what_lands_after_the_end_is_in_the_state_file(tmp_path: Path) -> None:
    settings = SandboxSettings(seed=(f"{TYPE}=1",), state=tmp_path / "state", strange=Strange(lands_late=600.0))
    body = json.dumps({"data": {"type": TYPE, "id": ONE, "attributes": {"reference": "late"}}})
    async with serve(settings) as there, aiohttp.ClientSession() as session:
        headers = {"Authorization": f"Bearer {there.token}", "Content-Type": MEDIA}
        async with session.patch(f"{there.url}/api/{TYPE}/{ONE}", data=body, headers=headers) as reply:
            assert reply.status == 200
        assert there.resources[TYPE][ONE].attributes["reference"] is None
    with closing(State(tmp_path / "state")) as kept:
        assert {each.id: each.attributes.get("reference") for each in kept.resources()}[ONE] == "late"
        assert [entry.applied for entry in kept.entries()] == [True]


def test_a_reply_is_dated_by_the_clock_that_its_moments_are_told_by() -> None:
    made = Api(SandboxSettings(strange=Strange(pauses=1.0)), "http://x", 1_750_000_000.0)
    made.tokens.current(0.0)
    seen = [ask(made, 5.0, "GET", f"/api/{TYPE}")[0].reply.headers for _ in range(40)]
    assert {headers["Date"] for headers in seen} == {"Sun, 15 Jun 2025 15:06:45 GMT"}
    assert "1750000006" in {headers.get("Retry-After") for headers in seen}


def test_every_habit_has_a_flag() -> None:
    flags = [
        "--lands-late", "1ms", "--reads-lag", "1ms", "--index-lag", "1ms", "--canonical", "--page-cap", "10",
        "--ignores-filters", "--odd-replies", "1", "--pauses", "0.5", "--untold-limit", "500/2s", "--limits-in-body",
        "--token-life", "60s", "--token-settles", "1ms", "--bearer-errors",
    ]  # fmt: skip
    assert {f"--{each.name.replace('_', '-')}" for each in fields(Strange)} <= {*flags}
    with sandbox("--seed", f"{TYPE}=1", *flags) as server:
        assert server.ledger() == []
