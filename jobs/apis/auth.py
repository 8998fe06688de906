"""How an API authorises requests: what it needs, what requests carry, and how tokens are issued. No secret is kept."""

from typing import Literal, Protocol, TypeAlias

from jobs.apis.meanings import Meaning
from jobs.model import Outcome, Reply, Request
from jobs.values import valueclass

SecretName: TypeAlias = Literal["token", "client_id", "client_secret", "username", "password", "api_key"]
Need: TypeAlias = tuple[SecretName, ...]
"""Secrets that belong together."""


@valueclass(frozen=True, slots=True)
class Permit:
    """A credential as requests carry it.

    Attributes:
        header: that holds it; empty where requests carry none.
        value: of the header.
        secrets: in it; they are hidden in everything that is quoted of a reply.
    """

    header: str = ""
    value: str = ""
    secrets: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Permit(header={self.header!r}, value=<secret>)"


@valueclass(frozen=True, slots=True)
class Grant:
    """A token as the endpoint hands it out.

    Attributes:
        expires_in: the *remaining* life of the token in seconds; None where the endpoint does not say it.
        url: base URL of the API that the token is for; empty where replies of the endpoint do not name one.
        lacks: names of the variables that the reply should hold, and does not.
    """

    access_token: str
    expires_in: float | None = None
    url: str = ""
    lacks: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Grant(access_token=<secret>, expires_in={self.expires_in}, url={self.url!r})"


@valueclass(frozen=True, slots=True)
class Claims:
    """What a token says about itself; empty or None where it says nothing.

    Attributes:
        application: what it was issued to, as far as its quota goes.
        mode: `test`, `live`, or empty when unknown.
        expires_at: seconds since the epoch.
        url: origin of the API that it is for.
    """

    application: str = ""
    mode: str = ""
    expires_at: float | None = None
    url: str = ""


class TokenSource(Protocol):
    """How tokens are issued to a client."""

    @property
    def url(self) -> str:
        """Origin of the token endpoint, unless the user names another."""

    @property
    def windows(self) -> tuple[tuple[int, float], ...]:
        """Requests for tokens at most, each number in so many seconds."""

    @property
    def are_shared(self) -> bool:
        """Whether all clients get the same token, so that a token just issued may end soon."""

    def request(self, client_id: str, client_secret: str) -> Request:
        """Return the request for a token."""

    def grant(self, reply: Reply) -> Grant | None:
        """Read the token endpoint's reply; None unless it hands out a token."""

    def meaning(self, request: Request, outcome: Outcome) -> Meaning:
        """Return what the outcome of a request for a token means."""


class Auth(Protocol):
    """How requests are authorised. It holds no secret, and nothing of a sheet."""

    @property
    def needs(self) -> tuple[Need, ...]:
        """Groups of secrets, one of which is needed; none where requests carry no credential."""

    @property
    def tokens(self) -> TokenSource | None:
        """How a client id and secret become a token; None where they do not."""

    @property
    def tells_mode(self) -> bool:
        """Whether a token may say if it is for test or for live data."""

    def permit(self, *secrets: str) -> Permit:
        """Return what requests carry, made of the secrets of a need, or of a token that was issued."""

    def claims(self, token: str) -> Claims:
        """Read what a token says of itself, without checking it: that is the server's business."""
