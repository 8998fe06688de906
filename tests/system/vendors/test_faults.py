"""Vendors that lose replies and requests, and whose reads lag: what a row is told to be must be true of the store."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

import rowpatch
from tests.system.vendors import airtable, hubspot, jira, jsonapi, keycloak, kinto, kubernetes, stripe, zendesk
from tests.system.vendors.base import FakeVendor
from tests.system.vendors.test_rows import told, value_in

ROWS = 24


@dataclass(frozen=True)
class Case:
    """A vendor, and one field that every row sets.

    Attributes:
        make: the server, with faults. `key`: of record n.
        column: header of the field. `place`: where the store holds it.
    """

    api: str
    type: str
    make: Callable[..., FakeVendor]
    key: Callable[[int], str]
    header: str
    column: str
    place: str
    secrets: Mapping[str, str]
    variables: Mapping[str, str] = field(default_factory=dict)
    path: str = ""


FAULTS = {"lose_reply_every": 5, "lose_before_every": 7, "lag_s": 0.4}

CASES = [
    Case(
        "zendesk", "tickets", lambda **how: zendesk.Fake(zendesk.some(ROWS), **how), str, "id", "subject", "subject",
        {"username": f"{zendesk.EMAIL}/token", "password": zendesk.API_TOKEN}, {"subdomain": "x"}, "/api/v2",
    ),
    Case(
        "jira", "issues", lambda **how: jira.Fake(jira.some(ROWS), **how), lambda n: f"SHOP-{n}", "key", "summary",
        "fields.summary", {"username": jira.EMAIL, "password": jira.API_TOKEN}, {"site": "x"}, "/rest/api/3",
    ),
    Case(
        "hubspot", "contacts", lambda **how: hubspot.Fake(hubspot.some(ROWS), **how), lambda n: str(500 + n), "id",
        "firstname", "firstname", {"token": hubspot.TOKEN}, {}, "/crm/objects/2026-03",
    ),
    Case(
        "stripe", "customers", lambda **how: stripe.Fake(stripe.some(ROWS), **how), lambda n: f"cus_{n}", "id",
        "metadata.batch", "metadata.batch", {"token": stripe.KEY}, {}, "/v1",
    ),
    Case(
        "airtable", "records", lambda **how: airtable.Fake(airtable.some(ROWS), per_base=(100, 1.0), **how),
        airtable.record_id, "id", "Name", "Name", {"token": airtable.TOKEN},
        {"base": airtable.BASE, "table": airtable.TABLE}, "/v0",
    ),
    Case(
        "kubernetes", "custom_resources_json_patch", lambda **how: kubernetes.Fake(kubernetes.some(ROWS), **how),
        lambda n: f"widget-{n}", "name", "metadata.labels.tier", "metadata.labels.tier",
        {"token": kubernetes.TOKEN},
        {"group": kubernetes.GROUP, "version": "v1", "namespace": kubernetes.NAMESPACE, "plural": "widgets"},
    ),
    Case(
        "kinto", "records", lambda **how: kinto.Fake(kinto.some(ROWS), **how), lambda n: f"thing-{n}", "id", "title",
        "title", {"username": kinto.USER, "password": kinto.PASSWORD}, {"bucket": "shop", "collection": "things"},
    ),
    Case(
        "jsonapi", "records", lambda **how: jsonapi.Fake(jsonapi.some(ROWS), reply="no_content", **how), str, "id",
        "title", "attributes.title", {"token": jsonapi.TOKEN}, {"collection": "articles"},
    ),
    Case(
        "keycloak", "users", lambda **how: keycloak.Fake(keycloak.some(ROWS), **how), keycloak.user_id, "id",
        "firstName", "firstName", {"client_id": keycloak.CLIENT_ID, "client_secret": keycloak.CLIENT_SECRET},
        {"realm": keycloak.REALM},
    ),
]  # fmt: skip


def settings(case: Case, url: str, folder: Path) -> rowpatch.Settings:
    sheet = folder / "sheet.csv"
    rows = "".join(f"{case.key(n)},small{n}\n" for n in range(1, ROWS + 1))
    sheet.write_text(f"{case.header},{case.column}\n{rows}", encoding="utf-8")
    variables = {**case.variables} if case.path else {**case.variables, "server": url}
    target = rowpatch.Target(
        url=url + case.path if case.path else "", type=case.type, api=case.api, variables=variables
    )
    return rowpatch.Settings(target=target, input=rowpatch.Input(source=str(sheet), format="csv"))


def holds(record: Any, place: str) -> Any:
    try:
        return value_in(record, place)
    except AttributeError:
        return None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.api)
async def test_what_is_told_of_a_row_is_true(case: Case, tmp_path: Path) -> None:
    fake = case.make(**FAULTS)
    secrets = rowpatch.Secrets(**{name: SecretStr(value) for name, value in case.secrets.items()})
    async with fake.serving() as url:
        how = settings(case, url, tmp_path)
        run = rowpatch.apply(how, secrets, state_directory=tmp_path / "state", directory=tmp_path / "run")
        async with run as prepared:
            end = await prepared.execute()
    assert end.state == "finished", end
    rows = told(tmp_path / "run")
    assert len(rows) == ROWS
    written = {
        key: {holds(write.after, case.place) for write in fake.history if write.key == key} for key in fake.records
    }
    for n, row in enumerate(rows, 1):
        wanted, key = f"small{n}", case.key(n)
        is_there = wanted in written.get(key, ()) or holds(fake.records[key], case.place) == wanted
        said = (row["__status"], row["__reason"], row["__message"])
        assert row["__status"] in {"applied", "unknown"}, said
        assert is_there or row["__status"] == "unknown", said
    assert sum(row["__status"] == "applied" for row in rows) >= ROWS - 1
