"""The probe finds what the server does, whatever that is, and leaves the record as it was."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.apis.meanings import Meaning
from jobs.model import Edit, NotSent, Reply, Request
from tests.worker.policy.probing.kit import answered, described, reply
from tests.worker.policy.probing.oracle import PLAIN, RECORD, Oracle, Semantics, probed, subject_of
from worker.policy.probing.facts import Fact, Note
from worker.policy.probing.plan import Wanted, planned
from worker.policy.probing.steps import Amend, Answered, Broken, Conclude, Propose, Read, Write
from worker.policy.probing.trials import Conversation, conversation

NOTHING = Fact("", "", "", "")
WANTED = Wanted("title", "meta.deep.x", "made up", "no_such_member")

SEMANTICS = st.builds(
    Semantics,
    record=st.sampled_from(["patch", "put"]),
    merge=st.sampled_from(["replace", "shallow", "deep"]),
    null=st.sampled_from(["removes", "stores", "refuses", "ignores"]),
    empty=st.sampled_from(["stores", "removes", "refuses"]),
    unknown=st.sampled_from(["refuse", "drop", "store"]),
    echo=st.sampled_from(["whole", "part", "none", "text"]),
    form=st.sampled_from(["as sent", "upper"]),
    noop=st.sampled_from(["ok", "stamps"]),
    etag=st.booleans(),
    lag=st.sampled_from([0.0, 0.0, 0.5, 0.9]),
)


def values_of(record: object) -> object:
    """A record without its time stamp, and without what is null: nobody can tell that from nothing."""
    if not isinstance(record, dict):
        return record
    return {n: values_of(each) for n, each in record.items() if each is not None and n != "updated_at"}


def clears(way: str, semantics: Semantics) -> bool:
    if way == "omit":
        return semantics.merge != "deep"
    if way == "empty":
        return semantics.empty != "refuses"
    if semantics.null == "ignores":
        return semantics.merge != "deep"
    return semantics.null != "refuses"


def can_remove(semantics: Semantics) -> bool:
    if semantics.unknown != "store":
        return True
    return semantics.null in {"removes", "stores"} or semantics.empty == "removes"


@settings(max_examples=300, deadline=None)
@given(SEMANTICS)
def test_the_probe_finds_what_the_server_is_and_puts_everything_back(semantics: Semantics) -> None:
    oracle = Oracle(semantics)
    held = probed(oracle, WANTED)
    facts = held.facts
    assert held.conversation.is_complete
    is_put = semantics.record == "put"
    if not is_put:
        assert held.conversation.left != can_remove(semantics)
    found = values_of(oracle.record)
    assert isinstance(found, dict)
    if held.conversation.left:
        del found["no_such_member"]
    assert found == values_of(dict(RECORD))
    told = facts["other members"]
    assert ("gone" in told.found) == is_put == told.contradicts
    if not is_put:
        assert facts["merge meta"].found.startswith(semantics.merge)
        assert facts["merge meta"].contradicts == (semantics.merge != "replace")
        for way in ("null", "empty", "omit"):
            assert facts[f"clear meta.deep.x by {way}"].found.startswith("works") == clears(way, semantics), way
        assert facts["clear meta.deep.x by null"].contradicts == (not clears("null", semantics))
    assert ("another form" in facts["write meta.deep.x"].found) == (semantics.form == "upper")
    assert facts["lag"].found.startswith("none") == (semantics.lag == 0.0)
    assert not facts["lag"].contradicts
    is_unknown = {"refuse": "refused", "drop": "silently dropped", "store": "stored"}
    assert facts["unknown member no_such_member"].found.startswith(is_unknown[semantics.unknown])
    echoes = {"whole": "the whole record", "part": "a part", "none": "nothing", "text": "no JSON"}
    assert echoes[semantics.echo] in facts["echo"].found
    changes = {"ok": "changes nothing", "stamps": "changes"}
    assert changes[semantics.noop] in facts["no-op"].found or is_put


# ---- other forms of updates


FORMS = {
    "merge patch": ('update = { format = "merge_patch" }', Semantics(), "deep: members", ["null", "empty"]),
    "form": ('update = { method = "POST", format = "form" }', Semantics(empty="removes"), "deep: members", ["empty"]),
    "json patch": ('update = { format = "json_patch" }', Semantics(merge="replace"), "", ["null"]),
    "the whole record": (
        'update = { method = "PUT", send = "record" }',
        Semantics(record="put", merge="replace"),
        "",
        ["null", "empty", "omit"],
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_updates_can_be_probed(form: str) -> None:
    text, semantics, merge, ways = FORMS[form]
    oracle = Oracle(semantics)
    held = probed(oracle, Wanted("title", "meta.deep.x", "made up", "no_such_member"), described(text))
    assert values_of(oracle.record) == values_of(dict(RECORD))
    assert held.facts.get("merge meta", NOTHING).found.startswith(merge)
    assert [name.rpartition(" ")[2] for name in held.facts if name.startswith("clear")] == ways
    assert not held.facts["other members"].contradicts


def test_an_object_as_a_whole_shows_how_it_is_merged() -> None:
    for way in ("replace", "shallow", "deep"):
        oracle = Oracle(Semantics(merge=way))
        held = probed(oracle, Wanted("title", "meta", {"a": "9", "deep": {"x": "9"}}))
        assert held.facts["merge meta"].found.startswith(way)
        assert values_of(oracle.record) == values_of(dict(RECORD))


def test_a_plain_value_is_written_and_put_back_and_nothing_is_cleared() -> None:
    oracle = Oracle(Semantics())
    held = probed(oracle, Wanted("title", "note", "made up"))
    assert values_of(oracle.record) == values_of(dict(RECORD))
    assert not [name for name in held.facts if name.startswith(("clear", "merge"))]


@pytest.mark.parametrize(
    ("text", "semantics"),
    [
        ("", Semantics()),
        ("", Semantics(merge="replace", null="stores")),
        ('fields.meta = { merge = "shallow" }', Semantics(merge="shallow")),
        ('update = { method = "POST", format = "form" }', Semantics(merge="shallow", empty="removes")),
        ('update = { format = "json_patch" }', Semantics(merge="replace")),
    ],
)
def test_a_value_that_was_not_there_is_cleared_again(text: str, semantics: Semantics) -> None:
    oracle = Oracle(semantics)
    held = probed(oracle, Wanted("title", "meta.new", "made up"), described(text))
    assert values_of(oracle.record) == values_of(dict(RECORD))
    assert not held.conversation.left


# ---- what goes wrong


def test_a_record_without_plain_fields_has_nothing_to_send_back() -> None:
    held = probed(Oracle(Semantics()), Wanted("", unknown="no_such_member"))
    assert held.facts["no-op"].found.startswith("not tried")
    assert held.facts["unknown member no_such_member"].found.startswith("not tried")
    assert not any(isinstance(step, Write) for step in held.steps)


@pytest.mark.parametrize(
    ("rules", "told", "contradicts"),
    [
        ("", "refused: 400: nothing changed; taken for bad request", True),
        ('error_rules = [{ status = [400], means = "unchanged" }]', "refused: 400: nothing changed", False),
    ],
)
def test_a_no_op_that_is_an_error_is_found(rules: str, told: str, contradicts: bool) -> None:
    held = probed(Oracle(Semantics(noop="error")), Wanted("title", unknown="no_such_member"), described(rules))
    fact = held.facts["no-op"]
    assert (fact.found, fact.contradicts, fact.says) == (told, contradicts, "an error" if rules else "")
    assert held.results[1] in {"bad_request", "refused"}


@pytest.mark.parametrize(
    ("field", "fact"),
    [
        ("", ("can be written", "refused, so not tested: 403: not yours", True)),
        ("fields.note = { read_only = true }", ("read only", "refused: 403: not yours", False)),
    ],
)
def test_a_write_that_is_refused_leaves_nothing_to_put_back(field: str, fact: tuple[str, str, bool]) -> None:
    oracle = Oracle(Semantics(writable=False))
    held = probed(oracle, Wanted("title", "note", "made up"), described(field))
    found = held.facts["write note"]
    assert (found.says, found.found, found.contradicts) == fact
    assert (held.results[3], held.results[4]) == ("not_authorized", "not_tried")


@pytest.mark.parametrize(("field", "contradicts"), [("", True), ("fields.note = { read_only = true }", False)])
def test_a_value_that_is_dropped_is_found_and_the_old_one_sent_again(field: str, contradicts: bool) -> None:
    oracle = Oracle(Semantics(form="drop"))
    held = probed(oracle, Wanted("title", "note", "made up"), described(field))
    fact = held.facts["write note"]
    assert fact.found == "not taken: 200, and reads show the old value for 10 s"
    assert (fact.contradicts, held.results[3]) == (contradicts, "not_taken")
    assert json.loads(oracle.writes[-1]) == {"note": "kept"}


def test_a_read_only_field_that_is_taken_contradicts() -> None:
    held = probed(
        Oracle(Semantics()), Wanted("title", "note", "made up"), described("fields.note = { read_only = true }")
    )
    assert held.facts["write note"].contradicts


def test_reads_that_lag_longer_than_said_contradict() -> None:
    oracle = Oracle(Semantics(lag=4.0))
    held = probed(oracle, Wanted("title", "note", "made up"))
    fact = held.facts["lag"]
    assert fact.contradicts
    assert fact.notes[0].value in {8.0, 9.0, 10.0, 11.0}
    assert oracle.record["note"] == "kept"


def test_lost_replies_are_settled_by_reading() -> None:
    oracle = Oracle(Semantics(loses=True))
    held = probed(oracle, Wanted("title", "note", "made up", "no_such_member"))
    assert values_of(oracle.record) == values_of(dict(RECORD))
    assert held.results == {1: "read_back", 2: "not_tried", 3: "read_back", 4: "", 5: "read_back", 6: ""}
    assert "echo" not in held.facts


def test_what_can_not_be_put_back_is_said_and_nothing_more_is_tried() -> None:
    oracle = Oracle(Semantics(null="refuses", empty="refuses"))
    held = probed(oracle, Wanted("title", "meta.new", "made up"))
    assert held.conversation.left
    fact = held.facts["put back"]
    assert fact.found == "NOT put back: meta; the last reply: 422: empty: no (at empty)" or fact.contradicts
    assert held.results[4] == "not_taken"


def test_a_member_that_stays_is_said_to_stay() -> None:
    oracle = Oracle(Semantics(null="refuses", empty="refuses"))
    held = probed(oracle, Wanted("title", unknown="no_such_member"))
    assert held.facts["unknown member no_such_member"].found == "stored; it could not be removed"
    assert held.conversation.left


def test_a_member_that_stays_null_is_said_to_be_null() -> None:
    held = probed(Oracle(Semantics(null="stores")), Wanted("title", unknown="no_such_member"))
    assert held.facts["unknown member no_such_member"].found == "stored; null now, since it could not be removed"
    assert not held.conversation.left


RECORD_SENT = PLAIN + 'update = { method = "PUT", send = "record" }\n'
PATCHED = PLAIN + 'update = { format = "merge_patch" }\n'


@pytest.mark.parametrize(("text", "said"), [(PLAIN, True), (RECORD_SENT, False), (PATCHED, False)])
def test_before_a_member_is_sent_that_may_stay_null_that_is_said(text: str, said: bool) -> None:
    held = probed(Oracle(Semantics()), Wanted("title", unknown="no_such_member"), subject_of(text))
    asked = [each.lines[0] for each in held.steps if isinstance(each, Propose)]
    assert ["null may stay in its place for good" in each for each in asked] == [False, said]


def test_a_member_that_was_not_there_is_left_out_of_a_record_that_is_sent_as_a_whole() -> None:
    oracle = Oracle(Semantics(record="put", null="stores"))
    held = probed(oracle, Wanted("title", unknown="no_such_member"), subject_of(RECORD_SENT))
    assert held.facts["unknown member no_such_member"].found == "stored; removed again"
    assert "no_such_member" not in oracle.record


def test_a_member_that_the_api_takes_for_another_one_is_found_out_and_put_back() -> None:
    oracle = Oracle(Semantics(unknown="guess"))
    held = probed(oracle, Wanted("price", unknown="Title"))
    told = "taken for title, which was put back: a misspelt column may change it"
    assert held.facts["unknown member Title"].found == told
    assert oracle.record["title"] == RECORD["title"]
    assert not held.conversation.left
    amended = next(each for each in reversed(held.steps) if isinstance(each, Amend))
    assert Edit(("attributes", "title"), RECORD["title"], "rowpatch-probe") in amended.edits


def test_a_way_to_clear_that_does_not_work_is_replaced_by_one_that_does() -> None:
    held = probed(Oracle(Semantics(null="refuses", merge="deep")), Wanted("title", "meta.a", "made up"))
    fact = held.facts["clear meta.a by null"]
    assert fact.contradicts
    assert fact.notes == (Note(("resources", "things", "fields", "meta.a", "clear"), "never"),)
    assert fact.hints == ('fields."meta.a": an empty text is taken; if it means cleared, write clear = "empty"',)


def test_a_way_that_takes_the_member_away_needs_no_decision() -> None:
    held = probed(Oracle(Semantics(null="refuses", merge="replace")), Wanted("title", "meta.a", "made up"))
    fact = held.facts["clear meta.a by null"]
    assert (fact.notes[0].value, fact.hints) == ("omit", ())


def test_a_refusal_that_is_met_says_where_errors_stand() -> None:
    held = probed(Oracle(Semantics(null="refuses", merge="deep")), Wanted("title", "meta.a", "made up"))
    assert held.facts["errors"].notes[0] == Note(("errors", "items"), ["/errors"])


def test_where_no_way_clears_nothing_is_noted() -> None:
    semantics = Semantics(null="refuses", empty="refuses", merge="deep")
    held = probed(Oracle(semantics), Wanted("title", "meta.a", "made up"))
    assert held.facts["clear meta.a by null"].notes == ()


def test_a_field_that_can_never_be_cleared_is_not() -> None:
    subject = described('fields."meta.a" = { clear = "never" }')
    held = probed(Oracle(Semantics()), Wanted("title", "meta.a", "made up"), subject)
    assert not [name for name in held.facts if name.startswith("clear")]


def test_an_object_without_other_members_tells_nothing_of_merging() -> None:
    oracle = Oracle(Semantics(), record={**RECORD, "meta": {"a": "1"}})
    held = probed(oracle, Wanted("title", "meta.a", "made up"))
    assert held.facts["merge meta"].found == "not seen: the object has no other members"
    assert not held.facts["merge meta"].contradicts


def test_a_write_that_never_left_is_no_write() -> None:
    talk = begun(Oracle(Semantics()))
    run = talk.run()
    run.send(None)
    run.send(True)
    assert isinstance(run.send(answered(NotSent("refused"), Meaning.UNSENT)), Conclude)
    run.send(None)
    assert talk.facts[0].found == "refused: refused; taken for unsent"


# ---- the user's no, and an interrupt


@pytest.mark.parametrize("yes", range(6))
def test_a_no_ends_it_with_what_was_found_so_far_and_nothing_to_put_back(yes: int) -> None:
    oracle = Oracle(Semantics())
    held = probed(oracle, WANTED, yes=yes)
    assert values_of(oracle.record) == values_of(dict(RECORD))
    assert held.conversation.is_complete == (yes >= 6)
    assert sum(isinstance(step, Propose) for step in held.steps) == yes + 1
    assert set(held.results) == set(range(1, 13)) or yes == 5


@pytest.mark.parametrize("waits", range(12))
def test_an_interrupt_at_any_moment_still_puts_the_old_value_back(waits: int) -> None:
    oracle = Oracle(Semantics(lag=2.0))
    held = probed(oracle, Wanted("title", "note", "made up"), waits=waits)
    assert oracle.record["note"] == "kept"
    assert not held.conversation.left


def test_each_write_says_what_it_sends_and_what_it_cannot_take_back() -> None:
    held = probed(Oracle(Semantics()), Wanted("title", "note", "made up"))
    lines = [step.lines for step in held.steps if isinstance(step, Propose)]
    assert [first for first, _ in lines] == [
        'Send back what is there: PATCH /things/1 {"title":"old"}',
        'Write a made-up value, and put the old one back: PATCH /things/1 {"note":"made up"}',
    ]
    assert all("cannot be taken back: time stamps" in second for _, second in lines)


# ---- the journal


def test_an_intent_holds_what_the_record_may_become() -> None:
    held = probed(Oracle(Semantics()), Wanted("title", "meta.a", "made up"))
    write = next(step for step in held.steps if isinstance(step, Write) and step.row == 3)
    old = RECORD["meta"]
    assert write.edits == (Edit(("attributes", "meta"), old, {**old, "a": "made up"}, {"a": "made up"}),)


def test_what_is_lost_is_recorded_before_it_is_put_back() -> None:
    held = probed(Oracle(Semantics(record="put")), Wanted("title", "note", "made up"))
    amended = [step for step in held.steps if isinstance(step, Amend)]
    lost = {edit.path[1] for edit in amended[0].edits}
    assert lost == {"title", "price", "note", "meta"}


# ---- nothing more can be sent


def until_broken(talk: Conversation, number: int) -> None:
    """Answer so many requests of a conversation, and then none."""
    run, answers = talk.run(), 0
    answer: object = None
    while True:
        step = run.send(answer)
        answer = True
        if isinstance(step, Read | Write):
            answers += 1
            answer = replied(talk, step.request) if answers <= number else None


@pytest.mark.parametrize("number", range(7))
def test_an_end_of_all_sending_breaks_the_conversation(number: int) -> None:
    talk = begun(Oracle(Semantics()))
    with pytest.raises(Broken, match="nothing more could be sent"):
        until_broken(talk, number)
    assert "version" in {fact.name for fact in talk.facts}


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        (answered(Reply(404, {}), Meaning.NOT_FOUND), "it answered 404"),
        (answered(NotSent("refused"), Meaning.UNSENT), "refused"),
    ],
)
def test_a_record_that_is_gone_breaks_the_conversation(outcome: Answered, told: str) -> None:
    talk = begun(Oracle(Semantics()))
    run = talk.run()
    assert isinstance(run.send(None), Propose)
    write = run.send(True)
    assert isinstance(write, Write)
    assert isinstance(run.send(replied(talk, write.request)), Read)
    with pytest.raises(Broken, match=f"can no longer be read: {told}"):
        run.send(outcome)


ORACLES: dict[int, Oracle] = {}


def begun(oracle: Oracle) -> Conversation:
    subject = subject_of()
    first = subject.reading(reply(dict(RECORD)), 0.0)
    assert first is not None
    wanted = Wanted("title", "note", "made up")
    talk = conversation(subject, first, wanted, planned(subject, first, wanted))
    ORACLES[id(talk)] = oracle
    return talk


def replied(talk: Conversation, request: Request) -> Answered:
    oracle = ORACLES[id(talk)]
    outcome = oracle.answer(request)
    return Answered(outcome, talk.channel.subject.api.meaning(request, outcome), oracle.at, oracle.at)


def test_nothing_is_written_unguarded_under_a_description_that_promises_a_guard() -> None:
    subject = described('precondition = { body = { "/rev" = "{/revision}" } }')
    held = probed(Oracle(Semantics()), WANTED, subject)
    assert not any(isinstance(step, Write) for step in held.steps)
    assert (
        held.facts["no-op"].found
        == "not tried: a read does not show /revision, so that an update would go out unguarded"
    )
    assert held.facts["version"].contradicts
