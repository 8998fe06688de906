import json
from hashlib import blake2b
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.formats import MAX_RECORD, InputRefused, read_objects
from jobs.model import JSON, ObjectRow, Unsendable


def read(text: str) -> list[ObjectRow | Unsendable]:
    return list(read_objects(BytesIO(text.encode())))


def test_a_line_is_an_object_with_its_members_in_order() -> None:
    (row,) = read('{"id": "a", "z": 1, "b": null}\n')
    assert isinstance(row, ObjectRow)
    assert list(row.members.items()) == [("id", "a"), ("z", 1), ("b", None)]


def test_a_row_is_known_by_number_line_and_content() -> None:
    first, second = read('\ufeff{"id":"a"}\r\n\n \t\r\n{"id":"b"}')
    assert (first.ref.row, first.ref.line, second.ref.row, second.ref.line) == (1, 1, 2, 4)
    assert first.ref.digest == blake2b(b'{"id":"a"}', digest_size=8).digest()


@pytest.mark.parametrize(
    ("line", "reason", "says"),
    [
        ('{"id": "a"', "bad_json", "line 2, character 11: expecting"),
        ('{"id": "a", "id": "b"}', "bad_json", 'the name "id" stands twice'),
        ('{"id": NaN}', "bad_json", "NaN"),
        ('{"id": "\\ud800"}', "bad_json", "character 9"),
        ('{"a": 1e400}', "number_not_exact", "1e400"),
        ("[]", "bad_shape", "not an object"),
        ('"a"', "bad_shape", "not an object"),
        ("null", "bad_shape", "not an object"),
    ],
)
def test_a_broken_line_is_its_own_problem_alone(line: str, reason: str, says: str) -> None:
    good, broken, last = read('{"id":"a"}\n' + line + '\n{"id":"b"}\n')
    assert isinstance(broken, Unsendable)
    assert isinstance(good, ObjectRow)
    assert broken.reason == reason
    assert says in broken.message
    assert broken.cell == line
    assert (broken.ref.row, broken.ref.line, last.ref.row, last.ref.line) == (2, 2, 3, 3)


def test_a_broken_line_is_quoted_shortened() -> None:
    (broken,) = read("x" * 200)
    assert isinstance(broken, Unsendable)
    assert broken.cell == "x" * 79 + "…"


def test_a_line_over_16_mib_is_skipped() -> None:
    long, good = read('{"id":"' + "x" * (MAX_RECORD + 200_000) + '"}\n{"id":"b"}\n')
    assert isinstance(long, Unsendable)
    assert (long.reason, len(long.cell)) == ("record_too_long", 80)
    assert isinstance(good, ObjectRow)


def test_bytes_that_are_not_text_refuse_the_input() -> None:
    with pytest.raises(InputRefused, match="--encoding") as refused:
        list(read_objects(BytesIO(b'{"id":"a"}\n{"id":"\xe9"}\n')))
    assert refused.value.line == 2


def test_the_encoding_can_be_said() -> None:
    (row,) = read_objects(BytesIO('{"id":"é"}'.encode("latin-1")), encoding="latin-1")
    assert isinstance(row, ObjectRow)
    assert row.members == {"id": "é"}


def test_broken_lines_are_rows_too_and_blank_ones_are_not() -> None:
    found = read_objects(BytesIO(b'{"id":"a"}\n\nnonsense\n[]\n'))
    assert [(each.ref.row, each.ref.line) for each in found] == [(1, 1), (2, 3), (3, 4)]


@given(
    st.lists(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.integers() | st.text("a\u2028\r")))
)
def test_any_objects_arrive_exactly(objects: list[dict[str, JSON]]) -> None:
    text = "\n".join(json.dumps(each, ensure_ascii=False) for each in objects)
    assert [row.members for row in read(text) if isinstance(row, ObjectRow)] == objects
