"""Every detector with what it must find, and with what is so near to it that it must not."""

import pytest

from jobs.damage import WARNINGS, Column, Examination, Role, Sign, cause_of, fault_of
from jobs.damage.kinds import kind_of
from jobs.model import RowRef
from jobs.reasons import REASONS

CODES = ["MAR7", "SEPT2", "A-17", "B-18", "C-19", "D-20", "E-21", "F-22", "G-23", "H-24", "I-25", "K-26"]
PRICES = ["12.50", "3.99", "100.00", "8.25", "1.10", "7.77", "20.00", "5.05", "6.60", "9.99"]
IDS = ["ZfiCcmIvub", "YJNOHFdSXy", "wnrdaHbacF", "bjzvwhOffp", "XqqLFfXuNC", "KeWWDHAiUH"]
NUMBERS = [str(each) for each in range(100, 130)]


def signs(cells: list[str], role: Role = "text", label: str = "reference") -> list[Sign]:
    examination = Examination([Column(label, role, 0)], ten_letter_ids=True)
    refs = [RowRef(row, row + 1, b"") for row, _ in enumerate(cells, 1)]
    examination.see_rows(refs, [[cell] for cell in cells])
    return examination.signs()


def codes(cells: list[str], role: Role = "text", label: str = "reference") -> dict[str, int]:
    return {sign.code: sign.count for sign in signs(cells, role, label)}


