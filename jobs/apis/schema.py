"""Which resource types of an API can be updated, and with which attributes, triggers and relationships.

The facts of a vendor are in `schema.json` of its folder. `load` makes a `Schema` of them, which is handed down: nobody
but the outermost callers knows which API it is. The schema of a described API is made by `described.schema`.
"""

import difflib
import heapq
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import Any, Final, Literal

from jobs.apis.fields import MERGED, Attribute, Kind, Members, Variable
from jobs.names import Steps, name_of, steps_of
from jobs.values import valueclass

__all__ = [
    "Attribute",
    "Kind",
    "Members",
    "Relationship",
    "ResourceType",
    "Schema",
    "Variable",
    "closest",
    "is_type_name",
    "load",
    "mistaken_for",
]

Grammar = Literal["attributes", "members"]
"""What columns name: `attributes` and relationships of JSON:API, of which a schema knows all, or `members` of a JSON
body, of which it knows some."""

_LONGEST: Final = 100
"""Characters of a name beyond which nobody has mistyped another one."""

_A_SLIP: Final = 0.8
"""Part of their letters that two spellings of one name have in common, at least."""

_TYPE_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
"""A name that is a segment of a path as it stands, and cannot lead out of it."""

_NO_DIGITS: Final = str.maketrans("", "", "0123456789")

_COMPARED: Final = 8
"""Candidates that are compared letter by letter: each costs 20 times as much as to count common pairs of letters."""


@valueclass(frozen=True, slots=True)
class Relationship:
    """A relationship that a PATCH may carry, and the resource types it may point to."""

    types: tuple[str, ...]
    many: bool


@valueclass(frozen=True, slots=True)
class ResourceType:
    """What an update of one resource type may say.

    Attributes:
        attributes: by name, triggers included (their names begin with `_`).
        abstract_over: the concrete types behind an abstract one, empty for a concrete type.
        variables: those of the path of a record, in its order.
        finders: fields by which a record may be looked up whose last variable a row does not say.
        members: what is known of a body whose members columns name; then `attributes` are those declared there which
            an update may carry.
    """

    name: str
    attributes: Mapping[str, Attribute]
    relationships: Mapping[str, Relationship]
    abstract_over: tuple[str, ...] = ()
    variables: tuple[Variable, ...] = (Variable("id"),)
    finders: tuple[str, ...] = ("reference",)
    members: Members = field(default_factory=lambda: Members({}))

    @property
    def taggable(self) -> bool:
        """Whether tags can be added and removed."""
        return "_add_tags" in self.attributes


