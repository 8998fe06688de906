"""The credential: one that is fixed, or a token that is renewed once for all senders.

A token is renewed when 600 seconds are left, or half of its life where that is shorter, and never revoked; there is
never more than one request for it at a time. An endpoint may hand out a token that all callers share: then
`expires_in` is its *remaining* life, which may be short. While the endpoint fails, a token that is still good stays in
use. A token that was just issued is tried again before it counts as refused.
"""

import hashlib
import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final, Protocol

import anyio

from jobs.apis.api import Api
from jobs.apis.auth import Auth, Grant, Need, Permit, TokenSource
from jobs.apis.meanings import REFUSALS, Meaning
from jobs.model import Outcome, Reply, Request
from worker.clock import Clock
from worker.events import TokenNotRenewed
from worker.lane.authority import CredentialLost
from worker.lane.exchange import Exchange
from worker.pacing.limiter import UNHEARD, News
from worker.policy.patience import Patience
from worker.policy.wording import why_not
from worker.settings import CLIENT, ConfigError, Secrets, checked_base_url, in_words

RENEW_BEFORE_S: Final = 600.0
"""Seconds of remaining life at which a token is renewed; half of its life where that is shorter."""

RENEW_INTERVAL_S: Final = 30.0
"""Minimum seconds between two early renewals: one may fail, or bring a token with less life than `RENEW_BEFORE_S`."""

SPREAD_S: Final = 2.0
"""Seconds until every server of the API knows a new token."""

PROVEN_AGE_S: Final = 30.0
"""Seconds without a refusal after which a refused token, or the one that it was renewed from, must have been good."""

MAX_UNPROVEN_TOKENS: Final = 2
"""New tokens in a row that may be refused before the run stops."""

TOKEN_PATIENCE: Final = Patience(attempts=5, base=1.0, cap=20.0, rest=1.0)
"""Attempts to get a token before the run stops, those refused for pace included; never two in one second."""

_FINAL: Final = frozenset({Meaning.REDIRECTED}) | REFUSALS
"""Meanings that a retry would not change.

A success without a token is not among them: something other than the endpoint may have answered.
"""

TOKEN_HEADERS: Final = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
"""Headers of requests for a token that do not bring their own."""

_REFUSED: Final[dict[Need, str]] = {
    ("token",): "the API no longer accepts the token; set a new ROWPATCH_TOKEN, then go on",
    ("username", "password"): "the API refuses the user name or the password; set ROWPATCH_USERNAME and"
    " ROWPATCH_PASSWORD anew, then go on",
    ("api_key",): "the API refuses the API key; set a new ROWPATCH_API_KEY, then go on",
}
"""What to do about a refused credential, by its secrets."""


