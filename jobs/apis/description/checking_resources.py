"""Checks of one type of records: how it is updated, read and found."""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace

from jobs.apis.description.checking_fields import fields
from jobs.apis.description.checking_limits import limits
from jobs.apis.description.checking_rules import error_places, error_rules
from jobs.apis.description.checking_texts import Scope, headers, member, pointer, template, texts, url_path, values
from jobs.apis.description.model import (
    Description,
    FindDescription,
    ListDescription,
    PreconditionDescription,
    ReadDescription,
    ReadManyDescription,
    ResourceDescription,
    UpdateDescription,
)
from jobs.apis.description.scopes import declared, holes_in, key_variables, named_in
from jobs.apis.description.types import TYPE
from jobs.apis.limits import OTHERS
from jobs.apis.schema import is_type_name
from jobs.toml.problems import Path, Problem


def resource(name: str, found: ResourceDescription, api: Description) -> Iterator[Problem]:
    """Check one type of records."""
    path: Path = ("resources", name)
    keys = key_variables(api, found)
    unset = frozenset(name for name, value in api.variables.items() if not value)
    scope = Scope(frozenset(keys), declared(api), frozenset({TYPE}), unset=unset)
    if name != OTHERS and not is_type_name(name):
        yield Problem(path, "the name of a resource has letters, digits, _, - and . only")
    if name == OTHERS and TYPE not in named_in(found.model_dump(exclude_unset=True)):
        yield Problem(path, "no text of it has {type}: all types would be the same records")
    yield from url_path((*path, "path"), found.path, scope)
    if not keys:
        yield Problem((*path, "path"), "it names no key: a variable like {id} that a column fills")
    for key in (each for each in keys if each.startswith("__")):
        yield Problem((*path, "path"), f"no column can be the variable `{key}`: its name is taken; use another one")
    yield from pointer((*path, "record"), found.record)
    yield from pointer((*path, "values"), found.values)
    yield from headers((*path, "headers"), found.headers, scope)
    yield from limits((*path, "limits"), found.limits, scope.names)
    yield from error_rules((*path, "error_rules"), found.error_rules, scope.names)
    if found.errors is not None:
        yield from error_places((*path, "errors"), found.errors)
    yield from _update((*path, "update"), found.update, scope)
    yield from _reading(path, found, scope)
    if found.read_many is not None:
        yield from _read_many((*path, "read_many"), found.read_many, keys, api.variables, scope)
    if found.find is not None:
        yield from _find((*path, "find"), found.find, keys, api.variables, scope)
    if found.list is not None:
        yield from _list((*path, "list"), found.list, scope)
    if found.precondition is not None:
        yield from _precondition((*path, "precondition"), found.precondition, found.update, scope)
    yield from fields((*path, "fields"), found.fields)


def _update(path: Path, update: UpdateDescription, scope: Scope) -> Iterator[Problem]:
    if update.path:
        yield from url_path((*path, "path"), update.path, scope)
    yield from texts((*path, "query"), update.query, scope)
    yield from headers((*path, "headers"), update.headers, scope)
    yield from pointer((*path, "wrap"), update.wrap)
    yield from pointer((*path, "echo"), update.echo or "")
    for place, value in update.constants.items():
        yield from member((*path, "constants", place), place)
        yield from values((*path, "constants", place), value, scope)
    if update.mask in update.query:
        yield Problem((*path, "mask"), "this parameter has a fixed value in `query`: remove it there")
    if update.format == "json_patch":
        yield from _json_patch(path, update)


def _json_patch(path: Path, update: UpdateDescription) -> Iterator[Problem]:
    if update.send == "record":
        yield Problem((*path, "send"), 'a JSON Patch is a list of changes: write send = "changes"')
    if update.wrap:
        yield Problem((*path, "wrap"), "a JSON Patch has no body to wrap: its paths begin with `values`")
    if update.constants:
        yield Problem((*path, "constants"), "a JSON Patch has no members: remove them")
    if update.method == "PUT":
        yield Problem((*path, "method"), "a JSON Patch is usually sent with PATCH", is_warning=True)


def _reading(path: Path, found: ResourceDescription, scope: Scope) -> Iterator[Problem]:
    if isinstance(found.read, ReadDescription):
        yield from _read((*path, "read"), found.read, scope)
        return
    if found.read_many is not None:
        return
    if found.update.send == "record":
        yield Problem((*path, "update", "send"), "the whole record is sent back as it was read: it needs `read`")
    if found.precondition is not None:
        yield Problem((*path, "precondition"), "it needs `read`, which is false: remove one of both")


def _read(path: Path, read: ReadDescription, scope: Scope) -> Iterator[Problem]:
    if read.path:
        yield from url_path((*path, "path"), read.path, scope)
    yield from texts((*path, "query"), read.query, scope.filling("fields"))
    yield from _names((*path, "query"), read.query, scope)
    yield from headers((*path, "headers"), read.headers, scope)