@pytest.mark.parametrize(
    ("code", "count", "cells", "role", "label"),
    [
        # some codes kept their zeros, some did not
        ("leading_zeros_lost", 2, ["00123", "00124", "01000", "125", "7"], "text", "reference"),
        # none kept them, but the name says that the width is fixed
        ("leading_zeros_lost", 1, ["10115", "80331", "20095", "50667", "70173", "1067"], "text", "metadata.zip"),
        ("scientific_notation", 1, ["1.23457E+15", "A-1"], "text", "reference"),  # a long number
        ("scientific_notation", 1, ["1,23457E+15", "A-1"], "id", "id"),  # in a spreadsheet with decimal commas
        ("scientific_notation", 1, ["1E+10", "12E5x"], "untyped", "metadata.code"),  # the code 1E10
        ("scientific_notation", 1, ["1.23457E+15", "1"], "number", "metadata.n:float"),  # a number all the same
        ("scientific_notation", 1, ["99998", "99999", "1e+05", "100001"], "untyped", "metadata.order_no"),  # R
        ("scientific_notation", 2, ["9.4001118992231e+21", "9.205590164917313e+21"], "untyped", "metadata.a"),  # pandas
        ("scientific_notation", 1, ["1.23456789012346E+019", "A-1"], "text", "reference"),  # LibreOffice
        ("scientific_notation", 2, ["1.0E10", "1.2345678E7", "17"], "text", "reference"),  # Java
        ("scientific_notation", 2, ["3e3", "60150001022e3", "60150001023"], "text", "reference"),  # among numbers
        # 19 digits of which four are zeros: once in ten thousand
        ("digits_lost", 1, ["1234567890123450000", "17"], "text", "reference"),
        # 16 digits, all of which end in a zero
        ("digits_lost", 4, [f"4{each}3141592653580" for each in range(11, 15)], "text", "reference"),
        ("whole_number_as_decimal", 2, ["10045.0", "", "100000.0"], "untyped", "metadata.order_no"),  # pandas, a gap
        ("whole_number_as_decimal", 1, ["10045.0", "nan"], "text", "reference"),
        ("rounding_noise", 1, ["0.30000000000000004", "1.5"], "untyped", "metadata.weight"),
        ("rounding_noise", 2, ["19.989999999999998", "11004293.000000002"], "number", "metadata.weight:float"),
        ("date_for_code", 1, [*CODES, "1-Mar"], "text", "reference"),  # MAR1, as Excel shows it
        ("date_for_code", 1, [*CODES, "Mar-24"], "untyped", "metadata.lot"),  # MAR24
        ("date_for_code", 1, [*CODES, "01. Mrz"], "text", "reference"),  # the German Excel
        ("date_for_code", 1, [*CODES, "2026-03-01 00:00:00"], "text", "reference"),  # as pandas writes it
        ("date_for_code", 1, [*CODES, "01.03.2026"], "text", "reference"),
        ("date_for_code", 1, [*CODES, "3/1/2026"], "text", "reference"),
        ("no_such_date", 1, ["28.02.2026", "31.02.2026", "01.03.2026"], "untyped", "metadata.due"),
        ("no_such_date", 1, ["2026-02-30T10:00:00Z"], "date", "expires_at"),
        ("no_such_date", 1, ["0000-00-00"], "text", "reference"),  # as MySQL has it
        ("no_such_date", 1, ["2/29/25", "2/29/24"], "text", "reference"),  # no leap year
        ("no_such_date", 1, ["13/13/2026", "13/12/2026", "12/13/2026"], "text", "reference"),  # in either order
        ("spreadsheet_error", 2, ["#N/A", "#REF!", "a"], "text", "reference"),
        ("formula_text", 1, ["=VLOOKUP(A2,B:C,2)", "a"], "text", "reference"),
        ("formula_text", 1, ["=SVERWEIS(A2;B:C;2)", "a"], "text", "reference"),  # in German
        ("formula_text", 2, ["=A1", "=1+1"], "text", "reference"),
        ("formula_text", 2, ['="00123"', '="00124"', "A-1"], "untyped", "metadata.code"),  # an export for Excel
        ("formula_text", 1, ['="a ""quoted"" word"'], "text", "reference"),
        ("guarded_cell", 3, ["'007", "'+49 171 1234567", "'=1+1", "A-1"], "text", "reference"),
        ("guarded_cell", 1, ["'2026-03-01'"], "text", "reference"),
        ("null_word", 3, ["NULL", "nan", "None", "a"], "text", "reference"),
        ("foreign_boolean", 2, ["WAHR", "FALSCH", "true"], "untyped", "metadata.reviewed"),
        ("boolean_as_text", 2, ["TRUE", "FALSE"], "untyped", "metadata.reviewed"),
        ("decimal_comma", 1, [*PRICES, "12,50"], "untyped", "metadata.price"),
        ("decimal_comma", 1, [*PRICES, "1.234,50"], "untyped", "metadata.price"),
        ("currency_sign", 1, [*PRICES, "€12.50"], "untyped", "metadata.price"),
        ("currency_sign", 1, [*PRICES, "12.50 EUR"], "untyped", "metadata.price"),
        ("thousands_separator", 1, ["950", "800", "700", "1,200"], "untyped", "metadata.amount"),
        (
            "thousands_separator",
            4,
            ["950.50", "1,234,567.50", "1.234.567", "1 200", "1'200"],
            "text",
            "metadata.amount",
        ),
        ("percent_sign", 1, ["0.5", "0.8", "0.7", "12%"], "untyped", "metadata.amount"),
        ("percent_sign", 2, ["5", "12,5 %", "12%"], "untyped", "metadata.amount"),
        ("mixed_types", 1, [*NUMBERS, "tbd"], "text", "metadata.weight"),
        ("mixed_types", 1, [*NUMBERS, "12 kg"], "text", "metadata.weight"),
        ("mojibake", 1, ["MÃ¼ller"], "text", "reference"),  # ü, read as cp1252
        ("mojibake", 1, ["donâ€™t"], "text", "reference"),  # a curly quote
        ("mojibake", 2, ["Gr├╝n", "caf├®"], "text", "reference"),  # at a DOS prompt
        ("mojibake", 2, ["Gr√ºn", "caf√©"], "text", "reference"),  # on an old Mac
        ("mojibake", 1, ["caf\ufffd"], "text", "reference"),  # what cannot be told any more
        ("mojibake", 1, ["ÐŸÑ€Ð¸Ð²ÐµÑ‚"], "text", "reference"),  # Cyrillic
        ("mojibake", 1, ["ðŸ˜€"], "text", "reference"),  # an emoji
        ("mojibake", 1, ["Ã¼"], "other", "metadata:json"),
        ("invisible_character", 1, ["ABC\u200b-1"], "text", "reference"),  # a zero-width space
        ("invisible_character", 1, ["\ufeffABC-1"], "text", "reference"),  # a byte-order mark inside
        ("invisible_character", 1, ["12\u00a0345"], "text", "reference"),  # a non-breaking space in a number
        ("invisible_character", 1, ["ABC\u200d1"], "text", "reference"),  # a joiner in a code
        ("invisible_character", 1, ["abc\u202edef"], "text", "reference"),  # text turned around
        (
            "invisible_character",
            2,
            ["\u200d+49171", "\u2062=1+1"],
            "text",
            "reference",
        ),  # in the place of an apostrophe
        ("invisible_character", 1, ["\ufe0f-5 kg"], "text", "reference"),
        ("invisible_character", 1, ["ZfiCcmIvu\u200b"], "id", "id"),
        ("typographic_character", 1, ["“ZfiCcmIvub”"], "id", "id"),
        ("typographic_character", 1, ["ZfiCc–mIvub"], "link", "order"),
        ("spaces_around", 4, [" a", "b ", "\tc", "d\n"], "text", "reference"),
        ("spaces_around", 1, [" "], "text", "reference"),  # nothing else
        ("spaces_around", 1, ["a\u00a0"], "text", "reference"),
        ("spaces_around", 2, ["\x0ba", "b\x0c"], "text", "reference"),
        ("id_unusual", 1, [*IDS, "12345"], "id", "id"),
        ("id_case_lost", 6, [each.lower() for each in IDS], "id", "id"),
        ("id_case_lost", 6, [each.upper() for each in IDS], "id", "id"),
    ],
)
def test_damage_is_found(code: str, count: int, cells: list[str], role: Role, label: str) -> None:
    found = codes(cells, role, label)
    assert found.get(code) == count, found


