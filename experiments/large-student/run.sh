#!/usr/bin/env bash
# The same student by one process, by two ranks of torchrun with whole copies, and by two with a part of the weights each;
# prints the table of the README. Two CPU cores, two minutes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

OUTPUT="${LAMINI_OUTPUT:-outputs}"
make install
export OMP_NUM_THREADS=1
LINE=(train.py model=t5-nano logger=none data.pairs=3000 data.held_out=0 validation.answers=0 trainer.max_steps=60
    architecture.dropout_rate=0.0 optimizer.eps=1e-3 trainer.threads=2 trainer.accelerator=cpu "paths.output_dir=$OUTPUT")
.venv/bin/python "${LINE[@]}" name=large-one
.venv/bin/torchrun --standalone --nproc-per-node 2 "${LINE[@]}" name=large-ddp
.venv/bin/torchrun --standalone --nproc-per-node 2 "${LINE[@]}" name=large-fsdp trainer.strategy=fsdp
.venv/bin/python - "$OUTPUT" <<'END'
import json, sys
from pathlib import Path

print("| ranks | training loss | validation loss |")
print("| --- | ---: | ---: |")
for name, said in (("one", "one process"), ("ddp", "two, DDP"), ("fsdp", "two, FSDP")):
    run = json.loads((Path(sys.argv[1]) / f"large-{name}" / "t5-nano" / "run.json").read_text())
    print(f"| {said} | {run['train_loss']:.6f} | {run['validation_loss']:.6f} |")
END
