"""The program: `rowpatch`, and `python -m rowpatch`."""

import gc
import sys

from rowpatch import refuse_strangers


def main() -> None:
    """Run the command that the arguments name, and exit with its status."""
    gc.disable()  # until a command begins: what it imports stays, and to look through it takes a tenth of a start
    try:
        refuse_strangers()
    except ImportError as error:
        print(f"rowpatch: {error}", file=sys.stderr)
        sys.exit(2)
    from worker.cli import main as command

    command()


if __name__ == "__main__":
    main()
