"""Which resource types can be updated, and with which attributes, triggers and relationships.

The facts are in `schema.json` beside this module (Commerce Layer schema 7.10.3, plus `transactions`, whose page
documents an update although the schema declares none). It is read once, when first asked for.
"""

import difflib
import heapq
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
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


@cache
def _raw() -> Mapping[str, Mapping[str, object]]:
    text = files("jobs.apis").joinpath("schema.json").read_text(encoding="utf-8")
    types: Mapping[str, Mapping[str, object]] = json.loads(text)["types"]
    return types


@cache
def type_names() -> tuple[str, ...]:
    """Every resource type that can be updated, sorted."""
    return tuple(_raw())


@lru_cache(maxsize=1024)  # whatever stands in a sheet's column `type` is asked for
def resource_type(name: str) -> ResourceType | None:
    """The type of that name, or None."""
    raw = _raw().get(name)
    return None if raw is None else _build(name, raw)


@cache
def knows_attribute(name: str) -> bool:
    """Whether any type has an attribute or a relationship of that name."""
    return any(
        kind is not None and (name in kind.attributes or name in kind.relationships)
        for kind in map(resource_type, type_names())
    )


def declared(name: str) -> Attribute | None:
    """What is known of an attribute that can have several forms; None for text, which has one, and unknown names.

    The name is enough: types agree about what they share.
    """
    return _with_forms().get(name)


def is_write_only(name: str) -> bool:
    """Whether no reply ever shows the attribute: a trigger, or a password."""
    return name.startswith("_") or name.endswith("password")


def closest(name: str, candidates: Iterable[str]) -> str:
    """The candidate that somebody who typed `name` probably meant, or an empty string."""
    if len(name) > _LONGEST:
        return ""
    pairs = _pairs(name)
    likely = heapq.nlargest(_COMPARED, candidates, key=lambda each: len(pairs & _pairs(each)))
    return next(iter(difflib.get_close_matches(name, likely, n=1, cutoff=0.6)), "")


@lru_cache(maxsize=8192)
def _pairs(name: str) -> frozenset[str]:
    """Pairs of neighbouring letters, the edges included: two spellings of one name share most of them."""
    edged = f" {name} "
    return frozenset(map("".join, pairwise(edged)))


@cache
def _with_forms() -> Mapping[str, Attribute]:
    kinds = filter(None, map(resource_type, type_names()))
    attributes = [each for kind in kinds for each in kind.attributes.items()]
    return {name: attribute for name, attribute in attributes if attribute.enum or attribute.kind != "string"}


@lru_cache(maxsize=256)  # of a column `type`, every row may be asked about
def hint_at_types(name: str) -> str:
    """Return what to say about a type that there is not: the one that is near, or all that end with it (at most ten).

    `order` -> `orders`; `payments` -> `adyen_payments`, `axerve_payments` and so on.
    """
    known, plain = type_names(), name.strip().lower()[:_LONGEST]
    near = difflib.get_close_matches(plain, known, n=1, cutoff=0.8)
    alike = [each for each in known if each.endswith(f"_{plain.rstrip('s')}s")]
    if not near and len(alike) > 1:
        return f"; there are {', '.join(f'`{each}`' for each in alike)}"
    likely = next(iter(near), "") or closest(plain, known)
    return f"; did you mean `{likely}`?" if likely else ". Types are plural, like stripe_payments"


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
