"""Instructions as unit vectors: sentence embeddings, or TF-IDF with SVD where there is no model.

Suffixes: N texts, D dimensions.
"""

from __future__ import annotations

import numpy as np

from lamini.analysis.models import Chosen
from lamini.analysis.workers import Progress
from lamini.errors import UserError

DIMENSIONS = 256
"""Of the SVD."""
CHUNK = 1024
"""Texts between two looks at the clock."""


def vectors(texts: list[str], chosen: Chosen, seed: int) -> np.ndarray:
    """Unit vectors, float32 (N, D). A text without a known word has the zero vector under TF-IDF.

    Raises:
        UserError: the model cannot be loaded, or no text has a word.
    """
    found = _tfidf(texts, seed) if chosen.source == "tfidf" else _embedded(texts, chosen.source)
    length = np.linalg.norm(found, axis=1, keepdims=True)
    return (found / np.where(length > 1e-12, length, 1)).astype(np.float32)


def _embedded(texts: list[str], source: str) -> np.ndarray:
    from sentence_transformers import SentenceTransformer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # of loading the weights; ours says more
    try:
        model = SentenceTransformer(source)
    except (OSError, ValueError, KeyError) as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UserError(f"semantic.model={source} cannot be loaded: {first}") from error
    progress = Progress("embeddings", len(texts), "instructions")
    order = np.argsort(
        [-len(text) for text in texts], kind="stable"
    )  # alike lengths together: little padding
    parts = []
    for start in range(0, len(texts), CHUNK):
        chosen = [texts[row] for row in order[start : start + CHUNK]]
        parts.append(model.encode(chosen, show_progress_bar=False, convert_to_numpy=True))
        progress.at(start + len(chosen))
    found = np.concatenate(parts)
    found[order] = found.copy()
    return np.asarray(found)


def _tfidf(texts: list[str], seed: int) -> np.ndarray:
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(
        sublinear_tf=True, ngram_range=(1, 2), max_features=100_000, dtype=np.float32
    )
    try:
        weights = vectorizer.fit_transform(texts)
    except ValueError as error:
        raise UserError(f"semantic.model=tfidf: no instruction has a word ({error})") from error
    smallest = min(weights.shape)
    if smallest <= DIMENSIONS:
        return np.asarray(weights.todense())
    return np.asarray(TruncatedSVD(DIMENSIONS, random_state=seed).fit_transform(weights))
