"""The route to the API and to the token endpoint: trusted certificates, and the proxy."""

import ssl
from dataclasses import field
from pathlib import Path

from pydantic import SecretStr

from jobs.values import valueclass
from worker.settings import ConfigError, Secrets, Settings, is_loopback


@valueclass(frozen=True, slots=True)
class Route:
    """The route to a server. Proxies named in the environment are never used.

    Attributes:
        tls: checks certificates; None to check them against the system's authorities.
        proxy: its origin; empty for none.
        proxy_auth: `user:password` for the proxy.
    """

    tls: ssl.SSLContext | None = field(default=None, repr=False)
    proxy: str = ""
    proxy_auth: SecretStr | None = None


def route_of(settings: Settings, secrets: Secrets) -> Route:
    """Return the route that a run takes.

    Raises:
        ConfigError: the authorities cannot be read, or the token would leave this machine unencrypted.
    """
    connecting = settings.connecting
    for url in (settings.target.url, *([secrets.auth_url] if secrets.renewable else [])):
        refuse_in_the_clear(url, connecting.proxy)
    tls = _trusting(connecting.ca_file) if connecting.ca_file else None
    return Route(tls, connecting.proxy, secrets.proxy_auth if connecting.proxy else None)


def refuse_in_the_clear(url: str, proxy: str) -> None:
    """Check that a credential on its way to `url` passes no proxy that could read it.

    Raises:
        ConfigError: it would.
    """
    if proxy and not is_loopback(proxy) and url.startswith("http:"):
        raise ConfigError(f"Refusing {url} through a proxy: the token would travel in the clear. Use https.")


def _trusting(ca_file: str) -> ssl.SSLContext:
    """Trust the authorities in a file besides the system's own."""
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
