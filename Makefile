# bffd: what can be built and run here. `make help` lists it.

VERSION  := 0.1.0
BUILD    ?= build
CC       ?= cc
SAN      ?=
WERROR   ?=
CRASH_POINTS ?=
COVER    ?=

# `make V=1` shows whole commands.
V        ?=
Q        := $(if $(V),,@)
say       = $(if $(V),@:,@printf '  %-6s %s\n' $(1) $(2))
,        := ,

LAYERS   := base core codec store backend doctor flow server ctl
PKGS     := fcgi hiredis libjwt jansson libcurl libsodium libseccomp
# Debian's libinih has its pkg-config file under the name inih.
PKGS     += inih

# What the OpenSSF's "Compiler Options Hardening Guide for C and C++" asks for. Flags that not every
# compiler and processor has are tried out first; tests/hardening looks at what came of it.
probe     = $(shell echo 'int main(void) { return 0; }' | $(CC) -O2 -Werror -include stdlib.h $(1) \
              -c -o /dev/null -x c - 2>/dev/null && echo '$(1)')
HARDEN   := -fstack-protector-strong -fno-delete-null-pointer-checks -fno-strict-overflow \
            -fno-strict-aliasing \
            $(foreach flag, -fstack-clash-protection -fcf-protection=full \
              -mbranch-protection=standard -fstrict-flex-arrays=3 -Wtrampolines -Wbidi-chars=any, \
              $(call probe,$(flag)))
# Before version 16 clang had it under a second, daunting name as well.
HARDEN   += $(or $(call probe,-ftrivial-auto-var-init=zero), \
              $(call probe,-ftrivial-auto-var-init=zero \
              -enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang))
FORTIFY  := $(or $(call probe,-D_FORTIFY_SOURCE=3),-D_FORTIFY_SOURCE=2)
HARDEN_LD:= -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,-z,separate-code -Wl,--as-needed
# Debian's crt1.o says nothing of shadow stacks, and so the linker would say nothing of ours. It
# does not spoil them: _start returns to nobody.
HARDEN_LD+= $(if $(filter -fcf-protection=full,$(HARDEN)),-Wl$(,)-z$(,)shstk)

CPPFLAGS += -D_GNU_SOURCE -DBFF_VERSION='"$(VERSION)"' -Ibff -I$(BUILD)/gen
CFLAGS   += -std=c11 -g -O2 -fPIE $(HARDEN) \
            -Wall -Wextra -Wconversion -Wshadow -Wvla -Wundef -Wpointer-arith -Wwrite-strings \
            -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wformat=2 \
            -Wimplicit-fallthrough -Werror=format-security -Werror=implicit \
            -Werror=incompatible-pointer-types -Werror=int-conversion
LDFLAGS  += -pie $(HARDEN_LD)
ifneq ($(SAN),)
CFLAGS   += -fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all
LDFLAGS  += -fsanitize=$(SAN)
else ifneq ($(COVER),)
CFLAGS   += -O0 --coverage -fprofile-update=atomic -Wno-format-truncation
LDFLAGS  += --coverage -Wl,--wrap=confine
RECORDER := $(BUILD)/tests/cover/recorder.o
else
CPPFLAGS += -U_FORTIFY_SOURCE $(FORTIFY)
endif
ifneq ($(WERROR),)
CFLAGS   += -Werror
endif
ifneq ($(CRASH_POINTS),)
CPPFLAGS += -DBFF_CRASH_POINTS
endif
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) cmocka 2>/dev/null)

# What each layer links with: a layer sees itself and those below, so `base` and `core` prove their
# purity at every link of their tests.
LIBS_base    :=
LIBS_core    := $(LIBS_base) -linih
LIBS_codec   := $(LIBS_core) -ljwt -ljansson -lsodium
LIBS_store   := $(LIBS_codec) -lhiredis
LIBS_backend := $(LIBS_store) -lcurl
LIBS_doctor  := $(LIBS_backend)
LIBS_flow    := $(LIBS_backend)
LIBS_server  := $(LIBS_flow) -lfcgi -lseccomp
LIBS_ctl     := $(LIBS_server)

# $(call below,LAYER): the layer's archives in link order, its own first.
below_base    := base
below_core    := core base
below_codec   := codec core base
below_store   := store codec core base
below_backend := backend store codec core base
below_doctor  := doctor backend store codec core base
below_flow    := flow backend store codec core base
below_server  := server flow backend store codec core base
below_ctl     := ctl $(below_server)
archives       = $(patsubst %,$(BUILD)/lib%.a,$(below_$(1)))

