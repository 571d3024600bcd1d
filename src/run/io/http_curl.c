/*
 * Transfers by libcurl, loaded on first use. Comes in: calls that are started. Goes out: what came
 * of them, in the call. The only file that includes curl.h; knows nothing of bounds in time.
 */
#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <strings.h>

#include "base/lib.h"
#include "base/text.h"

#include "http_parts.h"

struct http_transfer { /* heap */
	CURL *easy;
	struct curl_slist *headers, *connect_to;
	char error[CURL_ERROR_SIZE];
};

static struct {
	__typeof__(curl_global_init) *global_init;
	__typeof__(curl_easy_init) *easy_init;
	__typeof__(curl_easy_setopt) *easy_setopt;
	__typeof__(curl_easy_getinfo) *easy_getinfo;
	__typeof__(curl_easy_strerror) *easy_strerror;
	__typeof__(curl_easy_cleanup) *easy_cleanup;
	__typeof__(curl_slist_append) *slist_append;
	__typeof__(curl_slist_free_all) *slist_free_all;
	__typeof__(curl_multi_init) *multi_init;
	__typeof__(curl_multi_cleanup) *multi_cleanup;
	__typeof__(curl_multi_add_handle) *multi_add_handle;
	__typeof__(curl_multi_remove_handle) *multi_remove_handle;
	__typeof__(curl_multi_perform) *multi_perform;
	__typeof__(curl_multi_poll) *multi_poll;
	__typeof__(curl_multi_info_read) *multi_info_read;
} curl;

#define SYMBOL(field)                                                                              \
	{                                                                                          \
		"curl_" #field, (void **)&curl.field, false                                        \
	}

static int load(struct err *e)
{
	static const char *const names[] = { "libcurl.so.4", "libcurl-gnutls.so.4",
		"libcurl.4.dylib", NULL };
	static const struct lib_symbol symbols[] = { SYMBOL(global_init), SYMBOL(easy_init),
		SYMBOL(easy_setopt), SYMBOL(easy_getinfo), SYMBOL(easy_strerror),
		SYMBOL(easy_cleanup), SYMBOL(slist_append), SYMBOL(slist_free_all),
		SYMBOL(multi_init), SYMBOL(multi_cleanup), SYMBOL(multi_add_handle),
		SYMBOL(multi_remove_handle), SYMBOL(multi_perform), SYMBOL(multi_poll),
		SYMBOL(multi_info_read) };
	static bool loaded;
	if (loaded)
		return 0;
	if (lib_open(names, symbols, countof(symbols), e))
		return -1;
	if (curl.global_init(CURL_GLOBAL_NOTHING))
		return err_set(e, ERR_FAILED, "libcurl could not be started");
	loaded = true;
	return 0;
}

int http_load(struct http *h, struct err *e)
{
	if (h->multi)
		return 0;
	if (load(e))
		return -1;
	h->multi = curl.multi_init();
	if (!h->multi)
		bug("libcurl has no memory");
	return 0;
}

static size_t on_header(char *data, size_t size, size_t n, void *arg)
{
	struct http_call *c = arg;
	size_t len = size * n;
	call_came(c, 0);
	c->header_bytes += len;
	if (c->header_bytes > HTTP_MAX_HEADER) {
		c->header_too_long = true;
		return 0;
	}
	call_field(c, data, len);
	if (c->ask.detail) {
		if (len > 5 && strncmp(data, "HTTP/", 5) == 0)
			buf_truncate(&c->ask.detail->head, 0);
		buf_add(&c->ask.detail->head, data, len);
	}
	if (len <= 2 && (data[0] == '\r' || data[0] == '\n')) {
		c->header_done = true;
		c->window_start = c->last;
	}
	return len;
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	struct http_call *c = arg;
	size_t len = size * n;
	if (!c->answer.status) {
		long status = 0;
		curl.easy_getinfo(c->curl->easy, CURLINFO_RESPONSE_CODE, &status);
		c->answer.status = (int)status;
	}
	return call_body(c, data, len) ? len : 0;
}

static size_t on_produce(char *into, size_t size, size_t n, void *arg)
{
	struct http_call *c = arg;
	size_t made = c->ask.produce(c->ask.ctx, into, size * n);
	call_came(c, 0);
	return made == HTTP_GIVE_UP ? CURL_READFUNC_ABORT : made;
}

/* In chunks: how long it is nobody knows. */
static void set_upload(struct http_call *c)
{
	enum { PIECE = 512 * 1024 };
	curl.easy_setopt(c->curl->easy, CURLOPT_UPLOAD, 1L);
	curl.easy_setopt(c->curl->easy, CURLOPT_READFUNCTION, on_produce);
	curl.easy_setopt(c->curl->easy, CURLOPT_READDATA, c);
	curl.easy_setopt(c->curl->easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)PIECE);
	c->curl->headers = curl.slist_append(NULL, "Content-Type: application/x-tar");
	c->curl->headers = curl.slist_append(c->curl->headers, "Expect:");
}

