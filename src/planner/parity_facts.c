/*
 * Configuration as facts. Comes in: nodes of a merged tree. Goes out: one fact per scalar, under
 * its dotted path and with its place. Knows sizes and durations, so that 64m and 65536k are the
 * same; knows no service.
 */
#include <string.h>

#include "parity_parts.h"

#include "doc/json.h"

struct fact *fact_add(
	struct arena *a, struct facts *out, const char *path, const char *value, struct place at)
{
	struct fact *f = list_push(a, out);
	*f = (struct fact){ .path = path, .value = value ? value : "", .place = at };
	return f;
}

static const char *const sizes[] = { "memory", "mem_limit", "mem_reservation", "memswap_limit",
	"shm_size", "size" };
static const char *const durations[] = { "interval", "timeout", "start_period", "start_interval",
	"stop_grace_period", "deadline", "delay", "window", "monitor" };

static bool among(const char *const *words, size_t count, const char *word)
{
	for (size_t i = 0; i < count; i++) {
		if (streq(words[i], word))
			return true;
	}
	return false;
}

/* Of what key is last in the path. */
static const char *one_notation(struct arena *a, const char *path, const char *text)
{
	const char *dot = strrchr(path, '.'), *key = dot ? dot + 1 : path;
	int64_t number;
	if (among(sizes, countof(sizes), key) && parse_bytes(text, &number))
		return number % (1 << 20) ? arena_printf(a, "%lld bytes", (long long)number)
					  : arena_printf(a, "%lld MiB", (long long)number >> 20);
	if (among(durations, countof(durations), key) && parse_duration(text, &number))
		return number % 1000 ? arena_printf(a, "%lld ms", (long long)number)
				     : arena_printf(a, "%lld s", (long long)number / 1000);
	return text;
}

static bool all_scalars(const struct node *list)
{
	const struct node *item;
	node_each_item(list, i, item)
	{
		if (!node_is_scalar(item))
			return false;
	}
	return true;
}

static const char *json_text(struct arena *a, const struct node *n)
{
	cleanup_buf struct buf b = BUF_INIT;
	json_write(&b, n, 0);
	return arena_strdup(a, buf_str(&b));
}

static void facts_of_list(
	struct arena *a, struct facts *out, const char *path, const struct node *n)
{
	const struct node *item;
	if (all_scalars(n)) {
		fact_add(a, out, path, json_text(a, n), n->place);
		return;
	}
	node_each_item(n, i, item) facts_of_node(a, out, path_index(a, path, i), item);
}

void facts_of_node(struct arena *a, struct facts *out, const char *path, const struct node *n)
{
	const struct node_pair *pair;
	if (!n)
		return;
	if (node_text(n))
		fact_add(a, out, path, one_notation(a, path, node_text(n)), n->place);
	else if (n->kind == NODE_LIST)
		facts_of_list(a, out, path, n);
	else if (!node_count(n)) /* `{}` and nothing at all are the same of a named thing */
		fact_add(a, out, path, "yes", n->place);
	node_each_pair(n, i, pair)
	{
		if (!starts_with(pair->key, "x-"))
			facts_of_node(a, out, path_key(a, path, pair->key), pair->value);
	}
}

void facts_of_set(struct arena *a, struct facts *out, const char *path, const struct node *n)
{
	const struct node *item;
	node_each_item(n, i, item)
	{
		if (node_text(item))
			fact_add(a, out, path_key(a, path, node_text(item)), "yes", item->place);
	}
}
