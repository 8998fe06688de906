"""One type of records of a described API: its requests, and what its replies show."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Final
from urllib.parse import quote

from jobs.apis.api import Confirmation, Matches
from jobs.apis.described.basis import Basis, Before, before
from jobs.apis.described.bodies import CONTENT_TYPES, Unit, as_form, as_json_patch, units, wrapped, written
from jobs.apis.described.failures import errors_of, request_id_of
from jobs.apis.described.fields import FieldRules, element_of
from jobs.apis.described.meaning import Rules, compiled, least_wait, meaning_of, scope_of
from jobs.apis.described.replies import Reader, read_at, shown_key
from jobs.apis.description import keys
from jobs.apis.description.model import Description, ErrorPlaces, ReadDescription, ResourceDescription
from jobs.apis.description.templates import Template, Unfilled, filled, into_url, template
from jobs.apis.documents import value_of
from jobs.apis.meanings import Meaning
from jobs.apis.pointers import column_in_body, in_the_sheet
from jobs.apis.schema import Schema
from jobs.changes import exact
from jobs.changes.diff import Change
from jobs.changes.losses import lost_members
from jobs.changes.taken import is_plainly_taken, taken
from jobs.model import ABSENT, JSON, Absent, ApiError, Fields, Live, Outcome, Reply, Request, UpdateJob
from jobs.names import Steps, name_of, pointed
from jobs.places import at, put
from jobs.values import valueclass

JSON_TYPE: Final = "application/json"
_OK: Final = 200
_WHOLE_OR_PART: Final = frozenset({200, 207})
"""Statuses of a page; with 207 (RFC 4918, 11.1) some of its records are missing."""

_SAFE_IN_QUERIES: Final = "~-._,:()'*/"


@dataclass(frozen=True)
class DescribedResource:
    """One type of records.

    Attributes:
        name: as rows name it.
        api: that it belongs to.
        described: what is said of it.
        constants: variables with one value for the whole run, and the name of the type.
        base: path that all others begin with, without a slash at its end.
        schema: of the API.
    """

    name: str
    api: Description
    described: ResourceDescription
    constants: Mapping[str, str]
    base: str
    schema: Schema
    variants: tuple[str, ...] = ()

    # ---- what it is

    @cached_property
    def page(self) -> int:
        """Records that one read shows at most; 1 where they are read one by one."""
        many = self.described.read_many
        return 1 if many is None or self._needs_headers else many.max_ids

    @property
    def can_be_read(self) -> bool:
        """Whether there is a way to see a record."""
        return self.described.read is not False or self.described.read_many is not None

    @property
    def can_be_blind(self) -> bool:
        """Whether an update can be made without looking at the record first: not if it names what was read."""
        return self.described.update.send == "changes" and self.described.precondition is None

    def lag_s(self, fields: Fields) -> float:
        """Return the seconds after a write during which no update may be built on a read.

        0 where nothing but the fields is needed. An API that refuses updates of an old version does not help: what the
        run has written is laid over no read of such a record, and a read that lags would be refused again and again.
        """
        if not self._reader.needs_basis(fields):
            return 0.0
        return self.api.settle_s if self.described.settle_s is None else self.described.settle_s

    def group(self, key: str) -> str:
        """Return what records must have in common to be read on one page: all of their key but what varies."""
        return "" if self.page == 1 or len(self._keys) == 1 else key.rpartition("/")[0]

    # ---- updates

    def update(self, job: UpdateJob, change: Change, live: Live | None) -> Request:
        """Return the request that makes the change, conditional on what was read where that is described."""
        update, state, values = self.described.update, before(live), self._values(job.id)
        found = units(job, change, state, self._rules)
        known = {**values, **self._read_values(state.basis)}
        query = filled(self._query, known)
        if update.mask:
            query[update.mask] = ",".join(dict.fromkeys(name_of(unit.steps) for unit in found))
        headers = {**self._own_type, **self._own_headers(update.headers, known)}
        given = self.described.precondition
        if given is not None:
            headers |= filled(given.headers, known)
        target, body = self._target(self._paths["update"], query, values), self._body(found, state, known)
        return Request(update.method, target, body, headers, about=self.name, is_conditional=given is not None)

    def _body(self, found: list[Unit], state: Before, known: Mapping[str, str]) -> bytes:
        update = self.described.update
        tests = self._tests(state.basis)
        if update.format == "json_patch":
            return as_json_patch(found, state, self._rules, tests)
        body: dict[str, Any] = {}
        if update.format == "json_api":
            body = {"data": {"type": self.name, "id": known.get(self._keys[-1], "")}}
        for pointer, value in update.constants.items():
            with suppress(Unfilled):  # a variable that is not set
                put(body, pointed(pointer), _constant(value, known))
        for steps, value in tests.items():
            put(body, steps, value)
        if update.format == "form":
            return as_form(found, self._rules, body)
        return written(found, state, self._rules, body)

    def _tests(self, basis: Basis) -> dict[Steps, JSON]:
        """Return the members of a body that make it conditional, with their values as they were read."""
        precondition, tests = self.described.precondition, dict[Steps, JSON]()
        for pointer, value in precondition.body.items() if precondition else ():
            found = _as_read(value, basis) if isinstance(value, str) else value
            if not isinstance(found, Absent):
                tests[pointed(pointer)] = found
        return tests

    def confirm(self, reply: Reply, job: UpdateJob, change: Change) -> Confirmation | None:
        """Read a 2xx with a body; None when it is about something else. What it does not show is told as unseen."""
        document = value_of(reply)
        if isinstance(document, Absent):
            return None if reply.body.strip() else _blank(change)
        update = self.described.update
        record = self._reader.record_in(document, self.described.record if update.echo is None else update.echo)
        if record is None:
            return _blank(change)
        if not self._is_about(record, job.id):
            return None
        live = self._reader.echoed(record, change.attributes)
        if is_plainly_taken(change, live.attributes, self.schema):
            return Confirmation(change.edits)
        found = taken(change, live, self.schema)
        lost = lost_members(change, live, self.schema)
        return Confirmation(found.edits, found.differs, found.untaken, found.unseen, lost=lost)

    # ---- what replies mean

    def meaning(self, request: Request, outcome: Outcome) -> Meaning:
        """Return what an outcome means."""
        return meaning_of(self._replies, request, outcome)

    def errors(self, reply: Reply, columns: Mapping[tuple[str, ...], str]) -> tuple[ApiError, ...]:
        """Return what a failure of an update finds wrong; `field` is the column, as the user wrote it."""
        column = partial(column_in_body, columns=columns, wrap=wrapped(self._rules), moved=self._moved)
        return in_the_sheet(errors_of(self._places, reply), column)

    def request_id(self, reply: Reply) -> str:
        """Return what identifies the request to the vendor's support, empty where the reply does not say it."""
        return request_id_of(self._places, reply)

    def least_wait(self, reply: Reply) -> float:
        """Return the seconds after which a refused request may be sent again, where no `Retry-After` says so."""
        return least_wait(self._replies, reply)

    def scope_of(self, reply: Reply) -> str:
        """Return whom a refusal is about, as the rules say it."""
        return scope_of(self._replies, reply)

    def variables(self, key: str) -> Mapping[str, str]:
        """Return the variables of a record, by name; without a key, those of the run."""
        return self._values(key) if key else self.constants

    # ---- reads

    def read(self, keys_: Sequence[str], fields: Fields, *, sparse: bool = True) -> Request:  # noqa: ARG002
        """Return the request for a page of records, all of one group.

        It names the fields whenever its description does: an API that has to be asked for them shows no others.
        """
        many = self.described.read_many
        if many is None or self.page == 1:
            return self.read_one(keys_[0], fields)
        values = self._values(keys_[0])
        ids = [self._each.fill({**values, "id": self._last(key)}) for key in keys_]
        lists = {"ids": Several(ids, many.join), "fields": Several(self._top_names(fields))}
        known = {**values, "ids": many.join.join(ids)}
        target = self._target(self._paths["read_many"], _listed(many.query, lists, values), known, _list_into_url)
        headers = self._own_headers(many.headers, values)
        if many.method == "GET":
            return self._reading(target, headers)
        body = exact.write(_with_lists(many.body, lists, values))
        return Request("POST", target, body, {"Content-Type": JSON_TYPE, **headers}, reads=True, about=self.name)

    def states(self, reply: Reply, asked: Sequence[str], fields: Fields) -> Mapping[str, Live] | None:
        """Return what a page shows, by key; None when the reply cannot be used."""
        many = self.described.read_many
        document = value_of(reply) if reply.status in _WHOLE_OR_PART else None
        if many is None or self.page == 1:
            live = self.state(reply, asked[0], fields)
            return None if live is None else {asked[0]: live}
        listed = at(document, pointed(many.records))
        if not isinstance(listed, list):
            return None
        place = pointed(many.id)
        by_id = {self._last(key): key for key in asked}
        shown = [(shown_key(each, place), each) for each in listed if isinstance(each, dict)]
        return {by_id[id_]: self._reader.live(each, fields) for id_, each in shown if id_ in by_id}

    def may_show_more(self, reply: Reply, keys_: Collection[str]) -> bool:  # noqa: ARG002  # the protocol's
        """Return False: records that a page does not show are read one by one."""
        return False

    def read_one(self, key: str, fields: Fields | None) -> Request:
        """Return the request for one record; None asks for all of it."""
        read = self.described.read or ReadDescription()
        values = self._values(key)
        lists = {"fields": Several(() if fields is None else self._top_names(fields))}
        target = self._target(self._paths["read"], _listed(read.query, lists, values), values)
        return self._reading(target, self._own_headers(read.headers, values))

    def state(self, reply: Reply, key: str, fields: Fields) -> Live | None:
        """Return the record that a reply to `read_one` shows; None when it is about something else."""
        record = self._record(reply, key)
        return None if record is None else self._reader.live(record, fields, reply.headers)

    def attributes(self, reply: Reply, key: str) -> Mapping[str, JSON] | None:
        """Return everything that a reply to `read_one` shows; None as in `state`."""
        record = self._record(reply, key)
        return None if record is None else self._reader.all_fields(record)

    # ---- looking up

    def sought(self, reference: str) -> tuple[str, str]:
        """Return the field that a record is found by, and the value."""
        return keys.parse_reference(reference)[1:]

    def find(self, references: Sequence[str]) -> Request:
        """Return the request for the records that a reference may mean."""
        find = self.described.find
        if find is None:
            raise LookupError(f"{self.name} cannot be looked up")
        others, by, value = keys.parse_reference(references[0])
        values = {**self.constants, **dict(zip(self._keys[:-1], others, strict=False)), "by": by, "value": value}
        query = [(template(name).fill(values), text) for name, text in filled(find.query, values).items()]
        return self._reading(self._target(self._paths["find"], query, values), self._own_headers(find.headers, values))

    def matches(self, reply: Reply, references: Sequence[str]) -> Matches | None:
        """Return the keys by reference that a page shows: of records that hold exactly the value asked for."""
        listed = self._listed_matches(reply)
        if listed is None:
            return None
        others, by, value = keys.parse_reference(references[0])
        found = []
        for each in listed:
            live = self._reader.live(each, Fields(frozenset((by,))))
            id_ = shown_key(each, self._found_id)
            if id_ is not None and element_of(live.attributes.get(by)) == value:
                found.append(keys.key_of((*others, id_)))
        return Matches({references[0]: tuple(dict.fromkeys(found))}, complete=True)

    def _listed_matches(self, reply: Reply) -> list[dict[str, Any]] | None:
        """Return the records that a look-up shows: in a list, or one by itself; None if the reply cannot be used.

        404, and null in the place of the record, say that there is none.
        """
        find = self.described.find
        if find is None:
            return None
        if reply.status != _OK:
            is_none = self.meaning(Request("GET", "", reads=True, about=self.name), reply) is Meaning.NOT_FOUND
            return [] if is_none and reply.complete else None
        shown = at(value_of(reply), pointed(find.records))
        if shown is None:
            return []
        if isinstance(shown, dict):
            return None if shown_key(shown, self._found_id) is None else [shown]
        is_list = isinstance(shown, list) and all(isinstance(each, dict) for each in shown)
        return shown if is_list else None

    @cached_property
    def _found_id(self) -> Steps:
        return pointed(self.described.find.id) if self.described.find else ()

    # ---- parts

    def _reading(self, target: str, headers: Mapping[str, str]) -> Request:
        return Request("GET", target, headers=headers, reads=True, about=self.name)

    @cached_property
    def _places(self) -> ErrorPlaces:
        return self.described.errors or self.api.errors

    @cached_property
    def _replies(self) -> Rules:
        return compiled(
            self.described.error_rules,
            self.api.error_rules,
            self._places,
            conditional=self.described.precondition is not None,
            any_401=self.api.auth.renew_on == "401",
        )

    @cached_property
    def _moved(self) -> Mapping[Steps, Steps]:
        rules = map(self._rules.rule, self._rules.described_names)
        return {rule.write_to: rule.steps for rule in rules if rule.write_to is not None}

    @cached_property
    def _keys(self) -> tuple[str, ...]:
        return keys.variables_of(self.described)

    @cached_property
    def _own_type(self) -> Mapping[str, str]:
        """The content type of updates where it is not that of the API: a header of one request costs more."""
        own = CONTENT_TYPES[self.described.update.format]
        return {} if own == content_type_of(self.api) else {"Content-Type": own}

    @cached_property
    def _rules(self) -> FieldRules:
        return FieldRules(self.described)

    @cached_property
    def _reader(self) -> Reader:
        update = self.described.update
        whole = update.send == "record" or update.format == "json_patch"
        return Reader(self.name, self._rules, whole or self.described.precondition is not None, self._condition)

    @cached_property
    def _needs_headers(self) -> bool:
        """Whether updates are conditional on a header, which only the reply about a single record has."""
        return any(name.startswith("@") for name in self._condition)

    @cached_property
    def _condition(self) -> tuple[str, ...]:
        """Headers (`@ETag`) and members (`/version`) of a read that updates are conditional on."""
        names = (name for text in self._condition_texts for name in template(text).names)
        return tuple(dict.fromkeys(name for name in names if name[:1] in {"@", "/"}))

    @cached_property
    def _each(self) -> Template:
        many = self.described.read_many
        return template(many.each if many else "{id}")

    @cached_property
    def _paths(self) -> Mapping[str, Template]:
        own, read, many, find = self.described, self.described.read, self.described.read_many, self.described.find
        return {
            "update": template(own.update.path or own.path),
            "read": template((read.path if read else "") or own.path),
            "read_many": template(many.path if many else own.path),
            "find": template(find.path if find else own.path),
        }

    @cached_property
    def _query(self) -> Mapping[str, str]:
        """The query parameters of an update, those that make it conditional included."""
        precondition = self.described.precondition
        return {**self.described.update.query, **(precondition.query if precondition else {})}

    def _own_headers(self, given: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
        return filled({**self.described.headers, **given}, values)

    def _values(self, key: str) -> dict[str, str]:
        """Return the variables of a record: the run's, and those of its key."""
        return {**self.constants, **keys.values_of(key, self._keys)}

    def _last(self, key: str) -> str:
        return keys.values_of(key, self._keys)[self._keys[-1]]

    def _read_values(self, basis: Basis) -> dict[str, str]:
        """Return what placeholders such as `{@ETag}` and `{/updated_at}` stand for, as far as it was read."""
        found: dict[str, str] = {}
        for name in self._places_read:
            value = read_at(name, basis)
            if not isinstance(value, Absent | None):
                found[name] = element_of(value)
        return found

    @cached_property
    def _places_read(self) -> tuple[str, ...]:
        given = self.described.precondition
        texts = [*given.headers.values(), *given.query.values()] if given else []
        return tuple(name for text in texts for name in template(text).names if name[:1] in {"@", "/"})

    def _top_names(self, fields: Fields) -> tuple[str, ...]:
        """Return the names that a read has to be asked for: outermost members."""
        if self.described.update.send == "record":
            return ()  # all of it is needed
        found = dict.fromkeys(self._rules.rule(name).steps[0] for name in sorted(fields.attributes))
        return tuple({**found, **dict.fromkeys(self._named_by_condition)})

    @cached_property
    def _named_by_condition(self) -> tuple[str, ...]:
        """Members of a record that make its update conditional, and so have to be read, too."""
        values = pointed(self.described.values)
        places = [pointed(name) for name in self._condition if name.startswith("/")]
        inside = [place[len(values) :] for place in places if place[: len(values)] == values]
        return tuple(dict.fromkeys(place[0] for place in inside if place))

    @cached_property
    def _condition_texts(self) -> tuple[str, ...]:
        given = self.described.precondition
        return (*given.headers.values(), *given.query.values(), *map(str, given.body.values())) if given else ()

    def _target(
        self,
        path: Template,
        query: Mapping[str, str] | Sequence[tuple[str, str]],
        values: Mapping[str, str],
        encode: Callable[[str], str] = into_url,
    ) -> str:
        pairs = query.items() if isinstance(query, Mapping) else query
        listed = "&".join(f"{quote(name, safe='$[]')}={quote(text, safe=_SAFE_IN_QUERIES)}" for name, text in pairs)
        target = self.base + path.fill(values, encode)
        return f"{target}{'&' if '?' in target else '?'}{listed}" if listed else target

    def _record(self, reply: Reply, key: str) -> Mapping[str, Any] | None:
        """Return the record that a reply about one shows; None when it is about something else."""
        document = value_of(reply) if reply.status == 200 else None
        record = self._reader.record_in(document, self.described.record)
        return record if record is not None and self._is_about(record, key) else None

    def _is_about(self, record: Mapping[str, Any], key: str) -> bool:
        """Return whether a record is the one meant, as far as it shows its id."""
        shown = shown_key(record, self._id_place)
        return shown is None or shown.casefold() == self._last(key).casefold()

    @cached_property
    def _id_place(self) -> Steps:
        many = self.described.read_many
        return pointed(many.id) if many else (self._keys[-1],)


def content_type_of(api: Description) -> str:
    """Return the content type that updates of an API have by default: that of its first type of records."""
    return CONTENT_TYPES[next(iter(api.resources.values())).update.format]


def _blank(change: Change) -> Confirmation:
    """Return what a success confirms that shows nothing of the record."""
    return Confirmation(change.edits, unseen=tuple(change.attributes))


@valueclass(frozen=True, slots=True)
class Several:
    """Texts that a place stands for, and what joins them within a text."""

    items: Sequence[str]
    separator: str = ","

    @property
    def joined(self) -> str:
        """All of them as one text."""
        return self.separator.join(self.items)


def _listed(
    query: Mapping[str, str | tuple[str, ...]], lists: Mapping[str, Several], values: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Return the query parameters of a read; one with a variable that is not set is left out."""
    found: list[tuple[str, str]] = []
    for named, given in query.items():
        with suppress(Unfilled):
            name = template(named).fill(values)
            found += [(name, text) for text in _texts(given, lists, values)]
    return found


def _texts(given: str | tuple[str, ...], lists: Mapping[str, Several], values: Mapping[str, str]) -> list[str]:
    """Return the values of a query parameter; none for one that lists fields if all are wanted."""
    if isinstance(given, tuple):
        return list(_with_lists(given, lists, values))
    if "{fields}" in given and not lists["fields"].items:
        return []
    return [_with_lists(given, lists, values)]


def _list_into_url(text: str) -> str:
    """Encode ids for a path; commas between them stay."""
    return quote(text, safe=",")


def _with_lists(value: Any, lists: Mapping[str, Several], values: Mapping[str, str]) -> Any:
    """Return JSON with lists filled in: in a list, a place repeats its element; in a text, it joins them."""
    if isinstance(value, Mapping):
        return {name: _with_lists(each, lists, values) for name, each in value.items()}
    if isinstance(value, str):
        return template(value).fill({**values, **{name: each.joined for name, each in lists.items()}})
    if not isinstance(value, list | tuple):
        return value
    found: list[Any] = []
    for each in value:
        name = next((name for name in lists if _mentions(each, f"{{{name}}}")), None)
        turns = [lists] if name is None else [{**lists, name: Several((item,))} for item in lists[name].items]
        found += [_with_lists(each, turn, values) for turn in turns]
    return found


def _mentions(value: Any, hole: str) -> bool:
    if isinstance(value, Mapping):
        return any(_mentions(each, hole) for each in value.values())
    return isinstance(value, str) and hole in value


def _constant(value: object, known: Mapping[str, str]) -> Any:
    """Return a fixed member of a body, its texts filled."""
    if isinstance(value, Mapping):
        return {name: _constant(each, known) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_constant(each, known) for each in value]
    return template(value).fill(known) if isinstance(value, str) else value


def _as_read(text: str, basis: Basis) -> Any:
    """Return the value that a placeholder alone stands for, in its own type; a text with more in it is filled."""
    found = template(text)
    if len(found.holes) == 1 and found.parts == ("", found.holes[0], ""):
        return read_at(found.holes[0].name, basis)
    values = {name: read_at(name, basis) for name in found.names}
    if any(isinstance(each, Absent) for each in values.values()):
        return ABSENT
    return found.fill({name: element_of(each) for name, each in values.items()})
