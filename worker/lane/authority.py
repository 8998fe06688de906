"""In whose name requests are sent, as those see it who send them."""

from typing import Protocol


class CredentialLost(Exception):
    """No usable token can be had: the run stops and can be resumed with another credential."""


class Authority(Protocol):
    """What attempts and reads need of a credential."""

    async def bearer(self) -> str:
        """Value of the `Authorization` header.

        Raises:
            CredentialLost: no usable token can be had.
        """

    async def renew(self, used: str) -> None:
        """Replace the credential whose `Authorization` value was `used`: the API refused it.

        Raises:
            CredentialLost: it cannot be replaced.
        """


class Nobody:
    """The authority of requests that carry no credential, such as those for a token."""

    async def bearer(self) -> str:
        """Return an empty value: the header is left out."""
        return ""

    async def renew(self, used: str) -> None:  # noqa: ARG002  # as the protocol names it
        """Refuse: nothing was used that could be replaced.

        Raises:
            CredentialLost: always.
        """
        raise CredentialLost("the server wants a token where none is sent")
