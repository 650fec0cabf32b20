# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
#
# Every target makes the virtual environment it needs, under .venvs/; a machine needs
# python3 (3.11 or newer) and make. Try `make help`.

PYTHON ?= python3
# CUDA=12 or CUDA=13 adds RAPIDS for that version to the environment (about 5 GB).
CUDA ?=
# WHEEL=1 tests the built wheel instead of the source tree.
WHEEL ?=
# A part of the tests: make test TESTS=tests/schedules
TESTS ?=
# More arguments for pytest: make test PYTEST_ARGS='-m "not slow" -x'
PYTEST_ARGS ?=
# How many processes share the tests.
JOBS ?= 2
DEMO_ARGS ?=
# make first-gpu FIRST_GPU_ARGS='--seconds 120 --only machine tests'
FIRST_GPU_ARGS ?=
# How often each scenario of docs/reliability.md is run, and which, if not all of them:
# make reliability TIMES=3 NAMES='forked killed-worker'
TIMES ?= 20
NAMES ?=
# make release-check TAG=v26.12.0
TAG ?=
# How long generated searches are compared, the seed of the first, and more arguments:
# make fuzz FUZZ_ARGS='--kind grid'
FUZZ_SECONDS ?= 600
FUZZ_SEED ?= 0
FUZZ_ARGS ?= --jobs 2
# The same for searches to which something happens: make chaos CHAOS_ARGS='--mischief kill'
CHAOS_SECONDS ?= 600
CHAOS_SEED ?= 0
CHAOS_ARGS ?= --jobs 2

# Some machines have a variable CUDA of their own, that names a folder.
comma := ,
RAPIDS := $(addprefix cu,$(filter 12 13,$(CUDA)))
SUFFIX := $(addprefix -,$(RAPIDS))
EXTRA := $(addprefix $(comma),$(RAPIDS))

BUILD := .venvs/build
DEMO := .venvs/demo$(SUFFIX)
DOCS := .venvs/docs
LINT := .venvs/lint
TEST := .venvs/test$(SUFFIX)
FROM_WHEEL := .venvs/wheel$(SUFFIX)
NIGHTLY := .venvs/nightly
OLDEST := .venvs/oldest
TRACKERS := .venvs/trackers
PIN := .venvs/rapids-pin
WITH_RAPIDS := .venvs/rapids
# RAPIDS for CUDA 13 unless CUDA=12 is asked for.
WITH_GPU := $(if $(filter cu12,$(RAPIDS)),$(TEST),$(WITH_RAPIDS))

# One BLAS thread per process: several Dask workers on one machine with several BLAS
# threads each can run a hundred times slower.
export OMP_NUM_THREADS = 1
export OPENBLAS_NUM_THREADS = 1
export MKL_NUM_THREADS = 1
export PIP_DISABLE_PIP_VERSION_CHECK = 1
export PYTHON

# Python keeps what it compiles on the first import, which is a small part of what is
# installed. Where this is set, as in many containers, each of the hundreds of processes
# that tests start would compile all of it anew: three times the work of the imports.
unexport PYTHONDONTWRITEBYTECODE
PIP_INSTALL = bin/python -m pip install --quiet --no-compile
SOURCES := $(shell find gpu_hpo -type f ! -name '*.pyc' 2>/dev/null)
# What the tests read besides the package.
TESTED := $(wildcard tests examples benchmarks docs conda-recipe .github pyproject.toml \
	README.md CHANGELOG.md CITATION.cff CONTRIBUTING.md LICENSE Makefile environment*.yml)

# Of our own CUDA kernels.
KERNEL_TESTS := tests/gpu/test_linear_kernel.py tests/gpu/test_network_kernel.py
# What depends on RAPIDS itself and needs no GPU.
RAPIDS_TESTS := $(filter-out %/test_jit.py,$(wildcard tests/devices/test_*.py)) \
	tests/test_estimators.py tests/test_packaging.py tests/cli tests/compute/test_clusters.py \
	tests/compute/test_cuda_cluster.py tests/compute/test_machines.py \
	tests/adaptive/test_client_without_gpu.py tests/adaptive/test_placement.py tests/exhaustive/test_client_without_gpu.py \
	tests/exhaustive/test_counterparts.py tests/exhaustive/test_placement.py \
	tests/linear_model/test_quasi_newton.py \
	tests/model_selection/test_every_search_of_cuml.py tests/gpu

