/*
 * Ports: "IP:H:C/udp", 8080, ranges, {name: {target, published}} -> a list of maps with name?,
 * target, published?, protocol?, host_ip?. A protocol that a map does not mention is filled in only
 * in the second pass, so that an overlay which says nothing about it loses nothing.
 */
#include "config/canonical.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

struct port_text { /* the parts of a short form; s NULL: not said */
	struct piece ip, published, target, protocol;
};

struct range {
	int64_t first, last;
};

static const char port_hint[] = "write [[IP:]PUBLISHED:]TARGET[/PROTOCOL], ports being 1 to 65535";

static bool split_port(struct piece p, struct port_text *out)
{
	size_t slash = find_last(p.s, p.len, '/'), cut;

	*out = (struct port_text){ .target = { p.s, slash } };
	if (slash < p.len)
		out->protocol = (struct piece){ p.s + slash + 1, p.len - slash - 1 };
	cut = find_last(p.s, slash, ':');
	if (cut == slash)
		return slash > 0;
	out->target = (struct piece){ p.s + cut + 1, slash - cut - 1 };
	size_t ip = find_last(p.s, cut, ':');
	out->published = (struct piece){ p.s, cut };
	if (ip < cut) {
		out->published = (struct piece){ p.s + ip + 1, cut - ip - 1 };
		out->ip = (struct piece){ p.s, ip };
		if (ip > 1 && p.s[0] == '[' && p.s[ip - 1] == ']')
			out->ip = (struct piece){ p.s + 1, ip - 2 };
	}
	return out->target.len > 0;
}

static bool read_port(struct piece p, int64_t low, int64_t *out)
{
	char text[8];

	if (!p.len || p.len >= sizeof(text))
		return false;
	memcpy(text, p.s, p.len);
	text[p.len] = '\0';
	return parse_int(text, out) && *out >= low && *out <= 65535;
}

static bool read_range(struct piece p, int64_t low, struct range *out)
{
	const char *dash = memchr(p.s, '-', p.len);
	size_t first = dash ? (size_t)(dash - p.s) : p.len;

	if (!read_port((struct piece){ p.s, first }, low, &out->first))
		return false;
	out->last = out->first;
	if (dash && !read_port((struct piece){ dash + 1, p.len - first - 1 }, low, &out->last))
		return false;
	return out->last >= out->first;
}

static struct node *lower_text(struct canonical *c, struct piece p, const struct node *from)
{
	char *text = arena_strndup(c->a, p.s, p.len);

	if (!piece_is_open(c, p))
		for (char *s = text; *s; s++)
			*s = (char)tolower((unsigned char)*s);
	return text_node(c, (struct piece){ text, p.len }, from);
}

/* One entry; target and published are filled in by the caller. */
static struct node *port_entry(struct canonical *c, const struct node *from, const char *name,
	struct node *target, struct node *published, const struct port_text *t)
{
	struct node *map = brief_map(c, from);

	if (name)
		put_node(c, map, "name", node_str(c->a, name, from->place));
	put_node(c, map, "target", target);
	if (published)
		put_node(c, map, "published", published);
	put_node(c, map, "protocol",
		t->protocol.s ? lower_text(c, t->protocol, from)
			      : node_str(c->a, "tcp", from->place));
	if (t->ip.len)
		put_node(c, map, "host_ip", text_node(c, t->ip, from));
	return map;
}

/* Parts that are still open stay text. */
static void add_open(struct canonical *c, struct gather *list, const struct node *from,
	const char *name, const struct port_text *t)
{
	struct range target;
	struct node *published = t->published.len ? text_node(c, t->published, from) : NULL;
	struct node *number = read_range(t->target, 1, &target)
				      ? node_int(c->a, target.first, from->place)
				      : text_node(c, t->target, from);

	gather_add(list, port_entry(c, from, name, number, published, t));
}

static void add_range(struct canonical *c, struct gather *list, const struct node *from,
	const char *name, const struct port_text *t, struct range target, struct range published)
{
	for (int64_t i = 0; i <= target.last - target.first; i++) {
		struct node *host = NULL;
		if (t->published.len)
			host = node_strf(c->a, from->place, "%d", (int)(published.first + i));
		struct node *port = node_int(c->a, target.first + i, from->place);
		gather_add(list, port_entry(c, from, name, port, host, t));
	}
}

/* Is the number of ports all right? Says so when it is not. */
static bool range_fits(struct canonical *c, const struct node *from, const struct port_text *t,
	struct range target, struct range published, const char *name)
{
	size_t count = (size_t)(target.last - target.first) + 1;

	if (t->published.len && published.last - published.first != target.last - target.first) {
		canonical_error(c, from, port_hint, "the two ranges of \"%s\" differ in length",
			node_text(from));
		return false;
	}
	if (name && count > 1) {
		canonical_error(
			c, from, "give each port its own name", "\"%s\" names several ports", name);
		return false;
	}
	if (count > c->ports_left) {
		canonical_error(c, from, NULL, "more than %d ports in one file", CONFIG_MAX_PORTS);
		return false;
	}
	c->ports_left -= count;
	return true;
}

static bool is_word(struct piece p)
{
	return p.len == 4 && !memcmp(p.s, "auto", 4);
}

