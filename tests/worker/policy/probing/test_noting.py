"""What was found stands in the description, and every change is told."""

from jobs.apis.description.loading import load
from jobs.apis.description.model import Description
from jobs.toml.writing import as_toml
from worker.policy.probing.facts import Fact, Note
from worker.policy.probing.noting import NOT_TESTED, hints_of, noted, tried_in

TEXT = """
name = "desk"
verified = "docs 2026-11"
[auth]
type = "none"
[resources.things]
path = "/things/{id}"
fields."/a.b" = { merge = "deep" }
"""


def after(*notes: Note) -> tuple[Description, tuple[str, ...]]:
    facts = [Fact("x", "", "", "", contradicts=True, notes=notes)]
    description, changed = noted(load(TEXT, "desk.toml"), facts, "probe 2026-12-01 things")
    return load(as_toml(description), "new.toml"), changed


def test_a_new_key_and_a_changed_one_are_told() -> None:
    place = ("resources", "things")
    found, changed = after(Note((*place, "record"), "/data"), Note((*place, "update", "send"), "record"))
    things = found.resources["things"]
    assert (things.record, things.update.send, found.verified) == ("/data", "record", "probe 2026-12-01 things")
    assert changed == (
        "resources.things.record: (not said) -> '/data'",
        "resources.things.update.send: (not said) -> 'record'",
        "verified: 'docs 2026-11' -> 'probe 2026-12-01 things'",
    )


def test_a_field_keeps_the_spelling_that_the_description_has() -> None:
    place = ("resources", "things", "fields")
    found, changed = after(Note((*place, "/a.b", "merge"), "shallow"), Note((*place, "new", "clear"), "empty"))
    fields = found.resources["things"].fields
    assert (fields["/a.b"].merge, fields["new"].clear) == ("shallow", "empty")
    assert changed[0] == "resources.things.fields./a.b.merge: 'deep' -> 'shallow'"


def test_the_last_note_about_a_place_counts() -> None:
    place = ("resources", "things", "settle_s")
    found, changed = after(Note(place, 3.0), Note(place, 5.0))
    assert (found.resources["things"].settle_s, len(changed)) == (5.0, 2)


def test_no_probe_stands_behind_a_description_whose_write_was_refused() -> None:
    facts = [Fact("write note", "can be written", f"{NOT_TESTED}: 422: no", "reply", contradicts=True)]
    found, changed = noted(load(TEXT, "desk.toml"), facts, "probe 2026-12-01 things")
    assert (found.verified, changed) == ("docs 2026-11", ())


def test_what_is_found_of_a_type_that_is_not_listed_stands_at_the_star() -> None:
    uniform = load(TEXT.replace("resources.things", 'resources."*"').replace("/things/", "/{type}/"), "uniform.toml")
    place = ("resources", "cars")
    notes = (Note((*place, "settle_s"), 9.0), Note((*place, "fields", "a", "clear"), "empty"))
    description, changed = noted(uniform, [Fact("x", "", "", "", contradicts=True, notes=notes)], "probe")
    star = description.resources["*"]
    assert (star.settle_s, star.fields["a"].clear, set(description.resources)) == (9.0, "empty", {"*"})
    assert changed[0] == "resources.*.settle_s: (not said) -> 9.0"


def test_what_was_tried_is_named_and_what_was_not_is_left_to_a_person() -> None:
    facts = [
        Fact("read", "", "works: 200", ""),
        Fact("record", "", "at /bike", ""),
        Fact("no-op", "", "accepted: 200", ""),
    ]
    assert tried_in(facts) == ("read", "no-op")
    assert [hint.partition(" show")[0] for hint in hints_of(facts)] == [
        "not tried: --field and --value",
        "not tried: --unknown-field",
    ]


def test_a_test_that_found_nothing_out_is_none() -> None:
    refused = Fact("write note", "can be written", f"{NOT_TESTED}: 422", "")
    facts = [Fact("no-op", "", "not tried: no text", ""), refused, Fact("unknown member x", "", "refused: 422", "")]
    assert tried_in(facts) == ("unknown member",)


def test_what_a_person_has_to_decide_comes_first() -> None:
    facts = [Fact("write note", "", "taken", "", hints=("decide",)), Fact("unknown member x", "", "refused", "")]
    assert hints_of(facts) == ("decide",)
    assert tried_in(facts) == ("write note", "unknown member")


def test_a_write_that_is_not_taken_stands_behind_nothing() -> None:
    ignored = Fact(
        "write mileage", "int", "not taken: 200, and reads show the old value for 10 s", "", contradicts=True
    )
    as_said = Fact("write rev", "read only", "not taken: 200, and reads show the old value for 10 s", "")
    assert tried_in([ignored, as_said]) == ("write rev",)
