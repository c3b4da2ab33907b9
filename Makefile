# One command does each job; each makes what it needs first and nothing twice.
#   make demo        recommend, build, lint and rehearse the deploy, without an AWS account
#   make test        every test
#   make test-units  the tests that run the units under a systemd of their own, as root (make test calls it)
#   make test-boot   first boots of the templates, and what may befall their hosts, in virtual machines, as root
#   make check       formatter, linters, types, layers, and that nothing generated is stale
#   make check-security  checkov on templates_out/, in an environment of its own
#   make bench       the benchmarks; prints ratios, fails on none
#   make templates   write templates_out/ anew
#   make snapshot    write the embedded price snapshot anew
#   make docs        write the generated parts of README.md and docs/ anew

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
READY := .venv/ready
PAGES := README.md docs/commands.md docs/configuration.md docs/costs.md docs/deploying.md docs/doctor.md docs/lint-rules.md docs/states.md
SCRIPTS := $(shell grep -lr '^\#!/bin/bash' cfgen/host/scripts cfgen/host/remote) .ci/run
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test test-units test-boot check check-security bench templates snapshot docs tools clean

demo: $(READY)
	@set -e; demo=$$(mktemp -d); trap 'rm -rf "$$demo"' EXIT; cfgen="$$PWD/$(BIN)/cfgen"; cd "$$demo"; \
	echo '$$ cfgen recommend --prices offline'; "$$cfgen" recommend --prices offline; \
	echo; echo '$$ cfgen build --prices offline > template.yaml'; \
	"$$cfgen" build --prices offline > template.yaml; \
	echo "$$(wc -l < template.yaml) lines, $$(wc -c < template.yaml) bytes"; \
	echo; echo '$$ cfgen lint template.yaml'; "$$cfgen" lint template.yaml; \
	echo; echo '$$ cfgen deploy template.yaml --rehearse --yes --no-cache'; \
	"$$cfgen" deploy template.yaml --rehearse --yes --no-cache

test: $(READY) tools .venv/aws/ready
	$(BIN)/python -m pytest
	@$(MAKE) --no-print-directory test-units

test-units: $(READY) tools
	@if test "$$(id -u)" = 0; then as=; elif sudo -n true 2>/dev/null; then as=sudo; else \
		echo 'NOT TESTED: the units under systemd, which takes root: sudo make test-units'; exit 0; fi; \
	$$as env PYTHONDONTWRITEBYTECODE=1 $(BIN)/python -m pytest -p no:cacheprovider --dist loadscope tests/systemd

# Two machines at a time, each as fast as one core emulates it; what a worker froze, its later tests go on from.
test-boot: $(READY)
	@if test "$$(id -u)" = 0; then as=; elif sudo -n true 2>/dev/null; then as=sudo; else \
		echo 'NOT TESTED: the templates in virtual machines, which takes root: sudo make test-boot'; exit 0; fi; \
	if ! command -v qemu-system-x86_64 qemu-img debootstrap mkfs.ext4 >/dev/null; then \
		$$as apt-get update -qq && $$as apt-get install -qq -y --no-install-recommends \
			qemu-system-x86 qemu-utils debootstrap e2fsprogs xz-utils curl ca-certificates git; fi; \
	$$as env PYTHONDONTWRITEBYTECODE=1 $(BIN)/python -m pytest -p no:cacheprovider -n 2 --dist load tests/boot

check: $(READY) tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pricing.data.make_snapshot --check
	$(BIN)/python templates_out/generate.py --check
	$(BIN)/cog --check -I docs $(PAGES)
	shellcheck $(SCRIPTS)

# What is passed over is listed, with its reason, in docs/lint-rules.md, which is read here.
check-security: .venv/checkov/ready
	.venv/checkov/bin/checkov --directory templates_out --framework cloudformation --quiet --compact --skip-download \
		--skip-check "$$(sed -n 's/^| \(CKV_[A-Z0-9_]*\) .*/\1/p' docs/lint-rules.md | paste -sd, -)"

# checkov and cfn-lint do not install well together.
.venv/checkov/ready:
	test -x .venv/checkov/bin/python || $(PYTHON) -m venv .venv/checkov
	.venv/checkov/bin/python -m pip install --quiet 'checkov>=3.2,<4'
	@touch $@

# The tests run the host's scripts, which call the AWS CLI: it pins a botocore of its own.
.venv/aws/ready:
	test -x .venv/aws/bin/python || $(PYTHON) -m venv .venv/aws
	.venv/aws/bin/python -m pip install --quiet 'awscli>=1.32,<2'
	@touch $@

bench: $(READY)
	$(BIN)/python bench/startup.py
	$(BIN)/python bench/growth.py
	PYTHONPATH=. $(BIN)/python bench/live.py
	PYTHONPATH=. $(BIN)/python bench/polling.py
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory .venv/cdk/ready && $(BIN)/python bench/synth.py; \
	else echo 'cdk synth is not measured: there is no npm'; fi

.venv/cdk/ready: $(READY)
	test -x .venv/cdk/bin/python || $(PYTHON) -m venv .venv/cdk
	.venv/cdk/bin/python -m pip install --quiet "aws-cdk-lib<3" constructs
	npm install --silent --no-audit --no-fund --prefix .venv/cdk aws-cdk@2
	@touch $@

templates: $(READY)
	$(BIN)/python templates_out/generate.py

snapshot: $(READY)
	$(BIN)/python -m pricing.data.make_snapshot

docs: $(READY)
	$(BIN)/cog -r -I docs $(PAGES)

# compat: the plain .pth form, which starts 0.02 s faster than setuptools' import hook.
$(READY): setup.cfg pyproject.toml
	@test -n "$(PYTHON)" || { echo 'cfgen needs Python 3.11 or newer as python3' >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[dev]' --config-settings editable_mode=compat
	@touch $@

# The tests check what is generated with the real tools.
tools:
	@if command -v shellcheck >/dev/null && command -v systemd-analyze >/dev/null && \
		command -v systemd-nspawn >/dev/null && test -x /usr/bin/python3; then exit 0; fi; \
	if command -v apt-get >/dev/null; then \
		sudo=; test "$$(id -u)" = 0 || sudo=sudo; \
		$$sudo apt-get update -qq && $$sudo apt-get install -qq -y --no-install-recommends shellcheck systemd systemd-container python3 tzdata; \
	else \
		echo 'the tests need shellcheck, systemd-analyze and systemd-nspawn: install them first' >&2; exit 1; \
	fi

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis *.egg-info
