/*
 * devenv.lock in force. Comes in: what is locked, and what the project asks for now. Goes out: what
 * a rung stands on and installs, and what does not fit: said, or refused where nothing may differ.
 */
#include "planner/lock.h"

#include <string.h>

#include "base/hash.h"
#include "base/os.h"
#include "parts.h"

enum { INPUTS_HEX = 16 };

static void hash_list(struct hasher *h, const struct strs *l)
{
	for (size_t i = 0; i < l->count; i++)
		hasher_str(h, l->items[i]);
	hasher_str(h, NULL);
}

static const char *inputs_of(struct make *m, const struct rung *r)
{
	const struct image *i = r->image;
	char hex[HASH_HEX + 1];
	struct strs packages = { 0 };
	struct hasher *h = hasher_new();
	rung_packages(m, r, &packages);
	strs_sort(&packages);
	hasher_str(h, r->parent ? r->parent->image->name : NULL);
	hasher_str(h, r->parent ? NULL : i->from);
	hash_list(h, &packages);
	hash_list(h, &i->run);
	if (i->dockerfile)
		hasher_str(h, world_input(m->w, path_normal(m->a, path_join(m->a, m->p->dir,
									  i->dockerfile))));
	hasher_end(h, hex);
	return arena_strndup(m->a, hex, INPUTS_HEX);
}

static enum lock_fit fit_of(struct make *m, const struct rung *r)
{
	const struct locked_rung *l = locked_rung(m->w->locked, r->image->name);
	if (!l)
		return LOCK_ABSENT;
	return streq(l->inputs, inputs_of(m, r)) ? LOCK_FITS : LOCK_STALE;
}

const char *rung_inputs(
	struct arena *a, const struct project *p, const struct world *w, const struct image *i)
{
	struct diags unheard = DIAGS_INIT(a);
	struct make m;
	make_init(&m, a, p, w, &unheard);
	const char *hex = inputs_of(&m, rung_of(&m, i));
	make_release(&m);
	return hex;
}

enum lock_fit lock_fit(
	struct arena *a, const struct project *p, const struct world *w, const struct image *i)
{
	struct diags unheard = DIAGS_INIT(a);
	struct make m;
	make_init(&m, a, p, w, &unheard);
	enum lock_fit fit = fit_of(&m, rung_of(&m, i));
	make_release(&m);
	return fit;
}

const char *plan_tag(
	struct arena *a, const struct project *p, const struct world *w, const struct image *i)
{
	struct diags unheard = DIAGS_INIT(a);
	struct make m;
	make_init(&m, a, p, w, &unheard);
	rungs_make(&m);
	const char *tag = rung_of(&m, i)->tag;
	make_release(&m);
	return tag;
}

const char *plan_reference(struct arena *a, const struct world *w, const char *name)
{
	const struct locked_image *l = locked_image(w->locked, name);
	return l ? locked_reference(a, l) : name;
}

const char *locked_name(const struct make *m, const char *name)
{
	return plan_reference(m->a, m->w, name);
}

void rung_lock(struct make *m, struct rung *r)
{
	r->from = r->image->from ? locked_name(m, r->image->from) : NULL;
	if (m->w->locked && fit_of(m, r) == LOCK_FITS)
		r->lock = locked_rung(m->w->locked, r->image->name);
	r->build->near = m->p->dev && !m->p->frozen;
}

/* ---- installing ---- */

/*
 * Arguments: exact or near; all words that are asked for; those of them that are not locked;
 * NAME=VERSION of all that are locked; names that only came along. What the mirror never had is
 * left to who brought it. `near` goes on without the lock where the mirror dropped a version.
 */
static const char install_script[] =
	"export DEBIAN_FRONTEND=noninteractive\n"
	"set -f\n"
	"mode=$1 words=$2 free=$3 pairs=$4 auto=$5\n"
	"%s-q update\n"
	"names= keep= mark= gone=\n"
	"for p in $pairs; do names=\"$names ${p%%%%=*}\"; done\n"
	"has=$(apt-cache madison $names 2>/dev/null | sed 's/^ *//; s/ *| */=/; s/ *|.*//')\n"
	"has=\" $(echo $has) \"\n"
	"for p in $pairs; do\n"
	"  n=${p%%%%=*}\n"
	"  case \"$has\" in\n"
	"  *\" $p \"*) keep=\"$keep $p\" ;;\n"
	"  *\" $n=\"*) gone=1 now=${has#*\" $n=\"}\n"
	"    echo \"devenv.lock: $n is locked at ${p#*=}, the mirror has ${now%%%% *}\" ;;\n"
	"  *) case \" $words \" in *\" $n \"*) keep=\"$keep $p\" ;; esac ;;\n"
	"  esac\n"
	"done\n"
	"if [ -n \"$gone\" ]; then\n"
	"  [ \"$mode\" = near ] || exit 1\n"
	"  free=$words keep= auto=\n"
	"fi\n"
	"for n in $auto; do case \"$keep \" in *\" $n=\"*) mark=\"$mark $n\" ;; esac; done\n"
	"%s-q -y --no-install-recommends --allow-downgrades install -- $free $keep\n"
	"[ -z \"$mark\" ] || apt-mark auto $mark >/dev/null\n"
	"apt-get clean\n"
	"rm -rf /var/lib/apt/lists/*";