# What has no device, but stand-ins for NVML, RMM and workers that ask GPUs.
ALSO_EMULATED := $(addprefix tests/,devices/test_detect.py devices/test_free_memory.py \
	devices/test_host_copy.py compute/test_cluster_device.py \
	compute/test_worker_kernels.py training/test_turns.py)
MEASURED := build/emulated-coverage

# Where scikit-learn and its projects keep what they built last night.
NIGHTLY_WHEELS := https://pypi.anaconda.org/scientific-python-nightly-wheels/simple
# What depends on scikit-learn. How workers fail and where chunks lie does not.
NIGHTLY_TESTS := $(addprefix tests/,adaptive/training exhaustive linear_model metrics \
	model_selection neural_network postfit stacks training wrappers test_estimators.py \
	test_packaging.py)

# pyproject.toml has a lower bound for all others.
OLDEST_DASK := dask>=2026.1.1 distributed>=2026.1.1

SHARED := -n $(JOBS) --dist worksteal
# Runs $(1), a python, on TESTS, by default all. That nothing is selected in one part is
# no failure.
ifneq ($(TESTS),)
run-tests = $(1) -m pytest $(TESTS) $(PYTEST_ARGS)
else
define run-tests
$(1) -m pytest $(SHARED) $(PYTEST_ARGS) || [ $$? -eq 5 ]; \
$(1) -m pytest --doctest-modules --pyargs gpu_hpo $(PYTEST_ARGS) || [ $$? -eq 5 ]
endef
endif
# Leaves a script for each difference in build/fuzz.
run-fuzz = $(1) -m tests.fuzz --out "$(CURDIR)/build/fuzz" --seconds $(FUZZ_SECONDS) \
	--seed $(FUZZ_SEED) $(FUZZ_ARGS)
# Leaves what each case with a difference has printed in build/chaos.
run-chaos = $(1) -m tests.chaos --out "$(CURDIR)/build/chaos" --seconds $(CHAOS_SECONDS) \
	--seed $(CHAOS_SEED) $(CHAOS_ARGS)
# Does $(1) where `import gpu_hpo` can only find the installed wheel, by its "$$python".
define with-the-wheel
@set -eu; \
python="$$PWD/$(FROM_WHEEL)/bin/python"; \
folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
cp -R $(TESTED) "$$folder"; \
cd "$$folder"; \
"$$python" -c 'import gpu_hpo, sys; print("testing", gpu_hpo.__file__); \
sys.exit("site-packages" not in gpu_hpo.__file__)'; \
$(1)
endef

.PHONY: help demo test doctest test-callbacks test-wheel test-gpu test-nightly test-oldest \
	test-rapids test-rapids-pin test-emulated emulated-coverage first-gpu bad-calls \
	reliability fuzz chaos lint format docs wheel release-check clean
.DELETE_ON_ERROR:

help:
	@echo 'make demo             run examples/demo.py'
	@echo 'make test             run the tests (WHEEL=1: against the built wheel)'
	@echo 'make doctest          run the examples in docstrings, which make test does too'
	@echo 'make test-wheel       the same as make test WHEEL=1'
	@echo 'make test-gpu         run the tests that need GPUs, with RAPIDS (5 GB, CUDA=12 or 13)'
	@echo 'make test-rapids      run the tests that need RAPIDS but no GPU (5 GB, CUDA 13)'
	@echo 'make test-emulated    run the tests for one GPU, and more, on CuPy over host memory'
	@echo 'make emulated-coverage  list lines that need a GPU and that those do not reach'
	@echo 'make first-gpu        try and measure all in nine minutes on a GPU, with PYTHON as it is'
	@echo 'make test-rapids-pin  run the tests with the Dask that RAPIDS pins, and dask-cuda'
	@echo 'make test-nightly     run the tests that need scikit-learn with its nightly build'
	@echo 'make test-callbacks   run the tests of callbacks, with MLflow, wandb and TensorBoard'
	@echo 'make test-oldest      run the tests with the least versions that pyproject.toml allows'
	@echo 'make bad-calls        try 1,000 drawn calls that make no sense, and all that are listed'
	@echo 'make reliability      print the table of docs/reliability.md (an hour or two; TIMES=2: less)'
	@echo 'make fuzz             compare generated searches with what they must find (10 minutes)'
	@echo 'make chaos            search while workers die, stop, join and leave (10 minutes)'
	@echo 'make lint             ruff, import-linter, mypy, and what GitHub and citations read'
	@echo 'make format           let ruff repair what it can'
	@echo 'make docs             build the pages into docs/_build/html (DOCS_OFFLINE=1: no links to others)'
	@echo 'make wheel            build and check the wheel and the sdist, into dist/'
	@echo 'make release-check    the same, and whether TAG=v26.12.0 can be released'
	@echo 'make clean            remove environments, caches and built files'
	@echo 'Variables: PYTHON=python3.12  CUDA=13  WHEEL=1  TESTS=...  PYTEST_ARGS=...  JOBS=2'
	@echo '           DEMO_ARGS=...  FUZZ_SECONDS=600  FUZZ_SEED=0  FUZZ_ARGS=...'
	@echo '           CHAOS_SECONDS=600  CHAOS_SEED=0  CHAOS_ARGS=...  TIMES=20  NAMES=...'

