"""What a file may hold at a place: the keys of a table, the type of a value. Read from the declarations of a model."""

import types
from collections.abc import Mapping
from typing import Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from jobs.texts import either
from jobs.toml.problems import Path
from jobs.values import valueclass

_ONE: Final[Mapping[object, str]] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    object: "any value",
}
_MANY: Final[Mapping[object, str]] = {
    str: "texts",
    int: "whole numbers",
    float: "numbers",
    object: "any values",
}


@valueclass(frozen=True, slots=True)
class Shape:
    """What files of one kind may hold.

    Attributes:
        root: model of the file as a whole.
    """

    root: type[BaseModel]

    def expected(self, path: Path) -> Any:
        """Return the declared type of what stands at a path; None where nothing may."""
        found: Any = self.root
        for step in path:
            found = _below(found, step)
        return found

    def keys_at(self, path: Path) -> Mapping[str, FieldInfo] | None:
        """Return the keys of the table at a path; None where there is no table, or its keys are free."""
        model = next((each for each in members(self.expected(path)) if is_model(each)), None)
        return None if model is None else model.model_fields

    def reached(self, location: Path) -> Path:
        """Return the path that pydantic's location of an error means: without the names of the members of a union."""
        path: Path = ()
        found: Any = self.root
        for step in location:
            alternatives = members(found)
            if len(alternatives) > 1:
                found = next((each for each in alternatives if str(step).startswith((_name(each), "tuple"))), str)
            else:
                path, found = (*path, step), _below(found, step)
        return path


def members(annotation: Any) -> tuple[Any, ...]:
    """Return the members of a union but None, or the type itself."""
    if get_origin(annotation) not in {Union, types.UnionType}:
        return (annotation,)
    return tuple(each for each in get_args(annotation) if each is not type(None))


def is_model(annotation: Any) -> bool:
    """Return whether a table with named keys is meant."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def is_list(annotation: Any) -> bool:
    """Return whether a list is meant, and nothing else."""
    return get_origin(_only(annotation)) is tuple


def is_table(annotation: Any) -> bool:
    """Return whether a table is meant, and nothing else."""
    only = _only(annotation)
    return is_model(only) or get_origin(only) is Mapping


def element_of(annotation: Any) -> Any:
    """Return the type of the elements of a list, or of the values of a table with free keys; None for others."""
    only = _only(annotation)
    arguments = get_args(only)
    if get_origin(only) is tuple:
        return arguments[0]
    return arguments[1] if get_origin(only) is Mapping else None


def words(annotation: Any) -> str:
    """Return a type in words: `a list of texts`, `"PATCH", "PUT" or "POST"`."""
    return either(map(_one, members(annotation)))


def _one(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return either("false" if each is False else f'"{each}"' for each in get_args(annotation))
    if is_list(annotation):
        return f"a list of {_many(element_of(annotation))}"
    if is_table(annotation):
        inside = element_of(annotation)
        return "a table" if inside in {None, object} else f"a table of {_many(inside)}"
    return _ONE[annotation]


def _many(annotation: Any) -> str:
    inside = members(annotation)
    if bool in inside:
        return "texts, numbers, true or false"
    return either("tables" if is_model(each) else _MANY.get(each) or "lists of texts" for each in inside)


def _below(annotation: Any, step: str | int) -> Any:
    """Return the declared type of one step below."""
    for each in members(annotation):
        if is_model(each):
            return _type_of(each, step)
        if (inside := element_of(each)) is not None:
            return inside
    return None


def _type_of(model: type[BaseModel], key: str | int) -> Any:
    declared = model.model_fields.get(str(key))
    return None if declared is None else declared.annotation


def _only(annotation: Any) -> Any:
    found = members(annotation)
    return found[0] if len(found) == 1 else None


def _name(annotation: Any) -> str:
    return annotation.__name__ if is_model(annotation) else "\0"
