"""A raw-socket HTTP/1.1 server that commits one evil per request where it is told to, and keeps the truth of it."""

import asyncio
import json
import select
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from random import Random
from typing import Any

from tests.system.hostile.temper import CALM, Temper
from tests.system.hostile.truth import Asked, Seen, Truth
from tests.system.hostile.view import View

JSON_API = b"Content-Type: application/vnd.api+json"


class Stage(Enum):
    """How much of a request has been read when the evil strikes."""

    ACCEPT = "nothing"
    HEAD = "its head"
    BODY = "all of it"


@dataclass(slots=True)
class Exchange:
    """One request on its connection, with what an evil needs.

    Attributes:
        document: the honest answer, claiming that the request was carried out whether it was or not.
        stale: the record before the request, where it is about a single one.
        elsewhere: origin that nobody may be sent to.
        answered: to be called by an evil that goes on after a whole reply; the request is no longer in flight then.
        poured: bytes written so far.
    """

    asked: Asked
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    document: dict[str, Any]
    stale: dict[str, Any]
    elsewhere: str
    answered: Callable[[], None]
    poured: int = 0

    @property
    def body(self) -> bytes:
        """The honest answer as bytes."""
        return json.dumps(self.document).encode()

    @property
    def reply(self) -> bytes:
        """The honest answer on the wire."""
        return http(200, self.body, JSON_API)

    async def write(self, data: bytes) -> None:
        """Write, unless the client is gone."""
        try:
            self.writer.write(data)
            self.poured += len(data)
            await self.writer.drain()
        except ConnectionError:
            self.writer.close()

    def reset(self) -> None:
        """End the connection with RST."""
        reset(self.writer)

    def close(self) -> None:
        """End the connection with FIN, after what is written."""
        self.writer.close()

    def is_asked_again(self) -> bool:
        """Whether the client's next request has come: what is written from now on looks like the reply to that."""
        poll = select.poll()
        poll.register(self.writer.get_extra_info("socket").fileno(), select.POLLIN)
        return bool(self.reader._buffer or poll.poll(0))  # type: ignore[attr-defined]

    async def pause(self, seconds: float) -> bool:
        """Wait that long, or until the client is gone; whether it is there still."""
        try:
            async with asyncio.timeout(seconds):
                return bool(await self.reader.read(1))
        except TimeoutError:
            return not self.writer.is_closing()
        except ConnectionError:
            return False

    async def gone(self) -> None:
        """Wait until the client is gone; what it still sends is dropped."""
        try:
            while await self.reader.read(65536):
                pass
        except ConnectionError:
            pass
        self.writer.close()


