"""Which resource types of an API can be updated, and with which attributes, triggers and relationships.

The facts of a vendor are in `schema.json` of its folder. `load` makes a `Schema` of them, which is handed down: nobody
but the outermost callers knows which API it is.
"""

import difflib
import heapq
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import Final, Literal

Kind = Literal["string", "datetime", "integer", "float", "boolean", "object", "array"]
"""JSON type of an attribute. `datetime` is text on the wire."""

_LONGEST: Final = 100
"""Characters of a name beyond which nobody has mistyped another one."""

_COMPARED: Final = 8
"""Candidates that are compared letter by letter: each costs 20 times as much as to count common pairs of letters."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute that a PATCH may carry. `enum` lists the allowed values, empty when any is."""

    kind: Kind
    enum: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Relationship:
    """A relationship that a PATCH may carry, and the resource types it may point to."""

    types: tuple[str, ...]
    many: bool


@dataclass(frozen=True, slots=True)
class ResourceType:
    """What an update of one resource type may say.

    Attributes:
        attributes: by name, triggers included (their names begin with `_`).
        abstract_over: the concrete types behind an abstract one, empty for a concrete type.
    """

    name: str
    attributes: Mapping[str, Attribute]
    relationships: Mapping[str, Relationship]
    abstract_over: tuple[str, ...] = ()

    @property
    def taggable(self) -> bool:
        """Whether tags can be added and removed."""
        return "_add_tags" in self.attributes


@dataclass(frozen=True, eq=False)
class Schema:
    """What is known of one API's resource types. Hashed by identity: what is found in a schema may be cached by it.

    Attributes:
        types: as `schema.json` declares them, by name, sorted. Each is built when it is first asked for.
        merged: the attribute that a whole JSON object is merged into, instead of taking its place; empty for none.
        replay_safe: triggers that may be sent twice without a second effect. Every other one is sent once.
        hidden: endings of the names of attributes that no reply shows, besides the triggers.
        ten_letter_ids: ids are ten letters, capitals and small ones. False where the API says nothing of its ids.
        naming: a sentence on how types are named, for whoever names one that there is not; empty for none.
    """

    types: Mapping[str, Mapping[str, object]]
    merged: str = ""
    replay_safe: frozenset[str] = frozenset()
    hidden: tuple[str, ...] = ()
    ten_letter_ids: bool = False
    naming: str = ""
    _built: dict[str, ResourceType] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every resource type that can be updated, sorted."""
        return tuple(self.types)

    def resource_type(self, name: str) -> ResourceType | None:
        """Return the type of that name, or None."""
        found = self._built.get(name)
        if found is None and name in self.types:
            found = self._built[name] = _build(name, self.types[name])
        return found

    def declared(self, name: str) -> Attribute | None:
        """Return what is known of an attribute that can have several forms; None for text, which has one, and others.

        The name is enough: types agree about what they share.
        """
        return self._with_forms.get(name)

    def family(self, name: str) -> str:
        """Return the abstract type that a type belongs to, or the type itself: within a family, an id is one record."""
        return self._families.get(name, name)

    def is_write_only(self, name: str) -> bool:
        """Return whether no reply ever shows the attribute: a trigger, or a password."""
        return name.startswith("_") or name.endswith(self.hidden)

    def hint_at_types(self, name: str) -> str:
        """Return what to say about a type that there is not: the one that is near, or up to ten that end with it.

        `order` -> `orders`; `payments` -> `adyen_payments`, `axerve_payments` and so on.
        """
        return _hint_at(name, self)

    @cached_property
    def _families(self) -> Mapping[str, str]:
        kinds = filter(None, map(self.resource_type, self.names))
        return {concrete: kind.name for kind in kinds for concrete in kind.abstract_over}

    @cached_property
    def _with_forms(self) -> Mapping[str, Attribute]:
        kinds = filter(None, map(self.resource_type, self.names))
        attributes = [each for kind in kinds for each in kind.attributes.items()]
        return {name: attribute for name, attribute in attributes if attribute.enum or attribute.kind != "string"}


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


def closest(name: str, candidates: Iterable[str]) -> str:
    """Return the candidate that somebody who typed `name` probably meant, or an empty string."""
    if len(name) > _LONGEST:
        return ""
    pairs = _pairs(name)
    likely = heapq.nlargest(_COMPARED, candidates, key=lambda each: len(pairs & _pairs(each)))
    return next(iter(difflib.get_close_matches(name, likely, n=1, cutoff=0.6)), "")


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
