"""Every scheme against a server that asks for it: on each request, in its header, and nowhere else to be seen."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest

from jobs.apis.auth import Auth
from jobs.apis.described.auth import auth_of
from jobs.apis.description.model import AuthDescription
from jobs.apis.meanings import Meaning
from jobs.model import Outcome, Reply, Request
from tests.system.e2e.scripted_server import Answer, Asked, Scripted, scripted_server
from tests.system.e2e.toy_api import Harbour
from worker.events import Event
from worker.operations import commands
from worker.operations.runs import Access, Host, first_token
from worker.settings import ConfigError, Input, Pacing, Secrets, Settings, Stopping, Target, read_secrets

BOATS = 12
JSON = {"Content-Type": "application/json"}
ENVIRONMENT = {
    "ROWPATCH_TOKEN": "t0k3n-s3cr3t",
    "ROWPATCH_USERNAME": "anna@harbour.example",
    "ROWPATCH_PASSWORD": "pä ss-s3cr3t",
    "ROWPATCH_API_KEY": "k3y-s3cr3t",
    "ROWPATCH_CLIENT_ID": "boat:man",
    "ROWPATCH_CLIENT_SECRET": "cli/ent+s3cr3t=",
}


@dataclass(frozen=True)
class Guarded(Harbour):
    """The harbour behind a gate: a 401 refuses the credential."""

    def meaning(self, request: Request, outcome: Outcome) -> Meaning:
        if isinstance(outcome, Reply) and outcome.status == 401:
            return Meaning.TOKEN_REFUSED
        return super().meaning(request, outcome)


@dataclass
class Gate:
    """Lets in who carries what it wants, and repeats what others carry.

    Attributes:
        header: that it looks at, in lower case. `wants`: its value.
        grant: what its token endpoint says beside the token; a token is good for `uses` requests.
    """

    header: str = "authorization"
    wants: str = ""
    grant: dict[str, Any] = field(default_factory=dict)
    uses: int = 10**9
    issued: int = 0
    used: int = 0
    boats: dict[str, dict[str, Any]] = field(default_factory=lambda: {f"b{n}": {"berth": 1} for n in range(BOATS)})

    def __call__(self, asked: Asked) -> Answer:
        if asked.method == "POST":
            self.issued, self.used = self.issued + 1, 0
            self.wants = f"Bearer issued-s3cr3t-{self.issued}"
            token = self.wants.removeprefix("Bearer ")
            return Answer(200, json.dumps({"access_token": token, **self.grant}).encode(), JSON)
        self.used += 1
        carried = asked.headers.get(self.header, "")
        if carried != self.wants or self.used > self.uses:
            return Answer(401, json.dumps({"message": f"not with {carried}"}).encode(), JSON)
        key = asked.path.removeprefix("/boats/")
        if asked.method == "PATCH":
            self.boats[key].update(json.loads(asked.body))
        return Answer(200, json.dumps({"key": key, **self.boats[key]}).encode(), JSON)

    @property
    def moved(self) -> int:
        return sum(boat["berth"] == 2 for boat in self.boats.values())


@dataclass
class Place:
    """A server, and the runs that go there."""

    folder: Path
    gate: Gate
    server: Scripted
    events: list[Event] = field(default_factory=list)

    def settings(self, url: str = "") -> Settings:
        sheet = self.folder / "sheet.csv"
        sheet.write_text("id,type,berth\n" + "".join(f"b{n},boats,2\n" for n in range(BOATS)))
        return Settings(
            target=Target(url=url or self.server.url),
            input=Input(source=str(sheet), format="csv"),
            pacing=Pacing(discover=False, concurrency=4),
            stopping=Stopping(canary=0),
        )

    def apply(self, auth: Auth, secrets: Secrets | None = None, name: str = "run") -> tuple[int, str]:
        """Exit status and last words of a run; one that can ask for a token has none at hand."""
        environment = {
            key: value for key, value in ENVIRONMENT.items() if not (auth.tokens and key == "ROWPATCH_TOKEN")
        }

        async def work() -> tuple[int, str]:
            run = commands.apply(
                self.settings(), secrets or read_secrets(environment, auth), directory=self.folder / name,
                state_directory=self.folder / "state", api=Guarded(auth=auth), observer=self.events.append,
            )  # fmt: skip
            async with run as prepared:
                end = await prepared.execute()
            return end.exit_status, end.message

        return anyio.run(work)

    def written(self) -> bytes:
        """All that is in the files of the run and beside it."""
        return b"".join(path.read_bytes() for path in self.folder.rglob("*") if path.is_file())


@contextmanager
def place(folder: Path, gate: Gate) -> Iterator[Place]:
    with scripted_server(gate) as server:
        yield Place(folder, gate, server)


def described(kind: str, **more: Any) -> Auth:
    return auth_of(AuthDescription(type=kind, **more), {})  # type: ignore[arg-type]


SCHEMES = [
    (described("bearer"), "authorization", "Bearer t0k3n-s3cr3t"),
    (described("basic"), "authorization", "Basic YW5uYUBoYXJib3VyLmV4YW1wbGU6cMOkIHNzLXMzY3IzdA=="),
    (described("api_key", header="X-Api-Key"), "x-api-key", "k3y-s3cr3t"),
    (described("api_key", prefix="GenieKey "), "authorization", "GenieKey k3y-s3cr3t"),
    (described("none"), "authorization", ""),
]
KINDS = ["bearer", "basic", "key in a header", "key with a prefix", "none"]


@pytest.mark.parametrize(("auth", "header", "value"), SCHEMES, ids=KINDS)
def test_every_request_carries_the_credential_of_the_scheme_and_no_other(
    auth: Auth, header: str, value: str, tmp_path: Path
) -> None:
    with place(tmp_path, Gate(header, value)) as here:
        assert here.apply(auth) == (0, "")
        assert here.gate.moved == BOATS
        own = {header} if value else set()
        assert all(own == {"authorization", "x-api-key"} & asked.headers.keys() for asked in here.server.asked)
        assert b"s3cr3t" not in here.written()


@pytest.mark.parametrize(
    ("auth", "says"),
    [
        (described("bearer"), "the API no longer accepts the token; set a new ROWPATCH_TOKEN, then go on"),
        (
            described("basic"),
            "the API refuses the user name or the password; set ROWPATCH_USERNAME and ROWPATCH_PASSWORD",
        ),
        (
            described("api_key", header="X-Api-Key"),
            "the API refuses the API key; set a new ROWPATCH_API_KEY, then go on",
        ),
        (described("none"), "the server wants a credential where none is sent"),
    ],
    ids=["bearer", "basic", "key", "none"],
)
def test_a_refused_credential_stops_the_run_in_words_and_shows_nowhere(auth: Auth, says: str, tmp_path: Path) -> None:
    with place(tmp_path, Gate(wants="Bearer something else")) as here:
        status, message = here.apply(auth)
        assert status == 3
        assert message.startswith(f"authorisation_lost: {says}")
        assert here.gate.moved == 0
        assert len(here.server.asked) <= 4  # the reads that are sent at once, and no row
        for secret in (b"s3cr3t", b"cMOkIHNz", b"YW5uYUBo", "pä ss".encode()):
            assert secret not in here.written()
        assert "s3cr3t" not in repr(here.events)


ASKED = b"grant_type=client_credentials&scope=boats%3Aread+boats%3Awrite&audience=https%3A%2F%2Fharbour.example%2F"
IN_JSON = (
    b'{"grant_type": "client_credentials", "scope": "boats:read boats:write",'
    b' "audience": "https://harbour.example/", "client_id": "boat:man", "client_secret": "cli/ent+s3cr3t="}'
)


@pytest.mark.parametrize(("auth", "header", "value"), SCHEMES[:-1], ids=KINDS[:-1])
def test_a_server_that_repeats_the_secrets_is_quoted_without_them(
    auth: Auth, header: str, value: str, tmp_path: Path
) -> None:
    secrets = " ".join([value, *ENVIRONMENT.values()])
    with place(tmp_path, Gate(header, value)) as here:
        refusal = Answer(422, json.dumps({"message": f"no, {secrets}"}).encode(), JSON)
        here.server.script = lambda asked: refusal if asked.method == "PATCH" else here.gate(asked)
        assert here.apply(auth)[0] == 1
        told = json.loads((tmp_path / "run" / "results.ndjson").read_text(encoding="utf-8").splitlines()[0])["message"]
        assert "<secret>" in told
        for secret in auth.permit(*read_secrets(ENVIRONMENT, auth).at_hand(auth.needs)).secrets:
            assert secret not in here.written().decode(errors="replace")


OAUTH2 = {"scopes": ("boats:read", "boats:write"), "params": {"audience": "https://harbour.example/"}}


def oauth2(here: Place, **more: Any) -> Auth:
    return described("oauth2_client_credentials", token_url=f"{here.server.url}/realms/x/token?v=2", **OAUTH2, **more)


@pytest.mark.parametrize(
    ("more", "content_type", "body", "authorization"),
    [
        (
            {},
            "application/x-www-form-urlencoded",
            ASKED + b"&client_id=boat%3Aman&client_secret=cli%2Fent%2Bs3cr3t%3D",
            None,
        ),
        (
            {"request": "json"},
            "application/json",
            IN_JSON,
            None,
        ),
        (
            {"client_auth": "basic"},
            "application/x-www-form-urlencoded",
            ASKED,
            "Basic Ym9hdCUzQW1hbjpjbGklMkZlbnQlMkJzM2NyM3QlM0Q=",
        ),
    ],
    ids=["form", "json", "basic"],
)
def test_a_client_asks_for_a_token_as_the_endpoint_wants_it(
    more: dict[str, Any], content_type: str, body: bytes, authorization: str | None, tmp_path: Path
) -> None:
    with place(tmp_path, Gate(grant={"expires_in": 3600})) as here:
        assert here.apply(oauth2(here, **more)) == (0, "")
        (asked,) = [asked for asked in here.server.asked if asked.method == "POST"]
        assert (asked.path, asked.headers["content-type"], asked.body) == ("/realms/x/token?v=2", content_type, body)
        assert asked.headers.get("authorization") == authorization
        assert asked.headers["accept"] == "application/json"
        assert here.gate.moved == BOATS
        assert b"s3cr3t" not in here.written()


@pytest.mark.parametrize("grant", [{}, {"expires_in": 3600}, {"expires_in": "3600"}, {"expires_in": 0}])
def test_a_token_that_ends_in_mid_run_is_renewed_once_for_all(grant: dict[str, Any], tmp_path: Path) -> None:
    with place(tmp_path, Gate(grant=grant, uses=BOATS + 3)) as here:
        assert here.apply(oauth2(here)) == (0, "")
        assert here.gate.moved == BOATS
        assert here.gate.issued == 2
        assert b"s3cr3t" not in here.written()


def test_an_endpoint_that_refuses_the_client_stops_the_run_before_anything_is_sent(tmp_path: Path) -> None:
    with place(tmp_path, Gate()) as here:
        here.server.script = lambda asked: Answer(200, b'{"error": "invalid_client"}', JSON)
        status, message = here.apply(oauth2(here))
        assert status == 3
        assert "it answered 200 with an error in place of a token; check ROWPATCH_CLIENT_ID and" in message
        assert len(here.server.asked) == 1


def test_no_run_begins_with_the_secrets_of_another_scheme() -> None:
    with pytest.raises(ConfigError, match="This API does not take ROWPATCH_API_KEY"):
        read_secrets({"ROWPATCH_API_KEY": "k"}, described("bearer"))


def test_an_address_that_comes_with_the_token_is_where_the_run_goes_and_no_token_goes_elsewhere(tmp_path: Path) -> None:
    with place(tmp_path, Gate()) as here, place(tmp_path, Gate()) as there:
        here.gate.grant = {"instance_url": here.server.url}
        auth = auth_of(
            AuthDescription(
                type="oauth2_client_credentials",
                token_url=f"{here.server.url}/token",
                variables={"instance_url": "/instance_url"},
            ),
            {},
            "{instance_url}",
        )
        secrets, host = read_secrets(ENVIRONMENT, auth), Host(tmp_path / "state")

        async def first(url: str) -> Access:
            settings = here.settings().model_copy(update={"target": Target(url=url)})
            return await first_token(Guarded(auth=auth), settings, secrets, host)

        access = anyio.run(first, "")  # before anybody knows where to go
        assert (access.lost, access.secrets.url) == ("", here.server.url)
        assert here.apply(auth, access.secrets) == (0, "")
        assert here.gate.moved == BOATS
        lost = anyio.run(first, there.server.url).lost
        assert (
            lost == f"the token is for {here.server.url}, and the run goes to {there.server.url}: it is not sent there"
        )
        here.gate.uses, here.gate.grant = 0, {"instance_url": there.server.url}
        assert here.apply(auth, access.secrets, "later")[0] == 3
        assert there.server.asked == []
