"""Names of columns with characters that are probably not meant."""

from jobs.damage.characters import garbled, invisible, spaced, typographic


def fault_of(label: str) -> str:
    """Describe what is odd about the name of a column; return an empty text if nothing is."""
    if spaced(label):
        return "it begins or ends with white space"
    if "\ufeff" in label:
        return "it has a byte-order mark in it: two files were joined, or a mark was written twice"
    if invisible(label) or any(each in label for each in "\u00a0\u202f"):
        return "it has a character that cannot be seen"
    if garbled(label):
        return "its letters are garbled"
    return "it has a typographic quote or dash" if typographic(label) else ""
