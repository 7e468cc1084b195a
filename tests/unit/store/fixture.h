/*
 * What the store's tests start from: a folder of their own and stores in it.
 */
#ifndef UNIT_STORE_FIXTURE_H
#define UNIT_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/identities.h"
#include "store/store.h"
#include "store/twins.h"

struct fixture {
    char folder[256];
    char path[300]; /* of a store that may or may not be there yet */
    struct store *store;
};

/* cmocka's set-ups: an empty folder; that and an open store; a store in memory. */
int fixture_folder(void **state);
int fixture_file(void **state);
int fixture_memory(void **state);
/* Closes the store and removes the folder. */
int fixture_end(void **state);

/* Close and open again. */
void fixture_reopen(struct fixture *f);
void fixture_close(struct fixture *f);

/* Opening must work. */
struct store *open_store(const char *path);
struct store *open_reader(const char *path);

/* Opening must fail; answers the code, and the sentence into `text`. */
int refused(const char *path, char text[512]);
int refused_to_read(const char *path, char text[512]);

/* A record with ids and otherwise the least. */
struct store_identity record_of(const char *device_id, const char *module_id);
struct identity id_of(const char *device_id, const char *module_id);

/* Insert an identity with an empty twin; answers its seq. */
int64_t add(struct store *store, const char *device_id, const char *module_id);

/* Whether the identity is there; the store must answer. */
bool has(struct store *store, const char *device_id, const char *module_id);

void assert_slice(struct slice got, const char *want);

#endif
