"""What an accepted update does to a record."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from worker.sandbox.jsonapi import JSON, Problem
from worker.sandbox.resources import Resource, Store
from worker.sandbox.schema import readable_attributes
from worker.sandbox.validation import MAX_TAGS, Update

LOCK_KEY: Final = "_sandbox_locked"
"""A record whose metadata has this key set to true is locked: the sandbox answers its updates with 423."""

_TOUCHING_TRIGGERS: Final = frozenset({"_refresh", "_update"})
_TAG_NAME: Final = re.compile(r"[0-9A-Za-z_-]{1,25}", re.ASCII)
_UNIQUE: Final = "code"


def is_locked(resource: Resource) -> bool:
    """Return whether updates of the record are refused."""
    metadata = resource.attributes.get("metadata")
    return isinstance(metadata, dict) and metadata.get(LOCK_KEY) is True


def clash(resource: Resource, update: Update, store: Store) -> Problem | None:
    """Find the unique constraint that the update would break: no two records of a type share a `code`."""
    wanted = update.attributes.get(_UNIQUE)
    others = store.of_type(resource.type) if wanted is not None else []
    if any(other.id != resource.id and other.attributes.get(_UNIQUE) == wanted for other in others):
        detail = f"{_UNIQUE} - has already been taken"
        return Problem(409, "CONFLICT", "has already been taken", detail, f"/data/attributes/{_UNIQUE}")
    return None


def updated(resource: Resource, update: Update, stamp: str, store: Store) -> Resource:
    """Return the record after the update.

    Given objects and to-many links replace the old ones as a whole. An update that changes nothing leaves
    `updated_at` alone, as Rails does, unless it refreshes.

    Args:
        resource: the record before.
        update: what passed validation.
        stamp: the new `updated_at`.
        store: knows the tags.
    """
    readable = readable_attributes(resource.type)
    given = {name: value for name, value in update.attributes.items() if name in readable}
    attributes = {**resource.attributes, **given}
    links = {**resource.relationships, **update.relationships}
    if not update.triggers.keys().isdisjoint(("_add_tags", "_remove_tags")):
        links["tags"] = _tags(links.get("tags"), update.triggers, store.tag_ids())
    touched = not update.triggers.keys().isdisjoint(_TOUCHING_TRIGGERS)
    if touched or attributes != resource.attributes or links != resource.relationships:
        attributes["updated_at"] = stamp
    return Resource(resource.type, resource.id, attributes, links, _fired(resource.triggers, update.triggers))


def _fired(counts: Mapping[str, int], triggers: Iterable[str]) -> dict[str, int]:
    return {**counts, **{name: counts.get(name, 0) + 1 for name in triggers}}


def _tags(links: JSON, triggers: Mapping[str, JSON], tag_ids: Mapping[str, str]) -> list[JSON]:
    """Return the tag links after adding and removing names; names the API dislikes are dropped without a word."""
    present = [str(link["id"]) for link in links if isinstance(link, dict)] if isinstance(links, list) else []
    removed = {tag_ids.get(name) for name in _names(triggers.get("_remove_tags"))}
    added = [tag_ids[name] for name in _names(triggers.get("_add_tags")) if name in tag_ids]
    kept = dict.fromkeys(key for key in (*present, *added) if key not in removed)
    return [{"type": "tags", "id": key} for key in list(kept)[:MAX_TAGS]]


def _names(value: JSON) -> list[str]:
    return [name for name in value.split(",") if _TAG_NAME.fullmatch(name)] if isinstance(value, str) else []
