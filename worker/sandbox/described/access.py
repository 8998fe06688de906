"""Who may use a described API: made-up credentials of its scheme, and its token endpoint."""

import base64
import hmac
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit

from jobs.apis.description.model import AuthDescription
from jobs.apis.description.templates import template
from worker.sandbox.described.pointers import steps_to, store
from worker.sandbox.jsonapi import Reply, json_reply
from worker.sandbox.settings import SandboxSettings
from worker.sandbox.tokens import TokenIssuer

TOKEN: Final = "sandbox-token"  # noqa: S105  # made up; it opens nothing but the sandbox
API_KEY: Final = "sandbox-api-key"
USERNAME: Final = "sandbox-user"
PASSWORD: Final = "sandbox-password"  # noqa: S105  # made up, too

_FORM: Final = "application/x-www-form-urlencoded"


class Access:
    """Checks credentials, and issues tokens.

    Args:
        auth: the scheme, as the description says it.
        settings: client credentials and life of tokens.
        values: of variables, by name.
        origin: of the sandbox, which is where variables of the token's reply lead.
        offset: seconds since 1970 minus loop time.
    """

    def __init__(
        self, auth: AuthDescription, settings: SandboxSettings, values: Mapping[str, str], origin: str, offset: float
    ) -> None:
        self._auth = auth
        self._settings = settings
        self._values = values
        self._origin = origin
        self._tokens = TokenIssuer(settings, offset)

    @property
    def token_path(self) -> str:
        """Path of the token endpoint; empty where there is none."""
        if self._auth.type != "oauth2_client_credentials":
            return ""
        rest = template(self._auth.token_url).fill({**dict.fromkeys(self._names(), "x"), **self._values})
        return urlsplit(rest if "://" in rest else f"http://{rest}").path or "/"

    def announcement(self) -> dict[str, str]:
        """Return the credentials, by the names of the environment in small letters."""
        match self._auth.type:
            case "bearer":
                return {"token": TOKEN}
            case "basic":
                return {"username": USERNAME, "password": PASSWORD}
            case "api_key":
                return {"api_key": API_KEY}
            case "oauth2_client_credentials":
                client = {"client_id": self._settings.client_id, "client_secret": self._settings.client_secret}
                return {**client, "auth_url": self._origin}
        return {}

    def accepts(self, headers: Mapping[str, str], now: float) -> bool:
        """Return whether a request carries a credential of the scheme."""
        given = headers.get(self._auth.header, "")
        prefix = self._auth.prefix
        match self._auth.type:
            case "none":
                return True
            case "basic":
                return hmac.compare_digest(given.encode(), _basic(USERNAME, PASSWORD).encode())
            case "api_key":
                return hmac.compare_digest(given.encode(), f"{prefix or ''}{API_KEY}".encode())
        prefix = "Bearer " if prefix is None else prefix
        if not given.startswith(prefix):
            return False
        token = given[len(prefix) :]
        if self._auth.type == "bearer":
            return hmac.compare_digest(token.encode(), TOKEN.encode())
        return self._tokens.accepts(f"Bearer {token}", now)

    def expire(self) -> None:
        """End the life of the current token of client credentials."""
        self._tokens.end()

    def grant(self, headers: Mapping[str, str], body: bytes, now: float) -> Reply:
        """Answer a request for a token: of the form that the description says, with all that it says."""
        form = self._read(headers.get("Content-Type", ""), body)
        if form is None:
            return _refused("invalid_request", "The request has another form.")
        client = form.get("client_id", ""), form.get("client_secret", "")
        if self._auth.client_auth == "basic":
            if "client_secret" in form:
                return _refused("invalid_request", "The client's secret belongs into the header.")
            client = _client(headers.get("Authorization", ""))
        wanted = {name: template(text).fill(self._values) for name, text in self._auth.params.items()}
        if self._auth.scopes:
            wanted["scope"] = " ".join(template(scope).fill(self._values) for scope in self._auth.scopes)
        for name, value in wanted.items():
            if form.get(name) != value:
                return _refused("invalid_scope" if name == "scope" else "invalid_request", f"{name} is not {value}.")
        asked = {"grant_type": form.get("grant_type", ""), "client_id": client[0], "client_secret": client[1]}
        reply = self._tokens.grant(_FORM, urlencode(asked).encode(), now)
        return self._with_variables(reply) if reply.status == 200 else reply

    def _read(self, media: str, body: bytes) -> dict[str, str] | None:
        """Return the members of a request for a token; None if it has another form."""
        wanted = "application/json" if self._auth.request == "json" else _FORM
        if media.partition(";")[0].strip() != wanted:
            return None
        try:
            found: Any = json.loads(body) if self._auth.request == "json" else dict(parse_qsl(body.decode("ascii")))
        except ValueError:
            return None
        return found if isinstance(found, dict) else None

    def _with_variables(self, reply: Reply) -> Reply:
        document = json.loads(reply.body)
        for pointer in self._auth.variables.values():
            store(document, steps_to(pointer), self._origin)
        return json_reply(200, document, "application/json").with_headers(reply.headers)

    def _names(self) -> tuple[str, ...]:
        return template(self._auth.token_url).names


def _basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def _client(header: str) -> tuple[str, str]:
    """Return id and secret of a client from its header (RFC 6749, 2.3.1: both are form-encoded first)."""
    scheme, _, encoded = header.partition(" ")
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return (unquote_plus(user), unquote_plus(password)) if scheme.lower() == "basic" else ("", "")


def _refused(error: str, description: str) -> Reply:
    return json_reply(400, {"error": error, "error_description": description}, "application/json")
