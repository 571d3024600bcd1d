/*
 * The one user of libcrypto beside base/hash.c, loaded on first use. Comes in: what is wanted of a
 * key or a certificate. Goes out: PEM text and facts. Knows no file, no policy and no workspace.
 */
#include "run/secrets/keys.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/lib.h"
#include "base/os.h"
#include "base/sha256.h"

#define SYMBOLS(X)                                                                                 \
	X(ASN1_STRING_get0_data)                                                                   \
	X(ASN1_STRING_length)                                                                      \
	X(ASN1_STRING_set)                                                                         \
	X(ASN1_TIME_to_tm)                                                                         \
	X(BIO_ctrl)                                                                                \
	X(BIO_free)                                                                                \
	X(BIO_new)                                                                                 \
	X(BIO_new_mem_buf)                                                                         \
	X(BIO_s_mem)                                                                               \
	X(CRYPTO_free)                                                                             \
	X(ERR_clear_error)                                                                         \
	X(ERR_error_string_n)                                                                      \
	X(ERR_get_error)                                                                           \
	X(EVP_PKEY_Q_keygen)                                                                       \
	X(EVP_PKEY_free)                                                                           \
	X(EVP_sha256)                                                                              \
	X(GENERAL_NAMES_free)                                                                      \
	X(OPENSSL_cleanse)                                                                         \
	X(OPENSSL_sk_num)                                                                          \
	X(OPENSSL_sk_value)                                                                        \
	X(PKCS5_PBKDF2_HMAC)                                                                       \
	X(PEM_read_bio)                                                                            \
	X(PEM_read_bio_PrivateKey)                                                                 \
	X(PEM_read_bio_X509)                                                                       \
	X(PEM_write_bio_PKCS8PrivateKey)                                                           \
	X(PEM_write_bio_PUBKEY)                                                                    \
	X(PEM_write_bio_X509)                                                                      \
	X(X509_EXTENSION_free)                                                                     \
	X(X509_NAME_add_entry_by_txt)                                                              \
	X(X509_NAME_cmp)                                                                           \
	X(X509_NAME_get_text_by_NID)                                                               \
	X(X509V3_EXT_conf_nid)                                                                     \
	X(X509V3_set_ctx)                                                                          \
	X(X509_add_ext)                                                                            \
	X(X509_check_private_key)                                                                  \
	X(X509_digest)                                                                             \
	X(X509_free)                                                                               \
	X(X509_get0_notAfter)                                                                      \
	X(X509_get0_notBefore)                                                                     \
	X(X509_get0_pubkey)                                                                        \
	X(X509_get_ext_d2i)                                                                        \
	X(X509_get_issuer_name)                                                                    \
	X(X509_get_serialNumber)                                                                   \
	X(X509_get_subject_name)                                                                   \
	X(X509_getm_notAfter)                                                                      \
	X(X509_getm_notBefore)                                                                     \
	X(X509_gmtime_adj)                                                                         \
	X(X509_new)                                                                                \
	X(X509_set_issuer_name)                                                                    \
	X(X509_set_pubkey)                                                                         \
	X(X509_set_version)                                                                        \
	X(X509_sign)                                                                               \
	X(X509_up_ref)                                                                             \
	X(X509_verify)                                                                             \
	X(d2i_PrivateKey)

#define DECLARE(f) static __typeof__(f) *ssl_##f;
SYMBOLS(DECLARE)
#undef DECLARE

static int load(struct err *e)
{
	static const char *const names[] = { "libcrypto.so.3", "libcrypto.so", "libcrypto.3.dylib",
		NULL };
#define ENTRY(f) { #f, (void **)&ssl_##f, false },
	static const struct lib_symbol symbols[] = { SYMBOLS(ENTRY) };
#undef ENTRY
	static bool loaded;
	if (!loaded && lib_open(names, symbols, countof(symbols), e))
		return -1;
	loaded = true;
	return 0;
}

