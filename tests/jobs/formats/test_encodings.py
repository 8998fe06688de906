from io import BytesIO

import pytest

from jobs.formats import InputRefused, read_sheet


def refusal(data: bytes, encoding: str = "") -> str:
    with pytest.raises(InputRefused) as refused:
        list(read_sheet(BytesIO(data), encoding=encoding))
    return str(refused.value)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_zeros_between_the_first_characters_leave_no_doubt(encoding: str) -> None:
    (row,) = read_sheet(BytesIO("id,a\n1,Müller 漢\n".encode(encoding)))
    assert row.cells == ["1", "Müller 漢"]


@pytest.mark.parametrize(
    ("text", "encoding", "word"),
    [
        ("id,a\n1,Herr Müller\n", "cp1252", "Müller"),
        ("id,a\n1,Herr M\x81ller\n", "latin-1", "M\x81ller"),  # which cp1252 does not have
        ("id,a\n1,カタカナの名前\n2,東京\n", "cp932", "カタカナの名前"),
        ("id,a\n1,カタカナの名前\n2,東京\n", "euc_jp", "カタカナの名前"),
        ("id,a\n1,北京市朝阳区\n", "gb18030", "北京市朝阳区"),
        ("id,a\n1,臺北市信義區\n", "big5", "臺北市信義區"),
        ("id,a\n1,서울특별시\n", "euc_kr", "서울특별시"),
        ("id,a\n1,Москва\n", "cp1251", "Москва"),
        ("東京,id\n1,x\n", "utf-16-le", "東京"),
        ("東京,id\n1,x\n", "utf-16-be", "東京"),
    ],
)
def test_a_refusal_names_the_likely_encoding_and_what_it_reads(text: str, encoding: str, word: str) -> None:
    said = refusal(text.encode(encoding))
    assert f"--encoding {encoding} (it reads `{word}` there)" in said


def test_the_encoding_that_was_refused_is_not_advised() -> None:
    said = refusal(b"id,a\n1,\x81\xe9\n", "cp1252")
    assert "--encoding cp1252" not in said
    assert "--encoding" in said


def test_a_word_of_nothing_but_the_byte_is_shown_and_a_long_line_is_cut() -> None:
    assert len(refusal(b"id,a\n1," + b"x" * 5000 + b"\xe9" + b"y" * 5000)) < 300
    assert "é" in refusal(b"id,a\n1, \xe9 \n")


@pytest.mark.parametrize(
    ("start", "says"),
    [
        (b"PK\x03\x04", "--format xlsx"),
        (b"\xd0\xcf\x11\xe0", "an old workbook"),
        (b"\x1f\x8b\x08\x00", "compressed with gzip twice"),
        (b"%PDF-1.7", "a PDF"),
    ],
)
def test_what_is_no_text_at_all_is_named(start: bytes, says: str) -> None:
    assert says in refusal(start + b"\nid\n")
