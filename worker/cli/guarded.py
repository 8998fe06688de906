"""What surrounds every command: its errors become a message and an exit status."""

import gc
import sys
from collections.abc import Callable
from typing import BinaryIO

from jobs.formats import InputRefused
from worker.cli.signals import end_orderly
from worker.cli.speech import clear, complain
from worker.exit_statuses import BUSY, REFUSED, STOPPED
from worker.files.run_directory import Busy
from worker.journal import JournalDamaged, JournalError
from worker.settings import ConfigError


def guarded(command: Callable[[], int]) -> int:
    """Call `command`, and turn its expected errors into a message and an exit status."""
    collect_seldom()
    end_orderly()
    try:
        return command()
    except Busy as error:
        return complain(str(error), BUSY)
    except (ConfigError, InputRefused, JournalDamaged) as error:
        return complain(str(error), REFUSED)
    except JournalError as error:
        return complain(str(error), STOPPED)
    finally:
        clear()


def collect_seldom() -> None:
    """Run the cycle collector less often, and never on the objects that exist now: this saves a tenth of a row's CPU.

    A row makes hundreds of objects and hardly a cycle: reference counts free nearly all of them.
    """
    gc.freeze()
    gc.enable()  # the program starts without (`rowpatch.__main__`)
    gc.set_threshold(20_000, 50, 100)


def standard_input(name: str) -> BinaryIO | None:
    """Return the byte stream of standard input if `name` is `-`; None for another name, or if it is closed."""
    return sys.stdin.buffer if name == "-" and sys.stdin is not None else None
