"""What an attempt's outcome means for its row. The table is `docs/verdicts.md`; every line of it is a test.

Three states look alike at first sight: *not sent* (send again), *refused* (final) and *in doubt*. In doubt is the
default: only proof takes a row out of it, and an old value proves nothing.

What a reply means is the API's to say. Here nothing goes by a status, but for the words of messages.
"""

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from jobs.apis.api import Confirmation, Resource
from jobs.apis.meanings import SLOWS_DOWN, Meaning
from jobs.apis.statuses import is_refusal, refusal
from jobs.changes.diff import Change
from jobs.changes.edits import column_of
from jobs.changes.losses import felt
from jobs.model import ApiError, Edit, MaybeSent, NotSent, Outcome, Reply, Request, Status, Unread, UpdateJob
from jobs.reasons import REASONS
from jobs.values import valueclass
from worker.policy.guards import VALUES_LOST, Halt, told_to_stop
from worker.policy.wording import after_doubt, answered, errors_text, fields_of, lost_words

_REASONS: Final[Mapping[Meaning, str]] = {
    Meaning.BAD_REQUEST: "bad_request",
    Meaning.NOT_AUTHORIZED: "not_authorized",
    Meaning.NOT_FOUND: "not_found",
    Meaning.NOT_UPDATABLE: "not_updatable",
    Meaning.NOT_UNIQUE: "not_unique",
    Meaning.CONFLICT: "precondition_failed",
    Meaning.VALIDATION: "validation",
    Meaning.LOCKED: "locked",
    Meaning.MISCONFIGURED: "refused",
    Meaning.UNCONDITIONAL: "refused",
    Meaning.REFUSED: "refused",
}
"""The reason that settles a row by a refusal."""

_OF_EVERY_ROW: Final[Mapping[Meaning, str]] = {
    Meaning.NOT_UPDATABLE: "the API answers {status} to every {type}",
    Meaning.MISCONFIGURED: "the API answers {status} to every {type}",
    Meaning.UNCONDITIONAL: "the API updates {type} only under a condition ({status}): describe its precondition",
}
"""Refusals that every row of a type would meet, and what to tell the user."""

_OF_VALUES: Final = frozenset({Meaning.VALIDATION, Meaning.BAD_REQUEST, Meaning.UNCONDITIONAL})
"""Refusals that are about what was sent."""

_OF_THE_TYPE: Final = frozenset({Meaning.NOT_FOUND, Meaning.NOT_UPDATABLE})
"""How APIs refuse to update an abstract type."""


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
        request: that was sent, where a description may be wrong about it; else None.
    """

    job: UpdateJob
    change: Change
    resource: Resource
    attempts_left: int
    throttles_left: int
    races_left: int = 0
    doubt: str = ""
    abstract: bool = False
    request: Request | None = None


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
        proven: settles it if the record holds the new values.
    """

    reason: str
    message: str
    stale: str = ""
    errors: tuple[ApiError, ...] = ()
    stored: tuple[Edit, ...] = ()
    proven: str = "read_back"

    @property
    def succeeded(self) -> bool:
        """True if the API confirmed the update: only its effect is in doubt, not whether there was one."""
        return self.reason in {"unverified", "not_taken"}

    @property
    def refused(self) -> bool:
        """True if no attempt had an effect: only whether the record is as the row wants it has to be found out."""
        return self.proven == "no_op"


@valueclass(frozen=True, slots=True)
class Retry:
    """The row is sent again after a backoff, and after `wait` seconds at least.

    `doubt` is set if this attempt may have been applied.
    """

    doubt: str = ""
    wait: float = 0.0


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
    """The refusal concerns every row.

    Attributes:
        settle: settles this row; None leaves it to a later process.
        doubt: reason code if this attempt of a row that is left may have been applied.
    """

    halt: Halt
    settle: Settle | None = None
    doubt: str = ""


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
    """Judge a reply by its meaning alone."""
    match meaning:
        case Meaning.SERVED | Meaning.NO_CONTENT | Meaning.ACCEPTED | Meaning.CREATED:
            return _succeeded(reply, meaning, sent)
        case Meaning.FOREIGN:  # 101 is no answer to a PATCH
            return _maybe_applied("reply_garbled", f"the server answered {reply.status}", sent)
        case Meaning.REDIRECTED:
            return _refusal(Settle("redirected", f"{answered(reply)}; redirects are never followed"), sent)
        case Meaning.TOKEN_REFUSED:
            return Renew()  # the credential knows when to give up
        case Meaning.NO_OP:
            return _no_op(reply, sent)
        case Meaning.STOP:
            return _stopped(reply, sent)
    return _refused(reply, meaning, sent) if meaning in _REASONS else _put_off(reply, meaning, sent)


def _put_off(reply: Reply, meaning: Meaning, sent: Sent) -> Verdict:
    """Judge a reply after which the same request may do at a later time."""
    match meaning:
        case Meaning.THROTTLED:
            return _slow_down(reply, sent)
        case Meaning.TOO_EARLY if not sent.job.fires:
            return _slow_down(reply, sent)
        case Meaning.HELD:
            return _held(reply, sent)
        case Meaning.BUSY:
            return _busy(reply, sent)
    return _failed(reply, meaning, sent)  # servers have sent each of these after the work was done


