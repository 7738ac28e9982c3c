"""What runs in the environment with optimum-onnx, which knows nothing of this project: one job, from JSON.

    {"job": "write", "source": folder, "folder": empty folder, "task": optimum's name}
    {"job": "answer", "folder": written, "seq2seq": bool, "prompts": [[ids]], "room": tokens,
     "end": id, "pad": id, "start": id or null, "threads": number}

The answer is the last line of stdout, as JSON.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any


def write(job: dict[str, Any]) -> dict[str, Any]:
    """Export; of a decoder in two and in one file the one that does both is kept."""
    from optimum.exporters.onnx import main_export

    folder = Path(job["folder"])
    main_export(
        job["source"], output=folder, task=job["task"], framework="pt", library_name="transformers",
        do_validation=False,
    )  # fmt: skip
    if (folder / "decoder_model_merged.onnx").exists():
        for name in ("decoder_model.onnx", "decoder_with_past_model.onnx"):
            for file in folder.glob(f"{name}*"):
                file.unlink()
    return {name: version(name) for name in ("optimum-onnx", "onnxruntime", "transformers")}


def answer(job: dict[str, Any]) -> list[list[int]]:
    """Greedy new ids, prompt by prompt: nothing is padded."""
    import onnxruntime
    import torch
    from optimum.onnxruntime import ORTModelForCausalLM, ORTModelForSeq2SeqLM
    from transformers import GenerationConfig

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = job["threads"]
    kind = ORTModelForSeq2SeqLM if job["seq2seq"] else ORTModelForCausalLM
    model = kind.from_pretrained(job["folder"], session_options=options)
    model.generation_config = GenerationConfig(
        do_sample=False, num_beams=1, max_new_tokens=job["room"], eos_token_id=job["end"],
        pad_token_id=job["pad"], decoder_start_token_id=job["start"],
    )  # fmt: skip
    found = []
    for prompt in job["prompts"]:
        ids = torch.tensor([prompt])
        out = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids))
        found.append(out[0, 1 if job["seq2seq"] else len(prompt) :].tolist())
    return found


if __name__ == "__main__":
    told = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    result = {"write": write, "answer": answer}[told["job"]](told)
    print("\n" + json.dumps(result))