MAINS      := bff/main.c bff/bffctl.c
SOURCES    := $(foreach l,$(LAYERS),$(wildcard bff/$(l)/*.c)) $(MAINS)
OBJECTS    := $(SOURCES:%.c=$(BUILD)/%.o)
SCRIPTS    := $(wildcard bff/store/scripts/*.lua)
SCRIPTS_H  := $(SCRIPTS:bff/store/scripts/%.lua=$(BUILD)/gen/store/scripts/%.lua.h)
UNIT       := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/*/test_*.c))
INTEGRATION:= $(patsubst tests/integration/%.c,$(BUILD)/tests/integration/%,$(wildcard tests/integration/test_*.c))
REPLAY     := $(patsubst tests/fuzz/fuzz_%.c,$(BUILD)/tests/fuzz/replay_%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ       := $(patsubst tests/fuzz/fuzz_%.c,$(BUILD)/tests/fuzz/fuzz_%,$(wildcard tests/fuzz/fuzz_*.c))
HARDENING  := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/hardening/*.c))
TORTURE    := $(BUILD)/tests/torture/fail.so
HEADERS    := $(foreach l,$(LAYERS),$(wildcard bff/$(l)/*.h))

.PHONY: all
all: $(BUILD)/bffd $(BUILD)/bffctl ## build bffd and bffctl

$(BUILD)/bffd: $(BUILD)/bff/main.o $(BUILD)/libdoctor.a $(RECORDER) $(call archives,server)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_server) -lpthread

$(BUILD)/bffctl: $(BUILD)/bff/bffctl.o $(call archives,ctl)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_ctl) -lpthread

# One archive for each layer.
define layer_archive
$(BUILD)/lib$(1).a: $(patsubst %.c,$(BUILD)/%.o,$(wildcard bff/$(1)/*.c))
	@rm -f $$@
	$$(call say,AR,$$@)
	$$(Q)$$(AR) rcs $$@ $$^
endef
$(foreach l,$(LAYERS),$(eval $(call layer_archive,$(l))))

# What was compiled with other flags is compiled anew.
FLAGS    := $(CC) $(CPPFLAGS) $(PKG_CFLAGS) $(CFLAGS) $(LDFLAGS)
ifneq ($(file <$(BUILD)/flags),$(FLAGS))
$(shell mkdir -p $(BUILD))
$(file >$(BUILD)/flags,$(FLAGS))
endif

$(BUILD)/%.o: %.c $(BUILD)/flags | $(SCRIPTS_H)
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(PKG_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# A Lua script as a C string literal.
$(BUILD)/gen/store/scripts/%.lua.h: bff/store/scripts/%.lua
	@mkdir -p $(@D)
	$(Q)sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/"&\\n"/' $< > $@

# The ACL that is shipped, as the test of it reads it.
$(BUILD)/gen/%.acl.h: bff/%.acl
	@mkdir -p $(@D)
	$(Q)sed -e 's/"/\\"/g' -e 's/.*/"&\\n"/' $< > $@
$(INTEGRATION:=.o): | $(BUILD)/gen/redis.acl.h
$(BUILD)/tests/integration/test_store_acl.o: $(BUILD)/gen/redis.acl.h

define unit_test
$(BUILD)/tests/unit/$(1)/%: $(BUILD)/tests/unit/$(1)/%.o $(if $(filter server,$(1)),$(RECORDER)) $(call archives,$(1))
	$$(call say,LINK,$$@)
	$$(Q)$$(CC) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(LIBS_$(1)) -lcmocka -lpthread
endef
$(foreach l,$(LAYERS),$(eval $(call unit_test,$(l))))

$(BUILD)/tests/integration/%: $(BUILD)/tests/integration/%.o $(BUILD)/tests/integration/private_redis.o $(call archives,backend)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_backend) -lcmocka -lpthread

$(BUILD)/tests/fuzz/replay_%: $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/tests/fuzz/replay.o $(BUILD)/libdoctor.a $(call archives,ctl)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_server) -lpthread

$(BUILD)/tests/fuzz/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/libdoctor.a $(call archives,ctl)
	$(call say,FUZZ,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS_server) -lpthread

$(BUILD)/tests/hardening/%: $(BUILD)/tests/hardening/%.o $(RECORDER) $(call archives,server)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_server) -lpthread

