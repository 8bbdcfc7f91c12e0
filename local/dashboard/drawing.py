"""Draws a dashboard as CloudWatch shows it: the same grid, titles, lines, axes, legends and alarms, in UTC.

Hazard: matplotlib is for development; nothing that is deployed may import this.
"""

import re
import textwrap
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, DateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from matplotlib.transforms import Bbox

from local.dashboard.body import Row, Widget
from local.dashboard.figures import Points

_COLUMNS = 24
#: Inches of a column and of a row.
_COLUMN, _ROW = 0.62, 0.36
_MARGIN, _GAP = 0.15, 0.06
_DPI = 100
_INK, _PALE, _PAPER, _DESK = "#16191f", "#687078", "#ffffff", "#f2f3f3"
_COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#17becf")
_ALARM_COLOURS = {"ALARM": "#d13212", "OK": "#1d8102", "INSUFFICIENT_DATA": "#879596"}
_ALARMS_IN_A_ROW = 6
#: A threshold further up than this many times the highest value is told, not drawn: the lines would lie flat.
_FAR = 3.0
_THIN = 0.8
#: Labels that fit three to a row.
_LONG = 20


def draw(
    widgets: Sequence[Widget],
    points: Sequence[Mapping[str, Points]],
    alarms: Mapping[str, str],
    period: tuple[datetime, datetime],
    file: Path,
) -> None:
    """Write the dashboard to a PNG; `points` has each widget's by row, `alarms` states by ARN."""
    rows = max(widget.y + widget.height for widget in widgets)
    width, height = _COLUMNS * _COLUMN + 2 * _MARGIN, rows * _ROW + 2 * _MARGIN
    with mpl.rc_context({"font.family": "DejaVu Sans", "font.size": 7, "text.color": _INK, "axes.edgecolor": _PALE}):
        figure = Figure(figsize=(width, height), dpi=_DPI, facecolor=_DESK)
        for widget, found in zip(widgets, points, strict=True):
            box = Bbox.from_bounds(
                (_MARGIN + widget.x * _COLUMN + _GAP) / width,
                1 - (_MARGIN + (widget.y + widget.height) * _ROW - _GAP) / height,
                (widget.width * _COLUMN - 2 * _GAP) / width,
                (widget.height * _ROW - 2 * _GAP) / height,
            )
            _draw_widget(figure, box, widget, found, alarms, period)
        file.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(file, metadata={"Software": None})


def _draw_widget(
    figure: Figure,
    box: Bbox,
    widget: Widget,
    points: Mapping[str, Points],
    alarms: Mapping[str, str],
    period: tuple[datetime, datetime],
) -> None:
    panel = figure.add_axes(box.bounds, facecolor=_DESK if widget.kind == "text" else _PAPER)
    panel.set(xticks=[], yticks=[], xlim=(0, 1), ylim=(0, 1))
    for spine in panel.spines.values():
        spine.set(color="#d5dbdb", linewidth=_THIN, visible=widget.kind != "text")
    if widget.kind == "text":
        _write(panel, widget)
        return
    panel.text(0.012 * 8 / widget.width, 0.965, widget.title, fontsize=8, fontweight="bold", va="top")
    if widget.kind == "alarm":
        _draw_alarms(panel, widget, alarms)
    else:
        _draw_graph(figure, box, widget, points, period)


# --------------------------------------------------------------------------------------------------------- text --


def _write(panel: Axes, widget: Widget) -> None:
    """Write the widget's Markdown: headings, paragraphs, and words in bold."""
    top = 1 - 0.1 / widget.height
    for block in _blocks(str(widget.properties["markdown"])):
        level = len(block) - len(block.lstrip("#"))
        if level:
            size = {1: 15, 2: 12}.get(level, 9)
            panel.text(0.004, top, block.lstrip("# "), fontsize=size, fontweight="bold", va="top")
            top -= (size + 7) / 72 / (_ROW * widget.height)
            continue
        lines = textwrap.wrap(_plain(block), int(widget.width * 11))
        for line in lines:
            panel.text(0.004, top, _bold(line), fontsize=8, va="top", color="#414d5c", parse_math=True)
            top -= 11.5 / 72 / (_ROW * widget.height)


