"""Which field a probe writes, and the value of one that the user gives as text."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from jobs.apis.described.fields import FieldRule, FieldRules
from jobs.columns.cells import FROM_TEXT, Wanted
from jobs.columns.problems import RowRefused
from jobs.model import JSON
from jobs.names import Steps, name_of, steps_of
from worker.policy.probing.subject import Reading, Subject

_SUFFIXES: Final[Mapping[str, Wanted]] = {
    "int": "integer",
    "float": "float",
    "bool": "boolean",
    "json": "json",
    "str": "string",
}

_WANTED: Final[Mapping[str, Wanted]] = {
    "int": "integer",
    "float": "float",
    "bool": "boolean",
    "object": "object",
    "map": "object",
    "keyed": "object",
    "json": "json",
}

_WORDS: Final = ("title", "name", "subject", "summary", "description", "note", "notes", "body", "comment")
"""Names of fields that are nearly always plain text of people."""

_DELICATE: Final = re.compile(r"(?i).*(mail|user_?name|login|password|secret|phone|owner|price|amount).*")
"""Names of fields that are sent back last: more may hang on them than their value."""

_OF_THE_SERVER: Final = re.compile(
    r"(?i)^(_.*|id|.*id|self|links?|url|.*_url|href|uri|type|kind|object|state|status|etag|rev(ision)?|.*version.*|"
    r".*(_at|_on|date|time|timestamp|stamp)|(last_?)?(created?|updated?|modified).*|(?-i:.*[a-z](At|On)))$"
)
"""Names of members that servers mostly set themselves, or that mean more than a value."""


class Unfit(Exception):
    """A field or a value cannot be probed. The text says why, and what to do."""


def plain_field(subject: Subject, reading: Reading) -> str:
    """Return the name of a plain text or number of the record that can be sent back as it is; empty if there is none.

    Described fields go first, then text that people write, then what the record shows first.
    """
    candidates = [name for name in _candidates(subject, reading) if _is_plain(subject, reading, name)]
    described = [name for name in candidates if name in subject.rules.described_names]
    chosen = described or [name for name in candidates if not _OF_THE_SERVER.match(name)]
    chosen.sort(key=lambda name: _WORDS.index(name) if name in _WORDS else len(_WORDS) + bool(_DELICATE.match(name)))
    texts = [name for name in chosen if isinstance(subject.value(reading, name), str)]
    return next(iter(texts or chosen), "")


def _candidates(subject: Subject, reading: Reading) -> Iterator[str]:
    yield from subject.rules.described_names
    yield from map(name_of, ((name,) for name in reading.fields))


def _is_plain(subject: Subject, reading: Reading, name: str) -> bool:
    rule = subject.rules.rule(name)
    said = rule.described
    if len(rule.steps) > 1 or said.read_only or said.write_only or said.action or name == subject.id_name:
        return False
    value = subject.value(reading, name)
    return (isinstance(value, str) and value != "") or (isinstance(value, int | float) and not isinstance(value, bool))


def field_and_value(rules: FieldRules, column: str, text: str | None) -> tuple[str, JSON]:
    """Return the canonical name of a field and its value.

    Args:
        rules: of the fields.
        column: name of the field, perhaps with a suffix such as `:int`.
        text: of the value, as a cell would have it; None for none.

    Raises:
        Unfit: the value is not of the field's type.
    """
    name, _, suffix = column.rpartition(":")
    if not name or suffix not in _SUFFIXES:
        name, suffix = column, ""
    holder, _, change = name.rpartition(".")
    if change in {"add", "remove"} and rules.rule(holder).described.type == "set":
        raise Unfit(
            f"--field {name}: a probe writes whole fields. Pass --field {holder}, with all elements as its --value."
        )
    rule = rules.rule(name)
    try:
        return rule.name, None if text is None else _value(rule, suffix, text)
    except RowRefused as error:
        raise Unfit(f"--value for {rule.name}: it {error.message}.") from None


def _value(rule: FieldRule, suffix: str, text: str) -> JSON:
    kind = rule.described.type or ""
    if kind in {"list", "set"} and suffix in {"", "json"}:
        items: Any = FROM_TEXT["array"](text) if text.startswith("[") else text.split(",")
        return dict.fromkeys(map(str, items), True) if kind == "set" else items
    wanted = _SUFFIXES.get(suffix) or _WANTED.get(kind, "any")
    return FROM_TEXT[wanted](text)


def refuse_unfit(subject: Subject, reading: Reading, name: str, value: JSON) -> None:
    """Check that a made-up value can be written and the old one put back.

    Raises:
        Unfit: it cannot.
    """
    rule = subject.rules.rule(name)
    if rule.described.action or rule.described.write_only:
        what = "makes something happen" if rule.described.action else "is never shown"
        raise Unfit(f"--field {name}: it {what}, so that it could not be put back. Choose a plain field.")
    if rule.steps[0] == subject.id_name:
        raise Unfit(f"--field {name}: it is the key of the record. Choose another field.")
    parents: Iterator[Steps] = (rule.steps[:depth] for depth in range(1, len(rule.steps)))
    for steps in parents:
        held = subject.value(reading, name_of(steps))
        if not isinstance(held, dict) or subject.rules.rule(name_of(steps)).is_parted:
            raise Unfit(f"--field {name}: the record has no object {name_of(steps)}, so that it has no members.")
    if subject.value(reading, name) == value:
        raise Unfit(f"--value: {name} has this value already. Choose another one.")


def refuse_known(subject: Subject, reading: Reading, name: str) -> None:
    """Check that a member which is to be unknown is neither described nor shown.

    Raises:
        Unfit: it is.
    """
    steps = steps_of(name)
    if len(steps) != 1 or name_of(steps) != name:
        raise Unfit(f"--unknown-field {name}: write a plain name without dots.")
    if name in subject.rules.described_names or name in reading.fields or name == subject.id_name:
        raise Unfit(f"--unknown-field {name}: the record has it. Choose a name that the API cannot know.")