@pytest.mark.parametrize(
    ("code", "cells", "role", "label"),
    [
        ("leading_zeros_lost", ["007", "008", "42", "1234"], "text", "reference"),  # longer ones: no fixed width
        ("leading_zeros_lost", ["0301234", "01711234567", "0891", "12"], "text", "reference"),  # telephone numbers
        ("leading_zeros_lost", ["007", "1", "2"], "text", "reference"),  # one is no pattern
        ("leading_zeros_lost", [str(each) for each in range(1, 1000)], "text", "reference"),  # a counter
        ("leading_zeros_lost", [str(each) for each in range(1, 1000)], "text", "metadata.zip"),  # short codes
        ("leading_zeros_lost", ["10115", "80331", "20095", "50667", "D-1067", "A-4020"], "text", "metadata.zip"),
        ("leading_zeros_lost", ["10115", "80331", "20095", "50667", "70173", "17"], "text", "metadata.zip"),  # far off
        ("leading_zeros_lost", ["00123", "00124", "125"], "number", "metadata.n:int"),  # numbers need none
        ("leading_zeros_lost", ["00123", "00124", "-12"], "text", "reference"),
        ("scientific_notation", ["1E10", "12E5", "E+10"], "text", "reference"),  # codes: no sheet writes these
        ("scientific_notation", ["3e3", "12E5", "A17"], "text", "reference"),  # codes
        ("scientific_notation", ["3e3"], "text", "reference"),  # alone
        ("scientific_notation", ["5.3e-05", "1.0E-7", "0.1"], "untyped", "metadata.ratio"),  # small, and whole
        ("scientific_notation", ["1e+05", "1.5e3"], "number", "metadata.n:float"),  # as good as any number
        ("scientific_notation", ["1.5E+10"], "other", "metadata:json"),
        ("whole_number_as_decimal", ["10045.0", "3.5"], "untyped", "metadata.price"),
        ("whole_number_as_decimal", ["10045.0", "A-1"], "text", "reference"),
        ("whole_number_as_decimal", ["10.0"], "number", "metadata.n:float"),
        ("whole_number_as_decimal", ["12.00", "3.00"], "untyped", "metadata.price"),  # two digits: money
        ("rounding_noise", ["0.12345678901234567", "3.3333333333333335", "100000000000000.5"], "untyped", "metadata.a"),
        ("no_such_date", ["29.02.2024", "31.12.2026", "12/31/2026", "31/12/26", "2024-02-29"], "text", "reference"),
        ("guarded_cell", ["'t Hooft", "'s-Hertogenbosch", "'90s", "'abc'", "''"], "text", "reference"),
        ("thousands_separator", ["1,200", "12,500"], "untyped", "metadata.weight"),  # all of them: fractions, perhaps
        ("thousands_separator", ["12,5", "1,200", "3"], "untyped", "metadata.weight"),  # fractions
        ("thousands_separator", ["1,200", "a", "b", "5", "c"], "text", "reference"),
        ("percent_sign", ["12%", "5%"], "untyped", "metadata.share"),  # all of them
        ("percent_sign", ["12%", "5", "a", "b", "c"], "text", "reference"),
        ("digits_lost", ["4111111111111110", "4222222222222221"], "text", "reference"),  # one ends in a zero by chance
        ("digits_lost", [f"4{each}3141592653580" for each in range(11, 14)], "text", "reference"),  # three by chance
        ("digits_lost", ["5000000000000000000"], "text", "reference"),  # a round number
        ("digits_lost", ["1234567890123456789"], "text", "reference"),
        ("digits_lost", ["123456789012345"], "text", "reference"),  # 15 digits are safe
        ("date_for_code", ["2026-03-01", "2026-03-02"], "text", "reference"),  # a column of dates
        ("date_for_code", ["Mar-24", "Apr-24", "May-24"], "untyped", "metadata.period"),  # a column of months
        ("date_for_code", [*CODES, "2026-03-01"], "untyped", "metadata.shipped_at"),  # its name says so
        ("date_for_code", [*CODES, "1-Mar"], "date", "expires_at"),  # the API's type says so
        (
            "date_for_code",
            ["call back", "not at home", "on 1 March", "moved away", "1-Mar"],
            "text",
            "reference",
        ),  # prose
        ("date_for_code", ["A-17", "2026-03-01"], "text", "reference"),  # too few to tell
        ("date_for_code", [*CODES, "31-12"], "text", "reference"),  # a range
        ("spreadsheet_error", ["#NA", "N/A", "#1"], "text", "reference"),
        ("spreadsheet_error", ["#N/A"], "id", "id"),  # refused, not warned of
        ("formula_text", ["= equal", "=)", "==", "abc=", "=foo bar"], "text", "reference"),
        ("null_word", ["None of these", "NULLA", "Nancy", "n/a"], "text", "reference"),
        ("foreign_boolean", ["FALSO", "Firenze", "Roma", "Torino"], "text", "reference"),  # a name among names
        ("boolean_as_text", ["TRUE", "FALSE", "maybe"], "untyped", "metadata.reviewed"),
        ("boolean_as_text", ["TRUE", "FALSE"], "text", "metadata.reviewed:str"),  # text is meant
        ("decimal_comma", ["12,50", "3,99"], "untyped", "metadata.price"),  # all of them: text as it is wanted
        ("decimal_comma", ["1,2", "a", "b", "3.4", "c", "d"], "text", "reference"),  # no column of numbers
        ("currency_sign", ["€12.50", "€3.99"], "untyped", "metadata.price"),  # all of them
        ("currency_sign", ["$1", "5", "a", "b", "c"], "text", "reference"),
        ("mixed_types", [*NUMBERS, "A12"], "text", "reference"),  # codes of digits and letters
        ("mixed_types", [*NUMBERS[:10], "tbd"], "text", "metadata.weight"),  # too few to tell
        ("mixed_types", [*NUMBERS, "tbd"], "number", "metadata.n:int"),  # refused, not warned of
        (
            "mojibake",
            ["São Paulo", "NÃO", "Ângela", "Ñandú", "ÄÖÜ", "«PALMÃ»", "„Ä“", "20 °C", "naïve ’tis"],
            "text",
            "a",
        ),
        ("mojibake", ["├─ a", "├┤", "┬┐", "√π", "√2"], "text", "reference"),  # frames and roots
        ("mojibake", ["Ã¼"], "number", "metadata.n:int"),
        ("invisible_character", ["Bonjour\u00a0!", "12\u202f€ l’un", "می\u200cخواهم", "👩\u200d💻"], "text", "a"),
        ("invisible_character", ["\u200fשלום\u200f"], "text", "reference"),  # a mark of right-to-left text
        ("invisible_character", ["a\nb\tc"], "text", "reference"),
        ("typographic_character", ["it’s – fine"], "text", "reference"),  # prose
        ("spaces_around", ["a b", "c\nd"], "text", "reference"),
        ("spaces_around", [" a"], "number", "metadata.n:int"),  # refused, not warned of
        ("id_unusual", IDS, "id", "id"),
        ("id_unusual", ["12345"], "text", "reference"),
        ("id_case_lost", ["abcdefghij", "klmnopqrst"], "id", "id"),  # too few to tell
        ("id_case_lost", [*(each.lower() for each in IDS), "ABCDEFGHIJ"], "id", "id"),
        ("id_case_lost", IDS, "id", "id"),
    ],
)
def test_what_only_looks_like_damage_is_left_alone(code: str, cells: list[str], role: Role, label: str) -> None:
    assert code not in codes(cells, role, label)


