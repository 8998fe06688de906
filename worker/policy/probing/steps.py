"""What a conversation of a probe asks of its caller, and what it is answered."""

from typing import TypeAlias

from jobs.apis.meanings import Meaning
from jobs.model import Edit, Outcome, Request
from jobs.values import valueclass
from worker.policy.verdict import Settle


@valueclass(frozen=True, slots=True)
class Propose:
    """Say what will be sent, and ask for leave; answered by True or False. `lines` are one or two."""

    lines: tuple[str, ...]


@valueclass(frozen=True, slots=True)
class Read:
    """Send a read; answered by `Answered`."""

    request: Request


@valueclass(frozen=True, slots=True)
class Write:
    """Make the intent of a row durable, and send its update; answered by `Answered`.

    Attributes:
        row: number in the input of the run.
        edits: what the update replaces.
    """

    row: int
    request: Request
    edits: tuple[Edit, ...]


@valueclass(frozen=True, slots=True)
class Amend:
    """Replace what is recorded of what a row replaced: more was seen; answered by None once it is durable."""

    row: int
    edits: tuple[Edit, ...]


@valueclass(frozen=True, slots=True)
class Conclude:
    """Record the result of a row; answered by None. `http` is the status of its last reply, 0 without one."""

    row: int
    settle: Settle
    http: int


@valueclass(frozen=True, slots=True)
class Wait:
    """Wait; answered by False if the user wants the probe to end, for which a `patient` wait does not break off."""

    seconds: float
    patient: bool = False


Step: TypeAlias = Propose | Read | Write | Amend | Conclude | Wait


@valueclass(frozen=True, slots=True)
class Answered:
    """The outcome of a request. `asked` and `at` are loop times in seconds: when it left, and when the reply came."""

    outcome: Outcome
    meaning: Meaning
    asked: float
    at: float


class Broken(Exception):
    """The caller cannot send any more: the credential is lost, or the server is gone. The text says why."""
