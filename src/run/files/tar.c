/*
 * A tar stream, pushed in pieces of any size. Comes in: bytes from anywhere. Goes out: calls to a
 * sink. Bounds what it holds (a header, one long name, one pax record); believes no number without
 * a look.
 */
#include "run/files/tar.h"

#include <string.h>

#include "base/buf.h"
#include "base/text.h"

enum { BLOCK = 512, EXTRA_MAX = 64 << 10 };

enum phase { IN_HEADER, IN_DATA, IN_EXTRA, IN_PADDING, AT_END };

struct tar {
	struct tar_sink sink;
	enum phase phase;
	bool broken;
	char header[BLOCK];
	size_t filled;   /* of the header */
	int64_t left;    /* bytes of the entry still to come */
	size_t padding;  /* behind them */
	char extra_type; /* what these bytes are: 'x', 'L', 'K'; others are dropped */
	struct buf extra, path, target; /* path, target: what stands for the next entry's own */
	int64_t size, uid, gid;         /* the same; -1: nothing said */
};

struct tar *tar_new(const struct tar_sink *sink)
{
	struct tar *t = xcalloc(1, sizeof(*t));
	t->sink = *sink;
	t->size = t->uid = t->gid = -1;
	return t;
}

void tar_free(struct tar *t)
{
	if (!t)
		return;
	buf_release(&t->extra);
	buf_release(&t->path);
	buf_release(&t->target);
	xfree(t);
}

bool tar_broken(const struct tar *t)
{
	return t->broken;
}

bool tar_whole(const struct tar *t)
{
	return t->phase == AT_END && !t->broken;
}

static bool give_up(struct tar *t)
{
	t->broken = true;
	return false;
}

/* Octal digits, or GNU's big-endian binary; -1: neither. */
static int64_t number(const char *field, size_t len)
{
	uint64_t n = 0;
	size_t i = 0;
	if ((unsigned char)field[0] == 0x80) {
		for (i = 1; i < len; i++) {
			if (n >> 54)
				return -1;
			n = n << 8 | (unsigned char)field[i];
		}
		return (int64_t)n;
	}
	while (i < len && field[i] == ' ')
		i++;
	for (; i < len && field[i] >= '0' && field[i] <= '7'; i++) {
		if (n >> 59)
			return -1;
		n = n << 3 | (uint64_t)(field[i] - '0');
	}
	return i == len || field[i] == ' ' || field[i] == '\0' ? (int64_t)n : -1;
}

static bool is_zero(const char *block)
{
	for (size_t i = 0; i < BLOCK; i++) {
		if (block[i])
			return false;
	}
	return true;
}

static bool checksum_holds(const char *h)
{
	int64_t sum = 0;
	for (size_t i = 0; i < BLOCK; i++)
		sum += i >= 148 && i < 156 ? ' ' : (unsigned char)h[i];
	return number(h + 148, 8) == sum;
}

static void add_field(struct buf *out, const char *field, size_t len)
{
	buf_add(out, field, strnlen(field, len));
}

/* ustar keeps the front of a long name elsewhere; GNU's format has times there. */
static void own_path(struct tar *t)
{
	const char *h = t->header;
	if (t->path.len)
		return;
	if (!memcmp(h + 257, "ustar\0", 6) && h[345]) {
		add_field(&t->path, h + 345, 155);
		buf_addc(&t->path, '/');
	}
	add_field(&t->path, h, 100);
}

static enum tar_kind kind_of(char type)
{
	static const struct {
		char type;
		enum tar_kind kind;
	} kinds[] = {
		{ '0', TAR_FILE },
		{ '\0', TAR_FILE },
		{ '7', TAR_FILE },
		{ '5', TAR_DIR },
		{ '2', TAR_LINK },
		{ '1', TAR_HARD_LINK },
	};
	for (size_t i = 0; i < countof(kinds); i++) {
		if (kinds[i].type == type)
			return kinds[i].kind;
	}
	return TAR_OTHER;
}

static void forget_extras(struct tar *t)
{
	buf_truncate(&t->path, 0);
	buf_truncate(&t->target, 0);
	t->size = t->uid = t->gid = -1;
}

static bool begin_entry(struct tar *t, int64_t size)
{
	const char *h = t->header;
	own_path(t);
	if (!t->target.len)
		add_field(&t->target, h + 157, 100);
	struct tar_entry e = {
		.path = buf_str(&t->path),
		.target = buf_str(&t->target),
		.kind = kind_of(h[156]),
		.mode = (mode_t)(number(h + 100, 8) & 07777),
		.uid = t->uid >= 0 ? t->uid : number(h + 108, 8),
		.gid = t->gid >= 0 ? t->gid : number(h + 116, 8),
		.size = size,
	};
	bool goes_on = t->sink.entry(t->sink.ctx, &e);
	forget_extras(t);
	t->phase = IN_DATA;
	return goes_on;
}