def _blocks(markdown: str) -> list[str]:
    """Return headings and paragraphs, each on one line."""
    found: list[str] = []
    for line in markdown.splitlines():
        text = line.strip()
        if text.startswith("#") or not found or found[-1].startswith("#") or not found[-1]:
            found.append(text)
        elif text:
            found[-1] += f" {text}"
        else:
            found.append("")
    return [block for block in found if block]


def _plain(markdown: str) -> str:
    without_links = re.sub(r"\[([^]]+)\]\([^)]*\)", r"\1", markdown)
    return without_links.replace("`", "")


def _bold(line: str) -> str:
    escaped = line.replace("$", r"\$")
    words = re.sub(r"\*\*(\S+)\*\*", lambda found: rf"$\mathbf{{{found[1]}}}$", escaped)
    return words.replace("**", "")


# ------------------------------------------------------------------------------------------------------- alarms --


def _draw_alarms(panel: Axes, widget: Widget, alarms: Mapping[str, str]) -> None:
    arns: list[str] = widget.properties["alarms"]
    in_a_row = max(1, round(_ALARMS_IN_A_ROW * widget.width / _COLUMNS))
    rows = -(-len(arns) // in_a_row)
    below = 1 - 0.75 / widget.height
    wide, high = 1 / in_a_row, below / rows
    for number, arn in enumerate(arns):
        state = alarms.get(arn, "INSUFFICIENT_DATA")
        x, y = number % in_a_row * wide, below - (number // in_a_row + 1) * high
        colour = _ALARM_COLOURS[state]
        panel.add_patch(
            mpl.patches.Rectangle(
                (x + 0.006, y + 0.1 * high),
                wide - 0.012,
                0.8 * high,
                facecolor=f"{colour}1f",
                edgecolor=colour,
                lw=_THIN,
            )
        )
        panel.text(x + 0.012, y + 0.5 * high, alarm_name(arn), va="center", fontsize=7.5)
        state_words = state.replace("_", " ").lower().replace("ok", "OK").replace("alarm", "In alarm")
        panel.text(
            x + wide - 0.012, y + 0.5 * high, state_words, va="center", ha="right", color=colour, fontweight="bold"
        )


def alarm_name(arn: str) -> str:
    """Return the alarm's logical id, as far as its name shows it."""
    name = arn.rpartition(":")[2]
    found = re.fullmatch(r".*-([A-Za-z0-9]+Alarm)-[A-Za-z0-9]+", name)
    return found[1] if found else name


# ------------------------------------------------------------------------------------------------------- graphs --


def _draw_graph(
    figure: Figure,
    box: Bbox,
    widget: Widget,
    points: Mapping[str, Points],
    period: tuple[datetime, datetime],
) -> None:
    shown = [row for row in widget.rows if row.is_visible]
    columns = 3 if max(len(row.label) for row in shown) <= _LONG else 2
    legend_rows = -(-len(shown) // columns)
    low = (0.85 + 0.4 * legend_rows) / widget.height
    inner = Bbox.from_extents(
        box.x0 + box.width * 0.085,
        box.y0 + box.height * low,
        box.x0 + box.width * (0.915 if any(row.is_right for row in shown) else 0.975),
        box.y0 + box.height * (1 - 0.95 / widget.height),
    )
    left = figure.add_axes(inner.bounds, facecolor="none")
    right = left.twinx() if any(row.is_right for row in shown) else None
    lines = []
    for row, colour in zip(shown, _COLOURS * 2, strict=False):
        axes = right if row.is_right and right is not None else left
        lines += _draw_line(axes, row, points.get(row.id, {}), period, colour)
    _dress(left, widget, "left", period)
    left.grid(visible=True, color="#eaeded", linewidth=0.6)
    _draw_thresholds(left, widget)
    if right is not None:
        _dress(right, widget, "right", period)
    left.legend(
        handles=lines,
        loc="upper left",
        bbox_to_anchor=(-0.09, -0.72 / (widget.height * inner.height / box.height)),
        ncols=columns,
        frameon=False,
        handlelength=1.4,
        columnspacing=1.2,
        labelspacing=0.25,
        borderpad=0,
        fontsize=6.5,
    )


def _draw_line(
    axes: Axes, row: Row, points: Points, period: tuple[datetime, datetime], colour: str
) -> list[mpl.lines.Line2D]:
    """Draw a row, with gaps where it has no datapoint."""
    at, end = period
    step = timedelta(seconds=row.period_s)
    at = datetime.fromtimestamp(at.timestamp() // row.period_s * row.period_s, UTC)
    times, values = [], []
    while at < end:
        times.append(at)
        values.append(points.get(at, float("nan")))
        at += step
    return axes.plot(times, values, color=colour, lw=1.2, marker=".", markersize=4, label=row.label)  # type: ignore[arg-type] # dates are drawn


def _dress(axes: Axes, widget: Widget, side: str, period: tuple[datetime, datetime]) -> None:
    said = widget.axis(side)
    axes.set_xlim(*period)  # type: ignore[arg-type] # dates are
    low, high = axes.get_ylim()
    axes.set_ylim(bottom=said.get("min", low), top=said.get("max", max(high, 1e-9)))
    if _highest(axes) == 0:
        axes.set_ylim(top=1)
    axes.xaxis.set_major_locator(AutoDateLocator(maxticks=6))  # type: ignore[no-untyped-call] # matplotlib's
    axes.xaxis.set_major_formatter(DateFormatter("%H:%M", tz=UTC))  # type: ignore[no-untyped-call] # likewise
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    axes.tick_params(length=0, labelsize=6.5, labelcolor=_PALE)
    for name, spine in axes.spines.items():
        spine.set(visible=name == "bottom", color="#aab7b8", linewidth=_THIN)
    if label := said.get("label"):
        axes.annotate(
            label, (0 if side == "left" else 1, 1.0), xycoords="axes fraction", xytext=(0, 4),
            textcoords="offset points", ha=side, fontsize=6.5, color=_PALE,
        )  # fmt: skip


def _draw_thresholds(axes: Axes, widget: Widget) -> None:
    for label, value in widget.thresholds:
        highest = _highest(axes)
        if value > _FAR * max(highest, 1e-9) and highest > 0:
            axes.text(
                0.99, 0.97, f"{label} at {number(value)} ↑", transform=axes.transAxes, ha="right", va="top",
                fontsize=6.5, color=_ALARM_COLOURS["ALARM"],
            )  # fmt: skip
            continue
        axes.axhline(value, color=_ALARM_COLOURS["ALARM"], lw=_THIN, ls="--")
        axes.set_ylim(top=max(axes.get_ylim()[1], value * 1.15))
        axes.text(
            0.99, value, label, transform=axes.get_yaxis_transform(), ha="right", va="bottom", fontsize=6.5,
            color=_ALARM_COLOURS["ALARM"],
        )  # fmt: skip


def number(value: float) -> str:
    """Return a figure as it stands at an axis: 0.25, 12, 1.5k."""
    if abs(value) < 1000:
        return f"{value:.3g}"
    return f"{value / 1000:.3g}k" if abs(value) < 1_000_000 else f"{value / 1_000_000:.3g}M"


def _highest(axes: Axes) -> float:
    """Return the highest value drawn; 0 if none is."""
    values = [float(value) for line in axes.get_lines() for value in line.get_ydata()]  # type: ignore[union-attr,arg-type] # numbers
    return max((value for value in values if value == value), default=0.0)  # noqa: PLR0124 - not a number is not itself
