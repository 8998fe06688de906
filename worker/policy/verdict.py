"""What an attempt's outcome means for its row. The table is `docs/verdicts.md`; every line of it is a test.

Three things are told apart that look alike from far: *not sent* (try again), *refused* (final) and *maybe applied*
(sent again only where that is safe, else left `unknown`).
"""

from dataclasses import replace
from typing import Final, TypeAlias

from jobs.change import Change
from jobs.commercelayer import Confirmation, column_of, read_confirmation, read_errors, said, token_refused
from jobs.model import ApiError, MaybeSent, NotSent, Outcome, Reply, Status, Unread, UpdateJob
from jobs.reasons import REASONS
from jobs.values import valueclass
from worker.policy.guards import Halt

_SLOW_DOWN: Final = frozenset({408, 425, 429})
_SLOW_DOWN_IF_IT_SAYS_SO: Final = frozenset({403, 503})
_MISCONFIGURED: Final = frozenset({405, 406, 415})
_FINAL: Final = {
    400: "bad_request",
    401: "not_authorized",
    403: "not_authorized",
    404: "not_found",
    405: "not_updatable",
    409: "not_unique",
    412: "precondition_failed",
    422: "validation",
    423: "locked",
}


_OF_THE_REQUEST: Final = frozenset({400, 404, 409, 422})
_SHOWN_ERRORS: Final = 20
"""Refusals that the same request would have met before: they also say that an earlier attempt was not applied."""


@valueclass(frozen=True, slots=True)
class Sent:
    """What was sent, and what is known of the row so far.

    Attributes:
        type_name: the type in the request, which differs from the job's when that is abstract.
        attempts_left: how many more attempts the row has after this one.
        throttles_left: how many more refusals for pace it has.
        doubt: reason code of an earlier attempt that may have been applied, or empty.
        abstract: the job's type may be one the API does not update itself.
    """

    job: UpdateJob
    change: Change
    type_name: str
    attempts_left: int
    throttles_left: int
    doubt: str = ""
    abstract: bool = False


@valueclass(frozen=True, slots=True)
class Settle:
    """The row is settled by `reason`, whose status the registry tells; an empty reason is a plain `applied`.

    Attributes:
        fields: names of the fields that the reason is about.
        mode: `test` or `live` as the reply says, or empty.
        discarded: tags that the API dropped silently, while it applied the rest of the row.
    """

    reason: str
    message: str = ""
    fields: tuple[str, ...] = ()
    errors: tuple[ApiError, ...] = ()
    mode: str = ""
    discarded: tuple[str, ...] = ()

    @property
    def status(self) -> Status:
        """The row's status."""
        return REASONS[self.reason].status if self.reason else Status.APPLIED


@valueclass(frozen=True, slots=True)
class ReadBack:
    """No reply can tell whether the row was applied: its record is read, and compared with what was sent.

    Attributes:
        reason: what settles the row if reading cannot tell.
        lingering: the request may still be worked on, so that a record with the old values proves nothing.
    """

    reason: str
    message: str
    lingering: bool = False
    errors: tuple[ApiError, ...] = ()


@valueclass(frozen=True, slots=True)
class Retry:
    """The row is sent again after a backoff. `doubt` is set when this attempt may have been applied."""

    doubt: str = ""


@valueclass(frozen=True, slots=True)
class SlowDown:
    """The server did not process the request and wants everybody to wait; the row loses no attempt."""


@valueclass(frozen=True, slots=True)
class Renew:
    """The token is no longer good: renew it once for all, then send the row again."""


@valueclass(frozen=True, slots=True)
class Reroute:
    """The type refuses: find out the record's concrete type. `status` is what the type answered."""

    status: int


@valueclass(frozen=True, slots=True)
class HaltRun:
    """The refusal concerns every row. `settle` is what it means for this one, None to leave it pending."""

    halt: Halt
    settle: Settle | None = None


Verdict: TypeAlias = Settle | ReadBack | Retry | SlowDown | Renew | Reroute | HaltRun


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
    return reply.status in _SLOW_DOWN or (
        reply.status in _SLOW_DOWN_IF_IT_SAYS_SO and ("retry-after" in reply.headers or _is_used_up(reply))
    )


def _is_used_up(reply: Reply) -> bool:
    """Whether the quota has nothing left until a reset (GitHub, which refuses with 403 then)."""
    left, reset = reply.headers.get("x-ratelimit-remaining", ""), reply.headers.get("x-ratelimit-reset")
    return reply.status == 403 and reset is not None and left.strip() == "0"  # noqa: PLR2004  # Forbidden


def _replied(reply: Reply, sent: Sent) -> Verdict:
    if 200 <= reply.status < 300:  # noqa: PLR2004  # 2xx
        return _succeeded(reply, sent)
    if reply.status < 200:  # noqa: PLR2004  # 101: whatever this is, it is no answer to a PATCH
        return _maybe_applied("reply_garbled", f"the server answered {reply.status}", sent)
    if is_slow_down(reply):
        return _slow_down(reply, sent)
    if 300 <= reply.status < 400:  # noqa: PLR2004  # 3xx
        return _refusal(Settle("redirected", f"{_answered(reply)}; redirects are never followed"), sent)
    if reply.status >= 500:  # noqa: PLR2004  # 5xx
        return _failed(reply, sent)
    return _refused(reply, sent)


def _succeeded(reply: Reply, sent: Sent) -> Verdict:
    if reply.status == 204 and reply.complete:  # noqa: PLR2004  # No Content
        said = "the server answered 204 without content"
        return Settle("unverified", said) if _is_blind(sent) else _in_doubt("unverified", said, sent)
    confirmation = read_confirmation(reply, sent.job, sent.change, sent.type_name)
    if confirmation is None:
        return _not_confirmed(reply, sent)
    return _applied(confirmation, sent)


