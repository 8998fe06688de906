"""What replies to updates say: what a success confirms, what a failure finds wrong, in terms of the sheet."""

from collections.abc import Iterable, Mapping
from typing import Final

from jobs.apis.api import Confirmation
from jobs.apis.commercelayer.states import SECRET_ATTRIBUTES, shown_state
from jobs.apis.documents import document_of, exact_document_of, mapping, tag_names
from jobs.apis.errors import read_errors
from jobs.apis.pointers import column_of, in_the_sheet
from jobs.apis.schema import load
from jobs.changes.diff import Change
from jobs.changes.exact import may_be_rounded
from jobs.changes.taken import Taken, is_plainly_taken, taken
from jobs.model import JSON, ApiError, Fields, Reply, UpdateJob

_MODES: Final = ("test", "live")  # no set: what a server says need not be hashable


def read_confirmation(reply: Reply, job: UpdateJob, change: Change, type_name: str) -> Confirmation | None:
    """Read a 2xx with a body; None when it is not a success about this record: other id, other type, no JSON."""
    document = document_of(reply)
    data = document.get("data") if document else None
    if document is None or not isinstance(data, dict) or data.get("id") != job.id or data.get("type") != type_name:
        return None
    found = _taken(document, data, change, type_name)
    if found.differs and may_be_rounded(reply.body) and (exactly := exact_document_of(reply)):
        found = _taken(exactly, exactly["data"], change, type_name)
    unseen = tuple(name for name in found.unseen if name not in SECRET_ATTRIBUTES) if found.unseen else ()
    missing = _missing_tags(document, data, job.add_tags) if job.add_tags else ()
    if missing is None:
        unseen, missing = (*unseen, "tags.add"), ()
    mode = mapping(data.get("meta")).get("mode")
    return Confirmation(
        found.edits,
        found.differs,
        found.untaken,
        unseen,
        missing,
        mode if mode in _MODES else "",
        errors_in_sheet(read_errors(reply), job.columns) if "errors" in document else (),
    )


def errors_in_sheet(errors: Iterable[ApiError], columns: Mapping[tuple[str, ...], str]) -> tuple[ApiError, ...]:
    """Return the errors of a reply, each with the column that it concerns, as the user wrote it."""
    return in_the_sheet(errors, lambda place: column_of(place, columns))


def _taken(document: Mapping[str, JSON], data: Mapping[str, JSON], change: Change, type_name: str) -> Taken:
    echo, schema = mapping(data.get("attributes")), load("commercelayer")
    if is_plainly_taken(change, echo, schema):
        return Taken(change.edits)
    wanted = Fields(frozenset(change.attributes), frozenset(change.relationships), "_remove_tags" in change.attributes)
    return taken(change, shown_state(document, data, type_name, wanted), schema, bare=not echo)


def _missing_tags(
    document: Mapping[str, JSON], data: Mapping[str, JSON], wanted: tuple[str, ...]
) -> tuple[str, ...] | None:
    """Return the tags that were to be added and are not on the record; None when the reply does not show its tags."""
    names = tag_names(document, data)
    return None if names is None else tuple(name for name in wanted if name not in names)
