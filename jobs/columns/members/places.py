"""What a column name means for one resource: where in an update its values go."""

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache, partial
from typing import Final

from jobs.apis.described.fields import separator_of
from jobs.apis.fields import MERGED, Attribute, Kind
from jobs.apis.schema import ResourceType, mistaken_for
from jobs.columns.cells import FROM_TEXT, Wanted
from jobs.columns.grammar import Heading, Suffix, refuse_same
from jobs.columns.members.slots import (
    WANTED,
    Elements,
    ElementsSlot,
    EncodedSlot,
    LimitedSlot,
    ListSlot,
    ObjectSlot,
    SetSlot,
    WholeSlot,
)
from jobs.columns.problems import NotAColumn, RowRefused
from jobs.columns.resolve import OF_SUFFIX
from jobs.columns.rules import Rules
from jobs.columns.slots import AttributeSlot, ForeignSlot, MemberSlot, Slot, TriggerSlot
from jobs.model import ABSENT
from jobs.names import Steps, name_of, pointer_to, steps_of

_UNDECLARED: Final = Attribute("any")
_KEYED: Final[frozenset[Kind]] = frozenset({"map", "keyed"})
_SEVERAL: Final[frozenset[Kind]] = frozenset({"object", "array", "map", "keyed", "set", "list"})

_WORDS: Final[dict[Kind, str]] = {
    "string": "text",
    "integer": "a whole number",
    "float": "a number",
    "boolean": "true or false",
    "date": "a date",
    "datetime": "a date and time",
    "json": "one JSON value",
    "list": "a list",
    "array": "a list",
    "set": "a set",
    "object": "an object",
    "map": "an object",
    "keyed": "a list of keys and values",
}
"""What fields of each kind are, for messages."""

_CHANGES: Final = {"add": True, "remove": ABSENT}
"""What is done with elements of a set, by the last step of a column's name."""


def resolve(heading: Heading, kind: ResourceType, rules: Rules) -> Slot:
    """Find where the values of a field's column go in an update of a resource.

    Raises:
        NotAColumn: an update cannot carry such a field, or not with that suffix, or its name is probably mistyped; or
            it is a part of the key of other resources.
    """
    if heading.form == "key":
        raise NotAColumn(
            f"`{heading.name}` is a part of the key of other resources; a field of {kind.name} that is called like that"
            f" is written `/{heading.name}`"
        )
    steps = steps_of(heading.name)
    if not heading.label.startswith("/"):
        _refuse_mistaken(heading, steps, kind)
    return _slot(steps, heading.suffix, kind, rules)


def path_of(heading: Heading, kind: ResourceType) -> tuple[str, ...]:
    """Return what a column is about, as a job says it: `(NAME,)` or `(CONTAINER, KEY)`."""
    if heading.form != "field":
        return heading.path
    steps = steps_of(heading.name)
    change = _set_of(steps, kind)
    container = change or _container(steps, kind)
    if not container:
        return (name_of(steps),)
    return name_of(container), ".".join(steps[len(container) :])


def has_no_type(heading: Heading, kind: ResourceType) -> bool:
    """Return whether nobody said a type for the values of a field's column."""
    if heading.form != "field" or heading.suffix:
        return False
    rule = kind.members.rule(steps_of(heading.name))
    return rule is None or rule.kind == "any"


def refuse_overlaps(headings: Iterable[Heading], kind: ResourceType, rules: Rules) -> None:
    """Check that no two columns are about the same field, or one about a part of another one.

    Raises:
        NotAColumn: two are.
    """
    fields = [heading for heading in headings if heading.form == "field"]
    refuse_same((_full_path(heading, kind), heading.label) for heading in fields)
    if not rules.replace:
        return
    containers = {_container(steps_of(heading.name), kind): heading.label for heading in fields}
    for container, label in containers.items():
        for outer in (container[:length] for length in range(1, len(container))):
            if outer in containers:
                raise NotAColumn(
                    f"`{containers[outer]}` and `{label}` replace an object and a part of it: with --metadata replace,"
                    f" write all of `{name_of(outer)}` as one JSON cell",
                    "bad_shape",
                )