# Environments. The stamp is written last, so a broken installation is made anew.

$(DEMO)/stamp: pyproject.toml tools/make-venv.sh
	sh tools/make-venv.sh $(@D)
	$(@D)/$(PIP_INSTALL) -e '.[demo$(EXTRA)]'
	touch $@

$(TEST)/stamp: pyproject.toml tools/make-venv.sh
	sh tools/make-venv.sh $(@D)
	$(@D)/$(PIP_INSTALL) -e '.[test$(EXTRA)]'
	touch $@

$(LINT)/stamp: pyproject.toml tools/make-venv.sh
	sh tools/make-venv.sh $(@D)
	$(@D)/$(PIP_INSTALL) -e '.[lint]'
	touch $@

$(DOCS)/stamp: pyproject.toml tools/make-venv.sh
	sh tools/make-venv.sh $(@D)
	$(@D)/$(PIP_INSTALL) -e '.[docs]'
	touch $@

# dask-cuda brings rapids-dask-dependency, which pins dask and distributed, and works
# without a GPU as far as its test switches reach. It imports cuda-bindings, which it
# asks for only in its extras, together with gigabytes of CUDA.
$(PIN)/stamp: pyproject.toml tools/make-venv.sh
	sh tools/make-venv.sh $(@D)
	$(@D)/$(PIP_INSTALL) -e '.[test]' dask-cuda cuda-bindings
	touch $@

$(NIGHTLY)/stamp: pyproject.toml tools/make-venv.sh
	sh tools/make-venv.sh $(@D)
	$(@D)/$(PIP_INSTALL) -e '.[test]'
	touch $@

# Some 160 MB that no other test needs. TensorBoard reads what tensorboardX wrote.
$(TRACKERS)/stamp: pyproject.toml tools/make-venv.sh
	sh tools/make-venv.sh $(@D)
	$(@D)/$(PIP_INSTALL) -e '.[test,mlflow,optuna,tensorboard,wandb]' tensorboard
	touch $@

# uv finds the least versions of what pyproject.toml names; what those require, and what
# only tests require, is the newest that goes with them. pip installs it, which knows this
# machine's settings.
$(OLDEST)/stamp: pyproject.toml tools/make-venv.sh
	sh tools/make-venv.sh $(@D)
	$(@D)/$(PIP_INSTALL) uv
	printf '%s\n' $(foreach bound,$(OLDEST_DASK),'$(bound)') | \
		$(@D)/bin/uv pip compile --quiet --resolution lowest-direct \
		--python $(@D)/bin/python --output-file $(@D)/oldest.txt pyproject.toml -
	$(@D)/$(PIP_INSTALL) -e '.[test]' --constraint $(@D)/oldest.txt
	touch $@

$(BUILD)/stamp: tools/make-venv.sh
	sh tools/make-venv.sh $(@D)
	$(@D)/$(PIP_INSTALL) build 'twine>=6'
	touch $@

# RAPIDS itself, which installs and imports on Linux without a GPU.
$(WITH_RAPIDS)/stamp: pyproject.toml tools/make-venv.sh
	sh tools/make-venv.sh $(@D)
	$(@D)/$(PIP_INSTALL) -e '.[test,cu13]'
	touch $@

