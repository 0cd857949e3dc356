# Two commands: `make demo` prints the demo orders, `make test` passes the tests. Each sets up what it needs in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO := var/demo

# A test suite starts hundreds of Pythons: what one has compiled the others read, whatever the environment says of it.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: setup demo test test-long test-servers check bench bench-full bench-guard bench-http bench-whole bench-million drill clean

setup: $(READY)

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "cardpipe needs Python 3.11 or newer; name one: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

# Three rows of the demo are bad on purpose, so its exit code is 2: refused rows, all others printed.
demo: $(READY)
	@CARDPIPE_DATA=$(DEMO)/data $(BIN)/cardpipe print tests/demo/orders.csv tests/demo/more.ndjson \
	  --out $(DEMO)/batches --mail-on 2026-12-01; code=$$?; \
	if [ $$code -ne 2 ]; then echo "the demo must end with 2 (three rows are bad on purpose), not $$code"; exit 1; fi
	@for batch in $(DEMO)/batches/*/; do $(BIN)/cardpipe batch verify $$batch || exit 1; done
	@echo "Open the cards: $(DEMO)/batches/"

test: $(READY)
	$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder -m "not long"

# What takes minutes each (longer fuzzing, longer random walks through the store, all kills one by one): before a release.
test-long: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadfile -m long

# The way from order to finished files once more, on PostgreSQL and S3: name a server in CARDPIPE_TEST_PG_URL.
test-servers: $(READY)
	CARDPIPE_TEST_HOUSE=servers $(BIN)/python -m pytest -n 2 --dist loadfile tests/pipeline

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest tests/house/test_layout.py

# The peers it is measured against are installed for it alone; one that will not install is named, and the rest measured.
PEERS := $(VENV)/.peers
$(PEERS): requirements-bench.lock $(READY)
	-@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.lock
	@touch $(PEERS)

bench: $(PEERS)
	$(BIN)/python benchmarks/bench.py $(HOW)

# The long one; the README's tables: make bench-full HOW=--markdown
bench-full: $(PEERS)
	$(BIN)/python benchmarks/bench.py --full $(HOW)

# Fails where a ratio (not a time) fell by more than a quarter; benchmarks/ratios.json holds them.
bench-guard: $(READY)
	$(BIN)/python benchmarks/guard.py

# Longer, and on servers: make bench-http HOW="--rows 10000 --database-url postgresql+psycopg://…"
bench-http: $(READY)
	$(BIN)/python benchmarks/http_bench.py $(HOW)

# From the POST to the released batch, with the share of each stage: make bench-whole HOW="--orders 300"
bench-whole: $(READY)
	$(BIN)/python benchmarks/endtoend.py $(HOW)

# What grows with the number of orders (docs/SCALE.md); a million: make bench-million ORDERS=1000000 HOW="--folder run"
bench-million: $(READY)
	$(BIN)/python benchmarks/million.py --orders $(ORDERS) $(HOW)

# Nothing lost, nothing twice: everybody is killed while orders flow; the finished files are read. An hour or two.
# make drill ORDERS=500 SETUP=embedded is a shorter one.
ORDERS ?= 10000
SETUP ?= apart
drill: $(READY)
	$(BIN)/python -m tests.faults.drill --orders $(ORDERS) --setup $(SETUP)

clean:
	rm -rf var .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
