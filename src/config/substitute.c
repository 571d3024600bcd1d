/*
 * ${...} filled in, once, after the merge. In: the merged tree, `vars:` and a look-up. Out: a tree
 * whose strings are final, but for kept references (${secret.x}). Values are never scanned again;
 * keys are only touched where they were part of a list's item. What comes from outside and looks
 * like a kept reference is written as $${...}, so that nobody can smuggle one in.
 */
#include "config/rules.h"

#include <ctype.h>
#include <string.h>

#include "base/map.h"

enum var_state { VAR_NEW, VAR_BUSY, VAR_DONE, VAR_BAD };

struct var {
	struct node *node; /* as written */
	const char *text;  /* once done */
	enum var_state state;
	bool secret;
};

struct subst {
	struct arena *a;
	const struct config_request *req;
	struct diags *d;
	struct map vars;    /* name -> struct var */
	struct strs chain;  /* names of vars being resolved, for cycles */
	struct buf scratch; /* of the string at hand, taken up again for each */
	size_t budget;
	int depth;  /* of expansions within one another, through variables too */
	bool spent; /* the budget is gone: said so, everything stops */
};

/* One string on its way. */
struct job {
	struct subst *s;
	const struct node *node;
	const struct trail *t;
	struct buf out;
	bool secret, failed;
	int depth;
};

struct reference {
	const char *name;
	const char *operand; /* NULL: no operator */
	size_t operand_len;
	char operator; /* '-' '?' '+' or 0 */
	bool or_empty; /* with a colon before it */
};

static bool expand(struct job *j, const char *s, size_t len);

static struct diag *complain(struct job *j, const char *hint, const char *text)
{
	struct diag *d = diag_add(j->s->d, SEV_ERROR, j->node->place, "%s", text);

	d->path = trail_text(j->s->d->arena, j->t);
	d->hint = hint;
	j->failed = true;
	return d;
}

static void emit(struct job *j, const char *s, size_t len)
{
	if (len > j->s->budget) {
		if (!j->s->spent)
			complain(j, "some variable is used far too often",
				"substitution writes more than 8 MiB");
		j->s->spent = j->failed = true;
		return;
	}
	j->s->budget -= len;
	buf_add(&j->out, s, len);
}

static const char *kept_prefix(const struct subst *s, const char *name, size_t len)
{
	for (size_t i = 0; s->req->kept && s->req->kept[i]; i++) {
		size_t n = strlen(s->req->kept[i]);
		if (n < len && !memcmp(s->req->kept[i], name, n))
			return s->req->kept[i];
	}
	return NULL;
}

/* Text from outside: what would read as a kept reference gets a second dollar sign. */
static void emit_foreign(struct job *j, const char *s)
{
	size_t start = 0, len = strlen(s);

	for (const char *at = s; (at = strstr(at, "${")); at += 2) {
		size_t i = (size_t)(at - s);
		if (!kept_prefix(j->s, at + 2, len - i - 2))
			continue;
		emit(j, s + start, i - start);
		emit(j, "$", 1);
		start = i;
	}
	emit(j, s + start, len - start);
}

static bool is_name_start(char c)
{
	return isalpha((unsigned char)c) || c == '_';
}

static size_t name_length(const char *s, size_t len)
{
	size_t i = 0;

	if (!len || !is_name_start(s[0]))
		return 0;
	while (i < len && (isalnum((unsigned char)s[i]) || s[i] == '_'))
		i++;
	return i;
}

/* Names of ours have dots, and then hyphens too: service.my-db.port. */
static size_t dotted_length(const char *s, size_t len)
{
	size_t i = name_length(s, len);

	if (i < len && s[i] == '.')
		while (i < len && (isalnum((unsigned char)s[i]) || strchr("._-", s[i])))
			i++;
	return i;
}