@dataclass(frozen=True, eq=False)
class Schema:
    """What is known of one API's resource types. Hashed by identity: what is found in a schema may be cached by it.

    Attributes:
        types: by name, sorted; as `schema.json` declares them, or built already. The former are built when they are
            first asked for.
        merged: the attribute that a whole JSON object is merged into, instead of taking its place; empty for none.
        replay_safe: triggers that may be sent twice without a second effect. Every other one is sent once.
        hidden: endings of the names of attributes that no reply shows, besides the triggers.
        ten_letter_ids: ids are ten letters, capitals and small ones. False where the API says nothing of its ids.
        naming: a sentence on how types are named, for whoever names one that there is not; empty for none.
        grammar: what columns name.
        constants: values of variables that rows need not say, by name.
        fixed: names of variables that no column may say, since they are of the API's address.
        others: what is known of every type that is not among `types`; None where there are no others.
    """

    types: Mapping[str, Mapping[str, object] | ResourceType]
    merged: str = ""
    replay_safe: frozenset[str] = frozenset()
    hidden: tuple[str, ...] = ()
    ten_letter_ids: bool = False
    naming: str = ""
    grammar: Grammar = "attributes"
    constants: Mapping[str, str] = field(default_factory=dict)
    fixed: frozenset[str] = frozenset()
    others: ResourceType | None = None
    _built: dict[str, ResourceType] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every resource type that can be updated and is known by name, sorted."""
        return tuple(self.types)

    @cached_property
    def kinds(self) -> tuple[ResourceType, ...]:
        """All of them, and what stands for the types that are not known by name."""
        known = filter(None, map(self.resource_type, self.names))
        return (*known, self.others) if self.others else tuple(known)

    def resource_type(self, name: str) -> ResourceType | None:
        """Return the type of that name, or None."""
        found = self._built.get(name)
        if found is None and (kind := self.types.get(name)) is not None:
            found = self._built[name] = kind if isinstance(kind, ResourceType) else _build(name, kind)
        if found is None and self.others is not None and is_type_name(name):
            return replace(self.others, name=name)
        return found

    def keys(self, type_name: str) -> tuple[str, ...]:
        """Return the names of the variables that a record's key consists of, in the order of the path."""
        kind = self.resource_type(type_name)
        return tuple(variable.name for variable in kind.variables) if kind else ("id",)

    def sought(self, type_name: str) -> str:
        """Return the variable that another field of the record may stand for: the last of its path."""
        return next(reversed(self.keys(type_name)), "")

    def is_merged(self, type_name: str, name: str) -> bool:
        """Return whether a whole JSON object is merged into that attribute, instead of taking its place."""
        if self.grammar == "attributes":
            return name == self.merged
        kind = self.resource_type(type_name)
        rule = kind.members.rule(steps_of(name)) if kind else None
        return rule is None or rule.kind in MERGED

    def is_set(self, type_name: str, name: str) -> bool:
        """Return whether that attribute is a set, whose keys are its elements."""
        kind = self.resource_type(type_name) if self.grammar == "members" else None
        rule = kind.members.rule(steps_of(name)) if kind else None
        return rule is not None and rule.kind == "set"

    def separator(self, type_name: str, name: str) -> str:
        """Return what joins the elements of an attribute that the API holds as one text; empty for any other."""
        kind = self.resource_type(type_name) if self.grammar == "members" else None
        rule = kind.members.rule(steps_of(name)) if kind else None
        return rule.separator if rule else ""

    def decoded(self, type_name: str, steps: Steps, value: Any) -> Any:
        """Return the value of a field as the program works with it, of an object that was read as a whole."""
        kind = self.resource_type(type_name)
        is_field = kind is not None and not kind.members.holder(steps)
        return kind.members.decoded(steps, value) if kind and is_field else value

    def keeps_members(self, type_name: str, name: str) -> bool:
        """Return whether the API keeps the members of an attribute that are not sent."""
        kind = self.resource_type(type_name)
        return kind is not None and kind.members.keeps(name)

    def is_clearable(self, type_name: str, name: str) -> bool:
        """Return whether a field of a described API can be set to nothing."""
        kind = self.resource_type(type_name)
        rule = kind.members.rule(steps_of(name)) if kind else None
        return rule is None or rule.clearable

    @cached_property
    def taken(self) -> frozenset[str]:
        """Names that columns of a described API have for what is no field: that takes a pointer."""
        variables = (variable.name for kind in self.kinds for variable in kind.variables)
        return frozenset({"type", *self.fixed, *variables})

    def declared(self, name: str) -> Attribute | None:
        """Return what is known of an attribute that can have several forms; None for text, which has one, and others.

        The name is enough: types agree about what they share. Where those of a described API do not, nothing is known.
        """
        return self._with_forms.get(name, self._by_default)

    def declared_in(self, name: str, key: str) -> Attribute | None:
        """Return the same of a member of an attribute; None where members are no fields, but stored as they are."""
        if self.grammar == "attributes":
            return None
        return self._with_forms.get(name_of((*steps_of(name), key)))

    def family(self, name: str) -> str:
        """Return the abstract type that a type belongs to, or the type itself: within a family, an id is one record."""
        return self._families.get(name, name)

    def is_trigger(self, name: str) -> bool:
        """Return whether the attribute makes something happen."""
        return name.startswith("_") if self.grammar == "attributes" else name in self._actions

    def is_write_only(self, name: str) -> bool:
        """Return whether no reply ever shows the attribute: a trigger, or a password."""
        if self.grammar == "attributes":
            return name.startswith("_") or name.endswith(self.hidden)
        return name in self._actions or name in self._unshown

    def hint_at_types(self, name: str) -> str:
        """Return what to say about a type that there is not: the one that is near, or up to ten that end with it.

        `order` -> `orders`; `payments` -> `adyen_payments`, `axerve_payments` and so on.
        """
        return _hint_at(name, self)

    @cached_property
    def _families(self) -> Mapping[str, str]:
        return {concrete: kind.name for kind in self.kinds for concrete in kind.abstract_over}

    @cached_property
    def _with_forms(self) -> Mapping[str, Attribute]:
        if self.grammar == "members":
            plain = {(name, Attribute(each.kind, empties=each.empties)) for name, each in self._attributes}
            kinds = Counter(name for name, _ in plain)
            formed = [(name, each) for name, each in plain if each.kind != "string" or each.empties or self._by_default]
            return {name: each for name, each in formed if kinds[name] == 1}
        listed = self._attributes
        return {name: attribute for name, attribute in listed if attribute.enum or attribute.kind != "string"}

    @cached_property
    def _by_default(self) -> Attribute | None:
        """What is known of fields that are not listed: that an empty text clears them, if it does so in every type."""
        kinds = self.kinds if self.grammar == "members" else ()
        found = [kind.members.defaults.get(()) for kind in kinds]
        return Attribute("any", empties=True) if found and all(each and each.empties for each in found) else None

    @cached_property
    def _attributes(self) -> Sequence[tuple[str, Attribute]]:
        """Names and attributes of all types."""
        return [each for kind in self.kinds for each in kind.attributes.items()]

    @cached_property
    def _actions(self) -> frozenset[str]:
        return frozenset(name for name, attribute in self._attributes if attribute.action)

    @cached_property
    def _unshown(self) -> frozenset[str]:
        return frozenset(name for name, attribute in self._attributes if attribute.write_only)


