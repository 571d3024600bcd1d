/*
 * What a production image says about itself: its name, OCI's labels, and the command by which it is
 * asked for its health. Comes in: project, commit, service. Goes out: words.
 */
#include "parts.h"

#include <string.h>
#include <time.h>

static const char *version_of(struct make *m)
{
	const struct source_facts *f = &m->w->source;
	if (!f->version)
		return "latest";
	return f->dirty && !f->named ? arena_printf(m->a, "%s-dirty", f->version) : f->version;
}

/* Docker's tags: letters, digits, _ . -, at most 128, and neither . nor - in front. */
static const char *as_tag(struct arena *a, const char *text)
{
	static const char fine[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789_.-";
	char *out = arena_strndup(a, text, strlen(text) < 128 ? strlen(text) : 128);
	for (char *s = out; *s; s++)
		if (!strchr(fine, *s))
			*s = '-';
	return *out == '.' || *out == '-' ? arena_printf(a, "_%s", out + 1) : out;
}

const char *release_name(struct make *m, const struct service *s)
{
	return arena_printf(m->a, "%s-%s:%s", m->p->name, image_repository(m->a, s->name),
		as_tag(m->a, version_of(m)));
}

/* The registry image at the bottom. */
static const char *bottom(const struct service *s)
{
	const struct image *i = s->release->image;
	if (!i)
		return s->release->from;
	while (i->parent)
		i = i->parent;
	return i->from;
}

static void add(struct make *m, struct strs *out, const char *name, const char *value)
{
	if (value)
		strs_add(m->a, out, arena_printf(m->a, "%s=%s", name, value));
}

static const char *time_of(struct make *m, int64_t seconds)
{
	char text[32];
	time_t t = (time_t)seconds;
	struct tm parts;
	if (!seconds || !gmtime_r(&t, &parts))
		return NULL;
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
	return arena_strdup(m->a, text);
}

void release_labels(struct make *m, const struct unit *u, struct strs *out)
{
	const struct source_facts *f = &m->w->source;
	const struct service *s = u->service;
	add(m, out, "org.opencontainers.image.title",
		arena_printf(m->a, "%s-%s", m->p->name, s->name));
	add(m, out, "org.opencontainers.image.version", version_of(m));
	add(m, out, "org.opencontainers.image.revision", f->commit);
	add(m, out, "org.opencontainers.image.source", f->url);
	add(m, out, "org.opencontainers.image.created", time_of(m, f->time));
	add(m, out, "org.opencontainers.image.base.name", bottom(s));
	add(m, out, "devenv.dirty", f->commit ? f->dirty ? "true" : "false" : NULL);
	add(m, out, "devenv.release", s->name);
	add(m, out, "devenv.environment", m->p->environment);
}

/*
 * devenv asks a service from outside, a production image itself: with what is at hand there.
 * Arguments: port, path ("": a connection will do), wanted status ("": any of 200 to 399).
 */
static const char ask_script[] =
	"fine() {\n"
	"  if [ -n \"$2\" ]; then [ \"$1\" = \"$2\" ]; return; fi\n"
	"  case $1 in 2*|3*) return 0 ;; esac\n"
	"  return 1\n"
	"}\n"
	"if command -v bash >/dev/null; then\n"
	"  got=$(exec bash -c '\n"
	"    exec 3<>\"/dev/tcp/127.0.0.1/$1\" || exit 1\n"
	"    [ -n \"$2\" ] || { echo 200; exit 0; }\n"
	"    printf \"GET %s HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n\" \"$2\" >&3\n"
	"    read -r -t 5 version status rest <&3 && echo \"$status\"' health \"$@\") || exit 1\n"
	"elif command -v curl >/dev/null; then\n"
	"  if [ -z \"$2\" ]; then exec curl -sS -m 5 \"telnet://127.0.0.1:$1\" </dev/null; fi\n"
	"  got=$(curl -sS -m 5 -o /dev/null -w '%{http_code}' \"http://127.0.0.1:$1$2\") || exit "
	"1\n"
	"else\n"
	"  if [ -z \"$2\" ]; then exec nc -z -w 5 127.0.0.1 \"$1\"; fi\n"
	"  exec wget -q -T 5 -O /dev/null \"http://127.0.0.1:$1$2\"\n"
	"fi\n"
	"fine \"$got\" \"$3\"";

void health_words(struct make *m, const struct service *s, struct strs *argv)
{
	const struct check *c = &s->check;
	bool http = c->kind == CHECK_HTTP && !c->tls;
	if (c->kind == CHECK_EXEC)
		*argv = c->argv;
	if (c->kind != CHECK_HTTP && c->kind != CHECK_TCP)
		return;
	strs_add(m->a, argv, "/bin/sh");
	strs_add(m->a, argv, "-c");
	strs_add(m->a, argv, ask_script);
	strs_add(m->a, argv, "health");
	strs_add(m->a, argv, arena_printf(m->a, "%d", c->port));
	strs_add(m->a, argv, http && c->path ? c->path : "");
	strs_add(m->a, argv, http && c->status ? arena_printf(m->a, "%d", c->status) : "");
}