def _succeeded(reply: Reply, meaning: Meaning, sent: Sent) -> Verdict:
    if not reply.complete:
        return _in_doubt(
            ReadBack("reply_garbled", f"the server answered {reply.status}, and the reply broke off"), sent
        )
    if meaning is Meaning.ACCEPTED:  # whatever its body shows
        return _in_doubt(ReadBack("accepted", f"the server answered {reply.status}: accepted, not done yet"), sent)
    if meaning is Meaning.NO_CONTENT:
        return _not_shown(f"the server answered {reply.status} without content", sent)
    confirmation = sent.resource.confirm(reply, sent.job, sent.change)
    if confirmation is None or meaning is Meaning.CREATED:  # not this record, then
        return _not_confirmed(reply, sent)
    return _confirmed(reply, confirmation, sent)


def _confirmed(reply: Reply, confirmation: Confirmation, sent: Sent) -> Verdict:
    """Judge a success about this record by its body; read what the body does not show."""
    stored = confirmation.edits if confirmation.differs else ()
    if confirmation.errors:
        errors = confirmation.errors
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
    if confirmation.lost:
        return values_lost(confirmation.edits, confirmation.lost)
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


def values_lost(edits: tuple[Edit, ...], lost: tuple[Edit, ...]) -> Settle:
    """Settle a row that was applied, and took values from its record that it does not name; an undo puts them back.

    Args:
        edits: of the row, with stored forms.
        lost: what it took, as edits. The result names those that are felt.
    """
    named = felt(lost)
    image = {edit.path: edit for edit in (*edits, *lost)}  # a reply may have shown what a read shows again
    names = tuple(map(column_of, named))
    return Settle(VALUES_LOST, lost_words(named), names, stored=tuple(image.values()))


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


def _held(reply: Reply, sent: Sent) -> Verdict:
    """Judge a refusal that asks to wait; once waiting is no use, it is what it would be without that."""
    if not sent.job.fires and sent.throttles_left > 0:
        return SlowDown()
    return _refused(reply, refusal(reply.status), sent)


def _busy(reply: Reply, sent: Sent) -> Verdict:
    """Send again, unless the row has an action: for such a row only a limit is a refusal before work."""
    if not sent.job.fires and sent.attempts_left > 0:
        return Retry(wait=sent.resource.least_wait(reply))
    return _exhausted("busy", answered(reply), sent)


def _no_op(reply: Reply, sent: Sent) -> Verdict:
    """Judge an update that would change nothing, as the API says: the record must prove that it is as wanted.

    If it does not, the API may have dropped a field that it does not know, and refused the rest. An action was not
    carried out, whatever the record shows.
    """
    settle = _settle(reply, refusal(reply.status), sent)
    if sent.doubt or sent.job.triggers or not sent.change.edits:
        return _refusal(settle, sent)
    return ReadBack(settle.reason, settle.message, errors=settle.errors, proven="no_op")


def _stopped(reply: Reply, sent: Sent) -> HaltRun:
    """End the run; the row is sent again once it is resumed, in doubt unless this reply is a refusal."""
    words = errors_text(reply.status, sent.resource.errors(reply, sent.job.columns))
    return HaltRun(told_to_stop(words), doubt="" if is_refusal(reply.status) else "server_error")


def _refused(reply: Reply, meaning: Meaning, sent: Sent) -> Verdict:
    if sent.abstract and meaning in _OF_THE_TYPE:
        return Reroute(reply.status)
    settle = _settle(reply, meaning, sent)
    if meaning in _OF_EVERY_ROW:
        told = _OF_EVERY_ROW[meaning].format(status=reply.status, type=sent.resource.name)
        doubtful = Settle(sent.doubt, after_doubt(settle.message), errors=settle.errors)
        return HaltRun(Halt(settle.reason, told), doubtful if sent.doubt else settle)
    if meaning is Meaning.CONFLICT and not sent.doubt and sent.races_left > 0 and not _is_blind(sent):
        return DecideAnew(settle)
    return _refusal(settle, sent)


def _settle(reply: Reply, meaning: Meaning, sent: Sent) -> Settle:
    """Return how a refusal settles its row, with the errors that the server names."""
    errors = sent.resource.errors(reply, sent.job.columns)
    told = f"{errors_text(reply.status, errors)}{_of_description(meaning, errors, sent)}"
    return Settle(_REASONS[meaning], told, fields_of(errors), errors)


def _of_description(meaning: Meaning, errors: tuple[ApiError, ...], sent: Sent) -> str:
    """Return what a refusal may say of the description rather than of the row; empty where there is none."""
    if sent.request is None:
        return ""
    asked = f"{sent.request.method} {sent.request.target}"
    if meaning is Meaning.NOT_UPDATABLE:
        return f" ({asked}: see `update.method` in the description)"
    if meaning is Meaning.NOT_FOUND:
        return f" ({asked})" if _is_blind(sent) else f" ({asked}; a read found it: see `path` in the description)"
    if meaning in _OF_VALUES and sent.job.columns and (strange := dict.fromkeys(_beside_columns(errors, sent))):
        names = ", ".join(f"`{name}`" for name in strange)
        return f" (no column names {names}: see `precondition` and `constants` in the description)"
    return ""


def _beside_columns(errors: tuple[ApiError, ...], sent: Sent) -> Iterator[str]:
    known = {*sent.job.columns.values(), *(steps[0] for steps in sent.job.columns)}
    yield from (error.field for error in errors if error.field and error.field not in known)


def _refusal(settle: Settle, sent: Sent) -> Verdict:
    """Settle the row by a refusal; an earlier attempt may still have been applied, and keeps the row in doubt."""
    if not sent.doubt:
        return settle
    return _in_doubt(ReadBack(sent.doubt, after_doubt(settle.message), errors=settle.errors), sent)
