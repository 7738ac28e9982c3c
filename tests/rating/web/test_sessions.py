"""Cookies, form tokens, links and the secret they hang on."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from lamini.errors import UserError
from lamini.rating.records import Rater
from lamini.rating.web.sessions import Session, Sessions, hash_of, rater_of, secret_beside

SESSIONS = Sessions(b"a" * 32, "digest")
ANN, BOB = Rater(1, "Ann", None, "person", 5.0), Rater(2, "Bob", None, "person", 5.0)
OTHER = Sessions(b"b" * 32, "digest")


def test_a_cookie_comes_back_as_it_was() -> None:
    for session in (SESSIONS.new(), SESSIONS.new(ANN)):
        assert SESSIONS.read(SESSIONS.cookie(session)) == session
        assert OTHER.read(SESSIONS.cookie(session)) is None


def test_nobody_can_make_or_change_one() -> None:
    number, rater, proof, signature = SESSIONS.cookie(SESSIONS.new(ANN)).split(".")
    assert rater == "1"
    changed = (f"{number}.2.{proof}.{signature}", f"x.1.{proof}.{signature}", f"{number}.1..{signature}")
    for forged in (*changed, f"{number}.1.{proof}.", f"{number}.1.{proof}", "", "...", "\u00e9"):
        assert SESSIONS.read(forged) is None


def test_a_number_that_is_somebody_else_now_opens_nothing() -> None:
    """The file of ratings was begun anew and its first rater is another one."""
    assert SESSIONS.proof(ANN) != SESSIONS.proof(replace(ANN, joined=6.0)) != SESSIONS.proof(BOB)


def test_form_tokens_belong_to_one_session() -> None:
    ann, bob = SESSIONS.new(ANN), SESSIONS.new(BOB)
    assert SESSIONS.form_token_is(ann, SESSIONS.form_token(ann))
    assert not SESSIONS.form_token_is(ann, SESSIONS.form_token(bob))
    assert not SESSIONS.form_token_is(ann, OTHER.form_token(ann))
    assert not SESSIONS.form_token_is(Session(ann.number, None), SESSIONS.form_token(ann))


def test_studies_on_one_machine_keep_their_cookies_apart() -> None:
    assert Sessions(b"a" * 32, "another").cookie_name != SESSIONS.cookie_name
    assert "digest" not in SESSIONS.cookie_name


def test_a_link_is_the_same_at_every_start_and_opens_one_rater() -> None:
    names = ("Ann", "Bob", "\u05d0\u05d1")
    tokens = [SESSIONS.link_token(name) for name in names]
    assert tokens == [Sessions(b"a" * 32, "digest").link_token(name) for name in names]
    assert all(len(token) == 32 for token in tokens) and len(set(tokens)) == 3
    raters = [
        Rater(i, name, hash_of(token), "person", 0.0)
        for i, (name, token) in enumerate(zip(names, tokens, strict=True))
    ]
    raters.append(Rater(9, "no link", None, "person", 0.0))
    assert [rater_of(token, raters) for token in tokens] == raters[:3]
    assert rater_of("", raters) is None and rater_of(OTHER.link_token("Ann"), raters) is None
    assert rater_of("\ud800", raters) is None


def test_the_secret_is_made_once_and_is_its_owners(tmp_path: Path) -> None:
    ratings = tmp_path / "study.sqlite"
    secret = secret_beside(ratings)
    file = tmp_path / "study.sqlite.secret"
    assert len(secret) == 32 and secret_beside(ratings) == secret == file.read_bytes()
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600


def test_a_secret_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.secret").write_bytes(b"short")
    with pytest.raises(UserError, match=r"a\.secret is no secret of ours; remove it"):
        secret_beside(tmp_path / "a")
    (tmp_path / "b.secret").mkdir()
    with pytest.raises(UserError, match=r"b\.secret cannot be used \(is a directory\)"):
        secret_beside(tmp_path / "b")
    with pytest.raises(UserError, match="no such file"):
        secret_beside(tmp_path / "missing" / "c")
