"""What is drawn: panels, tables and plans, in colour on a terminal. All text in it is made printable.

Apart from `speech`, since most commands say a line or two, and what draws takes a tenth of a second to import.
"""

import sys
from collections.abc import Callable, Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from worker.cli.speech import emit, lines


class Screen(Console):
    """A console whose text cannot steer the terminal."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render into segments, and make the text in them printable."""
        for part in super().render(renderable, options):
            yield part if part.control else Segment(lines(part.text), part.style)

    def on_broken_pipe(self) -> None:
        """Fall silent: a run must not end because its output is no longer read."""
        self.quiet = True


def show(draw: Callable[[Console], None]) -> None:
    """Print what `draw` draws on standard output, made printable; in colour on a terminal."""
    console = Screen(highlight=False)
    with console.capture() as shown:
        draw(console)
    emit(shown.get().rstrip("\n"), sys.stdout)
