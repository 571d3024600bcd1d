/*
 * The authority in the trust stores of this machine: system, NSS (browsers), Java. Comes in: trust
 * or not. Goes out: a line per store with what was done or why not. Only on explicit command, and
 * everything that is put in can be taken out again.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/os.h"
#include "run/secrets/authority.h"
#include "run/secrets/certificate.h"
#include "run/io/event.h"
#include "run/io/spawn.h"

struct stores {
	struct arena *a;
	struct loop *loop;
	const struct authority *authority;
	const char *file;  /* devenv-FINGERPRINT.crt: the anchor's name */
	const char *alias; /* the name in NSS and Java stores */
	bool trust;
	event_fn *event;
	void *ctx;
	struct err *e;
	bool failed;
};

static void report(struct stores *s, enum event_kind kind, const char *store, const char *text)
{
	struct event ev = {
		.kind = kind, .text = arena_printf(s->a, "%s: %s", store, text), .fraction = -1
	};
	s->failed = s->failed || kind == EV_FAILED;
	if (s->event)
		s->event(s->ctx, &ev);
}

static const char *find_program(struct arena *a, const char *name)
{
	const char *path = getenv("PATH");
	for (const char *p = path ? path : ""; *p;) {
		size_t n = strcspn(p, ":");
		const char *whole = path_join(a, arena_strndup(a, p, n), name);
		if (n && !access(whole, X_OK))
			return whole;
		p += n + (p[n] == ':');
	}
	return NULL;
}

enum ran { RAN_OK, RAN_FAILED, RAN_NOT };

/* With root's rights when needed: through sudo, which may ask for a password at the terminal. */
static enum ran run(struct stores *s, bool root, const char *const *words, const char **why)
{
	struct strs argv = { 0 };
	struct buf said = BUF_INIT;
	struct err e = ERR_INIT;
	int status = 0;
	bool sudo = root && geteuid() != 0;
	if (sudo && !find_program(s->a, "sudo")) {
		*why = "needs root, and there is no sudo";
		return RAN_NOT;
	}
	if (sudo)
		strs_add(s->a, &argv, "sudo");
	for (; *words; words++)
		strs_add(s->a, &argv, *words);
	strs_add(s->a, &argv, NULL);
	struct spawn child = {
		.argv = argv.items, .out = sudo ? NULL : &said, .interactive = sudo
	};
	bool ok = !spawn_run(s->loop, &child, &status, &e) && !status;
	*why = e.code ? arena_strdup(s->a, e.text)
		      : arena_printf(s->a, "%s failed (%d) %.*s", path_base(argv.items[0]), status,
				(int)strcspn(buf_str(&said), "\n"), buf_str(&said));
	buf_release(&said);
	return ok ? RAN_OK : RAN_FAILED;
}

static void run_report(struct stores *s, const char *store, bool root, const char *const *words)
{
	const char *why = "";
	enum ran r = run(s, root, words, &why);
	if (r == RAN_OK)
		report(s, EV_DONE, store, s->trust ? "trusted" : "removed");
	else
		report(s, r == RAN_NOT ? EV_SKIPPED : EV_FAILED, store, why);
}

/* ---- system ---- */

static const struct system {
	const char *dir;       /* where anchors are put; its presence tells the system */
	const char *update[3]; /* run after a change */
	const char *forget[3]; /* run after a removal, when different */
} systems[] = {
	{ "/usr/local/share/ca-certificates", { "update-ca-certificates" },
		{ "update-ca-certificates", "--fresh" } },
	{ "/etc/pki/ca-trust/source/anchors", { "update-ca-trust", "extract" }, { NULL } },
	{ "/etc/ca-certificates/trust-source/anchors", { "trust", "extract-compat" }, { NULL } },
	{ "/etc/pki/trust/anchors", { "update-ca-certificates" }, { NULL } },
};

static void system_anchor(struct stores *s, const struct system *sys)
{
	const char *target = path_join(s->a, sys->dir, s->file), *why = "";
	const char *const put[] = { "install", "-m", "644", s->authority->certificate, target,
		NULL };
	const char *const take[] = { "rm", "-f", target, NULL };
	const char *const *update = !s->trust && sys->forget[0] ? sys->forget : sys->update;
	const char *const words[] = { update[0], update[1], NULL };
	if (s->trust == file_exists(target)) {
		report(s, EV_DONE, "system store", s->trust ? "already trusted" : "was not in it");
		return;
	}
	enum ran r = run(s, true, s->trust ? put : take, &why);
	if (r == RAN_OK)
		run_report(s, "system store", true, words);
	else
		report(s, r == RAN_NOT ? EV_SKIPPED : EV_FAILED, "system store", why);
}

static void system_mac(struct stores *s)
{
	static const char chain[] = "/Library/Keychains/System.keychain";
	const char *const put[] = { "security", "add-trusted-cert", "-d", "-r", "trustRoot", "-k",
		chain, s->authority->certificate, NULL };
	const char *const take[] = { "security", "remove-trusted-cert", "-d",
		s->authority->certificate, NULL };
	run_report(s, "system keychain", true, s->trust ? put : take);
}

static void system_store(struct stores *s)
{
	for (size_t i = 0; i < countof(systems); i++)
		if (dir_exists(systems[i].dir) && find_program(s->a, systems[i].update[0])) {
			system_anchor(s, &systems[i]);
			return;
		}
	if (!access("/usr/bin/security", X_OK))
		system_mac(s);
	else
		report(s, EV_SKIPPED, "system store",
			"none that is known (install ca-certificates)");
}

/* ---- NSS: Chromium, Firefox ---- */

