"""Keycloak users: PUT /admin/realms/{realm}/users/{id}, after client credentials.

Sources: [code] keycloak/keycloak at 008e3d4, services/.../resources/admin/UserResource.java (updateUser,
validateUserProfile, updateUserFromRep); [guide] release notes of 24.0.4 and its upgrading guide (no partial updates of
user attributes); [28220] issues 28220, 19691, 39411; [policy] phasetwo.io/tutorials/users/user-profile (measured:
unmanaged attributes are discarded with a 204); [api] keycloak.org/docs-api REST. "Unverified" marks general knowledge.
"""

import copy
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Literal, Unpack
from urllib.parse import parse_qsl

from tests.system.vendors.base import Call, Common, FakeVendor, Json, Records, Refusal, Reply, Route, basic

REALM, CLIENT_ID, CLIENT_SECRET = "shop", "judge", "madeUpClientSecret"
USERS = f"/admin/realms/{REALM}/users"
_ROOT = ("username", "email", "firstName", "lastName")
_PLAIN = ("enabled", "emailVerified", "requiredActions", "federationLink")  # kept where they are missing: [code]
_SHOWN = (
    *("totp", "notBefore", "access", "disableableCredentialTypes", "createdTimestamp", "id", "credentials", "groups"),
    *("realmRoles", "clientRoles", "origin", "self", "userProfileMetadata", "clientConsents"),
)
_ACTIONS = ("UPDATE_PASSWORD", "VERIFY_EMAIL", "CONFIGURE_TOTP")


def user_id(n: int) -> str:
    """Write the id of the n-th user."""
    return f"00000000-0000-4000-8000-{n:012d}"


def some(count: int) -> dict[str, dict[str, Json]]:
    """Make users."""
    return {
        user_id(n): {
            "id": user_id(n),
            "username": f"user{n}",
            "email": f"user{n}@example.com",
            "firstName": f"First{n}",
            "lastName": f"Last{n}",
            "enabled": True,
            "emailVerified": True,
            "requiredActions": [],
            "createdTimestamp": 1_767_225_600_000,
            "attributes": {"department": ["sales"], "phone": ["1", "2"]},
        }
        for n in range(1, count + 1)
    }


def _error(status: int, **body: Json) -> Refusal:
    return Refusal(Reply(status, body))


