"""A notice by a POST to an address that is itself a secret: it is never shown, and redirects are not followed."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

import anyio
from pydantic import SecretStr

from jobs.model import NotSent, Outcome, Reply, Request
from jobs.values import valueclass
from worker.lane.authority import Headers
from worker.lane.network import Route, refuse_in_the_clear
from worker.lane.transport import Transport
from worker.settings import ConfigError, checked_origin

TIME_LIMIT_S: Final = 10.0
"""Seconds that one try may take."""

PAUSE_S: Final = 2.0
"""Seconds between the first try and the only repetition."""

_HEADERS: Final = Headers((("Content-Type", "application/json"),))
_DIRECT: Final = Route()


@valueclass(frozen=True, slots=True)
class Webhook:
    """Where to POST to. Exactly one of `url_file` and `url_env` is given.

    Attributes:
        url_file: file that holds the address.
        url_env: variable of the environment that holds it.
        style: `json` sends the digest; `text` sends it as one text, `{"text": ...}`, the form that chat services take.
    """

    url_file: Path | None = None
    url_env: str = ""
    style: Literal["json", "text"] = "json"


def address(webhook: Webhook, environment: Mapping[str, str]) -> SecretStr:
    """Return the address of a webhook, checked: https, or a server on this machine.

    Raises:
        ConfigError: it is not there, or cannot be used. The message names its place and does not show it.
    """
    if webhook.url_file is None:
        place, found = f"the variable {webhook.url_env}", environment.get(webhook.url_env, "")
    else:
        place = str(webhook.url_file)
        try:
            found = webhook.url_file.read_text(encoding="utf-8")
        except (OSError, UnicodeError) as error:
            raise ConfigError(f"Cannot read {place}: {getattr(error, 'strerror', 'it is no text')}.") from None
    url = found.strip()
    try:
        parts = urlsplit(url)
        checked_origin(f"{parts.scheme}://{parts.netloc}")
    except (ConfigError, ValueError):
        parts = None
    if parts is None or not url.isascii() or not url.isprintable() or " " in url:
        raise ConfigError(f"The address in {place} cannot be used. Write one like https://hooks.example.com/path")
    return SecretStr(url)


async def post(to: SecretStr, document: Mapping[str, object], route: Route = _DIRECT, pause: float = PAUSE_S) -> str:
    """POST a document as JSON, a second time if that may help.

    Args:
        to: checked by `address`.
        document: to send.
        route: proxy and authorities.
        pause: seconds between the two tries.

    Returns:
        Why it failed, without the address or what the server replied; empty if it did not.
    """
    parts = urlsplit(to.get_secret_value())
    origin = checked_origin(f"{parts.scheme}://{parts.netloc}")
    try:
        refuse_in_the_clear(origin, route.proxy)
    except ConfigError:
        return "a proxy could read the address on its way"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    request = Request("POST", target, json.dumps(document).encode())
    async with Transport(origin, timeout=TIME_LIMIT_S, connections=1, route=route) as transport:
        outcome = await transport.send(request, _HEADERS)
        if _may_pass(outcome):
            await anyio.sleep(pause)
            outcome = await transport.send(request, _HEADERS)
    return _why(outcome)


def _may_pass(outcome: Outcome) -> bool:
    """Return whether the same request may succeed a moment later."""
    return not isinstance(outcome, Reply) or outcome.status == 429 or outcome.status >= 500


def _why(outcome: Outcome) -> str:
    match outcome:
        case Reply(status=status):
            return "" if 200 <= status < 300 else f"the server replied with status {status}"
        case NotSent():
            return "the server cannot be reached"
        case _:
            return "the server did not reply"