/* Only files have bytes, whatever the size of others says. */
static bool has_bytes(char type)
{
	return kind_of(type) == TAR_FILE || kind_of(type) == TAR_OTHER;
}

static bool begin(struct tar *t)
{
	char type = t->header[156];
	if (is_zero(t->header)) {
		t->phase = AT_END;
		return true;
	}
	if (!checksum_holds(t->header))
		return give_up(t);
	bool extra = type == 'x' || type == 'L' || type == 'K' || type == 'g';
	int64_t size = number(t->header + 124, 12);
	if (!extra && t->size >= 0)
		size = t->size;
	if (size < 0 || number(t->header + 100, 8) < 0 || (extra && size > EXTRA_MAX))
		return give_up(t);
	t->left = extra || has_bytes(type) ? size : 0;
	t->padding = (size_t)(-t->left & (BLOCK - 1));
	if (!extra)
		return begin_entry(t, t->left);
	t->extra_type = type;
	buf_truncate(&t->extra, 0);
	t->phase = IN_EXTRA;
	return true;
}

/* One "LEN key=value\n" of a pax record; what follows it, or NULL. */
static const char *pax_record(struct tar *t, const char *at, const char *end)
{
	size_t len = 0;
	const char *p = at;
	while (p < end && *p >= '0' && *p <= '9' && len <= EXTRA_MAX)
		len = len * 10 + (size_t)(*p++ - '0');
	if (p == at || p == end || *p != ' ' || len > (size_t)(end - at) ||
		len <= (size_t)(p - at) + 1 || at[len - 1] != '\n')
		return NULL;
	const char *key = ++p, *stop = at + len - 1;
	const char *value = memchr(key, '=', (size_t)(stop - key));
	if (!value++)
		return NULL;
	const struct {
		const char *key;
		struct buf *text;
		int64_t *number;
	} known[] = {
		{ "path=", &t->path, NULL },
		{ "linkpath=", &t->target, NULL },
		{ "size=", NULL, &t->size },
		{ "uid=", NULL, &t->uid },
		{ "gid=", NULL, &t->gid },
	};
	for (size_t i = 0; i < countof(known); i++) {
		char digits[24] = "";
		size_t n = (size_t)(stop - value);
		if (!starts_with(key, known[i].key))
			continue;
		if (known[i].text) {
			buf_truncate(known[i].text, 0);
			add_field(known[i].text, value, n);
			continue;
		}
		memcpy(digits, value, n < sizeof(digits) ? n : 0);
		if (!parse_int(digits, known[i].number) || *known[i].number < 0)
			return NULL;
	}
	return stop + 1;
}

static bool end_extra(struct tar *t)
{
	const char *at = buf_str(&t->extra), *end = at + t->extra.len;
	struct buf *text = t->extra_type == 'L' ? &t->path : &t->target;
	if (t->extra_type == 'L' || t->extra_type == 'K') {
		buf_truncate(text, 0);
		add_field(text, at, t->extra.len);
	}
	while (t->extra_type == 'x' && at && at < end)
		at = pax_record(t, at, end);
	return at != NULL || give_up(t);
}

static bool end_bytes(struct tar *t)
{
	enum phase was = t->phase;
	t->phase = t->padding ? IN_PADDING : IN_HEADER;
	t->filled = 0;
	if (was == IN_EXTRA)
		return end_extra(t);
	t->sink.end(t->sink.ctx);
	return true;
}

static size_t take_header(struct tar *t, const char *data, size_t len)
{
	size_t n = BLOCK - t->filled < len ? BLOCK - t->filled : len;
	memcpy(t->header + t->filled, data, n);
	t->filled += n;
	return n;
}

static size_t take_bytes(struct tar *t, const char *data, size_t len)
{
	size_t n = (int64_t)len < t->left ? len : (size_t)t->left;
	t->left -= (int64_t)n;
	if (t->phase == IN_EXTRA)
		buf_add(&t->extra, data, n);
	else if (n)
		t->sink.data(t->sink.ctx, data, n);
	return n;
}

/* What follows from what was taken. */
static bool go_on(struct tar *t)
{
	if (t->phase == IN_HEADER && t->filled == BLOCK && !begin(t))
		return false;
	if ((t->phase == IN_DATA || t->phase == IN_EXTRA) && !t->left)
		return end_bytes(t);
	if (t->phase == IN_PADDING && !t->padding)
		t->phase = IN_HEADER;
	return true;
}

bool tar_feed(struct tar *t, const char *data, size_t len)
{
	bool fine = !t->broken;
	while (fine && len && t->phase != AT_END) {
		size_t n = 0;
		if (t->phase == IN_HEADER) {
			n = take_header(t, data, len);
		} else if (t->phase == IN_PADDING) {
			n = t->padding < len ? t->padding : len;
			t->padding -= n;
		} else {
			n = take_bytes(t, data, len);
		}
		data += n;
		len -= n;
		fine = go_on(t);
	}
	return fine;
}
