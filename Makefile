# Everything a person or a build server does with a checkout. Each target makes the environment
# it needs in .venv; set PYTHON to choose the interpreter that it is made with.

.PHONY: help run test bench lint format example clean
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# What is installed and tested is this checkout, whatever the shell has on its path.
unexport PYTHONPATH
unexport PYTHONHOME

ifeq ($(origin PYTHON),undefined)
PYTHON := $(shell for candidate in python3 python3.14 python3.13 python3.12 python3.11 python3.10 python; do \
	if $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1; \
	then echo $$candidate; break; fi; done)
endif

help:
	@echo "make run      open the example recording in the window; without a screen: correct it"
	@echo "make test     run all tests (ARGS='-k word' to choose some)"
	@echo "make bench    measure speed and accuracy, side by side with other programs"
	@echo "make lint     check style and types"
	@echo "make format   apply the style"
	@echo "make example  simulate resources/example.h5 anew"
	@echo "make clean    remove environments, results and caches"

run: $(VENV)/.with-gui
	@$(BIN)/python -m flimage.headless --output output $(ARGS)

test: $(VENV)/.with-test
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest $(ARGS)

bench: $(VENV)/.with-test
	@for part in $(patsubst benchmarks/%.py,%,$(wildcard benchmarks/accuracy.py benchmarks/performance.py)); do \
		echo "benchmarks.$$part"; \
		QT_QPA_PLATFORM=offscreen $(BIN)/python -m benchmarks.$$part $(ARGS) || exit 1; done

lint: $(VENV)/.with-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.with-test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

example: $(VENV)/.with-test
	$(BIN)/python scripts/make_example.py resources/example.h5

clean:
	rm -rf $(VENV) output build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps are older than what they depend on only when the requirements changed: then, and only
# then, something is installed. The checkout itself is installed editable. What the tests need
# includes what the window needs.
$(VENV)/.with-%: $(VENV)/.made pyproject.toml setup.cfg
	@echo "Installing flimage[$*] and what it needs into $(VENV); the first time takes a few minutes."
	@$(PIP) install --quiet --editable '.[$*]'
	@touch $@ $(if $(filter test,$*),$(VENV)/.with-gui)

$(VENV)/.made:
	@if [ -z "$(PYTHON)" ]; then \
		echo "flimage needs Python 3.10 or newer, and none was found: install it, or name it with" \
			"'make run PYTHON=/path/to/python3'." >&2; exit 1; fi
	@if ! $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then \
		echo "flimage needs Python 3.10 or newer; '$(PYTHON)' is not:" \
			"name a newer one with 'make run PYTHON=/path/to/python3'." >&2; exit 1; fi
	@if ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then \
		echo "'$(PYTHON)' cannot make virtual environments: install its venv package" \
			"(Debian and Ubuntu: sudo apt install python3-venv)." >&2; exit 1; fi
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@