/* A short form that has no open parts. */
static void add_closed(struct canonical *c, struct gather *list, const struct node *from,
	const char *name, const struct port_text *t)
{
	struct range target, published = { 0, 0 };

	if (!read_range(t->target, 1, &target) ||
		(t->published.len && !is_word(t->published) &&
			!read_range(t->published, 0, &published))) {
		canonical_error(c, from, port_hint, "\"%s\" is no port", node_text(from));
		return;
	}
	if (target.first == target.last && t->published.len &&
		(is_word(t->published) || published.first != published.last)) {
		add_open(c, list, from, name, t);
		return;
	}
	if (is_word(t->published)) {
		canonical_error(c, from, port_hint, "auto publishes one port, not a range");
		return;
	}
	if (!range_fits(c, from, t, target, published, name))
		return;
	add_range(c, list, from, name, t, target, published);
}

static bool is_range(struct piece p)
{
	return memchr(p.s, '-', p.len) != NULL;
}

static void add_short(struct canonical *c, struct gather *list, struct node *item, const char *name)
{
	struct piece whole = { item->text, item->len };
	struct port_text t;

	if (!split_port(whole, &t)) {
		canonical_error(c, item, port_hint, "\"%s\" is no port", item->text);
		return;
	}
	bool open = piece_is_open(c, whole);
	bool unclear = !t.published.s || (!piece_is_open(c, t.target) && is_range(t.target));
	if (open && unclear && !name && (!t.published.s || piece_is_open(c, t.published)))
		gather_add(list, item); /* may still turn out to be several parts */
	else if (piece_is_open(c, t.target) || piece_is_open(c, t.published))
		add_open(c, list, item, name, &t);
	else
		add_closed(c, list, item, name, &t);
}

/* Did substitution bring separators into what was one part? */
static bool burst(const struct node *n, const char *separators)
{
	return n && n->substituted && n->text && strpbrk(n->text, separators);
}

/* The short form of an entry again, for a part that turned out to be several. */
static void add_burst(struct canonical *c, struct gather *list, const struct node *item)
{
	const char *ip = node_text(node_get(item, "host_ip"));
	const char *published = node_text(node_get(item, "published"));
	const char *protocol = node_text(node_get(item, "protocol"));
	cleanup_buf struct buf text = BUF_INIT;

	if (ip)
		buf_addf(&text, "%s:", ip);
	if (ip || published)
		buf_addf(&text, "%s:", published ? published : "");
	buf_adds(&text, node_text(node_get(item, "target")));
	if (protocol && !strchr(node_text(node_get(item, "target")), '/'))
		buf_addf(&text, "/%s", protocol);
	struct node *again = node_strn(c->a, text.data, text.len, item->place);
	again->substituted = true;
	add_short(c, list, again, node_text(node_get(item, "name")));
}

static struct node *as_number(struct canonical *c, struct node *n)
{
	int64_t port;

	if (!n || n->kind != NODE_STR || !read_port((struct piece){ n->text, n->len }, 1, &port))
		return n;
	struct node *number = node_int(c->a, port, n->place);
	number->substituted = n->substituted;
	return number;
}

/* The long form: numbers as the canonical form has them. */
static struct node *tidy_entry(struct canonical *c, struct node *item)
{
	struct node *target = node_get(item, "target"), *published = node_get(item, "published");
	struct node *number = as_number(c, target), *out = item;
	bool protocol = c->after && target && !node_get(item, "protocol");

	if (number == target && !(published && published->kind == NODE_INT) && !protocol)
		return item;
	out = node_copy(c->a, item);
	if (number != target)
		put_node(c, out, "target", number);
	if (published && published->kind == NODE_INT)
		put_node(c, out, "published", node_str(c->a, published->text, published->place));
	if (protocol)
		put_node(c, out, "protocol", node_str(c->a, "tcp", item->place));
	return out;
}

static void add_entry(struct canonical *c, struct gather *list, struct node *item)
{
	const struct node *target = node_get(item, "target");
	bool split = c->after && item->brief && node_text(target) &&
		     (burst(target, ":/-") || burst(node_get(item, "published"), ":"));

	if (split)
		add_burst(c, list, item);
	else
		gather_add(list, tidy_entry(c, item));
}

/* Our own notation: names, each with a port or with {target, published}. */
static void add_named(struct canonical *c, struct gather *list, const struct node_pair *pair)
{
	struct node *value = pair->value;

	if (node_is_scalar(value)) {
		add_short(c, list, value, pair->key);
	} else if (value->kind == NODE_LIST) {
		canonical_error(
			c, value, "write NAME: { target: PORT }", "port %s is a list", pair->key);
	} else {
		struct node *map = value->kind == NODE_MAP ? node_copy(c->a, value)
							   : node_map(c->a, value->place);
		map->tag = value->tag;
		if (!node_get(map, "name"))
			put_node(c, map, "name", node_str(c->a, pair->key, pair->key_place));
		add_entry(c, list, map);
	}
}

struct node *form_ports(struct canonical *c, struct node *n, const struct field *f)
{
	struct node *from = as_list(c, n), *item;
	struct gather list = { .c = c, .from = n };
	const struct node_pair *pair;

	(void)f;
	if (from->kind == NODE_NULL)
		return n;
	node_each_pair(from, i, pair) add_named(c, &list, pair);
	node_each_item(from, i, item)
	{
		if (node_is_scalar(item))
			add_short(c, &list, item, NULL);
		else if (item->kind == NODE_MAP)
			add_entry(c, &list, item);
		else
			canonical_error(
				c, item, port_hint, "%s is no port", node_kind_name(item->kind));
	}
	return gather_done(&list);
}
