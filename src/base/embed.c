/*
 * In: a path relative to templates/. Out: the file that was embedded under it.
 * The table itself is data made by embed.awk; who may override a template from
 * disk is decided elsewhere.
 */
#include "base/embed.h"

#include <stdlib.h>
#include <string.h>

static int compare_path(const void *key, const void *item)
{
	return strcmp(key, ((const struct embedded *)item)->path);
}

const struct embedded *embed_find(const char *path)
{
	return bsearch(
		path, embedded_files, embedded_count, sizeof embedded_files[0], compare_path);
}
