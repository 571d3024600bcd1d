/*
 * `ports:` of a service in its long form, typed ports out. A named port without `published` stays
 * inside; Compose's nameless ones get a free port, as Compose gives them.
 */
#include "decode.h"

#include <string.h>

static bool port_number(const char *text, size_t len, int *out)
{
	char digits[8];
	int64_t n;
	if (len >= sizeof(digits))
		return false;
	memcpy(digits, text, len);
	digits[len] = '\0';
	if (!parse_int(digits, &n) || n < 0 || n > 65535)
		return false;
	*out = (int)n;
	return true;
}

/* "8080", "8080-8090" (the first is wanted), "auto", "" and 0 (any). */
static bool published_read(struct port *p, const char *text)
{
	if (!*text || streq(text, "auto") || streq(text, "true")) {
		p->how = PUB_AUTO;
		return true;
	}
	if (streq(text, "none") || streq(text, "false")) {
		p->how = PUB_NONE;
		return true;
	}
	int last;
	size_t len = strcspn(text, "-");
	if (!port_number(text, len, &p->published))
		return false;
	if (text[len] && !(port_number(text + len + 1, strlen(text + len + 1), &last) &&
				 last >= p->published))
		return false;
	p->how = p->published ? PUB_FIXED : PUB_AUTO;
	return true;
}

static void port_read(struct decode *c, struct service *s, const struct node *n, const char *path)
{
	static const struct slot slots[] = {
		{ "name", SLOT_TEXT, offsetof(struct port, name) },
		{ "target", SLOT_INT, offsetof(struct port, target) },
		{ "protocol", SLOT_TEXT, offsetof(struct port, protocol) },
		{ "host_ip", SLOT_TEXT, offsetof(struct port, host_ip) },
	};
	struct port p = { .protocol = "tcp", .place = n->place };
	const struct node *published = node_get(n, "published");
	const char *bind = text_at(n, "bind");
	slots_read(c, n, slots, countof(slots), &p);
	p.how = p.name ? PUB_NONE : PUB_AUTO;
	p.lan = streq(bind ? bind : text_at(s->node, "bind"), "lan");
	if (published && node_is_scalar(published) && !published_read(&p, node_text(published))) {
		struct diag *d = say(c, SEV_ERROR, published->place, path_of(c, path, "published"),
			"\"%s\" is not a port that can be published", node_text(published));
		d->hint = "a number from 1 to 65535, a range like 8000-8010, auto, or false";
	}
	if (p.target >= 1 && p.target <= 65535)
		*list_push(c->a, &s->ports) = p;
}

void decode_ports(struct decode *c, struct service *s, const char *path)
{
	struct node *item;
	node_each_item(node_get(s->node, "ports"), i, item)
	{
		if (item->kind == NODE_MAP)
			port_read(c, s, item, path_item(c, path_of(c, path, "ports"), i));
	}
}
