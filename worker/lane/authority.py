"""The authority behind a request: what senders need to know of a credential."""

from typing import Final, Protocol

from jobs.apis.auth import Permit
from jobs.values import valueclass


class CredentialLost(Exception):
    """No usable credential is available: the run stops and can be resumed with another one."""


class Authority(Protocol):
    """What attempts and reads need of a credential."""

    async def permit(self) -> Permit:
        """Return the credential as requests carry it.

        Raises:
            CredentialLost: no usable credential is available.
        """

    async def renew(self, used: Permit) -> None:
        """Replace the credential `used`: the API refused it.

        Raises:
            CredentialLost: it cannot be replaced.
        """


_NONE: Final = Permit()


class Nobody:
    """The authority behind requests without a credential, such as those for a token."""

    async def permit(self) -> Permit:
        """Return an empty permit: the requests carry no credential."""
        return _NONE

    async def renew(self, used: Permit) -> None:  # noqa: ARG002  # as the protocol names it
        """Refuse: there is no credential to replace.

        Raises:
            CredentialLost: always.
        """
        raise CredentialLost("the server wants a credential where none is sent")


@valueclass(frozen=True, slots=True)
class Headers:
    """The headers that all requests of a kind have in common. They hold a secret, and are never shown.

    Attributes:
        fields: names and values in the order in which they are sent, the credential last.
        permit: the credential among them.
    """

    fields: tuple[tuple[str, str], ...]
    permit: Permit = _NONE

    def __repr__(self) -> str:
        return "Headers(<secret>)"
