/*
 * The digest of all that makes a container: its entry in the compose file, the image it runs, and
 * what the directories hold that are mounted into it. Kept in parts, so that a later run can say
 * which of them changed.
 */
#include "parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/os.h"
#include "doc/json.h"

static const struct section {
	const char *key; /* of the compose file */
	enum part part;
} sections[] = {
	{ "build", PART_IMAGE },
	{ "command", PART_COMMAND },
	{ "entrypoint", PART_COMMAND },
	{ "env_file", PART_ENVIRONMENT },
	{ "environment", PART_ENVIRONMENT },
	{ "healthcheck", PART_HEALTH },
	{ "image", PART_IMAGE },
	{ "ports", PART_PORTS },
	{ "tmpfs", PART_MOUNTS },
	{ "user", PART_COMMAND },
	{ "volumes", PART_MOUNTS },
	{ "working_dir", PART_COMMAND },
};

struct hasher *part_hash(struct unit *u, enum part p)
{
	if (!u->hash[p])
		u->hash[p] = hasher_new();
	return u->hash[p];
}

void hash_secret_file(struct make *m, struct unit *u, const struct secret_use *use)
{
	const struct secret *x = project_secret(m->p, use->source);
	if (!x || secret_answer(m->p, u->service, x) == FOLLOW_RESTART)
		hasher_str(part_hash(u, PART_SECRETS), map_get(&m->fingerprints, use->source));
}

static int by_key(const void *key, const void *item)
{
	return strcmp(key, ((const struct section *)item)->key);
}

/* Its name is a hash of the image, the lock files and the install line: these say what changed. */
static bool is_dependencies(const struct node *mount)
{
	const char *source = node_text(node_get(mount, "source"));
	return source && starts_with(source, "devenv-deps-");
}

static const struct node *without_dependencies(struct make *m, const struct node *mounts)
{
	struct node *out = node_list(m->a, mounts->place), *item;
	node_each_item(mounts, i, item)
	{
		if (!is_dependencies(item))
			list_add(m->a, out, item);
	}
	return out;
}

static void hash_node(struct make *m, struct unit *u)
{
	const struct node_pair *pair;
	cleanup_buf struct buf text = BUF_INIT;
	node_each_pair(u->node, i, pair)
	{
		const struct section *s =
			bsearch(pair->key, sections, countof(sections), sizeof(*sections), by_key);
		struct hasher *h = part_hash(u, s ? s->part : PART_REST);
		buf_truncate(&text, 0);
		bool mounts = streq(pair->key, "volumes") && pair->value->kind == NODE_LIST;
		json_write(&text, mounts ? without_dependencies(m, pair->value) : pair->value, 0);
		hasher_str(h, pair->key);
		hasher_field(h, buf_str(&text), text.len);
	}
}

/* What is built by Compose, and what a job works on, is not in the compose file. */
static void hash_sources(struct make *m, struct unit *u)
{
	const struct service *s = u->service;
	const char *context = build_context(m->a, m->p, s);
	if (context)
		hasher_str(part_hash(u, PART_IMAGE), world_input(m->w, context));
	if (u->release)
		hasher_str(part_hash(u, PART_SOURCES), world_input(m->w, s->release->code->source));
	if (s->kind != KIND_JOB)
		return;
	if (s->develop)
		hasher_str(part_hash(u, PART_SOURCES), world_input(m->w, s->develop->source));
	for (size_t i = 0; i < s->mounts.count; i++) {
		const char *source = s->mounts.items[i].source;
		const char *hash =
			s->mounts.items[i].kind == MOUNT_BIND ? world_input(m->w, source) : NULL;
		if (hash)
			hasher_str(part_hash(u, PART_SOURCES), hash);
	}
}

/* Whoever lives in another's namespaces is made anew with it. */
static void hash_host(struct make *m, struct unit *u)
{
	const struct service *s = u->service;
	for (size_t i = 0; i < s->needs.count; i++) {
		const struct unit *host = unit_of(m, s->needs.items[i].service);
		if (lives_in(s, host->service))
			hasher_str(part_hash(u, PART_REST), host->digest);
	}
}

static void end_parts(struct make *m, struct unit *u)
{
	char hex[HASH_HEX + 1];
	struct hasher *whole = hasher_new();
	for (size_t i = 0; i < PARTS; i++) {
		if (u->hash[i]) {
			hasher_end(u->hash[i], hex);
			memcpy(u->parts[i], hex, SHORT_HEX);
			u->hash[i] = NULL;
			hasher_str(whole, hex);
		} else {
			u->parts[i][0] = '\0';
			hasher_str(whole, NULL);
		}
	}
	hasher_end(whole, hex);
	u->digest = arena_strndup(m->a, hex, UNIT_HEX);
}

const char *volume_digest(struct arena *a, const struct volume_record *r)
{
	char hex[HASH_HEX + 1];
	hash_hex(r->engine, strlen(r->engine), hex);
	return arena_strndup(a, hex, SHORT_HEX);
}

/* Only such as are not what their name says: those have no record. */
static void note_volumes(struct make *m, const struct unit *u, struct buf *out)
{
	for (size_t i = 0; i < u->service->mounts.count; i++) {
		const struct mount *mount = &u->service->mounts.items[i];
		const struct volume_record *r =
			mount->kind == MOUNT_VOLUME ? world_volume(m->w, mount->source) : NULL;
		if (r)
			buf_addf(out, " volume.%s=%s", r->key, volume_digest(m->a, r));
	}
}

/* "image=1a2b3c4d ports=... python.packages=...": parts of the unit, then those of its rungs. */
static void note_inputs(struct make *m, struct unit *u)
{
	cleanup_buf struct buf out = BUF_INIT;
	for (size_t i = 0; i < PARTS; i++) {
		if (*u->parts[i])
			buf_addf(&out, "%s%s=%s", out.len ? " " : "", part_words[i].name,
				u->parts[i]);
	}
	for (const struct rung *r = u->rung; r; r = r->parent) {
		for (size_t i = 0; i < RUNG_PARTS; i++) {
			if (*r->parts[i])
				buf_addf(&out, " %s.%s=%s", r->image->name, rung_part_words[i].name,
					r->parts[i]);
		}
	}
	note_volumes(m, u, &out);
	u->inputs = arena_strdup(m->a, buf_str(&out));
}

void hash_end(struct make *m, struct unit *u)
{
	end_parts(m, u);
	note_inputs(m, u);
}

void unit_hash(struct make *m, struct unit *u)
{
	hash_node(m, u);
	hash_sources(m, u);
	hash_host(m, u);
	hash_end(m, u);
}
