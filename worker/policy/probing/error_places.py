"""Where failures say what is wrong: met while probing, looked for by the names that most APIs use."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from jobs.apis.description.model import ErrorPlaces
from jobs.apis.documents import parsed_anyway
from jobs.model import Reply
from jobs.names import pointer_to
from worker.policy.probing.facts import Fact, Note
from worker.policy.probing.subject import Subject
from worker.policy.wording import errors_text

_MESSAGE: Final = ("message", "detail", "text", "description", "error_description", "title", "msg", "reason", "error")
_CODE: Final = ("code", "error_code", "errorCode", "type", "error")
_FIELD: Final = ("field", "param", "parameter", "property", "path", "attribute", "pointer", "loc")


def errors_fact(subject: Subject, failures: Iterable[Reply]) -> Fact | None:
    """Return where the failures that were met say what is wrong; None if none was, or none says it in JSON.

    Args:
        subject: of the description.
        failures: replies of 400 and above, in order.
    """
    given = subject.described.errors or subject.api.description.errors
    is_described = bool(given.items or given.message or given.code)
    for reply in failures:
        places = proposed(parsed_anyway(reply.body))
        if not places:
            continue
        says = ", ".join((*given.items, given.message, given.code)).strip(", ")
        found = ", ".join(f"{name} {value if isinstance(value, str) else value[0]}" for name, value in places.items())
        is_wrong = is_described and not _shows(given, parsed_anyway(reply.body))
        notes = () if is_described else tuple(Note(("errors", name), value) for name, value in places.items())
        words = errors_text(reply.status, subject.resource.errors(reply, {}))
        return Fact("errors", says, f"{found}: {words}", "a refusal", is_wrong, notes)
    return None


def proposed(document: object) -> dict[str, str | list[str]]:
    """Return places of errors by their names in a description; empty where it is not obvious."""
    if not isinstance(document, Mapping):
        return {}
    for place, item in ((name, each) for name, value in document.items() for each in _items(value)):
        if found := _places(item):
            return {"items": [pointer_to((place,))], **found}
    return dict(_places(document))


def _items(value: object) -> Iterator[Mapping[str, Any]]:
    """Yield the first error that a member may hold: the first object of a list, or the object."""
    first = value[0] if isinstance(value, list) and value else value
    if isinstance(first, Mapping):
        yield first


def _places(item: Mapping[str, Any]) -> dict[str, str | list[str]]:
    message = _first(item, _MESSAGE)
    if not message:
        return {}
    others = {"code": _first(item, _CODE, but=message), "field": _first(item, _FIELD)}
    return {"message": pointer_to((message,)), **{key: pointer_to((name,)) for key, name in others.items() if name}}


def _first(item: Mapping[str, Any], names: Sequence[str], but: str = "") -> str:
    return next((name for name in names if name != but and isinstance(item.get(name), str) and item[name]), "")


def _shows(given: ErrorPlaces, document: object) -> bool:
    """Return whether a failure has something where the description says."""
    places = [*given.items, *([] if given.items else [given.message, given.code])]
    return any(_there(document, place) for place in places if place.startswith("/"))


def _there(document: object, place: str) -> bool:
    for step in place[1:].split("/"):
        document = document.get(step) if isinstance(document, Mapping) else None
    return document is not None
