"""Panels of lines over time, as one PNG.

A picture without words, of the interface that the message's graph needs; it is drawn with nothing but Python.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_WIDTH: Final = 640
_HEIGHT: Final = 240
_MARGIN: Final = 12
_PAPER, _INK, _RED = b"\xff\xff\xff", b"\x1f\x77\xb4", b"\xd6\x27\x28"


@dataclass(frozen=True, slots=True)
class Series:
    """One line: its name, and Unix times with their values, None where there is none."""

    name: str
    points: Sequence[tuple[float, float | None]]


@dataclass(frozen=True, slots=True)
class Panel:
    """Lines that share an axis."""

    title: str
    series: Sequence[Series]
    unit: str
    threshold: float | None = None


def draw(panels: Sequence[Panel]) -> bytes:
    """Return the picture, the first panel on top."""
    rows = [row for panel in panels for row in _panel(panel)]
    head = struct.pack(">IIBBBBB", _WIDTH, len(rows), 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + b"".join(row) for row in rows))
    chunks = ((b"IHDR", head), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def _panel(panel: Panel) -> list[list[bytes]]:
    rows = [[_PAPER] * _WIDTH for _ in range(_HEIGHT)]
    known = [(at, value) for one in panel.series for at, value in one.points if value is not None]
    if not known:
        return rows
    first, last = min(known)[0], max(known)[0]
    top = max([value for _, value in known] + [panel.threshold or 0.0]) or 1.0

    def height(value: float) -> int:
        share = min(1.0, max(0.0, value / top))
        return round(_HEIGHT - 1 - _MARGIN - share * (_HEIGHT - 1 - 2 * _MARGIN))

    for at, value in known:
        across = round(_MARGIN + (at - first) / ((last - first) or 1) * (_WIDTH - 1 - 2 * _MARGIN))
        for row in range(height(value), _HEIGHT - _MARGIN):
            rows[row][across] = _INK
    if panel.threshold is not None:
        rows[height(panel.threshold)] = [_RED] * _WIDTH
    return rows
