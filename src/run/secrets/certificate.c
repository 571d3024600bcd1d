/*
 * The leaf certificate of a workspace, and every certificate as PEM text. Comes in: names, the
 * authority. Goes out: one file with certificate and key (0600, in the workspace's state), made
 * anew when the names or the authority changed or a third of its life is left.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/os.h"
#include "run/secrets/authority.h"
#include "run/secrets/certificate.h"
#include "run/secrets/certificate_facts.h"
#include "run/secrets/private.h"

enum { LEAF_DAYS = 90, LEAF_MAX = 1 << 16, BUNDLE_MAX = 16 << 20, AUTHORITY_KEY_MAX = 1 << 16 };

static const char key_line[] = "-----BEGIN PRIVATE KEY-----";

static const char *leaf_path(struct arena *a, const struct places *pl)
{
	return path_join(a, pl->state, "leaf.pem");
}

/* Lower case, addresses in their one spelling: so that what is asked for compares with what is
 * there. */
static struct strs normal_hosts(struct arena *a, const struct strs *hosts)
{
	struct strs out = { 0 };
	char text[INET6_ADDRSTRLEN];
	unsigned char raw[16];
	for (size_t i = 0; hosts && i < hosts->count; i++) {
		char *h = arena_strdup(a, hosts->items[i]);
		for (char *p = h; *p; p++)
			*p = (char)tolower((unsigned char)*p);
		if (inet_pton(AF_INET6, h, raw) == 1 &&
			inet_ntop(AF_INET6, raw, text, sizeof(text)))
			h = arena_strdup(a, text);
		if (!strs_has(&out, h))
			strs_add(a, &out, h);
	}
	if (!out.count)
		strs_add(a, &out, "localhost");
	strs_sort(&out);
	return out;
}

static bool good(const struct places *pl, const struct buf *leaf, const struct certificate_facts *f,
	const struct strs *hosts, const struct authority *au, struct arena *a)
{
	int64_t now = clock_ms() / 1000, life = f->not_after - f->not_before;
	return streq(strs_join(a, &f->hosts, ","), strs_join(a, hosts, ",")) &&
	       now >= f->not_before && f->not_after - now > life / 3 &&
	       certificate_issued(pl, leaf, &au->pem);
}

/* False when it cannot be kept; a key that others could read is such a case, and a new one costs
 * nothing. */
static bool keep(struct arena *a, const struct places *pl, const struct strs *hosts,
	const struct authority *au, struct certificate_facts *facts)
{
	struct err ignored = ERR_INIT;
	struct buf text = BUF_INIT;
	const char *path = leaf_path(a, pl);
	bool ok = !private_check(path, "key", &ignored) &&
		  !file_read(path, LEAF_MAX, &text, &ignored) &&
		  !certificate_facts(a, pl, &text, facts, &ignored) &&
		  strstr(buf_str(&text), key_line) && good(pl, &text, facts, hosts, au, a);
	buf_wipe(&text);
	return ok;
}

static int issue(struct arena *a, const struct places *pl, const struct strs *hosts,
	const struct authority *au, struct certificate_facts *facts, struct err *e)
{
	struct buf signer = BUF_INIT, pem = BUF_INIT, key = BUF_INIT;
	struct certificate_wish wish = { .name = hosts->items[0],
		.hosts = hosts,
		.days = LEAF_DAYS,
		.issuer = &au->pem,
		.issuer_key = &signer };
	int rc = private_check(au->key, "key of the local authority", e);
	if (rc > 0) {
		err_set(e, ERR_FAILED, "the key of the local authority is missing: %s", au->key);
		err_hint(e,
			"restore it; or `devenv certs untrust`, remove %s, `devenv certs trust`",
			au->dir);
	}
	if (!rc)
		rc = file_read(au->key, AUTHORITY_KEY_MAX, &signer, e);
	if (!rc && certificate_make(&wish, &pem, &key, e))
		rc = err_wrap(e, "signing with %s", au->key);
	if (!rc)
		rc = certificate_facts(a, pl, &pem, facts, e);
	if (!rc) {
		buf_add(&pem, key.data, key.len);
		rc = dir_make(pl->state, 0700, e);
	}
	if (!rc)
		rc = file_write(leaf_path(a, pl), pem.data, pem.len, 0600, false, e);
	buf_wipe(&signer);
	buf_wipe(&pem);
	buf_wipe(&key);
	return rc ? -1 : 0;
}

static void note_leaf(struct arena *a, const struct certificate_facts *f, struct world *w)
{
	w->leaf_hosts = strs_join(a, &f->hosts, ",");
	w->leaf_not_after = f->not_after;
}

int leaf_ensure(const struct places *pl, struct arena *a, const struct strs *hosts, struct world *w,
	struct err *e)
{
	struct authority au;
	struct certificate_facts facts;
	struct strs names = normal_hosts(a, hosts);
	if (authority_ensure(pl, a, &names, w, e) || authority_read(a, pl, &au, e))
		return err_wrap(e, "certificate");
	int rc = keep(a, pl, &names, &au, &facts) ? 0 : issue(a, pl, &names, &au, &facts, e);
	authority_release(&au);
	if (rc)
		return err_wrap(e, "certificate");
	note_leaf(a, &facts, w);
	return 0;
}

/* ---- as text ---- */

const char *host_bundle_path(void)
{
	static const char *const paths[] = {
		"/etc/ssl/certs/ca-certificates.crt", /* Debian, Alpine, Arch */
		"/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora */
		"/etc/ssl/ca-bundle.pem",             /* SUSE */
		"/etc/ssl/cert.pem",                  /* macOS, BSD */
	};
	const char *own = getenv("SSL_CERT_FILE");
	if (own && *own && !access(own, R_OK))
		return own;
	for (size_t i = 0; i < countof(paths); i++)
		if (!access(paths[i], R_OK))
			return paths[i];
	return NULL;
}

