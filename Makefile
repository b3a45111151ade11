# make demo · make test · make lint · make bench · make faults · make fuzz · make install
#
# Needs Rust (1.88), Python (3.10), Node.js (20), Go and a C compiler; everything else is set up under build/ and target/.

PYTHON ?= python3
CARGO ?= cargo
VENV := build/venv
PY := $(VENV)/bin/python
NODE_MODULES := bindings-node/node_modules/.package-lock.json
PEER_NODE := tests/peers/oidc-provider/node_modules/.bin/node
AUTHSERVER := target/release/scopegate-authserver
INSTALLED := $(CURDIR)/target/installed
GO_HOOKS := $(CURDIR)/target/go-hooks
# Not --all-features: the hooks of scopegate-ffi belong to scopegate-ffi-hooks alone.
FEATURES := scopegate-core/testing,scopegate-core/schema
export SCOPEGATE_AUTHSERVER := $(CURDIR)/$(AUTHSERVER)
export SCOPEGATE_TRANSCRIPTS := $(CURDIR)/target/transcripts
# Where the machine has no pkg-config: one that pip installs.
export PKG_CONFIG := $(or $(shell command -v pkg-config),$(CURDIR)/$(VENV)/bin/pkgconf)

.NOTPARALLEL:
.PHONY: demo demo-python demo-node test test-rust test-c test-go test-python test-node test-peers test-packaging transcripts \
  sanitize faults faults-short fuzz lint bench bench-own-verifier tools clean

demo: demo-python demo-node

demo-python: tools $(AUTHSERVER) $(VENV)/demo
	$(PY) bindings-python/demo/demo.py

demo-node: tools $(AUTHSERVER) $(NODE_MODULES)
	cd bindings-node && node build.mjs
	node bindings-node/demo/demo.mjs

test: tools test-rust test-c test-go test-python test-node test-peers test-packaging transcripts

lint: tools $(VENV)/test $(NODE_MODULES)
	$(CARGO) fmt --all -- --check
	$(CARGO) clippy --locked --workspace --all-targets --features $(FEATURES),scopegate-node/test-hooks -- -D warnings
	$(VENV)/bin/ruff check bindings-python tests
	$(VENV)/bin/ruff format --check bindings-python tests
	cd bindings-python && ../$(PY) -m mypy tests examples demo
	cd tests/peers && ../../$(PY) -m mypy python
	@unformatted=$$(gofmt -l bindings-go); test -z "$$unformatted" || { echo "gofmt: $$unformatted" >&2; exit 1; }
	cd bindings-node && node build.mjs && npm run lint

bench: tools $(VENV)/python $(NODE_MODULES) installed
	mkdir -p target/bench
	$(CARGO) build --locked --release -p scopegate-tests --bin scopegate-bench
	cp target/release/scopegate-bench target/bench
	cc -O2 tests/c/bench.c -I $(INSTALLED)/include $(INSTALLED)/lib/libscopegate.so -Wl,-rpath,$(INSTALLED)/lib -o target/bench/bench-c
	cd bindings-go && PKG_CONFIG_PATH=$(INSTALLED)/lib/pkgconfig go test -c -o ../target/bench/bench-go .
	cd bindings-node && node build.mjs
	LD_LIBRARY_PATH=$(INSTALLED)/lib $(PY) tests/bench/bench.py target/bench

# What befalls a server whose author wires a verifier of his own: the table in README.md. Takes some minutes.
bench-own-verifier: tools $(VENV)/python
	$(PY) -m pip install --quiet --disable-pip-version-check -r tests/bench/requirements.txt
	cd tests/bench && ../../$(PY) own_verifier.py # --expiry adds rows that take 10 minutes

# A missing language fails loudly; it is never skipped.
tools:
	@for tool in $(CARGO) $(PYTHON) node npm go cc c++; do \
	  command -v $$tool >/dev/null || { echo "$$tool: not found; README.md lists what is needed" >&2; exit 1; }; done
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "Python 3.10 or newer is needed" >&2; exit 1; }
	@node -e 'process.exit(+(parseInt(process.versions.node) < 20))' || { echo "Node.js 20 or newer is needed" >&2; exit 1; }
	@$(PKG_CONFIG) --version >/dev/null 2>&1 || { test -x $(PY) || $(PYTHON) -m venv $(VENV); \
	  $(PY) -m pip install --quiet --disable-pip-version-check pkgconf==3.0.7.post0; }

# Without features first: nothing in the core may depend on what another crate switches on.
test-rust:
	$(CARGO) test --locked -p scopegate-core
	$(CARGO) test --locked -p scopegate-core -p scopegate-authserver -p scopegate-tests -p scopegate-stub -p scopegate-fuzz-properties --all-features

test-c: tools $(AUTHSERVER)
	$(CARGO) test --locked -p scopegate-ffi

test-go: tools $(AUTHSERVER) installed
	$(CARGO) build --locked -p scopegate-ffi-hooks
	mkdir -p $(GO_HOOKS) && cp target/debug/libscopegate_hooks.so $(GO_HOOKS)/libscopegate.so.0
	export PKG_CONFIG_PATH=$(INSTALLED)/lib/pkgconfig LD_LIBRARY_PATH=$(INSTALLED)/lib && \
	  cd bindings-go && go vet ./... && go test -count=1 -race ./... && go run ./internal/generate -check && \
	  LD_LIBRARY_PATH=$(GO_HOOKS) SCOPEGATE_TEST_HOOKS=1 go test -count=1 -run Panic . && \
	  cd mcp && go vet ./... && go test -count=1 -race ./...

