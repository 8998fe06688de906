"""Connections that end before anything is read, or never come about: what never left is told as not sent."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from jobs.model import Status
from tests.system.e2e.program import Desk, ended
from tests.system.e2e.program import Server as Address
from tests.system.hostile.acts import honest, then_closes
from tests.system.hostile.certificates import Certificates, Signing
from tests.system.hostile.judge import judge
from tests.system.hostile.patterns import LOST, Ending, Mode
from tests.system.hostile.server import Crime, Server, serving
from tests.system.hostile.stage import CASE, SAFE, TRIGGER, Row, key, perform
from tests.system.hostile.truth import Record
from tests.system.scenarios.harness import Story, sheet, work
from worker.settings import Secrets

PARTING = Crime("", honest(b"Connection: close"), applies=True)


@pytest.mark.parametrize("how", ["reset", "close"])
@pytest.mark.parametrize("always", [True, False])
@pytest.mark.parametrize("mode", [mode for mode in LOST.lines if not mode.done], ids=str)
def test_a_connection_that_ends_at_accept_may_have_carried_the_request(
    mode: Mode, always: bool, how: str, place: Path
) -> None:
    row = Row(key(1), SAFE if mode.kind == "safe" else TRIGGER)
    first = 0 if mode.reading == "blind" else 1  # the first connection reads the page
    killed = {first, first + 1} if always and mode.kind == "safe" else {first}  # a trigger is sent once
    server = Server(crime=lambda _asked, _nth: PARTING, at_accept=lambda nth: how if nth in killed else "")
    story = perform(replace(CASE, blind=mode.reading == "blind"), [row], server, place)
    line = LOST.lines[mode]
    expected = line.always if always else line.once
    (result,) = story.results
    told = Ending(result.status, result.reason, result.attempts)
    assert expected.of("reply_lost").allows(told)
    assert len(server.truth.patches(row.id)) == result.attempts - server.truth.killed


DUE = 0.101
"""Seconds after a reply at which the next row leaves: the pace's 0.1 s and its margin."""


@pytest.mark.parametrize(
    ("turns", "lost"),
    [
        (0, False),  # right before the row leaves: the end has come, though the event loop has not seen it yet
        (5, True),  # right after: the request cannot be saved, and is sent again where that is safe
    ],
)
def test_no_row_is_lost_at_a_server_that_closes_connections_when_the_next_row_is_due(
    turns: int, lost: bool, place: Path
) -> None:
    rows = [Row(key(number), TRIGGER if number % 2 else SAFE) for number in range(40)]
    closing = Crime("closes", then_closes(DUE, turns=turns), applies=True)
    server = Server(crime=lambda asked, _: closing if asked.method == "PATCH" else None)
    story = perform(CASE, rows, server, place)
    arrived = sum(seen.method == "PATCH" for seen in server.truth.ledger)
    found = {violation.kind for violation in judge(rows, story.results, server.truth)}
    assert found <= ({"unknown without a reason"} if lost else set())  # the server never saw what was lost on the way
    assert (story.summary.requests.patch > arrived) is lost
    assert {result.status for result in story.results if result.ref.row % 2} == {Status.APPLIED}
    assert lost or story.counts == {Status.APPLIED: 40}


def nobody() -> str:
    """An origin where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def deaf() -> Iterator[str]:
    """An origin that accepts no connection and refuses none: its backlog is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def told_of(url: str, place: Path, *, blind: bool) -> list[Ending]:
    """How a row that is safe to repeat, and one that is not, end at an origin; in real time: names are resolved."""
    rows = [Row(key(1)), Row(key(2), TRIGGER)]
    quick = CASE.attempts.model_copy(update={"timeout": 0.3})
    case = replace(CASE, sheet=sheet(row.cells() for row in rows), blind=blind, attempts=quick)

    async def scene() -> Story:
        return await work(case, place, url, Secrets(token=SecretStr("made-up")))

    return [Ending(result.status, result.reason, result.attempts) for result in asyncio.run(scene()).results]


NOT_SENT = [Ending("failed", "unreachable", 2)] * 2
NOT_READ = [Ending("failed", "lookup_failed", 0)] * 2


@pytest.mark.parametrize(
    "url",
    [
        "",  # refused: see `nobody`
        "https://nobody.invalid",  # no such name (RFC 2606)
        "http://[::1]:9",  # refused, or no such network
    ],
)
def test_what_never_left_is_told_as_not_sent(url: str, place: Path) -> None:
    url = url or nobody()
    assert told_of(url, place / "blind", blind=True) == NOT_SENT
    assert told_of(url, place / "first", blind=False) == NOT_READ


def test_a_connection_that_does_not_come_about_in_time_is_not_sent(place: Path) -> None:
    with deaf() as url:
        assert told_of(url, place, blind=True) == NOT_SENT


def test_tls_to_a_port_that_speaks_none_is_not_sent(place: Path) -> None:
    with in_thread(Server()) as server:
        assert told_of(server.url.replace("http:", "https:"), place, blind=True) == NOT_SENT
        assert server.truth.ledger == []


@contextmanager
def in_thread(server: Server, *, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """The hostile server on a loop of its own, for programs and for real time."""
    loop, ready, done = asyncio.new_event_loop(), threading.Event(), asyncio.Event()

    async def main() -> None:
        async with serving(server, tls=tls, linger=0.0):
            ready.set()
            await done.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()))
    thread.start()
    try:
        assert ready.wait(10)
        yield server
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(10)
        loop.close()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    made = Certificates(tmp_path_factory.mktemp("certificates"))
    made.found()
    return made


@pytest.mark.parametrize(
    ("signing", "expected"),
    [
        (Signing("good"), ("applied", "", "1")),  # or the others would prove nothing
        (Signing("own", by="own"), ("failed", "unreachable", "2")),  # self-signed
        (Signing("other", host="api.example.com"), ("failed", "unreachable", "2")),  # another host's
        (Signing("old", days=-1), ("failed", "unreachable", "2")),  # expired
    ],
)
def test_nothing_is_sent_over_tls_that_cannot_be_trusted(
    signing: Signing, expected: tuple[str, str, str], place: Path, certificates: Certificates
) -> None:
    server = Server()
    server.truth.records[key(1)] = Record()
    with in_thread(server, tls=certificates.signed(signing)):
        desk = Desk(place, Address(server.url, "made-up", "", ""))
        desk.write([(key(1), "new")])
        arguments = desk.apply_arguments("--blind", "--canary", "0", "--max-attempts", "2")
        ran = ended(desk.start(*arguments, also={"SSL_CERT_FILE": str(certificates.authority)}))
    (result,) = desk.results()
    assert (result["__status"], result["__reason"], result["__attempts"]) == expected, ran
    assert len(server.truth.ledger) == (expected[0] == "applied")