/* Offset of the brace that closes what opened before s; len when none does. */
static size_t closing_brace(const char *s, size_t len)
{
	int open = 1;

	for (size_t i = 0; i < len; i++) {
		if (s[i] == '$' && i + 1 < len && s[i + 1] == '$')
			i++;
		else if (s[i] == '{')
			open++; /* of ${ and of plain text alike: ${X:-{}} has the default {} */
		else if (s[i] == '}' && --open == 0)
			return i;
	}
	return len;
}

static bool parse_reference(struct arena *a, const char *s, size_t len, struct reference *r)
{
	size_t n = dotted_length(s, len);

	*r = (struct reference){ .name = arena_strndup(a, s, n) };
	if (!n || n == len)
		return n > 0;
	r->or_empty = s[n] == ':';
	n += r->or_empty;
	if (n >= len || !strchr("-?+", s[n]))
		return false;
	r->operator= s[n];
	r->operand = s + n + 1;
	r->operand_len = len - n - 1;
	return true;
}

static const char *cycle_text(struct subst *s, const char *name)
{
	struct strs row = { 0 };
	bool in = false;

	for (size_t i = 0; i < s->chain.count; i++) {
		in = in || streq(s->chain.items[i], name);
		if (in)
			strs_add(s->a, &row, s->chain.items[i]);
	}
	strs_add(s->a, &row, name);
	return strs_join(s->a, &row, " -> ");
}

static void resolve_var(struct job *j, struct var *v, const char *name)
{
	struct trail up = trail_key(NULL, "vars"), at = trail_key(&up, name);
	struct job own = { .s = j->s, .node = v->node, .t = &at };
	const char *text = node_text(v->node);

	v->state = VAR_BUSY;
	strs_add(j->s->a, &j->s->chain, name);
	if (v->node->kind == NODE_LIST || v->node->kind == NODE_MAP)
		complain(&own, "a variable is a string, a number, true or false",
			arena_printf(
				j->s->a, "variable %s is %s", name, node_kind_name(v->node->kind)));
	else if (text)
		expand(&own, text, v->node->len);
	v->state = own.failed ? VAR_BAD : VAR_DONE;
	v->text =
		text && !own.failed ? arena_strndup(j->s->a, buf_str(&own.out), own.out.len) : NULL;
	v->secret = own.secret;
	j->s->chain.count--;
	buf_release(&own.out);
}

/* The variable of vars:, resolved; NULL: none, or a broken one (then the job has failed). */
static struct var *find_var(struct job *j, const char *name)
{
	struct var *v = map_get(&j->s->vars, name);

	if (!v)
		return NULL;
	if (v->state == VAR_BUSY || j->s->chain.count >= CONFIG_MAX_REFERENCES) {
		complain(j,
			"the environment wins over `vars:` by itself; a variable need not mention "
			"itself",
			v->state == VAR_BUSY
				? arena_printf(j->s->a, "variables refer to one another: %s",
					  cycle_text(j->s, name))
				: arena_printf(j->s->a, "more than %d variables in a row",
					  CONFIG_MAX_REFERENCES));
		return NULL;
	}
	if (v->state == VAR_NEW)
		resolve_var(j, v, name);
	j->failed = j->failed || v->state == VAR_BAD;
	return v->state == VAR_DONE && v->text ? v : NULL;
}

static void required_missing(struct job *j, const struct reference *r)
{
	struct job message = { .s = j->s, .node = j->node, .t = j->t, .depth = j->depth };

	expand(&message, r->operand, r->operand_len);
	complain(j, arena_printf(j->s->a, "set %s in the environment or under `vars:`", r->name),
		message.out.len ? arena_printf(j->s->a, "%s is required: %s", r->name,
					  buf_str(&message.out))
				: arena_printf(j->s->a, "%s is required", r->name));
	buf_release(&message.out);
}