def _read_many(
    path: Path, many: ReadManyDescription, keys: tuple[str, ...], defaults: Mapping[str, str], scope: Scope
) -> Iterator[Problem]:
    inside = scope.filling("ids", "fields")
    yield from url_path((*path, "path"), many.path, scope.filling("ids"))
    yield from values((*path, "query"), many.query, inside)
    yield from _names((*path, "query"), many.query, scope)
    yield from headers((*path, "headers"), many.headers, scope)
    yield from values((*path, "body"), many.body, inside)
    yield from template((*path, "each"), many.each, replace(scope, declared=scope.declared | {"id"}))
    yield from pointer((*path, "records"), many.records)
    yield from member((*path, "id"), many.id)
    named = named_in((many.path, many.query, many.headers, many.body))
    if "ids" not in named:
        yield Problem(path, "no text of it has {ids}: nothing says which records to read")
    if "id" not in named_in(many.each):
        yield Problem((*path, "each"), "it must hold {id}")
    if not many.join:
        yield Problem((*path, "join"), 'the ids would run into each other: write what stands between two, like ","')
    if "join" in many.model_fields_set and "ids" not in named_in(
        (many.path, _without_lists(many.query), _without_lists(many.body))
    ):
        yield Problem((*path, "join"), "in a list, {ids} repeats its element: nothing joins them", is_warning=True)
    if many.body and many.method == "GET":
        yield Problem((*path, "body"), 'a GET has no body: write method = "POST"')
    yield from _last_varies(path, named, keys, defaults, "{ids}")


def _without_lists(value: object) -> object:
    """Return a value without the lists in it, in which nothing is joined."""
    if isinstance(value, Mapping):
        return {name: _without_lists(each) for name, each in value.items()}
    return None if isinstance(value, tuple | list) else value


def _find(
    path: Path, find: FindDescription, keys: tuple[str, ...], defaults: Mapping[str, str], scope: Scope
) -> Iterator[Problem]:
    inside = scope.filling("by", "value")
    yield from url_path((*path, "path"), find.path, inside)
    yield from texts((*path, "query"), find.query, inside)
    yield from _names((*path, "query"), find.query, inside)
    yield from headers((*path, "headers"), find.headers, inside)
    yield from pointer((*path, "records"), find.records)
    yield from member((*path, "id"), find.id)
    for position, each in enumerate(find.by):
        if not each or each in keys:
            yield Problem((*path, "by", position), "name a field that is no part of the key in `path`")
        elif each in find.by[:position]:
            yield Problem((*path, "by", position), "it stands there twice: remove one")
    named = named_in((find.path, find.query, find.headers))
    if "value" not in named:
        yield Problem(path, "no text of it has {value}: nothing says which record to find")
    if len(find.by) > 1 and "by" not in named:
        yield Problem(path, "no text of it has {by}: nothing says which field the value is of")
    yield from _last_varies(path, named, keys, defaults, "the id found")


def _names(path: Path, query: Iterable[str], scope: Scope) -> Iterator[Problem]:
    """Check the names of query parameters, in which variables are filled, too."""
    for name in query:
        yield from template((*path, name), name, scope)


def _last_varies(
    path: Path, named: AbstractSet[str], keys: tuple[str, ...], defaults: Mapping[str, str], what: str
) -> Iterator[Problem]:
    """Check that a page is for the last variable of the key, and names the others, by which rows are grouped."""
    if not keys:
        return
    *others, last = keys
    if last in named:
        yield Problem(path, f"{what} stands for {{{last}}}, the last variable of the key: do not name that here")
    if missing := [each for each in others if each not in named and each not in defaults]:
        yield Problem(
            path, f"{what} stands for {{{last}}} alone: name {', '.join(f'{{{each}}}' for each in missing)}, too"
        )


def _list(path: Path, found: ListDescription, scope: Scope) -> Iterator[Problem]:
    yield from url_path((*path, "path"), found.path, scope.filling("fields"))
    yield from pointer((*path, "records"), found.records)
    yield from pointer((*path, "next"), found.next, or_header=True)


def _precondition(
    path: Path, found: PreconditionDescription, update: UpdateDescription, scope: Scope
) -> Iterator[Problem]:
    inside = scope.with_record()
    yield from headers((*path, "headers"), found.headers, inside)
    yield from texts((*path, "query"), found.query, inside)
    for place, value in found.body.items():
        yield from member((*path, "body", place), place)
        yield from values((*path, "body", place), value, inside)
    taken = {each.lower() for each in update.headers}
    for name in found.headers:
        if name.lower() in taken:
            yield Problem((*path, "headers", name), "`update` has this header, too: remove it there")
    if not any(hole.name.startswith(("@", "/")) for hole in holes_in((found.headers, found.body, found.query))):
        yield Problem(path, "it holds nothing of the record that was read, like {@ETag} or {/updated_at}")