Act = Callable[[Exchange], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Crime:
    """What is to befall one request.

    Attributes:
        applies: whether the server carries it out all the same. `late`: the least seconds until it does.
    """

    name: str
    act: Act
    stage: Stage = Stage.BODY
    applies: bool = False
    late: float = 0.0


Judge = Callable[[Asked, int], Crime | None]
"""Chooses by the request and how often its record was sent (1-based); None for an honest answer."""

HONEST = Crime("", lambda exchange: exchange.write(exchange.reply), applies=True)


def http(status: int | bytes, body: bytes = b"", *headers: bytes, length: bool = True) -> bytes:
    """A reply on the wire; with `length` its Content-Length is told."""
    line = b"HTTP/1.1 %d Said" % status if isinstance(status, int) else status
    told = (b"Content-Length: %d" % len(body),) if length else ()
    return b"\r\n".join((line, *headers, *told, b"", body))


def reset(writer: asyncio.StreamWriter) -> None:
    """RST instead of FIN."""
    sock: socket.socket = writer.get_extra_info("socket")
    if not writer.is_closing():
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@dataclass(slots=True)
class Server:
    """Serves until its block ends.

    Attributes:
        crime: what befalls a request.
        at_accept: whether the n-th connection (0-based) ends before anything is read, and how.
        refusals: status with which this server honestly refuses to update a record, by id.
        latency: seconds before an honest answer.
        temper: its standing habits; `dice` choose within them.
    """

    truth: Truth = field(default_factory=Truth)
    crime: Judge = lambda _asked, _nth: None
    at_accept: Callable[[int], str] = lambda _nth: ""
    refusals: Mapping[str, int] = field(default_factory=dict)
    latency: Callable[[], float] = lambda: 0.0
    temper: Temper = CALM
    dice: Random = field(default_factory=lambda: Random(0))
    url: str = ""
    listener: asyncio.Server | None = None
    elsewhere: str = ""
    strangers: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _due: dict[str, list[tuple[float, Asked]]] = field(default_factory=dict)
    _landing: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.truth.stored = self.temper.stored

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        nth, self.truth.connections = self.truth.connections, self.truth.connections + 1
        self._writers.add(writer)
        try:
            if how := self.at_accept(nth):
                self.truth.killed += 1
                reset(writer) if how == "reset" else writer.close()
            while not writer.is_closing() and await self._exchange(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.LimitOverrunError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def drop_all(self) -> None:
        """End every connection with RST."""
        for writer in tuple(self._writers):
            reset(writer)

    async def meet_stranger(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A connection to the origin that redirects point to: one is too many."""
        self.strangers += 1
        writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        length = next((int(line[15:]) for line in head if line.lower().startswith("content-length:")), 0)
        asked = Asked(method, target)
        truth, ticket = self.truth, object()
        truth.arrivals[asked.id] += method == "PATCH"
        crime = self.crime(asked, truth.arrivals[asked.id]) or HONEST
        if method == "PATCH":
            truth.in_flight.add(ticket)
            truth.most_in_flight = max(truth.most_in_flight, len(truth.in_flight))
        answered = partial(truth.in_flight.discard, ticket)
        try:
            if crime.stage is Stage.BODY:
                asked = Asked(method, target, await reader.readexactly(length))
            view = View(truth, self.temper, self.dice, self.url)
            stale = view.stale(asked) if asked.id else {}
            self._carry_out(asked, crime)
            document = view.echo(asked) if method == "PATCH" else view.read(asked, asyncio.get_running_loop().time())
            exchange = Exchange(asked, reader, writer, document, stale, self.elsewhere, answered)
            try:
                await self._answer(exchange, crime)
            finally:
                truth.most_poured = max(truth.most_poured, exchange.poured)
        finally:
            answered()
        return not writer.is_closing()

    def _carry_out(self, asked: Asked, crime: Crime) -> None:
        """Do what was asked, now or later, if that is to be done, and write it into the ledger."""
        refused = asked.id in self.refusals
        applied = asked.method == "PATCH" and bool(asked.body) and crime.applies and not refused
        now = asyncio.get_running_loop().time()
        queue = self._due.setdefault(asked.id, [])
        lands = max([now + self._lateness(crime), *(moment for moment, _ in queue[-1:])]) if applied else 0.0
        self.truth.ledger.append(Seen(now, asked.method, asked.id, crime.name, applied, asked.wanted, lands))
        if applied and lands > now:
            queue.append((lands, asked))
            task = asyncio.create_task(self._land(asked.id, lands - now))
            self._landing.add(task)
            task.add_done_callback(self._landing.discard)
        elif applied:
            self.truth.apply(asked, now)

    def _lateness(self, crime: Crime) -> float:
        return max(crime.late, self.temper.lateness(self.dice))

    async def _land(self, resource_id: str, seconds: float) -> None:
        """Carry out the change of a record that has waited longest: its changes take effect in their order."""
        await asyncio.sleep(seconds)
        _, asked = self._due[resource_id].pop(0)
        self.truth.apply(asked, asyncio.get_running_loop().time())

    async def settled(self) -> None:
        """Wait for the end of time: everything that will take effect has."""
        while self._landing:
            await asyncio.wait(self._landing)

    async def _answer(self, exchange: Exchange, crime: Crime) -> None:
        if crime is not HONEST:
            await crime.act(exchange)
            return
        if latency := self.latency():
            await asyncio.sleep(latency)
        refused = exchange.asked.method == "PATCH" and exchange.asked.id in self.refusals
        await exchange.write(refusal(self.refusals[exchange.asked.id]) if refused else exchange.reply)


def refusal(status: int, code: str = "REFUSED", *headers: bytes) -> bytes:
    """A JSON:API error."""
    error = {"title": "No", "detail": "it may not be", "code": code, "status": str(status)}
    return http(status, json.dumps({"errors": [error]}).encode(), JSON_API, *headers)


@asynccontextmanager
async def serving(server: Server, *, tls: ssl.SSLContext | None = None, linger: float = 2.0) -> AsyncIterator[Server]:
    """Listen on loopback, and on a second port that nobody may come to.

    Args:
        server: what is served.
        tls: certificate and key, None for plain HTTP.
        linger: seconds at the end for connections to end; then for all that takes effect late.
    """
    main = await asyncio.start_server(server.handle, "127.0.0.1", 0, limit=1 << 20, ssl=tls)
    other = await asyncio.start_server(server.meet_stranger, "127.0.0.1", 0)
    async with main, other:
        server.listener = main
        server.url = f"http{'s' if tls else ''}://127.0.0.1:{main.sockets[0].getsockname()[1]}"
        server.elsewhere = f"http://127.0.0.1:{other.sockets[0].getsockname()[1]}"
        yield server
        await asyncio.sleep(linger)
        await server.settled()
