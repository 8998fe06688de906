"""What a connection knows before its first request: what the file of the pace, and the journal, remember."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from jobs.apis.auth import Auth, Permit
from jobs.apis.described.auth import auth_of
from jobs.apis.description.model import AuthDescription
from jobs.apis.limits import PATH, RECORD, DeclaredLimit, declared
from tests.commerce_layer import COMMERCE_LAYER
from tests.system.e2e.toy_api import HARBOUR
from worker.clock import Clock
from worker.journal import Counters
from worker.lane.connect import LaneSettings, connected
from worker.policy.concurrency import Concurrency
from worker.policy.pace import Window
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
    headers = {"Accept": "application/json", "X-Version": "7"}
    api = replace(HARBOUR, auth=auth, headers=headers, content_type="")
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


CALLS = DeclaredLimit(rates=((100, 60.0),), in_flight=6)
UPDATES = DeclaredLimit(on="update", rates=((20, 10.0),))
READS = DeclaredLimit(on="read", rates=((50, 10.0),), in_flight=2)


def declaring(place: Path, *limits: DeclaredLimit, pacing: Pacing | None = None, answered: Sequence[float] = ()) -> Any:
    """The way to an API that declares limits, on a host whose wall clock stands at 1003 s."""
    api = replace(HARBOUR, limits=declared(limits))
    found = way(place, Clock(now=lambda: 5.0, wall=lambda: 1003.0), list(answered))
    pacing = pacing or Pacing(headroom=0.0)
    return replace(found, api=api, settings=found.settings.model_copy(update={"pacing": pacing}))


async def test_reads_and_updates_have_one_limiter_where_they_count_together(tmp_path: Path) -> None:
    async with connected(declaring(tmp_path, CALLS)) as connection:
        assert connection.writes is connection.reads
        assert connection.updates.gives_way
        assert connection.writes.pace.windows == (Window(100, 60.0),)
        assert connection.writes.pace.max_in_flight == 6
        assert connection.gates is None


async def test_limits_on_reads_and_updates_alone_leave_each_its_limiter(tmp_path: Path) -> None:
    async with connected(declaring(tmp_path, UPDATES, READS)) as connection:
        assert not connection.updates.gives_way
        assert connection.writes.pace.windows == (Window(20, 10.0),)
        assert connection.reads.pace.windows == (Window(50, 10.0),)
        assert (connection.writes.pace.max_in_flight, connection.reads.pace.max_in_flight) == (16, 2)


async def test_the_users_ceiling_and_headroom_hold_for_declared_limits_too(tmp_path: Path) -> None:
    pacing = Pacing(rate=((10, 5.0),), headroom=50.0)
    async with connected(declaring(tmp_path, CALLS, pacing=pacing)) as connection:
        assert set(connection.writes.pace.windows) == {Window(50, 60.0), Window(5, 5.0)}


async def test_a_user_who_wants_no_windows_gets_none(tmp_path: Path) -> None:
    limits = CALLS, UPDATES, DeclaredLimit(RECORD, rates=((1, 60.0),))
    async with connected(declaring(tmp_path, *limits, pacing=Pacing(discover=False))) as connection:
        assert connection.gates is not None
        assert connection.writes.pace.windows == ()
        places = connection.gates.places("boats", ["a"], reads=False)
        assert all(connection.gates.admit_at_once(places) for _ in range(50))


@pytest.mark.parametrize(("answered", "free"), [([], 20), ([1000.0, 1001.0], 18)])
async def test_a_gate_of_updates_counts_what_only_the_journal_knows(
    tmp_path: Path, answered: list[float], free: int
) -> None:
    async with connected(declaring(tmp_path, CALLS, UPDATES, answered=answered)) as connection:
        assert connection.gates is not None
        places = connection.gates.places("boats", ["a"], reads=False)
        assert sum(connection.gates.admit_at_once(places) for _ in range(25)) == min(free, 20)


async def test_a_declared_window_is_kept_by_the_next_process(tmp_path: Path) -> None:
    limits = CALLS, DeclaredLimit(PATH, rates=((3, 60.0),))
    for free in (3, 0):
        async with connected(declaring(tmp_path, *limits)) as connection:
            assert connection.gates is not None
            places = connection.gates.places("boats", ["a"], reads=True)
            passed = sum(connection.gates.admit_at_once(places) for _ in range(5))
            assert passed == free
            for _ in range(passed):
                connection.gates.abandon(places)
