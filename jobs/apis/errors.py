"""Errors in replies, read by their shape rather than by the vendor that made them.

JSON:API; problem+json (RFC 9457); OAuth (RFC 6749); `{"message": …}`, `{"error": …}`; fields with their messages, as
Rails and Django write them; lists of texts or objects; text; a page of HTML, of which only the title is read.
"""

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit, urlunsplit

from jobs.apis.documents import document_of, mapping, parsed_anyway
from jobs.apis.pointers import field_of, pointer_to
from jobs.apis.quoting import harmless, shortened
from jobs.model import ApiError, Reply

MOST_ERRORS: Final = 100
"""Errors kept of one refusal; more than any sheet has columns that could be wrong."""

_DEEPEST: Final = 6
"""Levels of a document that are looked through."""

# Names of members without case, `_` and `-`: `error_description`, `errorDescription`, `Error-Description` are one.
_DETAIL: Final = (
    "detail", "errordescription", "message", "errormessage", "errorsummary", "description", "msg", "details",
    "faultstring", "usermessage", "reason", "text",
)  # fmt: skip
_TITLE: Final = ("title", "error", "summary")
_CODE: Final = ("code", "errorcode", "error", "reason", "faultcode")
_PLACE: Final = ("field", "fieldname", "param", "parameter", "pointer", "property", "propertypath", "attribute")
_PLACE_LISTS: Final = ("loc", "path")
_WITHIN: Final = (
    "errors", "error", "errormessages", "messages", "message", "detail", "details", "invalidparams", "violations",
    "issues", "errorcauses", "causes", "fault",
)  # fmt: skip
_NOBODYS: Final = frozenset({"", "nonfielderrors", "base", "all", "general", "global"})
"""Names under which frameworks put messages that are about no field."""

_UNREAD: Final = frozenset({
    "clientsecret", "publishablekey", "token", "accesstoken", "refreshtoken", "password", "authorization", "cookie",
    "source", "meta", "links", "data", "included", "jsonapi", "request", "headers", "stack", "trace",
})  # fmt: skip
"""Names that are no field's: secrets, and what a document holds besides its errors."""

_MARKUP: Final = re.compile(r"<(title|message|faultstring|description)\b[^>]{0,200}>([^<]{0,2000})", re.IGNORECASE)

_Raw: TypeAlias = tuple[str, str, str, str]
"""Title, detail, code and place, as they were written."""


def read_errors(reply: Reply) -> tuple[ApiError, ...]:
    """Return the errors that a reply tells, in order; none where it tells none.

    Of a success only the member `errors` is read: everything else is data. Of a redirect nothing is.
    """
    if not reply.complete or 300 <= reply.status < 400:
        return ()
    found = dict.fromkeys(islice(_told(reply), MOST_ERRORS))
    return tuple(error_of(*raw, reply=reply) for raw in found)


def said(reply: Reply) -> str:
    """Return what the server gives as its reason, as one short line; empty where it gives none.

    A redirect says where it leads to (without the query); a success says what it is, for it could not be used.
    """
    if 300 <= reply.status < 400:
        return _leads_to(reply)
    if not reply.complete:
        coding = harmless(reply.headers.get("content-encoding", ""), reply.secrets)
        return f"a reply that cannot be decoded, or broke off ({coding})" if coding else "a reply that broke off"
    if errors := read_errors(reply):
        return in_words(errors)
    return _is(reply) if reply.status < 300 else ""


def in_words(errors: Sequence[ApiError]) -> str:
    """Return errors as one short line."""
    return shortened("; ".join(dict.fromkeys(filter(None, map(_in_words, errors)))))


def _in_words(error: ApiError) -> str:
    title = "" if error.title.casefold() in error.detail.casefold() else error.title
    words = [error.field, title, error.detail] if title or error.detail else [error.field, error.code]
    return ": ".join(dict.fromkeys(filter(None, words)))


def error_of(title: str, detail: str, code: str, place: str, *, reply: Reply) -> ApiError:
    """Return an error of a reply in the server's own words, made harmless; of words that are not to be quoted, none."""
    if not reply.is_quotable:
        title, detail, code = "", "", _code(code)
    title, detail, code, place = (harmless(each, reply.secrets) for each in (title, detail, code, place))
    return ApiError(title, detail, code, place, field_of(place))


def _told(reply: Reply) -> Iterator[_Raw]:
    document = parsed_anyway(reply.body)
    if reply.status < 300:
        yield from _errors(mapping(document).get("errors"), "", 1)
    elif document is not None:
        yield from _errors(document, "", 0)
    elif page := _page(reply):
        yield page, "", "", ""
    elif _is_text(reply):
        yield "", _decoded(reply.body), "", ""


def _errors(value: object, place: str, depth: int, *, named: bool = False) -> Iterator[_Raw]:
    """Yield the errors of a value; those of parameters are `named` by the member of that name."""
    if isinstance(value, str) and value.strip():
        yield "", value, "", place
    elif isinstance(value, list) and depth < _DEEPEST:
        for each in value[:MOST_ERRORS]:
            yield from _errors(each, place, depth + 1, named=named)
    elif isinstance(value, dict) and depth < _DEEPEST:
        yield from _of_object(value, place, depth, named=named)