def _full_path(heading: Heading, kind: ResourceType) -> tuple[str, ...]:
    """Return the steps to what a column is about, where all that follows a map's name is one key."""
    steps = steps_of(heading.name)
    length = kind.members.holder(steps)
    return (*steps[:length], ".".join(steps[length:])) if length else steps


def _refuse_mistaken(heading: Heading, steps: Steps, kind: ResourceType) -> None:
    """Check that the name of a field that is not declared is not nearly that of one which is."""
    members = kind.members
    length = next((each for each in range(1, len(steps) + 1) if not members.knows(steps[:each])), 0)
    unknown = steps[:length]
    if not length or members.holder(steps) or members.has_default(unknown):
        return
    names = members.beside(unknown)
    if length == 1:
        names |= {variable.name for variable in kind.variables}
    if meant := mistaken_for(unknown[-1], names):
        suffix = f":{heading.suffix}" if heading.suffix else ""
        right = name_of((*unknown[:-1], meant, *steps[length:])) + suffix
        raise NotAColumn(
            f"{kind.name} have no field `{heading.label[:80]}`; did you mean `{right}`?"
            f" If that is really its name, write `{pointer_to(steps)}{suffix}`"
        )


def _slot(steps: Steps, suffix: Suffix, kind: ResourceType, rules: Rules) -> Slot:
    name, members = name_of(steps), kind.members
    for length in range(1, len(steps) + 1):
        rule = members.rule(steps[:length])
        if rule is not None and rule.read_only:
            raise NotAColumn(f"`{name_of(steps[:length])}` of {kind.name} is read-only: leave the column out")
    if holder := _set_of(steps, kind):
        return _elements(holder, steps[-1], suffix, kind)
    if length := members.holder(steps):
        return _of_key(steps, length, suffix, kind)
    rule = members.rule(steps) or _UNDECLARED
    if suffix not in {"", "json"} and rule.kind in _SEVERAL:
        raise NotAColumn(f"`{name}` is {_WORDS[rule.kind]}, so `:{suffix}` does not fit")
    if rule.action:
        trigger = TriggerSlot(name, _wanted(rule, suffix), name in rules.allow_triggers)
        return LimitedSlot(trigger, () if suffix else rule.choices, clearable=False)
    return _limited(name, _field(steps, rule, suffix, kind, rules), rule, suffix, kind)


def _field(steps: Steps, rule: Attribute, suffix: Suffix, kind: ResourceType, rules: Rules) -> Slot:
    """Return the slot of a field, whatever is allowed of its values."""
    name, wanted = name_of(steps), _wanted(rule, suffix)
    if rule.kind == "set":
        return SetSlot(name, _allowed(rule), wanted)
    if rule.kind == "list":
        return ListSlot(name, _allowed(replace(rule, of="json", choices=()) if suffix else rule), wanted)
    inside = len(steps) > 1 and rule.kind not in _KEYED and not rule.write_only
    plain = MemberSlot(name_of(steps[:-1]), steps[-1], wanted) if inside else AttributeSlot(name, wanted)
    if rule.kind not in MERGED or wanted not in {"any", "object", "json"}:
        return plain
    if rules.replace and rule.kind not in _KEYED:
        return WholeSlot(name, plain, wanted)
    return ObjectSlot(name, plain, wanted, lru_cache(maxsize=256)(partial(_member, steps, rule, kind, rules)))


def _member(steps: Steps, rule: Attribute, kind: ResourceType, rules: Rules, key: str) -> Slot:
    """Return the slot of a member of a JSON object; one that an update cannot carry refuses every value."""
    inner = (*steps, key)
    try:
        return _of_key(inner, len(steps), "", kind) if rule.kind in _KEYED else _slot(inner, "", kind, rules)
    except NotAColumn as error:
        return ForeignSlot(error.message)


