/*
 * Files that devices are uploading: from the hub's answer with a place until the device has
 * said how it ended.
 *
 * An upload that expires is no longer open, but stays known for a while, so that a device which
 * comes too late can be told so.
 */
#ifndef STORE_UPLOADS_H
#define STORE_UPLOADS_H

#include <stdint.h>

#include "store/store.h"

/* Texts are borrowed: on writing for the call, on reading until the next read or the commit. */
struct store_upload {
    int64_t seq; /* on reading */
    int64_t identity_seq;
    struct slice correlation_id; /* on writing */
    struct slice blob_name;
    int64_t expires_ms;
    int64_t forgotten_ms; /* on writing */
};

MUST_CHECK int store_upload_insert(struct store *store, const struct store_upload *upload);

MUST_CHECK int store_upload_get(struct store *store, struct slice correlation_id,
                                struct store_upload *out);

/* Those of an identity that are open at that time. */
MUST_CHECK int store_upload_count(struct store *store, int64_t identity_seq, int64_t at_ms,
                                  int64_t *out);

MUST_CHECK int store_upload_delete(struct store *store, int64_t seq);

/* Remove at most `most` that are to be forgotten; how many, or a negative errno. */
MUST_CHECK int store_upload_forget(struct store *store, int64_t at_ms, int most);

#endif
