/*
 * A merged tree in, the project out: the parts are decoded in the order in which they lean on one
 * another, then names and rules are checked. Knows no files, clock or engine.
 */
#include "decode.h"

#include "base/os.h"

static void head_read(struct decode *c)
{
	struct project *p = c->p;
	const char *name = c->req->name ? c->req->name : text_at(c->tree, "name");
	p->tree = c->tree;
	p->dir = c->req->dir;
	p->environment = c->req->environment ? c->req->environment : "dev";
	p->host = c->req->host;
	p->tools = c->req->tools;
	p->run = c->req->run;
	p->frozen = c->req->frozen;
	p->dev = streq(p->environment, "dev") || p->run;
	p->name = project_slug(c->a, name ? name : path_base(p->dir));
	p->workspace = p->run ? workspace_run_id(c->a, p->name, p->run)
			      : workspace_id(c->a, p->name, p->dir);
	p->base = p->run ? path_join(c->a, c->req->state, p->workspace) : p->dir;
}

int project_decode(struct arena *a, struct node *tree, const struct project_request *req,
	struct project *out, struct diags *d)
{
	struct decode c = { .a = a, .d = d, .p = out, .req = req, .tree = tree };
	size_t before = d->errors;
	*out = (struct project){ 0 };
	head_read(&c);
	set_apart(&c);
	check_requires(&c);
	decode_data(&c);
	decode_images(&c);
	decode_services(&c);
	resolve_services(&c);
	decode_words(&c);
	decode_layouts(&c);
	decode_debug(&c);
	decode_ci(&c);
	check_names(&c);
	check_references(&c);
	check_rules(&c);
	return d->errors == before ? 0 : -1;
}
