"""Figures as interactive pages, through plotly: one file each, which asks no other host for anything."""

from __future__ import annotations

from html import escape
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from lamini.analysis.figures import Curves, Dots, Figure, Map, colours

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fff; padding: 16px; }}
body {{ margin: 0 auto; max-width: 1200px; }}
h1 {{ font-size: 1.3rem; margin: 0 0 .25rem; }}
p {{ margin: 0 0 1rem; color: #555; font-size: .9rem; overflow-wrap: anywhere; }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{caption}</p>
{body}
</body>
</html>
"""


def html(figure: Figure) -> str:
    """The figure as a page; the library (4.7 MB) stands in it."""
    draw: Any = {Curves: _curves, Dots: _dots, Map: _map}[type(figure)]
    view, height = draw(figure)
    view.update_layout(
        template="plotly_white",
        height=height,
        margin={"l": 10, "r": 10, "t": 60, "b": 90},
        legend={
            "orientation": "h",
            "yref": "container",
            "yanchor": "bottom",
            "y": 0,
            "x": 0,
            "itemsizing": "constant",
        },
        font={"family": "system-ui, sans-serif", "size": 13},
    )
    view.update_xaxes(automargin=True)
    view.update_yaxes(automargin=True)
    body = view.to_html(
        full_html=False,
        include_plotlyjs=True,
        include_mathjax=False,
        div_id=figure.name,
        config={"responsive": True, "displaylogo": False},
    )
    return PAGE.format(title=escape(figure.title), caption=escape(figure.caption), body=body)


def _curves(figure: Curves) -> tuple[go.Figure, int]:
    """Panels below each other, so that a phone shows them too."""
    panels = len(figure.panels)
    view = make_subplots(
        panels, 1, subplot_titles=list(figure.panels), vertical_spacing=0.12, shared_xaxes=True
    )
    for row, lines in enumerate(figure.panels.values(), start=1):
        colour = colours(list(lines))
        for name, points in lines.items():
            x, y = zip(*points, strict=True)
            view.add_scatter(x=x, y=y, name=name, legendgroup=name, showlegend=row == 1, mode="lines",
                             line={"shape": "hv", "color": colour[name]}, row=row, col=1,
                             hovertemplate="%{x} tokens or fewer: %{y:.1%}")  # fmt: skip
        view.update_xaxes(type="log", dtick=1, row=row, col=1)
        view.update_yaxes(tickformat=".0%", row=row, col=1)
    view.update_xaxes(title=figure.x, row=panels, col=1)
    return view, 340 * panels + 90


def _dots(figure: Dots) -> tuple[go.Figure, int]:
    panels = len(figure.panels)
    titles = [panel for panel in figure.panels if panel]
    view = make_subplots(panels, 1, subplot_titles=titles or None, vertical_spacing=0.2)
    most = 0
    several = len(figure.series) > 1
    for row, values in enumerate(figure.panels.values(), start=1):
        most = max(most, len(values))
        for number, series in enumerate(figure.series):
            colour = "#dd6633" if number else "#3366aa"
            marker: dict[str, Any] = {"symbol": "circle", "size": 9, "color": colour}
            if series in figure.marks:
                marker |= {"symbol": "circle-open", "size": 15, "line": {"width": 2}}
            view.add_scatter(x=[cells[number] for cells in values.values()], y=list(values), name=series,
                             legendgroup=series, showlegend=row == 1 and several, mode="markers",
                             marker=marker, row=row, col=1)  # fmt: skip
        view.update_yaxes(autorange="reversed", row=row, col=1)
    view.update_xaxes(title=figure.x, row=panels, col=1)
    if figure.percent:
        view.update_xaxes(tickformat=".1%")
    return view, (110 + 32 * most) * panels + 90


def _map(figure: Map) -> tuple[go.Figure, int]:
    view = go.Figure()
    colour = colours(list(figure.sets))
    for name, points in figure.sets.items():
        x, y, text = zip(*points, strict=True)
        view.add_scattergl(x=x, y=y, text=[escape(words) for words in text], name=name, mode="markers",
                           marker={"size": 4, "opacity": 0.6, "color": colour[name]},
                           hovertemplate="%{text}<extra>" + escape(name) + "</extra>")  # fmt: skip
    view.update_xaxes(visible=False)
    view.update_yaxes(visible=False)
    return view, 760