static int failed(struct err *e, const char *what)
{
	char text[160] = "unknown reason";
	unsigned long code = ssl_ERR_get_error();
	if (code)
		ssl_ERR_error_string_n(code, text, sizeof(text));
	ssl_ERR_clear_error();
	return err_set(e, ERR_FAILED, "%s: %s", what, text);
}

static void hex_of(const unsigned char *data, size_t len, char *hex)
{
	for (size_t i = 0; i < len; i++)
		snprintf(hex + 2 * i, 3, "%02x", data[i]);
}

void keyed_hash(const void *key, size_t key_len, const void *data, size_t len, char hex[65])
{
	unsigned char out[SHA256_SIZE];
	sha256_keyed(key, key_len, data, len, out);
	hex_of(out, sizeof(out), hex);
}

int slow_hash(const char *salt, int rounds, const struct buf *data, char hex[65], struct err *e)
{
	unsigned char out[SHA256_SIZE];
	if (load(e))
		return -1;
	if (!ssl_PKCS5_PBKDF2_HMAC(buf_str(data), (int)data->len, (const unsigned char *)salt,
		    (int)strlen(salt), rounds, ssl_EVP_sha256(), sizeof(out), out))
		return failed(e, "hashing a secret");
	hex_of(out, sizeof(out), hex);
	return 0;
}

/* ---- PEM ---- */

/* Moves what was written to a buffer (NULL: nowhere) and frees the BIO, which wipes nothing itself.
 */
static void take(BIO *bio, struct buf *out)
{
	char *data = NULL;
	long len = bio ? ssl_BIO_ctrl(bio, BIO_CTRL_INFO, 0, &data) : 0;
	if (len > 0 && out)
		buf_add(out, data, (size_t)len);
	if (len > 0)
		ssl_OPENSSL_cleanse(data, (size_t)len);
	ssl_BIO_free(bio);
}

static int put_private(EVP_PKEY *key, struct buf *out, struct err *e)
{
	BIO *bio = ssl_BIO_new(ssl_BIO_s_mem());
	bool ok = bio && ssl_PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
	take(bio, ok ? out : NULL);
	return ok ? 0 : failed(e, "writing a private key");
}

static int put_public(EVP_PKEY *key, struct buf *out, struct err *e)
{
	BIO *bio = ssl_BIO_new(ssl_BIO_s_mem());
	bool ok = bio && ssl_PEM_write_bio_PUBKEY(bio, key);
	take(bio, ok ? out : NULL);
	return ok ? 0 : failed(e, "writing a public key");
}

/*
 * Certificates read of late: one run asks about the authority and the leaf again and again, and
 * OpenSSL takes its time to read one. Only what is public is remembered.
 */
static struct {
	struct buf pem;
	X509 *certificate;
} recent[4];

static void remember(const char *pem, size_t len, X509 *x)
{
	static size_t next;
	size_t i = next++ % countof(recent);
	ssl_X509_free(recent[i].certificate);
	buf_truncate(&recent[i].pem, 0);
	buf_add(&recent[i].pem, pem, len);
	recent[i].certificate = ssl_X509_up_ref(x) ? x : NULL;
}

/* Length up to the end of the first certificate; a leaf's file goes on with its key. */
static size_t first_length(const struct buf *pem)
{
	static const char end[] = "-----END CERTIFICATE-----";
	const char *at = strstr(buf_str(pem), end);
	return at ? (size_t)(at - pem->data) + sizeof(end) - 1 : 0;
}

/* What was just made will be asked about next. */
static int put_certificate(X509 *x, struct buf *out, struct err *e)
{
	BIO *bio = ssl_BIO_new(ssl_BIO_s_mem());
	size_t before = out->len;
	bool ok = bio && ssl_PEM_write_bio_X509(bio, x);
	take(bio, ok ? out : NULL);
	if (!ok)
		return failed(e, "writing a certificate");
	if (!before)
		remember(out->data, first_length(out), x);
	return 0;
}

