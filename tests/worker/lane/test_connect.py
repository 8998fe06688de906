"""What a connection knows before its first request: what the file of the pace, and the journal, remember."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from jobs.apis.auth import Auth, Permit
from jobs.apis.commercelayer.api import COMMERCE_LAYER, CommerceLayer
from jobs.apis.described.auth import auth_of
from jobs.apis.described.description import AuthDescription
from worker.clock import Clock
from worker.journal import Counters
from worker.lane.connect import LaneSettings, connected
from worker.policy.concurrency import Concurrency
from worker.settings import ConfigError, Connecting, Input, Pacing, Secrets, Settings, Target
from worker.stop import Stop

URL = "https://api.example"


def way(place: Path, clock: Clock, answered: list[float]) -> LaneSettings:
    pacing = Pacing(rate=((10, 60.0),), headroom=0.0)
    settings = Settings(target=Target(url=URL), input=Input(source="s.csv", format="csv"), pacing=pacing)
    secrets = Secrets(token=SecretStr("a-token-of-nobody"))
    return LaneSettings(
        COMMERCE_LAYER,
        settings,
        secrets,
        place,
        Counters(),
        clock,
        Stop(),
        lambda since: [at for at in answered if at > since],
    )


@pytest.mark.parametrize(("answered", "free"), [([], 10), ([1000.0, 1001.0, 1002.0], 7)])
async def test_what_only_the_journal_knows_of_a_killed_process_takes_slots(
    tmp_path: Path, answered: list[float], free: int
) -> None:
    clock = Clock(now=lambda: 5.0, wall=lambda: 1003.0)
    async with connected(way(tmp_path, clock, answered)) as connection:
        limiter = connection.writes
        limiter.pace._concurrency = Concurrency(16, fixed=True)  # how many the server bears is another matter
        assert sum(limiter.admit_at_once() for _ in range(16)) == free


async def test_the_next_process_waits_for_the_pause_that_the_last_one_was_asked_for(tmp_path: Path) -> None:
    clock = Clock(now=lambda: 5.0, wall=lambda: 1003.0)
    async with connected(way(tmp_path, clock, [])) as connection:
        assert connection.writes._shared is not None
        connection.writes._shared.close(1000.0)
    async with connected(way(tmp_path, clock, [])) as connection:
        assert connection.writes.pace.held(5.0) == pytest.approx(1000.0)
        assert not await connection.writes.admit()


# other APIs


def lane_of(place: Path, url: str, auth: Auth, secrets: Secrets, proxy: str = "") -> LaneSettings:
    settings = Settings(
        target=Target(url=url), input=Input(source="s.csv", format="csv"), connecting=Connecting(proxy=proxy)
    )
    api = CommerceLayer(auth=auth, headers={"Accept": "application/json", "X-Version": "7"}, content_type="")
    return LaneSettings(api, settings, secrets, place, Counters(), Clock(), Stop())


def described(kind: str, **more: Any) -> Auth:
    return auth_of(AuthDescription(type=kind, **more), {})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("auth", "secrets", "permit"),
    [
        (described("none"), Secrets(token=SecretStr("of-another-api")), Permit()),
        (
            described("api_key", header="X-Key"),
            Secrets(api_key=SecretStr("k"), token=SecretStr("of-another-api")),
            Permit("X-Key", "k", ("k",)),
        ),
        (
            described("bearer"),
            Secrets(token=SecretStr("t"), client_id=SecretStr("me"), client_secret=SecretStr("s")),
            Permit("Authorization", "Bearer t", ("t",)),
        ),
    ],
)
async def test_a_connection_carries_the_credential_of_its_api_and_the_apis_headers(
    auth: Auth, secrets: Secrets, permit: Permit, tmp_path: Path
) -> None:
    async with connected(lane_of(tmp_path, "https://api.example/v1", auth, secrets)) as connection:
        for exchange in (connection.updates, connection.lookup.exchange):
            assert exchange.limiter.admit_at_once()
            headers = await exchange.authorise()
            assert headers is not None
            assert headers.permit == permit
            own = ((permit.header, permit.value),) if permit.header else ()
            assert headers.fields == (("Accept", "application/json"), ("X-Version", "7"), *own)
        assert str(connection.transport._origin) == "https://api.example"  # requests bring the path


@pytest.mark.parametrize(
    ("token_url", "proxy", "says"),
    [
        ("http://auth.example/t", "", "Refusing http://auth.example: the token would travel in the clear"),
        ("http://127.0.0.1/t", "http://proxy.example:3128", "through a proxy: the token would travel in the clear"),
    ],
)
async def test_no_client_secret_travels_in_the_clear(token_url: str, proxy: str, says: str, tmp_path: Path) -> None:
    auth = described("oauth2_client_credentials", token_url=token_url)
    secrets = Secrets(client_id=SecretStr("me"), client_secret=SecretStr("s"))
    with pytest.raises(ConfigError, match=says):
        async with connected(lane_of(tmp_path, "https://api.example", auth, secrets, proxy)):
            pass
