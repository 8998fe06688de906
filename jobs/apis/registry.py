"""The APIs there are. One more is a module, or a folder, beside this one, and a line here."""

from collections.abc import Mapping
from typing import Final

from jobs.apis.api import Api
from jobs.apis.commercelayer.api import COMMERCE_LAYER

APIS: Final[Mapping[str, Api]] = {
    "commercelayer": COMMERCE_LAYER,
}
"""By name."""

DEFAULT: Final = APIS["commercelayer"]
"""That of a run that names none."""
