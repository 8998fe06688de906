"""What a description says of the fields of one type of records: where each stands, its form, and what is merged."""

import math
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from functools import cached_property
from typing import Any, Final

from jobs.apis.description.model import FieldDescription, ResourceDescription
from worker.sandbox.described.failures import Wrong
from worker.sandbox.described.pointers import MISSING, Steps, look, steps_of, steps_to

_UNKNOWN: Final = FieldDescription()
_LEVELS: Final[Mapping[str, float]] = {"replace": 0, "shallow": 1, "deep": math.inf}
_TYPES: Final[Mapping[str, Any]] = {
    "text": str,
    "int": int,
    "float": int | float,
    "bool": bool,
    "object": dict,
    "map": dict,
}
_WHOLE: Final = re.compile(r"[+-]?\d+")


class Fields:
    """The fields of one type of records."""

    def __init__(self, resource: ResourceDescription) -> None:
        self.resource = resource
        self.values = (*steps_to(resource.record), *steps_to(resource.values))
        self._by_place = {steps_of(name): each for name, each in resource.fields.items()}

    @cached_property
    def listed(self) -> Mapping[Steps, FieldDescription]:
        """Fields that are described one by one, by place among the values."""
        return {steps: each for steps, each in self._by_place.items() if "*" not in steps}

    @cached_property
    def templates(self) -> Mapping[Steps, FieldDescription]:
        """Descriptions of fields that are not listed, by place with a star at its end."""
        return {steps: each for steps, each in self._by_place.items() if "*" in steps}

    def of(self, steps: Steps) -> FieldDescription:
        """Return what is said of a field: by its name, or of its neighbours that are not listed."""
        return self._by_place.get(steps) or self._by_place.get((*steps[:-1], "*")) or _UNKNOWN

    def is_read_only(self, steps: Steps) -> bool:
        """Return whether a field, or what it belongs to, cannot be written."""
        return any(self.of(steps[:depth]).read_only for depth in range(1, len(steps) + 1))

    def shown_at(self, steps: Steps) -> Steps:
        """Return where the document of a record shows a field."""
        where = self.of(steps).read_from
        return (*steps_to(self.resource.record), *steps_to(where)) if where else (*self.values, *steps)

    def levels(self, steps: Steps) -> float:
        """Return how many levels of members that are not sent are kept in a field, by what is said of it alone."""
        patches = self.resource.update.format in {"merge_patch", "json_patch"}
        return _LEVELS[self.of(steps).merge or ("deep" if patches else "replace")]

    def clearing(self, steps: Steps) -> str:
        """Return how a field is cleared."""
        return self.of(steps).clear or ("empty" if self.resource.update.format == "form" else "null")

    def lives_apart(self, steps: Steps) -> bool:
        """Return whether a member of an object stands elsewhere than in it."""
        found = self._by_place.get(steps)
        return found is not None and bool(found.read_from or found.write_only or found.action)

    # ---- what a field takes

    def faults(self, value: Any, steps: Steps) -> Iterator[Wrong]:
        """Yield what is wrong with a value as it was sent."""
        found = self.of(steps)
        name = ".".join(steps)
        if value is None:
            if self.clearing(steps) != "null":
                yield Wrong(name, "cannot be null")
            return
        if value == "" and self.clearing(steps) == "empty":
            return
        if why := _why_not(value, found):
            yield Wrong(name, why)
            return
        if isinstance(value, dict) and found.type in {None, "object", "map", "json"}:
            for member, each in value.items():
                place = (*steps, member)
                if place in self._by_place or (*steps, "*") in self._by_place:
                    yield from self.faults(each, place)
                elif found.type == "map" and each is not None and not _is_a(each, found.of):
                    yield Wrong(".".join(place), f"is not {_a(found.of)}")

    def from_text(self, value: Any, old: Any, steps: Steps) -> Any:
        """Return the value that a form's text stands for; what cannot be one stays, and is found to be wrong.

        Args:
            value: as it was sent.
            old: what the record shows, or MISSING: its type counts where the description says none.
            steps: of the field.
        """
        found = self.of(steps)
        if isinstance(value, dict):
            listed = list(value) == [str(index) for index in range(len(value))]
            if listed and found.type not in {"object", "map"}:
                return [self._element(each, found) for each in value.values()]
            return {name: self.from_text(each, look(old, (name,)), (*steps, name)) for name, each in value.items()}
        if value == "":
            return [] if found.type in {"list", "set", "keyed"} and not found.sep else ""
        if found.encode == "text":
            return value
        return _from_text(value, "int" if found.encode in {"epoch", "epoch_ms"} else found.type or _kind_of(old))

    def _element(self, value: Any, found: FieldDescription) -> Any:
        if isinstance(value, dict):
            return {name: self._element(each, found) for name, each in value.items()}
        return _from_text(value, found.of)

    # ---- what is kept of it

    def kept(self, value: Any, old: Any, steps: Steps) -> Any:
        """Return a value as the record shows it from now on.

        Args:
            value: that was sent.
            old: what the record shows, or MISSING; objects of lists keep what is not sent of them.
            steps: of the field.
        """
        found = self.of(steps)
        if value == "" and self.clearing(steps) == "empty":
            return None
        if found.type in {"list", "set"} and found.item and isinstance(value, list):
            return _with_items(value, old, found)
        if found.type == "keyed" and isinstance(value, list):
            return _keyed(value, old, found, keep=self.levels(steps) > 0)
        return value

    def merged(self, old: Any, new: Any, steps: Steps, reach: float = 0) -> Any:
        """Return what becomes of an old value when a new one is sent: members that are not sent may stay."""
        reach = self.levels(steps) if self.of(steps).merge else max(reach - 1, self.levels(steps))
        if reach <= 0 or not isinstance(new, dict):
            return new
        result = dict(old) if isinstance(old, dict) else {}
        for name, value in new.items():
            if value is None or (value == "" and self.clearing((*steps, name)) == "empty"):
                result.pop(name, None)
            else:
                result[name] = self.merged(result.get(name), value, (*steps, name), reach)
        return result


