/*
 * Demultiplexing. Comes in: what the engine sends for logs, attach and exec, in any portions. Goes
 * out: payload by stream; log lines with their time. Bounded by LINE_MAX_BYTES per stream whatever
 * the bytes claim; does not know what a container is.
 */
#include "run/io/demux.h"

#include <string.h>

static int take_head(struct demux *d)
{
	const unsigned char *h = d->head;
	if (h[0] > 3 || h[1] || h[2] || h[3])
		return -1;
	d->left = (uint32_t)h[4] << 24 | (uint32_t)h[5] << 16 | (uint32_t)h[6] << 8 | h[7];
	d->start = true;
	if (!d->left)
		d->have = 0;
	return 0;
}

static size_t take_payload(struct demux *d, const char *data, size_t len)
{
	size_t n = len < d->left ? len : d->left;
	d->fn(d->ctx, d->head[0] >= 2 ? STREAM_STDERR : STREAM_STDOUT, data, n, d->start);
	d->start = false;
	d->left -= (uint32_t)n;
	if (!d->left)
		d->have = 0;
	return n;
}

int demux_feed(struct demux *d, const char *data, size_t len)
{
	const char *end = data + len;
	if (d->mode == DEMUX_AUTO && len)
		d->mode = (unsigned char)data[0] <= 3 ? DEMUX_FRAMES : DEMUX_RAW;
	if (d->mode == DEMUX_RAW) {
		if (len)
			d->fn(d->ctx, STREAM_STDOUT, data, len, false);
		return 0;
	}
	while (data < end) {
		if (d->have == sizeof(d->head)) {
			data += take_payload(d, data, (size_t)(end - data));
			continue;
		}
		size_t n = sizeof(d->head) - d->have;
		if (n > (size_t)(end - data))
			n = (size_t)(end - data);
		memcpy(d->head + d->have, data, n);
		d->have += n;
		data += n;
		if (d->have == sizeof(d->head) && take_head(d))
			return -1;
	}
	return 0;
}

bool demux_whole(const struct demux *d)
{
	return d->have == 0;
}

/* Days since 1970 of a civil date (Hinnant's algorithm for the proleptic Gregorian calendar). */
static int64_t days_of(int64_t y, unsigned m, unsigned d)
{
	y -= m <= 2;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	unsigned yoe = (unsigned)(y - era * 400);
	unsigned doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
	unsigned doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
	return era * 146097 + (int64_t)doe - 719468;
}

static int digits(const char *s, int n)
{
	int v = 0;
	for (int i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		v = v * 10 + (s[i] - '0');
	}
	return v;
}

int64_t stamp_read(const char *s, size_t len)
{
	if (len < STAMP_LEN || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' ||
		s[16] != ':' || s[19] != '.' || s[29] != 'Z')
		return -1;
	int year = digits(s, 4), month = digits(s + 5, 2), day = digits(s + 8, 2);
	int hour = digits(s + 11, 2), minute = digits(s + 14, 2), second = digits(s + 17, 2);
	int ns = digits(s + 20, 9);
	if (year < 1970 || year > 2261 || month < 1 || month > 12 || day < 1 || day > 31 ||
		hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60 ||
		ns < 0)
		return -1;
	int64_t days = days_of(year, (unsigned)month, (unsigned)day);
	return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000000000 + ns;
}

static void put(char *out, int64_t v, int width)
{
	for (int i = width - 1; i >= 0; i--, v /= 10)
		out[i] = (char)('0' + v % 10);
}

void stamp_write(char out[STAMP_LEN + 1], int64_t ns)
{
	if (ns < 0)
		ns = 0;
	int64_t seconds = ns / 1000000000, z = seconds / 86400 + 719468;
	int64_t era = z / 146097, doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
	int64_t month = mp < 10 ? mp + 3 : mp - 9, year = yoe + era * 400 + (month <= 2);
	memcpy(out, "0000-00-00T00:00:00.000000000Z", STAMP_LEN + 1);
	put(out, year, 4);
	put(out + 5, month, 2);
	put(out + 8, doy - (153 * mp + 2) / 5 + 1, 2);
	put(out + 11, seconds / 3600 % 24, 2);
	put(out + 14, seconds / 60 % 60, 2);
	put(out + 17, seconds % 60, 2);
	put(out + 20, ns % 1000000000, 9);
}

/* A whole line of a raw stream: the time stands in front of each. */
static void raw_line(struct stamped_part *p, const char *line, size_t len)
{
	int64_t t = stamp_read(line, len);
	if (t >= 0 && len > STAMP_LEN && line[STAMP_LEN] == ' ') {
		p->time = t;
		line += STAMP_LEN + 1;
		len -= STAMP_LEN + 1;
	}
	p->owner->fn(p->owner->ctx, p->stream, p->time, line, len);
}

static void on_line(void *ctx, const char *line, size_t len)
{
	struct stamped_part *p = ctx;
	if (p->owner->demux.mode == DEMUX_RAW) {
		raw_line(p, line, len);
		return;
	}
	p->owner->fn(p->owner->ctx, p->stream, p->time, line, len);
}

/* Takes the stamp off the front of a frame; a joined line has the time of its last one, so that
 * asking for what came after it does not bring a part of it again. */
static size_t take_stamp(struct stamped_part *p, const char *data, size_t len)
{
	size_t n = sizeof(p->stamp) - p->stamp_have;
	if (n > len)
		n = len;
	memcpy(p->stamp + p->stamp_have, data, n);
	p->stamp_have += n;
	if (p->stamp_have < sizeof(p->stamp))
		return n;
	p->in_stamp = false;
	int64_t t = stamp_read(p->stamp, STAMP_LEN);
	if (t < 0 || p->stamp[STAMP_LEN] != ' ') { /* no time there: it is text */
		lines_feed(&p->lines, p->stamp, sizeof(p->stamp));
	} else {
		p->time = t;
	}
	return n;
}

static void on_payload(void *ctx, enum stream s, const char *data, size_t len, bool start)
{
	struct stamped *st = ctx;
	struct stamped_part *p = &st->parts[s == STREAM_STDERR];
	if (start) {
		p->in_stamp = true;
		p->stamp_have = 0;
	}
	if (p->in_stamp && st->demux.mode != DEMUX_RAW) {
		size_t n = take_stamp(p, data, len);
		data += n;
		len -= n;
	}
	if (len)
		lines_feed(&p->lines, data, len);
}

void stamped_init(struct stamped *s, stamped_fn *fn, void *ctx)
{
	*s = (struct stamped){ .fn = fn, .ctx = ctx };
	s->demux = (struct demux){ .mode = DEMUX_AUTO, .fn = on_payload, .ctx = s };
	for (int i = 0; i < 2; i++) {
		struct stamped_part *p = &s->parts[i];
		p->owner = s;
		p->stream = i ? STREAM_STDERR : STREAM_STDOUT;
		p->lines = (struct lines){ .fn = on_line, .ctx = p };
	}
}

int stamped_feed(struct stamped *s, const char *data, size_t len)
{
	return demux_feed(&s->demux, data, len);
}

void stamped_end(struct stamped *s)
{
	for (int i = 0; i < 2; i++)
		lines_end(&s->parts[i].lines);
}