# The wheel is built by the pip of the environment that will test it.
$(FROM_WHEEL)/made: tools/make-venv.sh
	sh tools/make-venv.sh $(@D)
	touch $@

$(FROM_WHEEL)/stamp: $(FROM_WHEEL)/made pyproject.toml README.md LICENSE $(SOURCES)
	rm -rf dist/*.whl
	$(@D)/bin/python -m pip wheel --quiet --no-deps --wheel-dir dist .
	$(@D)/$(PIP_INSTALL) --upgrade-strategy only-if-needed \
		"$$(ls dist/*.whl)[test$(EXTRA)]"
	$(@D)/$(PIP_INSTALL) --force-reinstall --no-deps dist/*.whl
	touch $@

# What is run in them.

demo: $(DEMO)/stamp
	$(DEMO)/bin/python examples/demo.py $(DEMO_ARGS)

ifeq ($(WHEEL),1)
test: test-wheel

fuzz: $(FROM_WHEEL)/stamp
	$(call with-the-wheel,$(call run-fuzz,"$$python"))

chaos: $(FROM_WHEEL)/stamp
	$(call with-the-wheel,$(call run-chaos,"$$python"))
else
test: $(TEST)/stamp
	@set -eux; $(call run-tests,$(TEST)/bin/python)

fuzz: $(TEST)/stamp
	$(call run-fuzz,$(TEST)/bin/python)

chaos: $(TEST)/stamp
	$(call run-chaos,$(TEST)/bin/python)
endif

test-wheel: $(FROM_WHEEL)/stamp
	$(call with-the-wheel,$(call run-tests,"$$python"))

doctest: $(TEST)/stamp
	$(TEST)/bin/python -m pytest --doctest-modules --pyargs gpu_hpo $(PYTEST_ARGS)

# Where there are too few GPUs, pytest skips each test and says how many it found.
test-gpu: $(WITH_GPU)/stamp
	$(WITH_GPU)/bin/python -m pip list 2>/dev/null | grep -i -E '^(cu|dask|scikit)'
	$(WITH_GPU)/bin/python -m pytest -m 'gpu or mgpu' $(PYTEST_ARGS)

test-rapids: $(WITH_RAPIDS)/stamp
	$(WITH_RAPIDS)/bin/python -m pip list 2>/dev/null | grep -i -E '^(cu|dask|scikit)'
	$(WITH_RAPIDS)/bin/python -m pytest $(SHARED) $(RAPIDS_TESTS) $(PYTEST_ARGS)

# CuPy's own modules on memory of the host; see tests/emulated. If all is tested, kernels
# are once more, with threads that take turns in the other order: what lacks a barrier
# gives other numbers then.
test-emulated: $(WITH_RAPIDS)/stamp
	PYTHONPATH="$(CURDIR)/tests/emulated/startup" $(WITH_RAPIDS)/bin/python -m pytest \
		$(SHARED) $(or $(TESTS),tests/gpu tests/emulated) $(PYTEST_ARGS)
	$(if $(TESTS),,EMULATED_ORDER=reverse PYTHONPATH="$(CURDIR)/tests/emulated/startup" \
		$(WITH_RAPIDS)/bin/python -m pytest $(SHARED) $(KERNEL_TESTS) $(PYTEST_ARGS) \
		|| [ $$? -eq 5 ])

# Which lines that only run with a device those tests do not reach, by coverage.py, which
# is kept beside the environment.
emulated-coverage: $(WITH_RAPIDS)/stamp
	rm -rf $(MEASURED)
	$(WITH_RAPIDS)/$(PIP_INSTALL) --target $(MEASURED)/lib coverage
	COVERAGE_FILE="$(CURDIR)/$(MEASURED)/data" \
	COVERAGE_PROCESS_START="$(CURDIR)/tests/emulated/coverage.ini" \
	PYTHONPATH="$(CURDIR)/tests/emulated/startup:$(CURDIR)/$(MEASURED)/lib" \
		$(WITH_RAPIDS)/bin/python -m pytest $(SHARED) \
		$(or $(TESTS),tests/gpu tests/emulated $(ALSO_EMULATED)) $(PYTEST_ARGS); \
	status=$$?; export PYTHONPATH="$(MEASURED)/lib"; \
	$(WITH_RAPIDS)/bin/python -m coverage combine --quiet --data-file $(MEASURED)/data && \
	$(WITH_RAPIDS)/bin/python -m tests.emulated.device_lines $(MEASURED)/data && \
	exit $$status

# Installs nothing: a machine with a GPU may have no network, and no environment of ours.
first-gpu:
	$(PYTHON) benchmarks/first_gpu.py $(FIRST_GPU_ARGS)

bad-calls: $(TEST)/stamp
	BAD_CALLS=1000 $(TEST)/bin/python -m pytest tests/test_bad_calls.py $(PYTEST_ARGS)

reliability: $(TEST)/stamp
	$(TEST)/bin/python -m tests.reliability $(NAMES) --times $(TIMES)

test-rapids-pin: $(PIN)/stamp
	$(PIN)/bin/python -m pip list 2>/dev/null | grep -i -E '^(dask|distributed|rapids)'
	$(PIN)/bin/python -m pytest $(SHARED) $(PYTEST_ARGS)

# The wheel of last night, above the bound in pyproject.toml: what fails here has to be
# mended before the bound can rise.
test-nightly: $(NIGHTLY)/stamp
	$(NIGHTLY)/$(PIP_INSTALL) --pre --upgrade --no-deps --index-url $(NIGHTLY_WHEELS) scikit-learn
	@$(NIGHTLY)/bin/python -c 'import sklearn, sys; sys.exit(".dev" not in sklearn.__version__)' || \
	{ echo 'found no nightly build of scikit-learn' >&2; exit 1; }
	$(NIGHTLY)/bin/python -m pip list 2>/dev/null | grep -i -E '^(joblib|scikit)'
	$(NIGHTLY)/bin/python -m pytest $(SHARED) $(or $(TESTS),$(NIGHTLY_TESTS)) $(PYTEST_ARGS)

test-callbacks: $(TRACKERS)/stamp
	$(TRACKERS)/bin/python -m pytest tests/callbacks tests/journal/test_optuna.py \
		$(PYTEST_ARGS)

test-oldest: $(OLDEST)/stamp
	cat $(OLDEST)/oldest.txt
	@set -eux; $(call run-tests,$(OLDEST)/bin/python)

# Without a network: the schemas are in check-jsonschema.
lint: $(LINT)/stamp
	$(LINT)/bin/ruff check .
	$(LINT)/bin/ruff format --check .
	$(LINT)/bin/lint-imports --no-cache
	$(LINT)/bin/mypy
	$(LINT)/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*
	$(LINT)/bin/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(LINT)/bin/check-jsonschema --builtin-schema vendor.citation-file-format \
		--default-filetype yaml CITATION.cff
	$(LINT)/bin/zizmor --offline --quiet --no-progress .github

format: $(LINT)/stamp
	$(LINT)/bin/ruff check --fix .
	$(LINT)/bin/ruff format .

# A warning is an error.
docs: $(DOCS)/stamp
	rm -rf docs/generated docs/examples
	$(DOCS)/bin/python -m sphinx -W --keep-going -b html docs docs/_build/html

# As they are published. Whoever builds from the sdist must get the same wheel.
wheel: $(BUILD)/stamp
	rm -rf dist build/from-sdist
	$(BUILD)/bin/python -m build --outdir dist --sdist .
	$(BUILD)/bin/python -m build --outdir dist --wheel .
	$(BUILD)/bin/python -m build --outdir build/from-sdist --wheel dist/*.tar.gz
	cmp dist/*.whl build/from-sdist/*.whl
	$(BUILD)/bin/twine check --strict dist/*

release-check: wheel
	@set -eu; tag='$(TAG)'; version="$${tag#v}"; \
	[ -f "dist/gpu_hpo-$$version-py3-none-any.whl" ] || \
	{ echo "TAG is '$$tag', and what was built is $$(ls dist/*.whl)" >&2; exit 1; }; \
	grep -q "^## $$version (20[0-9-]*)$$" CHANGELOG.md || \
	{ echo "CHANGELOG.md has no heading '## $$version (YYYY-MM-DD)'" >&2; exit 1; }

clean:
	rm -rf .venvs dist build docs/_build docs/generated docs/examples docs/sg_execution_times.rst
	rm -rf .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis
	rm -rf dask-scratch-space
	find . -path ./.git -prune -o -name __pycache__ -type d -print | xargs rm -rf
