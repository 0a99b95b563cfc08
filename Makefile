# The exhibit and its tests. Each command sets up what it needs in .venv; nothing else on the machine is touched.
#
#   make run         open the exhibit (PORT=8501, ADDRESS=localhost; ADDRESS=0.0.0.0 lets the whole network in)
#   make test        lint, types, fast tests, in a real browser where there is one
#   make test-slow   the tests that take longer
#   make lint        ruff and mypy alone
#   make clean       remove the environment and caches; votes in data/ stay
#
# PYTHON=python3.12 names the Python to use (3.11 to 3.14), VENV=.venv where to install.

PORT ?= 8501
ADDRESS ?= localhost
VENV ?= .venv
PYTHON ?=

python = $(VENV)/bin/python
app = $(VENV)/.app-installed
dev = $(VENV)/.dev-installed
browsers = chromium chromium-browser google-chrome google-chrome-stable

.PHONY: run test test-slow lint browser clean
.NOTPARALLEL:

run: $(app)
	@exec "$(python)" -m streamlit run streamlit_app.py --server.address "$(ADDRESS)" --server.port "$(PORT)"

test: lint browser
	"$(python)" -m pytest -ra -n auto --maxprocesses 4

test-slow: $(dev)
	"$(python)" -m pytest -ra -m slow

lint: $(dev)
	"$(python)" -m ruff check .
	"$(python)" -m ruff format --check .
	"$(python)" -m mypy

# Tests that drive a browser take one from the PATH, else Playwright's own, else they are skipped.
browser: $(dev)
	@for name in $(browsers); do command -v $$name >/dev/null 2>&1 && exit 0; done; \
	"$(python)" -m playwright install chromium || \
	echo "No Chromium here, and none could be downloaded: the tests that drive a browser will be skipped."

clean:
	rm -rf "$(VENV)" .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(python):
	@sh tools/venv.sh "$(VENV)" "$(PYTHON)"

define install
@echo "Installing $(1) into $(VENV): once, and some gigabytes on Linux, where PyTorch brings CUDA."
@"$(python)" -m pip install --disable-pip-version-check -r $(1) || { echo; \
	echo "Not everything could be installed; the lines above say why."; \
	echo "Check internet and disk space, then give the same command again."; exit 1; }
endef

$(app): requirements.txt $(python)
	$(call install,requirements.txt)
	@touch "$@"

$(dev): requirements.txt requirements-dev.txt $(python)
	$(call install,requirements-dev.txt)
	@touch "$(app)" "$@"
