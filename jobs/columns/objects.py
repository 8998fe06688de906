"""Rows of an NDJSON input: JSON objects, flat or, where columns name attributes, in one of JSON:API's shapes."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from typing import Final, NamedTuple, TypeVar

from jobs.apis.schema import ResourceType
from jobs.columns.cells import FROM_JSON, as_shown
from jobs.columns.dialects import DIALECTS
from jobs.columns.finish import check_id, check_reference, finish, refuse_settled
from jobs.columns.grammar import NO_VALUES, RESERVED, Heading
from jobs.columns.members.keys import Naming, missing_of, naming_of, record_of
from jobs.columns.members.slots import ElementsSlot
from jobs.columns.problems import NotAColumn, RowRefused
from jobs.columns.resolve import attribute_slot, known_type, link_slot
from jobs.columns.rules import Rules
from jobs.columns.shapes import ResourceUpdate, resource_update
from jobs.columns.slots import Draft, Slot
from jobs.formats.errors import InputRefused
from jobs.formats.headings import MAX_COLUMNS
from jobs.model import JSON, ObjectRow, RowRef, Status, Unsendable, UpdateJob
from jobs.reasons import REASONS

T = TypeVar("T")

_RESERVED: Final = frozenset(RESERVED)
_NO_TEXTS: Final = _RESERVED | {"type"}

_MOST_NAMES: Final = 20_000
"""Names whose meaning is remembered at a time: objects may all have different ones."""


class _Member(NamedTuple):
    """One member of an object, for one resource type. `exact`: null is a value here, and does not clear."""

    label: str
    slot: Slot
    convert: Callable[[JSON], JSON]
    exact: bool = False


class ObjectColumns:
    """What the objects of an NDJSON input ask for.

    A flat object's names follow the grammar of column names; its values have their types already, and null clears,
    except where `:json` says that the value is meant as it is: `metadata.KEY: null` removes the key, and
    `metadata.KEY:json: null` sets it to null. The names in a resource object's `attributes` and `relationships` are
    taken as they are.

    Where columns name members of a body, every object is flat; one that stands in it names the members it sets.
    """

    def __init__(self, rules: Rules) -> None:
        """Check what does not depend on the rows.

        Raises:
            InputRefused: there is no resource type of the name that `rules` gives.
        """
        self._rules = rules
        self._dialect = DIALECTS[rules.schema.grammar]
        self._columns = lru_cache(maxsize=256)(self._compiled)  # rows of one input mostly have the same names
        self._labels = lru_cache(maxsize=256)(self._labels_of)
        self._naming = lru_cache(maxsize=256)(self._naming_of)
        self._names = 0
        try:
            if rules.type:
                known_type(rules.type, rules.schema)
        except NotAColumn as error:
            raise InputRefused(error.message) from None

    def read(self, row: ObjectRow) -> UpdateJob | Unsendable:
        """Return what the row asks for, or why it is not sent."""
        try:
            return self._job(row.ref, row.members)
        except RowRefused as error:
            return error.as_value(row.ref)

    def faults(self, row: ObjectRow) -> list[Unsendable]:
        """Return every reason why a row is not sent, the one of `read` first; none for a row that is sent."""
        first = self.read(row)
        if isinstance(first, UpdateJob):
            return []
        found = [first]
        members = _mine(row.members)
        flat = _is_flat(members) or not self._dialect.shapes
        if REASONS[first.reason].status is not Status.INVALID or not first.column or not flat:
            return found
        given = members.get("type") if self._dialect.shapes or not self._rules.type else None
        type_ = given if isinstance(given, str) and given else self._rules.type
        for name in members if type_ and self._rules.schema.resource_type(type_) else ():
            try:
                self._flat(type_, {name: members[name]})
            except RowRefused as error:
                if error.column != first.column:
                    found.append(error.as_value(row.ref))
        return found

    def texts(self, row: ObjectRow) -> dict[str, str]:
        """Return the members that are text, by name: of a flat object, or of a resource's id and attributes."""
        members: Mapping[str, JSON] = row.members
        data = members.get("data") if self._dialect.shapes else None
        if isinstance(data, Mapping):
            members = data
        attributes = members.get("attributes") if self._dialect.shapes else None
        if isinstance(attributes, Mapping):
            members = {"id": members.get("id"), **attributes}
        return {name: text for name, text in members.items() if isinstance(text, str) and name not in _NO_TEXTS}

    def record(self, row: ObjectRow) -> str:
        """Return a text that is equal for two rows of one record, whatever else is wrong with them; else an empty one.

        Where columns name attributes, that is the id, or the reference.
        """
        if self._dialect.shapes:
            return _id_of(row.members)
        mine = _mine(row.members)
        try:
            type_ = self._type_of(mine)
            return record_of(type_, *self._naming(type_, tuple(mine)).record(partial(_key_text, mine)))
        except RowRefused:
            return ""

    def _job(self, ref: RowRef, members: Mapping[str, JSON]) -> UpdateJob:
        mine = _mine(members)
        if not mine:
            if "__status" in members:
                raise RowRefused(
                    "bad_shape", "this line was broken when it was applied; write the update anew, or remove it"
                )
            raise RowRefused("empty_row", "the object has no members")
        status = _text_of(members.get("__status"))
        refuse_settled(status, _text_of(members.get("__reason")))
        if not self._dialect.shapes:
            return self._of_members(ref, mine, status)
        resource = resource_update(mine)
        if resource is None and "id" not in mine and "reference" in mine:
            return self._by_reference(ref, mine, status)
        if resource is None:
            id_, type_ = _name(mine, "id"), _name(mine, "type")
        else:
            id_, type_ = resource.id, resource.type
        check_id(id_)
        type_ = self._known(type_ or self._rules.type)
        draft = self._flat(type_, mine) if resource is None else self._resource(type_, resource)
        labels = self._labels(type_, tuple(mine)) if resource is None else {}
        return finish((ref, type_, id_), draft, self._rules, status, labels)

    def _by_reference(self, ref: RowRef, members: Mapping[str, JSON], status: str) -> UpdateJob:
        """Return what a flat object asks for whose record has to be looked up."""
        reference, type_ = _name(members, "reference"), _name(members, "type")
        check_reference(reference)
        type_ = self._known(type_ or self._rules.type)
        values = {name: value for name, value in members.items() if name != "reference"}
        draft = self._flat(type_, values)
        job = finish((ref, type_, ""), draft, self._rules, status, self._labels(type_, tuple(members)))
        return replace(job, reference=reference)

    def _of_members(self, ref: RowRef, members: Mapping[str, JSON], status: str) -> UpdateJob:
        """Return what an object asks for whose names are those of members of a body."""
        type_, names = self._type_of(members), tuple(members)
        naming = self._naming(type_, names)
        id_, reference = naming.record(partial(_key_text, members))
        draft = self._flat(type_, {name: value for name, value in members.items() if name not in naming.names})
        job = finish((ref, type_, id_), draft, self._rules, status, self._labels(type_, names))
        return replace(job, reference=reference) if reference else job

    def _type_of(self, members: Mapping[str, JSON]) -> str:
        return self._known(self._rules.type or _name(members, "type"))

    def _naming_of(self, type_: str, names: tuple[str, ...]) -> Naming:
        """Return how objects with these names say which record is meant."""
        schema = self._rules.schema
        keys, kind = set(schema.keys(type_)).intersection(names) - schema.fixed, self._kind(type_)
        label = next(iter(missing_of(kind, keys, schema)), schema.sought(type_))
        return _understood(label, partial(naming_of, kind, keys, names, schema))

    def _kind(self, type_: str) -> ResourceType:
        return known_type(type_, self._rules.schema)

    def _known(self, type_: str) -> str:
        if not type_:
            raise RowRefused(
                "type_missing", "the row does not say its resource type; add `type` or pass --type", "type"
            )
        try:
            return self._kind(type_).name
        except NotAColumn as error:
            raise RowRefused(error.reason, error.message).at("type", as_shown(type_)) from None

    def _flat(self, type_: str, members: Mapping[str, JSON]) -> Draft:
        if len(members) > MAX_COLUMNS:
            raise RowRefused("bad_shape", f"the object has {len(members):,} members; {MAX_COLUMNS:,} are taken at most")
        draft = Draft()
        for member in self._columns(type_, tuple(members)):
            _put(draft, member, members[member.label])
        return draft

    def _resource(self, type_: str, resource: ResourceUpdate) -> Draft:
        draft = Draft()
        for name, value in resource.attributes.items():
            _put(draft, self._attribute(type_, name), value)
        for name, links in resource.relationships.items():
            slot = _understood(name, partial(link_slot, _bare(name), self._kind(type_)))
            try:
                slot.put_identifiers(draft, links)
            except RowRefused as error:
                raise error.at(name, "") from None
        return draft

    def _compiled(self, type_: str, names: tuple[str, ...]) -> list[_Member]:
        """Return the members of flat objects that have these names."""
        self._names += len(names)
        if self._names > _MOST_NAMES:
            self._columns.cache_clear()
            self._labels.cache_clear()
            self._naming.cache_clear()
            self._names = len(names)
        kind, keys = self._kind(type_), self._rules.schema.keys(type_)
        headings = [_understood(name, partial(self._dialect.parse, name, self._rules)) for name in names]
        _understood("", partial(self._dialect.refuse_overlaps, headings, kind, self._rules))
        others = [each for each in headings if each.form == "key" and each.name not in keys]
        own = [each for each in headings if each.form not in NO_VALUES or each in others]
        return [self._member(heading, kind) for heading in own]

    def _labels_of(self, type_: str, names: tuple[str, ...]) -> dict[tuple[str, ...], str]:
        """Return the names, all of them valid, by what each is about."""
        kind = self._kind(type_)
        return {self._dialect.path_of(self._dialect.parse(name, self._rules), kind): name for name in names}

    def _member(self, heading: Heading, kind: ResourceType) -> _Member:
        slot = _understood(heading.label, partial(self._dialect.resolve, heading, kind, self._rules))
        exact = heading.suffix == "json" and heading.form in {"member", "field"} and not isinstance(slot, ElementsSlot)
        return _Member(heading.label, slot, FROM_JSON[slot.wanted], exact)

    def _attribute(self, type_: str, name: str) -> _Member:
        slot = _understood(name, partial(attribute_slot, _bare(name), self._kind(type_), self._rules))
        return _Member(name, slot, FROM_JSON[slot.wanted])