static X509 *get_certificate(const struct buf *pem)
{
	size_t len = first_length(pem);
	for (size_t i = 0; len && i < countof(recent); i++)
		if (recent[i].certificate && recent[i].pem.len == len &&
			!memcmp(recent[i].pem.data, pem->data, len) &&
			ssl_X509_up_ref(recent[i].certificate))
			return recent[i].certificate;
	BIO *bio = ssl_BIO_new_mem_buf(buf_str(pem), (int)pem->len);
	X509 *x = bio ? ssl_PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	ssl_BIO_free(bio);
	if (x && len)
		remember(pem->data, len, x);
	return x;
}

/* An encrypted key must not make OpenSSL ask at the terminal. */
static int no_passphrase(char *out, int size, int writing, void *ctx)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)ctx;
	return -1;
}

/* The kind of key that we make ourselves. Told what to expect, OpenSSL need not try everything. */
static EVP_PKEY *get_own_kind(const struct buf *pem)
{
	char *name = NULL, *header = NULL;
	unsigned char *der = NULL;
	long len = 0;
	EVP_PKEY *k = NULL;
	BIO *bio = ssl_BIO_new_mem_buf(buf_str(pem), (int)pem->len);
	if (bio && ssl_PEM_read_bio(bio, &name, &header, &der, &len)) {
		const unsigned char *p = der;
		if (streq(name, "PRIVATE KEY") && !*header)
			k = ssl_d2i_PrivateKey(EVP_PKEY_EC, NULL, &p, len);
		ssl_OPENSSL_cleanse(der, (size_t)len);
	}
	ssl_CRYPTO_free(name, __FILE__, __LINE__);
	ssl_CRYPTO_free(header, __FILE__, __LINE__);
	ssl_CRYPTO_free(der, __FILE__, __LINE__);
	ssl_BIO_free(bio);
	ssl_ERR_clear_error();
	return k;
}

static EVP_PKEY *get_private(const struct buf *pem)
{
	EVP_PKEY *k = get_own_kind(pem);
	if (k)
		return k;
	BIO *bio = ssl_BIO_new_mem_buf(buf_str(pem), (int)pem->len);
	k = bio ? ssl_PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
	ssl_BIO_free(bio);
	return k;
}

int key_pair(
	enum recipe kind, int bits, struct buf *private_pem, struct buf *public_pem, struct err *e)
{
	if (load(e))
		return -1;
	EVP_PKEY *key = kind == RECIPE_RSA ? ssl_EVP_PKEY_Q_keygen(NULL, NULL, "RSA",
						     (size_t)(bits ? bits : 3072))
					   : ssl_EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	if (!key)
		return failed(e, "making a key pair");
	int rc = put_private(key, private_pem, e) || put_public(key, public_pem, e) ? -1 : 0;
	ssl_EVP_PKEY_free(key);
	return rc;
}

/* ---- certificates ---- */

static bool is_address(const char *host)
{
	unsigned char raw[16];
	return inet_pton(AF_INET, host, raw) == 1 || inet_pton(AF_INET6, host, raw) == 1;
}

struct extension {
	int nid;
	const char *value;
};

