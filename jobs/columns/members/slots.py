"""Where the values of a field go that is more than one value: objects, sets, lists; and what may not go there."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

from jobs.apis.described.fields import element_of
from jobs.apis.fields import Encoding, Kind, Scalar
from jobs.columns.cells import FROM_JSON, FROM_TEXT, Wanted
from jobs.columns.problems import RowRefused
from jobs.columns.slots import Draft, Slot
from jobs.model import JSON, Absent
from jobs.values import valueclass

WANTED: Final[Mapping[Kind, Wanted]] = {
    "any": "any",
    "string": "string",
    "date": "date",
    "datetime": "datetime",
    "integer": "integer",
    "float": "float",
    "boolean": "boolean",
    "object": "object",
    "array": "array",
    "json": "json",
    "map": "object",
    "keyed": "object",
    "set": "list",
    "list": "list",
}
"""What values of each kind must be before they are put."""


_SUFFIX: Final[Mapping[type, str]] = {str: "str", int: "int", float: "float", bool: "bool"}
"""What a column says of its values, by their type."""


@valueclass(frozen=True, slots=True)
class LimitedSlot:
    """A field that takes only some values, or cannot be cleared.

    Attributes:
        choices: the values it takes, empty when any will do.
        name: as a column names it.
    """

    slot: Slot
    choices: tuple[Scalar, ...]
    clearable: bool
    name: str = ""

    @property
    def wanted(self) -> Wanted:
        """What values must be."""
        return self.slot.wanted

    def put(self, draft: Draft, value: JSON) -> None:
        """Set the field; null is not a value of a list, but clears."""
        if value is not None:
            refuse_unlisted(value, self.choices, self.name)
        elif not self.clearable:
            self.clear(draft)
        self.slot.put(draft, value)

    def clear(self, draft: Draft) -> None:
        """Set the field to nothing."""
        if not self.clearable:
            raise RowRefused("clear_not_allowed", "cannot be cleared; leave the cell empty to keep its value")
        self.slot.clear(draft)


@valueclass(frozen=True, slots=True)
class EncodedSlot:
    """A field whose values are written in a form of their own, or are as good as cleared when they are empty."""

    slot: Slot
    encode: Encoding
    omits_empty: bool

    @property
    def wanted(self) -> Wanted:
        """What values must be."""
        return self.slot.wanted

    def put(self, draft: Draft, value: JSON) -> None:
        """Set the field."""
        if self.omits_empty and is_empty(value):
            self.slot.clear(draft)
        else:
            self.slot.put(draft, encoded(value, self.encode))

    def clear(self, draft: Draft) -> None:
        """Set the field to nothing."""
        self.slot.clear(draft)


@valueclass(frozen=True, slots=True)
class ObjectSlot:
    """A field that may be an object: the members of a JSON object are laid over those that are there.

    Attributes:
        name: of the object.
        slot: of the field as a whole, for other values.
        member: finds the slot of a member.
    """

    name: str
    slot: Slot
    wanted: Wanted
    member: Callable[[str], Slot]

    def put(self, draft: Draft, value: JSON) -> None:
        """Set the members that an object names, or the field to any other value."""
        if not isinstance(value, Mapping):
            self.slot.put(draft, value)
            return
        draft.members.setdefault(self.name, {})  # so that the row asks for something, if only for no member
        for key, each in value.items():
            slot = self.member(key)
            try:
                slot.put(draft, None if each is None else FROM_JSON[slot.wanted](each))
            except RowRefused as error:
                raise RowRefused(error.reason, f"its member `{key[:40]}`: {error.message}") from None

    def clear(self, draft: Draft) -> None:
        """Set the field to nothing."""
        self.slot.clear(draft)


@valueclass(frozen=True, slots=True)
class WholeSlot:
    """An object that takes the place of the one that is there."""

    name: str
    slot: Slot
    wanted: Wanted

    def put(self, draft: Draft, value: JSON) -> None:
        """Set all members, or the field to any other value."""
        if isinstance(value, Mapping):
            draft.members[self.name] = dict(value)
        else:
            self.slot.put(draft, value)

    def clear(self, draft: Draft) -> None:
        """Set the field to nothing."""
        self.slot.clear(draft)


@valueclass(frozen=True, slots=True)
class Elements:
    """What the elements of a list or set may be.

    Attributes:
        of: their kind.
        choices: the allowed ones, empty when any will do.
        separator: what parts them where the API holds all of them as one text, so that none can hold it; or empty.
    """

    of: Kind
    choices: tuple[Scalar, ...] = ()
    separator: str = ""

    def refuse_unfit(self, value: JSON) -> None:
        """Check that a value may be an element.

        Raises:
            RowRefused: it is none of the allowed ones, or would come back from the text as something else.
        """
        refuse_unlisted(value, self.choices)
        if not self.separator:
            return
        text, parts = element_of(value), json.dumps(self.separator, ensure_ascii=False)
        if self.separator in text:
            raise RowRefused(
                "wrong_type",
                f"has an element with {parts} in it, which parts elements: write commas between them",
            )
        if text != text.strip() or not text:
            raise RowRefused(
                "wrong_type", f"has an element that is empty, or begins or ends with a blank: {parts} parts elements"
            )


@valueclass(frozen=True, slots=True)
class ListSlot:
    """A list, which is replaced as a whole."""

    name: str
    elements: Elements
    wanted: Wanted = "list"

    def put(self, draft: Draft, value: JSON) -> None:
        """Set the list."""
        several = value if value is None else [_element(each, self.elements, value) for each in _several(value)]
        draft.attributes[self.name] = several

    def clear(self, draft: Draft) -> None:
        """Set the list to nothing."""
        draft.attributes[self.name] = None


@valueclass(frozen=True, slots=True)
class SetSlot:
    """A set as a whole: elements that stand there twice count once."""

    name: str
    elements: Elements
    wanted: Wanted = "list"

    def put(self, draft: Draft, value: JSON) -> None:
        """Set the elements."""
        draft.attributes[self.name] = value if value is None else _as_keys(_elements(value, self.elements))

    def clear(self, draft: Draft) -> None:
        """Set the set to nothing."""
        draft.attributes[self.name] = None


@valueclass(frozen=True, slots=True)
class ElementsSlot:
    """Elements to add to a set, or to remove from it."""

    name: str
    elements: Elements
    value: bool | Absent
    wanted: Wanted = "list"

    def put(self, draft: Draft, value: JSON) -> None:
        """Add or remove the elements."""
        for element in _elements(value, self.elements):
            members = draft.members.setdefault(self.name, {})
            if members.setdefault(element, self.value) is not self.value:
                raise RowRefused("element_twice", f"'{element[:40]}' is to be added and removed: drop it from one")

    def clear(self, draft: Draft) -> None:  # noqa: ARG002  # the protocol's
        """Refuse: it would be unclear which elements are meant."""
        raise RowRefused("clear_not_allowed", f"name the elements to remove in `{self.name}.remove`")


def is_empty(value: JSON) -> bool:
    """Return whether a value is one that some servers leave out: false, 0, an empty text, list or object."""
    return value is False or (value in ("", 0) and not isinstance(value, bool)) or value in ([], {})


def encoded(value: JSON, how: Encoding) -> JSON:
    """Return a value in the form in which it is written. A moment without a zone is in UTC."""
    if value is None or not how:
        return value
    if how == "list":
        return value if isinstance(value, list | tuple) else [value]
    if how == "text":
        return element_of(value)
    if not isinstance(value, str):
        return value  # a number of seconds, as it is stored
    moment = datetime.fromisoformat(value)
    seconds = moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
    return round(seconds * 1000) if how == "epoch_ms" else int(seconds) if seconds.is_integer() else seconds


def refuse_unlisted(value: JSON, choices: tuple[Scalar, ...], name: str = "") -> None:
    """Check that a value is one of those that a field takes; any is of an empty list.

    Args:
        value: to be checked.
        choices: the values that the field takes.
        name: of the field, if a suffix lets others through.

    Raises:
        RowRefused: it is not.
    """
    if choices and value not in choices:
        listed = ", ".join(each if isinstance(each, str) else json.dumps(each) for each in choices)
        other = f"; if the API takes others, name the column `{name}:{_SUFFIX[type(choices[0])]}`" if name else ""
        raise RowRefused("not_allowed", f"takes one of {listed}{other}")


def _several(value: JSON) -> list[JSON] | tuple[JSON, ...]:
    assert isinstance(value, list | tuple)  # noqa: S101  # a cell or a member of another form was refused
    return value


def _element(element: JSON, allowed: Elements, whole: JSON) -> JSON:
    """Return an element of a list: of one that was written with commas, by its text."""
    wanted = WANTED[allowed.of]
    if isinstance(whole, tuple):
        assert isinstance(element, str)  # noqa: S101  # a part of a text
        value = FROM_TEXT["string" if wanted == "json" else wanted](element)
    else:
        value = FROM_JSON[wanted](element)
    allowed.refuse_unfit(value)
    return value


def _elements(value: JSON, allowed: Elements) -> list[str]:
    """Return the elements of a set as texts: another value than text by its JSON."""
    wanted = WANTED[allowed.of]
    found = []
    for element in _several(value):
        typed = element
        if isinstance(element, str) and wanted not in {"string", "json"}:
            typed = FROM_TEXT[wanted](element)
        elif wanted not in {"string", "json"}:
            typed = FROM_JSON[wanted](element)
        elif wanted == "string" and not isinstance(element, str | int | float):
            raise RowRefused("wrong_type", 'needs texts such as ["red", "blue"]')
        if typed == "":
            raise RowRefused("wrong_type", "has an empty element")
        allowed.refuse_unfit(typed)
        found.append(element_of(typed))
    return found


def _as_keys(elements: list[str]) -> JSON:
    return dict.fromkeys(elements, True)
