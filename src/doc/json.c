/*
 * JSON into the tree, by jansson. Comes in: text of any origin, usually an engine's answer.
 * Goes out: a tree or an error with line and column. Depth is counted before jansson recurses.
 */
#include <jansson.h>

#include "doc/json.h"

/* Where the nesting passes the limit, or NULL. Brackets inside strings do not nest. */
static const char *too_deep(const char *text, size_t len)
{
	int depth = 0;
	bool string = false;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		if (string && c == '\\')
			i++;
		else if (c == '"')
			string = !string;
		else if (string)
			continue;
		else if ((c == '[' || c == '{') && ++depth > JSON_MAX_DEPTH)
			return text + i;
		else if (c == ']' || c == '}')
			depth--;
	}
	return NULL;
}

static struct node *convert(struct arena *a, const json_t *j, struct place at, bool coarse);

static struct node *convert_map(struct arena *a, const json_t *j, struct place at, bool coarse)
{
	struct node *n = node_map(a, at);
	const char *key;
	json_t *value;
	node_reserve(a, n, json_object_size(j));
	json_object_foreach((json_t *)j, key, value)
		map_add(a, n, arena_strdup(a, key), at, convert(a, value, at, coarse));
	return n;
}

static struct node *convert_list(struct arena *a, const json_t *j, struct place at, bool coarse)
{
	struct node *n = node_list(a, at);
	node_reserve(a, n, json_array_size(j));
	for (size_t i = 0; i < json_array_size(j); i++)
		list_add(a, n, convert(a, json_array_get(j, i), at, coarse));
	return n;
}

static struct node *convert_string(struct arena *a, const json_t *j, struct place at)
{
	struct node *n = node_strn(a, json_string_value(j), json_string_length(j), at);
	n->quoted = true;
	return n;
}

/* coarse: integers came as reals, since one of them is too large for 64 bits. */
static struct node *convert_real(struct arena *a, double v, struct place at, bool coarse)
{
	const double exact = 9007199254740992.0;
	if (coarse && v > -exact && v < exact && v == (double)(int64_t)v)
		return node_int(a, (int64_t)v, at);
	return node_float(a, v, NULL, at);
}

static struct node *convert(struct arena *a, const json_t *j, struct place at, bool coarse)
{
	switch (json_typeof(j)) {
	case JSON_OBJECT:
		return convert_map(a, j, at, coarse);
	case JSON_ARRAY:
		return convert_list(a, j, at, coarse);
	case JSON_STRING:
		return convert_string(a, j, at);
	case JSON_INTEGER:
		return node_int(a, json_integer_value(j), at);
	case JSON_REAL:
		return convert_real(a, json_real_value(j), at, coarse);
	case JSON_TRUE:
	case JSON_FALSE:
		return node_bool(a, json_is_true(j), at);
	case JSON_NULL:
		break;
	}
	return node_null(a, at);
}

struct node *json_read(
	struct arena *a, const char *text, size_t len, const char *name, struct err *e)
{
	const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY;
	struct place at = { .file = name, .layer = name };
	const char *deep = too_deep(text, len);
	json_error_t je;
	if (deep) {
		err_set(e, ERR_FAILED,
			"%s: not taken: JSON nested deeper than %d levels at byte %zu", name,
			JSON_MAX_DEPTH, (size_t)(deep - text));
		return NULL;
	}
	json_t *j = json_loadb(text, len, flags, &je);
	bool coarse = !j && json_error_code(&je) == json_error_numeric_overflow;
	if (coarse)
		j = json_loadb(text, len, flags | JSON_DECODE_INT_AS_REAL, &je);
	if (!j) {
		err_set(e, ERR_FAILED, "%s: not valid JSON at line %d, column %d: %s", name,
			je.line, je.column, je.text);
		return NULL;
	}
	struct node *n = convert(a, j, at, coarse);
	json_decref(j);
	return n;
}
