"""Every key of the configuration: its type and one line of documentation. Values live in YAML only.

YAML composes, these dataclasses validate, once (lamini/schema.py); below the scripts stand plain values.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any


class Mode(Enum):
    """What `train.py` does with a student."""

    train = "train"
    plan = "plan"
    verify = "verify"


class EvaluateMode(Enum):
    """What `evaluate.py` does."""

    score = "score"
    prefetch = "prefetch"


RateMode = Enum(  # a class cannot have a member called import
    "RateMode",
    {
        "serve": "serve", "summary": "summary", "judge": "judge",
        "export": "export", "import": "import", "merge": "merge", "close": "close",
    },
)  # fmt: skip
"""What `rate.py` does."""


class Init(Enum):
    """Where a student's weights come from."""

    pretrained = "pretrained"
    scratch = "scratch"


class Strategy(Enum):
    """How several devices share one student."""

    auto = "auto"
    ddp = "ddp"
    fsdp = "fsdp"


@dataclass
class LearningRate:
    pretrained: float  # fine-tuning published weights (paper App. D)
    scratch: float  # training from random weights


@dataclass
class FamilySize:
    checkpoint: str | None  # hub id of the published weights; null for sizes that exist from scratch only
    parameters: int  # published parameter count (tied weights counted once); a test builds and compares
    architecture: dict[str, Any]  # HF config fields of this size


@dataclass
class Family:
    _target_: str  # student class: EncoderDecoder or DecoderOnly
    name: str  # as in model=<name>-<size>
    model_type: str  # HF config class to build from scratch
    licence: str  # of the published weights
    context: int  # tokens: prompt + response (decoder-only), each side (encoder-decoder)
    wrapper: str  # prompt layout: bare or alpaca
    tokenizer: str  # folder name under paths.tokenizers
    tokenizer_algorithm: str  # learned by tokenizer=trained: unigram, byte-bpe or bpe
    learning_rate: LearningRate  # peak, by init
    architecture: dict[str, Any]  # HF config fields that all sizes share
    sizes: dict[str, FamilySize]  # size label -> facts


@dataclass
class Size:
    name: str  # label, a key of family.sizes
    micro_tokens: int | None  # padded tokens of one forward pass: what memory holds; null: found at the start


@dataclass
class Validation:
    share: float  # of the pairs, chosen by a hash of the instruction
    limit: int  # pairs scored at most
    every: int | None  # optimizer steps between validations; null: ten times a run
    answers: int  # generated answers shown and logged at each validation
    held_out: int  # generated answers per held-out axis scored when training ends


@dataclass
class Scheduler:
    name: str  # a schedule of transformers.get_scheduler: linear, cosine, constant_with_warmup
    warmup_ratio: float  # share of the steps in which the learning rate rises


@dataclass
class Trainer:
    max_steps: int | None  # optimizer steps; null: max_epochs decides
    max_epochs: float  # passes over the mixture
    accelerator: str  # auto, cpu, gpu or mps
    devices: int  # per student
    strategy: Strategy  # of several devices: ddp (auto: a copy each) or fsdp (a part of the weights each)
    precision: str  # auto, 32-true, bf16-mixed, bf16-true or 16-mixed
    head: str  # loss over the vocabulary: chunked, plain or liger (CUDA); they differ in the last bits
    attention: str  # auto, sdpa, eager, split or adaptive (CPU), flex or flash (CUDA): one result
    compile: bool  # torch.compile the student's body; starts minutes later, then runs faster
    gradient_clip: float | None  # norm; null: none
    gradient_checkpointing: bool  # compute activations again in the backward pass: less memory, more time
    threads: int | None  # CPU threads of a student; null: all cores
    log_every: int  # optimizer steps between records of metrics.jsonl
    checkpoint_every: int | None  # optimizer steps between checkpoints; null: at each validation
    checkpoint_minutes: float | None  # and after so much time on the clock; null: steps alone decide
    keep_last: int  # newest checkpoints kept
    keep_best: int  # checkpoints of the lowest validation losses kept


@dataclass
class Paths:
    output_dir: str  # run folders: <output_dir>/<name>/<run>
    cache_dir: str  # token caches, trained tokenizers
    tokenizers: str | None  # folder of tokenizer folders, looked at before cache and hub


