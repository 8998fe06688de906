"""Headers that a document says requests need, and those that it says replies have."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

from jobs.apis.documents import mapping
from jobs.apis.openapi.candidates import Candidate
from jobs.apis.openapi.document import Document
from jobs.apis.openapi.messages import headers_of, parameters

_BY_ITSELF: Final = frozenset({"accept", "content-type", "authorization", "content-length", "host", "user-agent"})
_SECRET: Final = re.compile(r"auth|token|secret|password|cookie|api-?key", re.IGNORECASE)
_NAME: Final = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_VALUE: Final = re.compile(r"[!-z|~](?:[ -z|~]*[!-z|~])?")
_LIMIT: Final = re.compile(r".*rate-?limit.*|retry-after|backoff", re.IGNORECASE)


@dataclass
class Headers:
    """What a document says of headers.

    Attributes:
        fixed: values that every request needs.
        needed: names that are needed, and the document does not say with which value.
        idempotency_key: name of the header for such keys.
        is_conditional: updates take `If-Match`.
        limits: names of headers of replies that tell a limit.
        is_throttled: 429 is documented.
    """

    fixed: dict[str, str] = field(default_factory=dict)
    needed: dict[str, None] = field(default_factory=dict)
    idempotency_key: str = ""
    is_conditional: bool = False
    limits: dict[str, None] = field(default_factory=dict)
    is_throttled: bool = False


def headers(document: Document, chosen: Iterable[Candidate], taken: Collection[str]) -> Headers:
    """Return what the operations of some candidates say of headers; `taken` are names that others fill."""
    found = Headers()
    others = {each.lower() for each in taken} | _BY_ITSELF
    for candidate in chosen:
        for operation in (candidate.operation, candidate.reading):
            for each in parameters(document, candidate.item, operation):
                if each.place == "header" and _NAME.fullmatch(each.name) and each.name.lower() not in others:
                    _note(found, each.name, each.fixed, is_required=each.is_required)
            named = (each for each in headers_of(document, operation) if _LIMIT.fullmatch(each))
            found.limits.update(dict.fromkeys(named))
            found.is_throttled |= "429" in mapping(operation.get("responses"))
    return found


def _note(found: Headers, name: str, fixed: str, *, is_required: bool) -> None:
    lower = name.lower()
    if lower == "if-match":
        found.is_conditional = True
    elif "idempotency" in lower:
        found.idempotency_key = name
    elif fixed and not _SECRET.search(name) and (is_required or "version" in lower) and _VALUE.fullmatch(fixed):
        found.fixed.setdefault(name, fixed)
    elif is_required:
        found.needed.setdefault(name)
