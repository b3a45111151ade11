# make install: the C library, its headers, and what pkg-config and CMake need to find them.
#
#   PREFIX   where it will be used (default /usr/local)
#   DESTDIR  put before PREFIX while copying, for packages
#   LIBRARY  the folder of libscopegate.so and libscopegate.a, when they are built already

FFI := $(dir $(lastword $(MAKEFILE_LIST)))
PREFIX ?= /usr/local
CARGO ?= cargo
BUILT := $(or $(LIBRARY),$(or $(CARGO_TARGET_DIR),$(FFI)../target)/release)
SCOPEGATE_VERSION := $(shell sed -n 's/^\#define SCOPEGATE_VERSION "\(.*\)"$$/\1/p' $(FFI)../include/scopegate.h)
SCOPEGATE_ABI := $(shell sed -n 's/^\#define SCOPEGATE_ABI //p' $(FFI)../include/scopegate.h)

.PHONY: install

install:
	$(if $(LIBRARY),,cd $(FFI).. && $(CARGO) build --locked --release -p scopegate-ffi)
	install -d $(DESTDIR)$(PREFIX)/include $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/lib/cmake/scopegate
	install -m 644 $(FFI)../include/scopegate.h $(FFI)../include/scopegate.hpp $(DESTDIR)$(PREFIX)/include
	install -m 755 $(BUILT)/libscopegate.so $(DESTDIR)$(PREFIX)/lib/libscopegate.so.$(SCOPEGATE_ABI)
	ln -sf libscopegate.so.$(SCOPEGATE_ABI) $(DESTDIR)$(PREFIX)/lib/libscopegate.so
	install -m 644 $(BUILT)/libscopegate.a $(DESTDIR)$(PREFIX)/lib
	for file in pkgconfig/scopegate.pc pkgconfig/scopegate-static.pc \
	    cmake/scopegate/scopegateConfig.cmake cmake/scopegate/scopegateConfigVersion.cmake; do \
	  sed 's/@VERSION@/$(SCOPEGATE_VERSION)/; s/@ABI@/$(SCOPEGATE_ABI)/' $(FFI)install/$${file##*/}.in \
	    > $(DESTDIR)$(PREFIX)/lib/$$file || exit 1; done
