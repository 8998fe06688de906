"""What an attempt's outcome means for its row. The table is `docs/verdicts.md`; every line of it is a test.

Three states look alike at first sight: *not sent* (send again), *refused* (final) and *in doubt*. In doubt is the
default: only proof takes a row out of it, and an old value proves nothing.
"""

from typing import Final, TypeAlias

from jobs.apis.api import Confirmation, Resource
from jobs.apis.errors import read_errors
from jobs.apis.meanings import SLOWS_DOWN, Meaning
from jobs.changes.diff import Change
from jobs.model import ApiError, Edit, MaybeSent, NotSent, Outcome, Reply, Status, Unread, UpdateJob
from jobs.reasons import REASONS
from jobs.values import valueclass
from worker.policy.guards import Halt
from worker.policy.wording import after_doubt, answered, errors_text, fields_of, in_the_sheet

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


@valueclass(frozen=True, slots=True)
class Sent:
    """The change that was sent, and what is known of the row so far.

    Attributes:
        resource: the type in the request, which differs from the job's type if that is abstract.
        attempts_left: further attempts that the row has after this one.
        throttles_left: further refusals for pace that it may meet.
        races_left: how many more times it may be decided anew after a 412.
        doubt: reason code of an earlier attempt that may have been applied, or empty.
        abstract: the API may not update the job's type itself.
    """

    job: UpdateJob
    change: Change
    resource: Resource
    attempts_left: int
    throttles_left: int
    races_left: int = 0
    doubt: str = ""
    abstract: bool = False


@valueclass(frozen=True, slots=True)
class Settle:
    """The row is settled by `reason`; the registry of reasons has its status. An empty reason is a plain `applied`.

    Attributes:
        fields: names of the fields that the reason is about.
        mode: `test` or `live` as the reply says, or empty.
        discarded: tags that the API dropped silently, while it applied the rest of the row.
        stored: the row's edits, some with values in a form of their own in the reply; empty if no value differs.
    """

    reason: str
    message: str = ""
    fields: tuple[str, ...] = ()
    errors: tuple[ApiError, ...] = ()
    mode: str = ""
    discarded: tuple[str, ...] = ()
    stored: tuple[Edit, ...] = ()

    @property
    def status(self) -> Status:
        """The row's status."""
        return REASONS[self.reason].status if self.reason else Status.APPLIED


@valueclass(frozen=True, slots=True)
class ReadBack:
    """The replies do not prove whether the row was applied: read its record, and compare it with what was sent.

    Attributes:
        reason: settles the row if no read proves anything.
        stale: settles it if the record keeps the old values; empty to settle by `reason` then, too.
        stored: as in `Settle`.
    """

    reason: str
    message: str
    stale: str = ""
    errors: tuple[ApiError, ...] = ()
    stored: tuple[Edit, ...] = ()

    @property
    def succeeded(self) -> bool:
        """True if the API confirmed the update: only its effect is in doubt, not whether there was one."""
        return self.reason in {"unverified", "not_taken"}


@valueclass(frozen=True, slots=True)
class Retry:
    """The row is sent again after a backoff. `doubt` is set if this attempt may have been applied."""

    doubt: str = ""


@valueclass(frozen=True, slots=True)
class SlowDown:
    """The server asks all senders to wait; the row loses no attempt. `doubt` as in `Retry`."""

    doubt: str = ""


@valueclass(frozen=True, slots=True)
class Renew:
    """The token is no longer good: renew it once for all, then send the row again."""


@valueclass(frozen=True, slots=True)
class DecideAnew:
    """The record is not as the request expects: read it and decide anew, or `settle` the row if that is no use."""

    settle: Settle


@valueclass(frozen=True, slots=True)
class Reroute:
    """The API refuses the type: find out the record's concrete type. `status` is that of the refusal."""

    status: int


@valueclass(frozen=True, slots=True)
class HaltRun:
    """The refusal concerns every row. `settle` settles this one, None leaves it pending."""

    halt: Halt
    settle: Settle | None = None


Verdict: TypeAlias = Settle | ReadBack | Retry | SlowDown | Renew | DecideAnew | Reroute | HaltRun