/* Only what a development machine may be asked for: a stolen key is worth nothing elsewhere. */
static const struct extension authority_extensions[] = {
	{ NID_basic_constraints, "critical,CA:TRUE,pathlen:0" },
	{ NID_key_usage, "critical,keyCertSign,cRLSign" },
	{ NID_ext_key_usage, "serverAuth" },
	{ NID_name_constraints,
		"critical,permitted;DNS:localhost,permitted;DNS:test,permitted;DNS:internal,"
		"permitted;IP:127.0.0.0/255.0.0.0,"
		"permitted;IP:0:0:0:0:0:0:0:1/ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	{ NID_subject_key_identifier, "hash" },
};

static const struct extension leaf_extensions[] = {
	{ NID_basic_constraints, "critical,CA:FALSE" },
	{ NID_key_usage, "critical,digitalSignature" },
	{ NID_ext_key_usage, "serverAuth" },
	{ NID_subject_key_identifier, "hash" },
	{ NID_authority_key_identifier, "keyid:always" },
};

static int add_extension(X509 *x, X509 *issuer, int nid, const char *value, struct err *e)
{
	X509V3_CTX ctx = { 0 };
	ssl_X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	X509_EXTENSION *ext = ssl_X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	bool ok = ext && ssl_X509_add_ext(x, ext, -1);
	ssl_X509_EXTENSION_free(ext);
	return ok ? 0 : failed(e, "making a certificate");
}

/* Names are checked by the caller's constraints; a comma would start another name in OpenSSL's
 * syntax. */
static int add_hosts(X509 *x, X509 *issuer, const struct strs *hosts, struct err *e)
{
	struct buf value = BUF_INIT;
	int rc = 0;
	for (size_t i = 0; !rc && i < hosts->count; i++) {
		const char *h = hosts->items[i];
		if (!*h ||
			strspn(h, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				  "-._:*") != strlen(h))
			rc = err_set(e, ERR_CONFIG, "%s cannot be a name of a certificate", h);
		buf_addf(&value, "%s%s:%s", i ? "," : "", is_address(h) ? "IP" : "DNS", h);
	}
	if (!rc)
		rc = add_extension(x, issuer, NID_subject_alt_name, buf_str(&value), e);
	buf_release(&value);
	return rc;
}

static int add_extensions(X509 *x, X509 *issuer, const struct certificate_wish *w, struct err *e)
{
	const struct extension *list = w->hosts ? leaf_extensions : authority_extensions;
	size_t count = w->hosts ? countof(leaf_extensions) : countof(authority_extensions);
	for (size_t i = 0; i < count; i++)
		if (add_extension(x, issuer, list[i].nid, list[i].value, e))
			return -1;
	return w->hosts ? add_hosts(x, issuer, w->hosts, e) : 0;
}

static int set_serial(X509 *x, struct err *e)
{
	unsigned char serial[16];
	if (random_bytes(serial, sizeof(serial), e))
		return -1;
	serial[0] = (unsigned char)((serial[0] & 0x3f) | 0x40); /* positive, no leading zero */
	if (!ssl_ASN1_STRING_set(ssl_X509_get_serialNumber(x), serial, sizeof(serial)))
		return failed(e, "making a certificate");
	return 0;
}

static int set_names(X509 *x, X509 *issuer, const char *name, struct err *e)
{
	X509_NAME *subject = ssl_X509_get_subject_name(x);
	int len = (int)strnlen(name, 64);
	if (!ssl_X509_NAME_add_entry_by_txt(
		    subject, "O", MBSTRING_UTF8, (const unsigned char *)"devenv", -1, -1, 0) ||
		!ssl_X509_NAME_add_entry_by_txt(
			subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, len, -1, 0) ||
		!ssl_X509_set_issuer_name(x, ssl_X509_get_subject_name(issuer)))
		return failed(e, "making a certificate");
	return 0;
}

enum { SKEW_S = 3600 }; /* clocks of virtual machines lag behind */

static int fill(X509 *x, X509 *issuer, EVP_PKEY *own, EVP_PKEY *signer,
	const struct certificate_wish *w, struct err *e)
{
	if (set_serial(x, e) || set_names(x, issuer, w->name, e))
		return -1;
	if (!ssl_X509_set_version(x, 2) || !ssl_X509_set_pubkey(x, own) ||
		!ssl_X509_gmtime_adj(ssl_X509_getm_notBefore(x), -SKEW_S) ||
		!ssl_X509_gmtime_adj(ssl_X509_getm_notAfter(x), (long)w->days * 86400))
		return failed(e, "making a certificate");
	if (add_extensions(x, issuer, w, e))
		return -1;
	return ssl_X509_sign(x, signer, ssl_EVP_sha256()) ? 0 : failed(e, "signing a certificate");
}

int certificate_make(
	const struct certificate_wish *w, struct buf *pem, struct buf *key, struct err *e)
{
	int rc = -1;
	if (load(e))
		return -1;
	X509 *x = ssl_X509_new(), *issuer = w->hosts ? get_certificate(w->issuer) : x;
	EVP_PKEY *given = w->issuer_key ? get_private(w->issuer_key) : NULL;
	EVP_PKEY *own =
		!w->hosts && given ? given : ssl_EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	EVP_PKEY *signer = w->hosts ? given : own;
	if (!x || !issuer || !own || !signer || (w->issuer_key && !given))
		failed(e, "making a certificate");
	else if (w->hosts && ssl_X509_check_private_key(issuer, given) != 1)
		failed(e, "the key is not that of the authority's certificate");
	else if (!fill(x, issuer, own, signer, w, e) && !put_certificate(x, pem, e))
		rc = key ? put_private(own, key, e) : 0;
	if (own != given)
		ssl_EVP_PKEY_free(own);
	ssl_EVP_PKEY_free(given);
	if (issuer != x)
		ssl_X509_free(issuer);
	ssl_X509_free(x);
	return rc;
}

static int64_t seconds(const ASN1_TIME *t)
{
	struct tm tm = { 0 };
	return t && ssl_ASN1_TIME_to_tm(t, &tm) ? (int64_t)timegm(&tm) : 0;
}

static const char *general_name(struct arena *a, const GENERAL_NAME *g)
{
	char text[INET6_ADDRSTRLEN];
	if (g->type != GEN_DNS && g->type != GEN_IPADD)
		return NULL;
	const ASN1_STRING *s = g->d.dNSName; /* iPAddress is the same type at the same place */
	int len = ssl_ASN1_STRING_length(s);
	const unsigned char *data = ssl_ASN1_STRING_get0_data(s);
	if (g->type == GEN_DNS)
		return arena_strndup(a, (const char *)data, (size_t)len);
	if (!inet_ntop(len == 4 ? AF_INET : AF_INET6, data, text, sizeof(text)))
		return NULL;
	return arena_strdup(a, text);
}

static void look_hosts(struct arena *a, X509 *x, struct strs *out)
{
	GENERAL_NAMES *names = ssl_X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	int count = names ? ssl_OPENSSL_sk_num((const OPENSSL_STACK *)names) : 0;
	for (int i = 0; i < count; i++) {
		const char *s =
			general_name(a, ssl_OPENSSL_sk_value((const OPENSSL_STACK *)names, i));
		if (s)
			strs_add(a, out, s);
	}
	ssl_GENERAL_NAMES_free(names);
}

int certificate_look(
	struct arena *a, const struct buf *pem, struct certificate_facts *out, struct err *e)
{
	char name[256] = "", hex[2 * EVP_MAX_MD_SIZE + 1];
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	if (load(e))
		return -1;
	X509 *x = get_certificate(pem);
	if (!x || !ssl_X509_digest(x, ssl_EVP_sha256(), digest, &len)) {
		ssl_X509_free(x);
		return failed(e, "reading a certificate");
	}
	hex_of(digest, len, hex);
	ssl_X509_NAME_get_text_by_NID(
		ssl_X509_get_subject_name(x), NID_commonName, name, sizeof(name));
	*out = (struct certificate_facts){
		.subject = arena_strdup(a, name),
		.fingerprint = arena_strdup(a, hex),
		.not_before = seconds(ssl_X509_get0_notBefore(x)),
		.not_after = seconds(ssl_X509_get0_notAfter(x)),
	};
	look_hosts(a, x, &out->hosts);
	ssl_X509_free(x);
	return 0;
}

bool certificate_signed(const struct buf *pem, const struct buf *issuer)
{
	struct err ignored = ERR_INIT;
	if (load(&ignored))
		return false;
	X509 *x = get_certificate(pem), *by = get_certificate(issuer);
	bool ok = x && by &&
		  !ssl_X509_NAME_cmp(ssl_X509_get_issuer_name(x), ssl_X509_get_subject_name(by)) &&
		  ssl_X509_verify(x, ssl_X509_get0_pubkey(by)) == 1;
	ssl_X509_free(x);
	ssl_X509_free(by);
	ssl_ERR_clear_error();
	return ok;
}
