"""A push to a hub that is really spoken to: what arrives, under which name, and what a refusal says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lamini.errors import UserError
from lamini.evaluation.subjects import Subject
from lamini.exporting.hub import check_repo, check_repositories, prepare, push, repository
from tests.evaluation.exported import student, subject
from tests.exporting import fake_hub, making
from tests.exporting.test_card import RTE, write


@pytest.fixture
def hub() -> Iterator[fake_hub.Hub]:
    with fake_hub.serving() as one:
        yield one


@pytest.fixture
def ready(tmp_path: Path) -> Path:
    made = subject(tmp_path, "run", student("gpt2"))
    write(made, "nlp15", {"rte": RTE})
    folder = tmp_path / "ready"
    folder.mkdir()
    prepare(made, folder)
    return folder


def test_what_is_pushed_arrives_whole(
    ready: Path, hub: fake_hub.Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", fake_hub.TOKEN)
    where = push(ready, "me/lamini-run", private=True, message="Here it is", endpoint=hub.address)
    assert where == f"{hub.address}/me/x/commit/1" and hub.message == "Here it is"
    assert (hub.created[0]["name"], hub.created[0]["visibility"]) == ("lamini-run", "private")
    sent = {str(file.relative_to(ready)): file.read_bytes() for file in ready.rglob("*") if file.is_file()}
    assert hub.files == sent
    assert {"model.safetensors", "tokenizer.json", "README.md", "evaluation/nlp15.json"} <= set(sent)
    assert b"| nlp15 | rte | acc | 52.7" in sent["README.md"]


def test_a_wrong_token_is_one_sentence(
    ready: Path, hub: fake_hub.Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(UserError, match="hub.repo=me/x was not pushed: the token is not valid"):
        push(ready, "me/x", private=True, message="", endpoint=hub.address)
    assert hub.files == {}


def test_a_hub_that_is_away(ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", fake_hub.TOKEN)
    with pytest.raises(UserError, match="hub.repo=me/x was not pushed: ") as caught:
        push(ready, "me/x", private=True, message="", endpoint="http://127.0.0.1:9")
    assert "\n" not in str(caught.value)


def test_names_of_repositories() -> None:
    one, two = (Subject(name, "", Path(), None) for name in ("gpt2,seed=1", "gpt2,seed=2"))
    assert repository("me/*-x", one) == "me/gpt2-seed-1-x"
    check_repositories("me/*", [one, two])
    with pytest.raises(UserError, match="hub.repo=me/all would push gpt2,seed=1 and gpt2,seed=2 to one"):
        check_repositories("me/all", [one, two])


@pytest.mark.parametrize("repo", ["null", "name", "a/b/c", "'me/ x'"])
def test_a_repository_needs_a_user_and_a_name(tmp_path: Path, repo: str) -> None:
    with pytest.raises(UserError, match=r"must be <user>/<name>; \* stands for the student"):
        check_repo(making.config(tmp_path, "students=x", "to=hub", f"hub.repo={repo}"))


def test_without_a_token_the_way_out_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    told = making.config(tmp_path, "students=x", "to=hub", "hub.repo=me/x")
    with pytest.raises(UserError, match="needs a token that may write: `hf auth login`, or HF_TOKEN"):
        check_repo(told)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UserError, match="HF_HUB_OFFLINE forbids to=hub; hub.push=false"):
        check_repo(told)
    check_repo(making.config(tmp_path, "students=x", "to=hub", "hub.repo=me/x", "hub.push=false"))
