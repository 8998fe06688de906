"""The program's decision and the oracle's, asked the same questions."""

import hashlib
import json
from itertools import product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.agreement.model import Agreed, Sealed
from jobs.agreement.table import Comparison, Decision, FieldState, decide
from jobs.model import UNREAD
from tests.system.nights.oracle import NOTHING, Clearing, Field, Memory, Rule, Ruling, Table, Told

RULES: tuple[Rule, ...] = ("report", "overwrite", "keep")
CLEARINGS: tuple[Clearing, ...] = (None, "empty", "gone")
FEW = ["a", "A", None]
TEXTS = ["a", "A", "b", " b", "c"]
VALUES: st.SearchStrategy[Any] = st.sampled_from([*TEXTS, None])
KNOWN = VALUES | st.just(NOTHING)


def folded(one: Any, other: Any) -> bool:
    """Compare as a type does that trims and folds case; an empty field is one with an empty text."""
    return (one or "").strip().casefold() == (other or "").strip().casefold()


def exact(one: Any, other: Any) -> bool:
    """Compare as most types do."""
    return bool(one == other)


def digest(value: Any) -> Sealed:
    """Stand for the memory's HMAC."""
    return Sealed(hashlib.sha256(json.dumps(value).encode()).hexdigest()[:8])


def program_form(known: Any) -> Any:
    """Write what the oracle knows as the program does."""
    return UNREAD if known is NOTHING else known


TOLD_AS = {
    Told.UNCHANGED: ("stand", None),
    Told.UNSEEN: ("leave", None),
    Told.EMPTY: ("leave", "blank"),
    Told.STORED_OTHERWISE: ("leave", "differs"),
    Told.SENT: ("send", None),
    Told.SENT_OVER: ("send", "overwritten"),
    Told.DRIFTED: ("leave", "drifted"),
    Told.KEPT: ("leave", "kept"),
    Told.UNDONE: ("leave", "undone"),
    Told.CONFLICT: ("leave", "both_changed"),
    Told.NOT_OURS: ("leave", "not_ours"),
    Told.GONE: ("leave", "gone"),
}


@st.composite
def memories(draw: st.DrawFn) -> Memory:
    """Any memory, also of the kinds that a night cannot leave."""
    return Memory(draw(KNOWN), draw(KNOWN), draw(KNOWN), draw(KNOWN), is_undone=draw(st.booleans()))


@st.composite
def fields(draw: st.DrawFn) -> Field:
    """A field of any sheet, record, memory and rule; a clearing always wants an empty field."""
    clearing = draw(st.sampled_from([None, None, *CLEARINGS]))
    sheet = None if clearing else draw(VALUES)
    return Field(sheet, draw(KNOWN), draw(memories()), draw(st.sampled_from(RULES)), clearing)


def asked(field: Field, *, same: Any, is_sealed: bool) -> tuple[Decision, Ruling]:
    """Return the program's decision and the oracle's ruling about a field."""
    memory = field.memory
    known = (memory.agreed, memory.stored, memory.doubt, memory.before)
    if is_sealed:
        known = tuple(each if each is NOTHING else digest(each) for each in known)  # type: ignore[assignment]
    theirs = Agreed(*map(program_form, known), is_undone=memory.is_undone)
    state = FieldState(field.sheet, program_form(field.live), theirs, field.drift, field.clearing)
    decision = decide(state, Comparison(same, digest, is_sealed))
    table = Table(same)
    if is_sealed:
        table = Table(same, digest, lambda form, value: bool(form == digest(value)))
    ours = Field(field.sheet, field.live, Memory(*known, is_undone=memory.is_undone), field.drift, field.clearing)
    return decision, table.rule(ours)


def difference(decision: Decision, ruling: Ruling) -> str:
    """Return what the two do not agree on; empty if they do."""
    memory = ruling.memory
    agreed = Agreed(
        *map(program_form, (memory.agreed, memory.stored, memory.doubt, memory.before)), is_undone=memory.is_undone
    )
    step, kind = TOLD_AS[ruling.told]
    found = []
    if decision.step != step:
        found.append(f"step {decision.step}, not {step}")
    if decision.kind != kind:
        found.append(f"kind {decision.kind}, not {kind}")
    if decision.memory != agreed:
        found.append(f"memory {decision.memory}, not {agreed}")
    return "; ".join(found) and f"{ruling.line}: {'; '.join(found)}"


def test_they_agree_on_every_case_of_three_values() -> None:
    found = [
        difference(*asked(Field(sheet, live, Memory(*memory), drift, clearing), same=same, is_sealed=is_sealed))
        for same, is_sealed in product([exact, folded], [False, True])
        for clearing in CLEARINGS
        for sheet in (FEW if clearing is None else [None])
        for live, *memory in product([*FEW, NOTHING], repeat=5)
        for drift in RULES
    ]
    assert len(found) == 61_440
    assert set(found) == {""}


@settings(max_examples=500)
@given(fields(), st.sampled_from([exact, folded]), st.booleans())
def test_the_program_decides_as_the_table_says(field: Field, same: Any, is_sealed: bool) -> None:
    assert difference(*asked(field, same=same, is_sealed=is_sealed)) == ""
