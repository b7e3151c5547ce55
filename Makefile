# make run    set everything up and start it          make test   every check and every test
# make check  linters, types, imports, lock files     make fmt    format the code
# make bench  side-by-side measurements               make chaos  the full-size drills
# make lock   pin requirements*.in anew               make verify check this installation, see verify_setup.py
PYTHON ?= python3
BIN := .venv/bin
.PHONY: run test test-demo check fmt bench chaos lock verify clean
.DEFAULT_GOAL := run

.venv/python: Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another one: make PYTHON=python3.12 run"; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "error: $(PYTHON) cannot make a virtual environment; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@touch $@

.venv/runtime: requirements.txt .venv/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.venv/development: requirements-dev.txt .venv/runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

.venv/oldest-pip: .ci/oldest-pip.txt .venv/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --upgrade --target $@ -r .ci/oldest-pip.txt
	@touch $@

run: .venv/runtime
	@exec $(BIN)/python -m dashboard.launch

verify: .venv/runtime
	@$(BIN)/python verify_setup.py

check: .venv/development
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m upkeep.check

# Hundreds of processes start here, and each would compile everything anew where the variable is set.
test: export PYTHONDONTWRITEBYTECODE :=
# What was repeated in any of the runs of pytest: more than two in all fail.
test: export REPEATED_TESTS := .venv/repeated-tests
test: .venv/development .venv/oldest-pip
	@sh .ci/system-packages
	@sh .ci/client-environments
	$(MAKE) --no-print-directory check
	@rm -f $(REPEATED_TESTS)
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -m "not chaos and not drill and not alone" -n 3 --dist loadfile --no-loadscope-reorder
	@$(BIN)/coverage combine --quiet && $(BIN)/coverage report --skip-covered
	$(BIN)/python -m pytest -m "drill and not chaos" -n 2 --dist loadfile --no-loadscope-reorder --reruns 1
	$(BIN)/python -m pytest -m "alone and not chaos" --reruns 1 --durations 10
	@sh .ci/newer-pythons

# Never a part of `make test`: it needs the network and somebody's key.
test-demo: .venv/development
	$(BIN)/python -m kalshi.tests.demo $(TESTS)

chaos: .venv/development
	@sh .ci/system-packages chaos
	$(BIN)/python -m pytest -m chaos

bench: .venv/development
	@sh .ci/system-packages bench
	$(BIN)/python -m benchmarks --json var/bench.json

fmt: .venv/development
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: .venv/development
	for name in requirements requirements-dev; do $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-strip-extras --generate-hashes --upgrade --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $$name.in -o $$name.txt || exit 1; done

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.*
