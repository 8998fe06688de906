"""Where a column's values go in an update, once the resource type is known."""

import re
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from jobs.apis.schema import Relationship
from jobs.columns.cells import Wanted, id_fault
from jobs.columns.problems import RowRefused
from jobs.damage.kinds import SPREADSHEET_ERRORS
from jobs.model import ABSENT, JSON, Absent, Link
from jobs.values import valueclass

MAX_TAGS: Final = 10
"""Tags that a record can have (Commerce Layer)."""

_TAG: Final = re.compile(r"[0-9A-Za-z_-]{1,25}")


@dataclass(slots=True)
class Draft:
    """The changes of one row while its cells are being read; the fields are those of `jobs.model.UpdateJob`."""

    attributes: dict[str, JSON] = field(default_factory=dict)
    members: dict[str, dict[str, JSON | Absent]] = field(default_factory=dict)
    relationships: dict[str, Link | tuple[Link, ...] | None] = field(default_factory=dict)
    triggers: dict[str, JSON] = field(default_factory=dict)
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    untyped: frozenset[tuple[str, ...]] = frozenset()


class Slot(Protocol):
    """A place in a draft. Both methods raise `RowRefused` for a value that cannot go there."""

    @property
    def wanted(self) -> Wanted:
        """What values must be before they are put."""

    def put(self, draft: Draft, value: JSON) -> None:
        """Set the place to `value`."""

    def clear(self, draft: Draft) -> None:
        """Set the place to nothing."""


@valueclass(frozen=True, slots=True)
class AttributeSlot:
    """A whole attribute. `enum` lists the allowed values, empty when any is."""

    name: str
    wanted: Wanted
    enum: tuple[str, ...] = ()

    def put(self, draft: Draft, value: JSON) -> None:
        """Set the attribute."""
        if self.enum and value not in self.enum:
            raise RowRefused("not_allowed", f"takes one of {', '.join(self.enum)}")
        draft.attributes[self.name] = value

    def clear(self, draft: Draft) -> None:
        """Set the attribute to null."""
        draft.attributes[self.name] = None


@valueclass(frozen=True, slots=True)
class MemberSlot:
    """A member of an object attribute."""

    attribute: str
    key: str
    wanted: Wanted

    def put(self, draft: Draft, value: JSON) -> None:
        """Set the member."""
        draft.members.setdefault(self.attribute, {})[self.key] = value

    def clear(self, draft: Draft) -> None:
        """Remove the member."""
        draft.members.setdefault(self.attribute, {})[self.key] = ABSENT


@valueclass(frozen=True, slots=True)
class TriggerSlot:
    """An attribute with side effects, which rows may fire only when `allowed`."""

    name: str
    wanted: Wanted
    allowed: bool

    def put(self, draft: Draft, value: JSON) -> None:
        """Fire the trigger. Refuse the text `false` too: an API that reads it as true would act."""
        if value is False or (isinstance(value, str) and value.lower() == "false"):
            raise RowRefused("trigger_false", "a trigger can only be true; leave it empty instead of false")
        if not self.allowed:
            raise RowRefused("trigger_not_allowed", f"has side effects: if they are meant, --allow-trigger {self.name}")
        draft.triggers[self.name] = value

    def clear(self, draft: Draft) -> None:  # noqa: ARG002  # the protocol's
        """Refuse: there is nothing to clear."""
        raise RowRefused("clear_not_allowed", "a trigger cannot be cleared")


