"""Panels of lines over time, as one PNG that can be read on a phone.

Problem: plotting libraries weigh as much as all else that is deployed. Rule: an SVG of our own, which tests can read,
and resvg to make pixels of it, with a font that the layer brings: Lambda has none. The background is painted, so the
picture looks the same in a light and in a dark chat; times are UTC for whoever looks. Hazard: resvg and the font are in
a layer that only the alerts function has; they are imported to draw and no sooner, and alarms are told without.
"""

from __future__ import annotations

import html
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_FACES: Final = ("Regular", "Semibold")
_FAMILY: Final = "Source Sans Pro"

# Telegram shows a photo at a phone's width, about 360 points: a text of 17 units is one of 9 points there.
WIDTH: Final = 640
_ZOOM: Final = 2
_ALONE_HEIGHT: Final = 320
_HEIGHT: Final = 210
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 28, 44, 34
_TITLE_SIZE, _LABEL_SIZE = 20, 17

_PAPER, _INK, _MUTED, _GRID, _ALARM = "#ffffff", "#1f2933", "#5f6b7a", "#e3e7ec", "#c81e1e"
#: Told apart by people who do not see all colours, too (Okabe and Ito, 2008).
_COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#7a5195")

#: Between two times on the axis, in seconds.
_STEPS_S: Final = (60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400)
_MOST_TIMES: Final = 6
_MOST_VALUES: Final = 4


@dataclass(frozen=True, slots=True)
class Series:
    """One line: its name, and at which Unix time it had which value; None is a gap."""

    name: str
    points: Sequence[tuple[float, float | None]]


@dataclass(frozen=True, slots=True)
class Panel:
    """Lines with one unit; `threshold` is drawn across, in the same unit."""

    title: str
    series: Sequence[Series]
    unit: str
    threshold: float | None = None


def draw(panels: Sequence[Panel]) -> bytes:
    """Return a PNG of the panels, one below the other, over the same time."""
    import font_source_sans_pro  # type: ignore[import-untyped] # noqa: PLC0415 - it ships no types
    import resvg_py  # noqa: PLC0415

    fonts = Path(font_source_sans_pro.__file__).parent / "files"
    return resvg_py.svg_to_bytes(
        svg_string=svg(panels),
        zoom=_ZOOM,
        skip_system_fonts=True,
        font_files=[str(fonts / f"SourceSansPro-{face}.ttf") for face in _FACES],
        font_family=_FAMILY,
    )


def svg(panels: Sequence[Panel]) -> str:
    """Return the same as an SVG."""
    height = _ALONE_HEIGHT if len(panels) == 1 else _HEIGHT
    times = [at for panel in panels for line in panel.series for at, _ in line.points]
    span = (min(times), max(times)) if times else None
    drawn = "".join(
        f'<g transform="translate(0 {number * height})">{"".join(_panel(panel, span, height))}</g>'
        for number, panel in enumerate(panels)
    )
    total = height * len(panels)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{total}" font-family="{_FAMILY}">'
        f'<rect width="{WIDTH}" height="{total}" fill="{_PAPER}"/>{drawn}</svg>'
    )


def _panel(panel: Panel, span: tuple[float, float] | None, height: int) -> Iterator[str]:
    title = f"{panel.title}, {panel.unit}" if panel.unit else panel.title
    yield _text(title, 16, 29, _TITLE_SIZE, _INK, weight=600)
    yield _names(panel)
    values = [value for line in panel.series for _, value in line.points if value is not None]
    if span is None or not values:
        yield _text("no figures", WIDTH / 2, height / 2 + 8, _TITLE_SIZE, _MUTED, anchor="middle")
        return
    marks = _marks([*values, *([] if panel.threshold is None else [panel.threshold])])
    scale = _Scale(span, marks[-1], height)
    for mark in marks:
        y = scale.y(mark)
        yield _line(_LEFT, y, WIDTH - _RIGHT, y, _GRID)
        yield _text(_number(mark), _LEFT - 8, y + 6, _LABEL_SIZE, _MUTED, anchor="end")
    yield _text("UTC", _LEFT - 8, height - 10, _LABEL_SIZE, _MUTED, anchor="end")
    for at, label in _times(span):
        yield _line(scale.x(at), height - _BOTTOM, scale.x(at), height - _BOTTOM + 5, _MUTED)
        if scale.x(at) - _LEFT > _LABEL_SIZE:  # else it would stand on "UTC"
            yield _text(label, scale.x(at), height - 10, _LABEL_SIZE, _MUTED, anchor="middle")
    if panel.threshold is not None:
        y = scale.y(panel.threshold)
        yield _line(_LEFT, y, WIDTH - _RIGHT, y, _ALARM, dashes="7 5")
    for line, colour in reversed(list(zip(panel.series, _COLOURS, strict=False))):  # the first comes to the top
        yield from _drawn(line, colour, scale)


