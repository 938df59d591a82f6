# Everything a person or a build server does with a checkout. Each target makes the environment
# it needs in .venv; set PYTHON to choose the interpreter that it is made with.

.PHONY: help run test torture bench lint format example screenshots docs bundle clean
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BUNDLE := build/bundle-venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# How long `make torture` goes on: 0.1 is a tenth of everything that is tried at random.
TORTURE_SCALE ?= 1

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
	@echo "make torture  kill, starve, damage and wear out the program for an hour; writes docs/reliability.md"
	@echo "              (TORTURE_SCALE=0.1 for a tenth of it)"
	@echo "make bench    measure speed and accuracy, side by side with other programs"
	@echo "make lint     check style and types"
	@echo "make format   apply the style"
	@echo "make example  simulate resources/example.h5 anew"
	@echo "make screenshots  take the pictures of the window that the documentation shows"
	@echo "make docs     build the documentation into build/docs"
	@echo "make bundle   build dist/flimage, a folder that runs without Python, and try it out"
	@echo "make clean    remove environments, results and caches"

run: $(VENV)/.with-gui
	@$(BIN)/python -m flimage.headless --output output $(ARGS)

test: $(VENV)/.with-test
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest $(ARGS)

# Goes on after a promise that was not kept; the page says which one it was.
torture: $(VENV)/.with-test
	@QT_QPA_PLATFORM=offscreen $(BIN)/python scripts/torture.py --scale $(TORTURE_SCALE) $(ARGS)

bench: $(VENV)/.with-test
	@for part in $(patsubst benchmarks/%.py,%,$(wildcard benchmarks/accuracy.py benchmarks/performance.py benchmarks/window.py)); do \
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

# Every panel and state in both themes, several sizes and scales into build/screenshots; what the
# pages show is made small and goes to docs/images.
screenshots: $(VENV)/.with-test
	$(BIN)/python scripts/screenshots.py $(ARGS)

docs: $(VENV)/.with-docs
	@# What the libraries of others warn about while they are imported is not ours to mend.
	PYTHONWARNINGS=ignore $(BIN)/python -m sphinx -W --keep-going -q -b html docs build/docs
	@echo "build/docs/index.html"

# From an environment of its own: what happens to be installed for the tests stays out of it.
bundle: $(BUNDLE)/.made
	@rm -rf build/lib dist/flimage
	@$(BUNDLE)/bin/python -m pip install --quiet --disable-pip-version-check '.[bundle]'
	@# The package itself is always installed anew; its version does not change with every edit.
	@$(BUNDLE)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall .
	@# Not as a module: that would find the checkout before the installed package.
	$(BUNDLE)/bin/pyinstaller --noconfirm --log-level ERROR \
		--distpath dist --workpath build/pyinstaller packaging/flimage.spec
	$(BUNDLE)/bin/python scripts/check_bundle.py dist/flimage

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

$(VENV)/.made $(BUNDLE)/.made:
	@if [ -z "$(PYTHON)" ]; then \
		echo "flimage needs Python 3.10 or newer, and none was found: install it, or name it with" \
			"'make run PYTHON=/path/to/python3'." >&2; exit 1; fi
	@if ! $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then \
		echo "flimage needs Python 3.10 or newer; '$(PYTHON)' is not:" \
			"name a newer one with 'make run PYTHON=/path/to/python3'." >&2; exit 1; fi
	@if ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then \
		echo "'$(PYTHON)' cannot make virtual environments: install its venv package" \
			"(Debian and Ubuntu: sudo apt install python3-venv)." >&2; exit 1; fi
	@$(PYTHON) -m venv --clear $(@D)
	@touch $@
