"""Stand-in for the API that a description makes: it holds what it was made from, and can do nothing yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jobs.apis.api import Auth, Claims, Grant, Resource
from jobs.apis.described.description import Description
from jobs.apis.meanings import Meaning
from jobs.apis.schema import Schema
from jobs.model import Outcome, Reply, Request

_LATER = "described APIs are not built yet"


@dataclass(frozen=True, slots=True)
class _NoTokens:
    url: str = ""
    windows: tuple[tuple[int, float], ...] = ()

    def request(self, client_id: str, client_secret: str) -> Request:
        raise NotImplementedError(_LATER)

    def grant(self, reply: Reply) -> Grant | None:
        raise NotImplementedError(_LATER)

    def claims(self, token: str) -> Claims:  # noqa: ARG002
        return Claims()


@dataclass(frozen=True, slots=True)
class DescribedApi:
    """An API made from a description.

    Attributes:
        constants: values of variables: those that were set, and the defaults of the description.
        base_url: with its variables filled in, without a trailing slash; empty where nothing is to be sent.
    """

    description: Description
    constants: Mapping[str, str]
    base_url: str
    media_type: str = "application/json"
    page: int = 1
    key_page: int = 1
    auth: Auth = _NoTokens()

    @property
    def name(self) -> str:
        """What `--api` calls it."""
        return self.description.name

    @property
    def schema(self) -> Schema:
        """Its types, of which nothing is known yet."""
        types = {
            name: {"attributes": dict.fromkeys(each.fields, "string"), "relationships": {}}
            for name, each in self.description.resources.items()
        }
        return Schema(types, merged="")

    def resource(self, type_name: str) -> Resource:
        """Return a type of records."""
        raise NotImplementedError(_LATER)

    def meaning(self, request: Request, outcome: Outcome) -> Meaning:
        """Return what an outcome means."""
        raise NotImplementedError(_LATER)

    def key_pages(self, references: Sequence[str], most: int) -> list[list[str]]:
        """Return the references, as they can be searched for together."""
        raise NotImplementedError(_LATER)

    def windows(self, origin: str) -> tuple[tuple[int, float], ...]:  # noqa: ARG002
        """Return no limits."""
        return ()

    def counts_by_address(self, origin: str) -> bool:  # noqa: ARG002
        """Return False."""
        return False


def described(description: Description, constants: Mapping[str, str], base_url: str) -> DescribedApi:
    """Return the API that a description describes."""
    return DescribedApi(description, constants, base_url)
