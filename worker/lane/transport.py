"""The only module that knows the HTTP client. Foreign exceptions end here: every request has an `Outcome`.

Measured traps that shape this module (aiohttp 3.14): a garbled reply raises `ClientResponseError(status=400)` although
the server may have applied the request; a reset looks the same before and after the server read the request; redirects
are followed unless forbidden; a compressed reply can grow a thousandfold; the client itself sends a GET or a PUT again
whose kept connection broke; and it takes bytes that arrive on an idle connection for the next reply.
"""

import asyncio
import os
import select
import ssl
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, Self
from weakref import WeakKeyDictionary

import aiohttp
import anyio
from aiohttp import payload
from aiohttp.abc import AbstractStreamWriter
from multidict import CIMultiDict
from pydantic import SecretStr
from yarl import URL

from jobs.apis.header_values import unsendable
from jobs.apis.quoting import HIDDEN
from jobs.model import MaybeSent, NotSent, Outcome, Reply, Request
from worker.lane.authority import Headers
from worker.lane.codings import BODY_LIMIT, decoded
from worker.lane.deadlines import Deadline, Deadlines
from worker.lane.network import Route

KEEPALIVE_S: Final = 4.0
"""Seconds an idle connection is kept: fewer than servers keep theirs (Node.js: 5), so that no PATCH races a close."""

CONNECT_TIMEOUT_S: Final = 10.0
"""Maximum seconds to connect: without a connection the request is *not sent*; a total time-out could not tell."""

_DEFAULT_HEADERS: Final = {"User-Agent": "rowpatch", "Accept-Encoding": "identity"}


_KEPT: Final = "x-request-id"
"""The header that is stored as it came: secrets in it are hidden at once; others are masked when quoted."""

_DIRECT: Final = Route()

_NEVER_REPEATED: Final = frozenset({"PATCH", "POST"})
"""Methods that the client itself never sends twice."""


class _Body(payload.BytesPayload):
    """A body that remembers whether it began to leave. Cheaper than trace hooks, and only the body changes a record."""

    left = False

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        self.left = True
        await super().write_with_length(writer, content_length)


class _Lost(aiohttp.ClientError):
    """The connection broke. The client does not send again on this error, as it would on the ones it replaces."""


async def _once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep the client from repeating a request on its own: the limiter has to count and pace every one."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _Lost from error


class _Connector(aiohttp.TCPConnector):
    """Never reuses a connection on which anything has arrived since its last reply.

    Replies of HTTP/1.1 carry no number, and the client takes whatever has arrived for the reply to its next request: a
    second reply, or the 408 with which a load balancer ends an idle connection, would be credited to the wrong row. If
    the connection has been closed, the next request would be lost.
    """

    def __init__(self, *, limit: int, tls: ssl.SSLContext | None) -> None:
        super().__init__(limit=limit, keepalive_timeout=KEEPALIVE_S, ssl=True if tls is None else tls)
        self._polls: WeakKeyDictionary[asyncio.Protocol, select.poll] = WeakKeyDictionary()

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Any],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109  # the base class's name
    ) -> aiohttp.connector.Connection:
        while True:
            connection = await super().connect(req, traces, timeout)
            protocol, transport = connection.protocol, connection.transport
            if protocol is None or transport is None:
                connection.close()
                continue
            poll = self._polls.get(protocol)
            if poll is None:
                poll = self._polls[protocol] = select.poll()
                poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
                return connection
            # Nothing has arrived, whether the event loop has read it yet or not.
            if not (protocol.should_close or poll.poll(0)):
                return connection
            connection.close()


