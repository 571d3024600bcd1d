/*
 * Libraries loaded on first use. A command that needs no network, keys or repository must not pay
 * for forty shared objects (their loading is most of `curl --version`'s time), so libcurl,
 * libgit2, libarchive and libcrypto are opened by dlopen(3) when their one .c file is first called.
 */
#ifndef BASE_LIB_H
#define BASE_LIB_H

#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"

struct lib_symbol {
	const char *name;
	void **address; /* filled in; declare it with the right function type and cast */
	bool optional;
};

/*
 * Opens the first of the sonames ("libcurl.so.4", ...; NULL-terminated) and resolves all symbols.
 * 0, or -1 with an error that names the library and the package to install. Not thread-safe.
 */
int lib_open(
	const char *const *sonames, const struct lib_symbol *symbols, size_t count, struct err *e);

#endif
