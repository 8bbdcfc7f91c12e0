# All there is to do here; `make` lists it. It needs Python 3, git and make, and brings the rest into this folder:
# uv into .tools, the locked environment into .venv, sam and the local AWS into tools/*/.venv.
UV_VERSION := 0.13.8
UV := .tools/uv/bin/uv
PYTHON := .venv/bin/python
SAM := $(UV) run --quiet --project tools/sam --locked sam
EXPORT := $(UV) export --quiet --frozen --no-emit-project --no-header --format requirements-txt
# What each layer's requirements.txt is exported from.
dependencies := --no-dev
charts := --only-group charts
LAYERS := dependencies charts

# arm64 or x86_64: what `make deploy` deploys for. Empty: what was deployed last, or else arm64.
# Local runs are always for this machine.
ARCHITECTURE ?=

.DEFAULT_GOAL := help
.PHONY: help run new test bench chaos check format translations requirements trace dashboard screenshots build deploy destroy env clean environment
.SILENT: help environment clean
# `sam deploy --guided` knows the region by its older name only.
ifdef AWS_REGION
export AWS_DEFAULT_REGION ?= $(AWS_REGION)
endif
# sam and uv choose environments of their own; yours must not reach them. sam is told what to build for by its option.
unexport VIRTUAL_ENV UV_PROJECT_ENVIRONMENT PYTHONPATH PYTHONHOME

help: ## List what there is
	printf 'make TARGET, where TARGET is\n\n'
	sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  \1#\2/p' $(firstword $(MAKEFILE_LIST)) | \
		while IFS='#' read -r target words; do printf '%-16s%s\n' "$$target" "$$words"; done
	printf '\n%s\n' 'FLOODGATE_TELEGRAM_PORT (8081) and FLOODGATE_AWS_PORT (4566) move a local stack.'

# ------------------------------------------------------------------------------------------------- on your machine --
# TOKEN, REMOVE_WEBHOOK and OPEN reach it in the environment, where make puts them; no command line of ours has a token.
run: requirements ## Run the bot here: local AWS, local Telegram, the real template; TOKEN=… for the real Telegram
	@$(PYTHON) -m local run

# NAME in the environment, too: whatever it is, no shell takes it apart.
new: environment ## Write a feature and its test, both passing: NAME=weather
	@$(PYTHON) -m local new -- "$$NAME"

# Three processes for the whole, on two processors: what is deployed mostly waits, and the rest computes meanwhile; see
# tests/conftest.py.
test: environment ## Run every test; ARGS='tests/unit -k gate' for some
	$(PYTHON) -m pytest $(or $(ARGS),--numprocesses 3 --no-loadscope-reorder)

bench: environment ## Print what the limits, the cache and the page achieve, in a table
	PYTHONPATH=.:layers/floodgate $(PYTHON) -m bench.limits
	$(PYTHON) -m bench.page

chaos: environment ## Have everything fail under 100 000 updates, and count what is lost or repeated (minutes)
	PYTHONPATH=.:layers/floodgate $(PYTHON) -m tests.chaos $(ARGS)

check: environment ## Check style, types, the template and the locks
	$(UV) lock --check --quiet
	$(UV) lock --check --quiet --project tools/sam
	$(UV) lock --check --quiet --project tools/ministack
	$(UV) lock --check --quiet --project tools/aiogram
	$(foreach layer,$(LAYERS),$(EXPORT) $($(layer)) | diff --unified layers/$(layer)/requirements.txt - || { \
		echo 'The layer $(layer) is not what uv.lock says: make requirements' >&2; exit 1; };)
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	env -u AWS_PROFILE -u AWS_DEFAULT_PROFILE AWS_REGION=us-east-1 SAM_CLI_TELEMETRY=0 $(SAM) validate --lint

format: environment ## Format the code, and mend what ruff can mend
	.venv/bin/ruff check --fix --exit-zero
	.venv/bin/ruff format

translations: environment ## Bring the catalogues up to date with the texts of the bot, and compile them; FROM=other.po
	PYTHONPATH=.:layers/floodgate:functions/worker $(PYTHON) -m local.translations $(FROM)