# It stands before malloc() and others, as sanitizers do.
$(TORTURE): tests/torture/fail.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(filter-out -fPIE -fsanitize% --coverage,$(CFLAGS)) -fPIC -shared \
	  -o $@ $< -ldl -lpthread

.PHONY: crash
crash: ## build a bffd that tests can kill, stall or cut off at each step of a refresh
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/crash CRASH_POINTS=1 all

.PHONY: unit integration replay fuzz fuzz-targets hardening rack
unit: $(UNIT) ## build the unit tests
integration: $(INTEGRATION) ## build the integration tests
hardening: $(HARDENING) ## build what tries to get out of a worker's confinement
rack: $(TORTURE) ## build what makes calls of bffd's fail
replay: $(REPLAY) ## build what replays the fuzz corpora
fuzz-targets: $(FUZZ)
fuzz: ## build the fuzz targets (clang, libFuzzer, ASan and UBSan): build/fuzz/tests/fuzz
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/fuzz CC=clang SAN=fuzzer-no-link,address,undefined \
	  fuzz-targets

.PHONY: fuzz-long fuzz-keep fuzz-worker
RUNS     ?= 10000000
TARGETS  ?=
fuzz-long: fuzz ## run them: RUNS=10000000 each, or TARGETS="date worker" only; figures in build/fuzz.json
	@scripts/fuzz --runs $(RUNS) --build $(BUILD)/fuzz --into $(BUILD)/fuzz.json $(TARGETS)
fuzz-worker: ## records of every shape for a worker under ASan and UBSan: SECONDS=600 SEED=1
	@scripts/setup test
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/address SAN=address,undefined all
	@BFFD=$(BUILD)/address/bffd BFF_TEST_SANDBOX=no BFF_SHAPES_SECONDS=$(SECONDS) \
	  BFF_SHAPES_SEED=$(or $(SEED),1) ASAN_OPTIONS=quarantine_size_mb=4 \
	  /usr/bin/python3 -m pytest -p no:cacheprovider -q -s tests/e2e/test_shapes.py
fuzz-keep: fuzz ## put into tests/fuzz/corpus what they have found that reaches more
	@scripts/fuzz --keep --build $(BUILD)/fuzz $(TARGETS)

.PHONY: test demo page clients compare-clients man
test: ## install what is missing, build, run all tests
	@scripts/setup test
	@$(MAKE) --no-print-directory all crash unit integration replay hardening rack page clients
	@tests/backends/environments.py
	@scripts/test --build $(BUILD)

.PHONY: cover
cover: ## lines and branches that the tests reach, at least 95 and 85 %: build/cover.txt
	@scripts/setup cover
	@scripts/test-cover

.PHONY: torture
torture: ## every allocation and system call of bffd's made to fail, one by one: some 50 minutes
	@scripts/setup test
	@$(MAKE) --no-print-directory all rack
	@BFF_TORTURE_POINTS=0 BFFD=$(abspath $(BUILD))/bffd PYTHONDONTWRITEBYTECODE=1 \
	  /usr/bin/python3 -m pytest -p no:cacheprovider -q tests/torture

.PHONY: test-sanitized
test-sanitized: ## the end-to-end tests under ASan and UBSan, TSan, and valgrind: some 25 minutes
	@scripts/setup analyze
	@scripts/test-sanitized

.PHONY: test-backends
test-backends: ## each backend that bffd knows, with bffd before it: a table of what works
	@scripts/setup test
	@$(MAKE) --no-print-directory all
	@tests/backends/environments.py
	@scripts/test --build $(BUILD) backends

demo: ## install what is missing, build, and show bffd with Django and a page
	@scripts/demo

page: tests/page/dist/index.html ## build the demo page (Vite)
tests/page/node_modules/.package-lock.json: tests/page/package-lock.json tests/page/package.json
	@cd tests/page && npm ci --no-audit --no-fund --loglevel=error
	@touch $@