static void set_method(struct http_call *c, const struct http_request *r)
{
	const char *method = r->method ? r->method : "GET";
	if (r->produce)
		set_upload(c);
	if (streq(method, "HEAD"))
		curl.easy_setopt(c->curl->easy, CURLOPT_NOBODY, 1L);
	if (!r->produce && (streq(method, "POST") || r->body)) {
		curl.easy_setopt(c->curl->easy, CURLOPT_POST, 1L);
		curl.easy_setopt(
			c->curl->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
		curl.easy_setopt(c->curl->easy, CURLOPT_COPYPOSTFIELDS, r->body ? r->body : "");
		if (!r->headers)
			c->curl->headers =
				curl.slist_append(NULL, "Content-Type: application/json");
		c->curl->headers = curl.slist_append(c->curl->headers, "Expect:");
	}
	for (size_t i = 0; r->headers && r->headers[i]; i++)
		c->curl->headers = curl.slist_append(c->curl->headers, r->headers[i]);
	if (c->curl->headers)
		curl.easy_setopt(c->curl->easy, CURLOPT_HTTPHEADER, c->curl->headers);
	if (!streq(method, "GET") && !streq(method, "HEAD"))
		curl.easy_setopt(c->curl->easy, CURLOPT_CUSTOMREQUEST, method);
}

static void set_bounds(struct http_call *c, const struct http_request *r)
{
	CURL *h = c->curl->easy;
	curl.easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
	curl.easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
	curl.easy_setopt(h, CURLOPT_PROXY, "");
	curl.easy_setopt(h, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl.easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	curl.easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, (long)HTTP_CONNECT_MS);
	curl.easy_setopt(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl.easy_setopt(h, CURLOPT_BUFFERSIZE, r->data ? 512L * 1024 : 64L * 1024);
	if (r->total_ms)
		curl.easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)r->total_ms);
	if (r->any_certificate) {
		curl.easy_setopt(h, CURLOPT_SSL_VERIFYPEER, 0L);
		curl.easy_setopt(h, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (r->ca_file)
		curl.easy_setopt(h, CURLOPT_CAINFO, r->ca_file);
}

/* A connection of its own, so that its times are those of this request. */
static void set_detail(struct http_call *c, const struct http_request *r)
{
	if (r->connect_to) {
		c->curl->connect_to = curl.slist_append(NULL, r->connect_to);
		curl.easy_setopt(c->curl->easy, CURLOPT_CONNECT_TO, c->curl->connect_to);
	}
	if (!r->detail)
		return;
	curl.easy_setopt(c->curl->easy, CURLOPT_CERTINFO, 1L);
	curl.easy_setopt(c->curl->easy, CURLOPT_FRESH_CONNECT, 1L);
	curl.easy_setopt(c->curl->easy, CURLOPT_FORBID_REUSE, 1L);
}

static void set_sinks(struct http_call *c)
{
	curl.easy_setopt(c->curl->easy, CURLOPT_PRIVATE, c);
	curl.easy_setopt(c->curl->easy, CURLOPT_ERRORBUFFER, c->curl->error);
	curl.easy_setopt(c->curl->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl.easy_setopt(c->curl->easy, CURLOPT_HEADERDATA, c);
	curl.easy_setopt(c->curl->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl.easy_setopt(c->curl->easy, CURLOPT_WRITEDATA, c);
}

void transfer_begin(struct http_call *c)
{
	struct http *h = c->http;
	const struct http_request *r = &c->ask;
	c->curl = xcalloc(1, sizeof(*c->curl));
	c->curl->easy = curl.easy_init();
	if (!c->curl->easy)
		bug("libcurl has no memory");
	curl.easy_setopt(c->curl->easy, CURLOPT_URL, r->url);
	if (h->socket && !r->tcp)
		curl.easy_setopt(c->curl->easy, CURLOPT_UNIX_SOCKET_PATH, h->socket);
	set_method(c, r);
	set_bounds(c, r);
	set_detail(c, r);
	set_sinks(c);
	curl.multi_add_handle(h->multi, c->curl->easy);
}

static enum http_failure failure_of(CURLcode code)
{
	switch (code) {
	case CURLE_COULDNT_CONNECT:
	case CURLE_COULDNT_RESOLVE_HOST:
		return HTTP_NO_CONNECTION;
	case CURLE_OPERATION_TIMEDOUT:
		return HTTP_TIMEOUT;
	default:
		return HTTP_BROKEN;
	}
}

static enum http_fault fault_of(const struct http_call *c, CURLcode code)
{
	switch (code) {
	case CURLE_OK:
		return HTTP_FAULT_NONE;
	case CURLE_COULDNT_RESOLVE_HOST:
		return HTTP_FAULT_NAME;
	case CURLE_COULDNT_CONNECT:
		return HTTP_FAULT_CONNECT;
	case CURLE_PEER_FAILED_VERIFICATION:
		return HTTP_FAULT_CERTIFICATE;
	case CURLE_SSL_CONNECT_ERROR:
		return HTTP_FAULT_TLS;
	case CURLE_OPERATION_TIMEDOUT:
		return c->ask.detail->connect_us ? HTTP_FAULT_TIME : HTTP_FAULT_CONNECT;
	default:
		return HTTP_FAULT_ANSWER;
	}
}

static int64_t time_of(const struct http_call *c, CURLINFO what)
{
	curl_off_t us = 0;
	curl.easy_getinfo(c->curl->easy, what, &us);
	return us;
}

static void take_certificate(const struct http_call *c, struct http_detail *d)
{
	static const char mark[] = "Cert:";
	struct curl_certinfo *chain = NULL;
	if (curl.easy_getinfo(c->curl->easy, CURLINFO_CERTINFO, &chain) || !chain ||
		chain->num_of_certs < 1)
		return;
	for (const struct curl_slist *l = chain->certinfo[0]; l; l = l->next)
		if (starts_with(l->data, mark))
			buf_adds(&d->certificate, l->data + sizeof(mark) - 1);
}

static void take_detail(struct http_call *c, CURLcode code)
{
	struct http_detail *d = c->ask.detail;
	char *address = NULL;
	long port = 0, error = 0;
	d->name_us = time_of(c, CURLINFO_NAMELOOKUP_TIME_T);
	d->connect_us = time_of(c, CURLINFO_CONNECT_TIME_T);
	d->tls_us = time_of(c, CURLINFO_APPCONNECT_TIME_T);
	d->first_us = time_of(c, CURLINFO_STARTTRANSFER_TIME_T);
	d->total_us = time_of(c, CURLINFO_TOTAL_TIME_T);
	d->fault = fault_of(c, code);
	d->cut = c->body_too_long;
	curl.easy_getinfo(c->curl->easy, CURLINFO_OS_ERRNO, &error);
	d->refused = d->fault == HTTP_FAULT_CONNECT && error == ECONNREFUSED;
	curl.easy_getinfo(c->curl->easy, CURLINFO_PRIMARY_IP, &address);
	curl.easy_getinfo(c->curl->easy, CURLINFO_PRIMARY_PORT, &port);
	if (address && d->connect_us && strlen(address) < sizeof(d->address))
		memcpy(d->address, address, strlen(address) + 1);
	d->port = (int)port;
	take_certificate(c, d);
}

static void finish(struct http_call *c, CURLcode code)
{
	long status = 0;
	if (c->ask.detail)
		take_detail(c, code);
	curl.easy_getinfo(c->curl->easy, CURLINFO_RESPONSE_CODE, &status);
	c->answer.status = (int)status;
	c->done = true;
	if (code == CURLE_OK || c->stopped)
		return;
	if (c->header_too_long)
		call_fail(c, HTTP_BROKEN, "its header is longer than 64 KiB");
	else if (c->body_too_long)
		call_fail(c, HTTP_BROKEN, "its body is too long");
	else
		call_fail(c, failure_of(code),
			c->curl->error[0] ? c->curl->error : curl.easy_strerror(code));
}

void transfer_stop(struct http_call *c)
{
	curl.multi_remove_handle(c->http->multi, c->curl->easy);
}

void transfer_free(struct http_call *c)
{
	transfer_stop(c);
	curl.easy_cleanup(c->curl->easy);
	curl.slist_free_all(c->curl->headers);
	curl.slist_free_all(c->curl->connect_to);
	xfree(c->curl);
}

void transfers_free(struct http *h)
{
	if (h->multi)
		curl.multi_cleanup(h->multi);
}

bool transfers_perform(struct http *h)
{
	int running = 0, left = 0;
	bool any = false;
	curl.multi_perform(h->multi, &running);
	for (CURLMsg *m; (m = curl.multi_info_read(h->multi, &left));) {
		if (m->msg != CURLMSG_DONE)
			continue;
		for (struct http_call *c = h->calls; c; c = c->next) {
			if (c->curl && c->curl->easy == m->easy_handle) {
				finish(c, m->data.result);
				any = true;
			}
		}
	}
	return any;
}

void transfers_wait(struct http *h, const struct pollfd *others, size_t count, int max_ms)
{
	struct curl_waitfd *fds = xcalloc(count + 1, sizeof(*fds));
	int ready = 0;
	for (size_t i = 0; i < count; i++)
		fds[i] = (struct curl_waitfd){ .fd = others[i].fd, .events = CURL_WAIT_POLLIN };
	curl.multi_poll(h->multi, fds, (unsigned)count, max_ms, &ready);
	xfree(fds);
}