def _why_not(value: Any, found: FieldDescription) -> str:
    """Return why a field does not take a value, which is not null; empty if it does."""
    if found.encode == "list":
        if not isinstance(value, list) or len(value) > 1:
            return "is not a list of one"
        return next((why for each in value if (why := _why_not(each, found.model_copy(update={"encode": None})))), "")
    kind = found.type or ("text" if found.encode == "text" else None)
    if found.encode == "text" and found.type not in {"map", "object"} and not isinstance(value, str):
        return "is not a text"
    if found.encode != "text" and kind and (why := _wrong_kind(value, kind, found)):
        return why
    listed = value if isinstance(value, list) else [value]
    told = [look(each, steps_to(found.item)) if found.item_as == "object" else each for each in listed]
    if found.enum and any(each not in found.enum and each not in map(str, found.enum) for each in told):
        return f"is not one of {', '.join(map(str, found.enum))}"
    return ""


def _wrong_kind(value: Any, kind: str, found: FieldDescription) -> str:
    if found.encode in {"epoch", "epoch_ms"}:
        return "" if _is_a(value, "int") else "is not a whole number of seconds"
    if found.sep:
        return "" if isinstance(value, str) else "is not a text"
    if kind in {"list", "set"}:
        return _wrong_list(value, found)
    if kind == "keyed":
        keyed = isinstance(value, list) and all(isinstance(each, dict) and _key(found) in each for each in value)
        return "" if keyed else f"is not a list of objects with {_key(found)}"
    return "" if _is_a(value, kind) else f"is not {_a(kind)}"


def _wrong_list(value: Any, found: FieldDescription) -> str:
    if not isinstance(value, list):
        return "is not a list"
    if found.item_as == "object":
        objects = all(isinstance(each, dict) and look(each, steps_to(found.item)) is not MISSING for each in value)
        return "" if objects else f"is not a list of objects with {found.item}"
    return "" if all(_is_a(each, found.of) for each in value) else f"has an element that is not {_a(found.of)}"


def _is_a(value: Any, kind: str) -> bool:
    if kind in {"date", "datetime"}:
        return isinstance(value, str) and _is_time(value, date if kind == "date" else datetime)
    if isinstance(value, bool):
        return kind in {"bool", "json"}
    return isinstance(value, _TYPES.get(kind, object))


def _is_time(text: str, kind: type[date]) -> bool:
    try:
        kind.fromisoformat(text)
    except ValueError:
        return False
    return True


def _a(kind: str) -> str:
    return {"int": "a whole number", "float": "a number", "bool": "true or false", "datetime": "a date and time"}.get(
        kind, f"{'an' if kind == 'object' else 'a'} {kind}"
    )


def _from_text(text: Any, kind: str) -> Any:
    if not isinstance(text, str):
        return text
    if kind == "int" and _WHOLE.fullmatch(text):
        return int(text)
    if kind == "bool" and text in {"true", "false"}:
        return text == "true"
    if kind == "float":
        try:
            return float(text)
        except ValueError:
            return text
    return text


def _kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    return "int" if isinstance(value, int) else "float" if isinstance(value, float) else "text"


def _key(found: FieldDescription) -> str:
    return found.key.partition(":")[0]


def _with_items(value: list[Any], old: Any, found: FieldDescription) -> list[Any]:
    """Return the elements as a read shows them: objects, of which those that were there keep their members."""
    place = steps_to(found.item)
    known = {str(look(each, place)): each for each in old if isinstance(each, dict)} if isinstance(old, list) else {}
    shown = []
    for each in value:
        item = look(each, place) if isinstance(each, dict) else each
        made: Any = item
        for step in reversed(place):
            made = {step: made}
        shown.append({**known.get(str(item), {}), **(each if isinstance(each, dict) else made)})
    return shown


def _keyed(value: list[Any], old: Any, found: FieldDescription, *, keep: bool) -> list[Any]:
    key = _key(found)
    known = {str(each[key]): each for each in old if isinstance(each, dict) and key in each} if _listed(old) else {}
    sent = {str(each[key]): {**known.get(str(each[key]), {}), **each} for each in value}
    return list(({**known, **sent} if keep else sent).values())


def _listed(value: Any) -> bool:
    return isinstance(value, list)
