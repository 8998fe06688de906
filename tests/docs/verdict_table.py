"""The table of `docs/verdicts.md`: what was observed, put before the policy that judges it."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, get_args

from jobs.apis.described.meaning import compiled
from jobs.apis.described.meaning import meaning_of as meaning_by_rules
from jobs.apis.description.model import ErrorPlaces, ErrorRule, Meant
from jobs.changes.diff import as_written
from jobs.model import MaybeSent, NotSent, Outcome, Reply, RowRef, UpdateJob
from jobs.reasons import REASONS
from tests.commerce_layer import COMMERCE_LAYER, meaning_of, update_request
from worker.policy import verdict as policy
from worker.policy.verdict import DecideAnew, HaltRun, ReadBack, Reroute, Retry, Sent, Settle, SlowDown, Verdict

SAFE: Final = UpdateJob(RowRef(1, 2, b""), "stripe_payments", "ZfiCcmIvub", {"reference": "r"})
UNSAFE: Final = UpdateJob(RowRef(1, 2, b""), "orders", "ZfiCcmIvub", {"reference": "r"}, triggers={"_capture": True})
TAGGED: Final = UpdateJob(RowRef(1, 2, b""), "orders", "ZfiCcmIvub", {"reference": "r"}, add_tags=("vip",))
ABSTRACT: Final = UpdateJob(RowRef(1, 2, b""), "transactions", "ZfiCcmIvub", {"reference": "r"})

_JSON: Final = {"content-type": "application/vnd.api+json"}


def _about(job: UpdateJob, changes: Mapping[str, Any] | None = None, **beside: Any) -> Reply:
    document = {"data": {"type": job.type, "id": job.id, "attributes": {"reference": "r"}, **(changes or {})}, **beside}
    return Reply(200, _JSON, json.dumps(document).encode())


def _untagged(job: UpdateJob) -> Reply:
    document = {"data": {"type": job.type, "id": job.id, "relationships": {"tags": {"data": []}}}, "included": []}
    return Reply(200, _JSON, json.dumps(document).encode())


def _refusal(status: int, code: str = "") -> Callable[[UpdateJob], Outcome]:
    reply = Reply(status, _JSON, json.dumps({"errors": [{"code": code}]}).encode())
    return lambda _job: reply


def _always(outcome: Outcome) -> Callable[[UpdateJob], Outcome]:
    return lambda _job: outcome


OBSERVATIONS: Final[tuple[tuple[str, Callable[[UpdateJob], Outcome]], ...]] = (
    ("No connection: name not found, refused, TLS, connect timeout", _always(NotSent("cannot connect"))),
    ("The request left, then the connection broke", _always(MaybeSent("reply_lost", ""))),
    ("The request left, then no reply in time", _always(MaybeSent("timed_out", ""))),
    ("The request left, then something that is not HTTP", _always(MaybeSent("reply_garbled", ""))),
    ("200, JSON, this id and type, same values", _about),
    ("200, a named field has another value", lambda job: _about(job, {"attributes": {"reference": "other"}})),
    ("200, a named field still has its old value", lambda job: _about(job, {"attributes": {"reference": "old"}})),
    ("200, this id and type, without the fields that were sent", lambda job: _about(job, {"attributes": {}})),
    ("200, `errors` beside `data`", lambda job: _about(job, errors=[{"detail": "no"}])),
    ("200, the body broke off", lambda _job: Reply(200, _JSON, b'{"data"', complete=False)),
    ("200, not JSON (a portal, a proxy page)", _always(Reply(200, {"content-type": "text/html"}, b"<html>"))),
    ("200, another id or type", lambda job: _about(job, {"id": "QQQQQQQQQQ"})),
    ("201, created", lambda job: replace(_about(job), status=201)),
    ("202, accepted, whatever the body shows", lambda job: replace(_about(job), status=202)),
    ("204, no content", _always(Reply(204, {}))),
    ("3xx", _always(Reply(307, {"location": "https://elsewhere.example"}))),
    ("400", _refusal(400)),
    ("401 that refuses the token", _refusal(401, "INVALID_TOKEN")),
    ("401 of any other kind, 403", _refusal(403)),
    ("404, 410", _refusal(404)),
    ("405", _refusal(405)),
    ("406, 415", _refusal(415)),
    ("408", _refusal(408)),
    ("409", _refusal(409)),
    ("412 where the record was read", _refusal(412)),
    ("422", _refusal(422)),
    ("423", _refusal(423)),
    ("425", _refusal(425)),
    ("428", _refusal(428)),
    ("429, and any 4xx that names a limit", _refusal(429, "THROTTLED")),
    ("any other 4xx", _refusal(418)),
    ("any 4xx with `Retry-After`", _always(Reply(423, {"retry-after": "1"}))),
    ("5xx", _refusal(502)),
    ("5xx with `Retry-After`, 509, 529", _always(Reply(503, {"retry-after": "1"}))),
)
"""What can be observed, in words and as the transport reports it."""


def rows() -> Iterator[tuple[str, str, str, str]]:
    """Observation, and what becomes of a row that may be repeated, of its last attempt, and of one that may not."""
    for words, outcome in OBSERVATIONS:
        yield (
            words,
            in_words(judge(outcome(SAFE), sent(SAFE))),
            in_words(judge(outcome(SAFE), sent(SAFE, left=0))),
            in_words(judge(outcome(UNSAFE), sent(UNSAFE))),
        )


def special_rows() -> Iterator[tuple[str, str]]:
    """What depends on what was sent rather than on whether it may be repeated."""
    yield "200, but a tag that was to be added is not on the record", in_words(judge(_untagged(TAGGED), sent(TAGGED)))
    yield (
        "404 or 405 for a type that is abstract (`transactions`)",
        in_words(judge(_refusal(404)(ABSTRACT), sent(ABSTRACT, abstract=True))),
    )
    yield (
        "200 after an earlier attempt without a trustworthy reply",
        in_words(judge(_about(SAFE), sent(SAFE, doubt="timed_out"))),
    )
    for status in (422, 403):
        said = in_words(judge(_refusal(status)(SAFE), sent(SAFE, doubt="timed_out")))
        yield f"{status} after such an attempt", said
    yield (
        "No connection, last attempt, after such an attempt",
        in_words(judge(NotSent("cannot connect"), sent(SAFE, left=0, doubt="timed_out"))),
    )


def described_rows() -> Iterator[tuple[str, str, str, str]]:
    """As `rows`, by what only the description of an API can say; the reply is a 400 where nothing else is said."""
    for means in get_args(Meant):
        yield _described(f'`means = "{means}"`', Reply(400, {}), ErrorRule(means=means))
    yield _described("409 without a rule, where updates have a precondition", Reply(409, {}), conditional=True)
    yield _described("200 without a body", Reply(200, {}))


def _described(words: str, reply: Reply, *rules: ErrorRule, conditional: bool = False) -> tuple[str, str, str, str]:
    of_type = compiled(rules, (), ErrorPlaces(), conditional=conditional)

    def verdict(job: UpdateJob, left: int) -> str:
        what = sent(job, left=left)
        request = update_request(job, what.change, what.resource.name)
        return in_words(policy.judge(reply, meaning_by_rules(of_type, request, reply), what))

    return words, verdict(SAFE, 1), verdict(SAFE, 0), verdict(UNSAFE, 1)


def judge(outcome: Outcome, what: Sent) -> Verdict:
    """The verdict, by what the API says that the outcome means."""
    meaning = meaning_of(update_request(what.job, what.change, what.resource.name), outcome)
    return policy.judge(outcome, meaning, what)


def sent(job: UpdateJob, *, left: int = 1, doubt: str = "", abstract: bool = False) -> Sent:
    """A row whose record was read: it held another reference."""
    change = as_written(job)
    change = replace(change, edits=tuple(replace(edit, before="old") for edit in change.edits))
    return Sent(job, change, COMMERCE_LAYER.resource(job.type), left, left, left, doubt=doubt, abstract=abstract)


def in_words(verdict: Verdict) -> str:  # noqa: PLR0911  # a line a verdict
    match verdict:
        case Settle():
            return f"`{verdict.status}`" + (f" `{verdict.reason}`" if verdict.reason else "")
        case ReadBack(reason, stale=stale):
            proven = f": `{REASONS[verdict.proven].status}` `{verdict.proven}`" if verdict.refused else ""
            told = f"its record is read{proven}; else `{REASONS[reason].status}` `{reason}`"
            return told + (f", with an old value `{REASONS[stale].status}` `{stale}`" if stale else "")
        case Retry(doubt):
            return "sent again after a backoff" + (", in doubt" if doubt else "")
        case SlowDown(doubt):
            return "everybody waits, then sent again" + (", in doubt" if doubt else "")
        case DecideAnew():
            return "the record is read again, and the row decided anew"
        case Reroute():
            return "sent again by its concrete type"
        case HaltRun(_, settle):
            return "the run stops; " + (in_words(settle) if settle else "the row stays `pending`")
    return "token renewed once for all, then sent again"
