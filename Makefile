# make demo · make demo-web · make test · make lint · make bench · make faults · make differential · make matrix · make memory
# make supply-chain · make fuzz · make install
#
# Needs Rust (1.88), Python (3.10), Node.js (20), Go and a C compiler; everything else is set up under build/ and target/.

PYTHON ?= python3
CARGO ?= cargo
VENV := build/venv
PY := $(VENV)/bin/python
NODE_MODULES := bindings-node/node_modules/.package-lock.json
PEER_NODE := tests/peers/oidc-provider/node_modules/.bin/node
WEB_NODE := tests/web/node_modules/.package-lock.json
DIFFERENTIAL_NODE := tests/differential/node/node_modules/.package-lock.json
AUTHSERVER := target/release/scopegate-authserver
INSTALLED := $(CURDIR)/target/installed
GO_HOOKS := $(CURDIR)/target/go-hooks
# Not --all-features: the hooks of scopegate-ffi belong to scopegate-ffi-hooks alone.
FEATURES := scopegate-core/testing,scopegate-core/schema,scopegate-core/tower
export SCOPEGATE_AUTHSERVER := $(CURDIR)/$(AUTHSERVER)
export SCOPEGATE_TRANSCRIPTS := $(CURDIR)/target/transcripts
export SCOPEGATE_TRACES := $(CURDIR)/target/traces
# Where the machine has no pkg-config: one that pip installs.
export PKG_CONFIG := $(or $(shell command -v pkg-config),$(CURDIR)/$(VENV)/bin/pkgconf)

.NOTPARALLEL:
.PHONY: demo demo-python demo-node test test-rust test-c test-go test-python test-node test-peers test-written test-matrix \
  test-packaging test-docs transcripts differential secrets sanitize sanitize-full races memory memory-short faults faults-short fuzz lint bench \
  bench-own-verifier tools clean

demo: demo-python demo-node

demo-python: tools $(AUTHSERVER) $(VENV)/demo
	$(PY) bindings-python/demo/demo.py

demo-node: tools $(AUTHSERVER) $(NODE_MODULES)
	cd bindings-node && node build.mjs
	node bindings-node/demo/demo.mjs

# The same on a page, for a browser on this machine, until Ctrl-C. It prints its URL; PORT=8080 chooses the port.
.PHONY: demo-web
demo-web: tools $(AUTHSERVER) $(VENV)/demo
	@PYTHONPATH=bindings-python/demo $(PY) bindings-python/demo/web/serve.py

test: tools test-rust test-c test-go test-python test-node test-peers test-written test-matrix test-web test-docs test-packaging \
  transcripts secrets differential