class Fake(FakeVendor):
    """One realm."""

    def __init__(
        self,
        records: Records | None = None,
        *,
        managed: Sequence[str] = ("department", "phone"),
        unmanaged: Literal["DISABLED", "ENABLED"] = "DISABLED",
        required: Sequence[str] = (),
        clears: Literal["with_attributes", "always"] = "with_attributes",
        rename: bool = False,
        token_s: float = 60.0,
        **common: Unpack[Common],
    ) -> None:
        """Serve users.

        `clears` tells when a missing name or e-mail is cleared: where `attributes` are sent, as in [code], or always,
        as [28220] tells of 24.0. `required` attributes refuse that. Without `rename` the username stays.
        """
        super().__init__(some(5) if records is None else records, **common)
        self.tokens: dict[str, float] = {}  # and when they end
        self._managed, self._unmanaged, self._required = tuple(managed), unmanaged, tuple(required)
        self._clears, self._rename, self._token_s = clears, rename, token_s

    def routes(self) -> list[Route]:
        return [
            ("POST", "/realms/{realm}/protocol/openid-connect/token", self._token),
            ("GET", "/admin/realms/{realm}/users", self._list),
            ("GET", "/admin/realms/{realm}/users/{id}", self._one),
            ("PUT", "/admin/realms/{realm}/users/{id}", self._update),
        ]

    def is_write(self, call: Call) -> bool:
        return call.method == "PUT"

    def no_route(self, call: Call, allowed: Sequence[str]) -> Reply:
        # There is no PATCH: [api]; the text is unverified.
        return _error(
            *((405,) if allowed else (404,)), error="HTTP 405 Method Not Allowed" if allowed else "Not found"
        ).reply

    async def gate(self, call: Call) -> None:
        if call.args.get("realm", REALM) != REALM:
            raise _error(404, error="Realm not found.")  # unverified
        if not call.path.startswith("/admin"):
            return
        scheme, _, token = call.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or self.tokens.get(token, 0.0) <= self.now():
            raise _error(401, error="HTTP 401 Unauthorized")  # unverified

    async def _token(self, call: Call) -> Reply:
        if call.content_type != "application/x-www-form-urlencoded":
            # A form only: [api]; the status is unverified.
            raise _error(415, error="RESTEASY003065: Cannot consume content type")
        sent = dict(parse_qsl(call.body.decode()))
        if sent.get("grant_type") != "client_credentials":
            raise _error(400, error="unsupported_grant_type", error_description="Unsupported grant_type")
        by_header = call.headers.get("Authorization") == basic(CLIENT_ID, CLIENT_SECRET)
        if not by_header and (sent.get("client_id"), sent.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            text = "Invalid client or Invalid client credentials"
            raise _error(401, error="unauthorized_client", error_description=text)  # unverified text
        token = secrets.token_hex(16)
        self.tokens[token] = self.now() + self._token_s
        # A short life, and no refresh token for this grant (unverified).
        body = {"access_token": token, "expires_in": int(self._token_s), "refresh_expires_in": 0}
        return Reply(200, {**body, "token_type": "Bearer", "not-before-policy": 0, "scope": "profile email"})

    def _render(self, user: dict[str, Json]) -> dict[str, Json]:
        shown = {name: value for name, value in user.items() if value is not None}
        if not shown.get("attributes"):
            shown.pop("attributes", None)  # left out where there are none (unverified)
        rights = {"manage": True, "view": True, "mapRoles": True}
        return {**shown, "totp": False, "disableableCredentialTypes": [], "notBefore": 0, "access": rights}

    def _key(self, call: Call) -> str:
        if call.args["id"] not in self.records:
            raise _error(404, error="User not found")
        return call.args["id"]

    async def _one(self, call: Call) -> Reply:
        return Reply(200, self._render(self.shown(self._key(call)) or {}))

    async def _list(self, call: Call) -> Reply:
        # username, email, with exact; first and max: [api]. There is no reading of many by ids.
        users = [shown for key in self.records if (shown := self.shown(key))]
        exact = call.query.get("exact") == "true"
        for name in (name for name in ("username", "email") if name in call.query):
            wanted = call.query[name].lower()
            users = [u for u in users if (u[name] == wanted if exact else wanted in (u[name] or ""))]
        start, size = int(call.query.get("first", 0)), int(call.query.get("max", 100))
        return Reply(200, [self._render(user) for user in users[start : start + size]])

    async def _update(self, call: Call) -> Reply:
        key = self._key(call)
        sent = self._body(call)
        after = self._merged(self.records[key], sent)
        self._validate(key, after)
        self._unique(key, after)
        self.write(call, key, after)
        return Reply(204)  # no content: [code]

    def _body(self, call: Call) -> dict[str, Json]:
        if call.content_type != "application/json":
            raise _error(415, error="RESTEASY003065: Cannot consume content type")  # unverified
        try:
            sent = call.json()
        except ValueError:
            raise _error(400, error="unable to read contents from stream") from None  # unverified
        if not isinstance(sent, dict):
            raise _error(400, error="unable to read contents from stream")
        for name in sent:
            if name not in (*_ROOT, *_PLAIN, *_SHOWN, "attributes"):
                # An unknown member is refused (unverified).
                raise _error(
                    400, error=f'Unrecognized field "{name}" (class UserRepresentation), not marked as ignorable'
                )
        return sent

    def _merged(self, before: dict[str, Json], sent: Mapping[str, Json]) -> dict[str, Json]:
        after = copy.deepcopy(before)
        for name in _PLAIN:
            if sent.get(name) is not None:
                after[name] = sent[name]
        after["requiredActions"] = [action for action in after["requiredActions"] if action in _ACTIONS]  # [code]
        whole = sent.get("attributes") is not None
        if whole:
            # The attributes are replaced whole; unmanaged ones are discarded: [code], [policy].
            allowed = self._managed if self._unmanaged == "DISABLED" else tuple(sent["attributes"])
            listed = {name: _listed(value) for name, value in sent["attributes"].items() if name in allowed}
            after["attributes"] = {name: values for name, values in listed.items() if values}
        for name in _ROOT:
            value = sent.get(name)
            if value is not None:
                after[name] = str(value).lower() if name in ("username", "email") else value  # lower case (unverified)
            elif name != "username" and (whole or self._clears == "always"):
                after[name] = None  # missing and therefore cleared: [code], [guide], [28220]
        return after

    def _validate(self, key: str, after: dict[str, Json]) -> None:
        problems = [(name, "error-user-attribute-required") for name in self._required if not _value(after, name)]
        if after["username"] != self.records[key]["username"] and not self._rename:
            problems.append(("username", "error-user-attribute-read-only"))  # as in Keycloak's own UserTest
        if after["email"] and not re.fullmatch(r"[^@\s]+@[^@\s]+", after["email"]):
            problems.append(("email", "error-invalid-email"))
        problems += [(n, "error-invalid-length") for n in ("firstName", "lastName") if len(after[n] or "") > 255]
        errors = [{"field": name, "errorMessage": code, "params": [name]} for name, code in problems]
        if errors:
            # One error stands alone, several in a list: [code], ErrorResponse.errors.
            raise Refusal(Reply(400, errors[0] if len(errors) == 1 else {"errors": errors}))

    def _unique(self, key: str, after: dict[str, Json]) -> None:
        for other, user in self.records.items():
            for name in ("username", "email"):
                if other != key and after[name] and user[name] == after[name]:
                    raise _error(409, errorMessage=f"User exists with same {name}")  # [code]


def _listed(value: Json) -> list[str]:
    """Take a list, or one text instead of it (unverified)."""
    return [str(each) for each in (value if isinstance(value, list) else [value]) if each not in (None, "")]


def _value(user: dict[str, Json], name: str) -> Json:
    return user.get(name) if name in _ROOT else user["attributes"].get(name)
