"""Every mistake in `instructions` is one sentence that names the key, before anything heavy is imported."""

from __future__ import annotations

import subprocess
import sys
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from lamini.compose import compose
from lamini.config import Instructions
from lamini.errors import UserError
from lamini.instructions.checks import check
from lamini.teacher.oracle import Oracle
from tests.conftest import ROOT

W, T, S = "self_instruct_without_topic", "self_instruct_with_topic", "seeds"


@cache
def composed(preset: str) -> Instructions:
    return compose("generate", ["teacher=oracle", f"instructions={preset}", "name=test"]).instructions


def embedded() -> Instructions:
    return deepcopy(composed("embedded"))


def paper() -> Instructions:
    return deepcopy(composed("paper"))


def changed(key: str, value: Any) -> Instructions:
    options: Any = embedded()
    *path, last = key.split(".")
    place = options
    for step in path:
        place = place[step] if isinstance(place, dict) else getattr(place, step)
    if isinstance(place, dict):
        place[last] = value
    else:
        setattr(place, last, value)
    return options  # type: ignore[no-any-return]


def test_the_embedded_preset_needs_nothing_and_the_oracle_understands_all_its_seeds() -> None:
    from lamini.instructions.existing import load

    options = embedded()
    check(options)
    seeds = list(load("seeds", options.collections["seeds"]).texts())
    kinds = {Oracle().kind_of(text) for text in seeds}
    assert None not in kinds and len(kinds) >= 40


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("sources", {}, "instructions.sources is empty"),
        (f"sources.{W}.collection", "seed", f"{W}.collection=seed is no collection; there are seeds"),
        (f"sources.{W}.generate", 0, f"{W}.generate=0 must be at least 1.*~instructions.sources.{W}"),
        (f"sources.{W}.generate", -5, "generate=-5 must be at least 1"),
        (f"sources.{W}.ask", 0, f"{W}.ask=0 must be between 1 and 1000"),
        (f"sources.{W}.ask", 10**6, "ask=1000000 must be between"),
        (f"sources.{W}.examples", -1, "examples=-1 must be between 0 and 100"),
        (f"sources.{W}.examples", 0, f"{W}.examples=0, but .*prompt=more shows examples"),
        (f"sources.{T}.topics", -3, "topics=-3 must be between 0 and 100"),
        (
            f"sources.{W}.prompt",
            "moer",
            f"{W}.prompt=moer is no template: name a text file, or one of concise",
        ),
        (f"sources.{W}.prompt", "concise", f"{W}.prompt=concise lacks the placeholder {{examples}}"),
        (f"sources.{W}.limit", 5, f"{W}.limit=5 is for sources that are not generated"),
        (f"sources.{S}.limit", 0, f"{S}.limit=0 must be at least 1"),
        ("collections.seeds.limit", 0, "collections.seeds.limit=0 must be at least 1"),
        (
            "collections.seeds.path",
            "/no/seeds.jsonl",
            "collections.seeds.path=/no/seeds.jsonl does not exist",
        ),
        ("collections.seeds.path", "package:no.jsonl", "collections.seeds.path=.*no.jsonl does not exist"),
        (
            "collections.seeds.path",
            None,
            f"collections.seeds has neither .* ~instructions.sources.{W} ~.*{S}",
        ),
        ("collections.seeds.columns.instruction", "", "columns.instruction='' must name a column"),
        ("collections.seeds.template", "{instruct}", "seeds.template has the unknown placeholder {instruct}"),
        ("collections.seeds.template", "{input}", "seeds.template lacks the placeholder {instruction}"),
        ("topics.path", "/no/category.sql.gz", "topics.path=/no/category.sql.gz does not exist"),
        ("topics.path", "/no/topics.pdf", "topics.path=/no/topics.pdf has an unknown format"),
        ("sampling.temperature", -1.0, "instructions.sampling.temperature=-1.0 must be 0 or more"),
        ("sampling.top_p", 0.0, "instructions.sampling.top_p=0.0 must be above 0"),
        ("sampling.max_tokens", 0, "instructions.sampling.max_tokens=0 must be at least 1"),
    ],
)
def test_mistakes(key: str, value: Any, words: str) -> None:
    with pytest.raises(UserError, match=words):
        check(changed(key, value))


def test_a_topic_template_is_needed_only_where_topics_are_named(tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("{examples}\n\n{count} more")
    check(changed(f"sources.{W}.prompt", str(mine)))
    with pytest.raises(UserError, match=f"{T}.prompt=.*mine.txt lacks the placeholder {{topics}}"):
        check(changed(f"sources.{T}.prompt", str(mine)))


def test_the_filter_and_a_plain_list(tmp_path: Path) -> None:
    plain = tmp_path / "mine.txt"
    plain.write_text("Tea\n")
    check(changed("topics.path", str(plain)))
    options = changed("topics.path", str(plain))
    options.topics.filter = paper().topics.filter
    with pytest.raises(UserError, match="plain list without counts.*instructions.topics.filter=null"):
        check(options)
    assert options.topics.filter is not None
    options.topics.filter.words_below = 1
    with pytest.raises(UserError, match="topics.filter.words_below=1 must be at least 2"):
        check(options)
    del options.sources[T]
    check(options)  # topics that nobody names are nobody's mistake


def test_the_paper_s_sources_without_files_say_which_key_and_how_to_leave_them_out() -> None:
    options = paper()
    for name in ("self_instruct", "alpaca"):
        options.collections[name].path = "package:seeds.jsonl"
    ways_out = "set instructions.collections.p3.path=<file>, or leave its sources out:"
    with pytest.raises(UserError, match=f"{ways_out} ~instructions.sources.generated_p3 ~instr.*original_p3"):
        check(options)
    for name in ("generated_p3", "original_p3", "generated_flan", "original_flan"):
        del options.sources[name]
    check(options)


def test_an_unreachable_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    options = changed("collections.seeds.path", None)
    options.collections["seeds"].hub = "nobody/seeds"
    with pytest.raises(
        UserError, match="collections.seeds.hub=nobody/seeds is not cached and HF_HUB_OFFLINE.*path=<file>"
    ):
        check(options)


def test_checking_imports_nothing_heavy() -> None:
    code = (
        "import sys; import lamini.responses, lamini.instructions.checks;"
        "print([name for name in ('pyarrow', 'torch', 'datasets', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