@dataclass
class TrainConfig:
    mode: Mode  # train, plan (print and stop) or verify (check the numbers on this model and data)
    name: str  # of the herd: folder and W&B group
    init: Init  # pretrained or scratch
    checkpoint: str | None  # folder (or hub id) instead of the family's checkpoint
    tokenizer: str  # family, trained, or a folder
    vocabulary: int | None  # pieces of a trained tokenizer; null: as many as the architecture has
    architecture: dict[str, Any]  # HF config fields to override when init=scratch
    context: int  # tokens a row may have; the family's unless said otherwise
    batch_size: int  # pairs of an optimizer step, over all devices
    seed: int  # of everything random
    limit: int | None  # pairs of the mixture used at most, the first by content hash; null: all
    max_rejected: float  # share of malformed or too long rows above which the run fails
    force: bool  # retrain what is done, replace what differs
    family: Family
    size: Size
    data: Any  # a dataclass of lamini.data.options
    validation: Validation
    objective: Any  # a dataclass of lamini.training.objectives
    optimizer: Any  # a dataclass of lamini.training.optimizers
    scheduler: Scheduler
    batching: Any  # a dataclass of lamini.data.batching
    trainer: Trainer
    adapter: Any  # a dataclass of lamini.students.adapters
    logger: Any  # a dataclass of lamini.training.loggers
    paths: Paths


@dataclass
class SamplingOptions:
    temperature: float | None  # null: the teacher's own default, as in the paper
    top_p: float | None  # null: the teacher's own default
    max_tokens: int | None  # of an answer; null: the teacher's own limit


@dataclass
class Columns:
    instruction: str  # column of the prompt; a dotted path reaches into nested values: instances.0.input
    input: str | None  # column that is joined to the instruction where it is not empty
    group: str | None  # column of the subset that examples are drawn from together; null: one group


@dataclass
class Collection:
    path: str | None  # file of prompts (jsonl, json, csv, parquet), or package:<one of ours>; null: the hub's
    hub: str | None  # data set on the hub, where there is no path
    columns: Columns  # which columns make a prompt
    template: str  # instruction and input as one text, where there is an input
    limit: int | None  # prompts used at most, the first by content hash; null: all


@dataclass
class InstructionSource:
    collection: str  # key of instructions.collections
    generate: int | None  # instructions to have written; null: the collection's own prompts are answered
    examples: int  # prompts of the collection shown in one request
    topics: int  # topics named in one request
    ask: int  # instructions asked for in one request
    prompt: str  # template of the request: a name in lamini/instructions/prompts or a file
    limit: int | None  # prompts of the collection that are answered; null: all


@dataclass
class TopicFilter:
    words_below: int  # titles have fewer words
    subcategories_above: int  # categories have more sub-categories
    pages_above: int  # and more pages


@dataclass
class Topics:
    path: str | None  # category.sql.gz, a table with category, subcategories, pages, or a .txt; null: ours
    filter: TopicFilter | None  # null: all of them, as they are; our own list is not filtered


@dataclass
class Instructions:
    collections: dict[str, Collection]  # name -> prompts that exist already
    sources: dict[str, InstructionSource]  # instruction_source -> how its instructions come about
    topics: Topics  # what requests may be about
    sampling: SamplingOptions  # of the requests that write instructions


@dataclass
class Responses:
    system: str | None  # system message: a name in lamini/instructions/prompts or a file; null: none
    samples: int  # answers to each instruction
    length: dict[str, float] | None  # sentence added to the system message -> how often; null: none
    sampling: SamplingOptions  # of the requests that answer instructions


@dataclass
class Limits:
    concurrency: int  # requests in flight at most; adapted below that to what the teacher bears
    requests_per_minute: int | None  # null: as many as it bears
    tokens_per_minute: int | None  # prompt and response together; null: as many as it bears
    tries: int  # of one request, before it is set aside
    timeout: float  # seconds one request may take


@dataclass
class Budget:
    usd: float | None  # what the request log may have cost when this job ends; null: no bound


@dataclass
class NearDuplicates:
    threshold: float  # Jaccard similarity of word n-grams above which two instructions are the same
    ngram: int  # words of a shingle
    permutations: int  # of MinHash: more are more exact and slower


@dataclass
class LengthFilter:
    instruction_min: int  # characters an instruction has at least
    instruction_max: int  # characters an instruction has at most
    response_min: int  # characters a response has at least
    response_max: int  # characters a response has at most


@dataclass
class Curation:
    exact: bool  # drop repeats of the same instruction (the paper kept 70K)
    near: NearDuplicates | None  # drop near-duplicates of an instruction; null: keep them
    languages: list[str] | None  # ISO 639-1 codes that stay; null: all
    length: LengthFilter | None  # null: any
    refusals: bool  # drop responses that decline
    echoes: bool  # drop responses that repeat the instruction
    lossy: str | None  # tokenizer folder; drop what it cannot round-trip; null: keep
    lossy_accepted: str  # characters whose loss does not matter, for example a line break


