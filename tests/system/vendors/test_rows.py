"""Sheets against fake vendors, each by the description that comes along: neither knows the other."""

import csv
import io
import json
import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

import rowpatch
from jobs.model import Status
from tests.system.vendors import (
    airtable,
    github,
    hubspot,
    jira,
    jsonapi,
    keycloak,
    kinto,
    kubernetes,
    salesforce,
    stripe,
    zendesk,
)
from tests.system.vendors.base import FakeVendor


@dataclass
class Story:
    """A sheet for one API.

    Attributes:
        fake: the vendor's server.
        type: of the records. `variables`: of the description, besides the address.
        secrets: that its scheme takes, by name.
        path: of the base URL behind the server's address; None where the server is a variable.
        sheet: as CSV.
        before, after: what the vendor's store holds of some records, by key and name.
    """

    api: str
    fake: FakeVendor
    type: str
    sheet: str
    secrets: Mapping[str, str]
    after: Mapping[str, Mapping[str, Any]]
    variables: Mapping[str, str] = field(default_factory=dict)
    path: str | None = ""
    statuses: Mapping[str, int] = field(default_factory=dict)


def stories() -> list[Story]:
    return [
        Story(
            "github", github.Fake(github.some(6)), "issues",
            "number,title,labels.add,labels.remove,milestone\n1,New one,ui,bug,\n2,,,,2\n3,Issue 3,,,\n",
            {"token": github.TOKEN},
            {"acme/shop/1": {"title": "New one", "labels": ["ui"]}, "acme/shop/2": {"milestone": 2}},
            {"owner": "acme", "repo": "shop"}, statuses={"applied": 2, "unchanged": 1},
        ),
        Story(
            "zendesk", zendesk.Fake(zendesk.some(6)), "tickets",
            "id,priority,tags.add,custom_fields.101\n1,high,vip,x\n2,normal,,text\n99,low,,\n",
            {"username": f"{zendesk.EMAIL}/token", "password": zendesk.API_TOKEN},
            {"1": {"priority": "high", "tags": ["old", "vip"]}}, {"subdomain": "x"}, "/api/v2",
            statuses={"applied": 1, "unchanged": 1, "rejected": 1},
        ),
        Story(
            "jira", jira.Fake(jira.some(6)), "issues",
            "key,summary,labels.add,priority\nSHOP-1,New one,ui,High\nSHOP-2,Issue 2,,\n",
            {"username": jira.EMAIL, "password": jira.API_TOKEN},
            {"SHOP-1": {"fields.summary": "New one", "fields.labels": ["old", "ui"]}},
            {"site": "x"}, "/rest/api/3", statuses={"applied": 1, "unchanged": 1},
        ),
        Story(
            "hubspot", hubspot.Fake(hubspot.some(6)), "contacts",
            "id,firstname,plan,customer_number\n501,Zoë,paid,007\n502,First2,free,\n503,<clear>,,\n",
            {"token": hubspot.TOKEN},
            {"501": {"firstname": "Zoë", "customer_number": "007"}, "503": {"firstname": None}},
            {}, "/crm/objects/2026-03", statuses={"applied": 2, "unchanged": 1},
        ),
        Story(
            "stripe", stripe.Fake(stripe.some(6)), "customers",
            "id,metadata.batch,metadata.old,name\ncus_1,007,,\ncus_2,,<clear>,\ncus_3,,kept,Name 3\n",
            {"token": stripe.KEY},
            {"cus_1": {"metadata": {"old": "kept", "batch": "007"}}, "cus_2": {"metadata": {}}},
            {}, "/v1", statuses={"applied": 2, "unchanged": 1},
        ),
        Story(
            "airtable", airtable.Fake(airtable.some(6), per_base=(1000, 1.0)), "records",
            f"id,Name,Amount:int\n{airtable.record_id(1)},Thing 1,9\n{airtable.record_id(2)},Thing 2,2\n"
            f"{airtable.record_id(3)},<clear>,\n",
            {"token": airtable.TOKEN},
            {airtable.record_id(1): {"Amount": 9, "Name": "Thing 1"}},
            {"base": airtable.BASE, "table": airtable.TABLE}, "/v0", statuses={"applied": 2, "unchanged": 1},
        ),
        Story(
            "salesforce", salesforce.Fake(salesforce.some(6)), "sobjects",
            f"Id,Rating,Name\n{salesforce.account_id(1)},Hot,\n{salesforce.account_id(2)},Warm,Account 2\n",
            {"client_id": salesforce.CLIENT_ID, "client_secret": salesforce.CLIENT_SECRET},
            {salesforce.account_id(1): {"Rating": "Hot", "Name": "Account 1"}},
            {"object": "Account", "domain": "x", "version": "v64.0"}, None,
            statuses={"applied": 1, "unchanged": 1},
        ),
        *(
            Story(
                "kubernetes", kubernetes.Fake(kubernetes.some(6)), type_,
                "name,spec.size,spec.replicas:int,metadata.labels.tier\nwidget-1,large,,silver\nwidget-2,small,2,\n"
                "widget-3,,,<clear>\n",
                {"token": kubernetes.TOKEN},
                {"widget-1": {"spec.size": "large", "metadata.labels": {"tier": "silver"}, "spec.replicas": 1}},
                {"group": kubernetes.GROUP, "version": "v1", "namespace": kubernetes.NAMESPACE, "plural": "widgets"},
                None, statuses={"applied": 2, "unchanged": 1},
            )
            for type_ in ("custom_resources", "custom_resources_json_patch")
        ),
        *(
            Story(
                "kinto", kinto.Fake(kinto.some(6)), type_,
                "id,title,stock.here:int,price:int\nthing-1,New,7,\nthing-2,Thing 2,2,2\nthing-3,<clear>,,\n",
                {"username": kinto.USER, "password": kinto.PASSWORD},
                {"thing-1": {"title": "New", "stock": {"here": 7, "there": 0}}},
                {"bucket": "shop", "collection": "things"}, None, statuses={"applied": 2, "unchanged": 1},
            )
            for type_ in ("records", "records_json_patch")
        ),
        Story(
            "jsonapi", jsonapi.Fake(jsonapi.some(6)), "records",
            "id,title,options.b:int\n1,New,2\n2,Article 2,\n",
            {"token": jsonapi.TOKEN},
            {"1": {"attributes.title": "New", "attributes.options": {"a": 1, "b": 2}}},
            {"collection": "articles"}, None, statuses={"applied": 1, "unchanged": 1},
        ),
        Story(
            "keycloak", keycloak.Fake(keycloak.some(6)), "users",
            f"id,firstName,attributes.department\n{keycloak.user_id(1)},Zoë,support\n{keycloak.user_id(2)},First2,sales\n",
            {"client_id": keycloak.CLIENT_ID, "client_secret": keycloak.CLIENT_SECRET},
            {
                keycloak.user_id(1): {
                    "firstName": "Zoë", "lastName": "Last1",
                    "attributes": {"department": ["support"], "phone": ["1", "2"]},
                }
            },
            {"realm": keycloak.REALM}, None, statuses={"applied": 1, "unchanged": 1},
        ),
        Story(
            "keycloak", keycloak.Fake(keycloak.some(6)), "users",
            "username,lastName,enabled\nuser1,Gogh,false\nuser2,Last2,true\nnobody,x,\n",
            {"client_id": keycloak.CLIENT_ID, "client_secret": keycloak.CLIENT_SECRET},
            {keycloak.user_id(1): {"firstName": "First1", "lastName": "Gogh", "enabled": False}},
            {"realm": keycloak.REALM}, None, statuses={"applied": 1, "unchanged": 1, "rejected": 1},
        ),
        Story(
            "zendesk", zendesk.Fake(zendesk.some(6)), "tickets",
            "id,tags.add,subject\n1,a,\n1,,twice\n1,b,\n",  # three rows of one record, in order
            {"username": f"{zendesk.EMAIL}/token", "password": zendesk.API_TOKEN},
            {"1": {"tags": ["a", "b", "old"], "subject": "twice"}}, {"subdomain": "x"}, "/api/v2",
            statuses={"applied": 3},
        ),
    ]  # fmt: skip