def judge(outcome: Outcome, meaning: Meaning, sent: Sent) -> Verdict:
    """Decide what becomes of the row, from the meaning of the outcome and the facts about the row."""
    match outcome:
        case NotSent(detail):
            return _not_sent(detail, sent)
        case MaybeSent(reason, detail):
            return _maybe_applied(reason, detail, sent)
    return _replied(outcome, meaning, sent)


def _replied(reply: Reply, meaning: Meaning, sent: Sent) -> Verdict:  # noqa: PLR0911  # a line of the table each
    """Judge a reply by its meaning alone: the status only names the reason of a refusal."""
    match meaning:
        case Meaning.SERVED:
            return _succeeded(reply, sent)
        case Meaning.FOREIGN:  # 101 is no answer to a PATCH
            return _maybe_applied("reply_garbled", f"the server answered {reply.status}", sent)
        case Meaning.REDIRECTED:
            return _refusal(Settle("redirected", f"{answered(reply)}; redirects are never followed"), sent)
        case Meaning.TOKEN_REFUSED:
            return Renew()  # the credential knows when to give up
        case Meaning.REFUSED | Meaning.HELD:
            return _refused(reply, meaning, sent)
        case Meaning.THROTTLED:
            return _slow_down(reply, sent)
        case Meaning.TOO_EARLY if not sent.job.fires:
            return _slow_down(reply, sent)
    return _failed(reply, meaning, sent)  # servers have sent each of these after the work was done


def _succeeded(reply: Reply, sent: Sent) -> Verdict:
    if not reply.complete:
        return _in_doubt(
            ReadBack("reply_garbled", f"the server answered {reply.status}, and the reply broke off"), sent
        )
    if reply.status == 202:  # Accepted: whatever its body shows, it is not done
        return _in_doubt(ReadBack("accepted", "the server answered 202: accepted, not done yet"), sent)
    if reply.status == 204:  # No Content
        return _not_shown("the server answered 204 without content", sent)
    confirmation = sent.resource.confirm(reply, sent.job, sent.change)
    if confirmation is None or reply.status == 201:  # Created: not this record, then
        return _not_confirmed(reply, sent)
    return _confirmed(reply, confirmation, sent)


def _confirmed(reply: Reply, confirmation: Confirmation, sent: Sent) -> Verdict:
    """Judge a success about this record by its body; read what the body does not show."""
    stored = confirmation.edits if confirmation.differs else ()
    if confirmation.errors:
        errors = in_the_sheet(confirmation.errors, sent.job.columns)
        question = ReadBack("errors_in_success", errors_text(reply.status, errors), errors=errors, stored=stored)
        return _in_doubt(question, sent)
    if confirmation.untaken:
        names = ", ".join(confirmation.untaken)
        return _in_doubt(ReadBack("not_taken", f"the reply still shows the old value: {names}", stored=stored), sent)
    if confirmation.differs and _is_blind(sent):  # it may be the old value, which was never read
        names = ", ".join(confirmation.differs)
        return _in_doubt(ReadBack("not_taken", f"the reply shows another value than the one sent: {names}"), sent)
    if confirmation.unseen and not confirmation.discarded_tags:
        return _not_shown(f"the reply does not show {', '.join(confirmation.unseen)}", sent, stored)
    return _applied(confirmation, stored, sent)


def _not_shown(told: str, sent: Sent, stored: tuple[Edit, ...] = ()) -> Settle | ReadBack:
    """Judge a final success that shows nothing: read the record, unless the run is blind and its old state unknown."""
    if _is_blind(sent):
        return Settle("unverified", told)
    return _in_doubt(ReadBack("unverified", told, stale="not_taken", stored=stored), sent)


