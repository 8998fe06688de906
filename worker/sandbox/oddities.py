"""Replies that say less than they seem to, refusals that ask for a pause, and tokens that end in other words."""

from enum import StrEnum
from random import Random
from typing import Final

from worker.sandbox.jsonapi import JSON, Reply, json_reply
from worker.sandbox.strange import Strange

_JOB: Final[JSON] = {"data": {"type": "queue_jobs", "id": "5", "attributes": {"status": "pending"}}}
_NOT_SAVED: Final[JSON] = {"status": "423", "code": "LOCKED", "title": "was not saved"}
_PLAIN: Final = "application/json"

_CERTAIN: Final[tuple[JSON, ...]] = (
    {"error": {"code": 403, "message": "Rate Limit Exceeded", "errors": [{"reason": "rateLimitExceeded"}]}},
    [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}],
)
"""Bodies that tell a limit, in the words of two vendors."""

PAUSE: Final = 1.0
"""Seconds that a refusal asks for."""

BEARER_ERROR: Final = {"WWW-Authenticate": 'Bearer realm="api", error="invalid_token"'}


class Oddity(StrEnum):
    """An odd answer to an update that the API would accept. `applies`: it is carried out."""

    JOB = "202-job"
    ACCEPTED = "202-empty"
    ACCEPTED_OLD = "202-old"
    EMPTY = "204"
    BARE = "200-bare"
    TIMEOUT = "408-after"
    BUSY = "503-busy-after"
    GATEWAY = "504-after"
    EDGE = "524-after"
    ERRORS = "200-errors"
    PARTLY = "207-errors"

    @property
    def applies(self) -> bool:
        """Whether the update is carried out all the same."""
        return self not in {Oddity.ERRORS, Oddity.PARTLY}


class Oddities:
    """The dice of a sandbox's strangeness: the same seed and the same requests give the same oddities."""

    def __init__(self, strange: Strange, random_seed: int, offset: float) -> None:
        self._strange = strange
        self._offset = offset
        self._dice = Random(f"oddities:{random_seed}")

    def oddity(self) -> Oddity | None:
        """Return how the next update is answered, mostly None."""
        if not self._strange.odd_replies or self._dice.random() >= self._strange.odd_replies:
            return None
        return self._dice.choice(tuple(Oddity))

    def pause(self, now: float) -> Reply | None:
        """Return the refusal that the next request meets, mostly None."""
        if not self._strange.pauses or self._dice.random() >= self._strange.pauses:
            return None
        status = self._dice.choice((409, 420, 423, 429, 430, 500, 503, 0))
        if not status:
            return self.limit_told()
        body: JSON = {"errors": [{"title": "Later", "code": "LATER", "status": str(status)}]}
        return json_reply(status, body).with_headers({"Retry-After": self._retry_after(now)})

    def limit_told(self) -> Reply:
        """Return a 403 whose body alone says that it is about pace."""
        return json_reply(403, self._dice.choice(_CERTAIN), _PLAIN)

    def token_refused(self) -> Reply:
        """Return a 401 as RFC 6750 has it: the header says what it is about, the body may be anything."""
        bodies = (b"", b"<html>expired</html>", b'{"message":"The incoming token has expired"}')
        return Reply(401, self._dice.choice(bodies), _PLAIN, BEARER_ERROR)

    def _retry_after(self, now: float) -> str:
        """Return seconds, or the moment itself in seconds or milliseconds since 1970."""
        moment = now + self._offset + PAUSE
        return self._dice.choice((f"{PAUSE:g}", f"{moment:.0f}", f"{moment * 1000:.0f}"))


def odd_reply(oddity: Oddity, honest: dict[str, JSON], before: dict[str, JSON]) -> Reply:
    """Return the odd answer to an update.

    Args:
        oddity: which.
        honest: the document that would have been the answer.
        before: the record as it was.
    """
    match oddity:
        case Oddity.JOB:
            return json_reply(202, _JOB).with_headers({"Content-Location": "/api/queue_jobs/5"})
        case Oddity.ACCEPTED_OLD:
            return json_reply(202, before)
        case Oddity.BARE:
            return json_reply(200, {"data": _identity(honest["data"])})
        case Oddity.ERRORS | Oddity.PARTLY:
            return json_reply(int(oddity[:3]), {**honest, "errors": [_NOT_SAVED]})
        case Oddity.BUSY:
            return Reply(503, headers={"Retry-After": f"{PAUSE:g}"})
        case _:
            return Reply(int(oddity[:3]))


def _identity(data: JSON) -> JSON:
    return {name: data[name] for name in ("type", "id")} if isinstance(data, dict) else data
