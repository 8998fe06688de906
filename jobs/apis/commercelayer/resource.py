"""One type of records: the requests that its description tells of, with what JSON:API has besides fields."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import cast

from jobs.apis.api import Confirmation, Matches
from jobs.apis.commercelayer.confirmations import errors_in_sheet, read_confirmation
from jobs.apis.commercelayer.queries import fieldsets, quoted
from jobs.apis.commercelayer.references import read_references
from jobs.apis.commercelayer.states import read_record, read_state, read_states
from jobs.apis.commercelayer.updates import update_body
from jobs.apis.commercelayer.wholeness import may_show_more
from jobs.apis.described.failures import errors_of
from jobs.apis.described.resource import DescribedResource
from jobs.apis.description.model import FindDescription, ReadManyDescription
from jobs.apis.description.templates import Template, into_url, template
from jobs.apis.documents import document_of
from jobs.apis.header_values import identifier
from jobs.apis.meanings import Meaning
from jobs.apis.schema import ResourceType
from jobs.apis.statuses import success
from jobs.changes.diff import Change
from jobs.model import JSON, ApiError, Fields, Live, Outcome, Reply, Request, UpdateJob

_SHOWING_TAGS = "include=tags&fields[tags]=name"
"""Tags that do not exist are dropped silently: the reply to an update of tags must show them."""


@dataclass(frozen=True)
class Resource(DescribedResource):
    """A type of JSON:API resources."""

    def lag_s(self, fields: Fields) -> float:  # noqa: ARG002  # the fields are all that an update needs
        """Return 0: no update is built on more than its fields."""
        return 0.0

    # ---- updates

    def update(self, job: UpdateJob, change: Change, live: Live | None) -> Request:  # noqa: ARG002  # it has no preconditions
        """Return the request that makes the change."""
        method, before, after, headers = self._updates
        target = before + quoted(job.id) + after
        if job.add_tags or job.remove_tags:
            target = _with_query(target, _SHOWING_TAGS)
        return Request(method, target, update_body(job, change, self.name), headers, about=self.name)

    def confirm(self, reply: Reply, job: UpdateJob, change: Change) -> Confirmation | None:
        """Read a 2xx with a body; None when it is no success about this record."""
        return read_confirmation(reply, job, change, self.name)

    # ---- what replies mean

    def meaning(self, request: Request, outcome: Outcome) -> Meaning:
        """Return what an outcome means, by the description; of a success, by what JSON:API says of it.

        A read is served by a document only. Whether an update was is for its confirmation to say, which reads the body
        anyway: one that should be there and is not proves nothing.
        """
        if not isinstance(outcome, Reply) or not 200 <= outcome.status < 300 or self._replies.for_successes:
            return super().meaning(request, outcome)
        if not request.is_read:
            return success(outcome.status)
        return Meaning.FOREIGN if outcome.complete and document_of(outcome) is None else Meaning.SERVED

    def errors(self, reply: Reply, columns: Mapping[tuple[str, ...], str]) -> tuple[ApiError, ...]:
        """Return what a failure of an update finds wrong; `field` is the column, as the user wrote it."""
        return errors_in_sheet(errors_of(self._places, reply), columns)

    def request_id(self, reply: Reply) -> str:
        """Return what identifies the request to support: a header, if it is printable."""
        return identifier(reply.headers.get(self._id_header, "")) if self._id_header else super().request_id(reply)

    # ---- reads

    def read(self, keys_: Sequence[str], fields: Fields, *, sparse: bool = True) -> Request:
        """Return the request for a page of records; `sparse` names the fields, False asks for all there are."""
        many = cast("ReadManyDescription", self.described.read_many)  # its check demands one
        query = "&".join(self._page_query(many, ",".join(map(quoted, keys_)), fields, sparse=sparse))
        return self._reading(f"{self._own_path('read_many')}?{query}", self._own_headers(many.headers, self.constants))

    def states(self, reply: Reply, asked: Sequence[str], fields: Fields) -> Mapping[str, Live] | None:  # noqa: ARG002
        """Return what a page shows, by key; None when the reply cannot be used."""
        return read_states(reply, self.name, fields)

    def may_show_more(self, reply: Reply, keys_: Collection[str]) -> bool:
        """Return whether a page of the keys alone that this one does not show may show some of them."""
        return may_show_more(reply, keys_)

    def read_one(self, key: str, fields: Fields | None) -> Request:
        """Return the request for one record with all its attributes; with links and tags as far as `fields` has any."""
        whole = super().read_one(key, None)
        query = "" if fields is None else "&".join(fieldsets(self.name, self._kind, fields, sparse=False))
        return self._reading(_with_query(whole.target, query), whole.headers) if query else whole

    def state(self, reply: Reply, key: str, fields: Fields) -> Live | None:
        """Return the record that a reply to `read_one` shows; None when it is about something else."""
        return read_state(reply, self.name, key, fields)

    def attributes(self, reply: Reply, key: str) -> Mapping[str, JSON] | None:
        """Return all attributes of the record that a reply shows, but the secret ones; None as in `state`."""
        return read_record(reply, self.name, key)

    # ---- looking up

    def sought(self, reference: str) -> tuple[str, str]:
        """Return the field that a record is found by, and the value."""
        return self._find.by[0], reference

    def find(self, references: Sequence[str]) -> Request:
        """Return the request for the records that have one of the references; a single one may hold commas."""
        find, values = (
            self._find,
            {**self.constants, "by": self._find.by[0], "value": ",".join(map(quoted, references))},
        )
        texts = (f"{template(name).fill(values)}={template(text).fill(values)}" for name, text in find.query.items())
        query = "&".join(texts)
        if len(references) > 1:
            query = query.replace("_eq]=", "_in]=", 1)
        return self._reading(f"{self._own_path('find')}?{query}", self._own_headers(find.headers, self.constants))

    def matches(self, reply: Reply, references: Sequence[str]) -> Matches | None:
        """Return the ids by reference that a page shows; None when the reply cannot be used."""
        return read_references(reply, references)

    # ---- parts

    @cached_property
    def _kind(self) -> ResourceType | None:
        return self.schema.resource_type(self.name)

    @property
    def _find(self) -> FindDescription:
        return cast("FindDescription", self.described.find)  # its check demands one

    @cached_property
    def _updates(self) -> tuple[str, str, str, Mapping[str, str]]:
        """The method of updates, what stands before and behind the id in their targets, and their headers."""
        update, parts = self.described.update, self._paths["update"].parts
        place = next(index for index, part in enumerate(parts) if not isinstance(part, str) and part.name == "id")
        before, after = (Template(each).fill(self.constants, into_url) for each in (parts[:place], parts[place + 1 :]))
        return update.method, self.base + before, after, self._own_headers(update.headers, self.constants)

    @cached_property
    def _id_header(self) -> str:
        place = self._places.request_id
        return place[1:].lower() if place.startswith("@") else ""

    def _own_path(self, name: str) -> str:
        return self.base + self._paths[name].fill(self.constants, into_url)

    def _page_query(self, many: ReadManyDescription, ids: str, fields: Fields, *, sparse: bool) -> Iterator[str]:
        """Yield the parameters of a page; the fieldsets stand where the description has the names of fields."""
        values = {**self.constants, "ids": ids}
        for name, text in many.query.items():
            if text == "{fields}":
                yield from fieldsets(self.name, self._kind, fields, sparse=sparse)
            else:
                yield f"{template(name).fill(values)}={template(str(text)).fill(values)}"


def _with_query(target: str, query: str) -> str:
    return f"{target}{'&' if '?' in target else '?'}{query}"
