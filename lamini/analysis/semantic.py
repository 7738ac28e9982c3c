"""The semantic map of the instructions and the spread of every set (paper section 3.3).

The paper embeds 50K instructions of a set and shows a t-SNE map, without a number. Here each set also gets
its mean cosine distance with an interval, and its Vendi score over equally many rows of every set. A t-SNE
of 350K points takes hours on a CPU and prints black: all `semantic.sample` rows are measured,
`semantic.points` of them are drawn.

Suffixes: N rows, D dimensions, P points.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lamini.analysis import spread
from lamini.analysis.models import Chosen
from lamini.analysis.rows import Rows
from lamini.analysis.vectors import vectors
from lamini.analysis.workers import say
from lamini.config import Semantic

SHOWN = 120
"""Characters of an instruction that the interactive map shows."""
NARROW = 50
"""Dimensions that the map starts from, after PCA."""


def semantic(sets: list[Rows], options: Semantic, chosen: Chosen, seed: int) -> dict[str, Any]:
    """`model` (what vectors are), `vendi_rows`, `sets` (set -> rows, distance, bounds, vendi), `points`."""
    texts = {rows.name: _sample(rows, options.sample, seed) for rows in sets}
    vector_ND = vectors([text for own in texts.values() for text in own], chosen, seed)
    ends = np.cumsum([len(own) for own in texts.values()])[:-1]
    parts = dict(zip(texts, np.split(vector_ND, ends), strict=True))
    smallest = min(map(len, parts.values()))
    return {
        "model": chosen.note,
        "vendi_rows": smallest,
        "sets": {name: _measured(part, smallest, seed) for name, part in parts.items()},
        "points": _points(parts, texts, options, seed),
    }


def _sample(rows: Rows, size: int, seed: int) -> list[str]:
    """At most `size` instructions drawn at random by what they are."""
    chosen_N = rows.shuffled(seed)[:size]
    return [text for texts in rows.texts("instruction", chosen_N) for text in texts]


def _measured(vector_ND: np.ndarray, equal: int, seed: int) -> dict[str, Any]:
    return {
        "rows": len(vector_ND),
        "distance": spread.distance(vector_ND.astype(np.float64)),
        "bounds": spread.bounds(vector_ND, seed),
        "vendi": spread.vendi(vector_ND[:equal]),
    }


def _points(
    parts: dict[str, np.ndarray], texts: dict[str, list[str]], options: Semantic, seed: int
) -> dict[str, list[Any]]:
    """Set -> [x, y, start of the instruction] of the rows that are drawn; empty where a map needs more."""
    drawn = {name: part[: options.points] for name, part in parts.items()}
    vector_PD = np.concatenate(list(drawn.values()))
    if len(vector_PD) < 10:
        return {}
    say(f"semantic map: {options.map} of {len(vector_PD):,} points")
    places = (_tsne if options.map == "tsne" else _umap)(_narrowed(vector_PD, seed), seed)
    ends = np.cumsum([len(part) for part in drawn.values()])[:-1]
    return {
        name: [
            [round(float(x), 3), round(float(y), 3), text[:SHOWN]]
            for (x, y), text in zip(place, texts[name], strict=False)
        ]
        for name, place in zip(drawn, np.split(places, ends), strict=True)
    }


def _narrowed(vector_PD: np.ndarray, seed: int) -> np.ndarray:
    from sklearn.decomposition import PCA

    width = min(NARROW, *vector_PD.shape)
    return np.asarray(PCA(width, random_state=seed).fit_transform(vector_PD))


def _tsne(vector_PD: np.ndarray, seed: int) -> np.ndarray:
    from sklearn.manifold import TSNE

    perplexity = min(30.0, (len(vector_PD) - 1) / 3)
    model = TSNE(2, perplexity=perplexity, init="pca", random_state=seed, n_jobs=-1)
    return np.asarray(model.fit_transform(vector_PD))


def _umap(vector_PD: np.ndarray, seed: int) -> np.ndarray:
    from umap import UMAP

    model = UMAP(n_neighbors=min(15, len(vector_PD) - 1), metric="cosine", random_state=seed, n_jobs=1)
    return np.asarray(model.fit_transform(vector_PD))
