# SPDX-License-Identifier: MIT
# A thin front over Meson: `make help`.

# Where the command, the library and the benchmarks are built; tests have folders of their own.
BUILD = build/release
# Where `make install` puts them; empty: /usr/local.
PREFIX =
# What `make run` runs, as after `hostsession run`; empty: a demonstration.
ARGS =
# How long `make fuzz` runs each target, and which; empty: all.
FUZZ_SECONDS = 60
FUZZ_TARGETS =
# How long `make soak` runs, and how many sessions, of them over SSH.
SOAK_SECONDS = 120
SOAK_SESSIONS = 500
SOAK_SSH = 20

.PHONY: all build run check bench bench-quick sanitize coverage fuzz soak lint format docs install clean help

all: build

build:
	@tools/install-deps build
	@tools/compile $(BUILD) -Dtests=disabled

run: build
ifeq ($(strip $(ARGS)),)
	@tools/demo $(BUILD)/cli/hostsession
else
	@$(BUILD)/cli/hostsession run $(ARGS)
endif

check:
	@tools/install-deps build test lint
	@tools/check

bench: build
	@tools/install-deps bench
	@meson test -C $(BUILD) --benchmark --no-rebuild --verbose all
	@tools/benchmarks $(BUILD)/bench.json >BENCHMARKS.md

bench-quick: build
	@tools/install-deps bench
	@meson test -C $(BUILD) --benchmark --no-rebuild --verbose quick

sanitize:
	@tools/install-deps build test
	@tools/compile build/sanitize -Dtests=enabled -Db_sanitize=address,undefined
	@meson test -C build/sanitize --print-errorlogs

fuzz:
	@tools/install-deps build lint
	@tools/fuzz $(FUZZ_SECONDS) $(FUZZ_TARGETS)

soak:
	@tools/install-deps build test
	@tools/compile build/soak -Dtests=enabled
	@build/soak/tests/soak/soak --seconds $(SOAK_SECONDS) --sessions $(SOAK_SESSIONS) --ssh $(SOAK_SSH)

coverage:
	@tools/install-deps build test coverage
	@tools/coverage

lint: build
	@tools/install-deps lint
	@tools/lint format $(BUILD)
	@tools/lint cppcheck $(BUILD)
	@tools/lint clang-tidy $(BUILD)

format:
	@tools/install-deps lint
	@find include src cli tests bench fuzz examples -name '*.[ch]' | xargs clang-format -i

docs:
	@tools/install-deps lint
	@tools/lint docs -

install: build
ifneq ($(PREFIX),)
	@meson configure $(BUILD) -Dprefix=$(abspath $(PREFIX))
	@tools/compile $(BUILD)
endif
	@meson install -C $(BUILD) --no-rebuild --quiet
	@[ -n "$(DESTDIR)" ] || [ "$$(id -u)" != 0 ] || ldconfig 2>/dev/null || :

clean:
	@rm -rf build

help:
	@echo 'make            build in $(BUILD)'
	@echo 'make run        three commands in one persistent shell'
	@echo "make run ARGS=\"local 'cd /tmp' pwd\""
	@echo 'make check      every test, and the linters'
	@echo 'make bench      the benchmarks; writes BENCHMARKS.md (make bench-quick: fewer rounds, less data, a table only)'
	@echo 'make sanitize   the tests under the address and undefined-behaviour sanitizers'
	@echo 'make fuzz       FUZZ_SECONDS=60 FUZZ_TARGETS="engine shell": look for inputs that break what reads foreign bytes'
	@echo 'make soak       SOAK_SECONDS=120 SOAK_SESSIONS=500 SOAK_SSH=20: many sessions, checked, for long'
	@echo 'make coverage   which lines of src/ the tests run'
	@echo 'make lint       formatting, cppcheck, clang-tidy'
	@echo 'make format     format all C files'
	@echo 'make docs       the reference of the C API, in build/docs/html'
	@echo 'make install    PREFIX=/usr/local DESTDIR='
	@echo 'make clean      remove build/'
