"""The authority behind a request: what senders need to know of a credential."""

from typing import Protocol


class CredentialLost(Exception):
    """No usable token is available: the run stops and can be resumed with another credential."""


class Authority(Protocol):
    """What attempts and reads need of a credential."""

    async def bearer(self) -> str:
        """Return the value of the `Authorization` header.

        Raises:
            CredentialLost: no usable token is available.
        """

    async def renew(self, used: str) -> None:
        """Replace the credential whose `Authorization` value was `used`: the API refused it.

        Raises:
            CredentialLost: it cannot be replaced.
        """


class Nobody:
    """The authority behind requests without a credential, such as those for a token."""

    async def bearer(self) -> str:
        """Return an empty value: the header is left out."""
        return ""

    async def renew(self, used: str) -> None:  # noqa: ARG002  # as the protocol names it
        """Refuse: there is no credential to replace.

        Raises:
            CredentialLost: always.
        """
        raise CredentialLost("the server wants a token where none is sent")
