/*
 * Values of secrets by their recipe. Comes in: a recipe, the system's random bytes, for some a
 * file, a variable or a command. Goes out: a value, once. When a value is made anew is decided
 * elsewhere.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/os.h"
#include "run/io/base64.h"
#include "run/secrets/keyring.h"
#include "run/io/spawn.h"
#include "run/secrets/vault.h"

enum { DEFAULT_LENGTH = 32, COMMAND_TIMEOUT_MS = 60000 };

typedef int make_fn(const struct vault *v, struct loop *l, const struct secret *s,
	struct buf *value, struct buf *public, struct err *e);

static size_t length(const struct secret *s)
{
	return s->length > 0 ? (size_t)s->length : DEFAULT_LENGTH;
}

/* Letters and digits only, so that no place where it is quoted matters; bytes over 247 would favour
 * some. */
static int make_password(const struct vault *v, struct loop *l, const struct secret *s,
	struct buf *value, struct buf *public, struct err *e)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	enum { SET = sizeof(set) - 1, FAIR = 256 - 256 % SET };
	unsigned char raw[64];
	(void)v;
	(void)l;
	(void)public;
	while (value->len < length(s)) {
		if (random_bytes(raw, sizeof(raw), e))
			return -1;
		for (size_t i = 0; i < sizeof(raw) && value->len < length(s); i++)
			if (raw[i] < FAIR)
				buf_addc(value, set[raw[i] % SET]);
	}
	wipe(raw, sizeof(raw));
	return 0;
}

static int random_buf(struct buf *out, size_t len, struct err *e)
{
	buf_reserve(out, len + 1);
	if (random_bytes(out->data, len, e))
		return -1;
	out->len = len;
	out->data[len] = '\0';
	return 0;
}

static int make_hex(const struct vault *v, struct loop *l, const struct secret *s,
	struct buf *value, struct buf *public, struct err *e)
{
	struct buf raw = BUF_INIT;
	(void)v;
	(void)l;
	(void)public;
	int rc = random_buf(&raw, length(s), e);
	for (size_t i = 0; i < raw.len; i++)
		buf_addf(value, "%02x", (unsigned char)raw.data[i]);
	buf_wipe(&raw);
	return rc;
}

static int make_base64(const struct vault *v, struct loop *l, const struct secret *s,
	struct buf *value, struct buf *public, struct err *e)
{
	struct buf raw = BUF_INIT;
	(void)v;
	(void)l;
	(void)public;
	int rc = random_buf(&raw, length(s), e);
	if (!rc)
		base64_encode(value, raw.data, raw.len);
	buf_wipe(&raw);
	return rc;
}

static int make_uuid(const struct vault *v, struct loop *l, const struct secret *s,
	struct buf *value, struct buf *public, struct err *e)
{
	unsigned char r[16];
	(void)v;
	(void)l;
	(void)s;
	(void)public;
	if (random_bytes(r, sizeof(r), e))
		return -1;
	r[6] = (unsigned char)((r[6] & 0x0f) | 0x40);
	r[8] = (unsigned char)((r[8] & 0x3f) | 0x80);
	for (size_t i = 0; i < sizeof(r); i++)
		buf_addf(value, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", r[i]);
	wipe(r, sizeof(r));
	return 0;
}

static int make_pair(const struct vault *v, struct loop *l, const struct secret *s,
	struct buf *value, struct buf *public, struct err *e)
{
	(void)v;
	(void)l;
	return key_pair(s->recipe, s->length, value, public, e);
}

static const char *source_path(struct arena *a, const struct vault *v, const char *source)
{
	const char *home = getenv("HOME");
	if (starts_with(source, "~/") && home)
		return path_join(a, home, source + 2);
	return path_join(a, v->project, source);
}

/* Byte for byte: a newline at the end is part of the value, as in Compose. */
static int read_file(const struct vault *v, struct loop *l, const struct secret *s,
	struct buf *value, struct buf *public, struct err *e)
{
	struct arena a = ARENA_INIT;
	(void)l;
	(void)public;
	int rc = file_read(source_path(&a, v, s->source), SECRET_MAX, value, e);
	if (rc)
		err_hint(e, "make the file, or give the value with `devenv secrets set %s`",
			s->name);
	arena_release(&a);
	return rc;
}

static int read_variable(const struct vault *v, struct loop *l, const struct secret *s,
	struct buf *value, struct buf *public, struct err *e)
{
	const char *text = getenv(s->source);
	(void)v;
	(void)l;
	(void)public;
	if (!text) {
		err_set(e, ERR_FAILED, "the variable %s is not set", s->source);
		err_hint(e, "export %s, or give the value with `devenv secrets set %s`", s->source,
			s->name);
		return -1;
	}
	buf_adds(value, text);
	return 0;
}

/* The command was consented to by the caller. One newline at the end goes, as in $(...). */
static int run_command(const struct vault *v, struct loop *l, const struct secret *s,
	struct buf *value, struct buf *public, struct err *e)
{
	const char *const argv[] = { "/bin/sh", "-c", s->source, NULL };
	struct buf said = BUF_INIT;
	struct spawn child = { .argv = argv,
		.dir = v->project,
		.out = value,
		.err = &said,
		.timeout_ms = COMMAND_TIMEOUT_MS };
	int status = 0, rc = 0;
	(void)public;
	if (!l)
		return err_set(e, ERR_FAILED, "its command was not run");
	rc = spawn_run(l, &child, &status, e);
	if (!rc && status) {
		rc = err_set(e, ERR_FAILED, "its command ended with status %d", status);
		if (said.len)
			err_hint(e, "it said: %.*s", (int)strcspn(buf_str(&said), "\n"), said.data);
	}
	buf_release(&said);
	if (!rc && buf_ends_with(value, "\n"))
		buf_truncate(value, value->len - 1);
	return rc;
}

static int copy_value(const struct vault *v, struct loop *l, const struct secret *s,
	struct buf *value, struct buf *public, struct err *e)
{
	(void)v;
	(void)l;
	(void)public;
	(void)e;
	buf_adds(value, s->source);
	return 0;
}

static const struct {
	make_fn *make;
	bool stored; /* made once */
} recipes[] = {
	[RECIPE_PASSWORD] = { make_password, true },
	[RECIPE_HEX] = { make_hex, true },
	[RECIPE_BASE64] = { make_base64, true },
	[RECIPE_UUID] = { make_uuid, true },
	[RECIPE_ED25519] = { make_pair, true },
	[RECIPE_RSA] = { make_pair, true },
	[RECIPE_FILE] = { read_file, false },
	[RECIPE_ENVIRONMENT] = { read_variable, false },
	[RECIPE_COMMAND] = { run_command, false },
	[RECIPE_VALUE] = { copy_value, false },
};

bool recipe_stored(enum recipe r)
{
	return recipes[r].stored;
}

void recipe_hash(const struct vault *v, const struct secret *s, char hex[65])
{
	struct buf text = BUF_INIT;
	buf_addf(&text, "%d %d %s", (int)s->recipe, s->length, s->source ? s->source : "");
	keyed_hash(v->key, sizeof(v->key), text.data, text.len, hex);
	buf_wipe(&text);
}

int recipe_make(const struct vault *v, struct loop *l, const struct secret *s, struct buf *value,
	struct buf *public, struct err *e)
{
	if (recipes[s->recipe].make(v, l, s, value, public, e)) {
		buf_wipe(value);
		buf_wipe(public);
		return -1;
	}
	if (value->len <= SECRET_MAX)
		return 0;
	buf_wipe(value);
	return err_set(e, ERR_FAILED, "it is larger than %d bytes", SECRET_MAX);
}
