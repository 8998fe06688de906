"""In which turn rows are sent: records that were left longest go first, and rows of one record stay together."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from worker.policy.turns import LAST, in_turns, turns_of


def order(turns: bytes | bytearray, rows: int, wanted: frozenset[int] | None = None) -> list[int]:
    """Return the numbers of the rows as they are taken."""
    every = range(1, rows + 1)
    return [row for due in in_turns(turns, (wanted or frozenset(every)).__contains__) for row in every if due(row)]


def test_without_turns_the_wanted_rows_are_taken_in_one() -> None:
    assert order(b"", 4, frozenset({2, 4})) == [2, 4]


def test_what_no_night_dealt_with_goes_first_and_then_what_was_dealt_with_longest_ago() -> None:
    dealt = [(1, 7), (2, 9), (3, 0), (4, 3), (5, 8)]  # night 3 came before the last that ended well
    turns = turns_of(6, dealt, [7, 9])
    assert list(turns) == [1, 2, 0, 0, 1, 0]
    assert order(turns, 6) == [3, 4, 6, 1, 5, 2]
    assert order(turns, 6, frozenset({1, 2, 3})) == [3, 1, 2]


def test_of_very_many_nights_the_latest_are_told_apart() -> None:
    nights = range(1, 2 * LAST)
    assert list(turns_of(3, [(1, 1), (2, nights[-2]), (3, nights[-1])], nights)) == [0, LAST - 1, LAST]


@given(st.lists(st.sampled_from("abcd"), max_size=20), st.dictionaries(st.sampled_from("abcd"), st.integers(0, 9)))
def test_every_row_is_taken_once_and_a_record_is_sent_by_its_age_and_in_file_order(
    records: list[str], dealt: dict[str, int]
) -> None:
    nights = [2, 5, 6]
    turns = turns_of(len(records), ((row, dealt.get(each, 0)) for row, each in enumerate(records, 1)), nights)
    taken = order(turns, len(records))
    assert sorted(taken) == list(range(1, len(records) + 1))
    for one, next_ in pairwise(taken):
        ages = [sum(night <= dealt.get(records[row - 1], 0) for night in nights) for row in (one, next_)]
        assert ages[0] < ages[1] or (ages[0] == ages[1] and one < next_)
