# SPDX-License-Identifier: GPL-2.0-only
#
# Delegates only: kmod/Makefile builds the module, userspace/Makefile the
# programs, tools/testing/ holds the tests. "make help" tells the targets.
#
# Variables (all optional, handed on to the parts):
#   V=1           show the commands
#   WERROR=1      warnings are errors
#   KDIR=DIR      kernel headers to build the module against
#   VM=0          check and demo on this machine's kernel instead of a guest
#   VM_ARGS=...   more options for scripts/vm, e.g. VM_ARGS="--kernel 6.1.0-56-amd64"
#   TESTS="..."   only these tests (names, stems or globs)
#   DESTDIR, PREFIX  for install

.DEFAULT_GOAL := all
MAKEFLAGS += --no-print-directory

VM_ARGS ?=
TESTS ?=
DEMO := tools/testing/demo/demo.sh
KO := $(CURDIR)/kmod/bowtie.ko
vm_options := $(if $(filter 0,$(VM)),--no-vm,$(foreach arg,$(VM_ARGS),--vm-arg=$(arg)))

all: module programs ## build the module and the programs (default)

module: ## build kmod/bowtie.ko
	+$(MAKE) -C kmod

programs: ## build the library, daemon and tool in build/userspace
	+$(MAKE) -C userspace

traffic: ## build the traffic generator of tests and demo
	+$(MAKE) -C userspace traffic

deps: ## install missing packages (Debian; says which and why)
	scripts/install-deps.sh

# Built here and not by the tests, so that a broken build ends it at once.
check: deps ## build with -Werror, run the unit tests, then every selftest in guests
	+$(MAKE) all WERROR=1
	+$(MAKE) -C userspace test-programs WERROR=1
	@tools/testing/check.py --module $(KO) $(vm_options) $(TESTS)

demo: $(DEMO) deps all traffic ## four tunnels with strongSwan and BIRD in a guest, one cut
	@$(if $(filter 0,$(VM)),,scripts/vm --timeout 300 --for-module $(KO) $(VM_ARGS) --) \
		$(CURDIR)/$(DEMO)

# Instructions, not seconds: they repeat on any machine. Ten minutes; QUICK=1: two.
# CASES="base algorithm:null tunnels:t64" SYSTEMS="plain fast peer"
bench: all ## instructions per packet, of Bowtie and of xfrm interfaces, in a guest
	@scripts/install-deps.sh build vm test bench
	@tools/testing/perf/esp/bench.sh $(VM_ARGS)

# TRIALS=20 PEER_TRIALS=20 SYSTEMS="peer bowtie bowtie-15ms bowtie-prepend". FAULTS=1:
# other faults than cuts, and planned events, in the same lab
bench_failover := $(if $(filter 1,$(FAULTS)),faults,failover).sh
bench_env := TRIALS PEER_TRIALS SYSTEMS RATE FLOWS ONLY REKEYS FLAPS AGAIN \
	PROBE_INTERVAL
bench-failover: deps all traffic ## what a silent cut costs, against xfrm interfaces and BIRD; FAULTS=1
	@scripts/vm --timeout 7200 $(addprefix --env ,$(bench_env)) \
		--for-module $(KO) $(VM_ARGS) -- $(CURDIR)/tools/testing/perf/$(bench_failover)

fuzz: ## run the native fuzzers: RUNS=1000000 FUZZERS="config ..."
	+$(MAKE) -C tools/testing/fuzz run

lint: ## checkpatch, layering and size rules, shellcheck, codespell
	scripts/lint.sh

install: all ## install the module (with depmod), programs, unit, manual pages
	+$(MAKE) -C kmod install
	+$(MAKE) -C userspace install

uninstall: ## remove what install has installed
	+$(MAKE) -C userspace uninstall
	+$(MAKE) -C kmod uninstall

clean: ## remove everything that was built
	+$(MAKE) -C kmod clean
	rm -rf build

help: ## this text
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1	\2/p' Makefile | expand -t 18
	@sed -n '/^# Variables/,/^$$/s/^# \{0,1\}//p' Makefile

.PHONY: all module programs traffic deps check demo bench bench-failover fuzz lint install uninstall clean help
