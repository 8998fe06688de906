"""The fake API server does what the documents of Kubernetes say."""

from typing import Any

import pytest

from tests.system.vendors.base import ManualClock
from tests.system.vendors.client import driving
from tests.system.vendors.kubernetes import READER, ROOT, TOKEN, Fake

AUTH = f"Bearer {TOKEN}"
WIDGET = f"{ROOT}/widget-1"
MERGE: dict[str, Any] = {"Authorization": AUTH, "Content_Type": "application/merge-patch+json"}
OPERATIONS: dict[str, Any] = {"Authorization": AUTH, "Content_Type": "application/json-patch+json"}


async def test_a_merge_patch_merges_deeply_and_null_removes() -> None:
    fake = Fake()
    async with driving(fake, **MERGE) as send:
        patch = {"spec": {"limits": {"cpu": "2"}, "tags": ["new"]}, "metadata": {"labels": {"tier": None}}}
        got = await send("PATCH", WIDGET, patch)
        assert got.status == 200
        assert got.body["spec"]["limits"] == {"cpu": "2", "memory": "1Gi"}
        assert (got.body["metadata"]["labels"], got.body["metadata"]["generation"]) == ({}, 2)
        again = await send("PATCH", WIDGET, patch)
        assert again.body["metadata"]["resourceVersion"] == got.body["metadata"]["resourceVersion"]
        assert (await send("GET", WIDGET)).body["spec"]["tags"] == ["new"]
    assert [write.key for write in fake.history] == ["widget-1"]


async def test_a_json_patch_is_all_or_nothing() -> None:
    fake = Fake()
    async with driving(fake, **OPERATIONS) as send:
        good = [
            {"op": "test", "path": "/spec/size", "value": "small"},
            {"op": "add", "path": "/spec/tags/-", "value": "x"},
        ]
        assert (await send("PATCH", WIDGET, good)).body["spec"]["tags"] == ["old", "x"]
        bad = [{"op": "replace", "path": "/spec/replicas", "value": 9}, {"op": "remove", "path": "/spec/none"}]
        got = await send("PATCH", WIDGET, bad)
        assert (got.status, got.body["reason"]) == (422, "Invalid")
    assert fake.records["widget-1"]["spec"]["replicas"] == 1


async def test_the_content_type_decides_and_strategic_merge_is_refused() -> None:
    async with driving(Fake(), Authorization=AUTH) as send:
        for kind in ("application/strategic-merge-patch+json", "application/json"):
            got = await send("PATCH", WIDGET, {}, Content_Type=kind)
            assert (got.status, got.body["kind"], got.body["reason"]) == (415, "Status", "UnsupportedMediaType")


async def test_an_old_version_is_a_conflict() -> None:
    async with driving(Fake(), **MERGE) as send:
        old = (await send("GET", WIDGET)).body["metadata"]["resourceVersion"]
        patch = {"metadata": {"resourceVersion": old}, "spec": {"replicas": 5}}
        assert (await send("PATCH", WIDGET, patch)).status == 200
        got = await send("PATCH", WIDGET, patch)
        assert (got.status, got.body["reason"]) == (409, "Conflict")


async def test_a_put_replaces_and_must_name_its_version() -> None:
    async with driving(Fake(), Authorization=AUTH) as send:
        whole = (await send("GET", WIDGET)).body
        whole["spec"] = {"size": "large"}
        assert (await send("PUT", WIDGET, whole)).body["spec"] == {"size": "large"}
        del whole["metadata"]["resourceVersion"]
        assert (await send("PUT", WIDGET, whole)).status == 422


@pytest.mark.parametrize(
    ("spec", "field"),
    [({"replicas": "5"}, "spec.replicas"), ({"size": "huge"}, "spec.size"), ({"size": None}, "spec.size")],
)
async def test_what_is_invalid_is_told_by_field(spec: object, field: str) -> None:
    fake = Fake()
    async with driving(fake, **MERGE) as send:
        got = await send("PATCH", WIDGET, {"spec": spec})
    assert (got.status, fake.history) == (422, [])
    assert [cause["field"] for cause in got.body["details"]["causes"]] == [field]


async def test_unknown_fields_are_pruned_and_status_is_ignored() -> None:
    fake = Fake()
    async with driving(fake, **MERGE) as send:
        got = await send("PATCH", WIDGET, {"spec": {"nonsense": 1}, "status": {"ready": False}})
        assert (got.status, "nonsense" in got.body["spec"], got.body["status"]) == (200, False, {"ready": True})
        assert got.headers["Warning"] == '299 - "unknown field \\"spec.nonsense\\""'
        strict = await send("PATCH", f"{WIDGET}?fieldValidation=Strict", {"spec": {"nonsense": 1}})
        assert (strict.status, "strict decoding error" in strict.body["message"]) == (400, True)
        dry = await send("PATCH", f"{WIDGET}?dryRun=All", {"spec": {"replicas": 7}})
        assert dry.body["spec"]["replicas"] == 7
        assert (await send("PATCH", WIDGET, {"metadata": {"labels": {"n": 1}}})).status == 400
    assert fake.history == []


async def test_credentials_places_and_load_are_looked_at() -> None:
    clock = ManualClock()
    async with driving(Fake(flow=(5, 1.0), clock=clock), Content_Type="application/merge-patch+json") as send:
        assert (await send("GET", WIDGET)).body["reason"] == "Unauthorized"
        assert (await send("PATCH", WIDGET, {}, Authorization=f"Bearer {READER}")).body["reason"] == "Forbidden"
        assert (await send("GET", f"{ROOT}/none", Authorization=AUTH)).body["reason"] == "NotFound"
        for path in (f"{ROOT}?limit=2", f"{ROOT}?labelSelector=tier=gold", WIDGET):
            assert (await send("GET", path, Authorization=AUTH)).status == 200
        refused = await send("GET", WIDGET, Authorization=AUTH)
        assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
        clock.advance(1)
        assert len((await send("GET", f"{ROOT}?limit=2&continue=4", Authorization=AUTH)).body["items"]) == 1