_NOT_YET: Final = Permit()
"""Before the first token."""


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

    def __init__(
        self,
        secrets: Secrets,
        tokens: TokenSource,
        origin: str,
        exchange: Exchange,
        news: News = UNHEARD,
        url: str = "",
    ) -> None:
        """Ask for tokens.

        Args:
            secrets: of the client.
            tokens: how the API issues tokens.
            origin: of the endpoint.
            exchange: with the token endpoint, under its own quota and patience, without a credential.
            news: receives the reason when a token was not renewed early.
            url: base URL that the token will be sent to; empty where the token is to name it.
        """
        self._secrets = secrets
        self._tokens = tokens
        self._origin = origin
        self._exchange = exchange
        self._news = news
        self._url = url

    async def issue(self, *, patient: bool = True) -> Grant:
        """Request a token; if `patient`, again after a backoff where that may help."""
        request, secrets = self._request()
        why, failures, patience, stop = "", 0, self._exchange.patience, self._exchange.stop
        while (asked := await self._exchange.ask(request, at_once=not patient, in_full=True)) is not None:
            outcome = asked.outcome
            if isinstance(outcome, Reply):
                outcome = replace(outcome, secrets=secrets)
                if (grant := self._tokens.grant(outcome)) is not None:
                    return self._checked(grant)
            is_too_long = asked.pause > patience.pause
            why = _why(outcome, asked.meaning, asked.pause if is_too_long else 0.0)
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
        client = self._secrets.of(CLIENT)
        if client is None:
            raise CredentialLost("the token is no longer accepted, and there is no client id and secret to renew it")
        client_id, client_secret = client
        request = self._tokens.request(client_id, client_secret)
        encoded = request.headers.get("Authorization", "").partition(" ")[2]
        return request, (client_secret, client_id, *filter(None, (encoded,)))

    def _checked(self, grant: Grant) -> Grant:
        """Return the grant with its URL in normal form, if the token may be sent to where it is for.

        Raises:
            CredentialLost: the token names no address, a bad one, or another one than that of the run.
        """
        if grant.lacks:
            raise CredentialLost(f"{self._origin} issues a token without {', '.join(grant.lacks)}, which the URL needs")
        if not grant.url:
            return grant
        try:
            url = checked_base_url(grant.url)
        except ConfigError as error:
            raise CredentialLost(f"{self._origin} names no address to send the token to: {error}") from None
        if self._url and url != self._url:
            raise CredentialLost(f"the token is for {url}, and the run goes to {self._url}: it is not sent there")
        return replace(grant, url=url)


def quota_of(api: Api, secrets: Secrets, origin: str) -> str:
    """Return a hash of the party whose quota the credential spends at `origin`; empty if the API counts by address.

    An API that counts by address, or takes requests without a credential, gives a host one quota. Any other API counts
    by the client, by the application that the token names, by the user, or else by the API key or the token itself.
    """
    if api.counts_by_address(origin) or not api.auth.needs:
        return ""
    token = secrets.token.get_secret_value() if secrets.token else ""
    application = api.auth.claims(token).application
    if secrets.client_id is not None:
        whose = f"client {secrets.client_id.get_secret_value()}"
    elif application:
        whose = f"application {application}"
    elif secrets.username is not None:
        whose = f"user {secrets.username.get_secret_value()}"
    elif secrets.api_key is not None:
        whose = f"API key {secrets.api_key.get_secret_value()}"
    else:
        whose = f"token {token}"
    return hashlib.sha256(f"rowpatch quota of {whose}".encode()).hexdigest()[:16]


