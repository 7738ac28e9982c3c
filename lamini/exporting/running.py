"""Students x formats, one after another: what one cannot do does not stop the others.

<student>/exports/<format>/ holds the files and export.json. They are written beside their place, asked the
parity instructions there, and renamed when enough answers are the same.
"""

from __future__ import annotations

import gc
import shutil
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.table import Table

from lamini.children import cores
from lamini.config import ExportConfig
from lamini.errors import UserError
from lamini.evaluation.loading import layout, model_of
from lamini.evaluation.subjects import Subject
from lamini.evaluation.summary import NOTE, labels, marked
from lamini.exporting import folders, hub
from lamini.exporting.card import facts
from lamini.exporting.ct2_format import CTranslate2Format
from lamini.exporting.formats import Format
from lamini.exporting.gguf_format import GgufFormat
from lamini.exporting.onnx_format import OnnxFormat
from lamini.exporting.parity import Parity, compare, instructions_for, prompts_of
from lamini.report import console
from lamini.runs import draft
from lamini.students.export import put_in_place
from lamini.students.protocol import Student
from lamini.training.teachers.storing import digest_of

SHOWN = 60  # characters of a text in a complaint


@dataclass(frozen=True)
class Made:
    """What came of one student and one target."""

    subject: Subject
    target: str
    status: str  # done, there already, failed
    where: str = ""  # folder or address
    megabytes: float | None = None
    same: float | None = None  # share of answers
    error: str = ""


def export_all(config: ExportConfig, work: Sequence[tuple[Subject, str]]) -> list[Made]:
    """Everything, student by student, so that each is loaded once."""
    torch.set_num_threads(config.threads or cores())
    found = []
    for subject in dict.fromkeys(subject for subject, _ in work):
        student: list[Student] = []  # loaded when the first target asks for it
        for target in (target for one, target in work if one == subject):
            print(f"{subject.name} to {target}", flush=True)
            found.append(_guarded(config, subject, target, student))
        student.clear()
        gc.collect()
    return found


def _guarded(config: ExportConfig, subject: Subject, target: str, student: list[Student]) -> Made:
    try:
        if target == "hub":
            return _pushed(config, subject)
        return _exported(config, subject, formats(config)[target], student)
    except UserError as error:
        return Made(subject, target, "failed", error=str(error))
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        return Made(subject, target, "failed", error=f"{type(error).__name__}: {error}")


def formats(config: ExportConfig) -> dict[str, Format]:
    """The formats as the line wants them."""
    threads = config.threads or cores()
    return {
        "gguf": GgufFormat(config.gguf.converter or "", config.gguf.type, config.gguf.least),
        "onnx": OnnxFormat(config.onnx.python, config.onnx.least, threads),
        "ctranslate2": CTranslate2Format(
            config.ctranslate2.quantization, config.ctranslate2.least, threads
        ),
    }  # fmt: skip


def _exported(config: ExportConfig, subject: Subject, made: Format, loaded: list[Student]) -> Made:
    source, folder = Path(subject.source).expanduser(), subject.folder / "exports" / made.name
    if not source.is_dir():
        raise UserError(f"{subject.source} is on the hub: download it, and name its folder")
    about = {**facts(subject), "digest": digest_of(source)}
    before = folders.read(folder)
    if before and not config.force and (before["student"], before["options"]) == (about, made.options()):
        return Made(
            subject, made.name, "there already", str(folder), folders.megabytes(folder),
            before["parity"]["same"],
        )  # fmt: skip
    if not loaded:
        one = layout(subject, "auto")
        one.model = model_of(subject, "cpu", "fp32")
        loaded.append(one)
    with _beside(folder) as temporary:
        versions = made.write(loaded[0], source, temporary)
        parity = ask(config, subject, loaded[0], made, temporary)
        if parity.same < made.least:
            raise UserError(too_far(parity, made))
        folders.write(temporary, folders.record(loaded[0], about, made, versions, parity.tree()))
        put_in_place(temporary, folder)
    return Made(subject, made.name, "done", str(folder), folders.megabytes(folder), parity.same)


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """An empty folder beside one that is to be, gone afterwards unless it was renamed."""
    temporary = draft(folder)
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir(parents=True)
        yield temporary
    except OSError as error:
        raise UserError(f"cannot write {folder}: {error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def ask(config: ExportConfig, subject: Subject, student: Student, made: Format, folder: Path) -> Parity:
    """The student and its export answer the same instructions.

    Raises:
        UserError: no instruction fits the context, or the runtime does not read the folder.
    """
    tokens = config.parity.max_new_tokens
    found = instructions_for(subject.folder, config.parity.instructions, config.parity.limit)
    asked = prompts_of(student, found, tokens)
    if not asked:
        raise UserError(
            f"none of the parity instructions leaves room for {tokens} tokens in a context of"
            f" {student.context}; lower parity.max_new_tokens"
        )
    prompts = [prompt for _, prompt in asked]
    ours = [student.continued(student.ready(), [prompt], tokens)[0] for prompt in prompts]
    theirs = made.answer(student, folder, prompts, tokens)
    pairs = [(_bare(student, one), _bare(student, other)) for one, other in zip(ours, theirs, strict=True)]
    return compare(
        [text for text, _ in asked], [student.decode(one) for one in ours],
        [student.decode(other) for other in theirs], pairs,
    )  # fmt: skip


def _bare(student: Student, ids: list[int]) -> list[int]:
    return ids[: ids.index(student.end)] if student.end in ids else ids


def too_far(parity: Parity, made: Format) -> str:
    """Why an export is not kept."""
    first = {key: text[:SHOWN] for key, text in (parity.first or {}).items()}
    return (
        f"only {parity.same:.0%} of {parity.instructions} answers are the same ({made.runtime}), and"
        f" {made.name}.least={made.least} asks for more: to {first.get('instruction')!r} the student says"
        f" {first.get('student')!r} and the export {first.get('export')!r}"
    )


def _pushed(config: ExportConfig, subject: Subject) -> Made:
    folder, repo = subject.folder / "exports" / "hub", hub.repository(str(config.hub.repo), subject)
    with _beside(folder) as temporary:
        hub.prepare(subject, temporary)
        put_in_place(temporary, folder)
    where = str(folder)
    if config.hub.push:
        where = hub.push(folder, repo, private=config.hub.private, message=config.hub.message)
    return Made(subject, "hub", "done", where, folders.megabytes(folder))


def report(found: Sequence[Made]) -> None:
    """One line each, then why what failed did."""
    view = Table(title="exports", title_justify="left")
    for column in ("student", "to", "status"):
        view.add_column(column, overflow="fold")
    for column in ("MB", "same answers"):
        view.add_column(column, justify="right")
    view.add_column("where", overflow="fold")
    names = labels(list(dict.fromkeys(one.subject for one in found)))
    for one in found:
        size = "" if one.megabytes is None else f"{one.megabytes:.1f}"
        same = "" if one.same is None else f"{one.same:.0%}"
        name = marked(one.subject, names[one.subject])
        view.add_row(name, one.target, one.status, size, same, one.where)
    out = console()
    out.print(view)
    if any(one.subject.scratch for one in found):
        out.print(NOTE, style="dim")
    for one in found:
        if one.error:
            out.print(
                f"failed  {one.subject.name} to {one.target}: {one.error}", soft_wrap=True, markup=False
            )
