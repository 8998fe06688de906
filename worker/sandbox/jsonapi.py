"""JSON:API on the wire: media type, replies, and errors with the API's codes and wording.

The codes are those the vendor's own clients list. Titles and details follow jsonapi-resources, whose code list it is.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"

MEDIA_TYPE: Final = "application/vnd.api+json"


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole HTTP reply. `body` is what goes over the wire, uncompressed."""

    status: int
    body: bytes = b""
    content_type: str = MEDIA_TYPE
    headers: Mapping[str, str] = field(default_factory=dict)

    def with_headers(self, headers: Mapping[str, str]) -> "Reply":
        """Return the reply with more headers; those it has already win."""
        return replace(self, headers={**headers, **self.headers})


@dataclass(frozen=True, slots=True)
class Problem:
    """One error object. `pointer` is a JSON pointer into the request, empty when the error is about all of it."""

    status: int
    code: str
    title: str
    detail: str
    pointer: str = ""

    def document(self, trace_id: str) -> dict[str, JSON]:
        """Return the error object; its `status` is text, as JSON:API wants it (only the 429 is odd)."""
        error: dict[str, JSON] = {
            "title": self.title,
            "detail": self.detail,
            "code": self.code,
            "status": str(self.status),
            "meta": {"trace_id": trace_id},
        }
        return {**error, "source": {"pointer": self.pointer}} if self.pointer else error


class Refusal(Exception):
    """The request is refused; the reply lists all `problems` and has the status of the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems)
        self.problems = problems

    def reply(self, trace_id: str) -> Reply:
        """Return the reply that lists the problems."""
        errors: list[JSON] = [problem.document(trace_id) for problem in self.problems]
        return json_reply(self.problems[0].status, {"errors": errors})


def refuse_if(problems: Iterable[Problem]) -> None:
    """Raise a Refusal when there is any problem."""
    found = tuple(problems)
    if found:
        raise Refusal(found)


def json_reply(status: int, document: JSON, content_type: str = MEDIA_TYPE) -> Reply:
    """Make a reply with a compact JSON body."""
    return Reply(status, dumps(document), content_type)


def dumps(document: JSON) -> bytes:
    """Encode compact UTF-8 JSON, escaped to ASCII if it has a lone surrogate."""
    try:
        return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(document, separators=(",", ":")).encode()


def record_not_found(key: str) -> Problem:
    """Report that there is no record of that id and type."""
    return Problem(404, "RECORD_NOT_FOUND", "Record not found", f"The record identified by {key} could not be found.")


def not_allowed(name: str, pointer: str = "") -> Problem:
    """Report a parameter that the API does not know."""
    return Problem(400, "PARAM_NOT_ALLOWED", "Param not allowed", f"{name} is not allowed.", pointer)


def missing(name: str) -> Problem:
    """Report that the document lacks a required member."""
    return Problem(400, "PARAM_MISSING", "Missing Parameter", f"The required parameter, {name}, is missing.")


def bad_format(detail: str) -> Problem:
    """Report JSON that does not have JSON:API's shape."""
    return Problem(400, "INVALID_DATA_FORMAT", "Invalid data format", detail)


def invalid(pointer: str, title: str) -> Problem:
    """Report a value that validation refuses. `title` reads after the field's name: `is not a number`."""
    name = pointer.rpartition("/")[2]
    return Problem(422, "VALIDATION_ERROR", title, f"{name} - {title}", pointer)
