/* The keyring of a workspace, open: values by name, new ones, old ones until all have followed. */
#ifndef RUN_SECRETS_VAULT_H
#define RUN_SECRETS_VAULT_H

#include "model/world.h"
#include "run/io/loop.h"
#include "run/files/places.h"

struct vault; /* heap */

/* Opens (creating on first use when create is set) the keyring; refuses wrong owner or mode. NULL
 * with err. */
struct vault *vault_open(const struct places *pl, bool create, struct err *e);
void vault_close(struct vault *v); /* wipes; NULL is fine */
/*
 * Makes values that are missing; runs command: recipes (l NULL: does not); reads file: and
 * environment: ones. One that cannot be had fails when it is asked for. Saves only when it changed.
 */
int vault_ensure(struct vault *v, struct loop *l, const struct project *p, struct err *e);
int vault_get(struct vault *v, const char *name, struct buf *out, struct err *e);
int vault_public(struct vault *v, const char *name, struct buf *out,
	struct err *e); /* public half of a key pair */
int vault_set(struct vault *v, const char *name, const void *value, size_t len, struct err *e);
/* True when there was no keyring: with data volumes at hand their passwords are lost (FAULTS D05).
 */
bool vault_fresh(const struct vault *v);
/*
 * A new value by recipe, saved beside the old one, which stays until vault_settle() says that those
 * who use it have followed (accept) or have not (back to the old). Killed in between, the next run
 * still finds both (D06).
 */
int vault_rotate(struct vault *v, const struct secret *s, struct err *e);
/* The same with a value that is given; it stays whatever the recipe says. */
int vault_offer(struct vault *v, const char *name, const void *value, size_t len, struct err *e);
bool vault_previous(
	struct vault *v, const char *name, struct buf *out); /* false: nothing is unsettled */
int vault_settle(struct vault *v, const char *name, bool accept, struct err *e);
/* Exchanges the two while nothing is settled: the old value is the current one again. */
int vault_swap(struct vault *v, const char *name, struct err *e);
/* world.secrets anew. */
void vault_fingerprints(struct vault *v, struct arena *a, const struct project *p, struct world *w);
/* Marks of those in world.secrets, under a key that is not the keyring's. */
void vault_marks(struct vault *v, struct arena *a, const unsigned char key[32], struct world *w);
/* slow_hash() of its value, or of the one before; 1: there is none. */
int vault_proof(struct vault *v, const char *name, bool previous, const char *salt, int rounds,
	char hex[65], struct err *e);
/* Reads the keyring again when another devenv has written it since. */
int vault_refresh(struct vault *v, struct err *e);
void vault_redact(struct vault *v, struct buf *text); /* replaces every known value by *** */
/*
 * For much text that nearly never has one: a quick look, which is wrong now and then in one
 * direction only. Knows the values of when it was made; NULL (of a NULL vault, too) suspects
 * nothing.
 */
struct redactor; /* heap */
struct redactor *redactor_new(const struct vault *v);
bool redactor_suspects(const struct redactor *r, const char *text, size_t len);
void redactor_free(struct redactor *r);

#endif