def _names(panel: Panel) -> str:
    """Return what says which line is which: the names in the colours of their lines."""
    named = [(line.name, colour) for line, colour in zip(panel.series, _COLOURS, strict=False)]
    if panel.threshold is not None:
        named.append((f"threshold {_number(panel.threshold)}", _ALARM))
    between = "\u00a0" * 5
    spans = between.join(f'<tspan fill="{colour}">— {html.escape(name)}</tspan>' for name, colour in named)
    style = f'font-size="{_LABEL_SIZE}" font-weight="600" text-anchor="end"'
    return f'<text x="{WIDTH - _RIGHT}" y="29" {style}>{spans}</text>'


@dataclass(frozen=True, slots=True)
class _Scale:
    """Where a time and a value stand inside a panel."""

    span: tuple[float, float]
    top: float
    height: int

    def x(self, at: float) -> float:
        first, last = self.span
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * ((at - first) / (last - first) if last > first else 0.5)

    def y(self, value: float) -> float:
        low = self.height - _BOTTOM
        return low - (low - _TOP) * max(0.0, value) / self.top


def _drawn(line: Series, colour: str, scale: _Scale) -> Iterator[str]:
    """Yield a line's unbroken parts; a value between two gaps is a dot."""
    part: list[tuple[float, float]] = []
    for at, value in [*line.points, (math.inf, None)]:
        if value is not None:
            part.append((scale.x(at), scale.y(value)))
        elif part:
            if len(part) == 1:
                yield f'<circle cx="{part[0][0]:.1f}" cy="{part[0][1]:.1f}" r="3" fill="{colour}"/>'
            else:
                points = " ".join(f"{x:.1f},{y:.1f}" for x, y in part)
                yield (
                    f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2.5" '
                    'stroke-linejoin="round" stroke-linecap="round"/>'
                )
            part = []


def _marks(values: Sequence[float]) -> list[float]:
    """Return round values from 0 to the highest or a little above, five at most; whole ones if all are whole."""
    most = max(values)
    if most <= 0:
        return [0.0, 1.0]
    rough = most / _MOST_VALUES
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    if all(float(value).is_integer() for value in values):
        step = max(step, 1.0)
    count = math.ceil(most / step - 1e-9)
    return [number * step for number in range(count + 1)]


def _times(span: tuple[float, float]) -> list[tuple[float, str]]:
    """Return round times within the span, and what is written at each."""
    first, last = span
    step = next((one for one in _STEPS_S if (last - first) / one <= _MOST_TIMES), _STEPS_S[-1])
    form = "%H:%M" if step < _STEPS_S[-1] else "%b %d"
    found = range(math.ceil(first / step) * step, math.floor(last) + 1, step)
    return [(at, datetime.fromtimestamp(at, UTC).strftime(form)) for at in found]


def _number(value: float) -> str:
    """Return a value as short as an axis wants it."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def _text(words: str, x: float, y: float, size: int, colour: str, *, anchor: str = "start", weight: int = 400) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" fill="{colour}" '
        f'text-anchor="{anchor}">{html.escape(words)}</text>'
    )


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, *, dashes: str = "none") -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="1.5" '
        f'stroke-dasharray="{dashes}"/>'
    )
