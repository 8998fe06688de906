"""The schema of the API that the sandbox plays, and what it adds: read-only attributes, cacheable types."""

from functools import cache
from typing import Final

from jobs.apis.schema import load
from worker.sandbox.jsonapi import JSON

SCHEMA: Final = load("commercelayer")

_TRANSACTION_READ_ONLY: Final = (
    "number",
    "currency_code",
    "amount_cents",
    "amount_float",
    "formatted_amount",
    "succeeded",
    "message",
    "error_code",
    "error_detail",
    "token",
    "gateway_transaction_id",
)
_TRANSACTIONS: Final = ("transactions", "authorizations", "captures", "refunds", "voids")

_READ_ONLY: Final = {
    "stripe_payments": ("client_secret", "publishable_key"),
    **dict.fromkeys(_TRANSACTIONS, _TRANSACTION_READ_ONLY),
}
"""Attributes that replies have and requests may not carry, from the documented example replies."""

_READ_ONLY_RELATIONSHIPS: Final = dict.fromkeys(_TRANSACTIONS, ("order",))

_CACHEABLE: Final = frozenset(
    {
        "bundles",
        "imports",
        "markets",
        "prices",
        "price_lists",
        "promotions",
        "skus",
        "sku_options",
        "stock_items",
        "stock_locations",
    }
)


def is_cacheable(type_name: str) -> bool:
    """Return whether GETs of the type count against the larger quota of cacheable resources."""
    return type_name in _CACHEABLE or type_name.endswith("_promotions")


def is_trigger(name: str) -> bool:
    """Return whether an attribute is a write-only trigger."""
    return name.startswith("_")


@cache
def readable_attributes(type_name: str) -> tuple[str, ...]:
    """Return the attributes that replies of the type have: neither triggers nor passwords."""
    kind = SCHEMA.resource_type(type_name)
    writable = kind.attributes if kind else ()
    own = (name for name in writable if not is_trigger(name) and not name.endswith("password"))
    names = dict.fromkeys((*_READ_ONLY.get(type_name, ()), *own, "created_at", "updated_at"))
    return ("type", *names) if kind and kind.abstract_over else tuple(names)


@cache
def relationship_names(type_name: str) -> tuple[str, ...]:
    """Return the relationships that replies of the type have."""
    kind = SCHEMA.resource_type(type_name)
    own = kind.relationships if kind else ()
    return tuple(dict.fromkeys((*own, *_READ_ONLY_RELATIONSHIPS.get(type_name, ()))))


@cache
def is_to_many(type_name: str, name: str) -> bool:
    """Return whether a relationship has a list of targets."""
    kind = SCHEMA.resource_type(type_name)
    return bool(kind and name in kind.relationships and kind.relationships[name].many)


def linkage(value: JSON) -> JSON:
    """Return the `data` member of a relationship object."""
    return value.get("data") if isinstance(value, dict) else None