class Credential:
    """The credential that requests carry right now."""

    def __init__(
        self, secrets: tuple[str, ...], issuer: Issuer | None, clock: Clock, auth: Auth, expires_at: float | None = None
    ) -> None:
        """Begin with the secrets of the user, or without any if a token has to be issued first.

        Args:
            secrets: what `auth` makes a permit of.
            issuer: source of the next token, None for a fixed credential.
            clock: tells when to renew.
            auth: how requests are authorised.
            expires_at: seconds since the epoch at which a token given ends; None where only the token itself may know.
        """
        self._issuer = issuer
        self._clock = clock
        self._auth = auth
        self._turn = anyio.Lock()
        self._expires_at = self._renew_at = math.inf
        self._interval = RENEW_INTERVAL_S
        self._issued_at: float | None = None
        self._untroubled_since = -math.inf
        self._has_spread = False
        self._asked_at = -math.inf
        self._changes = 0
        self._unproven = 0
        self._lost: CredentialLost | None = None
        self._permit = _NOT_YET
        if secrets:
            self._take(secrets, None if expires_at is None else expires_at - clock.wall())

    def __repr__(self) -> str:
        return "Credential(<secret>)"

    async def permit(self) -> Permit:
        """Return the credential as requests carry it, renewing a token in time.

        Raises:
            CredentialLost: no usable credential is available.
        """
        if self._permit is _NOT_YET:
            await self._replace(self._permit, self._begin_anew)
        elif self._is_due():
            await self._renew_early()
        return self._permit

    async def renew(self, used: Permit) -> None:
        """Replace the credential that the API refused, unless another sender already has: one renewal serves all.

        Raises:
            CredentialLost: there is no issuer, it issues no token, or the API refuses new ones too.
        """
        await self._replace(used, self._give_up_refused)

    async def _replace(self, used: Permit, change: Callable[[], Awaitable[None]]) -> None:
        """Replace the credential `used` by calling `change`, once for all callers who ask at the same time."""
        changes = self._changes
        async with self._turn:
            if self._lost is not None:
                raise self._lost
            if self._changes != changes or self._permit != used:
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
            await self._replace(self._permit, self._issue)
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
        self._unproven = self._unproven + 1 if now - self._untroubled_since < PROVEN_AGE_S else 0
        if self._unproven >= MAX_UNPROVEN_TOKENS:
            raise CredentialLost("the API refuses the token, and new ones as well")
        await self._begin_anew()

    async def _begin_anew(self) -> None:
        """Issue a token where there is none that is good: whether this one is will show.

        A token that is renewed in time says nothing about that. An endpoint may even hand out the same one again.
        """
        await self._issue()
        self._untroubled_since = self._clock.now()

    async def _issue(self, *, patient: bool = True) -> None:
        if self._issuer is None:
            raise CredentialLost(self._why_no_other())
        self._asked_at = self._clock.now()
        grant = await self._issuer.issue(patient=patient)
        self._asked_at = self._issued_at = self._clock.now()
        self._has_spread = False
        self._take((grant.access_token,), grant.expires_in)

    def _why_no_other(self) -> str:
        needs = self._auth.needs
        if self._permit is _NOT_YET:
            return f"no credential: set {in_words(needs)}"
        told = _REFUSED.get(needs[0], f"the API no longer accepts the token; set {in_words(needs)}, then go on")
        return f"{told}. It went out as `{_as_sent(self._permit)}`: is that what the API expects?"

    def _take(self, secrets: tuple[str, ...], life: float | None) -> None:
        """Use other secrets from now on.

        Args:
            secrets: what a permit is made of.
            life: seconds that they remain good; None where only the token itself may know.
        """
        self._permit = self._auth.permit(*secrets)
        if life is None and (ends := self._auth.claims(secrets[0]).expires_at) is not None:
            life = ends - self._clock.wall()
        half = math.inf if life is None or self._are_shared else max(life, 0.0) / 2
        self._expires_at = math.inf if life is None else self._clock.now() + life
        self._renew_at = self._expires_at - min(RENEW_BEFORE_S, half)
        self._interval = min(RENEW_INTERVAL_S, max(1.0, half))

    @property
    def _are_shared(self) -> bool:
        return self._auth.tokens is not None and self._auth.tokens.are_shared

    def _is_due(self) -> bool:
        if self._issuer is None:
            return False
        now = self._clock.now()
        return now - self._asked_at >= self._interval and now >= self._renew_at


def _as_sent(permit: Permit) -> str:
    """Return the header and the scheme of a credential, without the credential."""
    scheme, blank, _ = permit.value.partition(" ")
    is_scheme = blank and not any(scheme in secret or secret in scheme for secret in permit.secrets)
    return f"{permit.header}: {scheme} …" if is_scheme else f"{permit.header}: …"


def _why(outcome: Outcome, meaning: Meaning, pause: float) -> str:
    """Say why there is no token: the outcome, a pause of `pause` seconds if any, and what to check."""
    why, status = why_not(outcome).rstrip("."), outcome.status if isinstance(outcome, Reply) else 0
    with_success = meaning is Meaning.REFUSED and status < 300
    if with_success:  # of a success, no text is quoted
        why = f"it answered {status} with an error in place of a token"
    if pause:
        why += f" and asks for a pause of {pause:.0f} s"
    refused = with_success or status in {400, 401, 403}
    return f"{why}; check ROWPATCH_CLIENT_ID and ROWPATCH_CLIENT_SECRET" if refused else why
