"""The record that is probed: its requests by a description, or by a variant of it, and what replies show of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from jobs.apis.described.api import DescribedApi
from jobs.apis.described.fields import FieldRules
from jobs.apis.described.resource import DescribedResource
from jobs.apis.description import keys
from jobs.apis.description.model import Description, FieldDescription, ResourceDescription
from jobs.apis.documents import value_of
from jobs.changes.diff import Change
from jobs.model import JSON, Absent, Edit, Fields, Live, Reply, Request, RowRef, UpdateJob
from jobs.names import Steps, name_of, pointed, steps_of
from jobs.places import at
from jobs.values import valueclass
from worker.policy.probing.effects import Merge, is_nothing
from worker.policy.verdict import Sent

_NO_ROW: Final = RowRef(0, 0, b"")
_IMPLIED: Final[Mapping[str, Merge | None]] = {"merge_patch": "deep", "json_patch": None}


@valueclass(frozen=True, slots=True)
class Reading:
    """The record as a reply showed it.

    Attributes:
        record: the whole of it.
        fields: the object in it that holds its fields.
        asked: loop time in seconds at which the request left.
    """

    reply: Reply
    record: Mapping[str, Any]
    fields: Mapping[str, Any]
    asked: float


@dataclass(frozen=True)
class Subject:
    """One record of a described API.

    Attributes:
        type: of the record.
        key: of the record, as one text.
    """

    api: DescribedApi
    type: str
    key: str

    @property
    def resource(self) -> DescribedResource:
        """The type of the record."""
        return self.api.resource(self.type)

    @property
    def described(self) -> ResourceDescription:
        """What is said of the type."""
        return self.resource.described

    @cached_property
    def rules(self) -> FieldRules:
        """The fields of the type."""
        return FieldRules(self.described)

    @property
    def settle_s(self) -> float:
        """Seconds for which the description says that reads may lag."""
        own = self.described.settle_s
        return self.api.description.settle_s if own is None else own

    @property
    def id_name(self) -> str:
        """Name of the last variable of the key, by which replies show records."""
        return keys.variables_of(self.described)[-1]

    @property
    def shown_id(self) -> str:
        """Value of that variable."""
        return keys.values_of(self.key, keys.variables_of(self.described))[self.id_name]

    @property
    def implied_merge(self) -> Merge | None:
        """How members are merged by the form of updates alone; None where all is sent, or each place is named."""
        update = self.described.update
        return None if update.send == "record" else _IMPLIED.get(update.format, "replace")

    # ---- variants

    def varied(self, **changes: object) -> "Subject":
        """Return the record by a description that says something else of its type."""
        resource = self.described.model_copy(update=changes)
        resources = {**self.api.description.resources, self.type: resource}
        description: Description = self.api.description.model_copy(update={"resources": resources})
        return Subject(DescribedApi(description, self.api.constants, self.api.base_url), self.type, self.key)

    def with_field(self, steps: Steps, **changes: object) -> "Subject":
        """Return the record by a description that says something else of a field."""
        others = {name: each for name, each in self.described.fields.items() if steps_of(name) != steps}
        own = self.rules.rule(name_of(steps)).described
        field = FieldDescription.model_validate(own.model_dump(exclude_unset=True)).model_copy(update=changes)
        return self.varied(fields={**others, name_of(steps): field})

    def sending_alone(self, steps: Steps) -> "Subject":
        """Return the record by a description that sends a member without the others of its objects."""
        found = self
        for depth in range(1, len(steps)):
            found = found.with_field(steps[:depth], merge="deep")
        return found

    # ---- reading

    def read(self) -> Request:
        """Return the request for all of the record."""
        return self.resource.read_one(self.key, None)

    def reading(self, reply: Reply, asked: float) -> Reading | None:
        """Return what a reply to that shows; None if it is not about the record."""
        if self.resource.state(reply, self.key, Fields()) is None:
            return None
        record = at(value_of(reply), pointed(self.described.record))
        fields = at(record, pointed(self.described.values))
        return Reading(reply, record, fields if isinstance(fields, Mapping) else {}, asked)

    def live(self, reading: Reading, names: Iterable[str]) -> Live:
        """Return what a reading shows of some fields."""
        live = self.resource.state(reading.reply, self.key, Fields(frozenset(names)))
        assert live is not None  # noqa: S101  # the reading is of this record
        return live

    def value(self, reading: Reading, name: str) -> Any:
        """Return the value of a field as the program works with it; None where the record has none."""
        return self.live(reading, (name,)).attributes.get(name)

    # ---- writing

    def change(self, values: Mapping[str, JSON], reading: Reading) -> Change:
        """Return the change that gives fields these values, although they may have them."""
        live = self.live(reading, values)
        edits = (Edit(("attributes", name), live.attributes.get(name), value) for name, value in values.items())
        return Change(dict(values), edits=tuple(edits))

    def update(self, values: Mapping[str, JSON], reading: Reading) -> Request:
        """Return the request that gives fields these values; None clears one."""
        return self.resource.update(self._job(values), self.change(values, reading), self.live(reading, values))

    def sent(self, values: Mapping[str, JSON], reading: Reading) -> Sent:
        """Return what a verdict on that update has to know: no attempt is left."""
        return Sent(self._job(values), self.change(values, reading), self.resource, 0, 0)

    def _job(self, values: Mapping[str, JSON]) -> UpdateJob:
        return UpdateJob(_NO_ROW, self.type, self.key, attributes=dict(values))


def present(value: JSON | Absent) -> JSON:
    """Return a value, null for what is absent."""
    return None if isinstance(value, Absent) or is_nothing(value) else value
