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
