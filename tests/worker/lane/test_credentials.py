"""The credential: renewed in time, once for all, and never shown."""

import asyncio
import base64
import hashlib
import json
import math
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from pydantic import SecretStr

from jobs.apis.auth import Auth, Grant, Permit
from jobs.apis.described.auth import auth_of
from jobs.apis.description.model import AuthDescription
from jobs.model import Reply, Request
from tests.commerce_layer import COMMERCE_LAYER
from tests.virtual_time import run
from worker.clock import Clock
from worker.events import Event, TokenNotRenewed
from worker.lane.authority import CredentialLost, Headers, Nobody
from worker.lane.credentials import (
    RENEW_INTERVAL_S,
    TOKEN_HEADERS,
    TOKEN_PATIENCE,
    Credential,
    TokenEndpoint,
    quota_of,
)
from worker.lane.exchange import Exchange
from worker.lane.transport import Transport
from worker.pacing.limiter import Limiter, News
from worker.pacing.quota_file import PaceMemory
from worker.pacing.shared import SharedPace
from worker.policy.pace import Pace, as_windows
from worker.sandbox import SandboxSettings, serve
from worker.settings import Secrets
from worker.stop import Stop


@dataclass
class Hands:
    """A clock that is set by hand."""

    time: float = 1000.0

    def clock(self) -> Clock:
        return Clock(now=lambda: self.time, wall=lambda: 1_700_000_000 + self.time, sample=lambda: 0.5)


@dataclass
class Endpoint:
    """Hands out tokens with the given remaining lives, slowly enough for others to come in between."""

    lives: list[float | None]
    issued: list[str] = field(default_factory=list)
    patience: list[bool] = field(default_factory=list)

    async def issue(self, *, patient: bool = True) -> Grant:
        self.patience.append(patient)
        await anyio.sleep(0.01)
        if not self.lives:
            raise CredentialLost("no more")
        token = f"token{len(self.issued)}"
        self.issued.append(token)
        return Grant(token, self.lives.pop(0))


AUTH = COMMERCE_LAYER.auth
assert AUTH.tokens is not None
TOKENS = AUTH.tokens


def pace_of_tokens() -> Pace:
    return Pace(ceiling=as_windows(TOKENS.windows), max_in_flight=1, discover=False)


@dataclass
class Asking:
    """An endpoint as it is asked: by whom, how patiently, and who hears of it."""

    secrets: Secrets
    transport: Any
    shared: SharedPace | None = None
    pause: float = math.inf
    stop: Stop = field(default_factory=Stop)
    news: list[Event] = field(default_factory=list)
    asked: int = 0

    def endpoint(self) -> TokenEndpoint:
        pace = (
            self.shared.pace
            if self.shared
            else Pace(ceiling=as_windows(TOKENS.windows), max_in_flight=1, discover=False)
        )
        limiter = Limiter(pace, Clock(), self.stop, self.shared)
        clock, patience = Clock(sample=lambda: 0.0), replace(TOKEN_PATIENCE, pause=self.pause)
        exchange = Exchange(
            self.transport, limiter, Nobody(), TOKENS.meaning, patience, clock, self.stop, TOKEN_HEADERS, self._count
        )
        return TokenEndpoint(
            self.secrets, TOKENS, self.secrets.auth_url or TOKENS.url, exchange, News("POST", self.news.append)
        )

    def _count(self) -> None:
        self.asked += 1


def jwt(**payload: object) -> str:
    return f"e30.{base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip('=')}.sig"


async def test_the_first_token_is_issued_once_for_all_workers() -> None:
    endpoint = Endpoint([7200])
    credential = Credential((), endpoint, Hands().clock(), AUTH)
    seen: list[str] = []

    async def worker() -> None:
        seen.append((await credential.permit()).value)

    async with anyio.create_task_group() as group:
        for _ in range(16):
            group.start_soon(worker)
    assert seen == ["Bearer token0"] * 16
    assert endpoint.issued == ["token0"]


async def test_a_token_is_renewed_when_600_seconds_are_left() -> None:
    hands, endpoint = Hands(), Endpoint([7200, 7200])
    credential = Credential((), endpoint, hands.clock(), AUTH)
    await credential.permit()
    hands.time += 7200 - 601
    assert (await credential.permit()).value == "Bearer token0"
    hands.time += 1
    assert (await credential.permit()).value == "Bearer token1"


