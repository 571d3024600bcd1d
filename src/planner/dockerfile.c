/*
 * The Dockerfile of a rung. Comes in: the rung with its files. Goes out: text for the classic
 * builder and BuildKit alike. Whatever a configuration says is an argument of a fixed script or a
 * quoted word: it cannot become an instruction.
 */
#include "writer.h"

#include <string.h>

#include "base/os.h"
#include "doc/json.h"

const char host_bundle_in_image[] = "/usr/local/share/ca-certificates/devenv-host.crt";

uid_t mapped_uid(const struct make *m, const struct image *i)
{
	return m->p->dev ? m->w->uid : i->uid;
}

gid_t mapped_gid(const struct make *m, const struct image *i)
{
	return m->p->dev ? m->w->gid : i->gid;
}

static void write_from(struct writer *w)
{
	const struct image *i = w->r->image;
	const char *from = w->r->parent ? w->r->parent->tag : w->r->from;
	if (docker_plain(w, from, "._-/:@", "image to stand on"))
		buf_addf(&w->out, "FROM %s\n", from);
	if (w->r->parent && w->r->parent->image->user)
		buf_adds(&w->out, "USER root\n");
	for (size_t k = 0; k < i->args.count; k++) {
		if (docker_plain(w, i->args.items[k].name, "_", "build argument"))
			buf_addf(&w->out, "ARG %s\n", i->args.items[k].name);
	}
}

/* Build steps trust the host's bundle by variables that end with the build. */
static void write_certificates(struct writer *w)
{
	if (!w->r->certificates)
		return;
	if (w->r->image->certificates_host) {
		docker_copy(w, NULL, "host.crt", host_bundle_in_image);
		docker_run(w,
			"if command -v update-ca-certificates >/dev/null;"
			" then update-ca-certificates; fi",
			NULL);
	}
	for (const struct trust_variable *v = trust_variables; v->name; v++)
		buf_addf(&w->out, "ARG %s=%s\n", v->name, host_bundle_in_image);
}

static bool named_locale(const char *locale)
{
	return locale && !starts_with(locale, "C.") && !streq(locale, "C") &&
	       !streq(locale, "POSIX");
}

static bool named_zone(const char *zone)
{
	return zone && !streq(zone, "UTC") && !streq(zone, "Etc/UTC");
}

void rung_packages(struct make *m, const struct rung *r, struct strs *out)
{
	const struct image *i = r->image;
	for (size_t k = 0; k < i->packages.count; k++)
		strs_add(m->a, out, i->packages.items[k]);
	if (named_locale(i->locale))
		strs_add(m->a, out, "locales");
	if (named_zone(i->timezone))
		strs_add(m->a, out, "tzdata");
}

static void write_packages(struct writer *w)
{
	static const char script[] = "export DEBIAN_FRONTEND=noninteractive\n"
				     "%s-q update\n"
				     "%s-q -y --no-install-recommends install -- \"$@\"\n"
				     "apt-get clean\n"
				     "rm -rf /var/lib/apt/lists/*";
	struct strs args = { 0 };
	const char *apt = w->r->certificates
				  ? arena_printf(w->m->a,
					    "apt-get -o Acquire::Retries=3 -o Dpkg::Use-Pty=0"
					    " -o Acquire::https::CAInfo=%s ",
					    host_bundle_in_image)
				  : "apt-get -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 ";
	strs_add(w->m->a, &args, "apt-get");
	rung_packages(w->m, w->r, &args);
	if (args.count > 1 && w->r->lock && w->r->lock->packages.count) {
		args.count = 1;
		const char *locked = locked_install(w->m, w->r, apt, &args);
		docker_run(w, locked, &args);
	} else if (args.count > 1)
		docker_run(w, arena_printf(w->m->a, script, apt, apt), &args);
}

static void write_locale(struct writer *w)
{
	static const char make_locale[] =
		"localedef -i \"${1%%.*}\" -f \"$(echo \"$1.UTF-8\" | cut -d. -f2)\" \"$1\"";
	static const char set_zone[] = "ln -snf \"/usr/share/zoneinfo/$1\" /etc/localtime\n"
				       "echo \"$1\" >/etc/timezone";
	const struct image *i = w->r->image;
	struct strs locale = { 0 }, zone = { 0 };
	strs_add(w->m->a, &locale, "locale");
	strs_add(w->m->a, &locale, i->locale);
	strs_add(w->m->a, &zone, "timezone");
	strs_add(w->m->a, &zone, i->timezone);
	if (named_locale(i->locale))
		docker_run(w, make_locale, &locale);
	if (named_zone(i->timezone))
		docker_run(w, set_zone, &zone);
	if (i->locale)
		docker_env(w, "LANG", i->locale, i->place);
	if (i->timezone)
		docker_env(w, "TZ", i->timezone, i->place);
}

/* An id may be taken (-o), also by root: in development it is the developer's own. */
static void write_user(struct writer *w)
{
	static const char script[] =
		"if getent group \"$1\" >/dev/null; then groupmod -o -g \"$3\" \"$1\";"
		" else groupadd -o -g \"$3\" \"$1\"; fi\n"
		"if getent passwd \"$1\" >/dev/null;"
		" then usermod -o -u \"$2\" -g \"$3\" -d \"/home/$1\" \"$1\";"
		" else useradd -o -l -M -u \"$2\" -g \"$3\" -d \"/home/$1\" -s /bin/sh \"$1\"; fi\n"
		"mkdir -p \"/home/$1\"\n"
		"chown \"$2:$3\" \"/home/$1\"";
	const struct image *i = w->r->image;
	struct strs args = { 0 };
	if (!i->user_own || streq(i->user, "root") || !docker_plain(w, i->user, "_-", "user"))
		return;
	strs_add(w->m->a, &args, "user");
	strs_add(w->m->a, &args, i->user);
	strs_add(w->m->a, &args, arena_printf(w->m->a, "%ld", (long)mapped_uid(w->m, i)));
	strs_add(w->m->a, &args, arena_printf(w->m->a, "%ld", (long)mapped_gid(w->m, i)));
	docker_run(w, script, &args);
}

static void write_files(struct writer *w)
{
	const struct image *i = w->r->image;
	for (size_t k = 0; k < i->files.count; k++) {
		const struct image_file *f = &i->files.items[k];
		const char *target = f->target;
		if (ends_with(target, "/"))
			target = arena_printf(w->m->a, "%s%s", target, path_base(f->source));
		docker_copy(w, f->owner, rung_file_name(w->m->a, k), target);
	}
}

static void write_rest(struct writer *w)
{
	const struct image *i = w->r->image;
	for (size_t k = 0; k < i->run.count; k++) {
		if (holds_secret(i->run.items[k]))
			complain(w->m, i->place,
				"a secret in `run` of image %s would stay in its history", i->name)
				->hint = "fetch what needs it when the service starts";
		docker_run(w, i->run.items[k], NULL);
	}
	for (size_t k = 0; k < i->env.count; k++)
		docker_env(w, i->env.items[k].name,
			i->env.items[k].value ? i->env.items[k].value : "", i->env.items[k].place);
	if (i->user && docker_plain(w, i->user, "_-.", "user"))
		buf_addf(&w->out, "USER %s\n", i->user);
}

char *dockerfile_text(struct make *m, const struct rung *r)
{
	struct writer w = { m, r, BUF_INIT };
	write_from(&w);
	write_certificates(&w);
	write_packages(&w);
	write_locale(&w);
	write_user(&w);
	write_files(&w);
	write_rest(&w);
	char *text = arena_strdup(m->a, buf_str(&w.out));
	buf_release(&w.out);
	return text;
}
