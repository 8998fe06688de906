"""The credential: a fixed token, or client credentials that are renewed once for all workers.

The token endpoint hands out a token that all callers share; `expires_in` is its *remaining* life. It is renewed when
600 seconds are left, never revoked, and never asked for twice at once. A token that is good is used on while the
endpoint fails, and one that was just handed out is tried again before it counts as refused.
"""

import hashlib
import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final, Protocol

import anyio

from jobs.apis.api import Api, Auth, Claims, Grant
from jobs.apis.meanings import Meaning
from jobs.model import Outcome, Reply, Request
from worker.clock import Clock
from worker.events import TokenNotRenewed
from worker.lane.authority import CredentialLost
from worker.lane.exchange import Exchange
from worker.pacing.limiter import UNHEARD, News
from worker.policy.patience import Patience
from worker.policy.wording import why_not
from worker.settings import Secrets

RENEW_BEFORE: Final = 600.0
"""Seconds of remaining life at which a token is renewed."""

RENEW_INTERVAL: Final = 30.0
"""Seconds between two early renewals at least: one may fail, or bring a token with less life than `RENEW_BEFORE`."""

SPREADING: Final = 2.0
"""Seconds that a new token may take to be known to every server of the API."""

PROVEN: Final = 30.0
"""Seconds after which a token that is refused must have been good before."""

MOST_UNPROVEN: Final = 2
"""New tokens in a row that may be refused before the run stops."""

TOKEN_PATIENCE: Final = Patience(attempts=5, base=1.0, cap=20.0, rest=1.0)
"""Tries to get a token before the run stops, refusals for pace among them; never two in a second."""

_FINAL: Final = frozenset({Meaning.REDIRECTED, Meaning.REFUSED})
"""Asking again would bring the same. A success without a token would not: something else may have answered."""

TOKEN_HEADERS: Final = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


class Issuer(Protocol):
    """Where tokens come from."""

    async def issue(self, *, patient: bool = True) -> Grant:
        """Return a token that is good now.

        Args:
            patient: wait for it; else ask once at most, and only if that is possible at once.

        Raises:
            CredentialLost: there is none to be had.
        """


class TokenEndpoint:
    """Client credentials over HTTP."""

    def __init__(self, secrets: Secrets, auth: Auth, origin: str, exchange: Exchange, news: News = UNHEARD) -> None:
        """Ask for tokens.

        Args:
            secrets: the client's.
            auth: how the API hands tokens out.
            origin: of the endpoint.
            exchange: with the token endpoint, by its own quota and patience, in nobody's name.
            news: where it is told why a token was not renewed early.
        """
        self._secrets = secrets
        self._auth = auth
        self._origin = origin
        self._exchange = exchange
        self._news = news

    async def issue(self, *, patient: bool = True) -> Grant:
        """Ask; if `patient`, again after a backoff where that may help."""
        request, secrets = self._request()
        why, failures, patience, stop = "", 0, self._exchange.patience, self._exchange.stop
        while (asked := await self._exchange.ask(request, at_once=not patient, in_full=True)) is not None:
            outcome = asked.outcome
            if isinstance(outcome, Reply):
                outcome = replace(outcome, secrets=secrets)
                if (grant := self._auth.grant(outcome)) is not None:
                    return grant
            is_too_long = asked.pause > patience.pause
            why = _why(outcome, asked.pause if is_too_long else 0.0)
            if not patient or is_too_long or asked.meaning in _FINAL or not patience.attempts_left(failures):
                break
            failures += 1
            if not await stop.sleep(patience.backoff(failures, self._exchange.clock.sample())):
                break
        if not patient:
            self._news.observer(TokenNotRenewed(self._news.method, why or "the token endpoint is to be left alone"))
        raise CredentialLost(f"no token from {self._origin} (ROWPATCH_AUTH_URL): {why or 'the run ends'}")

    def _request(self) -> tuple[Request, tuple[str, ...]]:
        """Return the request for a token, and the secrets in it."""
        client_id, client_secret = self._secrets.client_id, self._secrets.client_secret
        if client_id is None or client_secret is None:
            raise CredentialLost("the token is no longer accepted, and there is no client id and secret to renew it")
        secrets = client_id.get_secret_value(), client_secret.get_secret_value()
        return self._auth.request(*secrets), secrets[::-1]


def quota_of(api: Api, secrets: Secrets, origin: str) -> str:
    """Whose quota the credential spends at `origin`, as a hash; empty where the API counts by address.

    Where it does, all credentials of a host share a quota. Elsewhere it is the client, or the application that a token
    names, or else the token itself.
    """
    if api.counts_by_address(origin):
        return ""
    token = secrets.token.get_secret_value() if secrets.token else ""
    application = api.auth.claims(token).application
    whose = f"token {token}"
    if secrets.client_id is not None:
        whose = f"client {secrets.client_id.get_secret_value()}"
    elif application:
        whose = f"application {application}"
    return hashlib.sha256(f"rowpatch quota of {whose}".encode()).hexdigest()[:16]


