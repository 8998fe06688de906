"""Bodies and replies of operations, wherever a version of OpenAPI keeps them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from jobs.apis.documents import mapping
from jobs.apis.openapi.document import Document, rows, word

_FORM: Final = "application/x-www-form-urlencoded"
_PREFERRED: Final[Mapping[str, tuple[int, str]]] = {
    "application/merge-patch+json": (0, "merge_patch"),
    "application/vnd.api+json": (1, "json_api"),
    "application/json": (2, "json"),
    "*/*": (4, "json"),
    _FORM: (5, "form"),
    "application/json-patch+json": (6, "json_patch"),
}
"""Content types that an update can have: the lowest rank is taken; and its format in a description."""

_OTHER_JSON: Final = (3, "json")


@dataclass(frozen=True)
class Body:
    """The body of an update.

    Attributes:
        format: as a description names it.
        content_type: as the document has it.
        others: content types that it could have as well.
        schema: of the body.
    """

    format: str
    content_type: str
    others: tuple[str, ...]
    schema: object


@dataclass(frozen=True)
class Parameter:
    """A parameter of an operation.

    Attributes:
        place: `path`, `query` or `header`.
        fixed: the one value that it can have; empty where it may have several.
    """

    name: str
    place: str
    is_required: bool
    fixed: str


def parameters(document: Document, item: Mapping[str, Any], operation: Mapping[str, Any]) -> tuple[Parameter, ...]:
    """Return the parameters of an operation; its own count more than those of its path."""
    found = {}
    for each in _raw_parameters(document, item, operation):
        name, place = word(each.get("name")), word(each.get("in"))
        found[name.lower(), place] = Parameter(name, place, each.get("required") is True, _fixed(document, each))
    return tuple(each for each in found.values() if each.name)


def body_of(document: Document, item: Mapping[str, Any], operation: Mapping[str, Any]) -> Body | None:
    """Return the body of an operation; None where it has none that an update could have."""
    schemas = _swagger_bodies(document, item, operation) if document.is_swagger else _bodies(document, operation)
    usable = sorted((_rank(media), position, media) for position, media in enumerate(schemas) if _rank(media)[1])
    if not usable:
        return None
    (_, form), _, media = usable[0]
    return Body(form, media, tuple(each for *_, each in usable[1:]), schemas[media])


def success_of(document: Document, operation: Mapping[str, Any]) -> tuple[str, object]:
    """Return the status of a documented success, and the schema of its body; None for one without a body in JSON."""
    replies = mapping(operation.get("responses"))
    ranked = sorted((each for each in replies if each[:1] == "2"), key=lambda each: (each != "200", each))
    for status in [*ranked, *(each for each in ("default",) if each in replies)]:
        schema = schema_of_reply(document, replies[status])
        if schema is not None:
            return status, schema
    return (ranked[0] if ranked else ""), None


def schema_of_reply(document: Document, reply: object) -> object:
    """Return the schema of the body of a reply in JSON; None where there is none."""
    found = document.resolved(reply)
    if document.is_swagger:
        return found.get("schema")
    content = mapping(found.get("content"))
    media = next((each for each in content if _plain(each).endswith(("/json", "+json")) or each == "*/*"), None)
    return None if media is None else mapping(content[media]).get("schema")


def headers_of(document: Document, operation: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of the headers that the replies of an operation are documented to have."""
    for reply in mapping(operation.get("responses")).values():
        yield from mapping(document.resolved(reply).get("headers"))


def _raw_parameters(
    document: Document, item: Mapping[str, Any], operation: Mapping[str, Any]
) -> Iterator[Mapping[str, Any]]:
    for each in (*rows(item.get("parameters")), *rows(operation.get("parameters"))):
        yield document.resolved(each)


def _fixed(document: Document, parameter: Mapping[str, Any]) -> str:
    """Return the only value of a parameter, as a text: of several that it lists, the one it has by default."""
    schema = {**parameter, **document.resolved(parameter.get("schema"))}
    listed = rows(schema.get("enum"))
    only = listed[0] if len(listed) == 1 else schema.get("const", schema.get("default"))
    return str(only) if isinstance(only, str | int | float) and not isinstance(only, bool) else ""


def _bodies(document: Document, operation: Mapping[str, Any]) -> dict[str, object]:
    content = mapping(document.resolved(operation.get("requestBody")).get("content"))
    return {media: mapping(each).get("schema") for media, each in content.items()}


def _swagger_bodies(document: Document, item: Mapping[str, Any], operation: Mapping[str, Any]) -> dict[str, object]:
    given = list(_raw_parameters(document, item, operation))
    media = _texts(operation.get("consumes")) or _texts(document.data.get("consumes")) or ["application/json"]
    form = {word(each.get("name")): each for each in given if each.get("in") == "formData"}
    if form:
        required = [name for name, each in form.items() if each.get("required") is True]
        plain = {name: {key: value for key, value in each.items() if key != "required"} for name, each in form.items()}
        return {_FORM: {"type": "object", "properties": plain, "required": required}}
    schema = next((each.get("schema") for each in given if each.get("in") == "body"), None)
    return {} if schema is None else dict.fromkeys(media, schema)


def _rank(media: str) -> tuple[int, str]:
    """Return how gladly a content type is taken, and its format; an empty one for what no update can have."""
    plain = _plain(media)
    other = _OTHER_JSON if plain.startswith("application/") and plain.endswith("+json") else (9, "")
    return _PREFERRED.get(plain, other)


def _plain(media: str) -> str:
    return media.partition(";")[0].strip().lower()


def _texts(value: object) -> list[str]:
    return [each for each in rows(value) if isinstance(each, str)]
