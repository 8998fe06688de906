"""A JSON array is read as NDJSON is: element by element, as strictly, in constant memory."""

import json
import tracemalloc
from collections.abc import Iterator
from io import BytesIO, RawIOBase
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.formats import MAX_RECORD, InputRefused, Keys, read_objects
from jobs.model import JSON, ObjectRow, Unsendable

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text('ab"\\[]{},'), inner),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text('ab"\\[]{},: '), VALUES, max_size=4)
SPACE = st.text(" \t\r\n", max_size=3)


def read(text: str) -> list[ObjectRow | Unsendable]:
    return list(read_objects(BytesIO(text.encode())))


def refusal(data: bytes) -> InputRefused:
    with pytest.raises(InputRefused) as refused:
        list(read_objects(BytesIO(data)))
    return refused.value


def test_elements_are_rows_with_their_lines() -> None:
    first, second, third = read('\n[\n {"id": "a", "x": [1, {"y": "]"}]},\n\n{"id":"b"}\n, {\n"id":"c"}]\n')
    assert isinstance(first, ObjectRow)
    assert first.members == {"id": "a", "x": [1, {"y": "]"}]}
    assert [(each.ref.row, each.ref.line) for each in (first, second, third)] == [(1, 3), (2, 5), (3, 6)]


def test_a_row_has_the_digest_that_it_has_on_a_line_of_its_own() -> None:
    (alone,), (row,) = read('{"id":"a"}\n'), read('[ {"id":"a"} ]')
    assert alone.ref.digest == row.ref.digest


@pytest.mark.parametrize(
    ("element", "reason", "says"),
    [
        ('{"id": x}', "bad_json", "line 2, character 8: expecting value"),
        ('{"id": "a", "id": "b"}', "bad_json", 'the name "id" stands twice'),
        ('{"id": NaN}', "bad_json", "NaN"),
        ('{"id": "a"} {"id": "b"}', "bad_json", "extra data"),
        ('{"a": 1e400}', "number_not_exact", "1e400"),
        ("[1, [2]]", "bad_shape", "not an object"),
        ('"a, ]"', "bad_shape", "not an object"),
        ("null", "bad_shape", "not an object"),
    ],
)
def test_a_broken_element_is_its_own_problem_alone(element: str, reason: str, says: str) -> None:
    good, broken, last = read('[{"id":"a"},\n' + element + ',\n{"id":"b"}]')
    assert isinstance(broken, Unsendable)
    assert isinstance(good, ObjectRow)
    assert isinstance(last, ObjectRow)
    assert (broken.reason, broken.ref.row, broken.ref.line) == (reason, 2, 2)
    assert says in broken.message


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ('[{"id":"a"},\n{"id":"b"', 2, "has no end"),
        ('[{"id":"a"},\n{"id":"b}]', 2, "has no end"),
        ('[{"id":"a"}', 1, "has no end"),
        ('[{"id":[1}]', 1, "has no end"),
        ("[", 1, "has no end"),
        ('[{"id":"a"},\n]', 2, "a comma"),
        ('[,{"id":"a"}]', 1, "a comma"),
        ('[{"id":"a"},,{"id":"b"}]', 1, "a comma"),
        ('[{"id":"a"}}]', 1, "closes what nothing opened"),
        ('[{"id":"a"}]\n\n[{"id":"b"}]', 3, "follows the end of the array"),
        ('["id","a"]\n["b","c"]\n', 2, "follows the end of the array"),
    ],
)
def test_an_array_that_is_not_whole_is_refused_with_the_line(text: str, line: int, says: str) -> None:
    refused = refusal(text.encode())
    assert refused.line == line
    assert says in refused.message


def test_an_empty_array_has_no_rows() -> None:
    assert read(" [ ] \n") == []


def test_bytes_that_are_not_text_refuse_an_array() -> None:
    refused = refusal(b'[{"id":"a"},\n{"id":"\xe9"}]')
    assert refused.line == 2
    assert "--encoding" in refused.message


def test_an_array_may_come_in_any_encoding_that_lines_may_come_in() -> None:
    (row,) = read_objects(BytesIO('[{"id":"é"}]'.encode("utf-16")))
    assert isinstance(row, ObjectRow)
    assert row.members == {"id": "é"}


