"""The life of a row is its table, and nothing steps outside it."""

from collections import deque
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.policy.lifecycle import TRANSITIONS, Event, Recovery, RowHistory, State, mermaid, recover, step

FINAL = (State.SETTLED, State.LEFT)


@given(st.lists(st.sampled_from(Event), max_size=30))
def test_a_walk_follows_the_table_or_is_refused(events: list[Event]) -> None:
    state = State.QUEUED
    for event in events:
        if (state, event) not in TRANSITIONS:
            with pytest.raises(KeyError):
                step(state, event)
            return
        before, state = state, step(state, event)
        assert before not in FINAL
        if state is State.INTENDED:
            assert (before, event) == (State.ADMITTED, Event.INTEND)


@pytest.mark.parametrize(("state", "event"), list(product(FINAL, Event)))
def test_settled_and_left_are_final(state: State, event: Event) -> None:
    with pytest.raises(KeyError):
        step(state, event)


def test_a_request_is_only_sent_after_a_slot_and_a_durable_intent() -> None:
    ways = [(source, event) for (source, event), target in TRANSITIONS.items() if target is State.INTENDED]
    assert ways == [(State.ADMITTED, Event.INTEND)]


def test_every_state_is_reached_and_every_one_leads_to_an_end() -> None:
    assert reachable(State.QUEUED) == set(State)
    assert all(reachable(state) & set(FINAL) for state in State)


def test_the_end_of_the_run_finds_a_way_out_of_every_state_but_the_final_ones() -> None:
    assert {state for state in State if (state, Event.STOP) in TRANSITIONS} == set(State) - set(FINAL)


def reachable(start: State) -> set[State]:
    found, queue = {start}, deque([start])
    while queue:
        state = queue.popleft()
        new = {target for (source, _), target in TRANSITIONS.items() if source is state} - found
        found |= new
        queue.extend(new)
    return found


@pytest.mark.parametrize(
    ("history", "replay_safe", "recovery"),
    [
        (RowHistory(), True, Recovery.SEND),  # never touched
        (RowHistory(), False, Recovery.SEND),
        (RowHistory(settled=True), True, Recovery.SKIP),  # done
        (RowHistory(settled=True), False, Recovery.SKIP),
        (RowHistory(settled=True, doubtful=True), True, Recovery.SKIP),  # the result came after all
        (RowHistory(settled=True, doubtful=True), False, Recovery.SKIP),
        (RowHistory(settled=True, redo=True), True, Recovery.SEND),  # asked for again
        (RowHistory(settled=True, redo=True), False, Recovery.SEND),
        (RowHistory(settled=True, redo=True, doubtful=True), True, Recovery.RESEND),  # killed while it was redone
        (RowHistory(settled=True, redo=True, doubtful=True), False, Recovery.READ_BACK),
        (RowHistory(doubtful=True), True, Recovery.RESEND),  # killed while its request was out
        (RowHistory(doubtful=True), False, Recovery.READ_BACK),  # a trigger is never sent twice
        (RowHistory(doubtful=True, confirmed=True), True, Recovery.READ_BACK),  # a success that no read has shown
        (RowHistory(settled=True, redo=True, doubtful=True, confirmed=True), True, Recovery.READ_BACK),
    ],
)
def test_a_later_process_sends_again_only_what_is_safe(
    history: RowHistory, replay_safe: bool, recovery: Recovery
) -> None:
    assert recover(history, replay_safe=replay_safe) is recovery


@pytest.mark.parametrize("confirmed", [False, True])
def test_with_the_users_consent_every_doubtful_row_is_sent_again(confirmed: bool) -> None:
    history = RowHistory(doubtful=True, confirmed=confirmed)
    assert recover(history, replay_safe=False, resend_unknown=True) is Recovery.RESEND


def test_the_diagram_shows_every_transition() -> None:
    lines = mermaid().splitlines()
    assert lines[:2] == ["stateDiagram-v2", "    [*] --> queued"]
    assert len(lines) == len(TRANSITIONS) + 4
    assert "    admitted --> intended: intend" in lines
