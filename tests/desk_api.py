"""The description of a made-up help desk, for tests of what is done with descriptions."""

from pathlib import Path
from typing import Final

from jobs.apis.description.loading import examine
from jobs.apis.description.model import Description

DESK: Final = """
name = "desk"
notes = ["A list of tags is replaced as a whole.", "Closed tickets cannot be changed."]
base_url = "https://{subdomain}.desk.example/{region}/api"
variables = { region = "eu" }
headers = { "X-Team" = "{team}" }

[auth]
type = "bearer"

[resources.tickets]
path = "/tickets/{id}.json"
read = { query = { fields = "{fields}" } }
fields.subject = { type = "text" }
"""


def desk(text: str = DESK) -> Description:
    found = examine(text)
    assert found.value is not None, found.problems
    return found.value


def desk_file(folder: Path, text: str = DESK) -> Path:
    path = folder / "desk.toml"
    path.write_text(text, encoding="utf-8")
    return path
