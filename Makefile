# make demo   set everything up, train a small GPT on the text that Python brings along, print what it writes
# make run    open the app
# make test   the checks and all tests
# make test-long   the tests that `make test` has no time for
# make check  lint, format, types, layers, translations
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip --disable-pip-version-check --quiet

# Python keeps what it has compiled, whatever the environment says: the tests start hundreds of processes. What is
# installed is compiled when it is first used, which most of it never is.
export PYTHONDONTWRITEBYTECODE =
INSTALL := $(PIP) install --no-compile -c constraints.txt
SOURCES := .venv/bin/python pyproject.toml setup.py constraints.txt $(wildcard core/model/*.c core/model/*.h) \
	$(wildcard core/corpus/*.c core/corpus/*.h) $(wildcard locale/*/LC_MESSAGES/*.po)

.PHONY: demo run test test-long check format clean

demo: .venv/installed
	$(BIN)/newleaf demo

run: .venv/installed
	$(BIN)/newleaf

test: check
	$(BIN)/python -m pytest -n logical --dist worksteal -m 'not long'

test-long: check
	$(BIN)/python -m pytest -n logical --dist worksteal -m long

check: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python tools/types.py
	$(BIN)/lint-imports --no-cache
	$(BIN)/python tools/translations.py check

format: .venv/installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv build *.egg-info

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: $(SOURCES)
	@echo "Installing newleaf and what it needs into .venv (PyTorch is large: a minute or more) ..."
	$(INSTALL) -e .
	@touch $@

.venv/installed-dev: $(SOURCES)
	@echo "Installing newleaf, what it needs and what the tests need into .venv (PyTorch is large: minutes) ..."
	$(INSTALL) -e '.[dev]'
	@touch .venv/installed $@
