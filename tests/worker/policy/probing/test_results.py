"""How the journal keeps what became of a write."""

import pytest

from jobs.apis.meanings import Meaning
from jobs.model import MaybeSent, NotSent, Outcome, Reply
from tests.worker.policy.probing.kit import answered, described, reading, reply
from worker.policy.probing.results import refusal, result

SUBJECT = described("")
SENT = SUBJECT.sent({"title": "new"}, reading(SUBJECT, {"id": "1", "title": "old"}))

REFUSALS: dict[str, tuple[Outcome, Meaning, str]] = {
    "validation": (reply({"message": "no"}, 422), Meaning.VALIDATION, "validation"),
    "of every row": (reply({"message": "no"}, 405), Meaning.NOT_UPDATABLE, "not_updatable"),
    "the end of all": (reply({"message": "no"}, 403), Meaning.STOP, "refused"),
    "nothing would change": (reply({"message": "no"}, 400), Meaning.NO_OP, "refused"),
    "a token": (reply({}, 401), Meaning.TOKEN_REFUSED, "refused"),
    "never sent": (NotSent("refused"), Meaning.UNSENT, "unreachable"),
    "throttled": (reply({}, 429), Meaning.THROTTLED, "throttled"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_refusal_settles_the_row(case: str) -> None:
    outcome, meaning, reason = REFUSALS[case]
    settle = refusal(answered(outcome, meaning), SENT)
    assert settle is not None
    assert settle.reason == reason


@pytest.mark.parametrize(("is_seen", "reason"), [(True, ""), (False, "not_taken")])
def test_a_success_is_what_a_read_shows(is_seen: bool, reason: str) -> None:
    done = answered(Reply(204, {}), Meaning.NO_CONTENT)
    assert refusal(done, SENT) is None
    assert result(done, SENT, is_seen=is_seen).reason == reason


@pytest.mark.parametrize(("is_seen", "reason"), [(True, "read_back"), (False, "reply_lost")])
def test_a_doubt_is_settled_by_a_read_or_stays(is_seen: bool, reason: str) -> None:
    lost = answered(MaybeSent("reply_lost", "the connection broke"), Meaning.UNANSWERED)
    assert refusal(lost, SENT) is None
    assert result(lost, SENT, is_seen=is_seen).reason == reason