def test_every_code_is_found_by_some_test_or_is_about_rows_or_headers() -> None:
    (mark,) = test_damage_is_found.pytestmark  # type: ignore[attr-defined]  # what `parametrize` leaves
    of_cells = {case[0] for case in mark.args[1]}
    assert set(WARNINGS) - of_cells == {
        "shifted_row", "suspicious_header", "duplicate_id", "hidden_row", "hidden_column", "merged_cells",
        "changed_by_spreadsheet",
    }  # fmt: skip


def test_no_code_is_both_a_warning_and_a_reason() -> None:
    assert set(WARNINGS) & set(REASONS) == set()


def test_a_sign_matches_the_cells_that_it_counted_and_no_others() -> None:
    cells = ["00123", "00124", "01000", "125", "7", "", " x", "MÃ¼ller", "#N/A", "1E+10", "1-Mar", *CODES]
    found = signs(cells)
    assert len(found) >= 5
    for sign in found:
        matching = [cell for cell in cells if cell and sign.matches(cell)]
        assert len(matching) == sign.count, sign.code
        assert [each.cell for each in sign.examples] == matching[:3], sign.code


@pytest.mark.parametrize(("clear", "cleared", "codes_"), [("NULL", 2, set()), ("", 0, {"null_word"})])
def test_a_cell_that_clears_its_field_is_counted_and_is_no_damage(clear: str, cleared: int, codes_: set[str]) -> None:
    examination = Examination(
        [Column("reference", "text", 0), Column("metadata.a", "text", 1)], clear, ten_letter_ids=True
    )
    rows = [["NULL", "a"], ["b", "NULL"], ["", "c"]]
    examination.see_rows([RowRef(row, row + 1, b"") for row, _ in enumerate(rows, 1)], rows)
    assert examination.cleared == cleared
    assert {sign.code for sign in examination.signs()} == codes_


