/*
 * dlopen(3) with typed tables. Comes in: names of a library and of its symbols. Goes out: filled
 * function pointers, or one error that says which package brings the library.
 */
#include "base/lib.h"

#include <dlfcn.h>
#include <string.h>

int lib_open(
	const char *const *sonames, const struct lib_symbol *symbols, size_t count, struct err *e)
{
	void *handle = NULL;
	for (size_t i = 0; sonames[i] && !handle; i++)
		handle = dlopen(sonames[i], RTLD_LAZY | RTLD_LOCAL);
	if (!handle) {
		err_set(e, ERR_FAILED, "the library %s cannot be loaded", sonames[0]);
		err_hint(e, "install it (`make setup` of devenv does), then run this again");
		return -1;
	}
	for (size_t i = 0; i < count; i++) {
		void *p = dlsym(handle, symbols[i].name);
		if (!p && !symbols[i].optional)
			return err_set(e, ERR_FAILED,
				"the library %s has no function %s: it is too old", sonames[0],
				symbols[i].name);
		memcpy(symbols[i].address, &p, sizeof(p));
	}
	return 0;
}
