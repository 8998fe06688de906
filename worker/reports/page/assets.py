"""The style and the script of the page, and the policy that lets a browser run these two and nothing else."""

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from worker.reports.page.elements import Markup, element, embedded, joined

_FOLDER: Final = Path(__file__).parent


@cache
def style() -> Markup:
    """Return the style of the page."""
    return embedded("style", _read("style.css"))


@cache
def script() -> Markup:
    """Return the script of the page, which filters and sorts rows; all else works without it."""
    return embedded("script", _read("script.js"))


@cache
def policy() -> Markup:
    """Return the policy: no request whatever, and no style or script but the two that have these hashes."""
    rules = (
        f"default-src 'none'; style-src {_hash('style.css')}; script-src {_hash('script.js')};"
        " base-uri 'none'; form-action 'none'"
    )
    return element("meta", http_equiv="Content-Security-Policy", content=rules)


def head(title: str) -> Markup:
    """Return the head of the page; the policy stands before what it is about."""
    return joined(
        (
            element("meta", charset="utf-8"),
            policy(),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("meta", name="color-scheme", content="light dark"),
            element("meta", name="referrer", content="no-referrer"),
            element("meta", name="robots", content="noindex"),
            element("title", title),
            style(),
        )
    )


def _hash(name: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(_read(name).encode()).digest()).decode()}'"


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
