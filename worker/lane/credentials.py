"""The credential: a fixed token, or client credentials that are renewed once for all senders.

The token endpoint hands out a token that all callers share; `expires_in` is its *remaining* life. The token is renewed
when 600 seconds are left, and never revoked; there is never more than one request for it at a time. While the endpoint
fails, a token that is still good stays in use. A token that was just issued is tried again before it counts as refused.
"""

import hashlib
import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final, Protocol

import anyio

from jobs.apis.api import Api, Auth, Claims, Grant
from jobs.apis.meanings import REFUSALS, Meaning
from jobs.model import Outcome, Reply, Request
from worker.clock import Clock
from worker.events import TokenNotRenewed
from worker.lane.authority import CredentialLost
from worker.lane.exchange import Exchange
from worker.pacing.limiter import UNHEARD, News
from worker.policy.patience import Patience
from worker.policy.wording import why_not
from worker.settings import Secrets

RENEW_BEFORE_S: Final = 600.0
"""Seconds of remaining life at which a token is renewed."""

RENEW_INTERVAL_S: Final = 30.0
"""Minimum seconds between two early renewals: one may fail, or bring a token with less life than `RENEW_BEFORE_S`."""

SPREAD_S: Final = 2.0
"""Seconds until every server of the API knows a new token."""

PROVEN_AGE_S: Final = 30.0
"""Seconds of age at which a refused token must have been good before."""

MAX_UNPROVEN_TOKENS: Final = 2
"""New tokens in a row that may be refused before the run stops."""

TOKEN_PATIENCE: Final = Patience(attempts=5, base=1.0, cap=20.0, rest=1.0)
"""Attempts to get a token before the run stops, those refused for pace included; never two in one second."""

_FINAL: Final = frozenset({Meaning.REDIRECTED}) | REFUSALS
"""Meanings that a retry would not change.

A success without a token is not among them: something other than the endpoint may have answered.
"""

TOKEN_HEADERS: Final = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


class Issuer(Protocol):
    """A source of tokens."""

    async def issue(self, *, patient: bool = True) -> Grant:
        """Return a token that is good now.

        Args:
            patient: wait and try again; otherwise ask at most once, and only if a slot is free at once.

        Raises:
            CredentialLost: no token was issued.
        """


class TokenEndpoint:
    """Client credentials over HTTP."""

    def __init__(self, secrets: Secrets, auth: Auth, origin: str, exchange: Exchange, news: News = UNHEARD) -> None:
        """Ask for tokens.

        Args:
            secrets: of the client.
            auth: how the API issues tokens.
            origin: of the endpoint.
            exchange: with the token endpoint, under its own quota and patience, without a credential.
            news: receives the reason when a token was not renewed early.
        """
        self._secrets = secrets
        self._auth = auth
        self._origin = origin
        self._exchange = exchange
        self._news = news

    async def issue(self, *, patient: bool = True) -> Grant:
        """Request a token; if `patient`, again after a backoff where that may help."""
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
    """Return a hash of the party whose quota the credential spends at `origin`; empty if the API counts by address.

    An API that counts by address gives all credentials of a host one quota. Any other API counts by the client, by the
    application that the token names, or else by the token itself.
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
        """Begin with `token`, or with an empty one if the first has to be issued.

        Args:
            token: from the user, may be empty.
            issuer: source of the next token, None for a fixed token.
            clock: tells when to renew.
            claims: reads the claims in a token.
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
        """Return the value of the `Authorization` header, renewing the token in time.

        Raises:
            CredentialLost: no usable token is available.
        """
        if not self._token:
            await self._replace(self._bearer, self._issue)
        elif self._is_due():
            await self._renew_early()
        return self._bearer

    async def renew(self, used: str) -> None:
        """Replace the token that the API refused, unless another sender already has: one renewal serves all.

        Raises:
            CredentialLost: there is no issuer, it issues no token, or the API refuses new ones too.
        """
        await self._replace(used, self._give_up_refused)

    async def _replace(self, used: str, change: Callable[[], Awaitable[None]]) -> None:
        """Replace the token `used` by calling `change`, once for all callers who ask at the same time."""
        changes = self._changes
        async with self._turn:
            if self._lost is not None:
                raise self._lost
            if self._changes != changes or self._bearer != used:
                return  # another caller has replaced it meanwhile, perhaps with the same token
            try:
                await change()
            except CredentialLost as error:
                self._lost = error
                raise
            self._changes += 1

    async def _renew_early(self) -> None:
        """Renew a token that expires soon; if that fails, keep using the old one while it is good."""
        if self._clock.now() >= self._expires_at:
            await self._replace(self._bearer, self._issue)
        elif not self._turn.locked():
            async with self._turn:
                with suppress(CredentialLost):
                    await self._issue(patient=False)
                    self._changes += 1

    async def _give_up_refused(self) -> None:
        """Wait until every server knows a new token; replace an older one."""
        now = self._clock.now()
        age = math.inf if self._issued_at is None else now - self._issued_at
        if age < SPREAD_S and not self._has_spread:
            await anyio.sleep(SPREAD_S - age)
            self._has_spread = True
            return
        self._unproven = self._unproven + 1 if age < PROVEN_AGE_S else 0
        if self._unproven >= MAX_UNPROVEN_TOKENS:
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
        self._renew_at = None if life is None else self._expires_at - RENEW_BEFORE_S

    def _is_due(self) -> bool:
        if self._issuer is None or self._renew_at is None:
            return False
        now = self._clock.now()
        return now - self._asked_at >= RENEW_INTERVAL_S and now >= self._renew_at


def _why(outcome: Outcome, pause: float) -> str:
    """Say why there is no token: the outcome, a pause of `pause` seconds if any, and what to check."""
    why = why_not(outcome).rstrip(".")
    if pause:
        why += f" and asks for a pause of {pause:.0f} s"
    refused = isinstance(outcome, Reply) and outcome.status in {400, 401, 403}
    return f"{why}; check ROWPATCH_CLIENT_ID and ROWPATCH_CLIENT_SECRET" if refused else why
