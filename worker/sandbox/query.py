"""The query string: sparse fieldsets, includes, filters and pages."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, urlencode

from worker.sandbox.jsonapi import Problem, Refusal, not_allowed, refuse_if
from worker.sandbox.schema import readable_attributes, relationship_names

MAX_PAGE_SIZE: Final = 25
_DEFAULT_PAGE_SIZE: Final = 10
_FILTERS: Final = frozenset({"id_in", "id_eq", "reference_eq", "reference_in"})
_MEMBER: Final = re.compile(r"(fields|filter|page)\[([^\]]+)\](?:\[([^\]]+)\])?")
_PLAIN: Final = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query string.

    Attributes:
        fields: the wanted attributes and relationships by type; a type that is absent is shown whole.
        include: relationships whose targets come with the reply.
        filters: predicate -> value, of those the sandbox supports.
        number: 1-based page; `size` is its length in records.
    """

    fields: Mapping[str, frozenset[str]] = field(default_factory=dict)
    include: tuple[str, ...] = ()
    filters: Mapping[str, str] = field(default_factory=dict)
    number: int = 1
    size: int = _DEFAULT_PAGE_SIZE


_EMPTY: Final = Query()


def parse_query(text: str, type_name: str) -> Query:
    """Parse the query of a request for that type.

    Raises:
        Refusal: with every parameter, field, include, filter or page that the API would refuse.
    """
    if not text:
        return _EMPTY
    groups: dict[str, dict[str, str]] = {"fields": {}, "q": {}, "page": {}, "": {}}
    refuse_if([problem for name, value in parse_qsl(text, True) if (problem := _sorted_in(groups, name, value))])
    include = tuple(filter(None, groups[""].get("include", "").split(",")))
    fields = {name: frozenset(filter(None, value.split(","))) for name, value in groups["fields"].items()}
    refuse_if([*_field_problems(fields), *_include_problems(include, type_name)])
    size, number = _page(groups["page"], "size", _DEFAULT_PAGE_SIZE), _page(groups["page"], "number", 1)
    if size > MAX_PAGE_SIZE:
        raise Refusal([_bad_page("size", str(size))])
    return Query(fields, include, groups["q"], number, size)


def next_page(text: str, query: Query) -> str:
    """Return the query string that asks for the page after that of the query."""
    kept = [(name, value) for name, value in parse_qsl(text, True) if name != "page[number]"]
    return urlencode([*kept, ("page[number]", str(query.number + 1))], safe="[],")


def _sorted_in(groups: dict[str, dict[str, str]], name: str, value: str) -> Problem | None:
    """Put one parameter into its group, or say why it is refused."""
    match = _MEMBER.fullmatch(name)
    family, first, second = match.groups() if match else ("", name, None)
    if family == "filter":
        if first != "q" or second not in _FILTERS:
            return Problem(400, "FILTER_NOT_ALLOWED", "Filter not allowed", f"{second or first} is not allowed.")
        groups["q"][second] = value
        return None
    if second or (family == "page" and first not in {"size", "number"}) or (not family and first != "include"):
        return not_allowed(name)
    groups[family][first] = value
    return None


def _field_problems(fields: Mapping[str, frozenset[str]]) -> Iterator[Problem]:
    for type_name, names in fields.items():
        unknown = names.difference(readable_attributes(type_name), relationship_names(type_name), ("id",))
        for name in sorted(unknown):
            detail = f"{name} is not a valid field for {type_name}."
            yield Problem(400, "INVALID_FIELD", "Invalid field", detail)


def _include_problems(include: tuple[str, ...], type_name: str) -> Iterator[Problem]:
    for name in include:
        if name not in relationship_names(type_name):
            detail = f"{name} is not a valid relationship of {type_name}"
            yield Problem(400, "INVALID_INCLUDE", "Invalid field", detail)


def _page(given: Mapping[str, str], name: str, default: int) -> int:
    text = given.get(name)
    if text is None:
        return default
    if not _PLAIN.fullmatch(text):
        raise Refusal([_bad_page(name, text)])
    return int(text)


def _bad_page(name: str, text: str) -> Problem:
    detail = f"{text} is not a valid value for {name} page parameter."
    return Problem(400, "INVALID_PAGE_VALUE", "Invalid page value", detail)