requirements: environment ## Write the layers' requirements.txt anew from uv.lock; run and build do it too
	@$(foreach layer,$(LAYERS),$(EXPORT) $($(layer)) > layers/$(layer)/requirements.txt;)

env: environment ## Write env.json and .run/template.yaml for `sam local invoke`, from the stack that `make run` runs
	@$(PYTHON) -m local env

trace: environment ## Print all that was logged of one update: REF=K7QM2-XWD3A; of the local stack if one runs, or the deployed
	@$(PYTHON) -m local trace $(if $(REF),'$(REF)','') $(ARGS)

dashboard: requirements ## Draw docs/images/dashboard.png, of a stack under ten minutes of load; ARGS='--running 15' of yours
	@$(PYTHON) -m local.dashboard $(ARGS)

screenshots: environment ## Draw the page's pictures in docs/images anew, by the browser tests on a stack; wants Chromium
	mkdir -p .run && touch .run/screenshots
	FLOODGATE_SCREENSHOTS=docs/images $(PYTHON) -m pytest tests/e2e/test_page.py --exitfirst
	@drawn=$$(find docs/images -name 'page*.png' -newer .run/screenshots | sort); rm .run/screenshots; \
		[ "$$drawn" ] || { echo 'No picture was drawn; why is said above.' >&2; exit 1; }; printf 'Drawn anew:\n%s\n' "$$drawn"

clean: ## Remove what builds, runs and tests left behind
	rm -rf .run .aws-sam env.json tests/node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
	find functions layers local tests -name __pycache__ -prune -exec rm -rf {} +

# -------------------------------------------------------------------------------------------------- in your account --
build: requirements ## Build what `sam deploy` deploys
	architecture=$$($(PYTHON) -m local architecture $(ARCHITECTURE)) && \
		ARCHITECTURE=$$architecture $(SAM) build --parameter-overrides Architecture=$$architecture

deploy: build ## Deploy to your account, or again; ARCHITECTURE=x86_64 for that processor
	overrides=$$($(PYTHON) -m local overrides $(ARCHITECTURE)) && \
		$(SAM) deploy --guided --parameter-overrides "$$overrides"
	@$(PYTHON) -m local register

destroy: environment ## Delete what was deployed; says what is kept
	@kept=$$($(PYTHON) -m local retained) || kept=; $(SAM) delete && printf '%s\n' "$$kept"

# -------------------------------------------------------------------------------------------- what it brings itself --
environment: .tools/uv-$(UV_VERSION)
	$(UV) python find --quiet 3.13 >/dev/null 2>&1 || $(UV) python install 3.13 || { \
		echo 'Python 3.13 is missing, and uv could not bring it (see above). Install it, for example with pyenv:' >&2; \
		echo '  pyenv install 3.13' >&2; exit 1; }
	$(UV) sync --quiet --locked

# The stamp names the version, so that a new one is fetched. pip asks the index that this machine is set up for.
.tools/uv-$(UV_VERSION):
	@mkdir -p .tools && rm -f .tools/uv-*
	@if ! $(UV) --version 2>/dev/null | grep -q '^uv $(UV_VERSION)\b'; then \
		command -v python3 >/dev/null || { echo 'Python 3 is missing: install it, with its venv module or pip.' >&2; exit 1; }; \
		echo 'Fetching uv $(UV_VERSION) into .tools …'; rm -rf .tools/uv; \
		if python3 -m venv .tools/uv >.tools/uv.log 2>&1; then \
			.tools/uv/bin/python -m pip --disable-pip-version-check install uv==$(UV_VERSION) >>.tools/uv.log 2>&1; \
		else \
			rm -rf .tools/uv; \
			python3 -m pip --disable-pip-version-check install --target .tools/uv uv==$(UV_VERSION) >>.tools/uv.log 2>&1; \
		fi || { \
			cat .tools/uv.log >&2; rm -rf .tools/uv; \
			echo 'uv cannot be fetched (see above). It takes the network, and Python 3 with its venv module or with pip;' >&2; \
			echo 'on Debian and Ubuntu: apt-get install python3-venv' >&2; exit 1; }; \
	fi
	@touch $@
