"""A chart of horizontal bars as plain SVG, on a scale of powers of ten."""

import math
from collections.abc import Collection, Mapping
from html import escape
from pathlib import Path
from typing import Final

LINE_PX: Final = 24
LEFT_PX: Final = 220
CHART_WIDTH_PX: Final = 460


def bars(file: Path, title: str, values: Mapping[str, float], marked: Collection[str]) -> None:
    """Write the chart, the least first.

    Args:
        file: to be written anew.
        title: above the bars.
        values: positive, by name.
        marked: names of the bars that stand out.
    """
    ordered = sorted(values.items(), key=lambda each: each[1])
    least, most = (math.floor(math.log10(ordered[0][1])), math.log10(ordered[-1][1]))
    per_decade = CHART_WIDTH_PX / max(1e-9, most - least)
    lines = [f'<text x="{LEFT_PX}" y="16" font-weight="bold">{escape(title)} (each power of ten as long)</text>']
    for index, (name, value) in enumerate(ordered, 1):
        top = index * LINE_PX
        length = max(1.0, (math.log10(value) - least) * per_decade)
        colour = "#c2410c" if name in marked else "#64748b"
        lines += [
            f'<text x="{LEFT_PX - 8}" y="{top + 16}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{LEFT_PX}" y="{top + 4}" width="{length:.1f}" height="{LINE_PX - 8}" fill="{colour}"/>',
            f'<text x="{LEFT_PX + length + 6:.1f}" y="{top + 16}">{value:,.0f}</text>',
        ]
    height = (len(ordered) + 1) * LINE_PX + 8
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT_PX + CHART_WIDTH_PX + 80}" height="{height}" '
        'font-family="sans-serif" font-size="13">'
    )
    ground = f'<rect width="{LEFT_PX + CHART_WIDTH_PX + 80}" height="{height}" fill="white"/>'
    file.write_text("\n".join([head, ground, *lines, "</svg>"]) + "\n", encoding="utf-8")
