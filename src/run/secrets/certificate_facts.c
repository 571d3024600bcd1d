/*
 * Facts of certificates, remembered. Comes in: PEM text, which may go on with a key that is never
 * kept. Goes out: facts and verdicts. One small file each in the cache, named by the hash of the
 * certificate: it can never be out of date, and is made anew when it is dropped.
 */
#include "run/secrets/certificate_facts.h"

#include <string.h>

#include "base/hash.h"
#include "base/os.h"
#include "doc/json.h"

enum { FACTS_MAX = 1 << 16 };

/* Hash of the certificate's own text, without what follows it. */
static void name_of(const struct buf *pem, char hex[static HASH_HEX + 1])
{
	static const char end[] = "-----END CERTIFICATE-----";
	const char *at = strstr(buf_str(pem), end);
	hash_hex(buf_str(pem), at ? (size_t)(at - pem->data) : pem->len, hex);
}

static const char *cache_file(struct arena *a, const struct places *pl, const char *name)
{
	return path_join(a, path_join(a, pl->cache, "certificates"), name);
}

static void keep(struct arena *a, const char *path, const void *data, size_t len)
{
	struct err ignored = ERR_INIT;
	if (!dir_make(path_dir(a, path), 0700, &ignored))
		file_write(path, data, len, 0600, false, &ignored);
}

static bool number(const struct node *n, const char *key, int64_t *out)
{
	const struct node *v = node_get(n, key);
	if (v && v->kind == NODE_INT)
		*out = v->integer;
	return v && v->kind == NODE_INT;
}

static bool recall(struct arena *a, const char *path, struct certificate_facts *out)
{
	struct err ignored = ERR_INIT;
	struct certificate_facts f = { 0 };
	cleanup_buf struct buf text = BUF_INIT;
	if (!file_exists(path) || file_read(path, FACTS_MAX, &text, &ignored))
		return false;
	const struct node *n = json_read(a, buf_str(&text), text.len, path, &ignored);
	f.subject = node_text(node_get(n, "subject"));
	f.fingerprint = node_text(node_get(n, "fingerprint"));
	node_texts(a, node_get(n, "hosts"), &f.hosts);
	if (!f.subject || !f.fingerprint || !number(n, "not_before", &f.not_before) ||
		!number(n, "not_after", &f.not_after))
		return false;
	*out = f;
	return true;
}

static void remember(struct arena *a, const char *path, const struct certificate_facts *f)
{
	struct place no = { 0 };
	struct node *n = node_map(a, no), *hosts = node_list(a, no);
	cleanup_buf struct buf text = BUF_INIT;
	for (size_t i = 0; i < f->hosts.count; i++)
		list_add(a, hosts, node_str(a, f->hosts.items[i], no));
	map_put(a, n, "subject", no, node_str(a, f->subject, no));
	map_put(a, n, "hosts", no, hosts);
	map_put(a, n, "fingerprint", no, node_str(a, f->fingerprint, no));
	map_put(a, n, "not_before", no, node_int(a, f->not_before, no));
	map_put(a, n, "not_after", no, node_int(a, f->not_after, no));
	json_write(&text, n, 2);
	keep(a, path, text.data, text.len);
}

int certificate_facts(struct arena *a, const struct places *pl, const struct buf *pem,
	struct certificate_facts *out, struct err *e)
{
	char hex[HASH_HEX + 1];
	if (!pl->cache)
		return certificate_look(a, pem, out, e);
	name_of(pem, hex);
	const char *path = cache_file(a, pl, arena_printf(a, "%s.json", hex));
	if (recall(a, path, out))
		return 0;
	if (certificate_look(a, pem, out, e))
		return -1;
	remember(a, path, out);
	return 0;
}

bool certificate_issued(const struct places *pl, const struct buf *pem, const struct buf *issuer)
{
	struct arena a = ARENA_INIT;
	char hex[HASH_HEX + 1], by[HASH_HEX + 1];
	if (!pl->cache)
		return certificate_signed(pem, issuer);
	name_of(pem, hex);
	name_of(issuer, by);
	const char *path = cache_file(&a, pl, arena_printf(&a, "%s-by-%s", hex, by));
	bool known = file_exists(path), ok = known || certificate_signed(pem, issuer);
	if (ok && !known)
		keep(&a, path, "", 0);
	arena_release(&a);
	return ok;
}
