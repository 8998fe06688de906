"""What the journal keeps of a write: its result, by the verdict that a row of a run would have."""

from typing import Final

from jobs.apis.meanings import Meaning
from worker.policy.probing.steps import Answered
from worker.policy.verdict import HaltRun, ReadBack, Sent, Settle, judge
from worker.policy.wording import why_not

DONE: Final = frozenset({Meaning.SERVED, Meaning.NO_CONTENT, Meaning.ACCEPTED, Meaning.CREATED})
"""Meanings of a success."""


def refusal(answered: Answered, sent: Sent) -> Settle | None:
    """Return how a write that certainly had no effect is settled; None if it had one, or may have."""
    if answered.meaning in DONE:
        return None
    match judge(answered.outcome, answered.meaning, sent):
        case Settle() as settle:
            return settle
        case HaltRun(halt, settle):
            return settle or Settle("refused", halt.message)
        case ReadBack() as question if not question.refused:
            return None
    return Settle("refused", why_not(answered.outcome))


def result(answered: Answered, sent: Sent, *, is_seen: bool) -> Settle:
    """Return how a write is settled that had an effect, or may have; `is_seen` if a read shows it."""
    if answered.meaning in DONE:
        return Settle("") if is_seen else Settle("not_taken", "no read has shown it")
    verdict = judge(answered.outcome, answered.meaning, sent)
    assert isinstance(verdict, ReadBack)  # noqa: S101  # it is no refusal
    return Settle(verdict.proven if is_seen else verdict.reason, verdict.message)
