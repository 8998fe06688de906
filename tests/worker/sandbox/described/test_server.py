"""The sandbox of a described API on a socket: what it announces is what opens it."""

import json

import aiohttp
import pytest

from jobs.apis import catalogue
from worker.sandbox import SandboxSettings
from worker.sandbox.described import DescribedSandbox, serve_described
from worker.sandbox.described.places import base_path, told_variables, values_of

ORIGIN = "http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("name", "path", "variables"),
    [
        ("github", "", {"owner": "demo-owner", "repo": "demo-repo"}),
        ("zendesk", "/api/v2", {}),
        ("kinto", "/v1", {"bucket": "demo-bucket", "collection": "demo-collection"}),
        ("keycloak", "/admin/realms/demo-realm", {"server": ORIGIN, "realm": "demo-realm"}),
        ("salesforce", "/services/data/v67.0", {"domain": "demo-domain", "object": "demo-object"}),
        ("hubspot", "/crm/objects/2026-03", {}),
    ],
)
def test_the_address_and_the_variables_are_those_of_the_description(
    name: str, path: str, variables: dict[str, str]
) -> None:
    api = catalogue.description(name)
    values = values_of(api, api.variables, ORIGIN)
    assert base_path(api, values) == path
    assert told_variables(api, values) == variables


def test_values_that_are_given_go_before_those_made_up() -> None:
    api = catalogue.description("github")
    values = values_of(api, {"owner": "octo"}, ORIGIN)
    assert told_variables(api, values) == {"owner": "octo", "repo": "demo-repo"}


@pytest.mark.parametrize("name", [name for name in catalogue.names() if not catalogue.description(name).code])
async def test_what_is_announced_opens_the_first_record(name: str) -> None:
    settings = SandboxSettings(seed=tuple(f"{each}=2" for each in catalogue.description(name).resources))
    async with serve_described(catalogue.description(name), settings) as server, aiohttp.ClientSession() as session:
        told = json.loads(json.dumps(server.announcement()))
        assert set(told["examples"]) == set(catalogue.description(name).resources)
        trial = server.trial(name)
        assert f"export ROWPATCH_API={name}\nexport ROWPATCH_URL={told['url']}\n" in trial
        assert all(f"ROWPATCH_{key.upper()}=" in trial for key in server.credentials)
        await look_behind(server, session)


async def look_behind(server: DescribedSandbox, session: aiohttp.ClientSession) -> None:
    origin = "/".join(server.url.split("/")[:3])
    async with session.get(f"{origin}/_sandbox/resources") as reply:
        shown = (await reply.json())["resources"]
    assert {each["type"] for each in shown}
    async with session.get(f"{origin}/_sandbox/ledger") as reply:
        assert (await reply.json())["entries"] == []
    async with session.get(f"{origin}/nowhere") as reply:
        assert reply.status in {400, 401, 404}
    assert len(server.ledger) == 1
