"""What an attempt's outcome means for its row. The table is `docs/verdicts.md`; every line of it is a test.

Three things are told apart that look alike from far: *not sent* (try again), *refused* (final) and *maybe applied*
(sent again only where that is safe, else left `unknown`).
"""

from dataclasses import dataclass
from typing import Final, TypeAlias

from jobs.change import Change
from jobs.commercelayer import Confirmation, read_confirmation, read_errors
from jobs.model import ApiError, MaybeSent, NotSent, Outcome, Reply, Status, UpdateJob
from jobs.reasons import REASONS
from worker.policy.guards import Halt

_SLOW_DOWN: Final = frozenset({408, 425, 429})
_MISCONFIGURED: Final = frozenset({405, 406, 415})
_FINAL: Final = {
    400: "bad_request",
    401: "not_authorized",
    403: "not_authorized",
    404: "not_found",
    405: "not_updatable",
    409: "not_unique",
    422: "validation",
    423: "locked",
}


_OF_THE_REQUEST: Final = frozenset({400, 404, 409, 422})
"""Refusals that the same request would have met before: they also say that an earlier attempt was not applied."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent, and what is known of the row so far.

    Attributes:
        type_name: the type in the request, which differs from the job's when that is abstract.
        attempts_left: how many more attempts the row has after this one.
        throttles_left: how many more refusals for pace it has.
        doubt: reason code of an earlier attempt that may have been applied, or empty.
        renewed: the token was already renewed for this row.
        abstract: the job's type may be one the API does not update itself.
    """

    job: UpdateJob
    change: Change
    type_name: str
    attempts_left: int
    throttles_left: int
    doubt: str = ""
    renewed: bool = False
    abstract: bool = False


@dataclass(frozen=True, slots=True)
class Settle:
    """The row is settled by `reason`, whose status the registry tells; an empty reason is a plain `applied`."""

    reason: str
    message: str = ""
    fields: tuple[str, ...] = ()
    errors: tuple[ApiError, ...] = ()
    mode: str = ""

    @property
    def status(self) -> Status:
        """The row's status."""
        return REASONS[self.reason].status if self.reason else Status.APPLIED


@dataclass(frozen=True, slots=True)
class Retry:
    """The row is sent again after a backoff. `doubt` is set when this attempt may have been applied."""

    doubt: str = ""


@dataclass(frozen=True, slots=True)
class SlowDown:
    """The server did not process the request and wants everybody to wait; the row loses no attempt."""


@dataclass(frozen=True, slots=True)
class Renew:
    """The token is no longer good: renew it once for all, then send the row again."""


@dataclass(frozen=True, slots=True)
class Reroute:
    """The type refuses: find out the record's concrete type. `status` is what the type answered."""

    status: int


@dataclass(frozen=True, slots=True)
class HaltRun:
    """The refusal concerns every row. `settle` is what it means for this one, None to leave it pending."""

    halt: Halt
    settle: Settle | None = None


Verdict: TypeAlias = Settle | Retry | SlowDown | Renew | Reroute | HaltRun


def judge(outcome: Outcome, sent: Sent) -> Verdict:
    """Decide what becomes of the row."""
    match outcome:
        case NotSent(detail):
            return _not_sent(detail, sent)
        case MaybeSent(reason, detail):
            return _maybe_applied(reason, detail, sent)
    return _replied(outcome, sent)


def is_slow_down(reply: Reply) -> bool:
    """Whether the server says that it did not process the request because of load or pace."""
    return reply.status in _SLOW_DOWN or (reply.status == 503 and "retry-after" in reply.headers)  # noqa: PLR2004  # Service Unavailable


def _replied(reply: Reply, sent: Sent) -> Verdict:
    if 200 <= reply.status < 300:  # noqa: PLR2004  # 2xx
        return _succeeded(reply, sent)
    if reply.status < 200:  # noqa: PLR2004  # 101: whatever this is, it is no answer to a PATCH
        return _maybe_applied("reply_garbled", f"the server answered {reply.status}", sent)
    if is_slow_down(reply):
        return _slow_down(reply.status, sent)
    if 300 <= reply.status < 400:  # noqa: PLR2004  # 3xx
        return _doubted(Settle("redirected", f"the server answered {reply.status}; redirects are never followed"), sent)
    if reply.status >= 500:  # noqa: PLR2004  # 5xx
        return _maybe_applied("server_error", f"the server answered {reply.status}", sent)
    return _refused(reply, sent)