def _of_key(steps: Steps, length: int, suffix: Suffix, kind: ResourceType) -> Slot:
    """Return the slot of a key of a field that has keys, or refuse one of a field that has none.

    Raises:
        NotAColumn: it has none, or not such ones.
    """
    name, key = name_of(steps[:length]), ".".join(steps[length:])
    holder, rule = kind.members.rule(steps[:length]), kind.members.rule(steps)
    assert holder is not None  # noqa: S101  # it is known to hold them
    assert rule is not None  # noqa: S101  # by what it holds
    if holder.kind == "set":
        raise NotAColumn(f"`{name}` is a set: write `{name}`, `{name}.add` or `{name}.remove`")
    if holder.kind not in _KEYED and steps[-1] in _CHANGES:
        raise NotAColumn(
            f"`{name}` is {_WORDS[holder.kind]}, to which no elements can be added. If that is wrong, describe it as a"
            ' set: type = "set", and sep = ";" if one text holds it'
        )
    if holder.kind not in _KEYED:
        raise NotAColumn(
            f"`{name}` is {_WORDS[holder.kind]}, so it has no members; a field whose name has a dot is written"
            f" `/{'.'.join(steps)}`"
        )
    if holder.kind == "keyed" and (fault := _key_fault(key, holder.key)):
        raise NotAColumn(f"`{name}.{key[:40]}`: the key of an element {fault}")
    return _limited(f"{name}.{key}", MemberSlot(name, key, _wanted(rule, suffix)), rule, suffix, kind)


def _key_fault(key: str, kind: Kind) -> str:
    try:
        FROM_TEXT[WANTED[kind]](key)
    except RowRefused as error:
        return error.message
    return ""


def _elements(holder: Steps, change: str, suffix: Suffix, kind: ResourceType) -> Slot:
    name, rule = name_of(holder), kind.members.rule(holder)
    assert rule is not None  # noqa: S101  # it is known to be a set
    if suffix not in {"", "json"}:
        raise NotAColumn(f"`{name}.{change}` takes no `:{suffix}`")
    return ElementsSlot(name, _allowed(rule), _CHANGES[change], "array" if suffix else "list")  # type: ignore[arg-type]


def _allowed(rule: Attribute) -> Elements:
    return Elements(rule.of, rule.choices, separator_of(rule.separator))


def _limited(name: str, slot: Slot, rule: Attribute, suffix: Suffix, kind: ResourceType) -> Slot:
    """Return the slot with what is known of its values; a suffix lets others through."""
    if rule.encode or kind.members.omits_empty:
        slot = EncodedSlot(slot, rule.encode, kind.members.omits_empty)
    choices = () if suffix or rule.kind in _SEVERAL else rule.choices
    return slot if rule.clearable and not choices else LimitedSlot(slot, choices, rule.clearable, name)


def _wanted(rule: Attribute, suffix: Suffix) -> Wanted:
    if not suffix:
        return WANTED[rule.kind]
    if rule.kind in _SEVERAL:
        return "array" if rule.kind in {"set", "list", "array"} else "object"
    return OF_SUFFIX[suffix]


def _set_of(steps: Steps, kind: ResourceType) -> Steps:
    """Return the steps of the set that a column adds elements to, or removes them from; none for another column."""
    rule = kind.members.rule(steps[:-1]) if steps[-1] in _CHANGES and len(steps) > 1 else None
    return steps[:-1] if rule is not None and rule.kind == "set" else ()


def _container(steps: Steps, kind: ResourceType) -> Steps:
    """Return the steps of the object that a column sets a member of; none for a column that sets an attribute."""
    if length := kind.members.holder(steps):
        return steps[:length]
    rule = kind.members.rule(steps) or _UNDECLARED
    whole = rule.kind in _KEYED or rule.kind in {"set", "list"} or rule.write_only or rule.action
    return () if whole else steps[:-1]