class Transport:
    """Keep-alive connections to one origin."""

    def __init__(
        self, origin: str, *, timeout: float, connections: int, route: Route = _DIRECT, is_quotable: bool = True
    ) -> None:
        """Prepare; nothing is opened before the first request.

        Args:
            origin: scheme, host and port, checked by the settings.
            timeout: seconds for a whole request, including its reply.
            connections: open at once, at most.
            route: to the origin.
            is_quotable: the words of its replies may be shown.
        """
        self._origin = URL(origin)
        self._route = route
        self._is_quotable = is_quotable
        self._tunnelled = origin.startswith("https:")
        self._for_proxy = _authorising(route.proxy_auth) if route.proxy_auth else {}
        self._timeout = timeout
        self._connections = connections
        self._connector: _Connector | None = None
        self._deadlines: Deadlines | None = None
        self._sessions: dict[tuple[tuple[str, str], ...], aiohttp.ClientSession] = {}

    async def __aenter__(self) -> Self:
        """Get ready to connect."""
        self._connector = _Connector(limit=self._connections, tls=self._route.tls)
        self._deadlines = Deadlines(asyncio.get_running_loop(), self._timeout)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close all connections."""
        if self._connector is not None:
            with anyio.CancelScope(shield=True):
                for session in self._sessions.values():
                    await session.close()
                await self._connector.close()

    async def send(self, request: Request, headers: Headers, within: float | None = None) -> Outcome:
        """Send one request and read its reply; raise nothing but cancellation.

        Args:
            request: to send.
            headers: besides the default ones and those of the request itself.
            within: seconds to allow, if fewer than for other requests.
        """
        if self._deadlines is None:
            raise RuntimeError("the transport is not open")
        if request.headers and (why := _refused(request.headers, headers)):
            return NotSent(why)
        body = _Body(request.body) if request.body else None
        url = self._url(request.target)
        middlewares = () if request.method in _NEVER_REPEATED else (_once,)
        deadline = self._deadlines.begin(within)
        try:
            response = await self._session(headers).request(
                request.method,
                url,
                data=body,
                headers=self._own_headers(request, headers),
                allow_redirects=False,
                middlewares=middlewares,
                proxy_headers=self._for_proxy if self._tunnelled else None,
            )
            reply = await _read(response, deadline, headers.permit.secrets, is_quotable=self._is_quotable)
            return _checked(reply, body)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError) as error:
            return NotSent(_connecting(error))
        except asyncio.CancelledError:
            if not deadline.has_cancelled():
                raise
            return _broken(TimeoutError(), body)
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            return _broken(error, body)
        finally:
            deadline.end()

    def _url(self, target: str) -> URL:
        """Build the URL from a path and perhaps a query; without a query that takes a third of the time."""
        path, mark, query = target.partition("?")
        url = self._origin.with_path(path, encoded=True)
        return URL(f"{url}?{query}", encoded=True) if mark else url

    def _own_headers(self, request: Request, headers: Headers) -> Mapping[str, str] | None:
        """Return the headers that go with the request and not with its session, which has the common ones."""
        if not self._route.proxy:
            return request.headers or None
        together = CIMultiDict(headers.fields)
        together.update(request.headers)
        return together

    def _session(self, headers: Headers) -> aiohttp.ClientSession:
        """Return a session with these headers as defaults: to merge them into each request would cost 6 us.

        Behind a proxy they stay with the request: the client sends a session's headers with its CONNECT too, where the
        proxy would see them.
        """
        key = () if self._route.proxy else headers.fields
        session = self._sessions.get(key)
        if session is None:
            session = self._sessions[key] = self._new_session(dict(key))
        return session

    def _new_session(self, headers: Mapping[str, str]) -> aiohttp.ClientSession:
        """Open a session that shares its connections with all others."""
        own = {**_DEFAULT_HEADERS, **({} if self._tunnelled else self._for_proxy), **headers}
        return aiohttp.ClientSession(
            connector=self._connector,
            connector_owner=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=own,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=min(CONNECT_TIMEOUT_S, self._timeout)),
            auto_decompress=False,
            proxy=self._route.proxy or None,
            trust_env=False,
        )


def _checked(reply: Reply, body: _Body | None) -> Reply:
    """Return the reply, after a check that sent and not sent can still be told apart.

    Raises:
        RuntimeError: a success for a body that has not left as far as `_Body` knows: the client bypasses it.
    """
    if body is not None and not body.left and reply.status < 300:
        raise RuntimeError("aiohttp sends bodies in a way that is not watched: what left cannot be told")
    return reply


def _refused(own: Mapping[str, str], headers: Headers) -> str:
    """Return why a request cannot have these headers of its own; empty if it can."""
    credential = headers.permit.header.lower()
    if credential and any(name.lower() == credential for name in own):
        return f"the header {headers.permit.header} cannot be set: it holds the credential"
    return unsendable(own)


def _broken(error: Exception, body: _Body | None) -> Outcome:
    """Return the outcome of a request without a reply: one without a body may have left, whatever its method."""
    left = body is None or body.left
    return _ambiguous(error) if left else NotSent(_connecting(error))


async def _read(
    response: aiohttp.ClientResponse, deadline: Deadline, secrets: tuple[str, ...], *, is_quotable: bool
) -> Reply:
    """Read a reply; return its connection to the pool after the whole body, and close it if the body broke off."""
    chunks: list[bytes] = []
    size = 0
    complete = False
    content = response.content
    try:
        while not content.at_eof():
            chunk = await content.readany()
            chunks.append(chunk)
            size += len(chunk)
            if size > BODY_LIMIT:
                break
        else:
            complete = True
    except asyncio.CancelledError:
        if not deadline.has_cancelled():
            raise
    except (TimeoutError, aiohttp.ClientError, OSError):
        pass  # report the partial body as incomplete
    finally:
        if not complete:
            response.close()
    headers = _headers(response, secrets)
    body, coding = b"".join(chunks), headers.get("content-encoding")
    if coding:
        body, whole = decoded(body, coding)
        complete = complete and whole
    return Reply(response.status, headers, body, complete, secrets, is_quotable)


def _headers(response: aiohttp.ClientResponse, secrets: tuple[str, ...]) -> dict[str, str]:
    headers = {name.lower(): value for name, value in response.headers.items()}
    if len(headers) < len(response.headers):
        for name in headers:
            headers[name] = ", ".join(response.headers.getall(name))
    for secret in secrets:
        if secret in headers.get(_KEPT, ""):
            headers[_KEPT] = headers[_KEPT].replace(secret, HIDDEN)
    return headers


def _authorising(pair: SecretStr) -> dict[str, str]:
    """Return the proxy's credential: sent with CONNECT and never inside the tunnel; in plain http with the request."""
    user, _, password = pair.get_secret_value().partition(":")
    return {"Proxy-Authorization": aiohttp.encode_basic_auth(user, password)}


