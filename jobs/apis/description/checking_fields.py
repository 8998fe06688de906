"""Checks of what is said of single fields."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from jobs.apis.description.checking_texts import Scope, member, pointer, template
from jobs.apis.description.model import FieldDescription, Scalar
from jobs.apis.description.scopes import named_in
from jobs.texts import either
from jobs.toml.problems import Path, Problem

_DOTTED: Final = re.compile(r"[^./*\s][^.*]*(?:\.[^.*]+)*(?:\.\*)?|\*")
_KEYED_BY: Final = re.compile(r"[^:]+(?::(?:text|int|float|bool))?")
_LISTS: Final = frozenset({"list", "set"})
_KEYED: Final = frozenset({"keyed"})
_WITH_ELEMENTS: Final = _LISTS | _KEYED | {"map"}
_OF_TYPES: Final[Mapping[str, tuple[frozenset[str], object]]] = {
    "of": (_WITH_ELEMENTS, "text"),
    "merge": (frozenset({"object", "map", "json", "keyed"}), None),
    "key": (_KEYED, ""),
    "value": (_KEYED, ""),
    "item": (_LISTS, ""),
    "sep": (_LISTS, ""),
}
"""Keys that some types take only, and the default of each. `merge` is taken without a type, too."""

_FITTING: Final[Mapping[str, tuple[type, ...]]] = {
    "text": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "date": (str,),
    "datetime": (str,),
}


def fields(path: Path, found: Mapping[str, FieldDescription]) -> Iterator[Problem]:
    """Check the fields of a resource."""
    for name, field in found.items():
        here = (*path, name)
        yield from _name(here, name)
        yield from _places(here, name, field)
        yield from _elements(here, field)
        yield from _directions(here, field)
        yield from _values(here, field)


def _name(path: Path, name: str) -> Iterator[Problem]:
    if name.startswith("/"):
        yield from pointer(path, name)
    elif not _DOTTED.fullmatch(name):
        yield Problem(path, "write a name like a, a.b, a.* or *, or a JSON Pointer like /a.b for a name with dots")


def _places(path: Path, name: str, field: FieldDescription) -> Iterator[Problem]:
    many = name.endswith("*")
    if field.read_from:
        yield from member((*path, "read_from"), field.read_from)
        if many:
            yield Problem((*path, "read_from"), "one place cannot show all fields: name each field that stands there")
    if field.write_to:
        yield from member((*path, "write_to"), field.write_to)
        names = named_in(field.write_to)
        if names <= {"field"}:
            yield from template((*path, "write_to"), field.write_to, Scope(filled=names))
        else:
            yield Problem((*path, "write_to"), "only {field} is filled here")
        if many and not names:
            yield Problem((*path, "write_to"), "all fields would go to one place: it must hold {field}")
    if field.item:
        yield from member((*path, "item"), field.item)


def _elements(path: Path, field: FieldDescription) -> Iterator[Problem]:
    kind = field.type or "text"
    for key, (kinds, default) in _OF_TYPES.items():
        if getattr(field, key) != default and kind not in kinds and (field.type or key != "merge"):
            yield Problem((*path, key), f"only the types {either(sorted(kinds))} take it")
    if kind == "keyed" and not (field.key and field.value):
        yield Problem(path, 'keyed needs both key = "id:int", which tells its elements apart, and value = "value"')
    if field.key and not _KEYED_BY.fullmatch(field.key):
        yield Problem((*path, "key"), "write a member, and its type if it is not text: id:int")
    if field.item and field.sep:
        yield Problem((*path, "sep"), "elements are objects by `item`, or one text by `sep`: remove one of both")
    if field.item_as == "object" and not field.item:
        yield Problem((*path, "item_as"), "it needs `item`, the member that stands for an element")


def _directions(path: Path, field: FieldDescription) -> Iterator[Problem]:
    if field.read_only:
        for key in ("write_only", "action", "write_to"):
            if getattr(field, key):
                yield Problem((*path, key), "the field is read_only: remove one of both")
    if field.write_only and field.read_from:
        yield Problem((*path, "read_from"), "the field is write_only, no read shows it: remove one of both")


def _values(path: Path, field: FieldDescription) -> Iterator[Problem]:
    kind = field.type or "text"
    if field.encode in {"epoch", "epoch_ms"} and kind not in {"date", "datetime"}:
        yield Problem((*path, "encode"), f'write type = "date" or "datetime": `{field.encode}` counts from 1970')
    of = field.of if kind in _WITH_ELEMENTS else kind
    for position, each in enumerate(field.enum):
        if not _fits(each, of):
            yield Problem((*path, "enum", position), f"it is no value of type `{of}`: correct one of both")


def _fits(value: Scalar, kind: str) -> bool:
    if kind not in _FITTING:
        return kind == "json"
    return isinstance(value, _FITTING[kind]) and (kind == "bool" or not isinstance(value, bool))
