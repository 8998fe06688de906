"""The API that the commands are for: named here and nowhere else, and handed down to whoever has to know it."""

from jobs.apis.schema import Schema, load


def schema() -> Schema:
    """Return what can be updated; it is read from its file when first asked for."""
    return load("commercelayer")