static void unset(struct job *j, const struct reference *r)
{
	const char *hint =
		strchr(r->name, '.')
			? "see devenv.yml(5) for the references that exist"
			: arena_printf(j->s->a,
				  "set it in the environment or under `vars:`, or give a default: "
				  "${%s:-...}; write $$ for a dollar sign",
				  r->name);

	complain(j, hint, arena_printf(j->s->a, "%s is not set", r->name));
}

static void emit_value(struct job *j, const char *foreign, const struct var *v)
{
	if (foreign) {
		emit_foreign(j, foreign);
	} else if (v) {
		emit(j, v->text, strlen(v->text));
		j->secret = j->secret || v->secret;
	}
}

static void refer(struct job *j, const struct reference *r)
{
	const char *foreign =
		j->s->req->lookup ? j->s->req->lookup(j->s->req->lookup_ctx, r->name) : NULL;
	struct var *v = foreign ? NULL : find_var(j, r->name);
	const char *text = foreign ? foreign : v ? v->text : NULL;
	bool given = text && (*text || !r->or_empty);

	if (j->failed)
		return;
	if (r->operator== '+') {
		if (given)
			expand(j, r->operand, r->operand_len);
	} else if (given || (text && !r->operator)) {
		emit_value(j, foreign, v);
	} else if (r->operator== '-') {
		expand(j, r->operand, r->operand_len);
	} else if (r->operator== '?') {
		required_missing(j, r);
	} else {
		unset(j, r);
	}
}

/* ${ at s; returns how far it reaches. */
static size_t braced(struct job *j, const char *s, size_t len)
{
	size_t end = closing_brace(s + 2, len - 2);
	struct reference r;

	if (end == len - 2) {
		complain(j, "write $$ for a dollar sign", "a brace is missing after \"${\"");
		return len;
	}
	const char *kept = kept_prefix(j->s, s + 2, end);
	if (kept) {
		emit(j, s, end + 3);
		j->secret = j->secret || streq(kept, "secret.");
	} else if (parse_reference(j->s->a, s + 2, end, &r)) {
		refer(j, &r);
	} else {
		complain(j,
			"write ${NAME}, ${NAME:-default}, ${NAME:?message} or ${NAME:+other}; "
			"$$ for a dollar sign",
			arena_printf(j->s->a, "\"${%.*s}\" is no reference",
				(int)(end < 80 ? end : 80), s + 2));
	}
	return end + 3;
}

/* A dollar sign at s; returns how far what it starts reaches. */
static size_t dollar(struct job *j, const char *s, size_t len)
{
	size_t n = name_length(s + 1, len - 1);

	if (n) {
		struct reference r = { .name = arena_strndup(j->s->a, s + 1, n) };
		refer(j, &r);
		return n + 1;
	}
	if (len > 1 && s[1] == '{')
		return braced(j, s, len);
	if (len > 1 && s[1] == '$') {
		/* $${secret.x} keeps both signs: it is text for whoever opens ${secret.x} later */
		bool guard = len > 3 && s[2] == '{' && kept_prefix(j->s, s + 3, len - 3);
		emit(j, "$$", guard ? 2 : 1);
		if (guard)
			emit(j, "{", 1);
		return guard ? 3 : 2;
	}
	emit(j, "$", 1); /* starts nothing: itself, as in Compose */
	return 1;
}

static bool expand(struct job *j, const char *s, size_t len)
{
	if (++j->depth > CONFIG_MAX_NESTING || j->s->depth >= CONFIG_MAX_EXPANSIONS) {
		complain(j, NULL, "references are nested too deeply");
		return false;
	}
	j->s->depth++;
	for (size_t i = 0; i < len && !j->failed && !j->s->spent;) {
		const char *sign = memchr(s + i, '$', len - i);
		size_t n = sign ? (size_t)(sign - s) - i : len - i;
		emit(j, s + i, n);
		i += n;
		if (sign && !j->failed)
			i += dollar(j, s + i, len - i);
	}
	j->s->depth--;
	j->depth--;
	return !j->failed;
}

