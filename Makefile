# devenv: build, check, install. Objects and generated files live only under build/.
#   make             build/devenv                   make check    everything that is tested, one closing line
#   make setup       what a build needs (apt)       make demo     from nothing to the running example
#   make unit golden e2e runners lint fuzz-replay   single parts of check;  make bless  rewrites golden results
#   make fuzz        libFuzzer, FUZZ_TIME seconds each;  make bench;  make install DESTDIR= PREFIX=
# SAN=address,undefined builds a second tree beside the first; WERROR=1 turns warnings into errors.
CC ?= cc
PREFIX ?= /usr/local
CFLAGS ?= -O2 -g
WERROR ?= $(CI)
JOBS ?= $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
FUZZ_TIME ?= 60
VERSION := 0.1.0
SANITIZERS := address,undefined

comma := ,
B := build$(if $(SAN),/$(subst $(comma),-,$(SAN)))
D_CPPFLAGS := -Iinclude -D_GNU_SOURCE -DDEVENV_VERSION='"$(VERSION)"' $(CPPFLAGS)
D_CFLAGS := -std=c11 -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wformat=2 -Wvla -fno-common -fno-strict-aliasing $(if $(WERROR),-Werror) \
	$(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=undefined) $(CFLAGS)
D_LDLIBS := -lyaml -ljansson -luv -ldl $(LDLIBS)