lint: tools $(VENV)/test $(NODE_MODULES)
	$(CARGO) fmt --all -- --check
	$(CARGO) clippy --locked --workspace --all-targets --features $(FEATURES),scopegate-node/test-hooks -- -D warnings
	$(CARGO) fmt --manifest-path core/examples/rmcp/Cargo.toml -- --check
	$(CARGO) clippy --locked $(RMCP_EXAMPLE) --all-targets -- -D warnings
	$(VENV)/bin/ruff check bindings-python tests
	$(VENV)/bin/ruff format --check bindings-python tests
	cd bindings-python && ../$(PY) -m mypy tests examples demo
	cd tests/peers && ../../$(PY) -m mypy python
	cd tests/written && ../../$(PY) -m mypy --strict test_python_client.py
	cd tests/docs && MYPYPATH=../../bindings-python/tests ../../$(PY) -m mypy --strict *.py
	cd tests/bench/rust && $(CARGO) fmt -- --check
	cd tests/matrix && MYPYPATH=../../bindings-python/demo:servers ../../$(PY) -m mypy --strict *.py */*.py
	@unformatted=$$(gofmt -l bindings-go tests/written tests/bench/go tests/bench/requests tests/bench/events tests/matrix); test -z "$$unformatted" || { echo "gofmt: $$unformatted" >&2; exit 1; }
	cd bindings-node && node build.mjs && npm run lint
	$(PRETTIER) --check bindings-python/demo/web/static tests/web
	cd tests/web && ../../$(PY) -m mypy *.py

PRETTIER := bindings-node/node_modules/.bin/prettier --config bindings-node/.prettierrc.json --ignore-path .gitignore

# What we are built of, by cargo-deny: crates that are banned, their licences and their sources need no network. Known faults
# need the database of advisories: without it the target says so, and with SCOPEGATE_ADVISORIES=required it fails.
.PHONY: supply-chain
CARGO_DENY := target/tools/bin/cargo-deny
supply-chain: $(CARGO_DENY)
	$(CARGO_DENY) --offline check bans licenses sources
	@if $(CARGO_DENY) fetch db; then $(CARGO_DENY) --offline check advisories; else \
	  printf '%s\n' '*** ADVISORIES WERE NOT CHECKED: their database could not be fetched. ***' \
	    '*** Only the versions that deny.toml names are known to be past a fault. ***' >&2; \
	  test "$(SCOPEGATE_ADVISORIES)" != required; fi

# Some minutes, once.
$(CARGO_DENY):
	$(CARGO) install --quiet --locked --root target/tools --version 0.20.2 cargo-deny

# Every language beside other libraries, at their best configuration; then what shows the figures: the table in README.md,
# the chart and tests/bench/README.md, which says what this needs. Less than 10 minutes once everything is built.
bench: bench-programs
	$(PYTHON) tests/bench/run.py --record
	$(PYTHON) tests/bench/report.py

# The same in a minute or two, to try something: writes nothing. BENCH="--only Python --algorithms ES256" for less.
.PHONY: bench-quick
bench-quick: bench-programs
	$(PYTHON) tests/bench/run.py --quick $(BENCH)

.PHONY: bench-programs
PY_BENCH := build/bench/python/bin/python
BENCH_NODE := tests/bench/node/node_modules/.package-lock.json
bench-programs: tools bench-headers installed $(BENCH_NODE) build/bench/python build/bench/pyjwt-2.10
	$(PY_BENCH) -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps ./bindings-python
	mkdir -p target/bench
	$(CARGO) build --locked --release --manifest-path tests/bench/rust/Cargo.toml --target-dir target
	cp target/release/bench-rust target/bench
	cc -O2 tests/bench/c/*.c -DLIBJWT_VERSION="\"$$($(PKG_CONFIG) --modversion libjwt)\"" -I $(INSTALLED)/include \
	  $(INSTALLED)/lib/libscopegate.so -Wl,-rpath,$(INSTALLED)/lib $$($(PKG_CONFIG) --cflags --libs libjwt libcrypto) -pthread -o target/bench/bench-c
	cd tests/bench/go && PKG_CONFIG_PATH=$(INSTALLED)/lib/pkgconfig CGO_LDFLAGS_ALLOW='-Wl,-rpath.*' \
	  CGO_LDFLAGS=-Wl,-rpath,$(INSTALLED)/lib go build -tags jwx_goccy -o ../../../target/bench/bench-go .
	cd bindings-node && node build.mjs

# Two environments, since there are two versions of PyJWT.
build/bench/%: tests/bench/python/requirements-%.txt FORCE
	test -x $@/bin/python || $(PYTHON) -m venv $@
	$@/bin/python -m pip install --quiet --disable-pip-version-check -r $<

.PHONY: bench-headers
bench-headers:
	@$(PKG_CONFIG) --exists libjwt libcrypto || { \
	  echo "libjwt, libcrypto: not found; on Debian: apt-get install libjwt-dev libssl-dev pkg-config" >&2; exit 1; }

$(BENCH_NODE): tests/bench/node/package-lock.json $(NODE_MODULES)
	npm ci --prefix tests/bench/node --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@

# Our own rows alone, with the crossings into the library, on tokens of the vectors.
.PHONY: bench-own
bench-own: tools $(VENV)/python $(NODE_MODULES) installed
	mkdir -p target/bench-own
	$(CARGO) build --locked --release -p scopegate-tests --bin scopegate-bench
	cp target/release/scopegate-bench target/bench-own
	cc -O2 tests/c/bench.c -I $(INSTALLED)/include $(INSTALLED)/lib/libscopegate.so -Wl,-rpath,$(INSTALLED)/lib -o target/bench-own/bench-c
	cd bindings-go && PKG_CONFIG_PATH=$(INSTALLED)/lib/pkgconfig go test -c -o ../target/bench-own/bench-go .
	cd bindings-node && node build.mjs
	LD_LIBRARY_PATH=$(INSTALLED)/lib $(PY) tests/bench/bench.py target/bench-own

# What befalls a server whose author wires a verifier of his own: the table in README.md. Takes some minutes.
bench-own-verifier: tools $(VENV)/python
	$(PY) -m pip install --quiet --disable-pip-version-check -r tests/bench/requirements.txt
	cd tests/bench && ../../$(PY) own_verifier.py # --expiry adds rows that take 10 minutes

# Requests a second of real servers, bare, behind Scopegate and behind the gates of the SDKs: docs/speed.md. Five minutes.
# Needs wrk, and Linux with two processors.
.PHONY: bench-requests growth growth-counts speed-tables
REQUESTS_NODE := tests/bench/requests/node_modules/.package-lock.json
bench-requests: tools $(VENV)/python $(NODE_MODULES) $(REQUESTS_NODE) installed
	@command -v wrk >/dev/null || { echo "wrk: not found; it is the Debian package wrk" >&2; exit 1; }
	mkdir -p target/bench
	$(PY) -m pip install --quiet --disable-pip-version-check -r tests/bench/requirements.txt -r tests/bench/requests/requirements.txt
	$(PY) -m pip install --quiet --disable-pip-version-check --upgrade --no-deps --target target/bench/pyjwt-2.10 PyJWT==2.10.1
	cd tests/bench/requests && PKG_CONFIG_PATH=$(INSTALLED)/lib/pkgconfig go build -o ../../../target/bench/requests-go .
	cd bindings-node && node build.mjs
	LD_LIBRARY_PATH=$(INSTALLED)/lib $(PY) tests/bench/requests/run.py target/bench
	$(PY) tests/bench/speed.py requests

# What grows with a configuration, a token and a body, and how: docs/speed.md. Fails where it is faster than linear.
growth: growth-program $(VENV)/python $(NODE_MODULES)
	cd bindings-node && node build.mjs
	$(PY) tests/bench/growth.py target/release/scopegate-growth
	$(PY) tests/bench/speed.py counts threads tokens bodies

# The part of it that is the same on every machine: instructions, counted by callgrind.
growth-counts: growth-program
	$(PYTHON) tests/bench/growth.py target/release/scopegate-growth --counts

.PHONY: growth-program
growth-program: tools
	@command -v valgrind >/dev/null || { echo "valgrind: not found" >&2; exit 1; }
	$(CARGO) build --locked --release -p scopegate-tests --bin scopegate-growth

# What audit events cost a decision, and how many a server keeps up with: docs/speed.md. A minute; needs valgrind.
.PHONY: bench-events
bench-events: tools $(VENV)/python $(NODE_MODULES) installed
	@command -v valgrind >/dev/null || { echo "valgrind: not found" >&2; exit 1; }
	mkdir -p target/bench
	$(CARGO) build --locked --release -p scopegate-tests --bin scopegate-events
	cc -O2 tests/bench/events/sink.c -I tests/c -I $(INSTALLED)/include $(INSTALLED)/lib/libscopegate.so \
	  -Wl,-rpath,$(INSTALLED)/lib -pthread -o target/bench/events-sink-c
	cd bindings-go && PKG_CONFIG_PATH=$(INSTALLED)/lib/pkgconfig go build -o ../target/bench/events-sink-go ../tests/bench/events/sink.go
	cd bindings-node && node build.mjs
	LD_LIBRARY_PATH=$(INSTALLED)/lib $(PY) tests/bench/events/run.py target/release/scopegate-events target/bench/events-sink-c target/bench/events-sink-go
	$(PY) tests/bench/speed.py events event_threads sinks

# The tables of docs/speed.md from what bench-requests, growth and bench-events wrote.
speed-tables:
	$(PYTHON) tests/bench/speed.py --write

# A missing language fails loudly; it is never skipped.
tools:
	@for tool in $(CARGO) $(PYTHON) node npm go cc c++; do \
	  command -v $$tool >/dev/null || { echo "$$tool: not found; README.md lists what is needed" >&2; exit 1; }; done
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "Python 3.10 or newer is needed" >&2; exit 1; }
	@node -e 'process.exit(+(parseInt(process.versions.node) < 20))' || { echo "Node.js 20 or newer is needed" >&2; exit 1; }
	@$(PKG_CONFIG) --version >/dev/null 2>&1 || { test -x $(PY) || $(PYTHON) -m venv $(VENV); \
	  $(PY) -m pip install --quiet --disable-pip-version-check pkgconf==3.0.7.post0; }

# A workspace of its own, which takes what is built already from ours.
RMCP_EXAMPLE := --manifest-path core/examples/rmcp/Cargo.toml --target-dir target

# Without features first: nothing in the core may depend on what another crate switches on.
test-rust:
	$(CARGO) test --locked -p scopegate-core
	$(CARGO) test --locked -p scopegate-core -p scopegate-authserver -p scopegate-tests -p scopegate-stub -p scopegate-fuzz-properties --all-features
	$(CARGO) test --locked $(RMCP_EXAMPLE)

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
	$(PY) tests/exchanges/generate.py --check
	$(PY) tests/lines.py --check
	$(PY) tests/bench/report.py --check
	$(PY) tests/bench/speed.py --check

test-node: tools $(AUTHSERVER) $(NODE_MODULES)
	cd bindings-node && node build.mjs && npm test

test-peers: $(AUTHSERVER) $(VENV)/test $(PEER_NODE)
	$(PY) -m pytest tests/peers

# What 10,000 configurations write, read back by the parsers of the official clients.
WRITTEN := target/written.jsonl
GO_CLIENT := ../../tests/written/go_client_test.go
test-written: tools $(VENV)/test $(NODE_MODULES)
	$(CARGO) run --locked -p scopegate-tests --bin scopegate-written -- $(WRITTEN)
	$(PY) -m pytest -p no:asyncio tests/written
	node --test tests/written/typescript_client.test.mjs
	cd bindings-go/mcp && go vet $(GO_CLIENT) && go test -count=1 $(GO_CLIENT)

# Every adapter, every official client, every row of the wire table, over real sockets: docs/matrix.md. `make matrix` also has
# a browser ask, the one of `make test-web`, and writes that page.
MATRIX := PYTHONPATH=bindings-python/demo $(PY) tests/matrix/run.py
.PHONY: matrix test-matrix matrix-programs
matrix: matrix-programs $(WEB_NODE)
	$(MATRIX) --browser --write

test-matrix: matrix-programs
	$(MATRIX)

MATRIX_BUILT := $(CURDIR)/target/matrix
matrix-programs: tools $(AUTHSERVER) $(VENV)/test $(NODE_MODULES) installed
	mkdir -p $(MATRIX_BUILT)
	$(CARGO) build --locked -p scopegate-tests --example scopegate-matrix-axum
	$(CARGO) build --locked $(RMCP_EXAMPLE) --example scopegate-matrix-rmcp
	cp target/debug/examples/scopegate-matrix-axum $(MATRIX_BUILT)/axum
	cp target/debug/examples/scopegate-matrix-rmcp $(MATRIX_BUILT)/rmcp
	cc -std=c11 -Wall -Wextra -Werror tests/matrix/servers/server.c -I tests/c -I $(INSTALLED)/include $(INSTALLED)/lib/libscopegate.so \
	  -Wl,-rpath,$(INSTALLED)/lib -pthread -o $(MATRIX_BUILT)/server-c
	export PKG_CONFIG_PATH=$(INSTALLED)/lib/pkgconfig CGO_LDFLAGS_ALLOW='-Wl,-rpath.*' \
	  CGO_LDFLAGS=-Wl,-rpath,$(INSTALLED)/lib && cd bindings-go/mcp && for program in servers/go_servers clients/go_client; do \
	  go vet ../../tests/matrix/$$program.go && go build -o $(MATRIX_BUILT)/ ../../tests/matrix/$$program.go || exit 1; done
	cd bindings-node && node build.mjs

# The page of `make demo-web`, without a browser and in one: Chromium, which comes in an npm package.
.PHONY: test-web screenshot
test-web: tools $(AUTHSERVER) $(VENV)/test $(WEB_NODE)
	$(PY) -m pytest tests/web
	node --test tests/web/page.test.mjs

# The picture of that page in README.md, in the fonts of this machine (Debian: fonts-inter fonts-jetbrains-mono).
screenshot: tools $(AUTHSERVER) $(VENV)/demo $(WEB_NODE)
	node tests/web/screenshot.mjs docs/demo-web.png

# Every code block of every page, and every link. What needs the toolchain of another language is run with that language's
# tests; this tells which.
test-docs: $(VENV)/test $(AUTHSERVER)
	$(PY) -m pytest -p no:asyncio tests/docs

test-packaging: $(VENV)/test
	cd bindings-python && ../$(PY) -m pytest -m packaging

# Every language wrote down what it answered; the files must be equal byte for byte.
transcripts:
	@for language in c go python-sync python-async node-main node-worker; do \
	  cmp target/transcripts/rust.jsonl target/transcripts/$$language.jsonl || exit 1; \
	  echo "$$language answers as rust does, $$(wc -l < target/transcripts/rust.jsonl) cases"; done

# More than 100,000 tokens through Scopegate and four other libraries: docs/differential.md. A minute and a half of processor time.
DIFFERENTIAL := target/differential
differential: tools $(DIFFERENTIAL_NODE)
	rm -rf $(DIFFERENTIAL)
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check -r tests/differential/requirements.txt
	$(CARGO) run --locked --quiet -p scopegate-tests --bin scopegate-differential -- $(DIFFERENTIAL)
	node --no-warnings tests/differential/node/judge.mjs $(DIFFERENTIAL) & node=$$!; \
	  $(PY) tests/differential/python/judge.py $(DIFFERENTIAL) && wait $$node
	$(PY) tests/differential/compare.py $(DIFFERENTIAL)

# Every language wrote down all that it let out; no byte of a token and no claim may be in it.
secrets:
	$(PYTHON) tests/secrets/search.py

# The C programs under AddressSanitizer and UndefinedBehaviorSanitizer, the library under AddressSanitizer, the careless
# program under valgrind, the Python and Node.js modules under AddressSanitizer. Needs a compiler with those, valgrind and
# CMake.
C_PROGRAMS := $(CARGO) test --locked -p scopegate-ffi --test programs --
SANITIZED := vectors verdicts key_control misuse calls headers gated_server event_loop
ASAN_TARGET := $(shell rustc -vV | sed -n 's/^host: //p')
ASAN := RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address PYO3_BUILD_EXTENSION_MODULE=1 $(CARGO)
ASAN_BUILT := $(CURDIR)/target/asan/$(ASAN_TARGET)/debug
sanitize: tools $(AUTHSERVER) sanitize-modules
	@for tool in valgrind cmake; do command -v $$tool >/dev/null || { echo "$$tool: not found" >&2; exit 1; }; done
	$(CARGO) build --locked --release -p scopegate-ffi
	SCOPEGATE_LIBRARY=$(CURDIR)/target/release SCOPEGATE_CFLAGS="-fsanitize=address,undefined -fno-sanitize-recover=all" \
	  $(C_PROGRAMS) $(SANITIZED) panics
	SCOPEGATE_LIBRARY=$(ASAN_BUILT) SCOPEGATE_CFLAGS=-fsanitize=address SCOPEGATE_CALLS=12500 $(C_PROGRAMS) $(SANITIZED)
	SCOPEGATE_LIBRARY=$(CURDIR)/target/release SCOPEGATE_ROUNDS=2 \
	  SCOPEGATE_RUNNER="valgrind -q --leak-check=full --error-exitcode=9" $(C_PROGRAMS) misuse
	SCOPEGATE_LIBRARY=$(CURDIR)/target/release $(C_PROGRAMS) --ignored

# More of the same: the core's own tests, a million random calls, the crowd for longer, 500 workers that are terminated.
# The tests of the core leak on purpose what must be 'static.
sanitize-full: sanitize races
	ASAN_OPTIONS=detect_leaks=0 $(ASAN) test --locked -p scopegate-core --all-features --target $(ASAN_TARGET) --target-dir target/asan
	cd target/races && $(TSAN) test --locked -p scopegate-core --all-features --lib --target $(ASAN_TARGET) --target-dir ../tsan
	SCOPEGATE_LIBRARY=$(ASAN_BUILT) SCOPEGATE_CFLAGS=-fsanitize=address SCOPEGATE_CALLS=125000 SCOPEGATE_SEED=$$(date +%s) \
	  $(C_PROGRAMS) calls
	$(RACES) SCOPEGATE_CALLS=20000 SCOPEGATE_ROUNDS=300 $(C_PROGRAMS) calls misuse
	cd bindings-node && node build.mjs && SCOPEGATE_WORKERS=500 node --test test/shared-memory.test.mjs

# The modules that Python and Node.js load, with a part of their tests. Leaks are not looked for here: CPython and V8 keep
# what they hold until the process ends. `make memory` looks for them.
SANITIZED_PYTHON := test_resource_server test_vectors test_shared_memory test_key_control test_missing_keys test_issuer test_asgi
SANITIZED_NODE := vectors shared-memory snapshots attacks
ASAN_NODE := target/asan/node/bindings-node
IN_ASAN := LD_PRELOAD="$(shell cc -print-file-name=libasan.so) $(shell cc -print-file-name=libstdc++.so)" ASAN_OPTIONS=detect_leaks=0
.PHONY: sanitize-modules
sanitize-modules: $(VENV)/test $(NODE_MODULES)
	$(ASAN) build --locked -p scopegate-ffi -p scopegate-python -p scopegate-node --target $(ASAN_TARGET) --target-dir target/asan
	rm -rf target/asan/python target/asan/node && mkdir -p target/asan/python target/asan/node
	cp -r bindings-python/python/scopegate target/asan/python
	cp $(ASAN_BUILT)/lib_scopegate.so target/asan/python/scopegate/_scopegate.abi3.so
	cd bindings-python && $(IN_ASAN) PYTHONMALLOC=malloc PYTHONPATH=$(CURDIR)/target/asan/python \
	  ../$(PY) -m pytest -q $(SANITIZED_PYTHON:%=tests/%.py)
	git ls-files -z bindings-node | xargs -0 cp --parents -t target/asan/node
	ln -s $(CURDIR)/tests target/asan/node/tests && ln -s $(CURDIR)/bindings-node/node_modules $(ASAN_NODE)/node_modules
	cp $(ASAN_BUILT)/libscopegate_node.so $(ASAN_NODE)/scopegate.$$(node -p 'require("./bindings-node/lib/platform.js").platformName()').node
	cd $(ASAN_NODE) && $(IN_ASAN) node --test $(SANITIZED_NODE:%=test/%.test.mjs)

# Programs of many threads under ThreadSanitizer. The standard library comes compiled without it: tests/races tells it what
# it does not see there. A false alarm that nobody has met is never excluded, so continuous integration does not ask it.
TSAN := RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer" \
  TSAN_OPTIONS=suppressions=$(CURDIR)/tests/races/suppressions.txt $(CARGO)
TSAN_RUNTIME := $(shell rustc --print sysroot)/lib/rustlib/$(ASAN_TARGET)/lib/librustc-stable_rt.tsan.a
RACES := SCOPEGATE_LIBRARY=$(CURDIR)/target/tsan/$(ASAN_TARGET)/debug \
  SCOPEGATE_CFLAGS="-Wl,--whole-archive,$(TSAN_RUNTIME),--no-whole-archive -Wl,--export-dynamic -lm -ldl" \
  TSAN_OPTIONS=suppressions=$(CURDIR)/tests/races/suppressions.txt
races: tools
	rm -rf target/races && mkdir -p target/races
	git ls-files -z | grep -zv '^tests/vectors/.*\.json$$' | xargs -0 cp --parents -t target/races
	cp tests/races/lock.rs target/races/core/src/lock.rs
	cd target/races && $(TSAN) build --locked -p scopegate-ffi --target $(ASAN_TARGET) --target-dir ../tsan
	$(RACES) SCOPEGATE_ROUNDS=20 $(C_PROGRAMS) calls misuse verdicts key_control

# A million accepted and a million refused tokens in each language, all distinct: what each holds at the start, warm and at
# the end. On Linux.
memory: memory-programs
	$(PY) tests/memory/run.py 1000000

memory-short: memory-programs
	$(PY) tests/memory/run.py 10000

.PHONY: memory-programs
memory-programs: tools $(VENV)/python $(NODE_MODULES) installed
	mkdir -p target/memory
	$(CARGO) build --locked --release -p scopegate-tests --bin scopegate-memory
	cp target/release/scopegate-memory target/memory
	cc -O2 tests/memory/memory.c -I $(INSTALLED)/include $(INSTALLED)/lib/libscopegate.so -Wl,-rpath,$(INSTALLED)/lib -o target/memory/memory-c
	cd bindings-go && PKG_CONFIG_PATH=$(INSTALLED)/lib/pkgconfig CGO_LDFLAGS_ALLOW='-Wl,-rpath.*' \
	  CGO_LDFLAGS=-Wl,-rpath,$(INSTALLED)/lib go build -o ../target/memory/memory-go ./internal/memory
	cd bindings-node && node build.mjs

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

$(WEB_NODE): tests/web/package-lock.json
	npm ci --prefix tests/web --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@

$(REQUESTS_NODE): tests/bench/requests/package-lock.json
	npm ci --prefix tests/bench/requests --no-audit --no-fund --loglevel=error
	touch $@

$(DIFFERENTIAL_NODE): tests/differential/node/package-lock.json
	npm ci --prefix tests/differential/node --no-audit --no-fund --loglevel=error
	touch $@

clean:
	rm -rf build target

FORCE:
