"""What can be known about `instructions` before pyarrow is imported: numbers, names, files and the hub."""

from __future__ import annotations

from lamini.config import Collection, Columns, Instructions, InstructionSource
from lamini.data import files, hub
from lamini.errors import UserError
from lamini.instructions import topic_files
from lamini.instructions.located import located
from lamini.instructions.templates import MORE, Template, load, parsed
from lamini.teacher.sampling import sampling

MOST = {"examples": 100, "topics": 100, "ask": 1000}
"""Above these a request is a slip of the finger, not a plan."""


def used(options: Instructions) -> list[str]:
    """The collections that some source draws from."""
    return list(dict.fromkeys(source.collection for source in options.sources.values()))


def check(options: Instructions) -> None:
    """Raise UserError for what cannot work: one sentence that names the key and says what would."""
    if not options.sources:
        raise UserError("instructions.sources is empty; name at least one source")
    for name, source in options.sources.items():
        _check_source(name, source, options)
    for name in used(options):
        _check_collection(name, options)
    _check_topics(options)
    sampling(options.sampling, "instructions.sampling")


def template_of(name: str, source: InstructionSource) -> Template:
    """The template of the requests that write a source.

    Raises:
        UserError: as `templates.load`.
    """
    needed = [word for word, count in (("examples", source.examples), ("topics", source.topics)) if count]
    return load(source.prompt, f"instructions.sources.{name}.prompt", MORE, [*needed, "count"])


def _check_source(name: str, source: InstructionSource, options: Instructions) -> None:
    key = f"instructions.sources.{name}"
    if source.collection not in options.collections:
        known = ", ".join(options.collections) or "none"
        raise UserError(f"{key}.collection={source.collection} is no collection; there are {known}")
    if source.generate is None:
        if source.limit is not None and source.limit < 1:
            raise UserError(f"{key}.limit={source.limit} must be at least 1, or null; ~{key} leaves it out")
        return
    if source.generate < 1:
        raise UserError(
            f"{key}.generate={source.generate} must be at least 1, or null for the collection's own prompts;"
            f" ~{key} leaves the source out"
        )
    if source.limit is not None:
        raise UserError(
            f"{key}.limit={source.limit} is for sources that are not generated; set generate instead"
        )
    for word, most in MOST.items():
        count, least = getattr(source, word), 1 if word == "ask" else 0
        if not least <= count <= most:
            raise UserError(f"{key}.{word}={count} must be between {least} and {most}")
    if "examples" in template_of(name, source).placeholders and not source.examples:
        raise UserError(f"{key}.examples=0, but {key}.prompt={source.prompt} shows examples; set 1 or more")


def _check_collection(name: str, options: Instructions) -> None:
    key = f"instructions.collections.{name}"
    collection = options.collections[name]
    sources = [source for source, its in options.sources.items() if its.collection == name]
    leave_out = " ".join(f"~instructions.sources.{source}" for source in sources)
    ways_out = f"set {key}.path=<file>, or leave its sources out: {leave_out}"
    if collection.limit is not None and collection.limit < 1:
        raise UserError(f"{key}.limit={collection.limit} must be at least 1, or null for all")
    _check_columns(key, collection.columns)
    parsed(collection.template, f"{key}.template", ("instruction", "input"), ("instruction",))
    _check_place(key, collection, ways_out)


def _check_columns(key: str, columns: Columns) -> None:
    for role, path in vars(columns).items():
        if path is not None and not path.strip("."):
            raise UserError(f"{key}.columns.{role}={path!r} must name a column")


def _check_place(key: str, collection: Collection, ways_out: str) -> None:
    if collection.path is not None:
        files.check(located(collection.path), f"{key}.path")
    elif collection.hub is not None:
        hub.check(collection.hub, f"{key}.hub", ways_out)
    else:
        raise UserError(f"{key} has neither a path nor a hub; {ways_out}")


def _check_topics(options: Instructions) -> None:
    if not any(source.generate and source.topics for source in options.sources.values()):
        return
    limits = options.topics.filter
    if limits is not None:
        for name, value in vars(limits).items():
            least = 2 if name == "words_below" else 0
            if value < least:
                raise UserError(f"{topic_files.KEY}.filter.{name}={value} must be at least {least}")
    if options.topics.path is not None:
        path = topic_files.check(options.topics.path)
        if limits is not None and topic_files.is_list(path):
            raise UserError(
                f"{topic_files.KEY}.path={options.topics.path} is a plain list without counts for the filter;"
                f" {topic_files.KEY}.filter=null takes the topics as they are"
            )
