"""A server and a credential that follow a script: what rows, reads and probes are tested against."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from jobs.apis.auth import Permit
from jobs.model import Outcome, Request
from worker.lane.authority import CredentialLost, Headers


@dataclass
class Server:
    """Gives the outcomes in turn, the last one for ever, and notes when it was asked, with what and how patiently.

    Attributes:
        outcomes: that requests end with.
        asked: seconds of the loop at which requests arrived.
        bearers: numbers of the tokens that they came with.
        within: seconds that they were given.
        own: headers of each request itself.
    """

    outcomes: Sequence[Outcome]
    asked: list[float] = field(default_factory=list)
    bearers: str = ""
    within: list[float | None] = field(default_factory=list)
    own: list[Mapping[str, str]] = field(default_factory=list)

    async def send(self, request: Request, headers: Headers, within: float | None = None) -> Outcome:
        scheme, _, number = headers.permit.value.partition(" ")
        assert scheme == "Bearer"
        self.asked.append(round(asyncio.get_running_loop().time(), 2))
        self.bearers += number
        self.within.append(within)
        self.own.append(request.headers)
        return self.outcomes[min(len(self.asked), len(self.outcomes)) - 1]


@dataclass
class Token:
    """A credential that has so many tokens."""

    left: int = 9
    number: int = 0

    async def permit(self) -> Permit:
        if self.number > self.left:
            raise CredentialLost("no token")
        return Permit("Authorization", f"Bearer {self.number}")

    async def renew(self, used: Permit) -> None:
        assert used.value == f"Bearer {self.number}"
        self.number += 1
        await self.permit()