def _put(draft: Draft, member: _Member, value: JSON) -> None:
    try:
        if value is not None:
            member.slot.put(draft, member.convert(value))
        elif member.exact:
            member.slot.put(draft, None)
        else:
            member.slot.clear(draft)
    except RowRefused as error:
        raise error.at(member.label, as_shown(value)) from None


def _understood(label: str, understand: Callable[[], T]) -> T:
    """Call `understand`; turn a name without a meaning into a refusal of the row."""
    try:
        return understand()
    except NotAColumn as error:
        raise RowRefused(error.reason, error.message, label) from None


def _mine(members: Mapping[str, JSON]) -> Mapping[str, JSON]:
    """Return the members without those that a results file puts before the user's own."""
    if _RESERVED.isdisjoint(members):
        return members
    return {name: value for name, value in members.items() if name not in _RESERVED}


def _is_flat(members: Mapping[str, JSON]) -> bool:
    return not {"data", "attributes", "relationships"} & members.keys()


def _bare(name: str) -> Heading:
    return Heading(name, "bare", name)


def _name(members: Mapping[str, JSON], member: str) -> str:
    """Return the text of `id`, `type` or `reference`; empty if the object leaves it out."""
    value = members.get(member, "")
    if value is None:
        raise RowRefused("clear_not_allowed", "cannot be cleared").at(member, "null")
    if not isinstance(value, str):
        raise RowRefused("wrong_type", f'needs text: write it in quotes, "{as_shown(value)}"').at(
            member, as_shown(value)
        )
    return value


def _key_text(members: Mapping[str, JSON], name: str) -> str:
    """Return what an object says of a part of its record's key: text, or a whole number, which has one text."""
    return key_text(members[name]) or _name(members, name)


def key_text(value: JSON) -> str:
    """Return the text of a part of a key as an object has it; empty for what can be none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else ""


def _id_of(members: Mapping[str, JSON]) -> str:
    """Return the id in whichever shape the object has, or its reference."""
    data = members.get("data")
    inner = data.get("id") if isinstance(data, Mapping) else None
    reference = members.get("reference") if "id" not in members else None
    named = f"reference {reference}" if isinstance(reference, str) else ""
    return str(members.get("id") or inner or named)


def _text_of(value: JSON) -> str:
    return value if isinstance(value, str) else ""
