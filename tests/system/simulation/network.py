"""A network in memory on the virtual-time loop: bytes arrive in order and at once, or never.

The client and the server above it are the real ones. Kernel sockets would do, but for two things: their news come when
the kernel likes, so that a busy machine changes the story of a seed; and nobody can cut or listen to them.
"""

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tests.virtual_time import VirtualTimeLoop

_METHODS = frozenset({b"PATCH", b"PUT", b"GET", b"POST"})

LONGEST = 40_000.0
"""Seconds after which a story counts as one that never ends."""


class Weather(StrEnum):
    """What the network does to everybody."""

    FAIR = "fair"
    REFUSING = "refuses connections"
    UNREACHABLE = "lets nothing through"
    DEAF = "loses requests"
    MUTE = "loses replies"


class Stuck(Exception):
    """Everybody waits for something that will never happen."""


@dataclass(eq=False, slots=True)
class Client:
    """A process on the client's side: its connections die with it."""

    number: int
    dead: bool = False


CLIENT: ContextVar[Client] = ContextVar("client")
"""Which process the running task belongs to."""


@dataclass(slots=True)
class Flight:
    """An update that left the client. `began` and `ended` count the network's events, since many share an instant.

    Attributes:
        client: number of the process.
        body: what was sent.
        at: loop time at which it left.
        status: of the reply that reached the client, 0 when none did.
    """

    client: int
    target: str
    body: bytes
    at: float
    began: int
    ended: int | None = None
    status: int = 0


class Network(VirtualTimeLoop):
    """An event loop whose connections never leave it.

    Attributes:
        flights: every update, in the order they left.
        is_update: whether a request is one, by its method and its target.
        on_event: is told when a request leaves (its method; an update as `PATCH`) or a reply arrives (`reply`).
    """

    def __init__(self) -> None:
        super().__init__()
        self.weather = Weather.FAIR
        self.quiet, self._other_end = socket.socketpair()  # where transports are asked for a socket: nothing ever comes
        self.flights: list[Flight] = []
        self.is_update: Callable[[str, str], bool] = lambda method, _: method == "PATCH"
        self.on_event: Callable[[str], None] = lambda _: None
        self._servers: dict[int, Callable[[], asyncio.Protocol]] = {}
        self._dialled: dict[socket.socket, int] = {}
        self._wires: list[_Wire] = []
        self._events = 0

    def close(self) -> None:
        super().close()
        self.quiet.close()
        self._other_end.close()

    def event(self) -> int:
        """The number of one more event."""
        self._events += 1
        return self._events

    def turn(self, weather: Weather) -> None:
        """Change the weather; connections do not outlive refusals."""
        self.weather = weather
        if weather is Weather.REFUSING:
            for wire in self._live():
                wire.break_off()

    def kill(self, client: Client, *, silently: bool) -> None:
        """End a process: nothing of it leaves any more. A machine that loses power does not even say so."""
        client.dead = True
        for wire in self._live():
            if wire.client is client:
                wire.sever(told=not silently)

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        if self.weather is Weather.UNREACHABLE:
            await asyncio.Event().wait()
        if self.weather is Weather.REFUSING or CLIENT.get().dead or address[1] not in self._servers:
            raise ConnectionRefusedError(111, "Connection refused")
        self._dialled[sock] = address[1]

    async def create_connection(self, protocol_factory: Any, *_: Any, sock: Any = None, **__: Any) -> Any:
        wire = _Wire(self, CLIENT.get(), sock)
        here, there = protocol_factory(), self._servers[self._dialled.pop(sock)]()
        wire.connect(here, there)
        self._wires.append(wire)
        return wire.near, here

    async def create_server(self, protocol_factory: Any, *_: Any, sock: Any = None, **__: Any) -> Any:
        port = sock.getsockname()[1]
        self._servers[port] = protocol_factory
        return _Server(self._servers, port)

    def _select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None or self.time() > LONGEST:
            raise Stuck
        return super()._select(timeout)

    def _live(self) -> "list[_Wire]":
        self._wires = [wire for wire in self._wires if not wire.near.lost]
        return self._wires


@dataclass(slots=True)
class _Server:
    """What `create_server` returns."""

    servers: dict[int, Any]
    port: int
    sockets: tuple[()] = ()

    def close(self) -> None:
        self.servers.pop(self.port, None)

    async def wait_closed(self) -> None:
        """It is closed at once."""


