/*
 * ${service.X.host|port|url} in text, as the one who reads it reaches X; and text on its way into
 * the compose file, where a dollar sign must stand twice and a secret must not stand at all.
 */
#include "parts.h"

#include <string.h>

struct expansion {
	struct arena *a;
	const struct project *p;
	const struct world *w;
	const struct service *consumer; /* NULL: the host */
	int number;                     /* of the consumer's copy on the host; 0: none */
	struct place at;
	struct diags *d; /* NULL: nobody listens */
};

static const char reference[] = "${service.";

/* Containers meet by name on their network; all others by what is published on this machine. */
static bool on_network(const struct service *s)
{
	const char *mode = s ? node_text(node_get(s->node, "network_mode")) : NULL;
	return s && s->where == RUN_CONTAINER && !streq(mode, "host");
}

static struct diag *expand_fails(
	const struct expansion *x, const char *name, const char *fact, const char *what)
{
	struct diags unheard = DIAGS_INIT(x->a);
	return diag_add(
		x->d ? x->d : &unheard, SEV_ERROR, x->at, "${service.%s.%s}: %s", name, fact, what);
}

static const char *host_of(const struct expansion *x, const struct service *s)
{
	if (!on_network(x->consumer))
		return "127.0.0.1";
	return s->where == RUN_HOST ? host_gateway : s->name;
}

static int port_of(const struct expansion *x, const struct service *s, const struct port *p)
{
	if (s->where == RUN_HOST)
		return host_port(x->w, s, p, s == x->consumer && x->number ? x->number : 1);
	return on_network(x->consumer) ? p->target : published_port(x->w, s, p);
}

static const char *fact_of(const struct expansion *x, const struct service *s, const char *fact)
{
	const struct port *p = service_port(s, NULL);
	if (s->left_out) {
		expand_fails(x, s->name, fact, "it is left out, for it cannot run on the host")
			->hint = "say how under it, as in host: { command: ... }, or leave out "
				 "--host";
		return NULL;
	}
	if (streq(fact, "host"))
		return host_of(x, s);
	if (!p) {
		expand_fails(x, s->name, fact, "it has no port");
		return NULL;
	}
	int port = port_of(x, s, p);
	if (!port && p->how == PUB_NONE && s->where == RUN_CONTAINER)
		expand_fails(x, s->name, fact, "it publishes no port on this machine")->hint =
			"give its port `published: auto`";
	if (streq(fact, "port"))
		return arena_printf(x->a, "%d", port);
	return arena_printf(x->a, "%s://%s:%d", url_scheme(s, p), host_of(x, s), port);
}

/* What stands for "X.fact"; NULL after an error. */
static const char *replacement(const struct expansion *x, const char *name, size_t len)
{
	char *word = arena_strndup(x->a, name, len), *dot = strrchr(word, '.');
	const char *fact = dot ? dot + 1 : "";
	if (dot)
		*dot = '\0';
	const struct service *s = project_service(x->p, word);
	if (s && (streq(fact, "host") || streq(fact, "port") || streq(fact, "url")))
		return fact_of(x, s, fact);
	expand_fails(x, word, fact,
		s ? "only host, port and url can be asked for" : "there is no such service");
	return NULL;
}

static const char *expand(const struct expansion *x, const char *text)
{
	cleanup_buf struct buf out = BUF_INIT;
	for (const char *at; (at = find_reference(text, reference));) {
		const char *name = at + strlen(reference), *end = strchr(name, '}');
		if (!end)
			break;
		const char *value = replacement(x, name, (size_t)(end - name));
		buf_add(&out, text, (size_t)(at - text));
		buf_adds(&out, value ? value : "");
		text = end + 1;
	}
	buf_adds(&out, text);
	return arena_strdup(x->a, buf_str(&out));
}

const char *plan_expand(struct arena *a, const struct project *p, const struct world *w,
	const struct service *consumer, const char *text, struct place at, struct diags *d)
{
	struct expansion x = { a, p, w, consumer, 0, at, d };
	return text && find_reference(text, reference) ? expand(&x, text) : text;
}

const char *expand_for_copy(
	struct make *m, const struct service *s, int number, const char *text, struct place at)
{
	struct expansion x = { m->a, m->p, m->w, s, number, at, m->d };
	return text && find_reference(text, reference) ? expand(&x, text) : text;
}

bool holds_secret(const char *text)
{
	return find_reference(text, "${secret.") != NULL;
}

/* "$${secret.x}" kept both signs on its way here: it is the text "${secret.x}". */
bool escaped_reference(const char *at)
{
	return starts_with(at, "$${secret.") || starts_with(at, "$${service.");
}

static const char *dollars(struct arena *a, const char *text)
{
	cleanup_buf struct buf out = BUF_INIT;
	if (!strchr(text, '$'))
		return text;
	for (const char *s = text; *s; s++) {
		s += escaped_reference(s);
		buf_adds(&out, *s == '$' ? "$$" : (char[]){ *s, '\0' });
	}
	return arena_strdup(a, buf_str(&out));
}

const char *compose_text(struct make *m, const struct unit *u, const char *text, struct place at)
{
	if (holds_secret(text)) {
		complain(m, at, "a secret would be visible here to everyone who may use the engine")
			->hint = "give it to the service by `secrets:` (a file under /run/secrets) "
				 "or by `environment:`";
		return "";
	}
	text = plan_expand(m->a, m->p, m->w, u ? u->service : NULL, text, at, m->d);
	return dollars(m->a, text);
}
