"""requests, a session a thread.

python requests_threads.py ORIGIN ROWS WORKERS
"""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import requests
from rows import body, path

HEADERS = {
    "Accept": "application/vnd.api+json",
    "Content-Type": "application/vnd.api+json",
    "Authorization": "Bearer x",
}
ORIGIN, ROWS, WORKERS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
local = threading.local()


def send(number: int) -> int:
    """Send one row; its status."""
    if not hasattr(local, "session"):
        local.session = requests.Session()
        local.session.headers.update(HEADERS)
    response = local.session.patch(ORIGIN + path(number), data=body(number), timeout=30)
    response.raise_for_status()
    return response.status_code


with ThreadPoolExecutor(WORKERS) as pool:
    list(pool.map(send, range(ROWS)))
