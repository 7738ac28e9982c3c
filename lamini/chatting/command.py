"""What chat.py does with its line: serve the page, load the students behind it, end with Ctrl+C.

torch and the web server are imported when the line is known to be right.
"""

from __future__ import annotations

import threading

from lamini.chatting.checks import check, whole
from lamini.children import cores
from lamini.config import ChatConfig
from lamini.single import Single

AT_ONCE = 4  # students that answer at the same time unless the line says otherwise


def serve(config: ChatConfig) -> int:
    """Serve the page until Ctrl+C or SIGTERM; returns the exit status.

    Raises:
        UserError: no student can be asked, or the address cannot be listened on.
    """
    from transformers.utils.logging import disable_progress_bar, set_verbosity_error

    from lamini.chatting.app import Defaults, build
    from lamini.chatting.rounds import Rounds
    from lamini.chatting.speakers import Speakers
    from lamini.web.gate import Hosts
    from lamini.web.serving import address, listening, show, until_stopped

    disable_progress_bar()
    set_verbosity_error()
    subjects = whole(config, tell)
    speakers = Speakers(subjects, config.wrapper, config.device, config.precision)
    with listening(config.host, config.port) as listener:
        here = address(config.host, listener.getsockname()[1])
        tell(f"Ask {len(subjects)} student(s) at {here}\nCtrl+C ends. They are loaded one after another:")
        threading.Thread(target=speakers.load, args=(tell,), daemon=True).start()
        rounds = Rounds(speakers, at_once(config, len(subjects)), config.threads or cores())
        if config.open_browser:
            show(here)
        try:
            hosts = Hosts.of(config.host, listener.getsockname()[1])
            app = build(rounds, hosts, Defaults(config.max_new_tokens, config.temperature))
            until_stopped(app, listener, speakers.closing.set)
        finally:
            rounds.close()
    return 0


def at_once(config: ChatConfig, students: int) -> int:
    """Students that answer at the same time."""
    return config.at_once or max(1, min(AT_ONCE, config.threads or cores(), students))


def tell(sentence: str) -> None:
    """Say it in the terminal."""
    print(sentence, flush=True)


LINE = Single(
    "chat.py", ChatConfig, check, serve,
    several="is one page: leave out -m, and name all students in students='[a,b]'", interrupted="",
)  # fmt: skip
starter, start, job = LINE.starter, LINE.start, LINE.job