def _applied(confirmation: Confirmation, stored: tuple[Edit, ...], sent: Sent) -> Settle:
    mode = confirmation.mode
    if confirmation.discarded_tags:
        discarded = confirmation.discarded_tags
        told = f"not on the record afterwards: {', '.join(discarded)}"
        return Settle("tags_discarded", told, ("tags.add",), mode=mode, discarded=discarded, stored=stored)
    if confirmation.differs:
        names = ", ".join(confirmation.differs)
        told = f"the reply shows another value: {names}"
        return Settle("echo_differs", told, confirmation.differs, mode=mode, stored=stored)
    if sent.doubt:
        return Settle("resent", "sent again after an attempt without a trustworthy reply", mode=mode)
    if sent.resource.name != sent.job.type:
        return Settle(
            "concrete_type", f"sent to {sent.resource.name}: {sent.job.type} itself is not updatable", mode=mode
        )
    return Settle("", mode=mode)


def _not_confirmed(reply: Reply, sent: Sent) -> Verdict:
    """Never send again after a 2xx that does not confirm this record: something else may be answering."""
    about = f"not about {sent.resource.name}/{sent.job.id}"
    return _in_doubt(ReadBack("reply_mismatch", f"{answered(reply)}; {about}"), sent)


def _slow_down(reply: Reply, sent: Sent) -> Verdict:
    if sent.throttles_left > 0:
        return SlowDown()
    return _exhausted("throttled", answered(reply, "the server kept answering"), sent)


def _not_sent(detail: str, sent: Sent) -> Verdict:
    if sent.attempts_left > 0:
        return Retry()
    return _exhausted("unreachable", detail, sent)


def _exhausted(reason: str, message: str, sent: Sent) -> Verdict:
    """Judge a row without attempts left: it was not applied, unless an earlier attempt may have been."""
    return _in_doubt(ReadBack(sent.doubt, message), sent) if sent.doubt else Settle(reason, message)


def _failed(reply: Reply, meaning: Meaning, sent: Sent) -> Verdict:
    """Judge a failure of the server or of a gateway: the request may have been carried out, or still be.

    A pause that the server announces costs the row no attempt.
    """
    reason = "timed_out" if meaning is Meaning.TIMED_OUT else "server_error"
    if meaning in SLOWS_DOWN and sent.job.replay_safe and sent.throttles_left > 0:
        return SlowDown(doubt=reason)
    return _maybe_applied(reason, answered(reply), sent)


def _maybe_applied(reason: str, detail: str, sent: Sent) -> Verdict:
    """Send again only if a repetition has no further effect: nothing proves that this request had none."""
    if sent.job.replay_safe and sent.attempts_left > 0:
        return Retry(doubt=reason)
    return _in_doubt(ReadBack(reason, detail), sent)


def _in_doubt(question: ReadBack, sent: Sent) -> Settle | ReadBack:
    """Read the record, or settle the row if nothing that was sent can be seen in the record."""
    return question if sent.change.edits else Settle(question.reason, question.message, errors=question.errors)


def _is_blind(sent: Sent) -> bool:
    return any(isinstance(edit.before, Unread) for edit in sent.change.edits)


def _refused(reply: Reply, meaning: Meaning, sent: Sent) -> Verdict:
    if meaning is Meaning.HELD and not sent.job.fires and sent.throttles_left > 0:
        return SlowDown()
    errors = in_the_sheet(read_errors(reply), sent.job.columns)
    if sent.abstract and reply.status in {404, 405}:
        return Reroute(reply.status)
    settle = Settle(_FINAL.get(reply.status, "refused"), errors_text(reply.status, errors), fields_of(errors), errors)
    if reply.status in _MISCONFIGURED:
        halt = Halt(settle.reason, f"the API answers {reply.status} to every {sent.resource.name}")
        return HaltRun(halt, Settle(sent.doubt, after_doubt(settle.message), errors=errors) if sent.doubt else settle)
    if settle.reason == "precondition_failed" and not sent.doubt and sent.races_left > 0 and not _is_blind(sent):
        return DecideAnew(settle)
    return _refusal(settle, sent)


def _refusal(settle: Settle, sent: Sent) -> Verdict:
    """Settle the row by a refusal; an earlier attempt may still have been applied, and keeps the row in doubt."""
    if not sent.doubt:
        return settle
    return _in_doubt(ReadBack(sent.doubt, after_doubt(settle.message), errors=settle.errors), sent)
