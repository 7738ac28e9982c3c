# LaMini's short commands; needs make and Python >= 3.11, nothing else.
#
#   make PYTHON=/path/to/python3.11 ...     to make .venv with this Python
#   PIP_EXTRA_INDEX_URL=<index of CPU wheels> make ...  for torch without the gigabytes of CUDA

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help install herd onnx test test-all style types clean

VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest -q

# A stamp is named by what decides an environment's content: the requirements, and where the checkout is
# (the editable install points there). Contents, not file times: a clone or a copy has new times for old text.
IDENTITY := $(shell { cat pyproject.toml constraints.txt; pwd; } | cksum | cut -d ' ' -f 1)
TEST := $(VENV)/.installed-test-$(IDENTITY)
DEV := $(VENV)/.installed-dev-$(IDENTITY)

help:  ## Show this help
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F '|' '{ printf "%-16s%s\n", $$1, $$2 }'

install: $(TEST)  ## Make .venv with everything pinned (every target below does it when needed)

# A student that failed (status 1) stops neither the others nor the book; make says so at the end.
herd: $(TEST)  ## Train, score and compare the embedded herd: no download, minutes on two CPU cores
	@herd="$${LAMINI_OUTPUT:-outputs}/embedded"; failed=0; \
	step() { echo "$$*"; "$$@" || { failed=$$?; [ $$failed -eq 1 ] || exit $$failed; }; }; \
	step $(BIN)/python train.py -m experiment=embedded; \
	step $(BIN)/python evaluate.py students="$$herd" suite=oracle; \
	step $(BIN)/python evaluate.py students="$$herd" suite=latency threads=1; \
	step $(BIN)/python compare.py runs="$$herd"; \
	exit $$failed

onnx: $(TEST)  ## Make .venv-onnx for export.py to=onnx, which wants an older transformers
	[ -x .venv-onnx/bin/python ] || $(BIN)/python -m venv .venv-onnx
	.venv-onnx/bin/python -m pip --no-input --disable-pip-version-check install -r lamini/exporting/onnx.txt

# One thread in each of several processes beats several threads in one on tiny models; a file stays in one
# process because its fixtures train models.
test: $(TEST)  ## Run the fast offline tests
	OMP_NUM_THREADS=1 $(PYTEST) --numprocesses=auto --maxprocesses=4 --dist=loadfile

# Of what `make test` leaves out, run the marks whose parts are here; exit status 5 is pytest's "no tests".
# Two processes: most of these tests wait for processes of their own that import torch.
test-all: $(TEST)  ## Run the tests that `make test` leaves out, as far as their parts are installed
	@run=slow; without=network; skipped="network (run $(BIN)/python -m pytest -m network)"; \
	mark() { if eval "$$2" >/dev/null 2>&1; then run="$$run or $$1"; \
		else without="$$without or $$1"; skipped="$$skipped; $$1 ($$3)"; fi; }; \
	mark gpu '$(BIN)/python -c "import torch; raise SystemExit(not torch.cuda.is_available())"' \
		'no CUDA device'; \
	mark browser 'command -v chromium || command -v chromium-browser' 'no chromium'; \
	mark slurm 'command -v slurmctld && command -v sbatch' 'no slurmctld or no sbatch'; \
	mark ray '$(BIN)/python -c "import ray"' 'ray is not installed in $(VENV)'; \
	status=0; \
	$(PYTEST) -m "($$run) and not ($$without)" --numprocesses=2 --dist=loadfile || status=$$?; \
	echo "ran the marks: $$run"; echo "skipped the marks: $$skipped"; \
	[ $$status -ne 5 ] || { echo "no test carries the marks that could run"; status=0; }; \
	exit $$status

style: $(DEV)  ## Check style and format (ruff)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEV)  ## Check types (mypy)
	$(BIN)/mypy

clean:  ## Remove what builds and tools left behind; .venv and outputs stay
	rm -rf build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -path './.venv*' -prune -o -name __pycache__ -type d -exec rm -rf {} +

# The newest Python that runs makes .venv: it is run, since a name on PATH may be a dead shim. To fill .venv,
# first without the network, which is enough whenever the packages are there; else torch first, because it is
# the largest and the likeliest to fail. Offline after a change, what was installed before is used and named.
$(VENV)/.installed-%-$(IDENTITY):
	@$(BIN)/python -c 'import pip' 2>/dev/null || { \
		python="$(PYTHON)"; \
		for newest in python3.13 python3.12 python3.11; do \
			[ -n "$$python" ] || ! "$$newest" -c '' 2>/dev/null || python=$$newest; done; \
		python=$${python:-python3}; \
		version=$$("$$python" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3]); \
			sys.exit(sys.version_info < (3, 11))' 2>/dev/null) || { \
		echo "LaMini needs Python >= 3.11, found $${version:-none} ($$python);" \
			"set PYTHON=/path/to/python3.11" >&2; exit 2; }; \
		echo "Making $(VENV) with Python $$version ($$python); this takes some minutes, once."; \
		"$$python" -m venv $(VENV); }
	@pip="$(BIN)/python -m pip --no-input --disable-pip-version-check install -c constraints.txt"; \
	if $$pip -q --no-index --no-build-isolation -e '.[$*]' >/dev/null 2>&1 \
		|| { $$pip setuptools torch && $$pip --no-build-isolation -e '.[$*]'; }; then \
		rm -f $(VENV)/.installed-$*-*; touch $@; \
	elif ls $(VENV)/.installed-$*-* >/dev/null 2>&1; then \
		echo "WARNING: pyproject.toml or constraints.txt changed and pip could not install the change" \
			"(see above): going on with what $(VENV) held before. make tries again next time." >&2; \
	else \
		echo "pip could not install what LaMini needs (see above)" >&2; exit 2; \
	fi