@dataclass
class Diversity:
    units: str  # marks: words and punctuation marks, case kept (as the paper counts); words: lower-case words
    order: str  # of the rows that MATTR's window slides over: file or shuffled
    window: int  # units of a window of MATTR
    threshold: float  # type-token ratio at which MTLD closes a factor
    sample: int | None  # units of each set for MTLD, distinct-n and compression; null: all


@dataclass
class GenerateConfig:
    name: str  # of the data set: folder <paths.output_dir>/instructions/<name>
    seed: int  # of everything drawn: examples, topics, length directives
    dry_run: bool  # price the job from a sample of real requests, and stop
    dry_run_sample: int  # requests of each stage that a dry run sends where the log has too few answers
    log: str  # request log (SQLite): every answer that was ever paid for
    shard_rows: int  # pairs of one Parquet file
    tokenizer: str | None  # folder of the tokenizer that counts for the data set's card; null: not counted
    force: bool  # replace a finished data set of another configuration
    teacher: Any  # a dataclass of lamini.teacher.options
    instructions: Instructions  # paper section 3.1
    responses: Responses  # paper section 3.2
    curation: Curation  # what is dropped, and why
    diversity: Diversity  # of the table on the data set's card (paper Table 2)
    workers: int  # processes that ask the teacher; hydra/launcher=local, slurm or ray says where they run
    store: str | None  # URL the finished data set is copied to: s3://bucket/name, ...; null: nowhere
    limits: Limits  # what the teacher bears, of all workers together
    budget: Budget  # what it may cost
    paths: Paths  # where data sets go


@dataclass
class EvaluateConfig:
    mode: EvaluateMode  # score, or prefetch (collect models, tokenizers and task data in data_dir)
    students: Any  # run folder, herd folder, Hugging Face folder or hub id; or a list of such
    name: str  # results of what has no run folder of its own: <paths.output_dir>/<name>/<student>
    suite: Any  # a dataclass of lamini.evaluation.options: what is asked
    wrapper: str  # around contexts: auto (as the student was trained), bare, alpaca or both
    data_dir: str | None  # folder of task rows (and models) that stands for the hub; null: the hub
    limit: int | None  # rows of each task; null: all. For tries only: a part is no score
    samples: bool  # write prompt, choices, log-probabilities and answer of every row as Parquet
    device: str  # auto, cpu, cuda or mps
    precision: str  # of the weights: auto (as they were saved), fp32 or bf16
    batch_tokens: int | None  # positions of a batch; null: what suits the device
    threads: int | None  # CPU threads; null: all cores
    seed: int  # of resampling
    force: bool  # score again what is scored already
    workers: int  # processes that ask the students; hydra/launcher=local, slurm or ray says where they run
    teacher: Any  # a dataclass of lamini.teacher.options, as judge or as one who answers; null: none
    classifier: Any  # a dataclass of lamini.evaluation.toxicity.options: what calls a text toxic; null: none
    log: str  # request log of the teacher (SQLite)
    limits: Limits  # what the teacher bears
    budget: Budget  # what it may cost
    paths: Paths  # where results and caches go


@dataclass
class Semantic:
    model: str | None  # sentence-transformers folder or hub id, tfidf, auto (says what it took); null: no map
    sample: int  # instructions of each set that are embedded
    points: int  # of those, drawn in the map
    map: str  # tsne or umap


@dataclass
class Contamination:
    tasks: str | None  # folder of <task>.jsonl (or .gz) with the test items; null: not searched
    ngram: int  # words that have to follow each other in both
    shortest: int  # words of the shortest text that is searched, as a whole where it has fewer than ngram


@dataclass
class AnalyzeConfig:
    seed: int  # of samples, shuffles, bootstrap and map
    force: bool  # work out anew what stands in the folder already
    figures: bool  # draw them; needs the extra `analysis`
    processes: int | None  # that read rows side by side; null: one a core
    tokenizer: str  # words, marks, a folder, a name under paths.tokenizers or a hub id
    near: NearDuplicates | None  # when two instructions count as near-duplicates; null: not counted
    diversity: Diversity  # paper Table 2
    semantic: Semantic  # map and spread of meaning
    contamination: Contamination  # overlap with test items
    data: Any  # a dataclass of lamini.data.options
    paths: Paths  # where reports and caches go


@dataclass
class RatingJudge:
    prompt: str | None  # text file of what a judge is asked; null: ours
    tries: int  # times a target is judged at most until the judge says a level and nothing else
    sampling: SamplingOptions  # of the first time; later ones have a temperature of 1


@dataclass
class RateConfig:
    mode: RateMode  # serve the page, summary, judge (a teacher rates too), export, import, merge, or close
    answers: Any  # file of answers, a pattern of such (with *), or a list; null: ratings names a study begun
    ratings: str | None  # file (SQLite) with the study and its ratings; null: beside the answers
    file: str | None  # what export and summary write (null: beside ratings), what import and merge read
    sheet: Any  # a dataclass of lamini.rating.options: what is rated on which scale
    raters: Any  # how many are expected, or their names, each of whom gets a link; null: whoever joins
    overlap: float  # share of the items that several people rate, so that agreement can be computed
    raters_per_item: int  # people who rate a shared item
    items_per_rater: int | None  # items a person gets at most; null: as many as there are
    seed: int  # of what is drawn, shared, dealt and shuffled; of resampling
    host: str  # address the page is served at; others than this machine's own need a link for each rater
    port: int  # of the page; 0: any that is free
    open_browser: bool  # open the page here
    resamples: int  # of the bootstrap intervals of a summary
    teacher: Any  # a dataclass of lamini.teacher.options that judges; null: none
    judge: RatingJudge  # how it judges
    log: str  # request log of the teacher (SQLite)
    limits: Limits  # what the teacher bears
    budget: Budget  # what it may cost
    paths: Paths  # where logs go


@dataclass
class CompareConfig:
    runs: Any  # herd, run folder, folder of scored models, pattern of such (with *), paper, or a list
    output: str | None  # folder of the book and its files; null: <first herd>/comparison
    analysis: Any  # report of analyze.py, or a list; null: those of the runs' data, beside the herds
    ratings: Any  # summary of rate.py, or a list; null: those beside the herds that rate a member
    answers: Any  # file of answers, or a list; null: those beside the herds that a member gave
    paper: bool  # show the paper's numbers beside ours
    seed: int  # of resampling
    resamples: int  # of bootstrap intervals
    open_browser: bool  # open the book here
    wandb: bool  # build a workspace and a report in W&B too
    project: str  # of W&B, in which the runs lie
    entity: str | None  # team or user of W&B; null: the one that is logged in
    offline: bool  # write what would be sent to W&B, and send nothing
    paths: Paths  # where herds lie


@dataclass
class ChatConfig:
    students: Any  # run folder, herd folder, Hugging Face folder or hub id; or a list of such
    wrapper: str  # around prompts: auto (as the student was trained), bare or alpaca
    data_dir: str | None  # folder of models that stands for the hub; null: the hub
    max_new_tokens: int  # of an answer; the page can ask for another number
    temperature: float  # 0: greedy, as in all our tables; the page can ask for another one
    at_once: int | None  # students that answer at the same time; null: one a core, four at most
    device: str  # auto, cpu, cuda or mps
    precision: str  # of the weights: auto (as they were saved), fp32 or bf16
    threads: int | None  # CPU threads that the answering students share; null: all cores
    host: str  # address of this machine alone: whoever reaches the page may use it
    port: int  # of the page; 0: any that is free
    open_browser: bool  # open the page here
    paths: Paths  # where herds are


@dataclass
class Gguf:
    converter: str | None  # folder of llama.cpp's sources, with convert_hf_to_gguf.py
    type: str  # of the weights: f32, f16, bf16 or q8_0
    least: float  # share of the parity answers that must be the same


@dataclass
class Onnx:
    python: str  # interpreter of an environment with optimum-onnx (make onnx makes it)
    least: float  # share of the parity answers that must be the same


@dataclass
class CTranslate2:
    quantization: str  # int8, int8_float32, int16, float32, ...
    least: float  # share of the parity answers that must be the same


@dataclass
class Hub:
    repo: str | None  # <user>/<name>; * stands for the student's name
    private: bool  # of a repository that is made
    push: bool  # false: only write what would be pushed
    message: str  # of the commit


@dataclass
class Parity:
    instructions: str | None  # file with `instruction` in each row; null: its answers.jsonl, then ours
    limit: int  # instructions that are asked
    max_new_tokens: int  # of an answer


@dataclass
class ExportConfig:
    students: Any  # run folder, herd folder, Hugging Face folder or hub id; or a list of such
    to: Any  # gguf, onnx, ctranslate2, hub; or a list of such
    name: str  # exports of what has no run folder of its own: <paths.output_dir>/<name>/<student>
    data_dir: str | None  # folder of models that stands for the hub; null: the hub
    force: bool  # export again what is exported already
    threads: int | None  # CPU threads; null: all cores
    gguf: Gguf  # for llama.cpp and what stands on it
    onnx: Onnx  # for ONNX Runtime
    ctranslate2: CTranslate2  # for CTranslate2
    hub: Hub  # the Hugging Face Hub, or its like (HF_ENDPOINT)
    parity: Parity  # how the answers of an export are compared with the student's own
    paths: Paths  # where exports go