async def test_a_shared_token_with_little_life_left_is_not_asked_for_in_a_loop() -> None:
    hands, endpoint = Hands(), Endpoint([300, 290, 280])
    credential = Credential((), endpoint, hands.clock(), AUTH)
    for _ in range(100):
        await credential.permit()
    assert len(endpoint.issued) == 1
    hands.time += RENEW_INTERVAL_S
    await credential.permit()
    assert len(endpoint.issued) == 2


async def test_a_refused_token_is_replaced_once_for_all_workers() -> None:
    hands, endpoint = Hands(), Endpoint([7200, 7200, 7200])
    credential = Credential((), endpoint, hands.clock(), AUTH)
    used = await credential.permit()
    hands.time += 100
    async with anyio.create_task_group() as group:
        for _ in range(16):
            group.start_soon(credential.renew, used)
    assert (await credential.permit()).value == "Bearer token1"
    assert len(endpoint.issued) == 2


async def test_a_refusal_of_the_token_before_comes_late_and_replaces_nothing() -> None:
    hands, endpoint = Hands(), Endpoint([7200, 7200, 7200])
    credential = Credential((), endpoint, hands.clock(), AUTH)
    used = await credential.permit()
    hands.time += 100
    await credential.renew(used)
    hands.time += 100
    await credential.renew(used)
    assert endpoint.issued == ["token0", "token1"]


async def test_the_same_dead_token_handed_out_again_is_asked_for_once() -> None:
    hands, endpoint = Hands(), Endpoint([7200] * 20)
    credential = Credential((), endpoint, hands.clock(), AUTH)
    used = await credential.permit()
    hands.time += 100
    endpoint.issued.clear()  # so that the next one is called token0 again
    async with anyio.create_task_group() as group:
        for _ in range(16):
            group.start_soon(credential.renew, used)
    assert endpoint.issued == ["token0"]


async def test_a_renewal_that_failed_is_not_tried_again_by_everybody() -> None:
    hands, endpoint = Hands(), Endpoint([7200])
    credential = Credential((), endpoint, hands.clock(), AUTH)
    used = await credential.permit()
    hands.time += 100
    asked = 0
    failures = []

    async def issue(*, patient: bool = True) -> Grant:
        nonlocal asked
        asked += patient
        await anyio.sleep(0.01)
        raise CredentialLost("gone")

    endpoint.issue = issue  # type: ignore[method-assign]  # from now on it refuses

    async def worker() -> None:
        try:
            await credential.renew(used)
        except CredentialLost as error:
            failures.append(error)

    async with anyio.create_task_group() as group:
        for _ in range(16):
            group.start_soon(worker)
    assert (asked, len(failures)) == (1, 16)


def test_a_token_is_used_on_while_the_endpoint_fails_and_the_token_is_good() -> None:
    async def scene() -> None:
        endpoint = Endpoint([7200])
        credential = Credential((), endpoint, Clock(), AUTH)
        assert (await credential.permit()).value == "Bearer token0"
        await anyio.sleep(6600)
        for _ in range(10):  # nobody waits for it, and it is asked every half a minute
            async with anyio.create_task_group() as group:
                for _ in range(8):
                    group.start_soon(credential.permit)
            await anyio.sleep(6)
        assert endpoint.patience == [True, False, False]
        endpoint.lives = [7200]
        await anyio.sleep(6)
        assert (await credential.permit()).value == "Bearer token1"

    run(scene())


def test_nobody_waits_for_an_early_renewal() -> None:
    async def scene() -> None:
        endpoint = Endpoint([7200, 7200])
        credential = Credential((), endpoint, Clock(), AUTH)
        await credential.permit()
        await anyio.sleep(6600)
        async with anyio.create_task_group() as group:
            group.start_soon(credential.permit)
            await anyio.sleep(0.005)
            with anyio.fail_after(0.001):
                assert (await credential.permit()).value == "Bearer token0"
        assert (await credential.permit()).value == "Bearer token1"

    run(scene())


