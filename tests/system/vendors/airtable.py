"""Airtable records: PATCH /v0/{base}/{table}/{record}, fields wrapped in "fields".

Sources: [limits] airtable.com/developers/web/api/rate-limits and support.airtable.com/docs/airtable-api-common-
troubleshooting; [update] airtable.com/developers/web/api/update-record and update-multiple-records; [list] .../list-
records; [cells] .../field-model; [seen] errors in public clients and simulators. "Unverified" marks general knowledge.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Unpack

from tests.system.vendors.base import (
    Call,
    Common,
    FakeVendor,
    FixedWindow,
    Json,
    PerKey,
    Rate,
    Records,
    Refusal,
    Reply,
    RollingWindow,
    Route,
)

TOKEN = "patMadeUp.tokenOfTheJudge"
BASE, TABLE, TABLE_ID = "appMadeUpBase0001", "Things", "tblMadeUpThings01"


@dataclass(frozen=True)
class Field:
    """A field of the table."""

    id: str
    kind: str  # text, number, checkbox, select, selects, date, computed
    options: tuple[str, ...] = ()


FIELDS = {
    "Name": Field("fldMadeUpName0001", "text"),
    "Notes": Field("fldMadeUpNotes001", "text"),
    "Amount": Field("fldMadeUpAmount01", "number"),
    "Done": Field("fldMadeUpDone0001", "checkbox"),
    "Stage": Field("fldMadeUpStage001", "select", ("Todo", "Doing")),
    "Colours": Field("fldMadeUpColours1", "selects", ("red", "green")),
    "Due": Field("fldMadeUpDue00001", "date"),
    "Total": Field("fldMadeUpTotal001", "computed"),
}


def record_id(n: int) -> str:
    """Write the id of the n-th record: rec and 14 characters."""
    return f"recThing{n:09d}"


def some(count: int) -> dict[str, dict[str, Json]]:
    """Make records; the key is the id, the value the cells by name of field."""
    return {record_id(n): {"Name": f"Thing {n}", "Amount": n, "Stage": "Todo"} for n in range(1, count + 1)}


def _error(status: int, kind: str, message: str) -> Refusal:
    return Refusal(Reply(status, {"error": {"type": kind, "message": message}}))  # the shape: [limits], second page


class Fake(FakeVendor):
    """One base with one table."""

    def __init__(
        self,
        records: Records | None = None,
        *,
        per_base: Rate = (5, 1.0),
        per_token: Rate = (50, 1.0),
        lockout_s: float = 30.0,
        lockout_extends: bool = False,
        monthly: Rate = None,
        **common: Unpack[Common],
    ) -> None:
        """Serve records.

        Beyond five a second a base is locked for `lockout_s`; `lockout_extends` lets each try start it anew.
        """
        super().__init__(some(5) if records is None else records, **common)
        self.options = {name: list(field.options) for name, field in FIELDS.items()}  # typecast adds to them
        self._bases = PerKey(partial(RollingWindow, *per_base)) if per_base else None
        self._token = RollingWindow(*per_token) if per_token else None
        self._monthly = FixedWindow(*monthly) if monthly else None
        self._lockout_s, self._extends = lockout_s, lockout_extends
        self._locked: dict[str, float] = {}

    def routes(self) -> list[Route]:
        return [
            ("GET", "/v0/{base}/{table}", self._list),
            ("POST", "/v0/{base}/{table}/listRecords", self._list_by_body),
            ("GET", "/v0/{base}/{table}/{record}", self._one),
            ("PATCH", "/v0/{base}/{table}", self._update_many),
            ("PATCH", "/v0/{base}/{table}/{record}", self._update),
            ("PUT", "/v0/{base}/{table}/{record}", self._replace),
        ]

    def is_write(self, call: Call) -> bool:
        return call.method in ("PATCH", "PUT")

    def no_route(self, call: Call, allowed: Sequence[str]) -> Reply:
        return Reply(404, {"error": "NOT_FOUND"})  # a bare word: [seen]

    async def gate(self, call: Call) -> None:
        if call.headers.get("Authorization") != f"Bearer {TOKEN}":
            raise _error(401, "AUTHENTICATION_REQUIRED", "Authentication required")  # [seen]
        self._limit(call.args.get("base", ""))
        if len(call.path) + len(str(call.query)) > 16_000:
            raise Refusal(Reply(414))  # the length of a URL is limited to 16,000: [list]; the status is unverified
        if "base" in call.args and (call.args["base"] != BASE or call.args["table"] not in (TABLE, TABLE_ID)):
            text = "Invalid permissions, or the requested model was not found."
            raise _error(403, "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND", text)  # [seen]

    def _limit(self, base: str) -> None:
        now = self.now()
        if self._monthly and not self._monthly.take(now):
            raise self._slow("PUBLIC_API_BILLING_LIMIT_EXCEEDED")  # [seen]
        locked = now < self._locked.get(base, now)
        if (locked and self._extends) or (not locked and self._bases and not self._bases.of(base).take(now)):
            self._locked[base] = now + self._lockout_s  # 30 seconds: [limits]
            locked = True
        if locked or (self._token and not self._token.take(now)):
            raise self._slow("RATE_LIMIT_REACHED")

    def _slow(self, kind: str) -> Refusal:
        # 429 and no header that tells how long: [limits]. The words are [seen], their place in the body is unverified.
        errors = [{"error": kind, "message": "Rate limit exceeded. Please try again later"}]
        return Refusal(Reply(429, {"errors": errors}))

    def _render(self, key: str, cells: dict[str, Json], by_id: Json = False) -> dict[str, Json]:
        # Empty cells are left out: [list]. The computed one is made here.
        shown = {name: value for name, value in cells.items() if not _is_empty(value)}
        if "Amount" in shown:
            shown["Total"] = shown["Amount"] * 2
        if str(by_id).lower() == "true":
            shown = {FIELDS[name].id: value for name, value in shown.items()}
        return {"id": key, "createdTime": "2026-01-01T00:00:00.000Z", "fields": shown}

    def _key(self, key: str) -> str:
        if key not in self.records:
            raise _error(404, "MODEL_ID_NOT_FOUND", "Record not found")  # [seen]
        return key

    async def _one(self, call: Call) -> Reply:
        key = self._key(call.args["record"])
        return Reply(200, self._render(key, self.shown(key) or {}, call.query.get("returnFieldsByFieldId")))

    async def _list(self, call: Call) -> Reply:
        options: dict[str, Json] = {name.removesuffix("[]"): value for name, value in call.query.items()}
        options["fields"] = [*call.query.getall("fields[]", []), *call.query.getall("fields", [])]
        return self._listed(options)

    async def _list_by_body(self, call: Call) -> Reply:
        return self._listed(self._body(call))  # for formulas too long for a URL: [list]

    def _listed(self, options: dict[str, Json]) -> Reply:
        size = int(options.get("pageSize", 100))
        if not 1 <= size <= 100:
            raise _invalid_request()  # at most 100: [list]
        matches = _formula(options.get("filterByFormula") or "TRUE()")
        pairs = [(key, shown) for key in self.records if (shown := self.shown(key)) is not None]
        found = [(key, cells) for key, cells in pairs if matches(key, cells)]
        start = int(str(options.get("offset") or "0").rpartition("/")[2])
        wanted = options.get("fields") or list(FIELDS)
        rendered = []
        for key, cells in found[start : start + size]:
            each = self._render(key, cells)
            each["fields"] = {name: value for name, value in each["fields"].items() if name in wanted}
            rendered.append(each)
        body: dict[str, Json] = {"records": rendered}
        if start + size < len(found):
            body["offset"] = f"itr/{start + size}"  # only where there is more: [list]
        return Reply(200, body)

    def _body(self, call: Call) -> dict[str, Json]:
        try:
            body = call.json()
        except ValueError:
            raise _error(422, "INVALID_REQUEST_BODY", "Could not parse request body") from None  # [seen]
        if not isinstance(body, dict):
            raise _invalid_request()
        return body

    async def _update(self, call: Call) -> Reply:
        return self._written(call, self._body(call), replace=False)

    async def _replace(self, call: Call) -> Reply:
        return self._written(call, self._body(call), replace=True)  # PUT clears what is not sent: [update]

    def _written(self, call: Call, body: dict[str, Json], *, replace: bool) -> Reply:
        key = self._key(call.args["record"])
        after = self._cells({} if replace else self.records[key], body, typecast=bool(body.get("typecast")))
        self.write(call, key, after)
        return Reply(200, self._render(key, after, body.get("returnFieldsByFieldId")))

    async def _update_many(self, call: Call) -> Reply:
        body = self._body(call)
        sent = body.get("records")
        if not isinstance(sent, list) or not 1 <= len(sent) <= 10:
            text = "You must provide an array of up to 10 record objects."
            raise _error(422, "INVALID_RECORDS", text)  # ten: [update]
        typecast = bool(body.get("typecast"))
        # All or nothing (unverified).
        afters = [(key := self._key(each["id"]), self._cells(self.records[key], each, typecast)) for each in sent]
        for key, after in afters:
            self.write(call, key, after)
        return Reply(200, {"records": [self._render(key, after) for key, after in afters]})

    def _cells(self, before: dict[str, Json], body: dict[str, Json], typecast: bool) -> dict[str, Json]:
        sent = body.get("fields")
        if not isinstance(sent, dict):
            raise _invalid_request()
        after = dict(before)
        for given, value in sent.items():
            # By name or by id: [update].
            name = next((name for name, field in FIELDS.items() if given in (name, field.id)), None)
            if name is None:
                raise _error(422, "UNKNOWN_FIELD_NAME", f'Unknown field name: "{given}"')  # [seen]
            after[name] = None if value is None else self._fitting(name, value, typecast)
        return after

    def _fitting(self, name: str, value: Json, typecast: bool) -> Json:
        kind = FIELDS[name].kind
        if kind == "computed":
            text = f'Field "{name}" cannot accept a value because the field is computed'
            raise _error(422, "INVALID_VALUE_FOR_COLUMN", text)  # [seen]
        if kind in ("select", "selects"):
            return self._chosen(name, value, typecast)
        if typecast:
            value = _cast(kind, value)  # best effort: [update]
        if not _FITS[kind](value):
            text = f'Field "{name}" cannot accept the provided value'
            raise _error(422, "INVALID_VALUE_FOR_COLUMN", text)  # [seen]
        return value

    def _chosen(self, name: str, value: Json, typecast: bool) -> Json:
        several = FIELDS[name].kind == "selects"
        values = value if isinstance(value, list) else [value]
        if several and not isinstance(value, list) and not typecast:
            raise _error(422, "INVALID_VALUE_FOR_COLUMN", f'Field "{name}" cannot accept the provided value')
        for each in values:
            if each not in self.options[name]:
                if not typecast:
                    # Without typecast no new choice is made: [update]; the words are [seen].
                    text = f'Insufficient permissions to create new select option "{each}"'
                    raise _error(422, "INVALID_MULTIPLE_CHOICE_OPTIONS", text)
                self.options[name].append(each)
        return values if several else value


def _invalid_request() -> Refusal:
    return _error(422, "INVALID_REQUEST_UNKNOWN", "Invalid request: parameter validation failed.")  # [seen]


def _is_empty(value: Json) -> bool:
    return value is None or value is False or value in ("", [])


def _cast(kind: str, value: Json) -> Json:
    if kind == "number" and isinstance(value, str):
        try:
            return float(value) if "." in value else int(value)
        except ValueError:
            return None
    if kind == "checkbox" and isinstance(value, str):
        return value.lower() in ("true", "1", "yes", "checked")
    return str(value) if kind == "text" else value


_FITS: dict[str, Callable[[Json], bool]] = {  # [cells]
    "text": lambda value: isinstance(value, str),
    "number": lambda value: value is None or (isinstance(value, int | float) and not isinstance(value, bool)),
    "checkbox": lambda value: isinstance(value, bool),
    "date": lambda value: isinstance(value, str) and bool(re.fullmatch(r"\d{4}-\d\d-\d\d", value)),
}

Match = Callable[[str, dict[str, Json]], bool]
_TOKENS = re.compile(r"""\s*(OR|AND|TRUE|RECORD_ID|[(),=]|\{[^}]*\}|'[^']*'|"[^"]*")""")


