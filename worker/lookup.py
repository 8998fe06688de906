"""Reading from the API, in pages: at present only which concrete type stands behind a record of an abstract one.

Reads have a gate of their own (the API counts each method apart). A read that is refused settles nothing and stops
nothing: the rows that needed it fail with that reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from jobs.commercelayer import MEDIA_TYPE, read_errors, read_types, types_request
from jobs.model import NotSent, Outcome, Reply, Request
from worker.attempt import Credential, CredentialLost
from worker.clock import Clock
from worker.gate import Gate
from worker.journal import Counters
from worker.policy.backoff import full_jitter
from worker.policy.throttle import parking
from worker.policy.verdict import is_slow_down
from worker.settings import Attempts
from worker.stop import Stop
from worker.transport import Transport


@dataclass(slots=True)
class Lookup:
    """Reads pages through `gate`, again after a backoff where that may help."""

    transport: Transport
    gate: Gate
    credential: Credential
    limits: Attempts
    counters: Counters
    clock: Clock
    stop: Stop

    async def concrete_types(self, abstract: str, ids: Sequence[str]) -> dict[str, str] | None:
        """Concrete type by id for up to 25 records; those that do not exist are absent.

        Returns:
            None when the page cannot be read.
        """
        request = types_request(abstract, ids)
        failures = throttles = 0
        while failures < self.limits.max_attempts and throttles < self.limits.throttles:
            outcome = await self._read(request)
            if outcome is None:
                return None
            if isinstance(outcome, Reply) and is_slow_down(outcome):
                throttles += 1
                continue
            types = read_types(outcome, abstract) if isinstance(outcome, Reply) else None
            if types is not None or _is_final(outcome):
                return types
            failures += 1
            wait = full_jitter(failures, self.clock.sample(), base=self.limits.base, cap=self.limits.cap)
            if not await self.stop.sleep(wait):
                return None
        return None

    async def _read(self, request: Request) -> Outcome | None:
        """One GET; None when the run ends first, or the credential is lost."""
        if not await self.gate.admit():
            return None
        try:
            bearer = await self.credential.bearer()
        except CredentialLost as error:
            self.gate.give_back()
            self.stop.request("authorisation_lost", str(error))
            return None
        self.counters.gets += 1
        sent_at = self.clock.now()
        outcome = await self.transport.send(request, {"Accept": MEDIA_TYPE, "Authorization": bearer})
        await self._account(outcome, sent_at, bearer)
        return outcome

    async def _account(self, outcome: Outcome, sent_at: float, bearer: str) -> None:
        if isinstance(outcome, NotSent):
            self.gate.not_sent()
        elif not isinstance(outcome, Reply):
            self.gate.unanswered()
        elif is_slow_down(outcome):
            pause = self.gate.slowed_down(outcome, sent_at)
            limits, refusals = self.limits, self.gate.refusals_in_a_row
            if why := parking(pause, refusals, patience=limits.patience, most=limits.throttles):
                self.stop.request("parked", why)
        else:
            self.gate.replied(outcome, sent_at)
            if _token_refused(outcome):
                await self._renew(bearer)

    async def _renew(self, bearer: str) -> None:
        try:
            await self.credential.renew(bearer)
        except CredentialLost as error:
            self.stop.request("authorisation_lost", str(error))


def _is_final(outcome: Outcome) -> bool:
    return isinstance(outcome, Reply) and 400 <= outcome.status < 500 and not _token_refused(outcome)  # noqa: PLR2004  # 4xx


def _token_refused(reply: Reply) -> bool:
    return reply.status == 401 and any(error.code == "INVALID_TOKEN" for error in read_errors(reply))  # noqa: PLR2004  # Unauthorized
