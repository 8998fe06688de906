"""What is known of the fields of a record: their kinds, and what else an update has to know of each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal, TypeAlias

from jobs.names import Steps
from jobs.values import valueclass

Kind = Literal[
    "any", "string", "date", "datetime", "integer", "float", "boolean", "object", "array", "json",
    "map", "keyed", "set", "list",
]  # fmt: skip
"""Type of a field. `date` and `datetime` are text on the wire; `json` is a value of any type that is never merged;
`any` is a field whose type nobody said. A `map` has keys of its own, and so have a `keyed` list and a `set`, whose
elements are its keys."""

Scalar: TypeAlias = str | int | float | bool

Encoding = Literal["", "text", "list", "epoch", "epoch_ms"]
"""How a value is written: as it is, as text, as a list of it alone, or a date as seconds or milliseconds since 1970."""

MERGED: Final[frozenset[Kind]] = frozenset({"any", "object", "map", "keyed"})
"""Kinds into which a JSON object is merged, instead of taking the place of what is there."""

_OBJECTS: Final[frozenset[Kind]] = frozenset({"any", "object"})
"""Kinds of fields whose members are fields, too."""


@valueclass(frozen=True, slots=True)
class Attribute:
    """An attribute, or a field, that an update may carry.

    Attributes:
        enum: names that are the allowed values, each in any of the forms that its API gives it; empty when any is.
        choices: the allowed values of a field, in their one form; empty when any is.
        of: kind of the elements of a list or set, and of the values of a map or keyed list.
        key: kind of the keys of a keyed list.
        read_only: no update can carry it. `write_only`: no reply shows it.
        action: it makes something happen.
        clearable: it may be set to nothing. `empties`: by an empty text, so that this and null are one.
        encode: how its values are written, and read.
        separator: what joins the elements of a list or set that its API holds as one text; empty where it holds a list.
    """

    kind: Kind
    enum: tuple[str, ...] = ()
    choices: tuple[Scalar, ...] = ()
    of: Kind = "string"
    key: Kind = "string"
    read_only: bool = False
    write_only: bool = False
    action: bool = False
    clearable: bool = True
    empties: bool = False
    encode: Encoding = ""
    separator: str = ""


@dataclass(frozen=True, eq=False)
class Members:
    """What is known of the members of a body, by their steps; others may be set, too.

    Attributes:
        declared: fields by their steps.
        defaults: what holds of the members of an object that are not declared, by the object's steps; `()` is the body.
        omits_empty: what is empty is left out when it is read, so that it is as good as cleared.
        keeps: returns whether the server keeps the members of a field that are not sent, by the field's name.
        decoded: returns the value of a field as the program works with it, from that on the wire; the fields within it,
            too.
    """

    declared: Mapping[Steps, Attribute]
    defaults: Mapping[Steps, Attribute] = field(default_factory=dict)
    omits_empty: bool = False
    keeps: Callable[[str], bool] = lambda _: False
    decoded: Callable[[Steps, object], object] = lambda _, value: value

    def rule(self, steps: Steps) -> Attribute | None:
        """Return what is known of a field or key; None of one that nobody declared."""
        length = self.holder(steps)
        if not length:
            return self._at(steps)
        holder = self._at(steps[:length])
        found = self.declared.get(steps) or self.defaults.get(steps[:length])
        return found or (holder and Attribute(holder.of))

    def holder(self, steps: Steps) -> int:
        """Return how many of the steps lead to a field that has no fields in it, but keys or nothing; 0 for none."""
        for length in range(1, len(steps)):
            rule = self._at(steps[:length])
            if rule is not None and rule.kind not in _OBJECTS:
                return length
        return 0

    def beside(self, steps: Steps) -> frozenset[str]:
        """Return the steps that declared fields take where the last of `steps` stands."""
        length = len(steps) - 1
        return frozenset(each[length] for each in self.declared if len(each) > length and each[:length] == steps[:-1])

    def has_default(self, steps: Steps) -> bool:
        """Return whether something is known of fields there that are not declared."""
        return any(steps[:length] in self.defaults for length in range(len(steps)))

    def knows(self, steps: Steps) -> bool:
        """Return whether the field is declared, or holds one that is."""
        return steps in self.declared or steps in self._objects

    def _at(self, steps: Steps) -> Attribute | None:
        if found := self.declared.get(steps):
            return found
        if steps in self._objects:
            return Attribute("object")
        near = (self.defaults.get(steps[:length]) for length in reversed(range(len(steps))))
        return next(filter(None, near), None)

    @cached_property
    def _objects(self) -> frozenset[Steps]:
        """Steps of objects that hold declared fields."""
        inner = {each[:length] for each in self.declared for length in range(1, len(each))}
        return frozenset(inner | {each[:length] for each in self.defaults for length in range(1, len(each) + 1)})


@valueclass(frozen=True, slots=True)
class Variable:
    """A variable of the path of a record, and so a part of the record's key; `case` is what its values are put into."""

    name: str
    case: Literal["", "lower", "upper"] = ""
