"""The records a sandbox begins with: so many of a type, or those of a file, and always a handful of tags."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from jobs.apis.schema import ResourceType, closest
from worker.sandbox.jsonapi import JSON
from worker.sandbox.resources import Resource, timestamp
from worker.sandbox.schema import SCHEMA, linkage, readable_attributes

_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID_LENGTH: Final = 10
_SEED_METADATA: Final[Mapping[str, JSON]] = {"origin": "seed"}

TAG_NAMES: Final = ("vip", "sale", *(f"tag{number}" for number in range(1, 21)))
"""Names of the tags that every sandbox has."""


class SeedError(ValueError):
    """A seed item cannot be used; the message says why and how to write it."""


def seeded_id(type_name: str, index: int, random_seed: int = 0) -> str:
    """Return the id that `TYPE=COUNT` seeds at `index`, from 0: ten ASCII letters of mixed case.

    Records seeded as `transactions=COUNT` have the ids of `transactions`, whatever their concrete type.
    """
    digest = hashlib.sha256(f"{random_seed}:{type_name}:{index}".encode()).digest()
    number = int.from_bytes(digest[:8], "big")
    return "".join(_LETTERS[number // len(_LETTERS) ** place % len(_LETTERS)] for place in range(_ID_LENGTH))


def seeded(items: tuple[str, ...], random_seed: int, epoch: float) -> Iterator[Resource]:
    """Yield every record of the seed items, the tags first.

    Args:
        items: `TYPE=COUNT`, or the path of a JSON or NDJSON file.
        random_seed: makes the ids.
        epoch: creation time in seconds since 1970.

    Raises:
        SeedError: an item names no type or no readable file of resource objects.
    """
    stamp = timestamp(epoch)
    for index, name in enumerate(TAG_NAMES):
        yield _record("tags", seeded_id("tags", index, random_seed), stamp, {"name": name})
    for item in items:
        type_name, separator, count = item.partition("=")
        if separator:
            yield from _counted(type_name, _count(item, count), random_seed, stamp)
        else:
            yield from _from_file(Path(item), stamp)


def _count(item: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise SeedError(f"{item}: the count must be a whole number, as in stripe_payments=1000")
    return int(text)


def _counted(type_name: str, count: int, random_seed: int, stamp: str) -> Iterator[Resource]:
    concrete = _known(type_name).abstract_over or (type_name,)
    for index in range(count):
        key = seeded_id(type_name, index, random_seed)
        yield _record(concrete[index % len(concrete)], key, stamp, _made_up(type_name, key, index))


def _made_up(type_name: str, key: str, index: int) -> dict[str, JSON]:
    """Make up the values that only the server sets, secrets too, as the documented replies have them."""
    if type_name == "stripe_payments":
        return {"client_secret": f"pi_{key}_secret_sandbox", "publishable_key": f"pk_test_{key}"}
    if type_name in {"transactions", *_known("transactions").abstract_over}:
        cents = 1500 + index
        return {
            "number": f"{index + 1}/T/001",
            "currency_code": "EUR",
            "amount_cents": cents,
            "amount_float": cents / 100,
            "formatted_amount": f"€{cents // 100},{cents % 100:02}",
            "succeeded": True,
            "message": "Accepted",
            "token": f"tok_{key}_sandbox",
            "gateway_transaction_id": f"gt_{key}",
        }
    return {}


def _from_file(path: Path, stamp: str) -> Iterator[Resource]:
    for place, entry in enumerate(_entries(path), start=1):
        if not (isinstance(entry, dict) and isinstance(entry.get("type"), str) and isinstance(entry.get("id"), str)):
            raise SeedError(f"{path}: record {place} is not a resource object with type and id")
        yield _from_entry(entry, stamp)


def _entries(path: Path) -> list[JSON]:
    """Return the resource objects of a JSON array, a JSON:API document, or NDJSON."""
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix in {".ndjson", ".jsonl"}:
            return [json.loads(line) for line in text.split("\n") if line.strip()]
        document: JSON = json.loads(text)
    except (OSError, ValueError) as error:
        raise SeedError(f"{path}: {error}. A seed is TYPE=COUNT or a JSON or NDJSON file") from error
    data = document.get("data") if isinstance(document, dict) and "data" in document else document
    return data if isinstance(data, list) else [data]


def _from_entry(entry: dict[str, JSON], stamp: str) -> Resource:
    attributes = _object(entry.get("attributes"))
    concrete = str(attributes.pop("type", entry["type"]))
    if _known(concrete).abstract_over:
        raise SeedError(f"{entry['id']}: {concrete} is abstract; give attributes.type or a concrete type")
    links = {name: linkage(value) for name, value in _object(entry.get("relationships")).items()}
    return _record(concrete, str(entry["id"]), stamp, attributes, links)


def _object(value: JSON) -> dict[str, JSON]:
    return dict(value) if isinstance(value, dict) else {}


def _record(
    type_name: str, key: str, stamp: str, attributes: Mapping[str, JSON], links: Mapping[str, JSON] | None = None
) -> Resource:
    nulls: dict[str, JSON] = dict.fromkeys(readable_attributes(type_name))
    stamps: dict[str, JSON] = {"created_at": stamp, "updated_at": stamp}
    return Resource(
        type_name, key, {**nulls, "metadata": dict(_SEED_METADATA), **stamps, **attributes}, dict(links or {})
    )


def _known(type_name: str) -> ResourceType:
    kind = SCHEMA.resource_type(type_name)
    if kind is None:
        meant = closest(type_name, SCHEMA.names)
        raise SeedError(f"{type_name}: no such resource type" + (f"; did you mean {meant}?" if meant else ""))
    return kind