@valueclass(frozen=True, slots=True)
class TagSlot:
    """Tags to add or to remove: names with commas between them, or a list of names."""

    field: Literal["add_tags", "remove_tags"]
    wanted: Wanted = "any"

    def put(self, draft: Draft, value: JSON) -> None:
        """Set the names, all of which the API must be able to take: it would discard the others silently."""
        names = _several(value)
        if names is None:
            raise RowRefused("tag_invalid", "takes names of tags with commas between them")
        for name in names:
            if not _TAG.fullmatch(name):
                raise RowRefused("tag_invalid", f"'{name[:30]}' is no tag: 1-25 of 0-9 A-Z a-z _ -, no spaces")
        if len(names) > MAX_TAGS:
            raise RowRefused("tag_invalid", f"has {len(names)} tags: a record takes at most {MAX_TAGS}")
        setattr(draft, self.field, names)

    def clear(self, draft: Draft) -> None:  # noqa: ARG002  # the protocol's
        """Refuse: it would be unclear which tags are meant."""
        raise RowRefused("clear_not_allowed", "name the tags to remove in `tags.remove`")


@valueclass(frozen=True, slots=True)
class LinkSlot:
    """A relationship: `ID`, or `TYPE/ID` where several types fit; a to-many takes several, with commas between them."""

    name: str
    relationship: Relationship
    wanted: Wanted = "any"

    def put(self, draft: Draft, value: JSON) -> None:
        """Set the link(s)."""
        if self.relationship.many:
            texts = _several(value)
            if texts is None:
                raise RowRefused("relationship_malformed", "takes ids with commas between them")
            draft.relationships[self.name] = tuple(map(self._link, texts))
        elif isinstance(value, str):
            draft.relationships[self.name] = self._link(value)
        else:
            raise RowRefused("relationship_malformed", "takes one id, as text")

    def put_identifiers(self, draft: Draft, links: Link | tuple[Link, ...] | None) -> None:
        """Set the link(s) from JSON:API's resource linkage, in which each names its type."""
        if isinstance(links, tuple) is not self.relationship.many:
            if links is not None:
                raise RowRefused("relationship_malformed", f"links {'many' if self.relationship.many else 'one'}")
            raise RowRefused("relationship_malformed", "links many: write [] to unlink them all")
        for link in links if isinstance(links, tuple) else (links,) if links else ():
            self._check(link)
        draft.relationships[self.name] = links

    def clear(self, draft: Draft) -> None:
        """Unlink all records."""
        draft.relationships[self.name] = () if self.relationship.many else None

    def _link(self, text: str) -> Link:
        if text in SPREADSHEET_ERRORS:
            raise RowRefused("relationship_malformed", "names no record")
        kind, slash, id_ = text.partition("/")
        types = self.relationship.types
        if slash:
            link = Link(kind, id_)
        elif len(types) == 1:
            link = Link(types[0], text)
        else:
            raise RowRefused("relationship_malformed", f"needs TYPE/ID, with a type out of {', '.join(types)}")
        self._check(link)
        return link

    def _check(self, link: Link) -> None:
        if link.type not in self.relationship.types:
            raise RowRefused(
                "relationship_malformed",
                f"links {' or '.join(self.relationship.types)}, not '{link.type[:40]}'",
            )
        if fault := id_fault(link.id) if link.id else "an id is missing":
            raise RowRefused("relationship_malformed", fault)


@valueclass(frozen=True, slots=True)
class ForeignSlot:
    """A column that the row's resource type does not have: its cell must be empty."""

    message: str
    wanted: Wanted = "any"

    def put(self, draft: Draft, value: JSON) -> None:  # noqa: ARG002  # the protocol's
        """Refuse."""
        raise RowRefused("column_not_of_type", self.message)

    def clear(self, draft: Draft) -> None:  # noqa: ARG002  # the protocol's
        """Refuse."""
        raise RowRefused("column_not_of_type", self.message)


def takes_any_text(slot: Slot) -> bool:
    """Return whether a slot accepts every text, so that none needs to be tried."""
    if slot.wanted not in {"any", "string"}:
        return False
    return isinstance(slot, MemberSlot) or (isinstance(slot, AttributeSlot) and not slot.enum)


def _several(value: JSON) -> tuple[str, ...] | None:
    """Return the items of a list of texts, or the parts of a text between commas; None for anything else."""
    if isinstance(value, str):
        return tuple(value.split(","))
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    return None
