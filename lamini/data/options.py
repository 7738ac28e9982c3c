"""The choices of `data=`: one dataclass each, named by `_target_` in conf/data/*.yaml.

`check` answers before anything heavy is imported; `load` reads. Imports of pyarrow therefore stand
inside the methods. None of the loaders draws at random from the run's seed: limits go by content,
so the same data serves every seed of a sweep and one token cache serves the whole herd.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lamini.data import files, hub
from lamini.errors import UserError
from lamini.stores import urls

if TYPE_CHECKING:
    import pyarrow as pa

    from lamini.data.corpus import Corpus, Source
    from lamini.data.records import Rejected


def _check(path: str, key: str, override: str | None = None) -> None:
    """Raise UserError unless pairs may be there, here or elsewhere."""
    if not urls.is_url(path):
        files.check_pairs(path, key, override)
        return
    from lamini.stores import fetching

    fetching.check(path, key, override)


def _located(path: str, key: str, cache_dir: Path, override: str | None = None) -> tuple[Path, str]:
    """Where pairs lie on this machine, fetched if need be, and the name of their source.

    Raises:
        UserError: they cannot be fetched.
    """
    if not urls.is_url(path):
        return Path(path), files.name_of(path)
    from lamini.stores import fetching

    return fetching.fetched(path, key, cache_dir, override), fetching.name_of(path)


@dataclass
class FileData:
    """One file of pairs, or a folder of Parquet shards."""

    path: str  # jsonl, json, csv (each also .gz) or parquet; a folder with .parquet shards; or a URL of such
    format: str | None = None  # jsonl, json, csv or parquet, where the suffix does not tell

    def check(self) -> None:
        """Raise UserError when the file cannot be there."""
        _check(self.path, "data.path", self.format)

    def load(self, cache_dir: Path, seed: int) -> Corpus:
        """The file or folder as one source of weight 1, named after it."""
        from lamini.data.corpus import Corpus, Source
        from lamini.data.readers import read_all

        place, name = _located(self.path, "data.path", cache_dir, self.format)
        table, rejected = read_all(place, name, override=self.format)
        return Corpus([Source(name, table)], rejected=rejected)


@dataclass
class SourceOptions:
    """One source of a mixture."""

    path: str | None = None  # file of pairs, folder of shards, or a URL; null: the hub's rows of this source
    weight: float = 1.0  # passes per epoch; 0 leaves the source out
    limit: int | None = None  # first rows by content hash; null: all


@dataclass
class MixtureData:
    """Sources with weights, from a set on the hub and from files."""

    hub: str | None  # data set on the hub, or a local folder or file that stands for it
    sources: dict[str, SourceOptions]  # name -> source

    def active(self) -> dict[str, SourceOptions]:
        """The sources that take part."""
        return {name: source for name, source in self.sources.items() if source.weight > 0}

    def check(self) -> None:
        """Raise UserError for impossible numbers, missing files and an unreachable hub."""
        for name, source in self.sources.items():
            if not math.isfinite(source.weight) or source.weight < 0:
                raise UserError(
                    f"data.sources.{name}.weight={source.weight} must be 0 or more passes per epoch"
                )
            if source.limit is not None and source.limit < 1:
                raise UserError(
                    f"data.sources.{name}.limit={source.limit} must be at least 1"
                    f" (data.sources.{name}.weight=0 leaves a source out)"
                )
        if not self.active():
            raise UserError("data.sources has no source with a weight above 0")
        for name, source in self.active().items():
            if source.path is not None:
                _check(source.path, f"data.sources.{name}.path")
            elif self.hub is None:
                raise UserError(f"data.sources.{name} needs a path, because data.hub is null")
        if self.hub is not None and any(s.path is None for s in self.active().values()):
            hub.check(self.hub)

    def load(self, cache_dir: Path, seed: int) -> Corpus:
        """Every active source, limited, in the order of the configuration.

        Raises:
            UserError: a file or the hub fails, or the hub has no row of a source.
        """
        from lamini.data.corpus import Corpus, Source, limited
        from lamini.data.readers import read_all

        self.check()
        shared: pa.Table | None = None
        rejected: list[Rejected] = []
        sources: list[Source] = []
        for name, source in self.active().items():
            if source.path is not None:
                key = f"data.sources.{name}.path"
                table, bad = read_all(_located(source.path, key, cache_dir)[0], name, key)
                rejected += bad
            else:
                if shared is None:
                    shared, bad = hub.load(str(self.hub))
                    rejected += bad
                table = self._selected(shared, name)
            sources.append(Source(name, limited(table, source.limit), source.weight))
        return Corpus(sources, rejected=rejected)

    def _selected(self, shared: pa.Table, name: str) -> pa.Table:
        """The hub's rows whose instruction_source is `name`."""
        import pyarrow.compute as pc

        table = shared.filter(pc.equal(shared["instruction_source"], name))
        if table.num_rows == 0:
            found = ", ".join(sorted(pc.unique(shared["instruction_source"]).to_pylist()))
            raise UserError(
                f"data.sources.{name}: data.hub={self.hub} has no such instruction_source"
                f" (it has {found}); give the source a path"
            )
        return table


@dataclass
class OracleData:
    """Pairs made by the embedded teacher, with three held-out axes."""

    pairs: int  # training pairs
    held_out: int  # rows of each held-out axis
    fault_rate: float  # share of wrong, wordy or malformed answers
    seed: int  # of the generator; the run's seed does not change the data

    def check(self) -> None:
        """Raise UserError for impossible numbers."""
        if self.pairs < 1 or self.held_out < 0:
            raise UserError(
                f"data.pairs={self.pairs} must be at least 1 and data.held_out={self.held_out} at least 0"
            )
        if not 0 <= self.fault_rate <= 1:
            raise UserError(f"data.fault_rate={self.fault_rate} must be between 0 and 1")

    def load(self, cache_dir: Path, seed: int) -> Corpus:
        """One source `oracle`; the held-out axes travel beside it with their `kind`."""
        from lamini.data.corpus import Corpus, Source
        from lamini.data.readers import usable
        from lamini.teacher.oracle import generate

        self.check()
        rows = generate(self.pairs, self.held_out, self.seed, self.fault_rate)
        train, rejected = usable(map(asdict, rows.pop("train")), "oracle", "data=oracle")
        held_out = {axis: usable(map(asdict, r), axis, axis)[0] for axis, r in rows.items() if r}
        return Corpus([Source("oracle", train)], held_out, rejected)
