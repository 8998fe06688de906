"""A server that stores forms of its own: its reply, verify, undo and a second look agree, whatever the form."""

import json
import unicodedata
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.apis.commercelayer.confirmations import read_confirmation
from jobs.changes.diff import after, difference, fields
from jobs.changes.edits import decode, encode, encode_shape, sides
from jobs.changes.equality import same_at
from jobs.changes.inverse import Written, restoring, trails
from jobs.columns import ObjectColumns, Rules
from jobs.model import ABSENT, JSON, UNREAD, Absent, Live, ObjectRow, Reply, RowRef, Unread, UpdateJob
from tests.commerce_layer import update_request
from tests.schemas import SCHEMA, TERMS
from worker.policy.decision import moved_on

TYPE, ID = "customers", "xAyBzCwDvE"
REF = RowRef(1, 2, b"")

Form = Callable[[str], str]
FORMS: list[Form] = [
    str,
    str.strip,
    str.lower,
    str.upper,
    lambda text: unicodedata.normalize("NFC", text),
    lambda text: text.replace("\r\n", "\n"),
    lambda text: text[:3],
    lambda text: "",
]

texts = st.sampled_from(["a", " a ", "A", "Cafe\u0301", "Caf\u00e9", "x\r\ny", "long text", "7", ""])
values: st.SearchStrategy[JSON] = texts | st.sampled_from([7, None, True])
objects = st.dictionaries(st.sampled_from("abc"), values, max_size=3)


def stored(form: Form, value: JSON) -> JSON:
    """What the server makes of a value."""
    if isinstance(value, dict):
        return {key: stored(form, each) for key, each in value.items()}
    return form(value) if isinstance(value, str) else value


class Server:
    """One record, kept in a form."""

    def __init__(self, form: Form, attributes: dict[str, JSON]) -> None:
        self.form = form
        self.attributes = {name: stored(form, value) for name, value in attributes.items()}

    def live(self, job: UpdateJob) -> Live:
        return Live(TYPE, {name: self.attributes[name] for name in fields(job).attributes}, fields=fields(job))

    def patch(self, body: bytes) -> Reply:
        sent = json.loads(body)["data"]["attributes"]
        self.attributes |= {name: stored(self.form, value) for name, value in sent.items()}
        document = {"data": {"type": TYPE, "id": ID, "attributes": self.attributes}}
        return Reply(200, {"content-type": "application/json"}, json.dumps(document).encode())


@given(
    st.sampled_from(FORMS),
    st.fixed_dictionaries({"email": values, "metadata": st.none() | objects}),
    st.fixed_dictionaries({"email": texts}),
    objects.filter(bool),
)
def test_whatever_the_server_makes_of_values_what_it_said_is_what_the_run_wrote(
    form: Form, there: dict[str, JSON], attributes: dict[str, JSON], keys: dict[str, JSON | Absent]
) -> None:
    server = Server(form, there)
    there = dict(server.attributes)
    job = UpdateJob(REF, TYPE, ID, attributes=attributes, members={"metadata": keys})
    before = server.live(job)
    change = difference(job, before, TERMS)
    if change.is_empty:
        return
    reply = server.patch(update_request(job, change, TYPE).body)
    confirmation = read_confirmation(reply, job, change, TYPE)
    assert confirmation is not None
    assert confirmation.unseen == ()
    if confirmation.untaken:
        return  # its form of the new value is the old value: nobody can tell
    shape, content = encode(confirmation.edits)
    edits = decode(encode_shape(shape), content)  # by way of the journal
    live = server.live(job)
    assert bool(confirmation.differs) is (stored(form, change.attributes) != change.attributes)
    assert sides(edits, live, SCHEMA) == {"after"}
    assert difference(job, live, TERMS, earlier=edits).is_empty  # not sent again
    assert after(before, replace(change, edits=edits)).attributes == {
        **before.attributes,
        **_touched(live, change.attributes),
    }
    for trail in trails([Written(1, edits)]):  # verify holds
        assert any(
            same_at(trail.path, each, _at(live, trail.path), SCHEMA)
            for each in trail.held
            if not isinstance(each, Unread)
        )
    found = restoring(TYPE, ID, [Written(1, edits)], SCHEMA)  # undo finds nothing changed, and puts back what was there
    assert found.lost == ()
    back = ObjectColumns(Rules(SCHEMA)).read(ObjectRow(REF, found.members))
    assert isinstance(back, UpdateJob)
    undone = difference(back, server.live(back), TERMS)
    assert moved_on(undone, found.edits, SCHEMA) == ()
    server.patch(update_request(back, undone, TYPE).body)
    assert server.attributes == there


def _touched(live: Live, sent: dict[str, JSON]) -> dict[str, JSON]:
    return {name: value for name, value in live.attributes.items() if name in sent}


def _at(live: Live, path: tuple[str, ...]) -> JSON | Absent:
    value = live.attributes[path[1]]
    if len(path) == 2:
        return value
    return value.get(path[2], ABSENT) if isinstance(value, dict) else ABSENT


@pytest.mark.parametrize("correction", ["Retail", "retail ", "RETAIL"])
def test_a_colleagues_correction_is_not_ours(correction: str) -> None:
    server = Server(str, {"email": "old"})
    job = UpdateJob(REF, TYPE, ID, attributes={"email": "retail"})
    change = difference(job, server.live(job), TERMS)
    confirmation = read_confirmation(server.patch(update_request(job, change, TYPE).body), job, change, TYPE)
    assert confirmation is not None
    assert [edit.stored for edit in confirmation.edits] == [UNREAD]
    server.attributes["email"] = correction
    assert sides(confirmation.edits, server.live(job), SCHEMA) == {"neither"}
    found = restoring(TYPE, ID, [Written(1, confirmation.edits)], SCHEMA)
    back = ObjectColumns(Rules(SCHEMA)).read(ObjectRow(REF, found.members))
    assert isinstance(back, UpdateJob)
    assert moved_on(difference(back, server.live(back), TERMS), found.edits, SCHEMA) != ()  # a conflict