class _Wire:
    """One connection. `near` is the client's end, `far` the server's."""

    def __init__(self, network: Network, client: Client, sock: socket.socket) -> None:
        self.network, self.client = network, client
        self.near, self.far = _End(self, sock), _End(self, None)
        self.severed = False
        self._flight: Flight | None = None
        self._answered: tuple[Flight, float] | None = None

    def connect(self, here: asyncio.Protocol, there: asyncio.Protocol) -> None:
        self.near.set_protocol(here)
        self.far.set_protocol(there)
        here.connection_made(self.near)
        there.connection_made(self.far)

    def carries(self, end: "_End", data: bytes) -> bool:
        """Note what passes; False when it gets lost, and with it all that would follow."""
        if self.severed:
            return False
        self._note(end, data)
        if self.severed:  # what was told of it killed the process, right after its bytes had left
            return True
        weather, leaves = self.network.weather, end is self.near
        lost = Weather.DEAF if leaves else Weather.MUTE
        if weather in {Weather.UNREACHABLE, lost}:
            self.severed = True
            self._cut_short()
            return False
        return True

    def landed(self) -> None:
        """The connection is over; so is what was in flight on it."""
        if self._flight is not None and self._flight.ended is None:
            self._flight.ended = self.network.event()
        self._flight = None

    def break_off(self) -> None:
        """Reset, for both."""
        self._cut_short()
        for end in (self.near, self.far):
            self.network.call_soon(end.lose, ConnectionResetError(104, "Connection reset by peer"))

    def sever(self, *, told: bool) -> None:
        """The client is gone; the server is told, or is not."""
        self.severed = True
        self.landed()
        if told:
            self.network.call_soon(self.far.lose, ConnectionResetError(104, "Connection reset by peer"))

    def _note(self, end: "_End", data: bytes) -> None:
        method = data[: data.find(b" ")] if end is self.near else b""
        if method in _METHODS:
            network, name = self.network, method.decode()
            head, _, body = data.partition(b"\r\n\r\n")
            target = head.split(b" ", 2)[1].decode()
            if network.is_update(name, target):
                self._flight = Flight(self.client.number, target, body, network.time(), network.event())
                network.flights.append(self._flight)
                name = "PATCH"
            network.on_event(name)

    def arrived(self, data: bytes) -> None:
        """Bytes of a reply have reached the client."""
        flight = self._flight
        if flight is not None and data.startswith(b"HTTP/1.1 "):
            flight.status = int(data[9:12])
            self._answered = flight, self.network.time()
            self.landed()
            self.network.on_event("reply")

    def _cut_short(self) -> None:
        """The line is lost in the instant of a reply, whose rest may not have come."""
        if self._answered is not None and self._answered[1] == self.network.time():
            self._answered[0].status = 0


class _End(asyncio.Transport):
    """One end of a wire, as the protocols on it see it."""

    def __init__(self, wire: _Wire, sock: socket.socket | None) -> None:
        super().__init__({"peername": ("127.0.0.1", 0), "socket": wire.network.quiet})
        self.lost = False
        self._wire, self._sock = wire, sock
        self._closing = self._paused = False
        self._waiting: deque[bytes | None] = deque()
        self._protocol: Any = None

    @property
    def _peer(self) -> "_End":
        return self._wire.far if self is self._wire.near else self._wire.near

    def set_protocol(self, protocol: Any) -> None:
        self._protocol = protocol

    def get_protocol(self) -> Any:
        return self._protocol

    def is_closing(self) -> bool:
        return self._closing

    def write(self, data: Any) -> None:
        taken = bytes(data)
        if taken and not self._closing and self._wire.carries(self, taken):
            self._wire.network.call_soon(self._peer.deliver, taken)

    def writelines(self, list_of_data: Any) -> None:
        self.write(b"".join(list_of_data))

    def close(self) -> None:
        self._end(lambda: self._peer.deliver(None))

    def abort(self) -> None:
        self._end(lambda: self._peer.lose(ConnectionResetError(104, "Connection reset by peer")))

    def pause_reading(self) -> None:
        self._paused = True

    def resume_reading(self) -> None:
        self._paused = False
        while self._waiting and not self._paused:
            self._take(self._waiting.popleft())

    def is_reading(self) -> bool:
        return not self._paused

    def get_write_buffer_size(self) -> int:
        return 0

    def deliver(self, data: bytes | None) -> None:
        """Bytes from the other side; None is its orderly end."""
        if self.lost:
            return
        if data is not None and self is self._wire.near:
            self._wire.arrived(data)
        if self._paused:
            self._waiting.append(data)
        else:
            self._take(data)

    def lose(self, error: Exception | None) -> None:
        """The connection is over."""
        if self.lost:
            return
        self.lost = self._closing = True
        self._wire.landed()
        self._protocol.connection_lost(error)
        if self._sock is not None:
            self._sock.close()

    def _take(self, data: bytes | None) -> None:
        if data is not None:
            self._protocol.data_received(data)
        elif not self._closing and not self._protocol.eof_received():
            self.close()

    def _end(self, tell: Callable[[], None]) -> None:
        if self._closing:
            return
        self._closing = True
        network = self._wire.network
        network.call_soon(self.lose, None)
        if not self._wire.severed:
            network.call_soon(tell)