/* NULL when it failed. */
static struct node *fill_string(struct subst *s, struct node *n, const struct trail *t)
{
	struct job j = { .s = s, .node = n, .t = t, .out = s->scratch };
	struct node *out = NULL;

	buf_truncate(&j.out, 0);
	if (expand(&j, n->text, n->len)) {
		out = node_copy(s->a, n);
		out->text = arena_strndup(s->a, buf_str(&j.out), j.out.len);
		out->len = strlen(out->text);
		out->substituted = true;
		out->secret = n->secret || j.secret;
	}
	s->scratch = j.out;
	return out;
}

static struct node *fill(struct subst *s, struct node *n, const struct trail *t);

/* A key that was part of a list's item; the item's own text is the place to blame. */
static const char *fill_key(struct subst *s, const struct node_pair *pair, const struct trail *t)
{
	if (!pair->value->brief || !strchr(pair->key, '$'))
		return pair->key;
	struct node *now = fill_string(s, node_str(s->a, pair->key, pair->key_place), t);
	return now ? now->text : pair->key;
}

static struct node *fill_map(struct subst *s, struct node *n, const struct trail *t)
{
	struct node *out = n;
	const struct node_pair *pair;

	node_each_pair(n, i, pair)
	{
		if (is_extension(pair->key))
			continue;
		struct trail at = trail_key(t, pair->key);
		struct node *now = fill(s, pair->value, &at);
		const char *key = fill_key(s, pair, &at);
		if (now == pair->value && key == pair->key)
			continue;
		if (out == n)
			out = node_copy(s->a, n);
		if (key != pair->key)
			map_drop(out, pair->key);
		map_put(s->a, out, key, pair->key_place, now);
	}
	return out;
}

static struct node *fill_list(struct subst *s, struct node *n, const struct trail *t)
{
	struct node *out = n, *item;

	node_each_item(n, i, item)
	{
		struct trail at = trail_item(t, i);
		struct node *now = fill(s, item, &at);
		if (now == item)
			continue;
		if (out == n)
			out = node_copy(s->a, n);
		out->list.items[i] = now;
	}
	return out;
}

static struct node *fill(struct subst *s, struct node *n, const struct trail *t)
{
	if (s->spent || trail_too_deep(t, n, s->d))
		return n;
	if (n->kind == NODE_MAP)
		return fill_map(s, n, t);
	if (n->kind == NODE_LIST)
		return fill_list(s, n, t);
	if (n->kind != NODE_STR || !memchr(n->text, '$', n->len))
		return n;
	struct node *now = fill_string(s, n, t);
	return now ? now : n;
}

static void take_vars(struct subst *s, const struct node *root)
{
	const struct node *vars = node_get(root, "vars");
	const struct node_pair *pair;

	node_each_pair(vars, i, pair)
	{
		struct var *v = arena_new(s->a, struct var);
		v->node = pair->value;
		map_set(&s->vars, pair->key, v);
	}
}

static struct node *run(struct arena *a, struct node *n, const struct node *root,
	const struct config_request *req, struct diags *d)
{
	struct subst s = { .a = a, .req = req, .d = d, .budget = CONFIG_MAX_OUTPUT };

	take_vars(&s, root);
	n = fill(&s, n, NULL);
	buf_release(&s.scratch);
	map_release(&s.vars);
	return n;
}

struct node *substitute_node(struct arena *a, struct node *n, const struct node *root,
	const struct config_request *req, struct diags *d)
{
	size_t errors = d->errors;

	n = run(a, n, root, req, d);
	return d->errors == errors ? n : NULL;
}

int config_substitute(
	struct arena *a, struct node **n, const struct config_request *req, struct diags *d)
{
	size_t errors = d->errors;

	if (*n)
		*n = run(a, *n, *n, req, d);
	return d->errors == errors ? 0 : -1;
}