def _ambiguous(error: Exception) -> MaybeSent:
    if isinstance(error, asyncio.TimeoutError):
        return MaybeSent("timed_out", "no reply in time")
    if isinstance(error, aiohttp.ClientResponseError | aiohttp.ClientPayloadError):
        return MaybeSent("reply_garbled", "the reply was not HTTP, or broke off in its headers")
    return MaybeSent("reply_lost", "the connection broke before a reply came")


def _connecting(error: Exception) -> str:
    """Say why the request was not sent, without quoting anything a server wrote."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            said = f"cannot resolve {error.host}"
        case aiohttp.ClientConnectorCertificateError():
            fault = getattr(error.certificate_error, "verify_message", "")  # OpenSSL's words
            said = f"no trusted TLS connection to {error.host}" + (f": {fault.rstrip('.')}" if fault else "")
        case aiohttp.ClientConnectorSSLError():
            said = f"no trusted TLS connection to {error.host}"
        case aiohttp.ClientHttpProxyError():
            hint = ": set ROWPATCH_PROXY_AUTH" if error.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED else ""
            said = f"the proxy made no connection, it answered {error.status}{hint}"
        case aiohttp.ClientProxyConnectionError():
            said = f"cannot connect to the proxy: {_in_words(error.os_error)}"
        case aiohttp.ClientConnectorError():
            said = f"cannot connect to {error.host}:{error.port}: {_in_words(error.os_error)}"
        case TimeoutError():
            said = "no connection in time"
        case _:
            said = "the connection broke before the request left"
    return said


def _in_words(error: OSError) -> str:
    """Return the system's words, without the address that the event loop puts in their place."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or "refused"
