"""Run the server on loopback: `python -m tests.system.odd_server --port 8123 --state FOLDER`."""

import argparse
from pathlib import Path

from aiohttp import web

from tests.system.odd_server.server import Server


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, default=Path("odd_state"))
    flags = parser.parse_args()
    web.run_app(Server(flags.state).application(), host="127.0.0.1", port=flags.port)


if __name__ == "__main__":
    main()
