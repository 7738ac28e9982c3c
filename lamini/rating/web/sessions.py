"""Who somebody is: a signed cookie for each browser, and links with tokens for raters on other machines.

Both hang on one secret of the study, 32 bytes in a file beside the ratings that only its owner can read
(`<ratings>.secret`). So a restart signs nobody out and prints the same links again. The store holds a token's
hash only: who gets a copy of the ratings cannot rate as somebody else. A token has 192 bits, so a plain hash
of it is enough and guessing is hopeless without any counting of tries.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lamini.errors import UserError
from lamini.rating.store import Rater
from lamini.runs import reason

DAYS = 30
"""How long a browser stays signed in."""


@dataclass(frozen=True, slots=True)
class Session:
    """One browser: a number of its own, and who sits before it (None: nobody yet)."""

    number: str
    rater: int | None
    proof: str = ""  # that the rater of this number is still the same one: see `Sessions.proof`


class Sessions:
    """Makes and checks cookies, form tokens and links."""

    def __init__(self, secret: bytes, study: str) -> None:
        """`study` is the digest: pages of two studies on one machine share a browser's cookies."""
        self._secret = secret
        # Of the study: its digest would help to guess whose keys are whose.
        self.mark = self._sign("study", study)[:12]
        self.cookie_name = f"lamini_rating_{self.mark}"

    def new(self, rater: Rater | None = None) -> Session:
        """A session that no browser has yet; one who joins gets a new one, too."""
        number = secrets.token_urlsafe(18)
        return Session(number, None) if rater is None else Session(number, rater.id, self.proof(rater))

    def proof(self, rater: Rater) -> str:
        """Tells this rater from one with the same number in a file of ratings that was begun anew."""
        return self._sign("rater", f"{rater.id}\0{rater.name}\0{rater.joined}")[:12]

    def cookie(self, session: Session) -> str:
        """What the browser keeps."""
        told = f"{session.number}.{'' if session.rater is None else session.rater}.{session.proof}"
        return f"{told}.{self._sign('session', told)}"

    def read(self, cookie: str) -> Session | None:
        """The session of a cookie; None where it is not ours or was changed."""
        told, _, signature = cookie.rpartition(".")
        if not _same(signature, self._sign("session", told)):
            return None
        number, rater, proof = told.split(".")
        return Session(number, int(rater) if rater else None, proof)

    def form_token(self, session: Session) -> str:
        """What each post of a session must carry: a page of another site cannot know it."""
        return self._sign("form", self.cookie(session))

    def form_token_is(self, session: Session, told: str) -> bool:
        """Whether a post carries it."""
        return _same(told, self.form_token(session))

    def link_token(self, name: str) -> str:
        """The token in the link of a rater: the same one at every start."""
        return base64.urlsafe_b64encode(self._digest("link", name)[:24]).decode()

    def _sign(self, purpose: str, text: str) -> str:
        return self._digest(purpose, text).hex()[:40]

    def _digest(self, purpose: str, text: str) -> bytes:
        return hmac.digest(self._secret, f"{purpose}\0{text}".encode("utf-8", "replace"), "sha256")


def hash_of(token: str) -> str:
    """What the store keeps of a token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def rater_of(token: str, raters: Iterable[Rater]) -> Rater | None:
    """Whose link a token is; all are compared, in constant time each."""
    told, found = hash_of(token), None
    for rater in raters:
        if rater.token_hash is not None and _same(told, rater.token_hash):
            found = rater
    return found


def secret_beside(ratings: Path) -> bytes:
    """The secret of a file of ratings, made at the first start; readable by its owner alone.

    Raises:
        UserError: it cannot be read or written, or holds something else.
    """
    path = ratings.with_name(f"{ratings.name}.secret")
    try:
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            pass
        else:
            with os.fdopen(handle, "wb") as file:
                file.write(secrets.token_bytes(32))
        secret = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be used ({reason(error)}); raters' links hang on it") from error
    if len(secret) != 32:
        raise UserError(f"{path} is no secret of ours; remove it to begin anew: old links end with it")
    return secret


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))
