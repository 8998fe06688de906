"""A described API as a value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import urlsplit

from jobs.apis.auth import Auth
from jobs.apis.described.auth import auth_of
from jobs.apis.described.limits import limits_of
from jobs.apis.described.resource import DescribedResource, content_type_of
from jobs.apis.described.schema import schema_of
from jobs.apis.description.model import Description
from jobs.apis.description.templates import filled
from jobs.apis.limits import DeclaredLimits, Places
from jobs.apis.meanings import Meaning
from jobs.apis.schema import Schema
from jobs.model import Outcome, Request


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
        return auth_of(self.description.auth, self.constants, self.description.base_url)

    @cached_property
    def page(self) -> int:
        """Records that one read shows at most, of any type."""
        return max(self.resource(name).page for name in self.description.resources)

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
            described, base = self.description.resources[type_name], urlsplit(self.base_url).path.rstrip("/")
            made = DescribedResource(type_name, self.description, described, self.constants, base, self.schema)
            found = self._resources[type_name] = made
        return found

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

    def windows(self, origin: str) -> tuple[tuple[int, float], ...]:  # noqa: ARG002  # wherever it is
        """Return no limits to assume: those that it declares stay, whatever is told."""
        return ()

    def counts_by_address(self, origin: str) -> bool:  # noqa: ARG002  # nobody knows
        """Return False: each credential has a quota of its own, as far as is known."""
        return False


def described(description: Description, constants: Mapping[str, str], base_url: str) -> DescribedApi:
    """Return the API that a description describes."""
    return DescribedApi(description, constants, base_url)