def test_a_token_that_has_run_out_is_waited_for() -> None:
    async def scene() -> None:
        endpoint = Endpoint([7200, 7200])
        credential = Credential((), endpoint, Clock(), AUTH)
        await credential.permit()
        await anyio.sleep(7300)
        assert (await credential.permit()).value == "Bearer token1"
        assert endpoint.patience == [True, True]

    run(scene())


@dataclass
class Api:
    """Knows a token only some seconds after it was handed out; or never, or only for so long."""

    credential: Credential
    delay: float = 0.0
    life: float = 1e9
    since: dict[Permit, float] = field(default_factory=dict)
    refused: int = 0

    async def ask(self) -> None:
        while True:
            permit = await self.credential.permit()
            now = asyncio.get_running_loop().time()
            age = now - self.since.setdefault(permit, now)
            if self.delay <= age <= self.life:
                return
            self.refused += 1
            await self.credential.renew(permit)


def test_a_new_token_that_is_not_known_yet_is_tried_again() -> None:
    async def scene() -> None:
        endpoint = Endpoint([7200] * 5)
        credential = Credential(("old",), endpoint, Clock(), AUTH)
        api = Api(credential, delay=1.9)
        api.since[AUTH.permit("old")] = -1e9
        await credential.renew(AUTH.permit("old"))
        async with anyio.create_task_group() as group:
            for _ in range(16):
                group.start_soon(api.ask)
        assert endpoint.issued == ["token0"]
        assert api.refused == 16

    run(scene())


def test_tokens_that_end_one_after_the_other_are_replaced_over_and_over() -> None:
    async def scene() -> None:
        endpoint = Endpoint([None] * 20)
        api = Api(Credential((), endpoint, Clock(), AUTH), life=60.0)
        for _ in range(100):
            await api.ask()
            await anyio.sleep(5)
        assert len(endpoint.issued) == 8

    run(scene())


@dataclass
class SharedToken:
    """Hands everybody the one token there is until it ends, with what is left of its life in whole seconds."""

    life: float
    number: int = 0
    born: float = -math.inf
    asked: int = 0

    async def issue(self, *, patient: bool = True) -> Grant:
        await anyio.sleep(0.01)
        now = asyncio.get_running_loop().time()
        self.asked += 1
        if now >= self.born + self.life:
            self.number, self.born = self.number + 1, now
        return Grant(f"token{self.number}", int(self.born + self.life - now))


def test_a_shared_token_that_ends_soon_after_it_was_handed_out_again_counts_as_none_that_was_refused_new() -> None:
    async def scene() -> None:
        endpoint = SharedToken(7200.0)
        api = Api(Credential((), endpoint, Clock(), AUTH), life=7200.0)
        async with anyio.create_task_group() as group:
            for sender in range(4):
                group.start_soon(_asks, api, 1.3 + 0.07 * sender, 5 * 7200.0)
        assert endpoint.number == 5
        assert endpoint.asked < 5 * 25

    run(scene())


async def _asks(api: Api, every: float, until: float) -> None:
    while asyncio.get_running_loop().time() < until:
        await api.ask()
        await anyio.sleep(every)


def test_new_tokens_that_are_refused_as_well_stop_the_run_soon() -> None:
    async def scene() -> None:
        endpoint = Endpoint([7200] * 20)
        api = Api(Credential(("old",), endpoint, Clock(), AUTH), delay=1e9)
        began = asyncio.get_running_loop().time()
        with pytest.raises(CredentialLost, match="new ones as well"):
            await api.ask()
        assert endpoint.issued == ["token0", "token1"]
        assert asyncio.get_running_loop().time() - began < 5
        assert api.refused == 5

    run(scene())


async def test_a_fixed_token_cannot_be_replaced() -> None:
    credential = Credential(("fixed",), None, Hands().clock(), AUTH)
    assert (await credential.permit()).value == "Bearer fixed"
    with pytest.raises(CredentialLost, match="set a new ROWPATCH_TOKEN"):
        await credential.renew(AUTH.permit("fixed"))


