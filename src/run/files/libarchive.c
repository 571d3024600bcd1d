/* Finds libarchive and its functions, once. */
#include "run/files/libarchive.h"

#include "base/lib.h"
#include "base/text.h"

#define DEFINE(f) __typeof__(f) *lib_##f;
LIBARCHIVE_FUNCTIONS(DEFINE)
#undef DEFINE

int libarchive_load(struct err *e)
{
	static const char *const names[] = { "libarchive.so.13", "libarchive.so",
		"libarchive.13.dylib", NULL };
#define ENTRY(f) { #f, (void **)&lib_##f, false },
	static const struct lib_symbol symbols[] = { LIBARCHIVE_FUNCTIONS(ENTRY) };
#undef ENTRY
	static bool loaded;
	if (!loaded && lib_open(names, symbols, countof(symbols), e))
		return -1;
	loaded = true;
	return 0;
}
