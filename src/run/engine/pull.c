/*
 * Progress of pulls. Comes in: " 6e90 Downloading [==>  ]  1.2MB/30MB" of Compose, "6e90: Pull
 * complete" of the engine's builder, "#5 sha256:6e90... 1.2MB / 30MB" of BuildKit. Goes out: layers
 * and bytes of all that is pulled at once. What is no such line is left alone.
 */
#include "run/engine/pull.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { LINE_MAX_BYTES = 300, SIZE_MOST = 1000000 /* of its unit */ };

static struct pull_layer *layer_of(struct pull *p, const char *id, size_t len)
{
	static struct pull_layer beyond;
	char name[sizeof(beyond.id)];
	len = len < sizeof(name) ? len : sizeof(name) - 1;
	memcpy(name, id, len);
	name[len] = '\0';
	for (size_t i = 0; i < p->count; i++)
		if (streq(p->layers[i].id, name))
			return &p->layers[i];
	if (p->count == PULL_LAYERS)
		return &beyond;
	struct pull_layer *l = &p->layers[p->count++];
	*l = (struct pull_layer){ 0 };
	memcpy(l->id, name, sizeof(l->id));
	return l;
}

/* "1.2MB/30.3MB" and "1.2MB / 30.3MB": both numbers in bytes. */
static bool sizes(const char *s, int64_t *done, int64_t *of)
{
	double x = 0, y = 0;
	char ux[4] = "", uy[4] = "";
	static const struct {
		const char *unit;
		double bytes;
	} units[] = { { "B", 1 }, { "kB", 1e3 }, { "KB", 1e3 }, { "MB", 1e6 }, { "GB", 1e9 } };
	if (sscanf(s, "%9lf%3[A-Za-z] / %9lf%3[A-Za-z]", &x, ux, &y, uy) != 4 || !(x >= 0) ||
		!(y > 0) || x > SIZE_MOST || y > SIZE_MOST)
		return false;
	*done = *of = -1;
	for (size_t i = 0; i < countof(units); i++) {
		if (streq(units[i].unit, ux))
			*done = (int64_t)(x * units[i].bytes);
		if (streq(units[i].unit, uy))
			*of = (int64_t)(y * units[i].bytes);
	}
	return *done >= 0 && *of > 0 && *done <= *of;
}

enum word { W_WAIT, W_LOADING, W_LOADED, W_UNPACKING, W_DONE };

static const struct {
	const char *text;
	enum word word;
} words[] = {
	{ "Pulling fs layer", W_WAIT },
	{ "Waiting", W_WAIT },
	{ "Downloading", W_LOADING },
	{ "Verifying Checksum", W_LOADED },
	{ "Download complete", W_LOADED },
	{ "Extracting", W_UNPACKING },
	{ "Pull complete", W_DONE },
	{ "Already exists", W_DONE },
};

static void note_layer(struct pull_layer *l, enum word w, const char *rest)
{
	int64_t done = 0, of = 0;
	bool known = sizes(rest + strspn(rest, " "), &done, &of);
	if (known)
		l->total = of;
	if (w == W_LOADING && known)
		l->loaded = done;
	if (w >= W_LOADED)
		l->loaded = l->total;
	if (w == W_UNPACKING && known)
		l->unpacked = done;
	if (w == W_DONE) {
		l->unpacked = l->total;
		l->done = true;
	}
}

/* "6e909acdb790" */
static bool is_id(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'f')))
			return false;
	return len == 12;
}

static bool layer_line(struct pull *p, const char *s)
{
	size_t len = strcspn(s, " :");
	if (!is_id(s, len))
		return false;
	const char *rest = s + len + (s[len] == ':');
	rest += strspn(rest, " ");
	for (size_t i = 0; i < countof(words); i++) {
		if (!starts_with(rest, words[i].text))
			continue;
		rest += strlen(words[i].text);
		const char *bar = strchr(rest, ']');
		note_layer(layer_of(p, s, len), words[i].word, bar ? bar + 1 : rest);
		return true;
	}
	return false;
}

/* "#5 sha256:6e909acdb790... 1.2MB / 30.3MB 0.5s" */
static bool buildkit_line(struct pull *p, const char *s)
{
	int64_t done = 0, of = 0;
	const char *id = s[0] == '#' ? strstr(s, " sha256:") : NULL;
	id = id ? id + strlen(" sha256:") : NULL;
	if (!id || !is_id(id, strnlen(id, 12)))
		return false;
	const char *rest = id + strcspn(id, " ");
	rest += strspn(rest, " ");
	if (!sizes(rest, &done, &of))
		return false;
	struct pull_layer *l = layer_of(p, id, 12);
	l->total = of;
	l->loaded = l->unpacked = done;
	l->done = done == of;
	return true;
}

/* "db Pulling" and "db Pulled" */
static bool name_line(struct pull *p, const char *s)
{
	size_t len = strcspn(s, " ");
	const char *rest = s + len + strspn(s + len, " ");
	size_t end = strcspn(rest, " ");
	bool begins = end == 7 && starts_with(rest, "Pulling"),
	     ends = end == 6 && starts_with(rest, "Pulled");
	if (!len || len >= sizeof(p->names[0]) || (!begins && !ends) ||
		rest[end + strspn(rest + end, " ")])
		return false;
	size_t at = 0;
	while (at < p->name_count && !(strncmp(p->names[at], s, len) == 0 && !p->names[at][len]))
		at++;
	if (begins && at == p->name_count && at < PULL_NAMES)
		snprintf(p->names[p->name_count++], sizeof(p->names[0]), "%.*s", (int)len, s);
	else if (ends && at < p->name_count)
		memmove(p->names[at], p->names[at + 1],
			(--p->name_count - at) * sizeof(p->names[0]));
	return true;
}

static void say(const struct pull *p, char *text, size_t size, double *fraction)
{
	int64_t loaded = 0, unpacked = 0, total = 0;
	size_t done = 0;
	cleanup_buf struct buf b = BUF_INIT;
	for (size_t i = 0; i < p->count; i++) {
		loaded += p->layers[i].loaded;
		unpacked += p->layers[i].unpacked;
		total += p->layers[i].total;
		done += p->layers[i].done;
	}
	buf_adds(&b, "pulling");
	for (size_t i = 0; i < p->name_count; i++)
		buf_addf(&b, "%s %s", i ? "," : "", p->names[i]);
	if (p->count)
		buf_addf(&b, ": %zu/%zu layers", done, p->count);
	if (total)
		buf_addf(&b, ", %.1f/%.1f MB", (double)loaded / 1e6, (double)total / 1e6);
	*fraction = total ? (double)(loaded + unpacked) / (2 * (double)total) : -1;
	if (p->count && done == p->count)
		*fraction = 1;
	snprintf(text, size, "%s", p->name_count || done < p->count ? buf_str(&b) : "");
}

bool pull_line(
	struct pull *p, const char *line, size_t len, char *text, size_t size, double *fraction)
{
	char s[LINE_MAX_BYTES];
	while (len && *line == ' ')
		line++, len--;
	if (len >= sizeof(s))
		return false;
	memcpy(s, line, len);
	s[len] = '\0';
	if (!layer_line(p, s) && !buildkit_line(p, s) && !name_line(p, s))
		return false;
	say(p, text, size, fraction);
	return true;
}