async def test_the_expiry_of_a_given_jwt_is_known_from_the_token_itself() -> None:
    hands, endpoint = Hands(), Endpoint([7200])
    token = jwt(exp=1_700_000_000 + hands.time + 700)
    credential = Credential((token,), endpoint, hands.clock(), AUTH)
    assert (await credential.permit()).value == f"Bearer {token}"
    hands.time += 100
    assert (await credential.permit()).value == "Bearer token0"


def test_no_secret_shows_in_a_repr() -> None:
    secrets = Secrets(token=SecretStr("t0k3n"), client_id=SecretStr("me"), client_secret=SecretStr("s3cr3t"))
    for shown in (
        repr(secrets),
        str(secrets),
        repr(Credential(("t0k3n",), None, Hands().clock(), AUTH)),
        repr(Grant("t0k3n", 1)),
    ):
        assert "t0k3n" not in shown
        assert "s3cr3t" not in shown


async def test_a_token_comes_from_the_endpoint_for_a_good_client_and_not_for_a_bad_one() -> None:
    async with serve(SandboxSettings()) as sandbox, Transport(sandbox.url, timeout=5, connections=1) as transport:
        good = Secrets(client_id=SecretStr(sandbox.client_id), client_secret=SecretStr(sandbox.client_secret))
        bad = Secrets(client_id=SecretStr(sandbox.client_id), client_secret=SecretStr("wr0ng"))
        grant = await Asking(good, transport).endpoint().issue()
        assert grant.access_token == sandbox.token
        with pytest.raises(CredentialLost, match="answered 401") as lost:
            await Asking(bad, transport).endpoint().issue()
    assert "wr0ng" not in str(lost.value)


CLIENT = Secrets(client_id=SecretStr("a"), client_secret=SecretStr("b"), auth_url="http://127.0.0.1")


@dataclass
class Script:
    """An endpoint that answers in the given order, and the loop times at which it was asked."""

    replies: list[tuple[int, dict[str, str]]]
    asked: list[float] = field(default_factory=list)
    body: bytes = b"{}"
    granted: bytes = b'{"access_token": "t0k3n", "expires_in": 7200}'

    async def send(self, _request: Request, headers: Headers, within: float | None) -> Reply:
        assert headers == Headers(tuple(TOKEN_HEADERS.items()))
        assert within is None
        self.asked.append(asyncio.get_running_loop().time())
        await asyncio.sleep(0.02)
        status, fields = self.replies.pop(0) if self.replies else (200, {})
        body = self.granted if status < 300 else self.body
        return Reply(status, {"content-type": "application/json", **fields}, body)


def token_endpoint(script: Script, shared: SharedPace | None = None) -> TokenEndpoint:
    return Asking(CLIENT, script, shared).endpoint()


def test_no_more_than_30_tokens_a_minute_are_asked_for() -> None:
    script = Script([])

    async def scene() -> None:
        endpoint = token_endpoint(script)
        for _ in range(70):
            await endpoint.issue()

    run(scene())
    assert all(late - early >= 60 for early, late in zip(script.asked, script.asked[30:], strict=False))
    assert script.asked[-1] < 125


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "0"}, 60),  # to the letter it would be a hot loop: at least a window
        ({}, 60),
        ({"retry-after": "90"}, 90),
    ],
)
def test_a_refusal_for_pace_of_the_token_endpoint_is_waited_for(headers: dict[str, str], wait: float) -> None:
    script = Script([(429, headers)])
    grant = run(token_endpoint_of(script))
    assert grant.access_token == "t0k3n"
    assert script.asked[1] - script.asked[0] == pytest.approx(wait, abs=1)


async def token_endpoint_of(script: Script, patience: float = 900.0) -> Grant:
    return await Asking(CLIENT, script, pause=patience).endpoint().issue()