@given(st.lists(OBJECTS), SPACE, SPACE, st.sampled_from([None, 1]))
def test_any_objects_arrive_exactly(
    objects: list[dict[str, JSON]], before: str, after: str, indent: int | None
) -> None:
    text = json.dumps(objects, ensure_ascii=False, indent=indent)
    rows = read(f"{before}{text}{after}")
    assert [row.members for row in rows if isinstance(row, ObjectRow)] == objects
    assert [row.ref.row for row in rows] == list(range(1, len(objects) + 1))


@given(st.text('[]{},:"\\a1 \n', max_size=40))
def test_an_array_is_read_as_its_parser_reads_it_or_not_at_all(inner: str) -> None:
    """Never another number of rows: what is refused is refused, and the rest is as it would be in one piece."""
    text = f"[{inner}]"
    try:
        rows = read(text)
    except InputRefused:
        rows = None
    try:
        whole = json.loads(text)
    except ValueError:
        assert rows is None or not rows or any(isinstance(row, Unsendable) for row in rows)
    else:
        assert rows is not None
        assert len(rows) == len(whole)


class _Endless(RawIOBase):
    """A stream of one array on one line, without ever having it whole."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def read(self, _size: int = -1) -> bytes:
        return next(self._pieces, b"")


def _array(elements: int) -> Iterator[bytes]:
    yield b"["
    for number in range(elements):
        yield b'{"id":"%d","metadata.note":"%s"},' % (number, b"x" * 500)
    yield b'{"id":"last"}]'


def test_memory_does_not_grow_with_an_array_of_one_line() -> None:
    peaks = []
    for elements in (2_000, 20_000):
        tracemalloc.start()
        stream = cast("BytesIO", _Endless(_array(elements)))
        assert sum(1 for _ in read_objects(stream)) == elements + 1
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.5


def test_a_long_element_is_read_once_and_one_that_is_too_long_is_refused() -> None:
    long = '[{"id":"' + "x" * (MAX_RECORD + 10) + '"},{"id":"b"}]'
    first, second = read(long)
    assert isinstance(first, Unsendable)
    assert (first.reason, second.ref.row) == ("record_too_long", 2)
    endless = refusal(b'[{"id":"a"},\n{"id":"' + b"x" * (3 * MAX_RECORD))
    assert (endless.line, "16 MiB" in endless.message) == (2, True)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ('\n{\n "id": "a"\n}\n{\n "id": "b"\n}\n', 2, "spread over several lines"),
        ('{"data": [\n{"id": "a"}\n]}\n', 1, "jq -c '.data[]'"),
        ('{"id":"a"}{"id":"b"}\n', 1, "side by side"),
        ('{"id":"a"} {"id":"b"}\n', 1, "side by side"),
        ("id,reference\na,b\n", 1, "looks like CSV (id,reference): say --format csv"),
        ('"id";"a"\n', 1, "looks like CSV"),
        ("\n<!DOCTYPE html>\n<html>", 2, "HTML"),
    ],
)
def test_an_input_of_another_form_is_refused_once_with_the_way_out(text: str, line: int, says: str) -> None:
    refused = refusal(text.encode())
    assert refused.line == line
    assert says in refused.message


def test_a_sheet_is_known_by_the_columns_that_name_records() -> None:
    text = BytesIO(b"number,title\n7,x\n")
    with pytest.raises(InputRefused, match="looks like CSV"):
        list(read_objects(text, keys=Keys(("number",))))


@pytest.mark.parametrize(
    "text",
    [
        '{"id": "a"\n{"id": "b"}\n',  # a first line that is broken is one row
        '"a"\n{"id": "b"}\n',
        '{"id": "a"} x\n{"id": "b"}\n',
        "nonsense, id\n" + '{"id": "b"}\n',
        '{"a":' * 3000 + "\n" + '{"id": "b"}\n',
    ],
)
def test_a_broken_first_line_is_no_other_form(text: str) -> None:
    broken, good = read(text)
    assert isinstance(broken, Unsendable)
    assert isinstance(good, ObjectRow)


def test_white_space_before_the_first_record_may_be_long() -> None:
    assert len(read("\n" * (1 << 17) + '[{"id":"a"}]')) == 1
