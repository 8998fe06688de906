"""What an attempt's outcome means for its row: the verdict table and the error table, line by line."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.apis.api import Resource
from jobs.apis.commercelayer.api import COMMERCE_LAYER
from jobs.apis.commercelayer.meaning import meaning_of
from jobs.apis.commercelayer.updates import update_request
from jobs.apis.described.resource import DescribedResource
from jobs.apis.described.schema import schema_of
from jobs.apis.meanings import REFUSALS, Meaning
from jobs.apis.statuses import refusal
from jobs.changes.diff import Change, as_written
from jobs.model import ABSENT, Edit, MaybeSent, NotSent, Outcome, Reply, Request, RowRef, Status, UpdateJob
from jobs.reasons import REASONS
from tests.jobs.apis.described.kit import description, reply
from tests.samples.recorded import sample
from worker.policy import verdict as policy
from worker.policy.guards import Halt
from worker.policy.verdict import (
    DecideAnew,
    HaltRun,
    ReadBack,
    Renew,
    Reroute,
    Retry,
    Sent,
    Settle,
    SlowDown,
    Verdict,
)

ID = "xAyBzCwDvE"
REF = RowRef(1, 2, b"")
SAFE = UpdateJob(REF, "stripe_payments", ID, attributes={"reference": "ANY-EXTERNAL-REFERENCE"})
REFRESH = UpdateJob(REF, "stripe_payments", ID, triggers={"_refresh": True}, triggers_safe=True)
TRIGGER = UpdateJob(REF, "authorizations", ID, triggers={"_capture": True})
TAGS = UpdateJob(REF, "orders", ID, add_tags=("vip", "sale"))
ABSTRACT = UpdateJob(REF, "transactions", ID, attributes={"reference": "ANY-EXTERNAL-REFERENCE"})


def sent(job: UpdateJob = SAFE, **known: Any) -> Sent:
    facts: dict[str, Any] = {
        "resource": COMMERCE_LAYER.resource(job.type),
        "attempts_left": 4,
        "throttles_left": 29,
        **known,
    }
    return Sent(job, as_written(job), **facts)


def judge(outcome: Outcome, what: Sent) -> Verdict:
    meaning = meaning_of(update_request(what.job, what.change, what.resource.name), outcome)
    return policy.judge(outcome, meaning, what)


def settled(verdict: Verdict) -> tuple[Status, str]:
    """How the row ends; for one whose record is to be read, how it ends if that cannot tell either."""
    assert isinstance(verdict, Settle | ReadBack), verdict
    return REASONS[verdict.reason].status if verdict.reason else Status.APPLIED, verdict.reason


CUT = replace(sample("stripe_payment"), body=b'{"data":{', complete=False)
OTHER_ID = replace(sample("stripe_payment"), body=sample("stripe_payment").body.replace(ID.encode(), b"oThErIdXyZ"))
LOST = MaybeSent("reply_lost", "the connection broke before a reply came")
LATE = MaybeSent("timed_out", "no reply in time")
GARBLED = MaybeSent("reply_garbled", "the reply was not HTTP")


@pytest.mark.parametrize(
    ("outcome", "safe", "trigger"),
    [
        # DNS, refused, TLS, connect timeout: nothing left, so everything may go again
        (NotSent("cannot resolve nowhere"), Retry(), Retry()),
        # bytes left, then reset / close / timeout / garbled reply: again only where that is safe
        (LOST, Retry("reply_lost"), (Status.UNKNOWN, "reply_lost")),
        (LATE, Retry("timed_out"), (Status.UNKNOWN, "timed_out")),
        (GARBLED, Retry("reply_garbled"), (Status.UNKNOWN, "reply_garbled")),
        # 2xx JSON, body cut before id and type were seen: never again
        (CUT, (Status.UNKNOWN, "reply_garbled"), (Status.UNKNOWN, "reply_garbled")),
        # 2xx, wrong content type, id or type: never again
        (sample("captive_portal"), (Status.UNKNOWN, "reply_mismatch"), (Status.UNKNOWN, "reply_mismatch")),
        (OTHER_ID, (Status.UNKNOWN, "reply_mismatch"), (Status.UNKNOWN, "reply_mismatch")),
        (sample("transaction"), (Status.UNKNOWN, "reply_mismatch"), (Status.UNKNOWN, "reply_mismatch")),
        # 202: accepted, and not done, whatever its body shows
        (Reply(202, {}), (Status.UNKNOWN, "accepted"), (Status.UNKNOWN, "accepted")),
        (replace(sample("stripe_payment"), status=202), (Status.UNKNOWN, "accepted"), (Status.UNKNOWN, "accepted")),
        # 201: something was created, which an update does not do
        (
            replace(sample("stripe_payment"), status=201),
            (Status.UNKNOWN, "reply_mismatch"),
            (Status.UNKNOWN, "reply_mismatch"),
        ),
        # an empty 204 is a success that nothing shows
        (sample("no_content"), (Status.APPLIED, "unverified"), (Status.APPLIED, "unverified")),
        # 3xx: never followed
        (sample("redirect"), (Status.REJECTED, "redirected"), (Status.REJECTED, "redirected")),
        # 429, and what names a limit: refused before any work
        (sample("throttled"), SlowDown(), SlowDown()),
        (Reply(403, {}, b'{"error": {"code": "rateLimitExceeded"}}'), SlowDown(), SlowDown()),
        # 408, and 5xx with Retry-After: seen after the work was done; everybody waits all the same
        (Reply(408, {}), SlowDown("timed_out"), (Status.UNKNOWN, "timed_out")),
        (sample("unavailable_for_a_while"), SlowDown("server_error"), (Status.UNKNOWN, "server_error")),
        (Reply(524, {"retry-after": "3"}), SlowDown("server_error"), (Status.UNKNOWN, "server_error")),
        # 500, 502, 504, 503: maybe applied
        (sample("server_error"), Retry("server_error"), (Status.UNKNOWN, "server_error")),
        (sample("bad_gateway"), Retry("server_error"), (Status.UNKNOWN, "server_error")),
        (sample("gateway_timeout"), Retry("server_error"), (Status.UNKNOWN, "server_error")),
        (sample("unavailable"), Retry("server_error"), (Status.UNKNOWN, "server_error")),
        (Reply(520, {}), Retry("server_error"), (Status.UNKNOWN, "server_error")),  # an edge's own
    ],
)
def test_every_line_of_the_verdict_table(
    outcome: Outcome, safe: Verdict | tuple[Status, str], trigger: Verdict | tuple[Status, str]
) -> None:
    for job, expected in ((SAFE, safe), (REFRESH, safe), (TRIGGER, trigger), (TAGS, trigger)):
        verdict = judge(outcome, sent(job))
        assert (settled(verdict) if isinstance(expected, tuple) else verdict) == expected


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("key_mismatch", "bad_request"),  # 400: malformed
        ("unauthorized", "not_authorized"),  # 401: no permission, which no new token changes
        ("forbidden", "not_authorized"),  # 403
        ("record_not_found", "not_found"),  # 404: missing, or out of scope
        ("not_unique", "not_unique"),  # 409: unique constraint
        ("validation", "validation"),  # 422
        ("locked", "locked"),  # 423
    ],
)
def test_every_final_line_of_the_error_table(case: str, reason: str) -> None:
    assert settled(judge(sample(case), sent())) == (Status.REJECTED, reason)


@pytest.mark.parametrize("status", [402, 411, 413, 418, 451])
def test_a_status_nobody_expects_is_a_refusal(status: int) -> None:
    assert settled(judge(Reply(status, {}), sent())) == (Status.REJECTED, "refused")


@pytest.mark.parametrize(
    ("case", "halt", "reason"),
    [
        ("method_not_allowed", "not_updatable", "not_updatable"),  # 405: the type
        ("not_acceptable", "refused", "refused"),  # 406 and 415: our headers
        ("unsupported_media_type", "refused", "refused"),
    ],
)
def test_a_refusal_that_concerns_every_row_stops_the_run_and_settles_its_own(case: str, halt: str, reason: str) -> None:
    verdict = judge(sample(case), sent())
    assert isinstance(verdict, HaltRun)
    status = sample(case).status
    assert verdict.halt == Halt(halt, f"the API answers {status} to every stripe_payments")
    assert verdict.settle is not None
    assert settled(verdict.settle) == (Status.REJECTED, reason)


@pytest.mark.parametrize(
    "reply",
    [
        sample("invalid_token"),
        Reply(401, {"www-authenticate": 'Bearer realm="api", error="invalid_token"'}, b"expired"),  # RFC 6750
        Reply(401, {"www-authenticate": "bearer", "content-type": "text/html"}, b"<html>"),
    ],
)
def test_a_token_that_is_refused_is_renewed_whatever_form_the_refusal_has(reply: Reply) -> None:
    assert judge(reply, sent()) == Renew()


@pytest.mark.parametrize("case", ["record_not_found", "method_not_allowed"])
def test_an_abstract_type_that_refuses_sends_the_row_round_by_its_concrete_type(case: str) -> None:
    assert judge(sample(case), sent(ABSTRACT, abstract=True)) == Reroute(sample(case).status)


def test_other_refusals_of_an_abstract_type_are_about_the_row() -> None:
    assert settled(judge(sample("validation"), sent(ABSTRACT, abstract=True))) == (Status.REJECTED, "validation")


CONFIRMED = sample("stripe_payment")
DIFFERS = replace(CONFIRMED, body=CONFIRMED.body.replace(b"ANY-EXTERNAL-REFERENCE", b"SOMETHING-ELSE"))
CONCRETE = replace(sample("transaction"), body=sample("transaction").body.replace(b'"transactions"', b'"captures"'))


@pytest.mark.parametrize(
    ("outcome", "what", "verdict"),
    [
        (CONFIRMED, sent(), Settle("", mode="test")),  # the plain success
        (
            CONFIRMED,
            sent(doubt="reply_lost"),
            Settle("resent", "sent again after an attempt without a trustworthy reply", mode="test"),
        ),
        (
            CONCRETE,
            sent(ABSTRACT, resource=COMMERCE_LAYER.resource("captures")),
            Settle("concrete_type", "sent to captures: transactions itself is not updatable", mode="live"),
        ),
        (
            sample("tags_partly_discarded"),
            sent(TAGS),
            Settle(
                "tags_discarded", "not on the record afterwards: vip", ("tags.add",), mode="test", discarded=("vip",)
            ),
        ),
        (sample("tags_added"), sent(TAGS), Settle("", mode="test")),
    ],
)
def test_a_success_says_what_is_remarkable_about_it(outcome: Reply, what: Sent, verdict: Settle) -> None:
    assert judge(outcome, what) == verdict


def test_an_echo_is_compared_with_what_was_sent_and_not_with_the_row() -> None:
    nothing = Sent(SAFE, Change(), COMMERCE_LAYER.resource(SAFE.type), attempts_left=0, throttles_left=0)
    assert judge(DIFFERS, nothing) == Settle("", mode="test")


@pytest.mark.parametrize(
    ("outcome", "doubt", "ending"),
    [
        (NotSent("refused"), "", (Status.FAILED, "unreachable")),  # certainly not applied
        (NotSent("refused"), "timed_out", (Status.UNKNOWN, "timed_out")),  # unless an earlier attempt was
        (LOST, "", (Status.UNKNOWN, "reply_lost")),
        (sample("server_error"), "reply_lost", (Status.UNKNOWN, "server_error")),
        (sample("throttled"), "", (Status.FAILED, "throttled")),
        (sample("throttled"), "server_error", (Status.UNKNOWN, "server_error")),
    ],
)
def test_when_the_attempts_are_used_up_a_doubt_stays_a_doubt(
    outcome: Outcome, doubt: str, ending: tuple[Status, str]
) -> None:
    last = sent(attempts_left=0, throttles_left=0, doubt=doubt)
    assert settled(judge(outcome, last)) == ending


@pytest.mark.parametrize(
    "case",
    [
        "key_mismatch", "record_not_found", "not_unique", "validation", "unauthorized", "forbidden", "locked",
        "redirect",
    ],
)  # fmt: skip
def test_a_refusal_says_nothing_about_an_earlier_attempt_that_may_have_been_applied(case: str) -> None:
    verdict = judge(sample(case), sent(doubt="reply_lost"))
    assert settled(verdict) == (Status.UNKNOWN, "reply_lost")
    assert isinstance(verdict, Settle | ReadBack)
    assert str(sample(case).status) in verdict.message


@pytest.mark.parametrize(
    ("status", "reason"), [(409, "not_unique"), (420, "refused"), (423, "locked"), (430, "refused")]
)
def test_a_refusal_that_asks_to_wait_is_sent_again_but_for_an_action(status: int, reason: str) -> None:
    reply = Reply(status, {"retry-after": "1"})
    assert judge(reply, sent()) == SlowDown()
    assert settled(judge(reply, sent(TRIGGER))) == (Status.REJECTED, reason)
    assert settled(judge(reply, sent(throttles_left=0))) == (Status.REJECTED, reason)


def test_a_lost_race_is_decided_anew_a_few_times_where_the_record_was_read() -> None:
    reply = Reply(412, {})
    conflict = (Status.CONFLICT, "precondition_failed")
    read = Sent(SAFE, SEEN, COMMERCE_LAYER.resource(SAFE.type), attempts_left=4, throttles_left=29, races_left=1)
    verdict = judge(reply, read)
    assert isinstance(verdict, DecideAnew)
    assert settled(verdict.settle) == conflict
    assert settled(judge(reply, replace(read, races_left=0))) == conflict
    assert settled(judge(reply, sent(races_left=1))) == conflict  # a blind run
    assert settled(judge(reply, replace(read, doubt="timed_out"))) == (Status.UNKNOWN, "timed_out")


def test_a_conflict_of_versions_goes_the_way_of_a_412_whatever_its_status() -> None:
    read = Sent(SAFE, SEEN, COMMERCE_LAYER.resource(SAFE.type), attempts_left=4, throttles_left=29, races_left=1)
    for status in (200, 400, 409, 500):
        assert isinstance(meant(Meaning.CONFLICT, read, status), DecideAnew)
        last = meant(Meaning.CONFLICT, replace(read, races_left=0), status)
        assert settled(last) == (Status.CONFLICT, "precondition_failed")


# what only an API's description can say


def meant(meaning: Meaning, what: Sent, status: int = 400, words: str = "not now") -> Verdict:
    body = json.dumps({"errors": [{"detail": words}]}).encode()
    return policy.judge(Reply(status, {"content-type": "application/json"}, body), meaning, what)


@pytest.mark.parametrize("status", [200, 409, 500])
def test_a_busy_record_is_tried_again_by_itself_and_nothing_was_applied(status: int) -> None:
    assert meant(Meaning.BUSY, sent(), status) == Retry()
    assert meant(Meaning.BUSY, sent(TAGS), status) == Retry()  # a refusal before work
    last = sent(attempts_left=0)
    assert settled(meant(Meaning.BUSY, last, status)) == (Status.FAILED, "busy")
    assert settled(meant(Meaning.BUSY, replace(last, doubt="timed_out"), status)) == (Status.UNKNOWN, "timed_out")


def test_an_action_relies_on_no_refusal_but_that_of_a_limit() -> None:
    assert settled(meant(Meaning.BUSY, sent(TRIGGER))) == (Status.FAILED, "busy")
    assert meant(Meaning.THROTTLED, sent(TRIGGER)) == SlowDown()


def test_a_busy_record_is_left_alone_as_long_as_its_description_says() -> None:
    patient = Patient(COMMERCE_LAYER.resource(SAFE.type))
    assert meant(Meaning.BUSY, sent(resource=patient)) == Retry(wait=7.0)


class Patient:
    """A resource whose refusals want to be waited for."""

    def __init__(self, resource: Resource) -> None:
        self._resource = resource

    def __getattr__(self, name: str) -> Any:
        return getattr(self._resource, name)

    def least_wait(self, reply: Reply) -> float:
        return 7.0


@pytest.mark.parametrize(
    ("status", "reason"), [(400, "bad_request"), (409, "not_unique"), (422, "validation"), (200, "refused")]
)
def test_an_update_without_effect_must_be_proven_by_the_record_or_it_is_a_refusal(status: int, reason: str) -> None:
    read = Sent(SAFE, SEEN, COMMERCE_LAYER.resource(SAFE.type), attempts_left=4, throttles_left=29)
    verdict = meant(Meaning.NO_OP, read, status, "nothing to change")
    assert isinstance(verdict, ReadBack)
    assert (verdict.reason, verdict.proven, verdict.message) == (reason, "no_op", f"{status}: nothing to change")
    assert verdict.refused
    assert REASONS[verdict.reason].status is Status.REJECTED


def test_after_a_doubt_an_update_without_effect_is_what_the_doubt_asks_about() -> None:
    read = Sent(SAFE, SEEN, COMMERCE_LAYER.resource(SAFE.type), attempts_left=4, throttles_left=29, doubt="timed_out")
    verdict = meant(Meaning.NO_OP, read)
    assert isinstance(verdict, ReadBack)
    assert (verdict.reason, verdict.proven, verdict.refused) == ("timed_out", "read_back", False)


@pytest.mark.parametrize("job", [TRIGGER, REFRESH, replace(TRIGGER, attributes={"reference": "r"})])
def test_no_record_proves_that_an_action_was_not_needed(job: UpdateJob) -> None:
    assert settled(meant(Meaning.NO_OP, sent(job))) == (Status.REJECTED, "bad_request")


@pytest.mark.parametrize(("status", "doubt"), [(402, ""), (200, "server_error"), (500, "server_error")])
def test_the_end_of_the_run_keeps_the_row_and_the_servers_words(status: int, doubt: str) -> None:
    verdict = meant(Meaning.STOP, sent(), status, "the trial is over")
    assert isinstance(verdict, HaltRun)
    assert (verdict.settle, verdict.doubt) == (None, doubt)
    assert verdict.halt.reason == "stopped_by_api"
    assert verdict.halt.message.endswith(f"{status}: the trial is over")


def test_an_api_that_wants_a_condition_ends_the_run_in_words() -> None:
    verdict = judge(Reply(428, {}), sent())
    assert isinstance(verdict, HaltRun)
    assert verdict.halt == Halt(
        "refused", "the API updates stripe_payments only under a condition (428): describe its precondition"
    )
    assert verdict.settle is not None
    assert settled(verdict.settle) == (Status.REJECTED, "refused")


@pytest.mark.parametrize("meaning", sorted(REFUSALS - {Meaning.NO_OP}))
def test_every_refusal_has_a_reason_that_says_the_row_was_not_applied(meaning: Meaning) -> None:
    verdict = meant(meaning, sent(), status=499)
    settle = verdict.settle if isinstance(verdict, HaltRun) else verdict
    assert isinstance(settle, Settle)
    assert settle.status in {Status.REJECTED, Status.CONFLICT}


@given(st.sampled_from(sorted(set(Meaning))), st.sampled_from([200, 204, 302, 400, 409, 503]), st.booleans())
def test_every_meaning_is_judged_and_only_a_limit_lets_an_action_go_again(
    meaning: Meaning, status: int, doubtful: bool
) -> None:
    for job in (SAFE, TAGS, TRIGGER):
        verdict = meant(meaning, sent(job, doubt="reply_lost" if doubtful else ""), status)
        if job is TRIGGER and isinstance(verdict, Retry | SlowDown):
            assert meaning is Meaning.THROTTLED
        if doubtful and isinstance(verdict, Settle):
            assert verdict.status in {Status.APPLIED, Status.UNKNOWN, Status.REJECTED}
            assert verdict.status is not Status.REJECTED or verdict.reason == "tags_discarded"


def test_a_run_that_stops_after_a_doubt_names_the_refusal_and_keeps_the_doubt() -> None:
    verdict = judge(sample("method_not_allowed"), sent(doubt="timed_out"))
    assert isinstance(verdict, HaltRun)
    assert verdict.halt.reason == "not_updatable"
    assert verdict.settle is not None
    assert settled(verdict.settle) == (Status.UNKNOWN, "timed_out")


def test_refusals_for_pace_and_failures_are_counted_apart() -> None:
    assert judge(sample("throttled"), sent(attempts_left=0)) == SlowDown()
    assert judge(LOST, sent(throttles_left=0)) == Retry("reply_lost")


def test_a_refusal_is_told_with_its_fields_and_errors() -> None:
    verdict = judge(sample("validation"), sent())
    assert isinstance(verdict, Settle)
    assert verdict.fields == ("quantity", "order", "metadata.batch")
    assert len(verdict.errors) == 3
    assert verdict.message == (
        "422: quantity: quantity - is not a number; order: order - must exist; "
        "metadata.batch: metadata.batch - is too long"
    )


@pytest.mark.parametrize(
    ("body", "message", "fields"),
    [
        (b"", "the API answered 422", ()),
        (b'{"errors":[{}]}', "the API answered 422", ()),
        (b'{"errors":[{"title":"no"},{}]}', "422: no", ()),
        (b'{"errors":[{"title":"no","detail":"not so"}]}', "422: not so", ()),
        # the same field twice is one field
        (
            (
                b'{"errors":[{"detail":"a","source":{"pointer":"/data/attributes/x"}},'
                b'{"detail":"b","source":{"pointer":"/data/attributes/x"}}]}'
            ),
            "422: x: a; x: b",
            ("x",),
        ),
    ],
)
def test_a_refusal_says_as_much_as_the_server_did(body: bytes, message: str, fields: tuple[str, ...]) -> None:
    verdict = judge(Reply(422, {"content-type": "application/json"}, body), sent())
    assert isinstance(verdict, Settle)
    assert (verdict.message, verdict.fields) == (message, fields)


def test_a_refusal_names_the_columns_as_the_user_wrote_them() -> None:
    columns = {("quantity",): "quantity:int", ("metadata", "batch"): "metadata.batch:str", ("order",): "order"}
    verdict = judge(sample("validation"), replace(sent(), job=replace(SAFE, columns=columns)))
    assert isinstance(verdict, Settle)
    assert verdict.fields == ("quantity:int", "order", "metadata.batch:str")
    assert [error.field for error in verdict.errors] == list(verdict.fields)
    assert verdict.message.startswith("422: quantity:int: quantity - is not a number; order: ")


def test_a_message_of_very_many_errors_shows_the_first_and_counts_the_rest() -> None:
    errors = [{"detail": f"d{n}", "source": {"pointer": f"/data/attributes/a{n}"}} for n in range(30)]
    verdict = judge(Reply(422, {"content-type": "application/json"}, json.dumps({"errors": errors}).encode()), sent())
    assert isinstance(verdict, Settle)
    assert verdict.message.endswith("; a19: d19; and 10 more")
    assert len(verdict.errors) == len(verdict.fields) == 30  # all are kept


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (CUT, "the server answered 200, and the reply broke off"),
        (sample("captive_portal"), "the server answered 200: an HTML page; not about stripe_payments/xAyBzCwDvE"),
        (Reply(200, {}), "the server answered 200: an empty reply; not about stripe_payments/xAyBzCwDvE"),
        (Reply(202, {}), "the server answered 202: accepted, not done yet"),
        (Reply(204, {}, complete=False), "the server answered 204, and the reply broke off"),
    ],
)
def test_a_success_that_confirms_nothing_says_why(reply: Reply, message: str) -> None:
    verdict = judge(reply, sent())
    assert isinstance(verdict, Settle | ReadBack)
    assert verdict.message == message


OUTCOMES = st.one_of(
    st.builds(NotSent, st.text()),
    st.builds(MaybeSent, st.sampled_from(["reply_lost", "timed_out", "reply_garbled"]), st.text()),
    st.builds(
        Reply,
        st.integers(100, 599),
        st.sampled_from([{}, {"content-type": "application/json"}, {"retry-after": "1"}]),
        st.binary() | st.sampled_from([CONFIRMED.body, sample("invalid_token").body]),
        st.booleans(),
    ),
)
SENT = st.builds(
    sent,
    st.sampled_from([SAFE, REFRESH, TRIGGER, TAGS]),
    attempts_left=st.integers(0, 2),
    throttles_left=st.integers(0, 2),
    doubt=st.sampled_from(["", "reply_lost"]),
)


@given(OUTCOMES, SENT)
def test_no_outcome_makes_a_row_that_is_not_replay_safe_go_twice(outcome: Outcome, what: Sent) -> None:
    verdict = judge(outcome, what)
    if isinstance(verdict, Retry):
        assert what.attempts_left > 0
        assert what.job.replay_safe or isinstance(outcome, NotSent)
    if isinstance(verdict, Settle | ReadBack):
        assert verdict.reason == "" or verdict.reason in REASONS


@given(OUTCOMES, SENT)
def test_applied_needs_a_whole_success_about_the_record(outcome: Outcome, what: Sent) -> None:
    verdict = judge(outcome, what)
    if isinstance(verdict, Settle) and verdict.status is Status.APPLIED:
        assert isinstance(outcome, Reply)
        assert 200 <= outcome.status < 300
        assert outcome.complete
        assert outcome.status == 204 or what.job.id.encode() in outcome.body


@pytest.mark.parametrize("status", [101, 199])
def test_an_interim_status_is_no_answer_to_a_patch(status: int) -> None:
    assert judge(Reply(status, {}), sent()) == Retry(doubt="reply_garbled")
    assert settled(judge(Reply(status, {}), sent(attempts_left=0))) == (Status.UNKNOWN, "reply_garbled")


READ = as_written(SAFE).edits[0]
SEEN = Change({"reference": "ANY-EXTERNAL-REFERENCE"}, {}, (replace(READ, before="OLD"),))


UNSHOWN = replace(CONFIRMED, body=b'{"data":{"type":"stripe_payments","id":"xAyBzCwDvE"}}')
OLD = replace(CONFIRMED, body=CONFIRMED.body.replace(b"ANY-EXTERNAL-REFERENCE", b"OLD"))
ERRORS = replace(CONFIRMED, body=CONFIRMED.body.rstrip()[:-1] + b',"errors":[{"detail":"too long"}]}')


@pytest.mark.parametrize(
    ("outcome", "known", "reason", "stale"),
    [
        # the attempts are used up: the record is read
        (LOST, {"attempts_left": 0}, "reply_lost", ""),
        (GARBLED, {"attempts_left": 0}, "reply_garbled", ""),
        (sample("server_error"), {"attempts_left": 0}, "server_error", ""),
        (NotSent("refused"), {"attempts_left": 0, "doubt": "reply_lost"}, "reply_lost", ""),
        (sample("throttled"), {"throttles_left": 0, "doubt": "reply_lost"}, "reply_lost", ""),
        (Reply(408, {}), {"throttles_left": 0, "attempts_left": 0}, "timed_out", ""),
        # a 2xx that confirms nothing is never sent again
        (CUT, {}, "reply_garbled", ""),
        (OTHER_ID, {}, "reply_mismatch", ""),
        (Reply(202, {}), {}, "accepted", ""),
        # a final success that shows nothing: only an old value makes it doubtful
        (sample("no_content"), {}, "unverified", "not_taken"),
        (UNSHOWN, {}, "unverified", "not_taken"),
        # one that shows the old value, or errors
        (OLD, {}, "not_taken", ""),
        (ERRORS, {}, "errors_in_success", ""),
        # a refusal says nothing about an earlier attempt
        (sample("forbidden"), {"doubt": "server_error"}, "server_error", ""),
        (sample("validation"), {"doubt": "server_error"}, "server_error", ""),
    ],
)
def test_what_no_reply_can_tell_is_read_back(outcome: Outcome, known: dict[str, Any], reason: str, stale: str) -> None:
    facts: dict[str, Any] = {
        "resource": COMMERCE_LAYER.resource(SAFE.type),
        "attempts_left": 4,
        "throttles_left": 29,
        **known,
    }
    verdict = judge(outcome, Sent(SAFE, SEEN, **facts))
    assert isinstance(verdict, ReadBack)
    assert (verdict.reason, verdict.stale) == (reason, stale)


def test_a_form_that_the_reply_shows_as_stored_is_kept() -> None:
    verdict = judge(DIFFERS, Sent(SAFE, SEEN, COMMERCE_LAYER.resource(SAFE.type), attempts_left=4, throttles_left=29))
    assert isinstance(verdict, Settle)
    assert settled(verdict) == (Status.APPLIED, "echo_differs")
    assert verdict.message == "the reply shows another value: reference"
    assert [edit.stored for edit in verdict.stored] == ["SOMETHING-ELSE"]


def test_another_value_in_a_reply_proves_nothing_where_nobody_has_read_the_old_one() -> None:
    verdict = judge(DIFFERS, sent())
    assert isinstance(verdict, ReadBack)
    assert (verdict.reason, verdict.stored) == ("not_taken", ())


def test_too_early_is_a_refusal_before_any_work_which_an_action_does_not_rely_on() -> None:
    assert judge(Reply(425, {}), sent()) == judge(Reply(425, {}), sent(TAGS)) == SlowDown()
    assert settled(judge(Reply(425, {}), sent(TRIGGER))) == (Status.UNKNOWN, "server_error")


def test_what_cannot_be_seen_in_a_record_is_not_read_back() -> None:
    assert isinstance(judge(LOST, sent(TRIGGER)), Settle)
    assert isinstance(judge(CUT, sent(REFRESH)), Settle)


def test_a_success_that_shows_members_gone_which_were_not_sent_is_applied_and_names_them() -> None:
    made = description(fields={"size": {"type": "object", "merge": "shallow"}})
    of = DescribedResource("things", made, made.resources["things"], {}, "", schema_of(made, {}))
    edit = Edit(("attributes", "size", "a"), 1, 2)
    change = Change({"size": {"a": 2, "b": 1}}, edits=(edit,))
    sent = Sent(UpdateJob(RowRef(1, 2, b""), "things", "7", members={"size": {"a": 2}}), change, of, 0, 0)
    verdict = policy.judge(reply({"id": "7", "size": {"a": 2}}), Meaning.SERVED, sent)
    assert isinstance(verdict, Settle)
    assert (verdict.status, verdict.reason, verdict.fields) == (Status.APPLIED, "values_lost", ("size.b",))
    assert verdict.stored == (edit, Edit(("attributes", "size", "b"), 1, ABSENT))


ASKED = Request("PUT", "/v2/bike/HH%3A1")


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (404, b"", "(PUT /v2/bike/HH%3A1; a read found it: see `path` in the description)"),
        (405, b"", "(PUT /v2/bike/HH%3A1: see `update.method` in the description)"),
        (422, b'{"field": "rev", "message": "tell it"}', "(no column names `rev`: see `precondition` and"),
        (422, b'{"field": "reference", "message": "no"}', ""),
        (423, b"", ""),
    ],
)
def test_a_refusal_that_the_description_may_cause_says_so(status: int, body: bytes, told: str) -> None:
    job = replace(SAFE, columns={("reference",): "reference:str"})
    change = Change({"reference": "b"}, edits=(Edit(("attributes", "reference"), "a", "b"),))
    reply = Reply(status, {"content-type": "application/json"}, body)
    for request, words in ((ASKED, told), (None, "")):
        facts = replace(sent(job), change=change, request=request)
        found = policy.judge(reply, refusal(status), facts)
        settle = found.settle if isinstance(found, HaltRun) else found
        assert isinstance(settle, Settle)
        assert words in settle.message
        assert ("description" in settle.message) == bool(words)


def test_a_record_that_nobody_read_may_be_missing() -> None:
    found = policy.judge(Reply(404, {}), Meaning.NOT_FOUND, replace(sent(), request=ASKED))
    assert isinstance(found, Settle)
    assert found.message.endswith("404 (PUT /v2/bike/HH%3A1)")
