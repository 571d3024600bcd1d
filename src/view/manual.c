/*
 * The field tables as the FIELDS part of devenv.yml(5), in mdoc. Comes in: a schema. Goes out: one
 * list per table, each field with its types, default, merge rule and help. Knows no single key.
 */
#include <ctype.h>
#include <string.h>

#include "base/map.h"
#include "view/view.h"

/* Tables still to be shown, each once, in the order in which fields lead to them. */
struct manual {
	struct buf *out;
	struct arena arena;
	struct {
		const struct schema **items;
		size_t count, cap;
	} queue;
};

/* mdoc wants each sentence on a line of its own. */
static bool ends_sentence(const char *begin, const char *s)
{
	const char *p = s;
	while (p > begin && strchr(")\"'", p[-1]))
		p--;
	return *s == ' ' && p > begin && strchr(".!?:", p[-1]) && (p[-1] != ':' || p != s);
}

void view_mdoc(struct buf *out, const char *s)
{
	bool start = true;
	for (const char *begin = s; *s; s++) {
		if (start && (*s == '.' || *s == '\''))
			buf_adds(out, "\\&");
		if (*s == '\\')
			buf_adds(out, "\\e");
		else if (*s == '-' && s[1] == '-')
			buf_adds(out, "\\-");
		else
			buf_addc(out, ends_sentence(begin, s) ? '\n' : *s);
		start = out->data[out->len - 1] == '\n';
	}
}

static void enqueue(struct manual *m, const struct schema *s)
{
	for (size_t i = 0; i < m->queue.count; i++)
		if (m->queue.items[i] == s)
			return;
	*list_push(&m->arena, &m->queue) = s;
}

static const struct {
	unsigned type;
	const char *word;
} type_words[] = {
	{ T_STR, "string" },
	{ T_INT, "whole number" },
	{ T_FLOAT, "number" },
	{ T_BOOL, "true or false" },
	{ T_LIST, "list" },
	{ T_MAP, "map" },
};

static void types(struct buf *out, const struct field *f)
{
	bool first = true;
	for (size_t i = 0; i < countof(type_words); i++) {
		if (!(f->types & type_words[i].type) ||
			(type_words[i].type == T_INT && f->types & T_FLOAT))
			continue;
		buf_addf(out, "%s%s", first ? "" : ", ", type_words[i].word);
		first = false;
	}
	for (size_t i = 0; f->choices && f->choices[i]; i++)
		buf_addf(out, "%s%s", i ? " | " : "; one of ", f->choices[i]);
	if (f->min < f->max)
		buf_addf(out, "; %lld to %lld", (long long)f->min, (long long)f->max);
	if (f->value)
		buf_addf(out, "; default %s", f->value);
}

static const char *const merge_words[] = {
	[MERGE_DEFAULT] = NULL,
	[MERGE_REPLACE] = "A later layer replaces it whole.",
	[MERGE_APPEND] = "Layers append to it.",
	[MERGE_UNIQUE] = "Layers append to it, without duplicates.",
	[MERGE_BY_KEY] = "Layers merge item by item.",
};

static const struct schema *table_of(const struct field *f)
{
	return f->map ? f->map : f->item ? f->item->map : NULL;
}

static void field(struct manual *m, const struct field *f, const char *name)
{
	cleanup_buf struct buf line = BUF_INIT;
	struct buf *out = m->out;
	const struct schema *table = table_of(f);
	buf_addf(out, ".It Ic %s\n", name);
	buf_addc(&line, '(');
	types(&line, f);
	buf_adds(&line, ") ");
	buf_adds(&line, f->help ? f->help : table && table->help ? table->help : "");
	buf_adds(&line, buf_ends_with(&line, ")") || buf_ends_with(&line, " ") ? "" : ".");
	if (merge_words[f->merge])
		buf_addf(&line, " %s", merge_words[f->merge]);
	if (f->flags & FIELD_HOST)
		buf_adds(&line, " Needs consent.");
	while (buf_ends_with(&line, " "))
		buf_truncate(&line, line.len - 1);
	view_mdoc(out, buf_str(&line));
	buf_addc(out, '\n');
	if (table && (table->fields || table->any)) {
		buf_addf(out, "See\n.Sx %s .\n", table->name);
		enqueue(m, table);
	}
}

static void table(struct manual *m, const struct schema *s)
{
	buf_addf(m->out, ".Ss %s\n", s->name);
	if (s->help) {
		view_mdoc(m->out, s->help);
		buf_adds(m->out, ".\n");
	}
	buf_adds(m->out, ".Bl -tag -width Ds\n");
	for (const struct field *f = s->fields; f && f->name; f++)
		field(m, f, f->name);
	if (s->any)
		field(m, s->any, "NAME");
	buf_adds(m->out, ".El\n");
	if (s->carried && s->carried[0]) {
		buf_adds(m->out, ".Pp\nCarried through to Compose unchanged:");
		for (size_t i = 0; s->carried[i]; i++)
			buf_addf(m->out, "\n.Ic %s%s", s->carried[i],
				s->carried[i + 1] ? " ," : " .");
		buf_addc(m->out, '\n');
	}
}

void view_manual(struct buf *out, const struct schema *top)
{
	struct manual m = { .out = out, .arena = ARENA_INIT };
	buf_adds(out, ".Sh FIELDS\n");
	enqueue(&m, top);
	for (size_t i = 0; i < m.queue.count; i++)
		table(&m, m.queue.items[i]);
	arena_release(&m.arena);
}
