/*
 * Twins, as texts: each section is a JSON object, its metadata another.
 */
#ifndef STORE_TWINS_H
#define STORE_TWINS_H

#include <stdint.h>

#include "store/identities.h"
#include "store/store.h"

/*
 * Slices are borrowed: on writing for the call, on reading until the next store_twin_get,
 * store_twin_load or store_twin_next of the same store, or its commit.  Writes in between leave
 * them as they were, so a twin can be written back with slices of the one that was read.
 */
struct store_twin {
    int64_t seq;
    int64_t etag; /* service-side writes + 1 */
    struct slice model_id;
    struct slice tags; /* "" when there never were any */
    struct slice desired;
    struct slice desired_metadata;
    int64_t desired_version;
    struct slice reported;
    struct slice reported_metadata;
    int64_t reported_version;
};

MUST_CHECK int store_twin_get(struct store *store, int64_t seq, struct store_twin *out);

/* The twin with its identity. */
MUST_CHECK int store_twin_load(struct store *store, int64_t seq,
                               struct store_identity *identity, struct store_twin *twin);

MUST_CHECK int store_twin_insert(struct store *store, const struct store_twin *twin);

/* Tags, desired with its metadata and version, and the etag. */
MUST_CHECK int store_twin_write_service(struct store *store, const struct store_twin *twin);

/* The same without the tags, which takes less. */
MUST_CHECK int store_twin_write_desired(struct store *store, const struct store_twin *twin);

/* Reported with its metadata and version. */
MUST_CHECK int store_twin_write_reported(struct store *store, const struct store_twin *twin);

MUST_CHECK int store_twin_write_model(struct store *store, int64_t seq, struct slice model_id);

/*
 * What a walk along all devices reads of each; every other walk reads all.  Both seqs are
 * always read.  Of a twin the rest is empty then, of an identity its ids are.
 */
enum store_part {
    STORE_PART_ALL,
    STORE_PART_IDENTITY,
    STORE_PART_TWIN,
    STORE_PART_TAGS, /* the twin's tags alone */
};

/*
 * The next identity and twin in order of creation, of devices or of modules; STORE_NO_ROW at
 * the end. The cursor stays open for the next call with the last seq, so a scan is one pass; a
 * write, a commit or another scan in between ends it and the next call starts it anew behind
 * that seq.
 */
struct store_scan {
    int64_t after_seq; /* 0 first; each call sets it to the seq it read */
    bool is_modules;
    struct slice device_id; /* only this device's; empty for all */
    enum store_part part;   /* of each row */
    int64_t next_module;    /* the walk's own: the next one that it will pass by */
};

MUST_CHECK int store_twin_next(struct store *store, struct store_scan *scan,
                               struct store_identity *identity, struct store_twin *twin);

/* Give the cursor back before the scan has reached its end. */
void store_twin_scan_end(struct store *store);

#endif