def _applied(confirmation: Confirmation, sent: Sent) -> Settle:
    mode = confirmation.mode
    if confirmation.discarded_tags:
        discarded = confirmation.discarded_tags
        said = f"not on the record afterwards: {', '.join(discarded)}"
        return Settle("tags_discarded", said, ("tags.add",), mode=mode, discarded=discarded)
    if confirmation.differs:
        names = ", ".join(confirmation.differs)
        return Settle("echo_differs", f"the reply shows another value: {names}", confirmation.differs, mode=mode)
    if sent.doubt:
        return Settle("resent", "sent again after an attempt without a trustworthy reply", mode=mode)
    if sent.type_name != sent.job.type:
        return Settle("concrete_type", f"sent to {sent.type_name}: {sent.job.type} itself is not updatable", mode=mode)
    return Settle("", mode=mode)


def _answered(reply: Reply, opening: str = "the server answered") -> str:
    """Return what the server answered, with its own words."""
    words = said(reply)
    return f"{opening} {reply.status}" + (f": {words}" if words else "")


def _not_confirmed(reply: Reply, sent: Sent) -> Verdict:
    """A 2xx that does not confirm this record is never sent again: something else may be answering."""
    if not reply.complete:
        return _in_doubt("reply_garbled", f"the server answered {reply.status}, and the reply broke off", sent)
    return _in_doubt("reply_mismatch", f"{_answered(reply)}; not about {sent.type_name}/{sent.job.id}", sent)


def _slow_down(reply: Reply, sent: Sent) -> Verdict:
    if sent.throttles_left > 0:
        return SlowDown()
    return _exhausted("throttled", _answered(reply, "the server kept answering"), sent)


def _not_sent(detail: str, sent: Sent) -> Verdict:
    if sent.attempts_left > 0:
        return Retry()
    return _exhausted("unreachable", detail, sent)


def _exhausted(reason: str, message: str, sent: Sent) -> Verdict:
    """No attempts are left: the row was not applied, unless an earlier attempt may have been."""
    return _in_doubt(sent.doubt, message, sent) if sent.doubt else Settle(reason, message)


def _failed(reply: Reply, sent: Sent) -> Verdict:
    """A 5xx: after 504, whatever is behind the gateway may still be working on the request."""
    lingering = reply.status == 504  # noqa: PLR2004  # Gateway Timeout
    return _maybe_applied("server_error", _answered(reply), sent, lingering=lingering)


def _maybe_applied(reason: str, detail: str, sent: Sent, *, lingering: bool = False) -> Verdict:
    """No reply was seen: whoever read the request may still be at it. Told as not applied, a trigger is fired again."""
    if sent.job.replay_safe and sent.attempts_left > 0:
        return Retry(doubt=reason)
    verdict = _in_doubt(reason, detail, sent)
    if isinstance(verdict, ReadBack) and (lingering or sent.job.fires):
        return replace(verdict, lingering=True)
    return verdict


def _in_doubt(reason: str, message: str, sent: Sent) -> Settle | ReadBack:
    """Read the record, unless nothing that was sent can be seen in it."""
    if not sent.change.edits:
        return Settle(reason, message)
    return ReadBack(reason, message, lingering="timed_out" in {reason, sent.doubt})


def _is_blind(sent: Sent) -> bool:
    return any(isinstance(edit.before, Unread) for edit in sent.change.edits)


def _refused(reply: Reply, sent: Sent) -> Verdict:
    errors = _in_the_sheet(read_errors(reply), sent)
    if token_refused(reply):
        return Renew()  # the credential knows when to give up
    if sent.abstract and reply.status in {404, 405}:
        return Reroute(reply.status)
    settle = Settle(_FINAL.get(reply.status, "refused"), _say(reply.status, errors), _fields(errors), errors)
    if reply.status in _MISCONFIGURED:
        halt = Halt(settle.reason, f"the API answers {reply.status} to every {sent.type_name}")
        return HaltRun(halt, Settle(sent.doubt, _then(settle), errors=errors) if sent.doubt else settle)
    return settle if reply.status in _OF_THE_REQUEST else _refusal(settle, sent)


def _refusal(settle: Settle, sent: Sent) -> Verdict:
    """A refusal now does not undo an earlier attempt that may have been applied."""
    if not sent.doubt:
        return settle
    return replace(_in_doubt(sent.doubt, _then(settle), sent), errors=settle.errors)


def _then(settle: Settle) -> str:
    return f"an earlier attempt may have been applied; then {settle.message}"


def _in_the_sheet(errors: tuple[ApiError, ...], sent: Sent) -> tuple[ApiError, ...]:
    """The errors, each with the column that it is about as the user wrote it."""
    return tuple(replace(error, field=column_of(error.pointer, sent.job.columns)) for error in errors)


def _say(status: int, errors: tuple[ApiError, ...]) -> str:
    if len(errors) > _SHOWN_ERRORS:
        return f"{_say(status, errors[:_SHOWN_ERRORS])}; and {len(errors) - _SHOWN_ERRORS} more"
    parts = [": ".join(dict.fromkeys(filter(None, (e.field, e.detail or e.title or e.code)))) for e in errors]
    return f"{status}: {'; '.join(filter(None, parts))}" if any(parts) else f"the API answered {status}"


def _fields(errors: tuple[ApiError, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(error.field for error in errors if error.field))
