# Two commands on a fresh machine: `make demo` shows the main job, `make test` proves it. Both make their own .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo demo-dr test check bench bench-plan bench-modbus bench-control bench-dr bench-allocation bench-chaos bench-outages load-step score years quarters coverage choose deb clean

demo: $(STAMP)
	$(BIN)/siteems demo

demo-dr: $(STAMP)
	$(BIN)/siteems demo-dr

# Side by side in two processes, which the tests do not notice: each has its own ports, folders and clock.
test: $(STAMP)
	$(BIN)/python -m pytest -n 2

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n 2

bench: bench-plan bench-modbus

bench-plan: $(STAMP)
	$(BIN)/python benchmarks/plan.py

bench-modbus: $(STAMP)
	$(BIN)/python benchmarks/modbus.py

bench-control: $(STAMP)
	$(BIN)/python benchmarks/control.py

bench-allocation: $(STAMP)
	$(BIN)/python benchmarks/allocation.py

bench-dr: $(STAMP)
	$(BIN)/python benchmarks/demand_response.py

bench-chaos: $(STAMP)
	$(BIN)/python benchmarks/chaos.py

bench-outages: $(STAMP)
	$(BIN)/python benchmarks/outages.py

load-step: $(STAMP)
	$(BIN)/python benchmarks/load_step.py

score: $(STAMP)
	$(BIN)/python benchmarks/score.py

years: $(STAMP)
	$(BIN)/python benchmarks/years.py

coverage: $(STAMP)
	$(BIN)/python benchmarks/coverage.py

quarters: $(STAMP)
	$(BIN)/python benchmarks/quarters.py --table

choose: $(STAMP)
	$(BIN)/python benchmarks/choose.py

deb: $(STAMP)
	$(BIN)/python packaging/deb.py $(if $(ARCH),--arch $(ARCH))

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt hatchling editables
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation -c constraints.txt -e '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) demo-output build dist
