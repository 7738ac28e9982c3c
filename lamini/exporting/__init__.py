"""export.py: students for other runtimes, each compared with what the student itself answers; and the hub.

    checks.py        what can be wrong with a line
    support.py       which model type each format holds, and why not
    formats.py       what every format does: write a folder, answer from it
    gguf_format.py   llama.cpp's converter, run from its folder; read back by transformers
    sentences.py     a SentencePiece model from a tokenizer.json, which that converter wants of T5
    onnx_format.py   optimum-onnx in an environment of its own; onnx_worker.py is what runs there
    ct2_format.py    CTranslate2
    folders.py       a written folder: its files, its tokenizer, export.json
    parity.py        answers of the export beside the student's own
    card.py          the model card with the results of evaluate.py
    hub.py           the repository on the hub
    running.py       students x formats, one after another
    command.py       what export.py does with its line

A format is said to hold a student only where its answers can be compared. Everything is written beside its
place and renamed when its answers are right, so that nobody picks up half an export or a wrong one.
"""
