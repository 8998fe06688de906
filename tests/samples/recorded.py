"""Replies as the API sends them: `CASE/STATUS.json` holds headers and body (JSON, or text for what is none)."""

import json
from pathlib import Path

from jobs.model import Reply

HERE = Path(__file__).parent


def sample(case: str) -> Reply:
    """The reply of that name; a case has one file, whose name is its status."""
    (path,) = (HERE / case).glob("*.json")
    recorded = json.loads(path.read_text(encoding="utf-8"))
    body = recorded["body"]
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return Reply(int(path.stem), recorded["headers"], text.encode())
