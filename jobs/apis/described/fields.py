"""The fields of a described resource: where each stands, what becomes of it on the way, and what a server merges.

Inside the program a set is an object with its elements as keys, and a keyed list is one with its keys: adding,
removing and comparing then are the same as for the members of any object. Only here are they lists.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

from jobs.apis.description.model import FieldDescription, ResourceDescription
from jobs.model import JSON, Absent
from jobs.names import Steps, name_of, pointed, steps_of
from jobs.places import at

_DEEP: Final = 100
"""Levels that a deep merge reaches: all there can be."""

_LEVELS: Final = {"replace": 0, "shallow": 1, "deep": _DEEP}

_AS_LISTS: Final = frozenset({"list", "set", "keyed"})
"""Types that are lists on the wire."""

_UNDESCRIBED: Final = FieldDescription()


@dataclass(frozen=True)
class FieldRule:
    """One field, compiled.

    Attributes:
        name: canonical.
        steps: of the field, from the object that holds the fields.
        described: what the description says of it.
        levels: of members that the server keeps when they are not sent: 0 for none, 1, or all.
        goes_alone: the server replaces no more than the field when it is sent.
        keeps_members: the server keeps the members of the field that are not sent.
    """

    name: str
    steps: Steps
    described: FieldDescription
    levels: int
    goes_alone: bool = True
    keeps_members: bool = False

    @cached_property
    def read_from(self) -> Steps | None:
        """Where a record shows it, if elsewhere than its name says."""
        return pointed(self.described.read_from) if self.described.read_from else None

    @cached_property
    def write_to(self) -> Steps | None:
        """Where an update takes it, if elsewhere than its name says."""
        text = self.described.write_to
        return pointed(text.replace("{field}", self.name.replace("~", "~0").replace("/", "~1"))) if text else None

    @cached_property
    def decoded(self) -> Callable[[Any], Any]:
        """Return the value that the program works with, from the one on the wire; another form stays as it is."""
        return {"set": self._of_set, "list": self._of_list, "keyed": self._of_keyed}.get(
            self.described.type or "", _same
        )

    def encoded(self, value: Any, old: Any) -> Any:
        """Return the value on the wire.

        Args:
            value: as the program works with it.
            old: what the wire showed, of which a keyed list keeps what is not about the value.
        """
        match self.described.type:
            case "set" if isinstance(value, Mapping):
                return self._joined([self._element(each) for each in value])
            case "list" if isinstance(value, list | tuple):
                return self._joined([self._wrapped(each) for each in value])
            case "keyed" if isinstance(value, Mapping):
                return self._keyed(value, old)
        return value

    @property
    def is_parted(self) -> bool:
        """Whether the wire holds it as one value, so that no member of it can be sent alone."""
        return self.described.type in {"set", "list"} or (self.described.type == "keyed" and not self.levels)

    def _listed(self, value: Any) -> list[Any] | None:
        separator = separator_of(self.described.sep)
        if separator and isinstance(value, str):
            parts = (each.strip() for each in value.split(separator))
            return [typed(each, self.described.of) for each in parts if each]
        if not isinstance(value, list):
            return None
        steps = pointed(self.described.item)
        if not steps:
            return value
        items = [at(each, steps) if isinstance(each, dict) else each for each in value]
        return None if any(isinstance(each, dict | list | Absent) for each in items) else items

    def _of_list(self, value: Any) -> Any:
        found = self._listed(value)
        return value if found is None else found

    def _of_set(self, value: Any) -> Any:
        found = self._listed(value)
        return value if found is None else {element_of(each): True for each in found}

    def _of_keyed(self, value: Any) -> Any:
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            return value
        key, member = self._key, self.described.value
        return {element_of(each[key]): each.get(member) for each in value if key in each}

    @cached_property
    def _key(self) -> str:
        return self.described.key.partition(":")[0]

    def _joined(self, items: list[Any]) -> Any:
        return self.described.sep.join(map(element_of, items)) if self.described.sep else items

    def _element(self, text: str) -> Any:
        return self._wrapped(typed(text, self.described.of))

    def _wrapped(self, value: Any) -> Any:
        steps = pointed(self.described.item)
        if not steps or self.described.item_as == "value":
            return value
        for step in reversed(steps):
            value = {step: value}
        return value

    def _keyed(self, value: Mapping[str, JSON], old: Any) -> list[dict[str, JSON]]:
        """Return the elements: those that were there keep their place and their other members."""
        key, member = self._key, self.described.value
        shown = [each for each in old if isinstance(each, dict)] if isinstance(old, list) else []
        known = {element_of(each.get(key)): each for each in shown}
        names = [*(name for name in known if name in value), *(name for name in value if name not in known)]
        form = self.described.key.partition(":")[2] or "text"
        return [{**known.get(name, {key: typed(name, form)}), member: value[name]} for name in names]


@dataclass(frozen=True)
class FieldRules:
    """The fields of one resource, those that nobody described included."""

    resource: ResourceDescription
    _rules: dict[str, FieldRule] = field(default_factory=dict)

    def rule(self, name: str) -> FieldRule:
        """Return the rule of a field."""
        found = self._rules.get(name)
        if found is None:
            if len(self._rules) >= _MOST:
                self._rules.clear()
            found = self._rules[name] = self._made(steps_of(name))
        return found

    def _made(self, steps: Steps) -> FieldRule:
        rule = FieldRule(name_of(steps), steps, self._described(steps), self.depth(steps))
        alone = rule.write_to is not None or self.unit(steps) == steps
        return replace(rule, goes_alone=alone, keeps_members=self._keeps_members(rule))

    def decoded(self, steps: Steps, value: Any) -> Any:
        """Return the value of a field as the program works with it, the fields within it included."""
        rule = self.rule(name_of(steps))
        found = rule.decoded(value)
        if rule.described.type not in {None, "object"} or not isinstance(found, Mapping):
            return found
        return {key: self.decoded((*steps, key), each) for key, each in found.items()}

    def keeps_members(self, name: str) -> bool:
        """Return whether the server keeps the members of a field that are not sent."""
        return self.rule(name).keeps_members

    def _keeps_members(self, rule: FieldRule) -> bool:
        if rule.is_parted:
            return False
        member = (*rule.steps, "")
        alone = rule.described.type == "keyed" or self.unit(member) == member
        return alone or (rule.write_to is not None and rule.levels > 0)

    def builds_on_more(self, name: str) -> bool:
        """Return whether an update of a field is built on more of the record than this field."""
        rule = self.rule(name)
        if rule.write_to is not None:
            return False
        return not rule.goes_alone or (rule.described.type == "keyed" and not rule.levels)

    def unit(self, steps: Steps) -> Steps:
        """Return the place that has to be sent to change what is at `steps`: the outermost that the server replaces."""
        reach = 0
        for depth in range(1, len(steps)):
            reach = self._levels(steps[:depth], reach - 1)
            if reach <= 0:
                return steps[:depth]
        return steps

    def depth(self, steps: Steps) -> int:
        """Return how many levels of members the server keeps in an object that is sent for a place."""
        reach = 0
        for depth in range(1, len(steps) + 1):
            reach = self._levels(steps[:depth], reach - 1)
        return max(reach, 0)

    @cached_property
    def described_names(self) -> tuple[str, ...]:
        """Canonical names of the fields that are described one by one."""
        return tuple(name_of(steps) for steps in self._listed if "*" not in steps)

    @cached_property
    def read_only(self) -> tuple[Steps, ...]:
        """Fields that are never sent."""
        return tuple(steps for steps, each in self._listed.items() if each.read_only)

    @cached_property
    def rewritten(self) -> tuple[FieldRule, ...]:
        """Fields that an update takes in another form than a read shows: lists of objects that are sent as values."""
        listed = (self.rule(name) for name in self.described_names)
        return tuple(each for each in listed if each.described.item and each.described.item_as == "value")

    @cached_property
    def _listed(self) -> Mapping[Steps, FieldDescription]:
        return {steps_of(name): each for name, each in self.resource.fields.items()}

    def _described(self, steps: Steps) -> FieldDescription:
        found = self._listed.get(steps)
        for depth in range(len(steps) - 1, -1, -1):
            found = found or self._listed.get((*steps[:depth], "*"))
        return found or _UNDESCRIBED

    def _levels(self, steps: Steps, inherited: int = 0) -> int:
        """Return how many levels of members the server keeps in a field: what is said of it, else what its object does.

        What is said of all fields (`*`) is about those that stand in no object.
        """
        found = self._listed.get(steps) or self._listed.get((*steps[:-1], "*")) or _UNDESCRIBED
        if found.merge is not None:
            return _LEVELS[found.merge]
        if len(steps) > 1:
            return max(inherited, 0)
        # a patch replaces lists as a whole: RFC 7396, section 1
        patched = self.resource.update.format in {"merge_patch", "json_patch"} and found.type not in _AS_LISTS
        return _DEEP if patched else 0


_MOST: Final = 10_000
"""Names that are remembered at a time: rows of objects may all have others."""


def separator_of(joint: str) -> str:
    """Return what parts the elements of a text that are joined by `joint`: it may stand with or without blanks."""
    return joint.strip() or joint


def element_of(value: object) -> str:
    """Return the text that stands for an element of a set, or for the key of a keyed list."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def typed(text: str, kind: str) -> Any:
    """Return the element that a text stands for; a text that is none of its kind stays one."""
    if kind == "text":
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _same(value: Any) -> Any:
    return value