static void nss_one(struct stores *s, const char *dir)
{
	const char *db = arena_printf(s->a, "sql:%s", dir), *why = "";
	const char *name = arena_printf(s->a, "NSS store %s", dir);
	const char *const show[] = { "certutil", "-L", "-d", db, "-n", s->alias, NULL };
	const char *const put[] = { "certutil", "-A", "-d", db, "-t", "C,,", "-n", s->alias, "-i",
		s->authority->certificate, NULL };
	const char *const take[] = { "certutil", "-D", "-d", db, "-n", s->alias, NULL };
	bool there = run(s, false, show, &why) == RAN_OK;
	if (s->trust == there)
		report(s, EV_DONE, name, there ? "already trusted" : "was not in it");
	else
		run_report(s, name, false, s->trust ? put : take);
}

/* The one that Chromium makes on its first run; made here so that it trusts from the start. */
static bool nss_make(struct stores *s, const char *dir)
{
	const char *const init[] = { "certutil", "-N", "-d", arena_printf(s->a, "sql:%s", dir),
		"--empty-password", NULL };
	struct err e = ERR_INIT;
	const char *why = "";
	if (file_exists(path_join(s->a, dir, "cert9.db")))
		return true;
	if (!s->trust)
		return false;
	if (!dir_make(path_dir(s->a, dir), 0700, &e) && !dir_make(dir, 0700, &e) &&
		run(s, false, init, &why) == RAN_OK)
		return true;
	report(s, EV_FAILED, "NSS store", e.code ? e.text : why);
	return false;
}

static void nss_profiles(struct stores *s, const char *parent)
{
	struct dirent *entry;
	DIR *d = opendir(parent);
	while (d && (entry = readdir(d))) {
		const char *dir = path_join(s->a, parent, entry->d_name);
		if (entry->d_name[0] != '.' && file_exists(path_join(s->a, dir, "cert9.db")))
			nss_one(s, dir);
	}
	if (d)
		closedir(d);
}

static void nss_store(struct stores *s)
{
	static const char *const firefox[] = { ".mozilla/firefox",
		"snap/firefox/common/.mozilla/firefox",
		".var/app/org.mozilla.firefox/.mozilla/firefox",
		"Library/Application Support/Firefox/Profiles" };
	const char *home = getenv("HOME");
	if (!home || *home != '/') {
		report(s, EV_SKIPPED, "NSS stores", "HOME is not set");
		return;
	}
	if (!find_program(s->a, "certutil")) {
		report(s, EV_SKIPPED, "NSS stores (Chromium, Firefox)",
			"there is no certutil (install libnss3-tools)");
		return;
	}
	const char *shared = path_join(s->a, home, ".pki/nssdb");
	if (nss_make(s, shared))
		nss_one(s, shared);
	for (size_t i = 0; i < countof(firefox); i++)
		nss_profiles(s, path_join(s->a, home, firefox[i]));
}

/* ---- Java ---- */

static const char *find_keytool(struct arena *a)
{
	const char *home = getenv("JAVA_HOME");
	const char *own = home && *home == '/' ? path_join(a, home, "bin/keytool") : NULL;
	return own && !access(own, X_OK) ? own : find_program(a, "keytool");
}

static void java_store(struct stores *s)
{
	const char *tool = find_keytool(s->a), *why = "";
	if (!tool) {
		report(s, EV_SKIPPED, "Java store", "there is no keytool");
		return;
	}
	const char *const show[] = { tool, "-list", "-cacerts", "-storepass", "changeit", "-alias",
		s->alias, NULL };
	const char *const put[] = { tool, "-importcert", "-noprompt", "-cacerts", "-storepass",
		"changeit", "-alias", s->alias, "-file", s->authority->certificate, NULL };
	const char *const take[] = { tool, "-delete", "-cacerts", "-storepass", "changeit",
		"-alias", s->alias, NULL };
	bool there = run(s, false, show, &why) == RAN_OK;
	if (s->trust == there)
		report(s, EV_DONE, "Java store", there ? "already trusted" : "was not in it");
	else
		run_report(s, "Java store", true, s->trust ? put : take);
}

/* An authority that has expired is taken out of the stores before a new one is put in. */
static int ready_authority(struct stores *s, const struct places *pl, struct authority *au)
{
	int rc = authority_read(s->a, pl, au, s->e);
	if (rc > 0 && !s->trust)
		return err_set(
			s->e, ERR_FAILED, "there is no local authority to take out of the stores");
	if (rc > 0)
		return authority_renew(s->a, pl, au, s->e);
	if (!rc && s->trust && au->facts.not_after <= clock_ms() / 1000) {
		authority_release(au);
		if (authority_trust(pl, s->loop, false, s->event, s->ctx, s->e))
			return -1;
		return authority_renew(s->a, pl, au, s->e);
	}
	return rc;
}

int authority_trust(
	const struct places *pl, struct loop *l, bool trust, event_fn *ev, void *ctx, struct err *e)
{
	struct arena a = ARENA_INIT;
	struct authority au;
	struct stores s = { .a = &a, .loop = l, .trust = trust, .event = ev, .ctx = ctx, .e = e };
	if (ready_authority(&s, pl, &au)) {
		arena_release(&a);
		return -1;
	}
	s.authority = &au;
	s.file = arena_printf(&a, "devenv-%.12s.crt", au.facts.fingerprint);
	s.alias = arena_printf(&a, "devenv-%.12s", au.facts.fingerprint);
	system_store(&s);
	nss_store(&s);
	java_store(&s);
	authority_release(&au);
	arena_release(&a);
	return s.failed ? err_set(e, ERR_FAILED, "not every trust store could be changed") : 0;
}
