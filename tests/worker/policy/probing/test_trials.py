"""The probe finds what the server does, whatever that is, and leaves the record as it was."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.worker.policy.probing.oracle import RECORD, Oracle, Semantics, probed
from worker.policy.probing.plan import Wanted

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
        assert held.conversation.left == ([] if can_remove(semantics) else ["no_such_member"])
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