@cache
def load(api: str) -> Schema:
    """Return the schema of the API whose folder has that name. It is read once, when first asked for."""
    facts = json.loads(files("jobs.apis").joinpath(api, "schema.json").read_text(encoding="utf-8"))
    return Schema(
        facts["types"],
        facts["merged"],
        frozenset(facts["replay_safe"]),
        tuple(facts["hidden"]),
        facts["ten_letter_ids"],
        facts["naming"],
    )


def is_type_name(text: str) -> bool:
    """Return whether a described type of records may have that name."""
    return _TYPE_NAME.fullmatch(text) is not None


def closest(name: str, candidates: Iterable[str]) -> str:
    """Return the candidate that somebody who typed `name` probably meant, or an empty string."""
    if len(name) > _LONGEST:
        return ""
    pairs = _pairs(name)
    likely = heapq.nlargest(_COMPARED, candidates, key=lambda each: len(pairs & _pairs(each)))
    return next(iter(difflib.get_close_matches(name, likely, n=1, cutoff=0.6)), "")


def mistaken_for(name: str, candidates: Iterable[str]) -> str:
    """Return the candidate that `name` is hardly anything but a slip of, or an empty string.

    Many names that are meant look like others: `first_name` and `last_name`, `line1` and `line2`. A slip is one in
    capitals and separators, two letters that changed places, or a letter or two in a longer name.
    """
    meant = closest(name, candidates) or closest(_folded(name), candidates)
    if not meant or meant == name:
        return ""
    one, other = _folded(name), _folded(meant)
    if sorted(one) == sorted(other):
        return meant
    if one.translate(_NO_DIGITS) == other.translate(_NO_DIGITS):
        return ""
    return meant if difflib.SequenceMatcher(None, one, other).ratio() >= _A_SLIP else ""


def _folded(name: str) -> str:
    """Return the letters and digits of a name in lower case: `Due Date`, `dueDate` and `due_date` are one."""
    return "".join(filter(str.isalnum, name)).lower()


@lru_cache(maxsize=8192)
def _pairs(name: str) -> frozenset[str]:
    """Return pairs of neighbouring letters, the edges included: two spellings of one name share most of them."""
    edged = f" {name} "
    return frozenset(map("".join, pairwise(edged)))


@lru_cache(maxsize=256)  # of a column `type`, every row may be asked about
def _hint_at(name: str, schema: Schema) -> str:
    known, plain = schema.names, name.strip().lower()[:_LONGEST]
    near = difflib.get_close_matches(plain, known, n=1, cutoff=0.8)
    alike = [each for each in known if each.endswith(f"_{plain.rstrip('s')}s")]
    if not near and len(alike) > 1:
        return f"; there are {', '.join(f'`{each}`' for each in alike)}"
    likely = next(iter(near), "") or closest(plain, known)
    if likely:
        return f"; did you mean `{likely}`?"
    return f". {schema.naming}" if schema.naming else ""


def _build(name: str, raw: Mapping[str, object]) -> ResourceType:
    attributes: Mapping[str, str | Mapping[str, object]] = raw["attributes"]  # type: ignore[assignment]  # our own file
    relationships: Mapping[str, Mapping[str, object]] = raw["relationships"]  # type: ignore[assignment]  # our own file
    return ResourceType(
        name=name,
        attributes={
            key: Attribute(value) if isinstance(value, str) else Attribute(value["type"], tuple(value["enum"]))  # type: ignore[arg-type]
            for key, value in attributes.items()
        },
        relationships={
            key: Relationship(tuple(value["types"]), bool(value["many"]))  # type: ignore[arg-type]  # our own file
            for key, value in relationships.items()
        },
        abstract_over=tuple(raw.get("abstract_over", ())),  # type: ignore[arg-type]  # our own file
    )