def _succeeded(reply: Reply, sent: Sent) -> Verdict:
    if reply.status == 204 and reply.complete:  # noqa: PLR2004  # No Content
        return Settle("unverified", "the server answered 204 without content")
    confirmation = read_confirmation(reply, sent.job, sent.change, sent.type_name)
    if confirmation is None:
        return _not_confirmed(reply, sent)
    return _applied(confirmation, sent)


def _applied(confirmation: Confirmation, sent: Sent) -> Settle:
    mode = confirmation.mode
    if confirmation.discarded_tags:
        names = ", ".join(confirmation.discarded_tags)
        return Settle("tags_discarded", f"not on the record afterwards: {names}", ("tags.add",), mode=mode)
    if confirmation.differs:
        names = ", ".join(confirmation.differs)
        return Settle("echo_differs", f"the reply shows another value: {names}", confirmation.differs, mode=mode)
    if sent.doubt:
        return Settle("resent", "sent again after an attempt without a trustworthy reply", mode=mode)
    if sent.type_name != sent.job.type:
        return Settle("concrete_type", f"sent to {sent.type_name}: {sent.job.type} itself is not updatable", mode=mode)
    return Settle("", mode=mode)


def _not_confirmed(reply: Reply, sent: Sent) -> Verdict:
    """A 2xx that does not confirm this record is never sent again: something else may be answering."""
    if not reply.complete:
        return Settle("reply_garbled", f"the server answered {reply.status}, and the reply broke off")
    kind = reply.headers.get("content-type", "no content type").partition(";")[0][:60]
    kind = kind.encode("ascii", "backslashreplace").decode()
    return Settle(
        "reply_mismatch", f"the server answered {reply.status} ({kind}), not about {sent.type_name}/{sent.job.id}"
    )


def _slow_down(status: int, sent: Sent) -> Verdict:
    if sent.throttles_left > 0:
        return SlowDown()
    return _exhausted("throttled", f"the server kept answering {status}", sent)


def _not_sent(detail: str, sent: Sent) -> Verdict:
    if sent.attempts_left > 0:
        return Retry()
    return _exhausted("unreachable", detail, sent)


def _exhausted(reason: str, message: str, sent: Sent) -> Settle:
    """No attempts are left: the row was not applied, unless an earlier attempt may have been."""
    return Settle(sent.doubt or reason, message)


def _maybe_applied(reason: str, detail: str, sent: Sent) -> Verdict:
    if sent.job.replay_safe and sent.attempts_left > 0:
        return Retry(doubt=reason)
    return Settle(reason, detail)


def _refused(reply: Reply, sent: Sent) -> Verdict:
    errors = read_errors(reply)
    if reply.status == 401 and any(error.code == "INVALID_TOKEN" for error in errors):  # noqa: PLR2004  # Unauthorized
        if not sent.renewed:
            return Renew()
        return HaltRun(Halt("authorisation_lost", "the API refuses the token, a renewed one as well"))
    if sent.abstract and reply.status in {404, 405}:
        return Reroute(reply.status)
    settle = Settle(_FINAL.get(reply.status, "refused"), _say(reply.status, errors), _fields(errors), errors)
    reason = settle.reason
    if reply.status not in _OF_THE_REQUEST:
        settle = _doubted(settle, sent)
    if reply.status in _MISCONFIGURED:
        return HaltRun(Halt(reason, f"the API answers {reply.status} to every {sent.type_name}"), settle)
    return settle


def _doubted(settle: Settle, sent: Sent) -> Settle:
    """A refusal now does not undo an earlier attempt that may have been applied."""
    if not sent.doubt:
        return settle
    return Settle(sent.doubt, f"an earlier attempt may have been applied; then {settle.message}", errors=settle.errors)


def _say(status: int, errors: tuple[ApiError, ...]) -> str:
    parts = [": ".join(dict.fromkeys(filter(None, (e.field, e.detail or e.title)))) for e in errors]
    return f"{status}: {'; '.join(filter(None, parts))}" if any(parts) else f"the API answered {status}"


def _fields(errors: tuple[ApiError, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(error.field for error in errors if error.field))
