"""Salesforce accounts: PATCH /services/data/vNN.0/sobjects/Account/{Id}, after OAuth client credentials.

Sources: [guide] REST API Developer Guide, sObject Collections (retrieve by GET and POST), sObject Rows; [codes]
developer.salesforce.com/docs/platform/api-rest/guide/errorcodes; [token] the schema of the client credentials flow in
api-evangelist/salesforce, from Salesforce's own collection; [info] the Sforce-Limit-Info header as in the guide and in
public clients; [seen] error bodies in tests of public clients. "Unverified" marks general knowledge.
"""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Unpack
from urllib.parse import parse_qsl

from aiohttp import web

from tests.system.vendors.base import (
    Call,
    Common,
    Every,
    FakeVendor,
    FixedWindow,
    Json,
    Rate,
    Records,
    Refusal,
    Reply,
    Route,
    basic,
    stamp,
)

CLIENT_ID, CLIENT_SECRET = "3MVGmadeUpConsumerKey", "madeUpConsumerSecret"
VERSION = "v64.0"


@dataclass(frozen=True)
class Field:
    """A field of accounts."""

    kind: str = "string"  # string, int, double, boolean, date, email, picklist
    length: int = 255
    options: tuple[str, ...] = ()
    required: bool = False
    read_only: bool = False


FIELDS = {
    "Id": Field(read_only=True),
    "Name": Field(required=True),
    "Phone": Field(length=40),
    "Description": Field(length=32_000),
    "NumberOfEmployees": Field("int"),
    "AnnualRevenue": Field("double"),
    "Active__c": Field("boolean"),
    "Contract_End__c": Field("date"),
    "Mail__c": Field("email", 80),
    "Rating": Field("picklist", options=("Hot", "Warm", "Cold")),
    "CreatedDate": Field("date", read_only=True),
    "LastModifiedDate": Field("date", read_only=True),
}
_BY_LOWER = {name.lower(): name for name in FIELDS}


def account_id(n: int) -> str:
    """Write the id of the n-th account, 18 characters; the last three are no checksum here."""
    return f"001xx{n:010d}AAG"


def some(count: int) -> dict[str, dict[str, Json]]:
    """Make accounts."""
    blank: dict[str, Json] = dict.fromkeys(FIELDS)
    date = "2026-01-01T00:00:00.000+0000"
    return {
        account_id(n): {
            **blank,
            "Id": account_id(n),
            "Name": f"Account {n}",
            "Active__c": False,
            "Rating": "Warm",
            "CreatedDate": date,
            "LastModifiedDate": date,
        }
        for n in range(1, count + 1)
    }


def _error(status: int, code: str, message: str, fields: Sequence[str] | None = None) -> Refusal:
    # An array, even of one: [codes]. `fields` is there only for some codes: [seen].
    error: dict[str, Json] = {"message": message, "errorCode": code}
    return Refusal(Reply(status, [error if fields is None else {**error, "fields": list(fields)}]))


