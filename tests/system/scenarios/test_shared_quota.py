"""Processes that share a quota over virtual minutes, judged by a strict server."""

import asyncio
from pathlib import Path

import pytest

from tests.system.scenarios.shared_quota import Host, StrictServer, restarted, together, work
from tests.virtual_time import run
from worker.policy.pace import Window

FAST = (Window(1000, 2.0), Window(250, 2.0 / 6))


@pytest.mark.parametrize("processes", [2, 4])
def test_processes_together_use_the_whole_quota_fairly_and_never_break_it(tmp_path: Path, processes: int) -> None:
    server = run(together(Host(tmp_path), StrictServer(), processes, seconds=600))
    assert server.refused == 0
    assert server.share(60, 600) >= 0.98
    assert min(server.of(f"p{number}") for number in range(processes)) >= 0.7 * 1000 / processes


def test_slots_that_are_leased_several_at_once_do_not_break_a_fast_quota(tmp_path: Path) -> None:
    server = run(together(Host(tmp_path), StrictServer(FAST), 2, seconds=8))
    assert server.refused == 0
    assert server.share(2, 8) >= 0.97
    assert min(server.of("p0"), server.of("p1")) >= 0.7 * 4000 / 2


@pytest.mark.parametrize("killed", [False, True])
def test_when_one_process_ends_or_is_killed_the_other_has_the_whole_quota_within_a_window(
    tmp_path: Path, killed: bool
) -> None:
    async def scene() -> StrictServer:
        host, server = Host(tmp_path), StrictServer()
        await asyncio.gather(
            work(host, server, "stays", seconds=300), work(host, server, "goes", seconds=100, killed=killed)
        )
        return server

    server = run(scene())
    assert server.refused == 0
    late = [who for at, who in server.accepted if at >= 160]
    assert set(late) == {"stays"}
    assert server.share(160, 280) >= 0.98


def test_methods_and_origins_do_not_disturb_each_other(tmp_path: Path) -> None:
    async def scene() -> list[StrictServer]:
        host, servers = Host(tmp_path), [StrictServer() for _ in range(3)]
        await asyncio.gather(
            work(host, servers[0], "writes", seconds=200),
            work(host, servers[1], "reads", seconds=200, method="GET"),
            work(host, servers[2], "elsewhere", seconds=200, origin="https://b.example"),
        )
        return servers

    for server in run(scene()):
        assert server.refused == 0
        assert server.share(60, 180) >= 0.98


@pytest.mark.parametrize("killed", [False, True])
def test_a_process_restarted_every_20_seconds_keeps_to_the_windows_and_uses_them(tmp_path: Path, killed: bool) -> None:
    server = run(restarted(Host(tmp_path), StrictServer(), minutes=10, killed=killed))
    assert server.refused == 0
    assert server.share(60, 600) >= 0.95


def test_a_wall_clock_that_is_set_under_way_breaks_no_window(tmp_path: Path) -> None:
    async def scene() -> StrictServer:
        host, server = Host(tmp_path), StrictServer()

        async def meddle() -> None:
            for jump in (3600.0, -7200.0, 0.5, -0.5):
                await asyncio.sleep(61)
                host.wall += jump

        await asyncio.gather(together(host, server, 2, seconds=360), meddle())
        return server

    server = run(scene())
    assert server.refused == 0
    assert server.share(60, 360) >= 0.90


@pytest.mark.parametrize("killed", [False, True])
def test_the_next_process_goes_on_with_limits_that_were_inferred(tmp_path: Path, killed: bool) -> None:
    async def scene() -> tuple[StrictServer, int]:
        host, server = Host(tmp_path), StrictServer((Window(100, 60.0),), headers=False)
        await work(host, server, "first", seconds=300, killed=killed)
        learned = server.refused
        await work(host, server, "next", seconds=500)
        return server, server.refused - learned

    server, more = run(scene())
    assert 1 <= server.refused - more <= 10  # eight to learn it, and a trial of more
    assert more == 0  # the next trial is due a quarter of an hour after that
    assert server.share(300, 800) >= 0.95
