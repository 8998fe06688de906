"""The closed registry of warnings: what each means, and the way back. A code is never renamed or given another meaning.

Warnings are about rows that are sent as they are. What is not sent has a reason instead (`jobs.reasons`); no code is in
both registries.
"""

from typing import Final

from jobs.values import valueclass


@valueclass(frozen=True, slots=True)
class Warned:
    """One code.

    Attributes:
        meaning: what was found, for somebody who knows spreadsheets.
        action: the way back.
        grave: something was lost, or was never a value: said before every run. The others can be meant, and only a
            check says them.
        whole: it is about the sheet as a whole, and said first.
    """

    meaning: str
    action: str
    grave: bool = False
    whole: bool = False


_AS_TEXT: Final = (
    "Get the values from where they came. In Excel: Data > From Text/CSV, and choose Text for this column; or format "
    "the column as Text before pasting."
)

WARNINGS: Final[dict[str, Warned]] = {
    "leading_zeros_lost": Warned(
        "Leading zeros are missing: a spreadsheet took the codes for numbers.", _AS_TEXT, grave=True
    ),
    "scientific_notation": Warned(
        "A long number, or a code like 12E5, is in scientific notation; digits may be gone.",
        f"{_AS_TEXT} Of a program's export: have it write the column as text.",
        grave=True,
    ),
    "digits_lost": Warned(
        "Numbers of more than 15 digits end in zeros: a spreadsheet keeps 15 digits and drops the others.",
        _AS_TEXT,
        grave=True,
    ),
    "changed_by_spreadsheet": Warned(
        "The file of a run came back, and a spreadsheet has taken texts for numbers, dates or truth values.",
        "Have the run write it anew (rowpatch report RUN), and open that with all columns as Text. In LibreOffice: mark"
        " them in the import dialog; in Excel: Data > From Text/CSV.",
        grave=True,
    ),
    "date_for_code": Warned(
        "Dates stand among codes: a spreadsheet turned codes like MAR1 or 1/2 into dates.", _AS_TEXT, grave=True
    ),
    "no_such_date": Warned(
        "No calendar has that day, such as 31 February.", "Correct the date where it came from.", grave=True
    ),
    "hidden_row": Warned(
        "Rows are hidden or filtered out in the spreadsheet, and are sent like the others.",
        "If they are not meant, pass --visible-only. To see them: clear the filter, and unhide all rows.",
        grave=True,
        whole=True,
    ),
    "hidden_column": Warned(
        "Columns are hidden in the spreadsheet, and their cells are sent like the others.",
        "If they are not meant, pass --visible-only, or delete them. To see them: unhide all columns.",
        grave=True,
        whole=True,
    ),
    "merged_cells": Warned(
        "Cells lie under a merged one: only its first cell has the value, the others are empty and change nothing.",
        "Unmerge the cells, and fill the value down.",
        grave=True,
        whole=True,
    ),
    "mixed_types": Warned(
        "A few cells of the column are of another kind than the others: words among numbers, or numbers among texts.",
        "Look at these cells. Empty ones are left alone by the update.",
    ),
    "decimal_comma": Warned(
        "Numbers of the column have a decimal point, these have a comma.",
        "Write all of them alike. In Excel: Options > Advanced > Use system separators.",
    ),
    "currency_sign": Warned(
        "Numbers of the column stand alone, these have a currency sign.", "Format the column as Number or Text."
    ),
    "thousands_separator": Warned(
        "Numbers of the column stand alone, these are parted into groups of three digits.",
        "Write them without separators: 1200. In a spreadsheet: format the column as Number without them.",
    ),
    "percent_sign": Warned(
        "Some numbers are shown as per cent: 12% may be 12 or 0.12, and only one of them is sent.",
        "Write the number that is meant, the same in all rows. In a spreadsheet: format the column as Number.",
    ),
    "whole_number_as_decimal": Warned(
        "All numbers of the column end in .0: a program took whole numbers for decimals, as pandas does beside gaps.",
        'Export them as whole numbers or as text. In pandas: dtype=str, or .astype("Int64").',
        grave=True,
    ),
    "rounding_noise": Warned(
        "The last digits are what binary arithmetic left behind: 0.1 + 0.2 becomes 0.30000000000000004.",
        "Round the numbers. In a spreadsheet: =ROUND(...), then paste the values.",
    ),
    "spreadsheet_error": Warned(
        "A formula failed, and its error would be stored as text.",
        "Mend the formula, or empty the cell to leave the field alone.",
        grave=True,
    ),
    "formula_text": Warned(
        "The cell is a formula as text: the formula would be stored, not its value.",
        "Copy the cells, and paste them with Paste Special > Values.",
        grave=True,
    ),
    "guarded_cell": Warned(
        "The cell begins with an apostrophe that guards it against spreadsheets, and that would be stored.",
        "Export without it, or take it off: in a text editor, replace it where a cell begins.",
        grave=True,
    ),
    "null_word": Warned(
        "A program's word for nothing would be stored as text.",
        "Empty the cell to leave the field alone, or write <clear> to clear it.",
        grave=True,
    ),
    "foreign_boolean": Warned(
        "TRUE or FALSE in another language would be stored as text.",
        "Write true or false. In Excel, save with the interface in English, or replace the words.",
        grave=True,
    ),
    "boolean_as_text": Warned(
        "The column holds nothing but true and false, and they would be stored as text.",
        "For real booleans, name the column NAME:bool. If text is meant, nothing is to be done.",
    ),
    "mojibake": Warned(
        "Letters are garbled: UTF-8 was read as if it were another encoding (Ã© stands for é).",
        "Open the original file anew as UTF-8. In Excel: Data > From Text/CSV, File Origin 65001.",
        grave=True,
    ),
    "invisible_character": Warned(
        "The cell has characters that cannot be seen, such as a zero-width or a non-breaking space.",
        "Type the value anew, or copy it from the API.",
    ),
    "typographic_character": Warned(
        "An id has a typographic quote or dash: a word processor put it there.", "Copy the id from the API again."
    ),
    "spaces_around": Warned(
        "The cell begins or ends with white space, which is taken as part of the value.",
        "In the spreadsheet: TRIM, then paste the values. If it is meant, nothing is to be done.",
    ),
    "shifted_row": Warned(
        "The cells look as if they stood one column too far to one side.",
        "Compare the row with its neighbours; look for a cell that was inserted or deleted.",
        grave=True,
    ),
    "suspicious_header": Warned(
        "The name of the column has characters that are probably not meant, and becomes a key as it stands.",
        "Type the name anew in the first row.",
    ),
    "id_unusual": Warned(
        "Ids of Commerce Layer are ten letters; this one is not.",
        "Copy the id from the API. A number or a reference of your own is no id.",
    ),
    "id_case_lost": Warned(
        "Every id is in capitals, or none has any; real ids mix both, and the API tells them apart.",
        "Copy the ids from the API again, without UPPER or LOWER.",
        grave=True,
    ),
    "duplicate_id": Warned(
        "An earlier row has the same id. Rows of one id are applied in the order of the sheet: the last one wins.",
        "Keep one of the rows, unless they set different fields.",
    ),
}
