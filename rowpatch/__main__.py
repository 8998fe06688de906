"""The program: `rowpatch`, and `python -m rowpatch`."""

import sys

from rowpatch import refuse_strangers


def main() -> None:
    """Run the command that the arguments name, and exit with its status."""
    try:
        refuse_strangers()
    except ImportError as error:
        print(f"rowpatch: {error}", file=sys.stderr)
        sys.exit(2)
    from worker.cli import main as command

    command()


if __name__ == "__main__":
    main()
