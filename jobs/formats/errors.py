"""The one way in which an input as a whole is refused; a bad row is a value (`jobs.model.Unsendable`) instead."""


class InputRefused(Exception):
    """The input cannot be worked with, so nothing of it is sent (exit status 2).

    `str()` of it is the whole sentence for the user, line number included.

    Attributes:
        message: what is wrong and what to do about it, without the line number.
        line: 1-based physical line of the decoded input that it is about, or None.
        column: name of the column that it is about as the user wrote it, or empty.
        outline: the sentence without words of the input, for notices: where a header is missing, its names are values.
    """

    def __init__(self, message: str, *, line: int | None = None, column: str = "", outline: str = "") -> None:
        """Refuse an input; whoever quotes it in the message has to give an `outline` that does not."""
        place = "" if line is None else f"line {line}: "
        super().__init__(f"{place}{message}")
        self.outline = f"{place}{outline or message}"
        self.message = message
        self.line = line
        self.column = column