# What C and Go programs link with: `make install` into a folder of ours.
.PHONY: installed
installed:
	$(CARGO) build --locked --release -p scopegate-ffi
	$(MAKE) -f ffi/install.mk install LIBRARY=$(CURDIR)/target/release PREFIX=$(INSTALLED)

test-python: $(AUTHSERVER) $(VENV)/test
	cd bindings-python && ../$(PY) -m pytest
	cd bindings-python && ../$(PY) -m mypy.stubtest scopegate --allowlist stubtest-allowlist.txt
	$(PY) tests/vectors/generate.py --check

test-node: tools $(AUTHSERVER) $(NODE_MODULES)
	cd bindings-node && node build.mjs && npm test

test-peers: $(AUTHSERVER) $(VENV)/test $(PEER_NODE)
	$(PY) -m pytest tests/peers

test-packaging: $(VENV)/test
	cd bindings-python && ../$(PY) -m pytest -m packaging

# Every language wrote down what it answered; the files must be equal byte for byte.
transcripts:
	@for language in c go python-sync python-async node-main node-worker; do \
	  cmp target/transcripts/rust.jsonl target/transcripts/$$language.jsonl || exit 1; \
	  echo "$$language answers as rust does, $$(wc -l < target/transcripts/rust.jsonl) cases"; done

# The C programs under AddressSanitizer and UndefinedBehaviorSanitizer, the library under AddressSanitizer, the careless
# program under valgrind. Needs a compiler with those, valgrind and CMake.
C_PROGRAMS := $(CARGO) test --locked -p scopegate-ffi --test programs --
SANITIZED := vectors verdicts key_control misuse headers gated_server event_loop
ASAN_TARGET := $(shell rustc -vV | sed -n 's/^host: //p')
sanitize: tools $(AUTHSERVER)
	@for tool in valgrind cmake; do command -v $$tool >/dev/null || { echo "$$tool: not found" >&2; exit 1; }; done
	$(CARGO) build --locked --release -p scopegate-ffi
	SCOPEGATE_LIBRARY=$(CURDIR)/target/release SCOPEGATE_CFLAGS="-fsanitize=address,undefined -fno-sanitize-recover=all" \
	  $(C_PROGRAMS) $(SANITIZED) panics
	RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address $(CARGO) build --locked -p scopegate-ffi --target $(ASAN_TARGET) --target-dir target/asan
	SCOPEGATE_LIBRARY=$(CURDIR)/target/asan/$(ASAN_TARGET)/debug SCOPEGATE_CFLAGS=-fsanitize=address $(C_PROGRAMS) $(SANITIZED)
	SCOPEGATE_LIBRARY=$(CURDIR)/target/release SCOPEGATE_ROUNDS=2 \
	  SCOPEGATE_RUNNER="valgrind -q --leak-check=full --error-exitcode=9" $(C_PROGRAMS) misuse
	SCOPEGATE_LIBRARY=$(CURDIR)/target/release $(C_PROGRAMS) --ignored

# Keys under fire: one row for each fault, over real sockets, printed as a table; then 100,000 random histories of a key
# source. Half an hour, on Linux.
faults: faults-program $(VENV)/test
	target/debug/scopegate-faults
	cd bindings-python && SCOPEGATE_FORKS=1000 ../$(PY) -m pytest -m faults
	SCOPEGATE_PROPERTY_CASES=100000 $(CARGO) test --locked -p scopegate-core --all-features --lib keys::source::tests::simulation

# The same rows, with a short soak and fewer forks: what continuous integration runs, in less than 5 minutes.
faults-short: faults-program
	target/debug/scopegate-faults --short

.PHONY: faults-program
faults-program: tools
	$(CARGO) build --locked -p scopegate-ffi
	$(CARGO) build --locked -p scopegate-tests --bin scopegate-faults

# Every fuzz target for a minute, from the committed corpus, under AddressSanitizer. FUZZ="call --seconds 600" for one of them
# and longer. The first build takes minutes.
CARGO_FUZZ := 0.13.2
fuzz: target/tools/cargo-fuzz-$(CARGO_FUZZ)
	PATH=$(CURDIR)/target/tools/bin:$$PATH $(PYTHON) tests/fuzz/run.py $(FUZZ)

target/tools/cargo-fuzz-$(CARGO_FUZZ):
	@command -v c++ >/dev/null || { echo "c++: not found; libFuzzer is built with it" >&2; exit 1; }
	$(CARGO) install cargo-fuzz --locked --version $(CARGO_FUZZ) --root target/tools
	touch $@

include ffi/install.mk

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

$(NODE_MODULES): bindings-node/package-lock.json
	cd bindings-node && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@

# A Node.js of its own: oidc-provider needs 22.
$(PEER_NODE): tests/peers/oidc-provider/package-lock.json
	npm ci --prefix tests/peers/oidc-provider --no-audit --no-fund --loglevel=error
	touch $@

clean:
	rm -rf build target

FORCE:
