"""Stand-in for reading a description from TOML."""

import tomllib

from pydantic import ValidationError

from jobs.apis.described.description import Description


class DescriptionRefused(Exception):
    """A description cannot be used; the text says where and why."""


def load(text: str, origin: str) -> Description:
    """Read a description.

    Args:
        text: TOML.
        origin: what to call it in messages.

    Raises:
        DescriptionRefused: it is no TOML, or no description.
    """
    try:
        return Description.model_validate(tomllib.loads(text), strict=False)
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise DescriptionRefused(f"{origin}: {error}") from None
