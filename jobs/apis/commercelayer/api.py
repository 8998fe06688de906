"""Commerce Layer as a value: its types of records, its tokens, its limits."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from jobs.apis.api import Confirmation, Matches
from jobs.apis.auth import Auth, Claims, Grant, Need, Permit, TokenSource
from jobs.apis.commercelayer.confirmations import errors_in_sheet, read_confirmation
from jobs.apis.commercelayer.meaning import meaning_of
from jobs.apis.commercelayer.references import MOST_REFERENCES, read_references, reference_pages, references_request
from jobs.apis.commercelayer.states import (
    PAGE_SIZE,
    read_record,
    read_state,
    read_states,
    record_request,
    state_request,
    states_request,
)
from jobs.apis.commercelayer.tokens import AUTH_URL, read_claims, read_grant, token_request
from jobs.apis.commercelayer.updates import update_request
from jobs.apis.commercelayer.wholeness import may_show_more
from jobs.apis.documents import MEDIA_TYPE
from jobs.apis.header_values import identifier
from jobs.apis.limits import CREDENTIAL, SEPARATE, DeclaredLimits, Places
from jobs.apis.meanings import Meaning
from jobs.apis.schema import Schema, load
from jobs.apis.tokens import token_meaning
from jobs.changes.diff import Change
from jobs.model import JSON, ApiError, Fields, Live, Outcome, Reply, Request, UpdateJob

_WINDOWS: Final = ((100, 60.0), (25, 10.0))
"""Of its own hosts in test mode, the stricter one (its page on rate limits)."""


@dataclass(frozen=True, slots=True)
class _Resource:
    """A type of JSON:API resources."""

    name: str
    variants: tuple[str, ...]
    page: int = PAGE_SIZE
    can_be_read: bool = True
    can_be_blind: bool = True

    def lag_s(self, fields: Fields) -> float:  # noqa: ARG002  # the fields are all that an update needs
        return 0.0

    def group(self, key: str) -> str:  # noqa: ARG002  # any can be read together
        return ""

    def update(self, job: UpdateJob, change: Change, live: Live | None) -> Request:  # noqa: ARG002  # it has no preconditions
        return update_request(job, change, self.name)

    def confirm(self, reply: Reply, job: UpdateJob, change: Change) -> Confirmation | None:
        return read_confirmation(reply, job, change, self.name)

    def errors(self, reply: Reply, columns: Mapping[tuple[str, ...], str]) -> tuple[ApiError, ...]:
        return errors_in_sheet(reply, columns)

    def request_id(self, reply: Reply) -> str:
        return identifier(reply.headers.get("x-request-id", ""))

    def least_wait(self, reply: Reply) -> float:  # noqa: ARG002  # no reply of its says more than HTTP does
        return 0.0

    def scope_of(self, reply: Reply) -> str:  # noqa: ARG002  # see above
        return CREDENTIAL

    def read(self, keys: Sequence[str], fields: Fields, *, sparse: bool = True) -> Request:
        return states_request(self.name, keys, fields, sparse=sparse)

    def states(self, reply: Reply, keys: Sequence[str], fields: Fields) -> Mapping[str, Live] | None:  # noqa: ARG002
        return read_states(reply, self.name, fields)

    def may_show_more(self, reply: Reply, keys: Collection[str]) -> bool:
        return may_show_more(reply, keys)

    def read_one(self, key: str, fields: Fields | None) -> Request:
        return record_request(self.name, key) if fields is None else state_request(self.name, key, fields)

    def state(self, reply: Reply, key: str, fields: Fields) -> Live | None:
        return read_state(reply, self.name, key, fields)

    def attributes(self, reply: Reply, key: str) -> Mapping[str, JSON] | None:
        return read_record(reply, self.name, key)

    def find(self, references: Sequence[str]) -> Request:
        return references_request(self.name, references)

    def sought(self, reference: str) -> tuple[str, str]:
        return "reference", reference

    def matches(self, reply: Reply, references: Sequence[str]) -> Matches | None:
        return read_references(reply, references)


@dataclass(frozen=True, slots=True)
class _TokenEndpoint:
    """Its token endpoint (RFC 6749, 4.4), which has a limit of its own and no burst; all clients get the same token."""

    url: str = AUTH_URL
    windows: tuple[tuple[int, float], ...] = ((30, 60.0),)
    are_shared: bool = True

    def request(self, client_id: str, client_secret: str) -> Request:
        return token_request(client_id, client_secret)

    def grant(self, reply: Reply) -> Grant | None:
        return read_grant(reply)

    def meaning(self, request: Request, outcome: Outcome) -> Meaning:
        return token_meaning(request, outcome)


@dataclass(frozen=True, slots=True)
class _Bearer:
    """A token that the user has, or a client that asks for one."""

    needs: tuple[Need, ...] = (("token",), ("client_id", "client_secret"))
    tokens: TokenSource = field(default_factory=_TokenEndpoint)

    def permit(self, *secrets: str) -> Permit:
        (token,) = secrets
        return Permit("Authorization", f"Bearer {token}", secrets)

    def claims(self, token: str) -> Claims:
        return read_claims(token)


@dataclass(frozen=True, slots=True)
class CommerceLayer:
    """The API of Commerce Layer: JSON:API, 25 records a page, references looked up by a filter."""

    name: str = "commercelayer"
    headers: Mapping[str, str] = field(default_factory=lambda: {"Accept": MEDIA_TYPE})
    content_type: str = MEDIA_TYPE
    idempotency_header: str = ""
    page: int = PAGE_SIZE
    key_page: int = MOST_REFERENCES
    auth: Auth = field(default_factory=_Bearer)
    limits: DeclaredLimits = SEPARATE

    @property
    def schema(self) -> Schema:
        """Its schema, read when first asked for."""
        return load("commercelayer")

    def resource(self, type_name: str) -> _Resource:
        """Return a type of records; one that the schema does not know is taken for a concrete one."""
        return _resource(type_name)

    def meaning(self, request: Request, outcome: Outcome) -> Meaning:
        """Return what an outcome means."""
        return meaning_of(request, outcome)

    def key_pages(self, references: Sequence[str], most: int) -> list[list[str]]:
        """Return the references in pages: one with a comma cannot stand in a list."""
        return reference_pages(references, most)

    def scopes(self, type_name: str, key: str, *, reads: bool) -> Places:  # noqa: ARG002  # all its limits are on a method
        """Return no gates: it has none."""
        return ()

    def windows(self, origin: str) -> tuple[tuple[int, float], ...]:
        """Return the documented limits of its own hosts; nothing is known of others."""
        return _WINDOWS if self.counts_by_address(origin) else ()

    def counts_by_address(self, origin: str) -> bool:
        """Return whether the origin is one of its own hosts, which count per IP address."""
        return (urlsplit(origin).hostname or "").endswith(".commercelayer.io")


@lru_cache(maxsize=1024)  # whatever stands in a sheet
def _resource(type_name: str) -> _Resource:
    kind = load("commercelayer").resource_type(type_name)
    return _Resource(type_name, kind.abstract_over if kind else ())


COMMERCE_LAYER: Final = CommerceLayer()
