/*
 * The local authority, one per user. Comes in: the data directory. Goes out: a certificate and a
 * key that never leave it. Made once, never silently made anew: browsers trust this one. It is
 * constrained by name, so hosts elsewhere are refused here rather than by every browser later.
 */
#include "run/secrets/authority.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/os.h"
#include "run/secrets/certificate.h"
#include "run/secrets/certificate_facts.h"
#include "run/secrets/private.h"

enum { AUTHORITY_DAYS = 730, PEM_MAX = 1 << 20, LOCK_WAIT_MS = 5000 };

static void set_paths(struct arena *a, const struct places *pl, struct authority *out)
{
	out->dir = path_join(a, pl->data, "ca");
	out->certificate = path_join(a, out->dir, "ca.crt");
	out->key = path_join(a, out->dir, "ca.key");
}

void authority_release(struct authority *au)
{
	buf_release(&au->pem);
}

int authority_read(struct arena *a, const struct places *pl, struct authority *out, struct err *e)
{
	*out = (struct authority){ .dir = NULL };
	set_paths(a, pl, out);
	if (access(out->certificate, F_OK) && errno == ENOENT)
		return 1;
	if (!file_read(out->certificate, PEM_MAX, &out->pem, e) &&
		!certificate_facts(a, pl, &out->pem, &out->facts, e))
		return 0;
	authority_release(out);
	err_wrap(e, "the local authority");
	err_hint(e, "restore %s; or remove %s and run `devenv certs trust` for a new one",
		out->certificate, out->dir);
	return -1;
}

static const char *own_name(struct arena *a)
{
	char host[HOST_NAME_MAX + 1] = "localhost";
	const struct passwd *user = getpwuid(geteuid());
	gethostname(host, sizeof(host) - 1);
	return arena_printf(a, "devenv %s@%s", user ? user->pw_name : "user", host);
}

/* Key first: killed in between, the next run signs with the key that is there and nobody trusts
 * yet. */
static int make(struct arena *a, struct authority *out, struct err *e)
{
	struct buf key = BUF_INIT;
	struct certificate_wish wish = { .name = own_name(a), .days = AUTHORITY_DAYS };
	int known = private_check(out->key, "key of the local authority", e);
	int rc = known < 0 ? -1 : 0;
	if (known == 0)
		rc = file_read(out->key, PEM_MAX, &key, e);
	if (!rc) {
		wish.issuer_key = key.len ? &key : NULL;
		rc = certificate_make(&wish, &out->pem, key.len ? NULL : &key, e);
	}
	if (!rc && known > 0)
		rc = file_write(out->key, key.data, key.len, 0600, true, e);
	if (!rc)
		rc = file_write(out->certificate, out->pem.data, out->pem.len, 0644, true, e);
	if (!rc)
		rc = certificate_look(a, &out->pem, &out->facts, e);
	buf_wipe(&key);
	if (rc)
		authority_release(out);
	return rc ? err_wrap(e, "making the local authority") : 0;
}

static int make_locked(
	struct arena *a, const struct places *pl, struct authority *out, struct err *e)
{
	struct lock lock = { -1 };
	if (dir_make(out->dir, 0700, e) ||
		lock_take(&lock, path_join(a, out->dir, ".lock"), LOCK_WAIT_MS, e))
		return -1;
	dir_sweep(out->dir);
	int rc = authority_read(a, pl, out, e); /* another run may have been first */
	if (rc > 0)
		rc = make(a, out, e);
	lock_drop(&lock);
	return rc;
}

int authority_renew(struct arena *a, const struct places *pl, struct authority *out, struct err *e)
{
	set_paths(a, pl, out);
	if (unlink(out->certificate) && errno != ENOENT)
		return err_errno(e, "removing %s", out->certificate);
	if (unlink(out->key) && errno != ENOENT)
		return err_errno(e, "removing %s", out->key);
	return make_locked(a, pl, out, e);
}

static int hosts_allowed(const struct strs *hosts, struct err *e)
{
	for (size_t i = 0; i < hosts->count; i++) {
		if (host_is_local(hosts->items[i]))
			continue;
		err_set(e, ERR_CONFIG, "the local authority may not sign for %s", hosts->items[i]);
		err_hint(e, "use a name below .localhost, .test or .internal, an address of "
			    "127.0.0.0/8, "
			    "or ::1: a stolen key must be worth nothing elsewhere");
		return -1;
	}
	return 0;
}

static int check_dates(const struct authority *au, struct err *e)
{
	int64_t now = clock_ms() / 1000;
	if (now < au->facts.not_before) {
		err_set(e, ERR_FAILED,
			"the local authority is from the future: the clock is wrong");
		err_hint(e, "set the clock");
		return -1;
	}
	if (now < au->facts.not_after)
		return 0;
	err_set(e, ERR_FAILED, "the local authority has expired");
	err_hint(e,
		"`devenv certs trust` makes a new one and puts it into the stores of this machine");
	return -1;
}

int authority_ensure(const struct places *pl, struct arena *a, const struct strs *project_hosts,
	struct world *w, struct err *e)
{
	struct authority au;
	if (project_hosts && hosts_allowed(project_hosts, e))
		return -1;
	int rc = authority_read(a, pl, &au, e);
	if (rc > 0)
		rc = make_locked(a, pl, &au, e);
	if (rc)
		return -1;
	rc = check_dates(&au, e);
	if (!rc)
		w->authority = au.facts.fingerprint;
	authority_release(&au);
	return rc;
}
