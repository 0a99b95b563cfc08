# The exhibit and its tests. Each command sets up what it needs in .venv; nothing else on the machine is touched.
#
#   make run         open the exhibit (PORT=8501, ADDRESS=localhost; ADDRESS=0.0.0.0 lets the whole network in)
#   make test        lint, types, import contracts, fast tests, in a real browser where there is one
#   make test-slow   the tests that take longer
#   make lint        ruff, mypy and import-linter alone
#   make coverage    branch coverage of albumjudge/ by both suites
#   make audit       known vulnerabilities of what is installed
#   make docs        build the documentation into site/
#   make retrain     COVERS=folder PAINTINGS=folder: from data to checkpoints and measured tables, into RUNS=runs
#   make clean       remove the environment and caches; votes in data/ stay
#
# TORCH=cpu takes PyTorch without CUDA. PYTHON=python3.12 names the Python to use (3.11 to 3.14), VENV=.venv where
# to install.

PORT ?= 8501
ADDRESS ?= localhost
VENV ?= .venv
PYTHON ?=
TORCH ?=
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
COVERS ?=
PAINTINGS ?=
RUNS ?= runs

python = $(VENV)/bin/python
app = $(VENV)/.app-installed
dev = $(VENV)/.dev-installed
browsers = chromium chromium-browser google-chrome google-chrome-stable

.PHONY: run test test-slow lint coverage audit docs retrain browser clean
.NOTPARALLEL:
# Compiled files are kept: tests start many processes.
unexport PYTHONDONTWRITEBYTECODE

run: $(app)
	@exec "$(python)" -m streamlit run streamlit_app.py --server.address "$(ADDRESS)" --server.port "$(PORT)"

test: lint browser
	"$(python)" -m pytest -ra -n auto --dist worksteal

test-slow: browser
	"$(python)" -m pytest -ra -n auto --dist loadfile -m slow

lint: $(dev)
	"$(python)" -m ruff check .
	"$(python)" -m ruff format --check .
	"$(python)" -m mypy
	"$(VENV)/bin/lint-imports"

coverage: browser
	"$(python)" -m coverage run -m pytest -q -m "slow or not slow"
	"$(python)" -m coverage combine --quiet
	"$(python)" -m coverage report

audit: $(dev)
	@sh .ci/audit.sh "$(python)"

docs: $(dev)
	NO_MKDOCS_2_WARNING=1 "$(python)" -m mkdocs build --strict --quiet
	@echo "The documentation is in site/; open site/index.html."

retrain: $(dev)
	@if [ -z "$(COVERS)" ] || [ -z "$(PAINTINGS)" ]; then \
	echo "Say where the data is: make retrain COVERS=folder PAINTINGS=folder (docs/retraining.md says what they hold)."; \
	exit 2; fi
	"$(python)" -m training.retrain --covers "$(COVERS)" --paintings "$(PAINTINGS)" --out "$(RUNS)"

# Tests that drive a browser take one from the PATH, else Playwright's own, else they are skipped.
browser: $(dev)
	@for name in $(browsers); do command -v $$name >/dev/null 2>&1 && exit 0; done; \
	"$(python)" -m playwright install chromium || \
	echo "No Chromium here, and none could be downloaded: the tests that drive a browser will be skipped."

clean:
	rm -rf "$(VENV)" site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(python):
	@sh .ci/venv.sh "$(VENV)" "$(PYTHON)"

ifeq ($(TORCH),cpu)
size = once; PyTorch without CUDA
torch = @sh .ci/torch-cpu.sh "$(python)" requirements.txt "$(TORCH_INDEX)"
else
size = once, and some gigabytes on Linux, where PyTorch brings CUDA (TORCH=cpu leaves that out)
torch = @:
endif

define install
@echo "Installing $(1) into $(VENV): $(size)."
$(torch)
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