tests/page/dist/index.html: tests/page/node_modules/.package-lock.json \
  $(wildcard tests/page/*.html tests/page/*.js tests/page/src/* tests/page/src/*/* tests/page/public/*)
	@cd tests/page && npm run --silent build

clients: tests/clients/node_modules/.package-lock.json ## install the libraries of the axios clients
tests/clients/node_modules/.package-lock.json: $(wildcard tests/clients/package*.json)
	@cd tests/clients && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

compare-clients: ## measure four token-keeping clients on Django alone and behind bffd
	@scripts/setup test
	@$(MAKE) --no-print-directory all clients
	@BFFD=$(BUILD)/bffd tests/clients/compare.py $(BUILD)/clients.md

.PHONY: test-security
test-security: ## attack the whole site: what is in `make test`, or with FULL=1 all of it
	@scripts/setup test
	@$(MAKE) --no-print-directory all
	@BFF_SECURITY_FULL=$(FULL) scripts/test --build $(BUILD) security

.PHONY: soak
MINUTES ?= 10
soak: ## two hosts under load while everything goes wrong at random: make soak MINUTES=30
	@scripts/setup test
	@$(MAKE) --no-print-directory all crash
	@BFFD=$(BUILD)/bffd tests/evidence/soak.py --minutes $(MINUTES)

.PHONY: bench
ROUNDS   ?= 5
SECONDS  ?= 3
bench: ## measure bffd beside bare nginx and others (ROUNDS=5 SECONDS=3; FULL=1: a million sessions)
	@scripts/setup bench
	@$(MAKE) --no-print-directory all
	@BFFD=$(BUILD)/bffd tests/bench/bench.py --rounds $(ROUNDS) --seconds $(SECONDS) \
	  $(if $(FULL),--full) --into $(BUILD)

man: $(BUILD)/bffd.8 $(BUILD)/bffctl.8 $(BUILD)/bff.conf.5 ## the man pages, options filled in from the table
$(BUILD)/%.8: bff/%.8
	cp $< $@
$(BUILD)/bff.conf.5: bff/bff.conf.5.in $(BUILD)/bffd
	$(BUILD)/bffd --print-manual > $(BUILD)/options.mdoc
	sed -e '/^\.\\" @OPTIONS@$$/{r $(BUILD)/options.mdoc' -e 'd}' $< > $@

DESTDIR  ?=
PREFIX   ?= /usr/local
CONFDIR  ?= /etc/bffd
NGINXDIR ?= /etc/nginx/bff
# What is here nginx includes in its http block, on Debian.
NGINXCONFD ?= /etc/nginx/conf.d
UNITDIR  ?= $(PREFIX)/lib/systemd/system
doc_dir   = $(DESTDIR)$(PREFIX)/share/doc/bffd

# $(call install_kept,FILE,DIRECTORY): an edited one stays, the new one lies beside it.
define install_kept
	install -D -m 0644 $(1) $(DESTDIR)$(2)/$(notdir $(1)).new
	[ -e $(DESTDIR)$(2)/$(notdir $(1)) ] || \
	  mv $(DESTDIR)$(2)/$(notdir $(1)).new $(DESTDIR)$(2)/$(notdir $(1))
endef

.PHONY: install
install: all man ## install bffd, bffctl, man pages and units below PREFIX, its configuration, nginx' files
	install -D -m 0755 $(BUILD)/bffd $(DESTDIR)$(PREFIX)/sbin/bffd
	install -D -m 0755 $(BUILD)/bffctl $(DESTDIR)$(PREFIX)/sbin/bffctl
	install -D -m 0644 $(BUILD)/bffd.8 $(DESTDIR)$(PREFIX)/share/man/man8/bffd.8
	install -D -m 0644 $(BUILD)/bffctl.8 $(DESTDIR)$(PREFIX)/share/man/man8/bffctl.8
	install -D -m 0644 $(BUILD)/bff.conf.5 $(DESTDIR)$(PREFIX)/share/man/man5/bff.conf.5
	install -D -m 0644 bff/redis.acl $(doc_dir)/redis.acl
	install -D -m 0644 -t $(DESTDIR)$(PREFIX)/share/bffd scripts/django/bffd_grace.py \
	  scripts/monitoring/alerts.yml scripts/monitoring/dashboard.json
	install -d $(DESTDIR)$(UNITDIR)
	sed 's,/usr/sbin/,$(PREFIX)/sbin/,' scripts/systemd/bffd.service > $(DESTDIR)$(UNITDIR)/bffd.service
	install -m 0644 scripts/systemd/bffd.socket $(DESTDIR)$(UNITDIR)/bffd.socket
	install -D -m 0644 -t $(DESTDIR)$(NGINXDIR) $(filter-out nginx/bff-http.conf,$(wildcard nginx/*.conf))
	@# What is for you to edit.
	$(call install_kept,nginx/bff-http.conf,$(NGINXCONFD))
	$(call install_kept,bff/bff.conf,$(CONFDIR))

# The packaging stands below scripts/, where dpkg does not look for it: so it is done in a copy.
DEB      := $(BUILD)/deb/bffd
DEB_TREE := Makefile README.md LICENSE bff nginx scripts tests/unit tests/assert_str.h
.PHONY: deb
deb: ## build the Debian package (after scripts/setup package): BUILD/deb/bffd_*.deb
	rm -rf $(BUILD)/deb
	mkdir -p $(DEB)
	tar -c --exclude=__pycache__ $(DEB_TREE) | tar -x -C $(DEB)
	mv $(DEB)/scripts/debian $(DEB)/debian
	@# Of what this make was told, nothing is for that one.
	cd $(DEB) && env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u BUILD -u PREFIX -u DESTDIR -u CC -u V \
	  -u SAN -u WERROR -u CRASH_POINTS dpkg-buildpackage -b --no-sign

.PHONY: test-package
test-package: ## the package on a fresh Debian 12: install, serve, upgrade, purge (root; 1 to 2 minutes)
	@scripts/setup test
	@$(MAKE) --no-print-directory all
	@scripts/test package fresh

# Every header compiles alone.
.PHONY: headers
headers: $(HEADERS:%=$(BUILD)/%.ok) ## check that each header compiles alone
$(BUILD)/%.h.ok: %.h
	@mkdir -p $(@D)
	$(call say,HDR,$<)
	$(Q)printf '#include "%s"\n' '$(<:bff/%=%)' | \
	  $(CC) $(CPPFLAGS) $(PKG_CFLAGS) $(CFLAGS) -fsyntax-only -x c -
	@touch $@

# What compilers do not look for. Exceptions stand in .clang-tidy, or where they are made.
.PHONY: analyze tidy cppcheck scan
analyze: ## clang-tidy, cppcheck and scan-build; all of it has to be clean
	@scripts/setup analyze
	@$(MAKE) --no-print-directory cppcheck tidy scan

# It knows no macros of libraries, and does not parse a compound literal after a question mark.
cppcheck: | $(SCRIPTS_H)
	$(call say,CHECK,cppcheck)
	$(Q)cppcheck --quiet --enable=warning,performance,portability --inline-suppr --std=c11 \
	  -j $(shell nproc) --error-exitcode=1 --suppress=internalAstError:bff/doctor/life.c \
	  '-Djson_object_foreach(object, key, value)=while ((value = next(object, &key)))' \
	  '-Djson_array_foreach(array, i, value)=while ((value = next(array, &i)))' \
	  -D_GNU_SOURCE '-DBFF_VERSION=""' -Ibff -I$(BUILD)/gen bff

TIDY     := $(SOURCES:%=$(BUILD)/%.tidy)
tidy: $(TIDY)
$(BUILD)/%.tidy: % .clang-tidy $(HEADERS) | $(SCRIPTS_H)
	@mkdir -p $(@D)
	$(call say,TIDY,$<)
	$(Q)clang-tidy --quiet $< -- -std=c11 $(CPPFLAGS) $(PKG_CFLAGS) 2>$@.log || { cat $@.log; false; }
	@touch $@

# Objects of its own, for it looks while it compiles.
scan:
	$(call say,SCAN,scan-build)
	@rm -rf $(BUILD)/scan
	$(Q)mkdir -p $(BUILD)
	$(Q)scan-build --status-bugs -o $(BUILD)/scan-report \
	  $(MAKE) --no-print-directory BUILD=$(BUILD)/scan all >$(BUILD)/scan.log || \
	  { cat $(BUILD)/scan.log; false; }

.PHONY: format check-format
CODE := $(SOURCES) $(HEADERS) $(wildcard tests/*.h tests/*/*.[ch] tests/*/*/*.[ch])
format: ## format the C code
	clang-format -i $(CODE)
check-format: ## check the formatting
	@clang-format --dry-run --Werror $(CODE)

.PHONY: clean
clean: ## remove what was built
	rm -rf $(BUILD)

.PHONY: help
help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

-include $(OBJECTS:.o=.d) $(UNIT:=.d) $(wildcard $(BUILD)/tests/integration/*.d $(BUILD)/tests/fuzz/*.d $(BUILD)/tests/hardening/*.d)
.SECONDARY:
