"""The values that travel through a run: rows, jobs, requests, results.

Everything here is frozen and slotted; nothing here does anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field
from enum import StrEnum
from typing import Final, TypeAlias, Union

from jobs.values import valueclass

# `Union`, not `|`: the alias refers to itself, and is used in unions at run time.
JSON: TypeAlias = Union[bool, int, float, str, "Sequence[JSON]", "Mapping[str, JSON]", None]


class Status(StrEnum):
    """What became of a row: exactly one per input row."""

    __hash__ = str.__hash__  # that of `Enum` is a Python function, and every row is counted by it

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    INVALID = "invalid"
    REJECTED = "rejected"
    FAILED = "failed"
    CONFLICT = "conflict"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"
    PENDING = "pending"


SETTLED_WELL: Final = frozenset({Status.APPLIED, Status.UNCHANGED, Status.SKIPPED})
"""Statuses that need nobody's attention: with only these, a run exits 0."""


@valueclass(frozen=True, slots=True)
class RowRef:
    """The immutable identity of a row: results are matched by nothing else.

    Attributes:
        row: 1-based number of the data record (the header is not one; comment rows are).
        line: 1-based number of the first physical line of the record in the decoded input.
        digest: 8 bytes over the record's raw text.
    """

    row: int
    line: int
    digest: bytes


@valueclass(frozen=True, slots=True)
class SheetRow:
    """One record of a CSV or TSV sheet: the cells as text, in header order."""

    ref: RowRef
    cells: list[str]


@valueclass(frozen=True, slots=True)
class ObjectRow:
    """One record of an NDJSON input: a JSON object whose members stand in file order."""

    ref: RowRef
    members: dict[str, JSON]


@valueclass(frozen=True, slots=True)
class Unsendable:
    """A row that is not sent, and why. `reason` is a code of `jobs.reasons`, which also gives the row's status.

    Attributes:
        column: name of the column as the user wrote it, or empty when the row as a whole is meant.
        cell: the offending text, shortened for display.
    """

    ref: RowRef
    reason: str
    message: str = ""
    column: str = ""
    cell: str = ""


class Absent:
    """No such key: what an object does not have, and what the clear token asks for on one of its members."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()


class Unread:
    """A value that nobody looked at before it was overwritten: it cannot be restored."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNREAD"


UNREAD: Final = Unread()


@valueclass(frozen=True, slots=True)
class Link:
    """One end of a relationship: a resource identifier object of JSON:API."""

    type: str
    id: str


@valueclass(frozen=True, slots=True)
class UpdateJob:
    """What one row asks for.

    Attributes:
        id: of the record; empty as long as it has to be looked up by `reference`.
        attributes: whole values by attribute name; None clears. Triggers are not among them.
        members: values to set inside an object attribute, by attribute name and key; ABSENT removes the key.
        relationships: the new link(s) by relationship name; None clears a to-one, an empty tuple a to-many.
        triggers: write-only attributes with side effects, by name (leading underscore).
        add_tags: tag names to add. `remove_tags`: tag names to remove. Neither is ever sent twice.
        columns: names of the row's columns as the user wrote them, by what each is about: `("reference",)`,
            `("metadata", KEY)`, `("tags", "add")`. All rows of a sheet share one.
        reference: of the record, when the row names that instead of the id.
        untyped: paths, as in `columns`, of values that are the text of a cell whose column has no type.
        triggers_safe: the API says of all its triggers that a second sending has no second effect.
        emptied: paths of edits, of what only the rule for empty cells clears.
    """

    ref: RowRef
    type: str
    id: str
    attributes: dict[str, JSON] = field(default_factory=dict)
    members: dict[str, dict[str, JSON | Absent]] = field(default_factory=dict)
    relationships: dict[str, Link | tuple[Link, ...] | None] = field(default_factory=dict)
    triggers: dict[str, JSON] = field(default_factory=dict)
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    columns: Mapping[tuple[str, ...], str] = field(default_factory=dict, compare=False, repr=False)
    reference: str = ""
    untyped: frozenset[tuple[str, ...]] = field(default=frozenset(), compare=False, repr=False)
    triggers_safe: bool = field(default=False, compare=False, repr=False)
    emptied: frozenset[tuple[str, ...]] = field(default=frozenset(), compare=False, repr=False)

    @property
    def key(self) -> str:
        """What tells records apart as far as the row itself says: its id, else its reference (no id has a space)."""
        return self.id or f"reference {self.reference}"

    @property
    def fires(self) -> bool:
        """Whether it has effects that a second sending would have twice."""
        return bool(self.triggers) and not self.triggers_safe

    @property
    def replay_safe(self) -> bool:
        """Whether sending this row twice has the effect of sending it once: it only sets absolute values."""
        return not (self.add_tags or self.remove_tags or self.fires)


Path: TypeAlias = tuple[str, ...]
"""What an edit is about: `("attributes", NAME)`, `("attributes", NAME, KEY)`, `("relationships", NAME)` or
`("tags", NAME)`."""


@valueclass(frozen=True, slots=True)
class Fields:
    """What of a record an update touches, and so what has to be read of it.

    Attributes:
        attributes: names of attributes. `relationships`: names of relationships. `tags`: whether tag names matter.
    """

    attributes: frozenset[str] = frozenset()
    relationships: frozenset[str] = frozenset()
    tags: bool = False

    def __or__(self, other: "Fields") -> "Fields":
        """Return the fields that either touches."""
        return Fields(
            self.attributes | other.attributes, self.relationships | other.relationships, self.tags or other.tags
        )

    def __le__(self, other: "Fields") -> bool:
        """Return whether `other` has all of these fields."""
        return (
            self.attributes <= other.attributes
            and self.relationships <= other.relationships
            and self.tags <= other.tags
        )


@valueclass(frozen=True, slots=True)
class Live:
    """What was read of one record. What the API does not show is not in it.

    Attributes:
        type: the record's concrete type.
        attributes: values by name. `relationships`: links by name.
        tags: names of its tags, None when they were not asked for or not shown.
        fields: what was asked for.
        basis: what else an update of this API is built on: the whole record, or its version. Only the API that read it
            looks into it; None where updates need nothing else, and once the record has been changed since.
        lacks: names of what an update must be conditional on, and the read did not show; empty for most. Without it,
            nothing may be sent.
        steps: what earlier rows of the run made of the record, the latest last; reads may show it as it was before.
    """

    type: str
    attributes: Mapping[str, JSON]
    relationships: Mapping[str, Link | tuple[Link, ...] | None] = field(default_factory=dict)
    tags: frozenset[str] | None = None
    fields: Fields = field(default_factory=Fields)
    basis: object = field(default=None, compare=False, repr=False)
    lacks: tuple[str, ...] = ()
    steps: tuple["Step", ...] = field(default=(), compare=False, repr=False)


@valueclass(frozen=True, slots=True)
class Edit:
    """One value that an update replaces. Links stand as JSON:API's linkage; a tag is True or ABSENT.

    Attributes:
        before: the value that was there; UNREAD when nobody looked.
        stored: the form in which the API stores `after`, as the reply to our own update showed it, where that is
            neither `before` nor `after`; else UNREAD.
        past: values that earlier rows of the run replaced: they show as long as the updates of those have not landed.
            The journal does not keep them.
    """

    path: Path
    before: JSON | Absent | Unread
    after: JSON | Absent
    stored: JSON | Absent | Unread = UNREAD
    past: tuple[JSON | Absent, ...] = field(default=(), compare=False, repr=False)

    @property
    def left(self) -> JSON | Absent:
        """What the record holds once the edit is applied, as far as is known."""
        return self.after if isinstance(self.stored, Unread) else self.stored


@valueclass(frozen=True, slots=True)
class Step:
    """One update of a record: what it was before, and the edits."""

    before: Live
    edits: tuple[Edit, ...]


@valueclass(frozen=True, slots=True)
class Request:
    """An HTTP request without origin and credential.

    Attributes:
        target: path and query, percent-encoded, beginning with `/`.
        body: bytes to send, empty for none.
        headers: of this request alone, such as a precondition, besides those of all requests of its kind.
        reads: it changes nothing, whatever its method; a GET never does.
        about: the type of records, where what a reply means depends on it.
        is_conditional: it has no effect once somebody has changed the record since it was read.
    """

    method: str
    target: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    reads: bool = False
    about: str = ""
    is_conditional: bool = False

    @property
    def is_read(self) -> bool:
        """Whether it changes nothing."""
        return self.reads or self.method == "GET"


@valueclass(frozen=True, slots=True)
class ApiError:
    """One error of a reply. `pointer` is its place as the server names it, a JSON Pointer or a name (may be empty).

    `field` is the column-like name that this leads to, or empty.
    """

    title: str = ""
    detail: str = ""
    code: str = ""
    pointer: str = ""
    field: str = ""


@valueclass(frozen=True, slots=True)
class RowResult:
    """The final word on one row of this run, as the journal keeps it and the reports show it.

    Attributes:
        fields: names of the fields the reason is about.
        http: status of the last reply, 0 when there was none.
        attempts: PATCHes sent for the row, earlier processes included.
        at: seconds since the epoch when the row was settled, 0 when it never was.
    """

    ref: RowRef
    status: Status
    reason: str = ""
    message: str = ""
    fields: tuple[str, ...] = ()
    http: int = 0
    attempts: int = 0
    request_id: str = ""
    at: float = 0.0
    errors: tuple[ApiError, ...] = ()


@valueclass(frozen=True, slots=True)
class Reply:
    """An HTTP reply whose status line and headers arrived whole.

    Attributes:
        headers: names in lower case; a header that came more than once is joined with `, `.
        body: decoded bytes, at most the transport's cap.
        complete: False when the body broke off, was too long or could not be decoded.
        secrets: what the request held that nobody else may see; hidden in everything that is quoted of the reply.
        is_quotable: the server's words may be shown; they may quote values of the record.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    complete: bool = True
    secrets: tuple[str, ...] = field(default=(), repr=False, compare=False)
    is_quotable: bool = True


@valueclass(frozen=True, slots=True)
class NotSent:
    """Nothing of the request's body left this machine: it cannot have been applied. `detail` names the cause."""

    detail: str


@valueclass(frozen=True, slots=True)
class MaybeSent:
    """The request left, and no trustworthy reply came. `reason` is a code of `jobs.reasons` with status unknown."""

    reason: str
    detail: str


Outcome: TypeAlias = Reply | NotSent | MaybeSent
"""What the transport can know about one request."""