class Fake(FakeVendor):
    """One org; `serving` gives the URL to log in at."""

    def __init__(
        self,
        records: Records | None = None,
        *,
        daily: Rate = (100_000, 86_400.0),
        token_s: float = 7200.0,
        separate_instance: bool = False,
        lock_row_every: int = 0,
        **common: Unpack[Common],
    ) -> None:
        """Serve accounts.

        With `separate_instance` data are served on another port, told by instance_url alone. Every `lock_row_every`-th
        update ends with UNABLE_TO_LOCK_ROW, nothing done.
        """
        super().__init__(some(5) if records is None else records, **common)
        self.instance_url = ""
        self.tokens: dict[str, float] = {}  # and when they end
        self._daily = FixedWindow(*daily) if daily else None
        self._token_s, self._separate = token_s, separate_instance
        self._locks = Every(lock_row_every)

    def routes(self) -> list[Route]:
        root = "/services/data/{version}"
        return [
            ("POST", "/services/oauth2/token", self._token),
            ("GET", f"{root}/composite/sobjects/{{type}}", self._many),
            ("POST", f"{root}/composite/sobjects/{{type}}", self._many_by_body),
            ("GET", f"{root}/sobjects/{{type}}/{{id}}", self._one),
            ("PATCH", f"{root}/sobjects/{{type}}/{{id}}", self._update),
        ]

    def is_write(self, call: Call) -> bool:
        return call.method == "PATCH"

    async def listen(self, runner: web.AppRunner) -> str:
        login = await super().listen(runner)
        self.instance_url = await super().listen(runner) if self._separate else login
        return login

    def no_route(self, call: Call, allowed: Sequence[str]) -> Reply:
        if allowed:
            return _error(405, "METHOD_NOT_ALLOWED", f"HTTP Method '{call.method}' not allowed.").reply
        return _error(404, "NOT_FOUND", "The requested resource does not exist").reply  # [seen]

    async def gate(self, call: Call) -> None:
        if call.path == "/services/oauth2/token":
            return
        if not self.instance_url.endswith(f":{call.port}"):
            raise Refusal(Reply(404, "<html>URL No Longer Exists</html>", content_type="text/html"))  # unverified
        scheme, _, token = call.headers.get("Authorization", "").partition(" ")
        if scheme not in ("Bearer", "OAuth") or self.tokens.get(token, 0.0) <= self.now():
            raise _error(401, "INVALID_SESSION_ID", "Session expired or invalid")  # [codes], [seen]
        if self._daily and not self._daily.take(self.now()):
            # 403 and no Retry-After: [codes], [seen].
            raise _error(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        if call.args and (not re.fullmatch(r"v\d\d\.0", call.args["version"]) or call.args["type"] != "Account"):
            raise _error(404, "NOT_FOUND", "The requested resource does not exist")

    def decorate(self, call: Call, reply: Reply) -> None:
        if self._daily and reply.status != 401 and call.args:
            used = self._daily.limit - self._daily.remaining(self.now())
            reply.headers["Sforce-Limit-Info"] = f"api-usage={used}/{self._daily.limit}"  # [info]

    async def _token(self, call: Call) -> Reply:
        if call.content_type != "application/x-www-form-urlencoded":
            # A form is the rule of OAuth; what a JSON body is answered with is unverified.
            raise self._denied("unsupported_grant_type", "grant type not supported")
        sent = dict(parse_qsl(call.body.decode(), keep_blank_values=True))
        if sent.get("grant_type") != "client_credentials":
            raise self._denied("unsupported_grant_type", "grant type not supported")
        by_header = call.headers.get("Authorization") == basic(CLIENT_ID, CLIENT_SECRET)
        if not by_header and (sent.get("client_id"), sent.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            raise self._denied("invalid_client", "invalid client credentials")  # text as in public tests
        token = f"00Dxx0000000001!{secrets.token_hex(12)}"
        self.tokens[token] = self.now() + self._token_s
        # No expires_in: [token].
        body = {"access_token": token, "signature": "bWFkZVVw", "scope": "api", "instance_url": self.instance_url}
        body |= {"id": f"{self.url}/id/00Dxx0000000001/005xx0000000001", "token_type": "Bearer"}
        return Reply(200, {**body, "issued_at": str(int(self.now() * 1000)), "api_instance_url": self.instance_url})

    def _denied(self, code: str, text: str) -> Refusal:
        return Refusal(Reply(400, {"error": code, "error_description": text}))

    def _key(self, sent: str) -> str | None:
        # 15 characters are enough, then with case: the guide's page on ids (unverified).
        return next((key for key in self.records if sent == key or (len(sent) == 15 and key[:15] == sent)), None)

    def _render(self, account: dict[str, Json], names: Sequence[str], version: str) -> dict[str, Json]:
        url = f"/services/data/{version}/sobjects/Account/{account['Id']}"
        return {"attributes": {"type": "Account", "url": url}, **{name: account[name] for name in names}}

    def _columns(self, names: Sequence[str]) -> list[str]:
        """Know the fields whatever their case; a bad one is 400 [guide]."""
        for name in names:
            if name.lower() not in _BY_LOWER:
                raise _error(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type Account")  # [seen]
        return [_BY_LOWER[name.lower()] for name in names]

    async def _one(self, call: Call) -> Reply:
        key = self._existing(call)
        asked = call.query.get("fields")
        names = self._columns(asked.split(",")) if asked else list(FIELDS)
        return Reply(
            200, self._render(self.shown(key) or {}, list(dict.fromkeys(["Id", *names])), call.args["version"])
        )

    async def _many(self, call: Call) -> Reply:
        return self._collected(call, call.query.get("ids", "").split(","), call.query.get("fields", "").split(","))

    async def _many_by_body(self, call: Call) -> Reply:
        body = self._body(call)
        return self._collected(call, body.get("ids") or [], body.get("fields") or [])

    def _collected(self, call: Call, ids: list[str], fields: list[str]) -> Reply:
        if not ids or len(ids) > 2000:
            raise _error(400, "INVALID_INPUT", "ids must be 1 to 2000")  # 2,000: [guide]; code unverified
        names = list(dict.fromkeys(["Id", *self._columns([name.strip() for name in fields])]))
        keys = [self._key(each) for each in ids]
        # One entry for each id, in order; null where there is none: [guide].
        found = [self._render(self.shown(key) or {}, names, call.args["version"]) if key else None for key in keys]
        return Reply(200, found)

    def _existing(self, call: Call) -> str:
        sent = call.args["id"]
        if not re.fullmatch(r"[A-Za-z0-9]{15}([A-Za-z0-9]{3})?", sent) or not sent.startswith("001"):
            raise _error(400, "MALFORMED_ID", f"Account ID: id value of incorrect type: {sent}", ["Id"])  # [guide]
        key = self._key(sent)
        if key is None:
            raise _error(404, "NOT_FOUND", "The requested resource does not exist")  # [seen]
        return key

    def _body(self, call: Call) -> dict[str, Json]:
        if call.content_type != "application/json":
            raise _error(415, "UNSUPPORTED_MEDIA_TYPE", "Content type is not supported")  # unverified
        try:
            body = call.json()
        except ValueError:
            raise _error(400, "JSON_PARSER_ERROR", "Unexpected character at [line:1, column:1]") from None
        if not isinstance(body, dict):
            raise _error(400, "JSON_PARSER_ERROR", "Cannot deserialize the body")
        return body

    async def _update(self, call: Call) -> Reply:
        key = self._existing(call)
        change = self._checked(self._body(call))
        if self._locks.due():
            text = "unable to obtain exclusive access to this record"
            raise _error(400, "UNABLE_TO_LOCK_ROW", text, [])  # [seen], with 400 and with 500
        moment = stamp(self.now(), "milliseconds").replace("Z", "+0000")
        self.write(call, key, {**self.records[key], **change, "LastModifiedDate": moment})
        return Reply(204)  # no content: [guide]

    def _checked(self, body: dict[str, Json]) -> dict[str, Json]:
        sent = {name: value for name, value in body.items() if name != "attributes"}
        if "id" in {name.lower() for name in sent}:
            raise _error(400, "INVALID_FIELD", "The Id field should not be specified in the sobject data.")  # [seen]
        change = dict(zip(self._columns(list(sent)), sent.values(), strict=True))
        barred = [name for name in change if FIELDS[name].read_only]
        if barred:
            text = f"Unable to create/update fields: {', '.join(barred)}."
            raise _error(400, "INVALID_FIELD_FOR_INSERT_UPDATE", text, barred)  # [seen]
        return {name: _fitting(name, value) for name, value in change.items()}


def _fitting(name: str, value: Json) -> Json:
    field = FIELDS[name]
    if value in (None, ""):
        if field.required:
            raise _error(400, "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{name}]", [name])
        return False if field.kind == "boolean" else None  # an empty text is stored as null (unverified)
    _parse(field.kind, value)
    _restrict(name, field, value)
    return value


def _parse(kind: str, value: Json) -> None:
    """Refuse what cannot be read as the type of the field; the wording is unverified."""
    good = {
        "int": isinstance(value, int) or bool(re.fullmatch(r"-?\d+", str(value))),
        "double": bool(re.fullmatch(r"-?\d+(\.\d+)?", str(value))),
        "boolean": isinstance(value, bool) or value in ("true", "false"),
        "date": bool(re.fullmatch(r"\d{4}-\d\d-\d\d.*", str(value))),
    }.get(kind, isinstance(value, str | int | float))
    if not good:
        text = (
            f"Cannot deserialize instance of {kind} from VALUE_STRING value {value} or request may be missing a field"
        )
        raise _error(400, "JSON_PARSER_ERROR", text)


def _restrict(name: str, field: Field, value: Json) -> None:
    """Refuse what is too long, no mail or not on the list; codes from the guide, texts unverified."""
    if isinstance(value, str) and len(value) > field.length:
        text = f"{name}: data value too large: {value[:30]} (max length={field.length})"
        raise _error(400, "STRING_TOO_LONG", text, [name])
    if field.kind == "email" and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value):
        raise _error(400, "INVALID_EMAIL_ADDRESS", f"{name}: invalid email address: {value}", [name])
    if field.kind == "picklist" and value not in field.options:
        text = f"{name}: bad value for restricted picklist field: {value}"
        raise _error(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", text, [name])
