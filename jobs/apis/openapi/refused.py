"""Why nothing can be drafted."""


class DocumentRefused(Exception):
    """A document cannot be used. The text says why, and what to do; it does not name the file."""
