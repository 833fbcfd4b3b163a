# Every target sets up what it needs from a bare clone: git, make and Python 3.11 or newer are enough.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: demo test browser lint bench peers clients soak screenshots clean

$(READY): pyproject.toml known-good.txt
	@$(PYTHON) -c 'import sys; sys.exit("bearskin needs Python 3.11 or newer, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "setting up $(VENV) (once, a minute or two)"
	@$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	@$(BIN)/python -m pip install --quiet --constraint known-good.txt --editable '.[all]' --group dev
	@touch $@

# for ever on a terminal; 120 s elsewhere, so that scripts end; FOR=60s for any other time
demo: $(READY) ## exchange, made-up market and a bot that trades it, live
	@if [ -n "$(FOR)" ]; then set -- --for "$(FOR)"; elif [ -t 1 ]; then set --; else set -- --for 120s; fi; \
	$(BIN)/bearskin demo "$$@"

BROWSER = $(BIN)/python -m pytest -n 2 --dist loadfile -m browser tests/browser

# a browser's event loop stands in the way of tests that begin one: those that drive it have processes of their own
test: $(READY) ## every test that needs no network
	@$(BIN)/python -m pytest -n auto --dist worksteal -m "not browser"
	@$(BROWSER)

browser: $(READY) ## only the dashboard in Chromium, as a user would
	@$(BROWSER)

lint: $(READY) ## style, types, the direction of imports, the size of functions
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python tools/check_size.py

bench: $(READY) ## ratios measured in one run
	@$(BIN)/python benchmarks/run.py

peers: $(READY) ## the programs that bench compares with, each in an environment of its own (once, several minutes)
	@$(BIN)/python benchmarks/peers.py --install

clients: $(READY) ## real clients, each in an environment of its own, trade on the demo exchange
	@$(BIN)/python tools/clients.py

soak: $(READY) ## the exchange under random commands for MINUTES (120); a bot killed 1,408 times; a bot at speed for 30 minutes
	@$(BIN)/python tools/soak.py --minutes $(or $(MINUTES),120) --seed $(or $(SEED),1)
	@$(BIN)/python tools/soak_bot.py --kills $(or $(KILLS),1408) --seed $(or $(SEED),1)
	@$(BIN)/python tools/soak_bot.py --minutes $(or $(BOT_MINUTES),30)

screenshots: $(READY) ## every page of the dashboard, dark and light, desk and phone, into docs/screenshots
	@$(BIN)/python tools/screenshots.py

clean:
	rm -rf $(VENV) .clients .peers .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