class Credential:
    """The token that requests carry right now."""

    def __init__(
        self, token: str, issuer: Issuer | None, clock: Clock, claims: Callable[[str], Claims] = lambda _: Claims()
    ) -> None:
        """Begin with `token`, or with an empty one where the first has to be issued.

        Args:
            token: what the user gave, may be empty.
            issuer: where the next one comes from, None for a fixed token.
            clock: to know when to renew.
            claims: reads what a token says of itself.
        """
        self._issuer = issuer
        self._clock = clock
        self._turn = anyio.Lock()
        self._renew_at: float | None = None
        self._expires_at = math.inf
        self._issued_at: float | None = None
        self._has_spread = False
        self._asked_at = -math.inf
        self._changes = 0
        self._unproven = 0
        self._lost: CredentialLost | None = None
        self._read_claims = claims
        self.claims = Claims()
        self._set(token, None)

    def __repr__(self) -> str:
        return "Credential(<secret>)"

    async def bearer(self) -> str:
        """Value of the `Authorization` header, renewed in time.

        Raises:
            CredentialLost: no usable token can be had.
        """
        if not self._token:
            await self._replace(self._bearer, self._issue)
        elif self._is_due():
            await self._renew_early()
        return self._bearer

    async def renew(self, used: str) -> None:
        """Replace the token that the API refused, unless somebody already has: one renewal for all.

        Raises:
            CredentialLost: there is nowhere to get another from, it is not handed out, or new ones are refused too.
        """
        await self._replace(used, self._give_up_refused)

    async def _replace(self, used: str, change: Callable[[], Awaitable[None]]) -> None:
        """Do away with the token `used` by `change`, once for all who want it."""
        changes = self._changes
        async with self._turn:
            if self._lost is not None:
                raise self._lost
            if self._changes != changes or self._bearer != used:
                return  # somebody else did it meanwhile, be it with the same token
            try:
                await change()
            except CredentialLost as error:
                self._lost = error
                raise
            self._changes += 1

    async def _renew_early(self) -> None:
        """Renew a token whose end is near, and use it on if that fails while it is good."""
        if self._clock.now() >= self._expires_at:
            await self._replace(self._bearer, self._issue)
        elif not self._turn.locked():
            async with self._turn:
                with suppress(CredentialLost):
                    await self._issue(patient=False)
                    self._changes += 1

    async def _give_up_refused(self) -> None:
        """Wait until a new token is known everywhere; replace one that should be."""
        now = self._clock.now()
        age = math.inf if self._issued_at is None else now - self._issued_at
        if age < SPREADING and not self._has_spread:
            await anyio.sleep(SPREADING - age)
            self._has_spread = True
            return
        self._unproven = self._unproven + 1 if age < PROVEN else 0
        if self._unproven >= MOST_UNPROVEN:
            raise CredentialLost("the API refuses the token, and new ones as well")
        await self._issue()

    async def _issue(self, *, patient: bool = True) -> None:
        if self._issuer is None:
            raise CredentialLost("the API no longer accepts the token; set a new ROWPATCH_TOKEN and resume")
        self._asked_at = self._clock.now()
        grant = await self._issuer.issue(patient=patient)
        self._asked_at = self._issued_at = self._clock.now()
        self._has_spread = False
        self._set(grant.access_token, grant.expires_in)

    def _set(self, token: str, expires_in: float | None) -> None:
        self._token, self._bearer = token, f"Bearer {token}"
        self.claims = self._read_claims(token)
        life = expires_in
        if life is None and self.claims.expires_at is not None:
            life = self.claims.expires_at - self._clock.wall()
        self._expires_at = math.inf if life is None else self._clock.now() + life
        self._renew_at = None if life is None else self._expires_at - RENEW_BEFORE

    def _is_due(self) -> bool:
        if self._issuer is None or self._renew_at is None:
            return False
        now = self._clock.now()
        return now - self._asked_at >= RENEW_INTERVAL and now >= self._renew_at


def _why(outcome: Outcome, pause: float) -> str:
    """Why there is no token, what a pause of so many seconds has to do with it, and what to look at."""
    why = why_not(outcome).rstrip(".")
    if pause:
        why += f" and asks for a pause of {pause:.0f} s"
    refused = isinstance(outcome, Reply) and outcome.status in {400, 401, 403}
    return f"{why}; check ROWPATCH_CLIENT_ID and ROWPATCH_CLIENT_SECRET" if refused else why