const char *locked_install(struct make *m, const struct rung *r, const char *apt, struct strs *args)
{
	const struct packages *l = &r->lock->packages;
	struct strs words = { 0 }, unlocked = { 0 }, pairs = { 0 }, along = { 0 };
	rung_packages(m, r, &words);
	for (size_t i = 0; i < words.count; i++)
		if (!package_find(l, words.items[i]))
			strs_add(m->a, &unlocked, words.items[i]);
	for (size_t i = 0; i < l->count; i++) {
		const struct deb_package *k = &l->items[i];
		strs_add(m->a, &pairs, arena_printf(m->a, "%s=%s", k->name, k->version));
		if (!strs_has(&words, k->name))
			strs_add(m->a, &along, k->name);
	}
	strs_add(m->a, args, r->build->near ? "near" : "exact");
	strs_add(m->a, args, strs_join(m->a, &words, " "));
	strs_add(m->a, args, strs_join(m->a, &unlocked, " "));
	strs_add(m->a, args, strs_join(m->a, &pairs, " "));
	strs_add(m->a, args, strs_join(m->a, &along, " "));
	return arena_printf(m->a, install_script, apt, apt);
}

/* ---- what does not fit ---- */

/* Each environment has images of its own: all of them are locked in the one file. */
static const char *remedy(const struct make *m)
{
	return m->p->dev ? "`devenv lock` brings it up to date"
			 : "`devenv lock` in this environment (--env) brings it up to date";
}

/* Refused where nothing may differ; else said, once for all rungs. */
static void differs(struct make *m, struct place at, const char *hint, const char *text)
{
	if (m->p->frozen)
		complain(m, at, "%s", text)->hint = hint;
	else
		strs_add(m->a, &m->plan->notes, arena_printf(m->a, "%s; %s", text, hint));
}

static void check_rungs(struct make *m)
{
	for (size_t i = 0; i < m->p->images.count; i++) {
		const struct image *k = &m->p->images.items[i];
		enum lock_fit fit = k->used ? fit_of(m, &m->rungs[i]) : LOCK_FITS;
		if (fit != LOCK_FITS)
			differs(m, k->place, remedy(m),
				arena_printf(m->a, "image %s %s", k->name,
					fit == LOCK_ABSENT
						? "is not in devenv.lock"
						: "has changed since devenv.lock was written"));
	}
}

/* One without digest is known by its id alone, and only where it was locked. */
static void check_local(struct make *m, const struct locked_image *l, struct place at)
{
	const struct seen_image *seen = world_image(m->w, l->name);
	if (!l->local || !seen || !seen->id || streq(seen->id, l->digest))
		return;
	differs(m, at, arena_printf(m->a, "`devenv lock --update %s` takes this engine's", l->name),
		arena_printf(m->a,
			"the engine's %s is another than devenv.lock has; it was imported, so that"
			" other machines do not have the same",
			l->name));
}

static void check_registry(struct make *m)
{
	registry_uses uses = { 0 };
	registry_of(m->a, m->p, &uses);
	for (size_t i = 0; i < uses.count; i++) {
		const struct locked_image *l = locked_image(m->w->locked, uses.items[i].name);
		if (l)
			check_local(m, l, uses.items[i].place);
		else
			differs(m, uses.items[i].place, remedy(m),
				arena_printf(m->a, "image %s is not in devenv.lock",
					uses.items[i].name));
	}
}

/* Lock files of modules are theirs; here they must be there. */
static void check_dependencies(struct make *m)
{
	for (size_t i = 0; i < m->p->services.count; i++) {
		const struct service *s = &m->p->services.items[i];
		const struct dependencies *d = service_code(s) ? &service_code(s)->deps : NULL;
		for (size_t k = 0; d && !s->left_out && k < d->lock.count; k++) {
			const char *path = path_join(m->a, m->p->dir, d->lock.items[k]);
			if (!world_input(m->w, path))
				complain(m, d->place, "%s: there is no %s, its lock file", s->name,
					d->lock.items[k])
					->hint = "make and commit it, or run without --frozen";
		}
	}
}

void lock_check(struct make *m)
{
	registry_uses uses = { 0 };
	registry_of(m->a, m->p, &uses);
	if (m->p->frozen)
		check_dependencies(m);
	if (m->w->locked) {
		check_rungs(m);
		check_registry(m);
	} else if (m->p->frozen && uses.count)
		complain(m, uses.items[0].place,
			"there is no devenv.lock, and --frozen builds nothing without")
			->hint = "`devenv lock` writes it: commit it";
}

/* ---- all images ---- */

static bool is_named(const struct make *m, const char *name)
{
	return !m->req->images.count || strs_has(&m->req->images, name);
}

static void want_named(struct make *m)
{
	for (size_t i = 0; i < m->p->images.count; i++) {
		struct rung *r = &m->rungs[i];
		bool named = r->image->used && is_named(m, r->image->name);
		r->wanted |= named;
		r->forced |= named && m->req->no_cache;
	}
}

void plan_all_images(struct make *m)
{
	rungs_make(m);
	plan_pulls(m);
	want_named(m);
	plan_images(m, NULL);
}
