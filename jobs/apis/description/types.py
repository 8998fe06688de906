"""Types of records by name: those that are listed, and `"*"`, which describes all others."""

from typing import Final

from jobs.apis.description.model import Description, ResourceDescription
from jobs.apis.limits import OTHERS
from jobs.apis.schema import is_type_name

TYPE: Final = "type"
"""The variable that holds the name of the type, in all texts of a resource."""


def resource_of(api: Description, name: str) -> ResourceDescription | None:
    """Return what is said of the type of that name, listed or not; None where there cannot be one."""
    if name in api.resources and name != OTHERS:
        return api.resources[name]
    return api.resources.get(OTHERS) if is_type_name(name) else None