def _of_object(raw: Mapping[str, Any], place: str, depth: int, *, named: bool) -> Iterator[_Raw]:
    members = {_plain(name): each for name, each in islice(raw.items(), MOST_ERRORS)}
    own = _own(members, place, named=named)
    within = [
        error for name in _WITHIN for error in islice(_inner(name, members.get(name), own[3], depth), MOST_ERRORS)
    ]
    if not within or (any(own[:2]) and own[1] not in {detail for _, detail, _, _ in within if detail}):
        yield from [own] if any(own[:3]) else ()
    yield from within
    if any(own[:3]) or within:
        return
    if own[3] != place:
        yield own
        return
    for name, each in islice(raw.items(), MOST_ERRORS):
        if _plain(name) in _UNREAD:
            continue
        if _holds_errors(each):
            yield from _errors(each, place, depth + 1)
        elif _holds_messages(each) or depth:
            yield from _errors(each, _below(place, name), depth + 1)


def _own(members: Mapping[str, Any], place: str, *, named: bool) -> _Raw:
    """Return what an object says by itself, each part empty where it says nothing."""
    detail, title = _first(members, _DETAIL), _first(members, _TITLE)
    code = next((found for name in _CODE if (found := _code(members.get(name)))), "")
    code = code or _code(mapping(members.get("extensions")).get("code"))
    if not detail and title and title != members.get("title"):
        title, detail = "", title
    return title, detail, code, _placed(members, named=named) or place


def _inner(name: str, value: object, place: str, depth: int) -> Iterator[_Raw]:
    """Yield the errors of a member that may hold some; a text is its object's own, but where the name is plural."""
    if not isinstance(value, str) or name in {"errors", "errormessages", "messages"}:
        yield from _errors(value, place, depth + 1, named=name == "invalidparams")


def _placed(members: Mapping[str, Any], *, named: bool) -> str:
    """Return what an error is about: a JSON Pointer or a name."""
    source = mapping(members.get("source"))
    if found := _first(source, ("pointer", "parameter")):
        return found
    for name in _PLACE_LISTS:
        if isinstance(members.get(name), list):
            return pointer_to(members[name])
    fields = members.get("fields")
    if isinstance(fields, list) and fields and isinstance(fields[0], str):
        return fields[0]
    return _first(members, (*_PLACE, "name") if named else _PLACE)


def _first(members: Mapping[str, Any], names: Sequence[str]) -> str:
    found = (members.get(name) for name in names)
    return next((each for each in found if isinstance(each, str) and each.strip()), "")


def _code(value: object) -> str:
    """Return a code: a number, or a text that is no sentence."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)[:20] if abs(value) < 10**18 else ""
    return value if isinstance(value, str) and value and not any(map(str.isspace, value)) else ""


def _plain(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def _below(place: str, name: str) -> str:
    if _plain(name) in _NOBODYS:
        return place
    return f"{place}.{name}" if place else name


def _holds_messages(value: object, depth: int = 0) -> bool:
    """Say whether a member of no known name holds messages: a list of texts, or an object of such lists."""
    if isinstance(value, dict) and value and depth < _DEEPEST:
        return all(_holds_messages(each, depth + 1) for each in value.values())
    return isinstance(value, list) and bool(value) and all(isinstance(each, str) for each in value)


def _holds_errors(value: object) -> bool:
    """Say whether a member of no known name is a list of errors: of objects that have a message and a code or place."""
    if not (isinstance(value, list) and value and all(isinstance(each, dict) for each in value)):
        return False
    return all(_is_error({_plain(name): each for name, each in item.items()}) for item in value[:MOST_ERRORS])


def _is_error(members: Mapping[str, Any]) -> bool:
    _, detail, code, place = _own(members, "", named=False)
    return bool(detail and (code or place))


def _media(reply: Reply) -> str:
    return reply.headers.get("content-type", "").partition(";")[0].strip().lower()


def _decoded(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("latin-1")


def _is_text(reply: Reply) -> bool:
    """Say whether a body is text for people, rather than bytes or a broken document."""
    media = _media(reply)
    return media.startswith("text/") if media else reply.body[:1].isalpha() and b"\0" not in reply.body


def _page(reply: Reply) -> str:
    """Return what a body in markup is, and its title; empty for what is none."""
    start = reply.body[:400].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not start.startswith(b"<"):
        return ""
    kind = "an HTML page" if b"<html" in start or b"<!doctype html" in start or "html" in _media(reply) else "XML"
    found = _MARKUP.search(_decoded(reply.body[:65536]))
    title = " ".join(html.unescape(found[2]).split()) if found else ""
    return f"{kind}: {title}" if title else kind


def _is(reply: Reply) -> str:
    """Return what a success is that cannot be used."""
    document, media = parsed_anyway(reply.body), harmless(_media(reply), reply.secrets)
    if not reply.body.strip():
        what = "an empty reply"
    elif document is not None and document_of(reply) is None and isinstance(document, dict):
        what = f"JSON that calls itself {media or 'nothing'}"
    elif document is not None:
        what = "another record" if isinstance(mapping(document).get("data"), dict) else "JSON without a record"
    else:
        form = "" if _is_utf8(reply.body) else ", not in UTF-8"
        page = _page(reply) if reply.is_quotable else ""
        what = harmless(page, reply.secrets) or f"no JSON ({media or 'no content type'}{form})"
    return what


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _leads_to(reply: Reply) -> str:
    """Return where a redirect leads to: origin and path. Its query may hold anything."""
    location = reply.headers.get("location", "").strip()
    try:
        parts = urlsplit(location)
        where = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
        where = harmless(where, reply.secrets)
    except ValueError:
        where = ""
    return f"a redirect to {where}" if where else "a redirect"
