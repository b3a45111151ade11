# make demo · make test · make lint · make bench
#
# Needs Rust (1.88), Python (3.10), Node.js (20), Go and a C compiler; everything else is set up under build/ and target/.

PYTHON ?= python3
CARGO ?= cargo
VENV := build/venv
PY := $(VENV)/bin/python
NODE_MODULES := bindings-node/node_modules/.package-lock.json
PEER_NODE := tests/peers/oidc-provider/node_modules/.bin/node
# Crates whose tests have targets of their own below.
NOT_YET := --exclude scopegate-ffi --exclude scopegate-ffi-hooks --exclude scopegate-node
AUTHSERVER := target/release/scopegate-authserver
export SCOPEGATE_AUTHSERVER := $(CURDIR)/$(AUTHSERVER)
export SCOPEGATE_TRANSCRIPTS := $(CURDIR)/target/transcripts

.PHONY: demo demo-python test test-rust test-python test-peers test-packaging transcripts lint bench bench-own-verifier tools clean test-c test-go test-node demo-node

demo: demo-python

demo-python: tools $(AUTHSERVER) $(VENV)/demo
	$(PY) bindings-python/demo/demo.py

test: tools test-rust test-python test-peers test-packaging transcripts

lint: tools $(VENV)/test
	$(CARGO) fmt -p scopegate-core -p scopegate-authserver -p scopegate-python -p scopegate-stub -p scopegate-tests -- --check
	$(CARGO) clippy --locked --workspace $(NOT_YET) --all-targets --all-features -- -D warnings
	$(VENV)/bin/ruff check bindings-python tests
	$(VENV)/bin/ruff format --check bindings-python tests
	cd bindings-python && ../$(PY) -m mypy tests examples demo
	cd tests/peers && ../../$(PY) -m mypy python

bench: tools $(VENV)/python
	$(CARGO) build --locked --release -p scopegate-tests --bin scopegate-bench
	$(PY) tests/bench/bench.py target/release/scopegate-bench

# What befalls a server whose author wires a verifier of his own: the table in README.md. Takes some minutes.
bench-own-verifier: tools $(VENV)/python
	$(PY) -m pip install --quiet --disable-pip-version-check -r tests/bench/requirements.txt
	cd tests/bench && ../../$(PY) own_verifier.py # --expiry adds rows that take 10 minutes

# A missing language fails loudly; it is never skipped.
tools:
	@for tool in $(CARGO) $(PYTHON) node npm go cc; do \
	  command -v $$tool >/dev/null || { echo "$$tool: not found; README.md lists what is needed" >&2; exit 1; }; done
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "Python 3.10 or newer is needed" >&2; exit 1; }
	@node -e 'process.exit(+(parseInt(process.versions.node) < 20))' || { echo "Node.js 20 or newer is needed" >&2; exit 1; }

# Without features first: nothing in the core may depend on what another crate switches on.
test-rust:
	$(CARGO) test --locked -p scopegate-core
	$(CARGO) test --locked --workspace --exclude scopegate-python $(NOT_YET) --all-features

test-python: $(AUTHSERVER) $(VENV)/test
	cd bindings-python && ../$(PY) -m pytest
	cd bindings-python && ../$(PY) -m mypy.stubtest scopegate --allowlist stubtest-allowlist.txt
	$(PY) tests/vectors/generate.py --check

test-peers: $(AUTHSERVER) $(VENV)/test $(PEER_NODE)
	$(PY) -m pytest tests/peers

test-packaging: $(VENV)/test
	cd bindings-python && ../$(PY) -m pytest -m packaging

# In the tree and not yet part of `make test`: the C ABI, Go and Node.js. Each needs what its folder's README names.
PREFIX_GO := $(CURDIR)/target/go-prefix

test-c: $(AUTHSERVER)
	$(CARGO) test --locked -p scopegate-ffi

test-go:
	$(CARGO) build --locked --release -p scopegate-ffi
	$(MAKE) -f ffi/install.mk install LIBRARY=$(CURDIR)/target/release PREFIX=$(PREFIX_GO)
	$(CARGO) build --locked -p scopegate-ffi-hooks
	mkdir -p target/go-hooks && cp target/debug/libscopegate_hooks.so target/go-hooks/libscopegate.so.0
	export PKG_CONFIG_PATH=$(PREFIX_GO)/lib/pkgconfig LD_LIBRARY_PATH=$(PREFIX_GO)/lib && \
	  cd bindings-go && go vet ./... && go test -race ./... && go run ./internal/generate -check && \
	  LD_LIBRARY_PATH=$(CURDIR)/target/go-hooks SCOPEGATE_TEST_HOOKS=1 go test -run Panic . && \
	  cd mcp && go vet ./... && go test -race ./...

test-node: $(AUTHSERVER) $(NODE_MODULES)
	cd bindings-node && node build.mjs && npm test

demo-node: $(AUTHSERVER) $(NODE_MODULES)
	cd bindings-node && node build.mjs
	node bindings-node/demo/demo.mjs

$(NODE_MODULES): bindings-node/package-lock.json
	cd bindings-node && npm ci --ignore-scripts
	touch $@

include ffi/install.mk

# Every language wrote down what it answered; the files must be equal byte for byte.
transcripts:
	@for language in python-sync python-async; do \
	  cmp target/transcripts/rust.jsonl target/transcripts/$$language.jsonl || exit 1; \
	  echo "$$language answers as rust does, $$(wc -l < target/transcripts/rust.jsonl) cases"; done

$(AUTHSERVER): FORCE
	$(CARGO) build --locked --release -p scopegate-authserver

# The package as it would be installed, then what each use needs beside it.
$(VENV)/python: FORCE
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps ./bindings-python

$(VENV)/demo: $(VENV)/python
	$(PY) -m pip install --quiet --disable-pip-version-check -r bindings-python/demo/requirements.txt

$(VENV)/test: $(VENV)/python
	$(PY) -m pip install --quiet --disable-pip-version-check -r bindings-python/demo/requirements.txt \
	  -r bindings-python/requirements-test.txt -r tests/vectors/requirements.txt

# A Node.js of its own: oidc-provider needs 22.
$(PEER_NODE): tests/peers/oidc-provider/package-lock.json
	npm ci --prefix tests/peers/oidc-provider --no-audit --no-fund --loglevel=error
	touch $@

clean:
	rm -rf build target

FORCE:
