"""Declared limits: what counts together, what passes a gate, and by which value."""

import pytest

from jobs.apis.limits import CREDENTIAL, PATH, RECORD, Counted, DeclaredLimit, DeclaredLimits, declared

ALL = DeclaredLimit(rates=((100, 60.0),))
READS = DeclaredLimit(on="read", rates=((50, 10.0),))
UPDATES = DeclaredLimit(on="update", rates=((20, 10.0),))
NONE = DeclaredLimit()
BASE = DeclaredLimit("{base}", rates=((5, 1.0),))


def test_a_limit_on_all_makes_reads_and_updates_count_together_and_the_others_gates() -> None:
    found = declared([ALL, UPDATES, READS, BASE])
    assert (found.together, found.reads, found.updates) == (True, ALL, ALL)
    assert found.gates == (UPDATES, READS, BASE)


def test_limits_on_reads_and_updates_alone_leave_them_apart() -> None:
    found = declared([UPDATES, BASE, READS])
    assert (found.together, found.reads, found.updates, found.gates) == (False, READS, UPDATES, (BASE,))


@pytest.mark.parametrize("limit", [READS, UPDATES])
def test_a_limit_on_one_kind_leaves_them_apart_and_the_other_kind_without(limit: DeclaredLimit) -> None:
    found = declared([limit])
    assert not found.together
    assert {found.reads, found.updates} == {limit, DeclaredLimit(on="update" if limit is READS else "read")}


@pytest.mark.parametrize("limits", [[], [BASE]])
def test_without_a_limit_of_the_credential_they_count_together_as_most_servers_do(limits: list[DeclaredLimit]) -> None:
    found = declared(limits)
    assert (found.together, found.reads, found.updates, found.gates) == (True, NONE, NONE, tuple(limits))


def test_limits_on_the_same_requests_are_one() -> None:
    more = DeclaredLimit(rates=((10, 1.0),), in_flight=5), DeclaredLimit(in_flight=3), ALL
    assert declared([ALL, *more]).reads == DeclaredLimit(rates=((100, 60.0), (10, 1.0)), in_flight=3)


def test_a_limit_on_one_type_is_a_gate_though_it_is_the_credentials() -> None:
    own = DeclaredLimit(type="tickets", rates=((9, 1.0),))
    assert declared([ALL, own]).gates == (own,)


def test_what_a_refusal_can_be_about_is_a_gate_even_without_a_limit() -> None:
    found = declared([BASE], [CREDENTIAL, RECORD, "{base}"])
    assert found.gates == (BASE, DeclaredLimit(RECORD))


@pytest.mark.parametrize(
    ("limit", "key", "reads", "value"),
    [
        (ALL, "a", True, ""),
        (DeclaredLimit(type="tickets"), "a", True, ""),
        (DeclaredLimit(type="users"), "a", True, None),
        (READS, "a", True, ""),
        (READS, "a", False, None),
        (UPDATES, "a", True, None),
        (UPDATES, "a", False, ""),
        (DeclaredLimit(PATH), "a", True, "read tickets"),
        (DeclaredLimit(PATH), "a", False, "update tickets"),
        (DeclaredLimit(RECORD), "a", False, "tickets a"),
        (DeclaredLimit(RECORD), "", True, None),  # it is being looked up
        (BASE, "a", True, "app1"),
        (DeclaredLimit("{team}"), "a", True, None),
    ],
)
def test_a_request_is_counted_by_what_the_limit_is_about(
    limit: DeclaredLimit, key: str, value: str | None, *, reads: bool
) -> None:
    assert limit.value("tickets", key, {"base": "app1"}, reads=reads) == value


def test_a_request_passes_the_gates_that_count_it() -> None:
    limits = declared([ALL, READS, BASE, DeclaredLimit(RECORD, "update")])
    assert limits.places("tickets", "a", {"base": "b"}, reads=True) == ((0, ""), (1, "b"))
    assert limits.places("tickets", "a", {"base": "b"}, reads=False) == ((1, "b"), (2, "tickets a"))
    assert DeclaredLimits().places("tickets", "a", {}, reads=False) == ()


@pytest.mark.parametrize("on", ["all", "read", "update"])
def test_where_two_limits_hold_a_rate_counts_once(on: Counted) -> None:
    limit = DeclaredLimit(on=on, rates=((5, 1.0),))
    assert limit & limit == limit
