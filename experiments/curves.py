"""Validation curves as a small SVG, drawn by hand: one picture does not pay for a plotting library.

Bits a byte, because losses of different tokenizers do not compare; dashed, the unigram baseline of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 400, 56, 150, 16, 44
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")  # told apart by the colour-blind
TICKS = 5


def curves(students: Sequence[dict[str, Any]]) -> str:
    """The picture: x optimizer steps, y bits a byte. Students without validation losses have no line."""
    lines = {student["run"]: points(student) for student in students if student["curve"]}
    baselines = [student["unigram_bits_per_byte"] for student in students if student["curve"]]
    last = max((step for line in lines.values() for step, _ in line), default=1)
    top = 1.05 * max([1e-9, *baselines, *(bits for line in lines.values() for _, bits in line)])
    parts = [*axes(last, top)]
    for number, (name, line) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(place(step, bits, last, top) for step, bits in line)
        begin, end = (place(step, baselines[number], last, top) for step in (0, last))
        parts += [
            f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{path}"/>',
            f'<polyline fill="none" stroke="{colour}" stroke-dasharray="4 4" points="{begin} {end}"/>',
            f'<text x="{WIDTH - RIGHT + 10}" y="{TOP + 14 + 18 * number}" fill="{colour}">{name}</text>',
        ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}"'
        f' height="{HEIGHT}" font-family="sans-serif" font-size="12">\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def points(student: dict[str, Any]) -> list[tuple[int, float]]:
    """(step, bits a byte): one factor turns this student's nats a token into them."""
    factor = student["validation_bits_per_byte"] / student["validation_loss"]
    return [(step, loss * factor) for step, loss in student["curve"]]


def place(step: float, bits: float, last: float, top: float) -> str:
    """Where a value stands, as `x,y` in pixels."""
    x = LEFT + (WIDTH - LEFT - RIGHT) * step / last
    y = HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * bits / top
    return f"{x:.1f},{y:.1f}"


def axes(last: int, top: float) -> list[str]:
    """Grid lines with their numbers, and what the axes mean."""
    parts = []
    for number in range(TICKS + 1):
        step, bits = last * number / TICKS, top * number / TICKS
        x, _ = place(step, 0, last, top).split(",")
        _, y = place(0, bits, last, top).split(",")
        parts += [
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" stroke="#dddddd"/>',
            f'<text x="{LEFT - 6}" y="{float(y) + 4:.1f}" text-anchor="end">{bits:.2f}</text>',
            f'<text x="{x}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{step:,.0f}</text>',
        ]
    label = (
        f'<text x="{LEFT}" y="{HEIGHT - 8}">optimizer steps; bits a byte (dashed: unigram baseline)</text>'
    )
    return [*parts, label]
