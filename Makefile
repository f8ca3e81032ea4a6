# The ways anything is run here. `make demo` and `make test` set everything up by themselves.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
# Where it is set, each of the many processes of a test compiles all that it imports again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo test test-slow check format notebooks lab docs bench clean

help:
	@echo "make demo       set up, run the pilot suite on embedded data, write a log entry (minutes)"
	@echo "make test       set up, run all tests and every notebook"
	@echo "make test-slow  the tests that take longer"
	@echo "make check      ruff, mypy, the layering test and the numbers of the log"
	@echo "make lab        open JupyterLab in this workspace"
	@echo "make notebooks  execute every notebook with nbmake"
	@echo "make docs       write docs/cli.md from the commands' own help"
	@echo "make bench      print every benchmark table"
	@echo "make format     let ruff format and mend the code"
	@echo "make clean      remove .venv and caches; runs/ and docs/ stay"

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or later is needed; $(PYTHON) is older. Try: make setup PYTHON=python3.12"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing into .venv (a few minutes the first time) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dask,dev,mlflow,postgres,slurm,tensorboard]'
	@$(BIN)/python -m lab.notebook.warm.kernelspec
	@touch $(READY)

demo: $(READY)
	@$(BIN)/lab suite run experiments/suites/pilot.yaml

# Runs of the tests go to a folder of their own, never to runs/.
test: $(READY)
	LAB_RUNS=$$(mktemp -d) OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadgroup
	@$(MAKE) --no-print-directory notebooks

test-slow: $(READY)
	LAB_RUNS=$$(mktemp -d) OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadgroup -m slow

notebooks: $(READY)
	LAB_RUNS=$$(mktemp -d) OMP_NUM_THREADS=1 $(BIN)/python -m pytest --nbmake --nbmake-timeout=120 -n 2 notebooks

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_layering.py
	$(BIN)/lab log check

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lab: $(READY)
	$(BIN)/jupyter lab notebooks

docs: $(READY)
	$(BIN)/python -m lab.cli.reference

bench: $(READY)
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache
