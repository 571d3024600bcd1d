/*
 * Walks a tree along its field tables. Comes in: a merged, substituted, canonical tree. Goes out:
 * diagnostics with place and path; strings that ${...} made become the number or boolean they
 * spell.
 */
#include "doc/schema.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

struct check {
	struct arena *a;
	struct diags *d;
};

/* How we came here, from the inside out; the path is written only when something is said. */
struct step {
	const struct step *up;
	const char *key; /* NULL: a list's item */
	size_t index;
};

static const char *path_of(struct check *c, const struct step *s)
{
	if (!s)
		return NULL;
	const char *up = path_of(c, s->up);
	return s->key ? path_key(c->a, up, s->key) : path_index(c->a, up, s->index);
}

static bool is_extension(const char *key)
{
	return key[0] == 'x' && key[1] == '-';
}

static bool listed(const char *const *list, const char *word)
{
	for (; list && *list; list++)
		if (streq(*list, word))
			return true;
	return false;
}

static const struct field *named(const struct schema *s, const char *key)
{
	for (const struct field *f = s->fields; f && f->name; f++)
		if (f->name[0] == key[0] && !strcmp(f->name, key))
			return f;
	return NULL;
}

const struct field *schema_field(const struct schema *s, const char *key)
{
	if (!s || is_extension(key))
		return NULL;
	const struct field *f = named(s, key);
	return f || listed(s->carried, key) ? f : s->any;
}

/* What is said about a value; the caller adds the hint. */
static struct diag *say(
	struct check *c, const struct step *at, struct place place, const char *message)
{
	struct diag *g = diag_add(c->d, SEV_ERROR, place, "%s", message);
	g->path = path_of(c, at);
	return g;
}

/* The kinds that a field takes, for "expected ...". Scalars of one family share a name. */
static const struct kind_words {
	unsigned mask; /* all of these... */
	const char *text;
} kind_words[] = {
	{ T_TEXT, "text" },
	{ T_STR, "text" },
	{ T_NUM, "a number" },
	{ T_INT, "a whole number" },
	{ T_FLOAT, "a number" },
	{ T_BOOL, "true or false" },
	{ T_LIST, "a list" },
	{ T_MAP, "a map" },
};

static void add_choices(struct buf *b, const struct field *f)
{
	buf_adds(b, f->choices[1] ? "one of " : "");
	for (size_t i = 0; f->choices[i]; i++)
		buf_addf(b, "%s%s", i ? ", " : "", f->choices[i]);
}

static const char *scalar_words(const struct field *f, const char *text)
{
	const struct format *fm = format_of(f->format);
	return fm->fits ? fm->what : text;
}

/* "a whole number from 1 to 65535", "true or false, or a list", "one of on, warn" */
static const char *expected(struct check *c, const struct field *f)
{
	cleanup_buf struct buf b = BUF_INIT;
	unsigned left = f->types & ~(unsigned)T_NULL;
	if (f->choices) {
		add_choices(&b, f);
		left &= ~(unsigned)T_TEXT;
	}
	for (size_t i = 0; i < countof(kind_words); i++) {
		const struct kind_words *w = &kind_words[i];
		if ((left & w->mask) != w->mask)
			continue;
		left &= ~w->mask;
		buf_addf(&b, "%s%s", b.len ? (left ? ", " : " or ") : "",
			w->mask & T_STR ? scalar_words(f, w->text) : w->text);
		if (w->mask & T_INT && f->min < f->max)
			buf_addf(&b, " from %lld to %lld", (long long)f->min, (long long)f->max);
	}
	return arena_strndup(c->a, buf_str(&b), b.len);
}

enum { SHOWN = 60 };

/* "a string \"abc\"", "a whole number 5", "a list" */
static const char *got(struct check *c, const struct node *n)
{
	if (n->secret)
		return arena_printf(c->a, "%s (a secret)", node_kind_name(n->kind));
	if (!node_is_scalar(n))
		return node_kind_name(n->kind);
	size_t len = n->len, bad;
	if (len > SHOWN) {
		len = SHOWN;
		if (!utf8_valid(n->text, len, &bad) && len - bad < 4)
			len = bad;
	}
	const char *more = len < n->len ? "..." : "";
	if (n->kind == NODE_BOOL)
		return n->text;
	if (n->kind == NODE_STR)
		return arena_printf(c->a, "a string \"%.*s%s\"", (int)len, n->text, more);
	return arena_printf(c->a, "%s %.*s%s", node_kind_name(n->kind), (int)len, n->text, more);
}

static struct diag *mismatch(
	struct check *c, const struct step *at, const struct field *f, const struct node *n)
{
	return say(c, at, n->place,
		arena_printf(c->a, "expected %s, got %s", expected(c, f), got(c, n)));
}

/* YAML 1.1's booleans, which are strings in 1.2. -1: none. */
static int old_boolean(const char *s)
{
	static const char *const words[] = { "no", "yes", "off", "on", "n", "y", "false", "true" };
	for (size_t i = 0; i < countof(words); i++)
		if (!strcasecmp(words[i], s))
			return i & 1;
	return -1;
}

/* What to do about a value of the wrong type, or NULL. */
static const char *type_hint(struct check *c, const struct field *f, const struct node *n)
{
	const struct node *read =
		n->kind == NODE_STR ? node_plain(c->a, n->text, n->len, n->place) : n;
	const char *text = n->secret ? NULL : node_text(n);
	if (n->kind == NODE_STR && f->types & 1u << read->kind && n->quoted)
		return "remove the quotes";
	if (n->kind == NODE_STR && f->types & T_BOOL && old_boolean(n->text) >= 0)
		return arena_printf(c->a, "\"%s\" is a string in YAML 1.2: write %s", n->text,
			old_boolean(n->text) ? "true" : "false");
	if (n->kind == NODE_FLOAT && f->types & T_INT && n->real == (double)(int32_t)n->real)
		return arena_printf(c->a, "write %d", (int)n->real);
	if (text && f->types & T_STR && n->len < SHOWN)
		return arena_printf(c->a, "put it in quotes: \"%s\"", text);
	if (text && f->types & T_LIST && n->len < SHOWN)
		return arena_printf(c->a, "write it as a list: [%s]", text);
	return NULL;
}

/*
 * A string that ${...} made is read again when the field wants no text, in quotes or not; so is a
 * quoted true or false (Compose casts both).
 */
static void retype(struct check *c, const struct field *f, struct node *n)
{
	if (n->kind != NODE_STR || f->types & T_STR)
		return;
	bool truth = n->quoted && f->types & T_BOOL &&
		     (streq(n->text, "true") || streq(n->text, "false"));
	if (!n->substituted && !truth)
		return;
	struct node *read = node_plain(c->a, n->text, n->len, n->place);
	int boolean = f->types & T_BOOL ? old_boolean(n->text) : -1;
	if (boolean >= 0) {
		n->kind = NODE_BOOL;
		n->boolean = boolean;
	} else if (f->types & 1u << read->kind && read->kind == NODE_INT) {
		n->kind = NODE_INT;
		n->integer = read->integer;
	} else if (f->types & T_FLOAT && (read->kind == NODE_FLOAT || read->kind == NODE_INT)) {
		n->real = read->kind == NODE_INT ? (double)read->integer : read->real;
		n->kind = NODE_FLOAT;
	}
}

/* Text whose end is not known yet: ${secret.X} and ${service.X.port} are opened later. */
static bool is_open(const struct node *n)
{
	return n->kind == NODE_STR &&
	       (strstr(n->text, "${secret.") || strstr(n->text, "${service."));
}

static bool check_choice(
	struct check *c, const struct step *at, const struct field *f, const struct node *n)
{
	size_t count = 0;
	bool number = n->kind != NODE_STR && (f->types & T_TEXT) != T_TEXT;
	if (!f->choices || n->kind == NODE_BOOL || number || listed(f->choices, n->text))
		return true;
	while (f->choices[count])
		count++;
	const char *near = nearest_name(n->text, f->choices, count);
	struct diag *g = mismatch(c, at, f, n);
	if (near)
		g->hint = arena_printf(c->a, "did you mean \"%s\"?", near);
	return false;
}

static bool check_range(
	struct check *c, const struct step *at, const struct field *f, const struct node *n)
{
	const char *digits = n->text + (*n->text == '-' || *n->text == '+');
	if (n->kind != NODE_INT)
		return true;
	if (!(f->types & T_STR) && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9') {
		say(c, at, n->place,
			arena_printf(c->a,
				"the number %s begins with 0, which some readers take for octal",
				n->text))
			->hint =
			arena_printf(c->a, "write %lld, or 0o... for octal", (long long)n->integer);
		return false;
	}
	if (f->min >= f->max || (n->integer >= f->min && n->integer <= f->max))
		return true;
	mismatch(c, at, f, n);
	return false;
}

static void check_format(
	struct check *c, const struct step *at, const struct field *f, const struct node *n)
{
	const struct format *fm = format_of(f->format);
	bool number = n->kind != NODE_STR && (f->types & T_TEXT) != T_TEXT && f->types & T_STR;
	if (fm->fits && n->kind != NODE_BOOL && !number && !fm->fits(n->text))
		mismatch(c, at, f, n)->hint = fm->hint;
}

static void check_map(
	struct check *c, const struct step *at, const struct schema *s, const struct node *n);
static void check_value(
	struct check *c, const struct step *at, const struct field *f, struct node *n);

static void check_list(
	struct check *c, const struct step *at, const struct field *f, const struct node *n)
{
	struct node *item;
	if (!n->list.count && f->flags & FIELD_ONE_OR_MORE)
		say(c, at, n->place, "this list must not be empty");
	node_each_item(n, i, item)
	{
		struct step inside = { at, NULL, i };
		if (f->item)
			check_value(c, &inside, f->item, item);
	}
}

static bool type_fits(const struct field *f, const struct node *n)
{
	return f->types & 1u << n->kind || (n->kind == NODE_INT && f->types & T_FLOAT);
}

static void check_value(
	struct check *c, const struct step *at, const struct field *f, struct node *n)
{
	if (!n || n->kind == NODE_NULL)
		return;
	retype(c, f, n);
	if (!type_fits(f, n))
		mismatch(c, at, f, n)->hint = type_hint(c, f, n);
	else if (n->kind == NODE_MAP && f->map)
		check_map(c, at, f->map, n);
	else if (n->kind == NODE_LIST)
		check_list(c, at, f, n);
	else if (node_is_scalar(n) && !is_open(n) && check_choice(c, at, f, n) &&
		 check_range(c, at, f, n))
		check_format(c, at, f, n);
}

/* The nearest name that the map knows, or all of them when they are few. */
static const char *key_hint(struct check *c, const struct schema *s, const char *key)
{
	struct strs names = { NULL, 0, 0 };
	for (const struct field *f = s->fields; f && f->name; f++)
		strs_add(c->a, &names, f->name);
	size_t own = names.count;
	for (const char *const *k = s->carried; k && *k; k++)
		strs_add(c->a, &names, *k);
	const char *near = nearest_name(key, names.items, names.count);
	if (near)
		return arena_printf(c->a, "did you mean \"%s\"?", near);
	names.count = own;
	if (own && own <= 12)
		return arena_printf(c->a, "known here: %s", strs_join(c->a, &names, ", "));
	return "keys that begin with x- are yours to use";
}

static void say_unknown(
	struct check *c, const struct step *at, const struct schema *s, const struct node_pair *p)
{
	const char *in = s->name ? arena_printf(c->a, " in %s", s->name) : "";
	say(c, at, p->key_place,
		arena_printf(c->a, "unknown key \"%.*s%s\"%s", SHOWN, p->key,
			strlen(p->key) > SHOWN ? "..." : "", in))
		->hint = key_hint(c, s, p->key);
}

static void check_any(
	struct check *c, const struct step *at, const struct schema *s, const struct node_pair *p)
{
	const struct format *fm = format_of(s->key_format);
	if (fm->fits && !fm->fits(p->key))
		say(c, at, p->key_place,
			arena_printf(c->a, "\"%.*s%s\" cannot be %s", SHOWN, p->key,
				strlen(p->key) > SHOWN ? "..." : "", fm->what))
			->hint = fm->hint;
	check_value(c, at, s->any, p->value);
}

static void check_pair(
	struct check *c, const struct step *at, const struct schema *s, const struct node_pair *p)
{
	const struct field *f = named(s, p->key);
	if (f) {
		check_value(c, at, f, p->value);
	} else if (!listed(s->carried, p->key)) {
		if (s->any)
			check_any(c, at, s, p);
		else
			say_unknown(c, at, s, p);
	}
}

/* Is there a key that was meant to be this one, and reported as unknown? */
static bool misspelt(const struct schema *s, const struct node *n, const char *name)
{
	const struct node_pair *p;
	node_each_pair(n, i, p)
	{
		const char *const wanted[] = { name };
		if (!is_extension(p->key) && !schema_field(s, p->key) &&
			nearest_name(p->key, wanted, 1))
			return true;
	}
	return false;
}

static void check_missing(
	struct check *c, const struct step *at, const struct schema *s, const struct node *n)
{
	for (const struct field *f = s->fields; f && f->name; f++) {
		const struct node *v = f->flags & FIELD_REQUIRED ? node_get(n, f->name) : n;
		if ((v && v->kind != NODE_NULL) || misspelt(s, n, f->name))
			continue;
		say(c, at, n->place, arena_printf(c->a, "\"%s\" is missing", f->name))->hint =
			f->help ? arena_printf(c->a, "%s: %s", f->name, f->help) : NULL;
	}
}

static void check_map(
	struct check *c, const struct step *at, const struct schema *s, const struct node *n)
{
	const struct node_pair *p;
	node_each_pair(n, i, p)
	{
		struct step inside = { at, p->key, 0 };
		if (!is_extension(p->key))
			check_pair(c, &inside, s, p);
	}
	check_missing(c, at, s, n);
}

void schema_check(struct arena *a, const struct schema *s, struct node *n, struct diags *d)
{
	struct check c = { a, d };
	const struct field root = { .types = T_MAP, .map = s };
	check_value(&c, NULL, &root, n);
}
