"""What an outcome means: the one place that says it for this API."""

from jobs.apis.backpressure import failure
from jobs.apis.challenges import token_refused
from jobs.apis.documents import document_of
from jobs.apis.meanings import Meaning
from jobs.apis.statuses import success
from jobs.model import NotSent, Outcome, Reply, Request


def meaning_of(request: Request, outcome: Outcome) -> Meaning:
    """Return what an outcome means, by the request that it is of.

    A read is served by a document only; whether an update was is for its confirmation to say, which reads the body
    anyway.
    """
    if isinstance(outcome, Reply):
        return _replied(outcome, is_read=request.is_read)
    return Meaning.UNSENT if isinstance(outcome, NotSent) else Meaning.UNANSWERED


def _replied(reply: Reply, *, is_read: bool) -> Meaning:
    status = reply.status
    if 200 <= status < 300:
        if not is_read:
            return success(status)
        return Meaning.FOREIGN if reply.complete and document_of(reply) is None else Meaning.SERVED
    if status < 400:
        return Meaning.REDIRECTED if status >= 300 else Meaning.FOREIGN
    meaning = failure(reply)
    if meaning in {Meaning.NOT_AUTHORIZED, Meaning.HELD} and token_refused(reply):
        return Meaning.TOKEN_REFUSED
    return meaning
