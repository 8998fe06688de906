"""The credential: a fixed token, or client credentials that are renewed once for all workers.

The token endpoint hands out a token that all callers share; `expires_in` is its *remaining* life. It is renewed when
600 seconds are left, never revoked, and never asked for twice at once.
"""

import hashlib
import math
from collections.abc import Callable
from typing import Final, Protocol

import anyio

from jobs.commercelayer import Claims, Grant, read_claims, read_grant, token_request
from jobs.model import MaybeSent, NotSent, Outcome, Reply, Request
from worker.attempt import CredentialLost
from worker.clock import Clock
from worker.gate import Gate
from worker.policy.backoff import full_jitter
from worker.policy.backpressure import asks_to_wait
from worker.policy.pace import Window
from worker.settings import Secrets, is_commerce_layer
from worker.stop import Stop
from worker.transport import Transport

RENEW_BEFORE: Final = 600.0
"""Seconds of remaining life at which a token is renewed."""

RENEW_INTERVAL: Final = 30.0
"""Seconds between two renewals at least: a shared token may come back with less life than `RENEW_BEFORE`."""

TOKEN_QUOTA: Final = (Window(30, 60.0),)
"""Requests for tokens at most (Commerce Layer's documentation; no burst). Kept to everywhere: it is ample."""

TOKEN_ATTEMPTS: Final = 5
"""Tries to get a token before the run stops."""

_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


class Issuer(Protocol):
    """Where tokens come from."""

    async def issue(self) -> Grant:
        """A token that is good now.

        Raises:
            CredentialLost: there is none to be had.
        """


class TokenEndpoint:
    """Client credentials over HTTP."""

    def __init__(self, secrets: Secrets, transport: Transport, gate: Gate, clock: Clock, stop: Stop) -> None:
        """Ask for tokens with `secrets` over `transport` through `gate`, both of the token endpoint's origin."""
        self.gate = gate
        self.patience = math.inf
        """Seconds of a pause beyond which there is no use in waiting."""
        self._secrets = secrets
        self._transport = transport
        self._clock = clock
        self._stop = stop
        self.on_request: Callable[[], None] = lambda: None

    async def issue(self) -> Grant:
        """Ask, again after a backoff where that may help."""
        client_id, client_secret = self._secrets.client_id, self._secrets.client_secret
        if client_id is None or client_secret is None:
            raise CredentialLost("the token is no longer accepted, and there is no client id and secret to renew it")
        request = token_request(client_id.get_secret_value(), client_secret.get_secret_value())
        why = "the run ends"
        for attempt in range(1, TOKEN_ATTEMPTS + 1):
            if not await self.gate.admit():
                break
            self.on_request()
            outcome, pause = await self._ask(request)
            grant = read_grant(outcome) if isinstance(outcome, Reply) else None
            if grant is not None:
                return grant
            why = _why(outcome)
            if pause > self.patience:
                why += f" and asks for a pause of {pause:.0f} s"
                break
            if isinstance(outcome, Reply) and 300 <= outcome.status < 500 and outcome.status != 429:  # noqa: PLR2004  # final
                break
            wait = 1.0 + full_jitter(attempt, self._clock.sample(), base=1.0, cap=20.0)
            if attempt < TOKEN_ATTEMPTS and not await self._stop.sleep(wait):
                break
        hint = "; check ROWPATCH_CLIENT_ID and ROWPATCH_CLIENT_SECRET" if "answered 40" in why else ""
        raise CredentialLost(f"no token from {self._secrets.auth_url} (ROWPATCH_AUTH_URL): {why}{hint}")

    async def _ask(self, request: Request) -> tuple[Outcome, float]:
        """What came of one request, and for how many seconds nobody may ask again."""
        sent_at = self._clock.now()
        outcome = await self._transport.send(request, _FORM)
        match outcome:
            case Reply() if asks_to_wait(outcome):
                return outcome, self.gate.slowed_down(outcome, sent_at)
            case Reply():
                self.gate.replied(outcome, sent_at)
            case MaybeSent():
                self.gate.unanswered(sent_at)
            case NotSent():
                self.gate.not_sent(sent_at)
        return outcome, 0.0


def quota_of(secrets: Secrets, origin: str) -> str:
    """Whose quota the credential spends at `origin`, as a hash; empty where the API counts by address.

    Commerce Layer counts per IP address: all credentials of a host share a quota there. Elsewhere it is the client, or
    the application that a token names, or else the token itself.
    """
    if is_commerce_layer(origin):
        return ""
    token = secrets.token.get_secret_value() if secrets.token else ""
    claims = read_claims(token)
    whose = f"token {token}"
    if secrets.client_id is not None:
        whose = f"client {secrets.client_id.get_secret_value()}"
    elif claims.organization:
        whose = f"application {claims.organization} {claims.kind}"
    return hashlib.sha256(f"rowpatch quota of {whose}".encode()).hexdigest()[:16]


class Credential:
    """The token that requests carry right now."""

    def __init__(self, token: str, issuer: Issuer | None, clock: Clock) -> None:
        """Begin with `token`, or with an empty one where the first has to be issued.

        Args:
            token: what the user gave, may be empty.
            issuer: where the next one comes from, None for a fixed token.
            clock: to know when to renew.
        """
        self._issuer = issuer
        self._clock = clock
        self._turn = anyio.Lock()
        self._renew_at: float | None = None
        self._renewed_at: float | None = None
        self._renewals = 0
        self._lost: CredentialLost | None = None
        self.claims = Claims()
        self._set(token, None)

    def __repr__(self) -> str:
        return "Credential(<secret>)"

    async def bearer(self) -> str:
        """Value of the `Authorization` header, renewed in time.

        Raises:
            CredentialLost: no usable token can be had.
        """
        if not self._token or self._is_due():
            await self._replace(self._bearer, refused=False)
        return self._bearer

    async def renew(self, used: str) -> None:
        """Replace the token that the API refused, unless somebody already has: one renewal for all.

        Raises:
            CredentialLost: there is nowhere to get another from, or it is not handed out.
        """
        await self._replace(used, refused=True)

    async def _replace(self, used: str, *, refused: bool) -> None:
        renewals = self._renewals
        async with self._turn:
            if self._lost is not None:
                raise self._lost
            if self._renewals != renewals:
                return  # somebody else did it meanwhile, be it with the same token
            if self._bearer != used or (self._token and not refused and not self._is_due()):
                return
            if self._issuer is None:
                raise CredentialLost("the API no longer accepts the token; set a new ROWPATCH_TOKEN and resume")
            try:
                grant = await self._issuer.issue()
            except CredentialLost as error:
                self._lost = error
                raise
            self._renewals += 1
            self._renewed_at = self._clock.now()
            self._set(grant.access_token, grant.expires_in)

    def _set(self, token: str, expires_in: float | None) -> None:
        self._token, self._bearer = token, f"Bearer {token}"
        self.claims = read_claims(token)
        life = expires_in
        if life is None and self.claims.expires_at is not None:
            life = self.claims.expires_at - self._clock.wall()
        self._renew_at = None if life is None else self._clock.now() + life - RENEW_BEFORE

    def _is_due(self) -> bool:
        if self._issuer is None or self._renew_at is None:
            return False
        now = self._clock.now()
        rested = self._renewed_at is None or now - self._renewed_at >= RENEW_INTERVAL
        return rested and now >= self._renew_at


def _why(outcome: Reply | NotSent | MaybeSent) -> str:
    return f"it answered {outcome.status}" if isinstance(outcome, Reply) else outcome.detail
