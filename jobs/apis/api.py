"""What rowpatch asks of an API. Pure: bytes in and bytes out; the value of one API is handed down beside the settings.

A method takes what a dialect may need, though another does without it: a full `PUT` needs the live record, which also
holds what a precondition names. A key is one text, whatever it consists of: the journal and the sequencer see no more.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from jobs.apis.auth import Auth
from jobs.apis.limits import DeclaredLimits, Places
from jobs.apis.meanings import Meaning
from jobs.apis.schema import Schema
from jobs.changes.diff import Change
from jobs.model import JSON, ApiError, Edit, Fields, Live, Outcome, Reply, Request, UpdateJob
from jobs.values import valueclass


@valueclass(frozen=True, slots=True)
class Confirmation:
    """A success that is about the record that was meant.

    Attributes:
        edits: of the change, each with the stored form that the echo shows where that is a third value.
        differs: names of what the echo shows a third value of: neither the old one nor the one sent.
        untaken: names of what the echo shows the old value of, although another was sent.
        unseen: names of sent attributes that the echo does not show, though the API shows such attributes; of links,
            too, where the reply shows no attribute at all; of added tags, where it does not show the record's.
        discarded_tags: names that were to be added and are not on the record.
        mode: `test` or `live` as the reply says, or empty.
        errors: that stand beside the record; `field` is the column, as the user wrote it.
        lost: values that the update did not set, and that are gone from the echo, as edits.
    """

    edits: tuple[Edit, ...] = ()
    differs: tuple[str, ...] = ()
    untaken: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    discarded_tags: tuple[str, ...] = ()
    mode: str = ""
    errors: tuple[ApiError, ...] = ()
    lost: tuple[Edit, ...] = ()


@valueclass(frozen=True, slots=True)
class Matches:
    """What a page shows.

    Attributes:
        ids: of the records that have a reference, by reference; none for one that no record on the page has.
        complete: there cannot be further records.
        most: references that a page of this type has room for, where it was cut off for that; else 0.
    """

    ids: Mapping[str, tuple[str, ...]]
    complete: bool
    most: int = 0


class Resource(Protocol):
    """One type of records: how they are updated, read and found."""

    @property
    def name(self) -> str:
        """The type, as rows name it."""

    @property
    def variants(self) -> tuple[str, ...]:
        """Types by whose name its records are updated where the API refuses its own; empty for most."""

    @property
    def page(self) -> int:
        """Records that one read shows at most; 1 where they are read one by one."""

    @property
    def can_be_read(self) -> bool:
        """Whether there is a way to see a record; if not, rows are sent without looking."""

    @property
    def can_be_blind(self) -> bool:
        """Whether an update can be made without looking at the record first."""

    def lag_s(self, fields: Fields) -> float:
        """Return the seconds after a write during which no update of these fields may be built on a read.

        0 where the update needs nothing but the fields: then what was written may be laid over what a read shows.
        """

    def group(self, key: str) -> str:
        """Return what records must have in common to be read on one page; empty where any can be."""

    def update(self, job: UpdateJob, change: Change, live: Live | None) -> Request:
        """Return the request that makes the change; `live` is the record as it was read, None in a blind run."""

    def confirm(self, reply: Reply, job: UpdateJob, change: Change) -> Confirmation | None:
        """Read a 2xx with a body; None when it is no success about this record."""

    def errors(self, reply: Reply, columns: Mapping[tuple[str, ...], str]) -> tuple[ApiError, ...]:
        """Return what a failure of an update finds wrong; `field` is the column, as the user wrote it (`columns`)."""

    def request_id(self, reply: Reply) -> str:
        """Return what identifies the request to the vendor's support, on one line; empty where the reply is silent."""

    def least_wait(self, reply: Reply) -> float:
        """Return the seconds after which a refused request may be sent again, where no `Retry-After` says so."""

    def scope_of(self, reply: Reply) -> str:
        """Return whom a refusal is about, as `DeclaredLimit.per` says it; asked only if the API's limits have gates."""

    def read(self, keys: Sequence[str], fields: Fields, *, sparse: bool = True) -> Request:
        """Return the request for a page of records; `sparse` names the fields, False asks for all there are."""

    def states(self, reply: Reply, keys: Sequence[str], fields: Fields) -> Mapping[str, Live] | None:
        """Return what a page shows of the records asked for, by key; None when the reply cannot be used.

        Absence from it proves nothing.
        """

    def may_show_more(self, reply: Reply, keys: Collection[str]) -> bool:
        """Return whether a page of the keys alone that this one does not show may show some of them."""

    def read_one(self, key: str, fields: Fields | None) -> Request:
        """Return the request for one record; None asks for all its attributes and nothing else."""

    def state(self, reply: Reply, key: str, fields: Fields) -> Live | None:
        """Return the record that a reply to `read_one` shows; None when it is about something else."""

    def attributes(self, reply: Reply, key: str) -> Mapping[str, JSON] | None:
        """Return all attributes of the record that a reply shows, but the secret ones; None as in `state`."""

    def sought(self, reference: str) -> tuple[str, str]:
        """Return the field that a reference is about, as a column names it, and the value that it must have."""

    def find(self, references: Sequence[str]) -> Request:
        """Return the request for the records that have one of the references."""

    def matches(self, reply: Reply, references: Sequence[str]) -> Matches | None:
        """Return the keys by reference that a page shows; None when the reply cannot be used."""


class Api(Protocol):
    """One API."""

    @property
    def name(self) -> str:
        """What settings call it."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers of every request but those for a token, such as `Accept`."""

    @property
    def content_type(self) -> str:
        """Content type of updates that do not name their own; empty where all of them do."""

    @property
    def idempotency_header(self) -> str:
        """Header for a key that makes the repetition of an update harmless; empty where there is none."""

    @property
    def page(self) -> int:
        """Records that one read shows at most, of any type."""

    @property
    def key_page(self) -> int:
        """References that one search can be about."""

    @property
    def schema(self) -> Schema:
        """Its types of records, and what a row may set of each."""

    @property
    def auth(self) -> Auth:
        """How requests are authorised."""

    def resource(self, type_name: str) -> Resource:
        """Return a type of records; one that is not known, too, as far as the API takes any."""

    def meaning(self, request: Request, outcome: Outcome) -> Meaning:
        """Return what an outcome means: said here, and nowhere else."""

    def key_pages(self, references: Sequence[str], most: int) -> list[list[str]]:
        """Return the references, as they can be searched for together, `most` at most."""

    @property
    def limits(self) -> DeclaredLimits:
        """The limits that it is known to have, whatever its replies tell."""

    def scopes(self, type_name: str, key: str, *, reads: bool) -> Places:
        """Return the gates of `limits` that a request about a record passes; asked only if there are any.

        Args:
            type_name: of the record.
            key: of the record; empty if it is not known yet.
            reads: whether it is a read or an update.
        """

    def windows(self, origin: str, *, reads: bool) -> tuple[tuple[int, float], ...]:
        """Return the limits to assume of reads, or of updates, at an origin before its first reply.

        Each is so many requests in so many seconds.

        Once a reply tells limits, only those count; the ones in `limits` stay.
        """

    def counts_by_address(self, origin: str) -> bool:
        """Return whether all credentials of a host share a quota there."""