def settings(story: Story, url: str, folder: Path) -> rowpatch.Settings:
    sheet = folder / "sheet.csv"
    sheet.write_text(story.sheet, encoding="utf-8")
    target = rowpatch.Target(
        url=url + (story.path or ""), type=story.type, api=story.api, variables=dict(story.variables)
    )
    if story.path is None:
        server = {} if story.api == "salesforce" else {"server": url}
        target = rowpatch.Target(type=story.type, api=story.api, variables={**story.variables, **server})
    return rowpatch.Settings(target=target, input=rowpatch.Input(source=str(sheet), format="csv"))


def told(directory: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((directory / "results.csv").read_text(encoding="utf-8-sig"))))


def value_in(record: Any, name: str) -> Any:
    for step in name.split("."):
        record = record.get(step)
    return record


def lasting(record: Any) -> Any:
    """Return what an undo can restore: no times, no versions, and nothing that is as good as absent."""
    if not isinstance(record, dict):
        return record
    found = {name: lasting(value) for name, value in record.items() if not OWN.search(name)}
    return {name: value for name, value in found.items() if value not in (None, "", {})}


OWN = re.compile("updated|modified|resourceVersion|generation|managedFields", re.IGNORECASE)
"""Names of what a server sets by itself."""


@pytest.mark.parametrize("story", stories(), ids=lambda story: f"{story.api}-{story.type}")
async def test_a_sheet_is_applied_once_and_undone(story: Story, tmp_path: Path) -> None:
    secrets = rowpatch.Secrets(**{name: SecretStr(value) for name, value in story.secrets.items()})
    fake, state = story.fake, tmp_path / "state"
    of_token = {"auth_url"} if story.api == "salesforce" else set()
    original = {key: lasting(deepcopy(record)) for key, record in fake.records.items()}
    async with fake.serving() as url:
        secrets = secrets.model_copy(update=dict.fromkeys(of_token, url))
        how = settings(story, url, tmp_path)

        async def applied(name: str) -> rowpatch.RunEnd:
            async with rowpatch.apply(how, secrets, state_directory=state, directory=tmp_path / name) as run:
                return await run.execute()

        end = await applied("first")
        rows = told(tmp_path / "first")
        said = [(row["__status"], row["__reason"], row["__message"]) for row in rows]
        assert end.summary is not None, end
        assert {status.value: n for status, n in end.summary.counts.items() if n} == story.statuses, said
        for key, expected in story.after.items():
            record = fake.records[key]
            assert {name: value_in(record, name) for name in expected} == expected
        before = len(fake.history)
        again = await applied("second")
        assert again.summary is not None
        assert again.summary.counts.get(Status.APPLIED, 0) == 0, told(tmp_path / "second")
        assert len(fake.history) == before
        verified = await rowpatch.verify(tmp_path / "first", secrets, state_directory=state)
        assert set(verified.counts) == {"holds"}
        back = tmp_path / "undo"
        async with rowpatch.undo(tmp_path / "first", secrets, state_directory=state, directory=back) as run:
            undone = await run.execute()
        assert undone.exit_status == 0, told(back)
    assert {key: lasting(record) for key, record in fake.records.items()} == original


async def test_a_record_of_several_keys_and_a_set_are_told_in_the_words_of_the_sheet(tmp_path: Path) -> None:
    story = next(each for each in stories() if each.api == "github")
    secrets, state = rowpatch.Secrets(token=SecretStr(github.TOKEN)), tmp_path / "state"
    async with story.fake.serving() as url:
        how = settings(story, url, tmp_path)
        async with rowpatch.plan(how, secrets, state_directory=state, directory=tmp_path / "plan") as run:
            end = await run.execute()
        assert end.plan is not None
        assert set(end.plan.columns) == {"title", "labels.add", "labels.remove", "milestone"}
        async with rowpatch.apply(how, secrets, state_directory=state, directory=tmp_path / "run") as run:
            await run.execute()
    (first, *_) = map(json.loads, (tmp_path / "run" / "results.ndjson").read_text(encoding="utf-8").splitlines())
    assert (first["id"], first["key"]) == ("acme/shop/1", {"owner": "acme", "repo": "shop", "number": "1"})
    assert first["request_id"], "as GitHub calls it"