def test_evidence_is_given_in_figures() -> None:
    (sign,) = signs(["00123", "00124", "01000", "125", "7"])
    assert sign.evidence == "3 cells are padded to 5 digits, such as 00123; these are shorter"
    assert [(each.ref.line, each.cell) for each in sign.examples] == [(5, "125"), (6, "7")]


def test_examples_are_few_and_short_however_much_there_is() -> None:
    (sign,) = signs([f" {'x' * 5000}{each}" for each in range(5000)])
    assert (sign.code, sign.count, len(sign.examples)) == ("spaces_around", 5000, 3)
    assert all(len(each.cell) <= 80 for each in sign.examples)


@pytest.mark.parametrize(
    ("label", "says"),
    [
        ("metadata.batch", ""),
        ("metadata.größe", ""),
        ("metadata.batch ", "begins or ends with white space"),
        ("\u00a0metadata.batch", "begins or ends with white space"),
        ("\ufeffid", "byte-order mark"),
        ("metadata.ba\u200btch", "cannot be seen"),
        ("metadata.cost\u00a0centre", "cannot be seen"),
        ("metadata.grÃ¶ÃŸe", "garbled"),
        ("metadata.“batch”", "typographic"),
    ],
)
def test_odd_names_of_columns(label: str, says: str) -> None:
    assert says in fault_of(label)
    assert bool(fault_of(label)) is bool(says)


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("#N/A", "a formula failed"),
        ("=A1", "formula"),
        ("NULL", "empty the cell"),
        ("12,5", "it has a comma"),
        ("€5", "currency sign"),
        ("1E+10", "shortened"),
        ("1e+05", "a program has shortened it"),
        ("12E5", "or it is a code"),
        ("10045.0", "leave out .0"),
        ("10045.5", ""),
        ("1,200", "such as 1200"),
        ("12%", "leave out the % sign"),
        ('="7"', "take them off"),
        ("'7", "apostrophe"),
        ("1-Mar", "date"),
        ("2026-03-01", "date"),
        ("WAHR", "writes true"),
        ("FAUX", "writes false"),
        (" 7", "white space stands before or behind"),
        ("  ", "nothing but white space"),
        ("“a”", "typographic"),
        ("a\u200b", "cannot be seen"),
        ("seven", ""),
    ],
)
def test_the_cause_of_a_refusal_is_told_when_it_shows(cell: str, says: str) -> None:
    assert says in cause_of(cell)
    assert bool(cause_of(cell)) is bool(says)


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("0", "digits"), ("-0", "digits"), ("00", "padded"), ("123456789012345", "digits"),
        ("1234567890123456", "long"),
        ("-1.5", "point"), ("1,5", "comma"), ("1.234,5", "comma"), ("-1E+10", "scientific"),
        ("1e+10", "exponent"), ("1E10", "power"), ("-05", "code"),
        ("f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "uuid"), ("181d4fae-7dec-11d0-a765-00a0c91e6bf6", "uuid"),
        ("ZfiCcmIvub", "ten"), ("abc", "word"), ("a1", "code"), ("a b", "text"), ("x" * 300, "text"),
        ("$5", "currency"), ("5 CHF", "currency"), ("Mar 24", "month"), ("12-Dez-2024", "month"), ("é", "word"),
    ],
)  # fmt: skip
def test_kinds(cell: str, kind: str) -> None:
    assert kind_of(cell) == kind


def test_an_api_that_says_nothing_of_its_ids_is_told_nothing_of_them() -> None:
    examination = Examination([Column("id", "id", 0)])
    cells = [*(each.lower() for each in IDS), "12345"]
    examination.see_rows([RowRef(row, row + 1, b"") for row, _ in enumerate(cells, 1)], [[cell] for cell in cells])
    assert examination.signs() == []
