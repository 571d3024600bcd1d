/*
 * snapshot.json, in and out. Comes in: a snapshot, or a file. Goes out: the other of the two. What
 * is read is believed in nothing that could lead out of the snapshot's directory.
 */
#include "snapshot_meta.h"

#include <string.h>

#include "doc/json.h"

enum { META_MAX = 4 << 20 };

static const struct place nowhere;

static void put_text(struct arena *a, struct node *map, const char *key, const char *text)
{
	if (text && *text)
		map_put(a, map, key, nowhere, node_str(a, text, nowhere));
}

static void put_number(struct arena *a, struct node *map, const char *key, int64_t n)
{
	map_put(a, map, key, nowhere, node_int(a, n, nowhere));
}

static struct node *texts_node(struct arena *a, const struct strs *list)
{
	struct node *n = node_list(a, nowhere);
	for (size_t i = 0; i < list->count; i++)
		list_add(a, n, node_str(a, list->items[i], nowhere));
	return n;
}

static void put_secrets(struct arena *a, struct node *part, const struct snapshot_part *p)
{
	struct node *list = node_list(a, nowhere);
	for (size_t i = 0; i < p->secrets.count; i++) {
		const struct snapshot_secret *s = &p->secrets.items[i];
		struct node *n = node_map(a, nowhere);
		put_text(a, n, "secret", s->name);
		put_text(a, n, "machine", s->machine);
		map_put(a, n, "marks", nowhere, texts_node(a, &s->marks));
		put_text(a, n, "salt", s->salt);
		put_number(a, n, "rounds", s->rounds);
		map_put(a, n, "proofs", nowhere, texts_node(a, &s->proofs));
		list_add(a, list, n);
	}
	if (p->secrets.count)
		map_put(a, part, "secrets", nowhere, list);
}

static struct node *part_node(struct arena *a, const struct snapshot_part *p)
{
	struct node *n = node_map(a, nowhere);
	put_text(a, n, "volume", p->volume);
	put_text(a, n, "kind", p->kind);
	put_text(a, n, "template", p->template);
	put_text(a, n, "server", p->facts.engine);
	put_text(a, n, "server_version", p->facts.version);
	put_text(a, n, "file", p->file);
	put_text(a, n, "sha256", p->sha256);
	put_number(a, n, "packed_bytes", p->packed);
	put_number(a, n, "bytes", p->facts.bytes);
	put_number(a, n, "entries", p->facts.entries);
	put_number(a, n, "left_out", p->facts.left_out);
	put_secrets(a, n, p);
	return n;
}

struct node *snapshot_node(struct arena *a, const struct snapshot *s)
{
	struct node *n = node_map(a, nowhere), *parts = node_list(a, nowhere);
	put_number(a, n, "format", SNAPSHOT_FORMAT);
	put_text(a, n, "name", s->name);
	put_text(a, n, "project", s->project);
	put_text(a, n, "workspace", s->workspace);
	put_text(a, n, "root", s->root);
	put_text(a, n, "branch", s->branch);
	put_text(a, n, "commit", s->commit);
	put_text(a, n, "reason", s->reason);
	put_number(a, n, "time_ms", s->time_ms);
	for (size_t i = 0; i < s->parts.count; i++)
		list_add(a, parts, part_node(a, &s->parts.items[i]));
	map_put(a, n, "volumes", nowhere, parts);
	return n;
}

static int64_t number(const struct node *n, const char *key)
{
	const struct node *v = node_get(n, key);
	return v && v->kind == NODE_INT ? v->integer : -1;
}

static void text_into(char *to, size_t size, const char *text)
{
	size_t len = text ? strnlen(text, size - 1) : 0;
	memcpy(to, text ? text : "", len);
	to[len] = '\0';
}

/* What is not understood is as if nothing were known. */
static void secrets_read(struct arena *a, const struct node *part, struct snapshot_part *p)
{
	enum { MOST_ROUNDS = 10 * 1000 * 1000 };
	const struct node *n;
	node_each_item(node_get(part, "secrets"), i, n)
	{
		struct snapshot_secret s = {
			.name = node_text(node_get(n, "secret")),
			.machine = node_text(node_get(n, "machine")),
			.salt = node_text(node_get(n, "salt")),
			.rounds = number(n, "rounds"),
		};
		node_texts(a, node_get(n, "marks"), &s.marks);
		node_texts(a, node_get(n, "proofs"), &s.proofs);
		if (s.name && s.machine && s.salt && s.rounds > 0 && s.rounds <= MOST_ROUNDS)
			*list_push(a, &p->secrets) = s;
	}
}

static bool part_read(struct arena *a, const struct node *n, struct snapshot_part *p)
{
	*p = (struct snapshot_part){
		.volume = node_text(node_get(n, "volume")),
		.kind = node_text(node_get(n, "kind")),
		.template = node_text(node_get(n, "template")),
		.file = node_text(node_get(n, "file")),
		.sha256 = node_text(node_get(n, "sha256")),
		.packed = number(n, "packed_bytes"),
	};
	secrets_read(a, n, p);
	p->facts.bytes = number(n, "bytes");
	p->facts.entries = number(n, "entries");
	p->facts.left_out = number(n, "left_out");
	text_into(p->facts.engine, sizeof(p->facts.engine), node_text(node_get(n, "server")));
	text_into(p->facts.version, sizeof(p->facts.version),
		node_text(node_get(n, "server_version")));
	return p->volume && p->file && p->sha256 && snapshot_name_fits(p->file) && p->packed >= 0 &&
	       p->facts.bytes >= 0 && p->facts.entries >= 0;
}

static int not_one(const char *path, struct err *e)
{
	return err_set(e, ERR_FAILED, "%s does not belong to a snapshot, or is damaged", path);
}

static int decode(
	struct arena *a, const struct node *n, const char *path, struct snapshot *s, struct err *e)
{
	const struct node *item;
	struct snapshot_part part;
	if (number(n, "format") > SNAPSHOT_FORMAT)
		return err_set(e, ERR_FAILED, "%s is of a newer devenv: format %lld, %d is known",
			path, (long long)number(n, "format"), SNAPSHOT_FORMAT);
	s->project = node_text(node_get(n, "project"));
	s->workspace = node_text(node_get(n, "workspace"));
	s->root = node_text(node_get(n, "root"));
	s->branch = node_text(node_get(n, "branch"));
	s->commit = node_text(node_get(n, "commit"));
	s->reason = node_text(node_get(n, "reason"));
	s->time_ms = number(n, "time_ms");
	node_each_item(node_get(n, "volumes"), i, item)
	{
		if (!part_read(a, item, &part))
			return not_one(path, e);
		*list_push(a, &s->parts) = part;
	}
	return number(n, "format") < 1 || !s->project || !s->parts.count ? not_one(path, e) : 0;
}

int snapshot_read(struct arena *a, const char *dir, struct snapshot *s, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT;
	const char *path = path_join(a, dir, SNAPSHOT_META);
	*s = (struct snapshot){ .name = arena_strdup(a, path_base(dir)), .dir = dir };
	if (file_read(path, META_MAX, &text, e))
		return -1;
	const struct node *n = json_read(a, buf_str(&text), text.len, path, e);
	return n ? decode(a, n, path, s, e) : -1;
}

const struct snapshot_part *snapshot_part(const struct snapshot *s, const char *volume)
{
	for (size_t i = 0; i < s->parts.count; i++)
		if (streq(s->parts.items[i].volume, volume))
			return &s->parts.items[i];
	return NULL;
}
