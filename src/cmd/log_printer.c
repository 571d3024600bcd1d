/*
 * Lines of logs on standard output. Comes in: raw lines. Goes out: text or JSON without secrets, in
 * large pieces: what is at hand is written at once, never a line at a time.
 */
#include <stdio.h>

#include "cmd/lifecycle.h"
#include "doc/json.h"

enum { PIECE = 256 * 1024 };

struct log_printer log_printer_of(struct context *c, bool times)
{
	struct log_printer p = { .context = c, .style = { .style = c->out, .times = times } };
	for (size_t i = 0; i < c->project.services.count; i++) {
		int width = (int)text_width(c->project.services.items[i].name);
		p.style.prefix_width = width > p.style.prefix_width ? width : p.style.prefix_width;
	}
	p.redactor = redactor_new(c->vault);
	return p;
}

void log_printer_release(struct log_printer *p)
{
	log_flush(p);
	redactor_free(p->redactor);
	buf_release(&p->out);
	buf_release(&p->clear);
}

static void put_str(struct arena *a, struct node *n, const char *key, const char *s)
{
	map_put(a, n, key, (struct place){ 0 }, node_str(a, s, (struct place){ 0 }));
}

/* What the line says of itself, where it is a record. */
static void put_record(struct arena *a, struct node *n, const char *line, size_t len)
{
	struct record r;
	struct place no = { 0 };
	enum level level = line_level(line, len);
	if (level != LEVEL_NONE)
		put_str(a, n, "level", level_name(level));
	if (!len || *line != '{' || !record_read(&r, line, len) || r.message == RECORD_NO_FIELD)
		return;
	cleanup_buf struct buf text = BUF_INIT, clean = BUF_INIT;
	record_text(&text, &r.fields[r.message]);
	text_clean(&clean, buf_str(&text), text.len, false);
	map_put(a, n, "message", no, node_strn(a, buf_str(&clean), clean.len, no));
}

static void put_json(struct log_printer *p, const char *service, int number, enum stream s,
	int64_t time_ns, const char *line, size_t len)
{
	struct arena a = ARENA_INIT;
	struct place no = { 0 };
	struct node *n = node_map(&a, no);
	cleanup_buf struct buf text = BUF_INIT;
	text_clean(&text, line, len, false);
	map_put(&a, n, "version", no, node_int(&a, 1, no));
	put_str(&a, n, "time", view_time(&a, time_ns / 1000000));
	put_str(&a, n, "kind", "log");
	put_str(&a, n, "service", service);
	map_put(&a, n, "number", no, node_int(&a, number, no));
	put_str(&a, n, "stream", s == STREAM_STDERR ? "stderr" : "stdout");
	map_put(&a, n, "time_ns", no, node_int(&a, time_ns, no));
	put_record(&a, n, line, len);
	map_put(&a, n, "line", no, node_strn(&a, buf_str(&text), text.len, no));
	json_write(&p->out, n, 0);
	buf_addc(&p->out, '\n');
	arena_release(&a);
}

/* Behind `from`: an escape undone may have brought a value to light. */
static void redact_shown(struct log_printer *p, size_t from)
{
	if (!redactor_suspects(p->redactor, p->out.data + from, p->out.len - from))
		return;
	buf_truncate(&p->clear, 0);
	buf_add(&p->clear, p->out.data + from, p->out.len - from);
	vault_redact(p->context->vault, &p->clear);
	buf_truncate(&p->out, from);
	buf_add(&p->out, p->clear.data, p->clear.len);
}

/* The second line of defence: secrets are not shown even when a service prints them. */
void log_format(struct log_printer *p, const char *service, int number, enum stream s,
	int64_t time_ns, const char *line, size_t len)
{
	struct context *c = p->context;
	const struct service *known = project_service(&c->project, service);
	int colour = known ? (int)(known - c->project.services.items) : 0;
	size_t from = p->out.len;
	if (redactor_suspects(p->redactor, line, len)) {
		buf_truncate(&p->clear, 0);
		buf_add(&p->clear, line, len);
		vault_redact(c->vault, &p->clear);
		line = buf_str(&p->clear);
		len = p->clear.len;
	}
	if (c->g.json)
		put_json(p, service, number, s, time_ns, line, len);
	else
		view_log_line(&p->out, &p->style, service, number, colour, time_ns, line, len);
	if (len && *line == '{')
		redact_shown(p, from);
}

void log_flush(void *printer)
{
	struct log_printer *p = printer;
	if (!p->out.len)
		return;
	emit(&p->out);
	fflush(stdout);
	buf_truncate(&p->out, 0);
}

void log_print(void *printer, const char *service, int number, enum stream s, int64_t time_ns,
	const char *line, size_t len)
{
	struct log_printer *p = printer;
	log_format(p, service, number, s, time_ns, line, len);
	if (p->out.len >= PIECE)
		log_flush(p);
}