@pytest.mark.parametrize(
    ("replies", "asked"),
    [
        ([(500, {})], [0, 1]),
        ([(520, {}), (503, {})], [0, 1, 2]),
        ([(408, {})], [0, 1]),
        ([(425, {})], [0, 1]),
        ([(423, {"retry-after": "61"})], [0, 61]),
        ([(403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"})], [0, 60]),
        ([(401, {"retry-after": "61", "www-authenticate": "Bearer"})], [0, 61]),  # no token was sent that it refuses
        ([(101, {})], [0, 1]),
    ],
)
def test_a_token_is_asked_for_again_where_that_may_help(
    replies: list[tuple[int, dict[str, str]]], asked: list[float]
) -> None:
    script = Script(replies)
    assert run(token_endpoint_of(script)).access_token == "t0k3n"
    assert script.asked == pytest.approx(asked, abs=0.2)


@pytest.mark.parametrize(
    ("status", "headers", "asked"),
    [
        (302, {}, 1),
        (400, {}, 1),
        (401, {}, 1),
        (401, {"www-authenticate": "Bearer"}, 1),
        (404, {}, 1),
        (500, {}, 5),
        (520, {}, 5),
        (429, {}, 5),
        (503, {"retry-after": "1"}, 5),
    ],
)
def test_a_refused_client_is_given_up_at_once_and_a_failing_endpoint_after_five_tries(
    status: int, headers: dict[str, str], asked: int
) -> None:
    script = Script([(status, headers)] * 9)
    with pytest.raises(CredentialLost, match=f"it answered {status}"):
        run(token_endpoint_of(script))
    assert len(script.asked) == asked


def test_a_token_takes_its_time_even_of_an_endpoint_that_was_down() -> None:
    script = Script([(200, {}), *[(500, {})] * 15])

    async def scene() -> Grant:
        endpoint = token_endpoint(script)
        await endpoint.issue()
        for _ in range(3):
            with pytest.raises(CredentialLost):
                await endpoint.issue()
        return await endpoint.issue()

    assert run(scene()).access_token == "t0k3n"
    assert len(script.asked) == 17  # and each with the whole time-out: see `Script`


def test_a_success_without_a_token_is_asked_about_again() -> None:
    script = Script([(200, {"content-type": "text/html"})] * 9, granted=b"<html>Sign in</html>")
    with pytest.raises(CredentialLost, match="it answered 200: "):
        run(token_endpoint_of(script))
    assert len(script.asked) == 5


def test_a_pause_beyond_the_patience_is_not_waited_for() -> None:
    script = Script([(429, {"retry-after": "1000"})])
    with pytest.raises(CredentialLost, match="answered 429 and asks for a pause of 1000 s"):
        run(token_endpoint_of(script))
    assert len(script.asked) == 1


@pytest.mark.parametrize(
    ("status", "headers", "asked"),
    [(429, {"retry-after": "300"}, 1), (503, {"retry-after": "300"}, 1), (503, {}, 2), (401, {}, 2)],
)
def test_a_token_that_need_not_be_had_now_is_asked_for_at_once_or_not_at_all(
    status: int, headers: dict[str, str], asked: int
) -> None:
    script = Script([(status, headers)] * 2)
    asking = Asking(CLIENT, script)

    async def scene() -> None:
        endpoint = asking.endpoint()
        for _ in range(2):
            with pytest.raises(CredentialLost):
                await endpoint.issue(patient=False)
        assert asyncio.get_running_loop().time() < 1

    run(scene())
    assert len(script.asked) == asked
    last = asking.news[-1]
    assert isinstance(last, TokenNotRenewed)
    assert last.why.startswith("the token endpoint is" if asked == 1 else "it answered")


def test_the_endpoints_own_words_are_told_without_the_secret_that_they_repeat() -> None:
    script = Script(
        [(400, {})], body=b'{"error": "invalid_client", "error_description": "s\\u0033cret/\\/ is \\"unknown\\"."}'
    )
    endpoint = token_endpoint(script)
    endpoint._secrets = Secrets(  # in place of the usual ones
        client_id=SecretStr("me"), client_secret=SecretStr("s3cret//"), auth_url="http://127.0.0.1"
    )
    with pytest.raises(CredentialLost) as lost:
        run(issued_by(endpoint))
    assert str(lost.value) == (
        "no token from http://127.0.0.1 (ROWPATCH_AUTH_URL): it answered 400: invalid_client: <secret> is "
        '"unknown"; check ROWPATCH_CLIENT_ID and ROWPATCH_CLIENT_SECRET'
    )


async def issued_by(endpoint: TokenEndpoint) -> Grant:
    return await endpoint.issue()


def test_processes_share_the_budget_for_tokens(tmp_path: Path) -> None:
    script = Script([])

    async def scene() -> None:
        now = asyncio.get_running_loop().time
        clock = Clock(wall=lambda: 1_750_000_000 + now())
        for _ in range(4):
            pace = Pace(ceiling=as_windows(TOKENS.windows), max_in_flight=1, discover=False)
            shared = SharedPace(
                pace, PaceMemory(tmp_path, CLIENT.auth_url, quota_of(COMMERCE_LAYER, CLIENT, ""), "POST"), clock
            )
            shared.begin()
            endpoint = token_endpoint(script, shared)
            for _ in range(10):
                await endpoint.issue()
            shared.end()

    run(scene())
    assert script.asked[29] < 2
    assert script.asked[30] >= 60


@pytest.mark.parametrize(
    ("origin", "one", "other", "same"),
    [
        (
            "https://x.commercelayer.io",
            Secrets(token=SecretStr("a")),
            Secrets(token=SecretStr("b")),
            True,
        ),  # per address
        ("https://a.example", Secrets(token=SecretStr("a")), Secrets(token=SecretStr("b")), False),
        ("https://a.example", Secrets(token=SecretStr("a")), Secrets(token=SecretStr("a")), True),
        ("https://a.example", CLIENT, CLIENT.model_copy(update={"token": SecretStr("t")}), True),  # tokens are renewed
        (
            "https://a.example",
            Secrets(token=SecretStr(jwt(organization={"slug": "o"}, application={"kind": "integration"}, exp=1))),
            Secrets(token=SecretStr(jwt(organization={"slug": "o"}, application={"kind": "integration"}, exp=2))),
            True,  # two tokens of one application
        ),
        (
            "https://a.example",
            Secrets(token=SecretStr(jwt(organization={"slug": "o"}, application={"kind": "integration"}))),
            Secrets(token=SecretStr(jwt(organization={"slug": "p"}, application={"kind": "integration"}))),
            False,
        ),
    ],
)
def test_whose_quota_a_credential_spends(origin: str, one: Secrets, other: Secrets, *, same: bool) -> None:
    assert (quota_of(COMMERCE_LAYER, one, origin) == quota_of(COMMERCE_LAYER, other, origin)) is same


def test_the_name_of_a_quota_shows_nothing_of_the_credential() -> None:
    name = quota_of(COMMERCE_LAYER, Secrets(token=SecretStr("t0k3n")), "https://a.example")
    assert re.fullmatch("[0-9a-f]{16}", name)
    assert not hashlib.sha256(b"t0k3n").hexdigest().startswith(name)


# other schemes than a token of Commerce Layer


def described(kind: str, base_url: str = "", **more: Any) -> Auth:
    return auth_of(AuthDescription(type=kind, token_url="https://auth.example/t", **more), {}, base_url)  # type: ignore[arg-type]


OAUTH2 = described("oauth2_client_credentials")


@pytest.mark.parametrize(
    ("auth", "given", "value", "says"),
    [
        (described("bearer"), ("t",), "Bearer t", "set a new ROWPATCH_TOKEN, then go on"),
        (
            described("basic"),
            ("me", "pw"),
            "Basic bWU6cHc=",
            "refuses the user name or the password; set ROWPATCH_USERNAME and ROWPATCH_PASSWORD anew, then go on",
        ),
        (
            described("api_key", header="X-Key"),
            ("k",),
            "k",
            "refuses the API key; set a new ROWPATCH_API_KEY, then go on",
        ),
        (OAUTH2, ("t",), "Bearer t", "set a new ROWPATCH_TOKEN, then go on"),
        (described("basic"), (), "", "no credential: set ROWPATCH_USERNAME and ROWPATCH_PASSWORD"),
    ],
)
async def test_a_fixed_credential_that_is_refused_says_what_to_set(
    auth: Auth, given: tuple[str, ...], value: str, says: str
) -> None:
    credential = Credential(given, None, Hands().clock(), auth)
    if given:
        assert (await credential.permit()).value == value
    with pytest.raises(CredentialLost, match=says):
        await credential.renew(await credential.permit())


@pytest.mark.parametrize(
    ("auth", "given", "sent"),
    [
        (described("bearer"), ("tk-1",), "`Authorization: Bearer …`"),
        (described("basic"), ("me", "pw"), "`Authorization: Basic …`"),
        (described("api_key", header="X-Pedal-Key"), ("tk-1",), "`X-Pedal-Key: …`"),
        (described("api_key", header="X-Pedal-Key"), ("tk 1",), "`X-Pedal-Key: …`"),
    ],
)
async def test_a_refused_credential_says_how_it_went_out(auth: Auth, given: tuple[str, ...], sent: str) -> None:
    credential = Credential(given, None, Hands().clock(), auth)
    with pytest.raises(CredentialLost) as caught:
        await credential.renew(await credential.permit())
    assert f"It went out as {sent}: is that" in str(caught.value)
    assert not any(secret in str(caught.value) for secret in given if len(secret) > 2)


def test_a_token_with_a_short_life_is_renewed_at_half_of_it() -> None:
    async def scene() -> None:
        endpoint = Endpoint([60] * 20)
        credential = Credential((), endpoint, Clock(), OAUTH2)
        for _ in range(300):
            await credential.permit()
            await anyio.sleep(1)
        assert len(endpoint.issued) == pytest.approx(300 / 30, abs=1)

    run(scene())


@pytest.mark.parametrize("life", [4.0, 10.0, 20.0])
def test_a_token_that_lives_for_seconds_is_never_used_beyond_its_life(life: float) -> None:
    async def scene() -> None:
        endpoint = Endpoint([life] * 200)
        api = Api(Credential((), endpoint, Clock(), OAUTH2), life=life)
        for _ in range(100):
            await api.ask()
            await anyio.sleep(1)
        assert api.refused == 0

    run(scene())


async def test_the_first_token_ends_when_the_endpoint_said_so() -> None:
    hands, endpoint = Hands(), Endpoint([3600])
    ends = 1_700_000_000 + hands.time + 3600
    credential = Credential(("opaque",), endpoint, hands.clock(), OAUTH2, ends)
    hands.time += 2999
    assert (await credential.permit()).value == "Bearer opaque"
    hands.time += 1
    assert (await credential.permit()).value == "Bearer token0"


async def test_a_token_that_has_ended_before_the_run_is_replaced_at_once() -> None:
    endpoint = Endpoint([3600])
    credential = Credential(("opaque",), endpoint, Hands().clock(), OAUTH2, 1_700_000_000.0)
    assert (await credential.permit()).value == "Bearer token0"


@dataclass
class Told:
    """A token endpoint that answers with the given document."""

    document: dict[str, Any]
    sent: list[Request] = field(default_factory=list)

    async def send(self, request: Request, headers: Headers, within: float | None) -> Reply:
        self.sent.append(request)
        assert headers.permit == Permit()
        return Reply(200, {"content-type": "application/json"}, json.dumps(self.document).encode())


def issue(told: Told, auth: Auth, url: str = "") -> Grant:
    """What the endpoint issues to a run that goes to `url`."""

    async def scene() -> Grant:
        assert auth.tokens is not None
        stop, clock = Stop(), Clock(sample=lambda: 0.0)
        limiter = Limiter(Pace(max_in_flight=1, discover=False), clock, stop)
        transport: Any = told
        exchange = Exchange(
            transport, limiter, Nobody(), auth.tokens.meaning, TOKEN_PATIENCE, clock, stop, TOKEN_HEADERS
        )
        return await TokenEndpoint(CLIENT, auth.tokens, "https://auth.example", exchange, url=url).issue()

    return run(scene())


SALESFORCE = {"variables": {"instance_url": "/instance_url"}}


@pytest.mark.parametrize(
    ("names", "goes_to", "url"),
    [
        ("https://EU1.example.com/", "", "https://eu1.example.com/v1"),
        ("https://eu1.example.com", "https://eu1.example.com/v1", "https://eu1.example.com/v1"),
        ("http://127.0.0.1:80", "", "http://127.0.0.1:80/v1"),
    ],
)
def test_a_token_may_name_the_address_that_it_is_for(names: str, goes_to: str, url: str) -> None:
    auth = described("oauth2_client_credentials", "{instance_url}/v1", **SALESFORCE)
    told = Told({"access_token": "t0k3n", "instance_url": names})
    assert issue(told, auth, goes_to) == Grant("t0k3n", url=url)


@pytest.mark.parametrize(
    ("document", "goes_to", "says"),
    [
        ({}, "", "https://auth.example issues a token without instance_url, which the URL needs"),
        ({"instance_url": ""}, "", "issues a token without instance_url"),
        ({"instance_url": "http://eu1.example.com"}, "", "names no address to send the token to: Refusing http:"),
        ({"instance_url": "https://me@eu1.example.com"}, "", "names no address to send the token to: "),
        ({"instance_url": "https://eu1.example.com/?x="}, "", "names no address to send the token to: "),
        ({"instance_url": "file:///"}, "", "names no address to send the token to: "),
        (
            {"instance_url": "https://eu2.example.com"},
            "https://eu1.example.com/v1",
            "token is for https://eu2.example.com/v1, and the run goes to https://eu1.example.com/v1: it is not sent",
        ),
    ],
)
def test_a_token_for_no_address_or_another_one_stops_the_run(document: dict[str, Any], goes_to: str, says: str) -> None:
    auth = described("oauth2_client_credentials", "{instance_url}/v1", **SALESFORCE)
    told = Told({"access_token": "t0k3n", **document})
    with pytest.raises(CredentialLost) as lost:
        issue(told, auth, goes_to)
    assert says in str(lost.value)
    assert "t0k3n" not in str(lost.value)
    assert len(told.sent) == 1  # it would say the same again


def test_a_refusal_with_200_is_final_and_told_without_the_secret_in_any_form() -> None:
    auth = described("oauth2_client_credentials", client_auth="basic")
    encoded = base64.b64encode(b"a:b").decode()
    told = Told({"error": "invalid_client", "error_description": f"unknown: {encoded}"})
    with pytest.raises(CredentialLost) as lost:
        issue(told, auth)
    assert len(told.sent) == 1
    assert encoded not in str(lost.value)
    assert told.sent[0].headers["Authorization"] == f"Basic {encoded}"


BASIC = Secrets(username=SecretStr("me"), password=SecretStr("pw"))


@pytest.mark.parametrize(
    ("kind", "one", "other", "same"),
    [
        ("basic", BASIC, BASIC.model_copy(update={"password": SecretStr("new")}), True),  # a user's
        ("basic", BASIC, BASIC.model_copy(update={"username": SecretStr("you")}), False),
        ("api_key", Secrets(api_key=SecretStr("k")), Secrets(api_key=SecretStr("k")), True),
        ("api_key", Secrets(api_key=SecretStr("k")), Secrets(api_key=SecretStr("l")), False),
        ("bearer", Secrets(token=SecretStr("k")), Secrets(token=SecretStr("l")), False),
        ("oauth2_client_credentials", CLIENT, CLIENT.model_copy(update={"token": SecretStr("t")}), True),
        ("none", Secrets(), Secrets(), True),
    ],
)
def test_whose_quota_a_credential_of_another_scheme_spends(
    kind: str, one: Secrets, other: Secrets, *, same: bool
) -> None:
    @dataclass
    class Described:
        auth: Auth

        def counts_by_address(self, origin: str) -> bool:
            return False

    api: Any = Described(described(kind))
    quotas = [quota_of(api, each, "https://a.example") for each in (one, other)]
    assert (quotas[0] == quotas[1]) is same
    assert (quotas[0] == "") is (kind == "none")
    kinds = {quota_of(api, Secrets(**{name: SecretStr("x")}), "") for name in ("token", "api_key", "username")}
    assert len(kinds) == (1 if kind == "none" else 3)  # an API key is no user of that name


async def test_an_unreachable_endpoint_is_tried_again_and_then_given_up() -> None:
    secrets = Secrets(client_id=SecretStr("a"), client_secret=SecretStr("b"))
    stop = Stop()
    async with Transport("http://127.0.0.1:9", timeout=1, connections=1) as transport:
        asking = Asking(secrets, transport, stop=stop)
        asyncio.get_running_loop().call_later(1.2, stop.request, "interrupted")
        with pytest.raises(CredentialLost, match="cannot connect"):
            await asking.endpoint().issue()
    assert asking.asked == 2
