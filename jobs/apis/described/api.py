"""A described API as a value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final
from urllib.parse import urlsplit

from jobs.apis.auth import Auth
from jobs.apis.described.auth import auth_of
from jobs.apis.described.limits import assumed, counts_by_address, limits_of, token_windows
from jobs.apis.described.resource import DescribedResource, content_type_of
from jobs.apis.described.schema import schema_of
from jobs.apis.description.model import Description, ResourceDescription
from jobs.apis.description.templates import filled
from jobs.apis.description.types import TYPE, resource_of
from jobs.apis.limits import DeclaredLimits, Places, Rate
from jobs.apis.meanings import Meaning
from jobs.apis.schema import Schema
from jobs.model import Outcome, Request

_MOST: Final = 1024
"""Types that are remembered at a time: whatever stands in a sheet, where any name is one."""


@dataclass(frozen=True)
class DescribedApi:
    """An API that a description tells of.

    Attributes:
        description: of it.
        constants: variables with one value for the whole run.
        base_url: where it is, filled in; empty where nothing is to be sent.
    """

    description: Description
    constants: Mapping[str, str]
    base_url: str
    _resources: dict[str, DescribedResource] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What settings call it."""
        return self.description.name

    @cached_property
    def schema(self) -> Schema:
        """Its types of records, and what a row may set of each."""
        return schema_of(self.description, self.constants)

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """Headers of every request."""
        return {"Accept": "application/json", **filled(self.description.headers, self.constants)}

    @property
    def content_type(self) -> str:
        """Of updates, unless a request says otherwise."""
        return content_type_of(self.description)

    @property
    def idempotency_header(self) -> str:
        """Header for a key that makes the repetition of an update harmless; empty where there is none."""
        return self.description.idempotency_key

    @cached_property
    def auth(self) -> Auth:
        """How requests are authorised."""
        told = self.description
        return auth_of(told.auth, self.constants, told.base_url, token_windows(told))

    @cached_property
    def page(self) -> int:
        """Records that one read shows at most, of any type."""
        return max(self._made(name, each).page for name, each in self.description.resources.items())

    @property
    def key_page(self) -> int:
        """References that one search can be about."""
        return 1

    def resource(self, type_name: str) -> DescribedResource:
        """Return a type of records.

        Raises:
            KeyError: there is none of that name: no row can name it, since its schema has none either.
        """
        found = self._resources.get(type_name)
        if found is None:
            described = resource_of(self.description, type_name)
            if described is None:
                raise KeyError(type_name)
            if len(self._resources) >= _MOST:
                self._resources.clear()
            found = self._resources[type_name] = self._made(type_name, described)
        return found

    def _made(self, type_name: str, described: ResourceDescription) -> DescribedResource:
        constants, base = {**self.constants, TYPE: type_name}, urlsplit(self.base_url).path.rstrip("/")
        return DescribedResource(type_name, self.description, described, constants, base, self.schema)

    def meaning(self, request: Request, outcome: Outcome) -> Meaning:
        """Return what an outcome means, by the rules of the type that the request is about."""
        return self.resource(request.about).meaning(request, outcome)

    def key_pages(self, references: Sequence[str], most: int) -> list[list[str]]:  # noqa: ARG002  # one by one
        """Return each reference by itself."""
        return [[each] for each in references]

    @cached_property
    def limits(self) -> DeclaredLimits:
        """The limits that its description declares."""
        return limits_of(self.description)

    def scopes(self, type_name: str, key: str, *, reads: bool) -> Places:
        """Return the gates of `limits` that a request about a record passes."""
        return self.limits.places(type_name, key, self.resource(type_name).variables(key), reads=reads)

    def windows(self, origin: str, *, reads: bool) -> tuple[Rate, ...]:
        """Return the limits to assume at an origin until replies tell others; those in `limits` stay."""
        return assumed(self.description, origin, reads=reads)

    def counts_by_address(self, origin: str) -> bool:
        """Return whether all credentials of a host share a quota there."""
        return counts_by_address(self.description, origin)


def described(description: Description, constants: Mapping[str, str], base_url: str) -> DescribedApi:
    """Return the API that a description describes."""
    return DescribedApi(description, constants, base_url)
