"""A fake of any described API: it reads the description, and does what that says.

It shares nothing with the program but the description as a value: where the two read it differently, one is wrong.
"""

from worker.sandbox.described.server import DescribedSandbox, serve_described

__all__ = ["DescribedSandbox", "serve_described"]
