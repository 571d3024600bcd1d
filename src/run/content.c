/*
 * Bytes of one generated file. Comes in: the plan's pieces and sources, the open keyring. Goes out:
 * a buffer that may hold secrets and must be wiped. The only place where a secret meets text.
 */
#include <string.h>

#include "run/apply.h"
#include "run/secrets/certificate.h"
#include "run/files/places.h"

typedef int escape_fn(struct buf *out, const struct buf *value, const char *name, struct err *e);

static int escape_none(struct buf *out, const struct buf *value, const char *name, struct err *e)
{
	(void)name;
	(void)e;
	buf_add(out, buf_str(value), value->len);
	return 0;
}

/* Compose's reader of env files: \\ \" \$ \n \r are escapes between double quotes. */
static int escape_env(struct buf *out, const struct buf *value, const char *name, struct err *e)
{
	for (size_t i = 0; i < value->len; i++) {
		char c = value->data[i];
		if (!c)
			return err_set(e, ERR_FAILED,
				"secret %s holds a NUL byte and cannot be an environment variable",
				name);
		if (c == '\n' || c == '\r')
			buf_adds(out, c == '\n' ? "\\n" : "\\r");
		else if (strchr("\\\"$", c))
			buf_addf(out, "\\%c", c);
		else
			buf_addc(out, c);
	}
	return 0;
}

static bool unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("-._~", c));
}

static int escape_url(struct buf *out, const struct buf *value, const char *name, struct err *e)
{
	(void)name;
	(void)e;
	for (size_t i = 0; i < value->len; i++)
		if (unreserved(value->data[i]))
			buf_addc(out, value->data[i]);
		else
			buf_addf(out, "%%%02X", (unsigned char)value->data[i]);
	return 0;
}

static int escape_pgpass(struct buf *out, const struct buf *value, const char *name, struct err *e)
{
	(void)name;
	(void)e;
	text_escape(out, buf_str(value), value->len, ":\\");
	return 0;
}

static int escape_quoted(struct buf *out, const struct buf *value, const char *name, struct err *e)
{
	(void)name;
	(void)e;
	text_escape(out, buf_str(value), value->len, "\"\\");
	return 0;
}

static int escape_yaml(struct buf *out, const struct buf *value, const char *name, struct err *e)
{
	size_t bad = 0;
	if (!utf8_valid(buf_str(value), value->len, &bad))
		return err_set(
			e, ERR_FAILED, "secret %s is not UTF-8 and cannot stand in YAML", name);
	for (size_t i = 0; i < value->len; i++) {
		unsigned char c = (unsigned char)value->data[i];
		if (c == '"' || c == '\\')
			buf_addf(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			buf_addf(out, "\\x%02x", c);
		else
			buf_addc(out, (char)c);
	}
	return 0;
}

static escape_fn *const escapes[] = {
	[ESC_NONE] = escape_none,
	[ESC_ENV_FILE] = escape_env,
	[ESC_URL] = escape_url,
	[ESC_PGPASS] = escape_pgpass,
	[ESC_QUOTED] = escape_quoted,
	[ESC_YAML] = escape_yaml,
};

static int add_secret(struct buf *out, const struct piece *p, struct vault *v, struct err *e)
{
	struct buf value = BUF_INIT;
	int rc = vault_get(v, p->secret, &value, e);
	if (!rc)
		rc = escapes[p->escape](out, &value, p->secret, e);
	buf_wipe(&value);
	return rc;
}

static int add_pieces(struct buf *out, const struct out_file *f, struct vault *v, struct err *e)
{
	for (size_t i = 0; i < f->pieces.count; i++) {
		const struct piece *p = &f->pieces.items[i];
		if (!p->secret)
			buf_add(out, p->text, p->len);
		else if (add_secret(out, p, v, e))
			return -1;
	}
	return 0;
}

int apply_content(struct arena *a, const struct out_file *f, const struct plan *p, struct vault *v,
	struct buf *out, struct err *e)
{
	struct places pl;
	switch (f->source) {
	case FROM_PIECES:
		return add_pieces(out, f, v, e);
	case FROM_SECRET:
		return vault_get(v, f->name, out, e);
	case FROM_SECRET_PUBLIC:
		return vault_public(v, f->name, out, e);
	case FROM_AUTHORITY:
	case FROM_BUNDLE:
	case FROM_LEAF:
	case FROM_LEAF_KEY:
		if (places_of_project(a, p->project, &pl, e))
			return -1;
		return certificate_pem(&pl, f->source, f->host, out, e);
	}
	bug("file %s comes from nowhere", f->path);
}