def _formula(text: str) -> Match:
    """Understand OR and AND of RECORD_ID()='..' and {Field}='..'; all else is a bad formula."""
    tokens, place = [], 0
    while place < len(text.rstrip()):
        match = _TOKENS.match(text, place)
        if not match:
            raise _bad_formula()
        tokens.append(match[1])
        place = match.end()
    condition, rest = _condition(tokens)
    if rest:
        raise _bad_formula()
    return condition


def _bad_formula() -> Refusal:
    text = "The formula for filtering records is invalid"
    return _error(422, "INVALID_FILTER_BY_FORMULA", text)  # [seen]


def _condition(tokens: list[str]) -> tuple[Match, list[str]]:
    if tokens[:3] == ["TRUE", "(", ")"]:
        return (lambda key, cells: True), tokens[3:]
    if tokens and tokens[0] in ("OR", "AND"):
        return _joined(tokens)
    if tokens[:3] == ["RECORD_ID", "(", ")"]:
        left, tokens = "", tokens[3:]
    elif tokens and tokens[0].startswith("{"):
        left, tokens = tokens[0][1:-1], tokens[1:]
    else:
        raise _bad_formula()
    if tokens[:1] != ["="] or len(tokens) < 2 or tokens[1][0] not in "'\"":
        raise _bad_formula()
    right = tokens[1][1:-1]
    return (lambda key, cells: str(cells.get(left, "") if left else key) == right), tokens[2:]


def _joined(tokens: list[str]) -> tuple[Match, list[str]]:
    combine = any if tokens[0] == "OR" else all
    parts: list[Match] = []
    rest = tokens[1:]
    while rest and rest[0] == ("," if parts else "("):
        part, rest = _condition(rest[1:])
        parts.append(part)
    if not parts or rest[:1] != [")"]:
        raise _bad_formula()
    return (lambda key, cells: combine(part(key, cells) for part in parts)), rest[1:]
