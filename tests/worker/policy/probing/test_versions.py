"""What tells the version of a record."""

from tests.worker.policy.probing.kit import described, reading
from worker.policy.probing.versions import Moved, moved, version_fact

PLAIN = described("")
OLD = {"id": "1", "title": "a", "rev": 1, "note": "x"}


def test_what_changed_beside_what_was_sent_may_be_a_version() -> None:
    before = reading(PLAIN, OLD, etag='"1"')
    after = reading(PLAIN, {"id": "1", "title": "b", "rev": 2}, etag='"2"')
    assert moved(before, after, ("title",)) == Moved(("etag",), (("rev",),))
    assert moved(before, after, ()).in_words() == "etag, /title, /rev"


def test_without_a_precondition_the_fact_says_what_there_is() -> None:
    fact = version_fact(PLAIN, reading(PLAIN, OLD, etag='"1"'), Moved(), Moved(("etag",), ()))
    assert fact.found == "reads show etag; an update that changes nothing changes none; an update changes etag"
    assert not fact.contradicts


def test_where_nothing_was_sent_nothing_is_said_of_updates() -> None:
    assert version_fact(PLAIN, reading(PLAIN, OLD), None, None).found == "nothing that tells a version"


CONDITIONAL = described(
    'precondition = { headers = { If-Match = "{@ETag}" }, body = { "/rev" = "{/rev}" }, query = { t = "{/at}" } }'
)


def test_a_version_that_is_not_shown_or_does_not_change_contradicts() -> None:
    fact = version_fact(CONDITIONAL, reading(CONDITIONAL, OLD), None, Moved((), ()))
    assert fact.says == "@ETag, /at, /rev"
    assert fact.found == "an update changes none; not shown: @ETag, /at; no update changes /rev"
    assert fact.contradicts


def test_a_version_that_changes_with_an_update_is_one() -> None:
    subject = described('precondition = { headers = { If-Match = "{@ETag}", X-Rev = "{/rev}" } }')
    fact = version_fact(subject, reading(subject, OLD, etag='"1"'), Moved(), Moved(("etag",), (("rev",),)))
    assert not fact.contradicts


def test_before_an_update_nobody_knows_whether_a_version_changes() -> None:
    subject = described('precondition = { headers = { X-Rev = "{/rev}" } }')
    assert not version_fact(subject, reading(subject, OLD), Moved(), None).contradicts


def test_without_a_precondition_what_might_be_one_is_left_to_a_person() -> None:
    shown = reading(PLAIN, OLD, etag='"1"')
    fact = version_fact(
        PLAIN, shown, Moved((), (("rev",),)), Moved(("etag",), (("rev",), ("a", "version"), ("title",)))
    )
    assert [hint.rpartition("precondition = ")[2] for hint in fact.hints] == [
        '{ headers = { If-Match = "{@ETag}" } }',
        '{ body = { "/rev" = "{/rev}" } }',
    ]
    assert version_fact(CONDITIONAL, reading(CONDITIONAL, OLD), None, None).hints == ()
