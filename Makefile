# Everything a fresh clone needs: Python 3.11 or newer, and make. `make` alone lists what there is.

PYTHON ?= python3
CONSTRAINTS ?= constraints.txt

.DEFAULT_GOAL := help
.PHONY: help setup demo test check long bench validate validate-test browser clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' Makefile | awk -F'|' '{ printf "  %-19s %s\n", $$1, $$2 }'

setup: .venv/.installed ## install leasesim and its tools into .venv

demo: .venv/.installed ## the main job on the reported case: sweep, charts and one bad run explained, in demo/
	.venv/bin/leasesim sweep laptop-own-server --vary lease.ttl=2m,5m,10m,20m --vary renewal.every=0.25,0.5,0.75,0.9 \
	  --duration 2d --reps 8 --out demo
	.venv/bin/leasesim explain laptop-own-server --duration 2d --worst --reps 8 --out demo
	@echo "The charts are in demo/:"; ls demo/*.png | sed 's/^/  /'

test: check ## linters, then all tests but the long ones
	.venv/bin/pytest -n 2 -rs

check: .venv/.installed ## linters only: ruff and mypy
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

long: .venv/.installed ## the tests that take minutes
	.venv/bin/pytest -m long -n 2

bench: .venv/.installed ## measure the speed of the engines, beside C and other simulators: one table
	.venv/bin/python -m pip install -qq --disable-pip-version-check $$(test -f "$(CONSTRAINTS)" && echo "-c $(CONSTRAINTS)") -e '.[bench]'
	.venv/bin/python -m benchmarks

validate: .venv/.installed ## minutes, and network once: start a real Prefect, inject faults, compare (ARGS="--fault sigstop")
	.venv/bin/python -m validation $(ARGS)

validate-test: .venv/.installed ## the tests that start a real Prefect (about two minutes)
	.venv/bin/pytest -m validation

browser: .venv/.installed ## a Chromium for the tests that look at pages, where there is none yet
	@.venv/bin/python -m tests.browsers || if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	else .venv/bin/playwright install chromium; fi

clean: ## remove what make made
	rm -rf .venv demo dist validation-out .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp is newer than both files that say what to install. Pins hold on the Python they were made with, 3.11.
.venv/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "leasesim needs Python 3.11 or newer, and '$(PYTHON)' is not; name one that is: make PYTHON=python3.12" >&2; \
	  exit 1; }
	@echo "Installing into .venv (a minute or two, once) ..."
	@test -x .venv/bin/pip || $(PYTHON) -m venv --clear .venv
	@pins=; if test -n "$(CONSTRAINTS)" && .venv/bin/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))'; \
	then pins="-c $(CONSTRAINTS)"; fi; \
	.venv/bin/python -m pip install -qq --disable-pip-version-check --no-input $$pins -e '.[test]'
	@touch $@
