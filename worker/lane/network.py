"""How servers are reached, the API and the token endpoint alike: whose certificates count, through which proxy."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from worker.settings import ConfigError, Secrets, Settings, is_loopback, origin_of

_LIKE: Final = "http://proxy.example:3128"


@dataclass(frozen=True, slots=True)
class Route:
    """The way to a server. What the environment says of proxies is never used.

    Attributes:
        tls: what certificates are checked against; None for the system's authorities. They are always checked.
        proxy: its origin; empty for none.
        proxy_auth: `user:password` for the proxy.
    """

    tls: ssl.SSLContext | None = field(default=None, repr=False)
    proxy: str = ""
    proxy_auth: SecretStr | None = None


def checked_proxy(url: str) -> str:
    """`url` as the origin of a proxy; `none` takes one back and gives an empty text.

    Raises:
        ConfigError: it is no origin, or holds a password, which everybody could see among the arguments.
    """
    if url.strip() == "none":
        return ""
    if "@" in url:
        raise ConfigError(
            "--proxy: leave out the user and the password, which others could see. Set ROWPATCH_PROXY_AUTH to\n"
            "user:password, or ROWPATCH_PROXY_AUTH_FILE to the name of a file that holds it."
        )
    try:
        return origin_of(url, _LIKE)
    except ConfigError as error:
        raise ConfigError(f"--proxy: {error}") from None


def route_of(settings: Settings, secrets: Secrets) -> Route:
    """The route of a run.

    Raises:
        ConfigError: the authorities cannot be read, or the token would leave this machine in the clear.
    """
    connecting = settings.connecting
    targets = [settings.target.url, *([secrets.auth_url] if secrets.renewable else [])]
    if connecting.proxy and not is_loopback(connecting.proxy):
        for url in targets:
            if url.startswith("http:"):
                raise ConfigError(f"Refusing {url} through a proxy: the token would travel in the clear. Use https.")
    tls = _trusting(connecting.ca_file) if connecting.ca_file else None
    return Route(tls, connecting.proxy, secrets.proxy_auth if connecting.proxy else None)


def _trusting(ca_file: str) -> ssl.SSLContext:
    """Checks certificates against the authorities of the file besides the system's own."""
    context = ssl.create_default_context()
    try:
        context.load_verify_locations(cadata=Path(ca_file).read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        reason = "it holds no certificate in PEM form" if isinstance(error, ssl.SSLError) else error.strerror
    except ValueError:  # an empty file
        reason = "it holds no certificate in PEM form"
    else:
        return context
    raise ConfigError(f"--ca-file: cannot use {ca_file}: {reason}.")
