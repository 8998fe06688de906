from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.formats import MAX_RECORD, InputRefused
from jobs.formats.lines import physical_lines

TEXTS = st.text(st.sampled_from('a,"\n\r\u2028\x0b\x85é漢😀'))


class Dribble(BytesIO):
    """A stream that gives a byte at a time, as a slow pipe may."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(1)


def lines(data: bytes, encoding: str = "", newlines: str = "") -> list[str]:
    return list(physical_lines(BytesIO(data), encoding, newlines))  # type: ignore[arg-type]  # one of the two


@given(TEXTS)
def test_no_character_is_lost_or_made_up_at_line_ends(text: str) -> None:
    assert "".join(lines(text.encode())) == text
    assert "".join(lines(text.encode(), newlines="\n")) == text


@given(TEXTS)
def test_lines_do_not_depend_on_how_the_bytes_arrive(text: str) -> None:
    data = text.encode()
    assert list(physical_lines(Dribble(data), "", "")) == lines(data)
    assert list(physical_lines(Dribble(data), "", "\n")) == lines(data, newlines="\n")


@pytest.mark.parametrize(
    ("newlines", "expected"),
    [
        ("", ["a\r\n", "b\r", "c\n", "d"]),  # a sheet: every kind of line end
        ("\n", ["a\r\n", "b\rc\n", "d"]),  # NDJSON: line feeds alone
    ],
)
def test_what_ends_a_line_is_up_to_the_format(newlines: str, expected: list[str]) -> None:
    assert lines(b"a\r\nb\rc\nd", newlines=newlines) == expected


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        ("é\n".encode(), ""),  # UTF-8 without a mark
        ("é\n".encode("utf-8-sig"), ""),  # UTF-8 as Excel writes it
        ("é\n".encode("utf-8-sig"), "utf-8"),  # the flag does not make the mark a character
        ("é\n".encode("utf-16"), ""),  # "Unicode text" of Excel
        (b"\xfe\xff" + "é\n".encode("utf-16-be"), ""),
        (b"\xff\xfe" + "é\n".encode("utf-16-le"), "utf-16-le"),
        ("é\n".encode("utf-32"), ""),
        ("é\n".encode("cp1252"), "cp1252"),
        ("é\n".encode("latin-1"), "ISO-8859-1"),  # any name of a codec
    ],
)
def test_the_mark_or_the_flag_says_the_encoding(data: bytes, encoding: str) -> None:
    assert lines(data, encoding) == ["é\n"]
    assert list(physical_lines(Dribble(data), encoding, "")) == ["é\n"]


@pytest.mark.parametrize(
    ("data", "encoding", "line", "offset"),
    [
        (b"a\nb\xe9c\n", "", 2, 3),  # latin-1 taken for UTF-8
        (b"\xef\xbb\xbfa\n\xff", "", 2, 5),  # offsets count the mark
        (b"a\r\nb\xc3", "", 2, 4),  # cut in the middle of a character
        (b"x" * 70_000 + b"\n\xff", "", 2, 70_001),  # beyond the first piece that is read
        (b"a\n\x81", "cp1252", 2, 2),  # a byte that cp1252 does not have
        ("a\n".encode("utf-16-le") + b"\x00\xd8\x00\x00", "utf-16-le", 2, 4),  # half of a character
    ],
)
def test_bytes_that_are_not_text_are_refused_with_offset_line_and_remedy(
    data: bytes, encoding: str, line: int, offset: int
) -> None:
    for stream in (BytesIO(data), Dribble(data)):
        with pytest.raises(InputRefused) as refused:
            list(physical_lines(stream, encoding, ""))
        assert refused.value.line == line
        assert f"offset {offset} " in str(refused.value)
        assert "--encoding" in str(refused.value)


def test_lines_before_a_bad_byte_are_read_first() -> None:
    read = physical_lines(BytesIO(b"a\nb\n\xff"), "", "")
    assert [next(read), next(read)] == ["a\n", "b\n"]


def test_utf_16_that_does_not_say_its_byte_order_is_refused() -> None:
    with pytest.raises(InputRefused, match="utf-16-le"):
        lines(b"a\x00\n\x00", "utf-16")


@pytest.mark.parametrize("encoding", ["klingon", "hex", "utf-7", "unicode_escape", "idna", "a\0b"])
def test_an_encoding_that_no_file_has_is_refused(encoding: str) -> None:
    with pytest.raises(InputRefused, match="--encoding"):
        lines(b"a\n", encoding)


def test_a_line_without_end_is_cut_and_the_next_one_is_whole() -> None:
    cut, after = lines(b"x" * (MAX_RECORD + 300_000) + b"\nafter\n")
    assert MAX_RECORD < len(cut) < MAX_RECORD + 200_000
    assert after == "after\n"


def test_a_line_of_the_greatest_length_is_whole() -> None:
    assert lines(b"x" * (MAX_RECORD - 1) + b"\ny") == ["x" * (MAX_RECORD - 1) + "\n", "y"]


def test_the_stream_is_left_open() -> None:
    stream = BytesIO(b"a\n")
    list(physical_lines(stream, "", ""))
    assert not stream.closed


def test_long_lines_arrive_whole_however_many_there_are() -> None:
    long = [f"{number}" + "x" * 50_000 + "\n" for number in range(1200)]  # 60 MB, most of them across two pieces
    assert lines("".join(long).encode()) == long