SRCS := $(filter-out src/main.c,$(wildcard src/*/*.c src/*/*/*.c))
OBJS := $(SRCS:src/%.c=$(B)/src/%.o) $(B)/templates.o
TEMPLATES := $(shell find templates -name node_modules -prune -o -name __pycache__ -prune -o \
	-type f -print 2>/dev/null | LC_ALL=C sort)
UNITS := $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/*.c))
FUZZERS := $(filter-out replay,$(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c)))
MANUALS := $(wildcard man/*.[1-8])

# One short line a command; V=1 shows the whole.
say = $(if $(V),,@echo '$(1) $@' &&)

all: $(B)/devenv

# What a tree was built from and with, written when it changes: a removed source or another flag rebuilds.
update = mkdir -p $(@D) && printf '%s\n' $(1) >$@.new && if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi
$(B)/objects: force
	@$(call update,$(OBJS))
$(B)/flags: force
	@$(call update,'$(subst ','\'',$(CC) $(D_CPPFLAGS) $(filter-out -Werror,$(D_CFLAGS)) $(LDFLAGS))')

# The program: everything but main.c in one archive, which tests and fuzzers link too.
$(B)/devenv: $(B)/src/main.o $(B)/libdevenv.a
	$(call say,LD)$(CC) $(D_CFLAGS) $(LDFLAGS) -o $@ $^ $(D_LDLIBS)
$(B)/libdevenv.a: $(OBJS) $(B)/objects
	$(call say,AR)rm -f $@ && $(AR) rcs $@ $(OBJS)
$(B)/src/%.o: src/%.c $(B)/flags | build/.needs
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(D_CPPFLAGS) $(D_CFLAGS) -MMD -MP -c -o $@ $<

# Templates are embedded as data; the list is compared so that an added or removed file rebuilds it.
build/templates.list: force
	@mkdir -p $(@D)
	@for f in $(TEMPLATES); do if [ -x $$f ]; then echo "1 $$f"; else echo "0 $$f"; fi; done >$@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi
build/templates.S: build/templates.list src/base/embed.awk
	awk -f src/base/embed.awk $< >$@.new && mv $@.new $@
$(B)/templates.o: build/templates.S $(TEMPLATES) $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(D_CPPFLAGS) $(D_CFLAGS) -c -o $@ $<

# One look at the headers before the first compilation, so that a bare machine is told what to do.
build/.needs: tests/setup/headers.sh tests/setup/packages
	@mkdir -p $(@D)
	@CC='$(CC)' CPPFLAGS='$(CPPFLAGS)' tests/setup/headers.sh && touch $@

# Tests. Each runner ends in a line `N passed, N failed[, N skipped]`; check adds them up.
$(B)/unit/%: tests/unit/%.c $(B)/libdevenv.a
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(D_CPPFLAGS) $(D_CFLAGS) $(LDFLAGS) -MMD -MP -o $@ $< $(B)/libdevenv.a -lcmocka $(D_LDLIBS)
units: $(UNITS)
check:
	@MAKE='$(MAKE)' JOBS='$(JOBS)' SANITIZERS='$(SANITIZERS)' tests/run-check
unit: $(UNITS)
	@JOBS='$(JOBS)' tests/run-unit $(UNITS)
golden: $(B)/devenv
	@JOBS='$(JOBS)' tests/run-golden $(B)/devenv $(CASES)
bless: $(B)/devenv
	@JOBS='$(JOBS)' BLESS=1 tests/run-golden $(B)/devenv $(CASES)
e2e: $(B)/devenv
	@JOBS='$(JOBS)' tests/run-e2e $(B)/devenv $(CASES)
runners:
	@tests/run-self
lint:
	@CC='$(CC)' tests/run-lint $(LINTS)

# Compose itself is asked again about what the unit tests hold recorded.
oracle:
	@tests/oracle/merge.py && tests/oracle/interpolation.py

# Parsers under fuzzing. The committed corpora replay with any compiler; libFuzzer itself needs clang.
REPLAYS := $(FUZZERS:%=$(B)/replay/%)
$(B)/replay/%: tests/fuzz/%.c tests/fuzz/replay.c $(B)/libdevenv.a
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(D_CPPFLAGS) $(D_CFLAGS) $(LDFLAGS) -o $@ $< tests/fuzz/replay.c $(B)/libdevenv.a $(D_LDLIBS)
$(B)/fuzz/%: tests/fuzz/%.c $(B)/libdevenv.a
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(D_CPPFLAGS) $(D_CFLAGS) -fsanitize=fuzzer $(LDFLAGS) -o $@ $< $(B)/libdevenv.a $(D_LDLIBS)
replays: $(REPLAYS)
fuzzers: $(FUZZERS:%=$(B)/fuzz/%)
fuzz-replay:
	@$(MAKE) --no-print-directory SAN=$(SANITIZERS) replays
	@tests/run-fuzz replay build/$(subst $(comma),-,$(SANITIZERS))/replay $(FUZZERS)
fuzz:
	@$(MAKE) --no-print-directory CC=clang SAN=fuzzer-no-link,$(SANITIZERS) fuzzers
	@FUZZ_TIME='$(FUZZ_TIME)' tests/run-fuzz explore build/fuzzer-no-link-$(subst $(comma),-,$(SANITIZERS))/fuzz $(FUZZERS)

bench: $(B)/devenv
	@tests/bench/run --program $(B)/devenv $(BENCHES)
# The parts of the manuals between BEGIN and END come from the program's own tables.
part = awk -v part="$(1)" '/^\.\\" BEGIN/ { print; while ((getline line <part) > 0) print line; skip = 1 } \
	/^\.\\" END/ { skip = 0 } !skip && !/^\.\\" BEGIN/' $(2) >$(1).new && mv $(1).new $(2)
man: $(B)/devenv
	@$(B)/devenv help mdoc >$(B)/commands.mdoc && $(call part,$(B)/commands.mdoc,man/devenv.1)
	@$(B)/devenv help mdoc-fields >$(B)/fields.mdoc && $(call part,$(B)/fields.mdoc,man/devenv.yml.5)
setup:
	@tests/setup/tools.sh build
demo:
	@MAKE='$(MAKE)' JOBS='$(JOBS)' tests/setup/demo.sh

install: $(B)/devenv
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(B)/devenv $(DESTDIR)$(PREFIX)/bin/devenv
	for m in $(MANUALS); do install -D -m 644 $$m \
		$(DESTDIR)$(PREFIX)/share/man/man$${m##*.}/$${m##*/} || exit 1; done
	install -d $(B)/completion
	for s in bash zsh fish; do $(B)/devenv completion $$s >$(B)/completion/$$s || exit 1; done
	install -D -m 644 $(B)/completion/bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/devenv
	install -D -m 644 $(B)/completion/zsh $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_devenv
	install -D -m 644 $(B)/completion/fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/devenv.fish

clean:
	rm -rf build

-include $(OBJS:.o=.d) $(B)/src/main.d $(UNITS:=.d)
.DELETE_ON_ERROR:
.PHONY: all units check unit golden bless e2e runners lint oracle replays fuzzers fuzz-replay fuzz bench man setup demo \
	install clean force
