"""Access tokens: one shared by every caller, replaced only when it is over, told with its remaining life."""

import base64
import json
from random import Random
from typing import Final
from urllib.parse import parse_qsl

from worker.sandbox.jsonapi import JSON, Problem, Reply, dumps, json_reply
from worker.sandbox.settings import SandboxSettings

_SCOPE: Final = "market:all"
_NO_STORE: Final = {"Cache-Control": "no-store"}

INVALID_TOKEN: Final = Problem(401, "INVALID_TOKEN", "Invalid token", "The access token is missing, unknown or over.")


class TokenIssuer:
    """Issues and checks the sandbox's one current token.

    Args:
        settings: credential, life and mode of the tokens.
        offset: seconds since 1970 minus loop time.
    """

    def __init__(self, settings: SandboxSettings, offset: float) -> None:
        self._settings = settings
        self._offset = offset
        self._dice = Random(f"tokens:{settings.random_seed}")
        self._token = ""
        self._issued = 0.0
        self._settled = 0.0
        self._renews = False

    def current(self, now: float) -> str:
        """Return the token that is valid now, a new one if the last has ended."""
        if not self._lives(now):
            self._settled = now + self._settings.strange.token_settles if self._renews else now
            self._renews = True
            self._issued = now
            self._token = self._signed(now + self._offset)
        return self._token

    def accepts(self, authorization: str, now: float) -> bool:
        """Return whether an Authorization header carries the current token."""
        scheme, _, token = authorization.partition(" ")
        return scheme.lower() == "bearer" and self._lives(now) and token == self._token and now >= self._settled

    def end(self) -> None:
        """Make the current token invalid from now on, as if it were expired or revoked."""
        self._token = ""

    def grant(self, content_type: str, body: bytes, now: float) -> Reply:
        """Answer a token request, form or JSON: client credentials only."""
        form = _form(content_type, body)
        if form is None or "grant_type" not in form:
            return _refused(400, "invalid_request", "The request is missing a required parameter.")
        if form["grant_type"] != "client_credentials":
            return _refused(400, "unsupported_grant_type", "The authorization grant type is not supported.")
        if (form.get("client_id"), form.get("client_secret")) != (
            self._settings.client_id,
            self._settings.client_secret,
        ):
            return _refused(401, "invalid_client", "Client authentication failed.")
        return json_reply(200, self._granted(now), "application/json").with_headers(_NO_STORE)

    def _granted(self, now: float) -> dict[str, JSON]:
        token = self.current(now)
        return {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": int(self._issued + self._settings.token_ttl - now),
            "scope": _SCOPE,
            "created_at": int(self._issued + self._offset),
        }

    def _lives(self, now: float) -> bool:
        life = self._settings.strange.token_life
        told = self._settings.token_ttl
        return bool(self._token) and now < self._issued + (told if life is None else min(told, life))

    def _signed(self, issued: float) -> str:
        """Make a token of JWT form. The signature is random: nobody in the sandbox checks it."""
        payload: dict[str, JSON] = {
            "organization": {"id": "sandboxOrg", "slug": "sandbox"},
            "application": {"id": "sandboxApp", "kind": "integration", "public": False},
            "test": self._settings.mode == "test",
            "scope": _SCOPE,
            "iat": int(issued),
            "exp": int(issued + self._settings.token_ttl),
            "rand": self._dice.random(),
        }
        parts = dumps({"alg": "RS512", "typ": "JWT"}), dumps(payload), self._dice.randbytes(64)
        return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def _form(content_type: str, body: bytes) -> dict[str, JSON] | None:
    """Return the members of a token request; None if it cannot be read."""
    try:
        if content_type.partition(";")[0].strip() == "application/json":
            parsed = json.loads(body)
            return parsed if isinstance(parsed, dict) else None
        return dict(parse_qsl(body.decode("ascii")))
    except ValueError:
        return None


def _refused(status: int, error: str, description: str) -> Reply:
    body: JSON = {"error": error, "error_description": description}
    return json_reply(status, body, "application/json").with_headers(_NO_STORE)
