"""A toy API, as a module in `jobs/apis/` would be: `PATCH /boats/KEY` of plain JSON, and records read one by one."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from jobs.apis.api import Confirmation, Matches
from jobs.apis.auth import Auth, Claims, Need, Permit
from jobs.apis.backpressure import failure
from jobs.apis.documents import document_of
from jobs.apis.errors import read_errors
from jobs.apis.header_values import identifier
from jobs.apis.limits import CREDENTIAL, DeclaredLimits, Places
from jobs.apis.meanings import Meaning
from jobs.apis.pointers import column_of, in_the_sheet
from jobs.apis.schema import Schema
from jobs.changes.diff import Change
from jobs.changes.taken import taken
from jobs.model import JSON, ApiError, Fields, Live, NotSent, Outcome, Reply, Request, UpdateJob

BOATS = {"attributes": {"name": "string", "berth": "integer", "extras": "object"}, "relationships": {}}
SCHEMA = Schema({"boats": BOATS}, merged="extras")


@dataclass(frozen=True)
class Boats:
    """The one type there is."""

    name: str
    variants: tuple[str, ...] = ()
    page: int = 1
    can_be_read: bool = True
    can_be_blind: bool = True

    def lag_s(self, fields: Fields) -> float:
        return 0.0

    def group(self, key: str) -> str:
        return ""

    def update(self, job: UpdateJob, change: Change, live: Live | None) -> Request:
        return Request("PATCH", f"/{self.name}/{quote(job.id, safe='')}", json.dumps(change.attributes).encode())

    def confirm(self, reply: Reply, job: UpdateJob, change: Change) -> Confirmation | None:
        live = self.state(reply, job.id, Fields(frozenset(change.attributes)))
        if live is None:
            return None
        found = taken(change, live, SCHEMA)
        return Confirmation(found.edits, found.differs, found.untaken, found.unseen)

    def errors(self, reply: Reply, columns: Mapping[tuple[str, ...], str]) -> tuple[ApiError, ...]:
        return in_the_sheet(read_errors(reply), lambda place: column_of(place, columns))

    def request_id(self, reply: Reply) -> str:
        return identifier(reply.headers.get("x-request-id", ""))

    def least_wait(self, reply: Reply) -> float:
        return 30.0 if "x-about" in reply.headers else 0.0

    def scope_of(self, reply: Reply) -> str:
        return reply.headers.get("x-about", CREDENTIAL)

    def read(self, keys: Sequence[str], fields: Fields, *, sparse: bool = True) -> Request:
        return self.read_one(keys[0], fields)

    def states(self, reply: Reply, keys: Sequence[str], fields: Fields) -> Mapping[str, Live] | None:
        boat = document_of(reply) or {}
        live = self.state(reply, str(boat.get("key")), fields)
        return None if live is None else {boat["key"]: live}

    def may_show_more(self, reply: Reply, keys: Collection[str]) -> bool:
        return False

    def read_one(self, key: str, fields: Fields | None) -> Request:
        return Request("GET", f"/{self.name}/{quote(key, safe='')}")

    def state(self, reply: Reply, key: str, fields: Fields) -> Live | None:
        boat = self.attributes(reply, key)
        if boat is None:
            return None
        return Live(self.name, {name: boat[name] for name in fields.attributes if name in boat}, fields=fields)

    def attributes(self, reply: Reply, key: str) -> Mapping[str, JSON] | None:
        boat = document_of(reply) if reply.status == 200 else None
        return boat if boat and boat.get("key") == key else None

    def find(self, references: Sequence[str]) -> Request:
        return Request("GET", f"/{self.name}?name={quote(references[0], safe='')}")

    def sought(self, reference: str) -> tuple[str, str]:
        return "reference", reference

    def matches(self, reply: Reply, references: Sequence[str]) -> Matches | None:
        found = document_of(reply) if reply.status == 200 else None
        return Matches({references[0]: tuple(found["keys"])}, complete=True) if found else None


@dataclass(frozen=True)
class FixedTokens:
    """Tokens that somebody hands out by hand."""

    needs: tuple[Need, ...] = (("token",),)
    tokens: None = None
    tells_mode: bool = True

    def permit(self, *secrets: str) -> Permit:
        return Permit("Authorization", f"Bearer {secrets[0]}", secrets)

    def claims(self, token: str) -> Claims:
        return Claims(mode="test" if token.startswith("test-") else "")


@dataclass(frozen=True)
class Harbour:
    """The API."""

    name: str = "harbour"
    headers: Mapping[str, str] = field(default_factory=lambda: {"Accept": "application/json"})
    content_type: str = "application/json"
    idempotency_header: str = ""
    page: int = 1
    key_page: int = 1
    schema: Schema = SCHEMA
    auth: Auth = field(default_factory=FixedTokens)
    limits: DeclaredLimits = field(default_factory=DeclaredLimits)

    def resource(self, type_name: str) -> Boats:
        return Boats(type_name)

    def meaning(self, request: Request, outcome: Outcome) -> Meaning:
        if not isinstance(outcome, Reply):
            return Meaning.UNSENT if isinstance(outcome, NotSent) else Meaning.UNANSWERED
        return Meaning.SERVED if outcome.status < 300 else failure(outcome)

    def key_pages(self, references: Sequence[str], most: int) -> list[list[str]]:
        return [[each] for each in references]

    def scopes(self, type_name: str, key: str, *, reads: bool) -> Places:
        fleet, _, boat = key.partition("/")
        return self.limits.places(type_name, key, {"fleet": fleet} if boat else {}, reads=reads)

    def windows(self, origin: str, *, reads: bool) -> tuple[tuple[int, float], ...]:
        return ()

    def counts_by_address(self, origin: str) -> bool:
        return False


HARBOUR = Harbour()