static int put_authority(struct arena *a, const struct places *pl, struct buf *out, struct err *e)
{
	struct authority au;
	int rc = authority_read(a, pl, &au, e);
	if (rc)
		return rc < 0 ? -1 : err_set(e, ERR_FAILED, "there is no local authority yet");
	buf_add(out, au.pem.data, au.pem.len);
	authority_release(&au);
	return 0;
}

/*
 * SSL_CERT_FILE and its like replace what an image trusts, so the bundle holds the public
 * authorities too: those of this machine, which is what makes downloads work wherever the
 * developer's own do.
 */
static int put_bundle(
	struct arena *a, const struct places *pl, bool host, struct buf *out, struct err *e)
{
	const char *path = host_bundle_path();
	struct buf own = BUF_INIT;
	if (!path && host) {
		err_set(e, ERR_FAILED, "this machine has no bundle of trusted certificates");
		err_hint(e, "install ca-certificates, or set SSL_CERT_FILE");
		return -1;
	}
	int rc = path ? file_read(path, BUNDLE_MAX, out, e) : 0;
	if (out->len && !buf_ends_with(out, "\n"))
		buf_addc(out, '\n');
	if (!rc)
		rc = put_authority(a, pl, &own, e);
	if (!rc &&
		!(out->len && strstr(out->data, own.data))) /* `certs trust` put it there already */
		buf_add(out, own.data, own.len);
	buf_release(&own);
	return rc;
}

static int put_leaf(
	struct arena *a, const struct places *pl, bool key, struct buf *out, struct err *e)
{
	struct buf text = BUF_INIT;
	const char *path = leaf_path(a, pl);
	int rc = private_check(path, "key", e);
	if (rc > 0)
		err_set(e, ERR_FAILED, "there is no certificate yet");
	if (!rc)
		rc = file_read(path, LEAF_MAX, &text, e);
	const char *half = rc ? NULL : strstr(buf_str(&text), key_line);
	if (!rc && !half)
		rc = err_set(e, ERR_FAILED, "%s is damaged: remove it", path);
	if (!rc && key)
		buf_adds(out, half);
	else if (!rc)
		buf_add(out, text.data, (size_t)(half - text.data));
	buf_wipe(&text);
	return rc ? -1 : 0;
}

int certificate_pem(
	const struct places *pl, enum source which, bool host, struct buf *out, struct err *e)
{
	struct arena a = ARENA_INIT;
	int rc = -1;
	if (which == FROM_AUTHORITY)
		rc = put_authority(&a, pl, out, e);
	else if (which == FROM_BUNDLE)
		rc = put_bundle(&a, pl, host, out, e);
	else if (which == FROM_LEAF || which == FROM_LEAF_KEY)
		rc = put_leaf(&a, pl, which == FROM_LEAF_KEY, out, e);
	else
		bug("source %d is no certificate", (int)which);
	arena_release(&a);
	return rc;
}

/* ---- looking ---- */

static bool look_leaf(struct arena *a, const struct places *pl, struct certificate_facts *out)
{
	struct err ignored = ERR_INIT;
	struct buf pem = BUF_INIT;
	bool ok = file_exists(leaf_path(a, pl)) && !put_leaf(a, pl, false, &pem, &ignored) &&
		  !certificate_facts(a, pl, &pem, out, &ignored);
	buf_release(&pem);
	return ok;
}

static struct certificate_info info(
	struct arena *a, const char *what, const char *path, const struct certificate_facts *f)
{
	return (struct certificate_info){ .what = what,
		.subject = f->subject,
		.names = strs_join(a, &f->hosts, ","),
		.fingerprint = f->fingerprint,
		.path = path,
		.not_before = f->not_before,
		.not_after = f->not_after };
}

int certificate_list(const struct places *pl, struct arena *a, struct certificate_info **out,
	size_t *count, struct err *e)
{
	struct authority au;
	struct certificate_facts leaf;
	*out = arena_array(a, struct certificate_info, 2);
	*count = 0;
	int rc = authority_read(a, pl, &au, e);
	if (rc < 0)
		return -1;
	if (!rc) {
		(*out)[(*count)++] = info(a, "authority", au.certificate, &au.facts);
		authority_release(&au);
	}
	if (look_leaf(a, pl, &leaf))
		(*out)[(*count)++] = info(a, "leaf", leaf_path(a, pl), &leaf);
	return 0;
}

static bool wants_host(const struct project *p)
{
	for (size_t i = 0; i < p->images.count; i++)
		if (p->images.items[i].certificates_host)
			return true;
	return false;
}

void certificate_probe(
	struct arena *a, const struct places *pl, const struct project *p, struct world *w)
{
	struct err ignored = ERR_INIT;
	struct authority au;
	struct certificate_facts leaf;
	char hex[HASH_HEX + 1];
	if (!authority_read(a, pl, &au, &ignored)) {
		w->authority = au.facts.fingerprint;
		authority_release(&au);
	}
	if (look_leaf(a, pl, &leaf))
		note_leaf(a, &leaf, w);
	const char *path = wants_host(p) ? host_bundle_path() : NULL;
	struct buf bundle = BUF_INIT;
	if (path && !file_read(path, BUNDLE_MAX, &bundle, &ignored)) {
		hash_hex(bundle.data, bundle.len, hex);
		w->host_bundle = arena_strdup(a, hex);
		w->host_bundle_path = arena_strdup(a, path);
	}
	buf_release(&bundle);
}
