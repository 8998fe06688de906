"""Replies and readings of one record, for tests of what they show."""

import json
from collections.abc import Mapping
from typing import Any

from jobs.apis.meanings import Meaning
from jobs.model import MaybeSent, Outcome, Reply
from tests.worker.policy.probing.oracle import subject_of
from worker.policy.probing.steps import Answered
from worker.policy.probing.subject import Reading, Subject

JSON_TYPE = {"content-type": "application/json"}

WRAPPED = """
name = "wrapped"
[auth]
type = "none"
[resources.things]
path = "/things/{id}"
record = "/data"
values = "/attributes"
"""


def reply(document: Any, status: int = 200, **headers: str) -> Reply:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, {**JSON_TYPE, **sent}, json.dumps(document).encode())


def answered(outcome: Outcome, meaning: Meaning = Meaning.SERVED, at: float = 0.0) -> Answered:
    return Answered(outcome, meaning, at, at)


def reading(subject: Subject, document: Mapping[str, Any], **headers: str) -> Reading:
    found = subject.reading(reply(document, 200, **headers), 0.0)
    assert found is not None
    return found


def described(text: str, key: str = "1") -> Subject:
    """A record of an API whose type `things` says this, besides its path."""
    return subject_of(f'name = "kit"\n[auth]\ntype = "none"\n[resources.things]\npath = "/things/{{id}}"\n{text}', key)


LOST = answered(MaybeSent("reply_lost", "the connection broke"), Meaning.UNANSWERED)
