/*
 * What the archive of a volume may hold, and what its files tell of the server that wrote them.
 * Comes in: names and first bytes. Goes out: a name that stays inside, or why not. Reads no files.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "run/data/tarball.h"
#include "run/data/volume.h"

enum { NAME_MAX_BYTES = 4096 };

void tarball_rules_release(struct tarball_rules *r)
{
	map_release(&r->links);
	arena_release(&r->a);
}

static bool has_drive(const char *name)
{
	return isalpha((unsigned char)name[0]) && name[1] == ':' &&
	       (name[2] == '\\' || name[2] == '/');
}

/* Without "." and empty parts; NULL: it has "..". */
static char *plain_name(struct arena *a, const char *name)
{
	cleanup_buf struct buf out = BUF_INIT;
	while (*name) {
		size_t len = strcspn(name, "/");
		if (len == 2 && name[0] == '.' && name[1] == '.')
			return NULL;
		if (len && !(len == 1 && *name == '.')) {
			if (out.len)
				buf_addc(&out, '/');
			buf_add(&out, name, len);
		}
		name += len;
		name += strspn(name, "/");
	}
	return arena_strdup(a, buf_str(&out));
}

static bool behind_link(const struct tarball_rules *r, char *name)
{
	bool found = map_has(&r->links, name);
	for (char *s = name; !found && (s = strchr(s, '/')); s++) {
		*s = '\0';
		found = map_has(&r->links, name);
		*s = '/';
	}
	return found;
}

static bool under_root(const char *name)
{
	static const size_t len = sizeof(VOLUME_ROOT) - 1;
	return starts_with(name, VOLUME_ROOT) && (name[len] == '\0' || name[len] == '/');
}

const char *tarball_name(struct tarball_rules *r, const char *name, bool foreign, struct err *e)
{
	if (!name || strlen(name) > NAME_MAX_BYTES) {
		err_set(e, ERR_FAILED, "a name in the archive is longer than %d bytes",
			NAME_MAX_BYTES);
		return NULL;
	}
	char *plain = *name == '/' || has_drive(name) ? NULL : plain_name(&r->a, name);
	if (!plain || (!foreign && !under_root(plain))) {
		err_set(e, ERR_FAILED, "\"%.200s\" in the archive leads out of the volume", name);
		return NULL;
	}
	r->rooted = r->begun ? r->rooted : streq(plain, VOLUME_ROOT);
	r->begun = true;
	if (foreign && !(r->rooted && under_root(plain)))
		plain = arena_printf(&r->a, "%s%s%s", VOLUME_ROOT, *plain ? "/" : "", plain);
	if (behind_link(r, plain)) {
		err_set(e, ERR_FAILED, "\"%.200s\" in the archive lies behind a symbolic link",
			name);
		return NULL;
	}
	return plain;
}

void tarball_note_link(struct tarball_rules *r, const char *name)
{
	map_set(&r->links, arena_strdup(&r->a, name), (void *)"");
}

struct tarball_budget tarball_budget_of(int64_t size)
{
	enum { RATIO = 100, ENTRIES = 2000000 };
	int64_t floor = (int64_t)1 << 30;
	return (struct tarball_budget){
		.entries = ENTRIES,
		.bytes = size > (INT64_MAX - floor) / RATIO ? INT64_MAX : size * RATIO + floor,
		.foreign = true,
	};
}

/* ---- servers ---- */

/* PostgreSQL and MariaDB say it in text; Redis begins its dump with "REDIS0010". */
static const struct {
	const char *file, *engine;
} marks[] = {
	{ "PG_VERSION", "postgres" },
	{ "mariadb_upgrade_info", "mariadb" },
	{ "mysql_upgrade_info", "mariadb" },
	{ "dump.rdb", "redis" },
	{ "appendonly.aof.1.base.rdb", "redis" },
};

const char *tarball_mark(const char *name)
{
	const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name;
	for (size_t i = 0; i < countof(marks); i++)
		if (streq(base, marks[i].file))
			return marks[i].engine;
	return NULL;
}

bool tarball_version(const char *engine, const char *data, size_t len, char out[static 32])
{
	static const char redis[] = "REDIS";
	size_t n = 0;
	if (streq(engine, "redis")) {
		if (len < sizeof(redis) - 1 + 4 || memcmp(data, redis, sizeof(redis) - 1) != 0)
			return false;
		data += sizeof(redis) - 1;
		for (len = 4; len > 1 && *data == '0'; len--)
			data++;
	}
	while (n < len && n < 31 && (isalnum((unsigned char)data[n]) || strchr(".-+", data[n])) &&
		data[n]) {
		out[n] = data[n];
		n++;
	}
	out[n] = '\0';
	return isdigit((unsigned char)out[0]);
}

static int refuse(const char *what, const char *engine, const char *version, const char *engine_now,
	const char *version_now, struct err *e)
{
	return err_set(e, ERR_FAILED, "it holds data of %s%s %s; %s %s serves here now", what,
		engine, version, engine_now, version_now);
}

int tarball_fits(const char *engine, const char *version, const char *engine_now,
	const char *version_now, struct err *e)
{
	if (!*engine || !*engine_now)
		return 0;
	if (!streq(engine, engine_now))
		return refuse("another server: ", engine, version, engine_now, version_now, e);
	long is = strtol(version, NULL, 10), now = strtol(version_now, NULL, 10);
	if (*version && *version_now && is > now)
		return refuse("a newer ", engine, version, engine_now, version_now, e);
	if (*version && *version_now && is < now && streq(engine, "postgres"))
		return refuse("an older ", engine, version, engine_now, version_now, e);
	return 0;
}
