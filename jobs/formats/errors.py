"""The one way in which an input as a whole is refused; a bad row is a value (`jobs.model.Unsendable`) instead."""


class InputRefused(Exception):
    """The input cannot be worked with, so nothing of it is sent (exit status 2).

    `str()` of it is the whole sentence for the user, line number included.

    Attributes:
        message: what is wrong and what to do about it, without the line number.
        line: 1-based physical line of the decoded input that it is about, or None.
        column: name of the column that it is about as the user wrote it, or empty.
    """

    def __init__(self, message: str, *, line: int | None = None, column: str = "") -> None:
        super().__init__(message if line is None else f"line {line}: {message}")
        self.message = message
        self.line = line
        self.column = column
