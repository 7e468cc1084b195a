/*
 * A blob in a storage account, written through a shared access signature.
 * Source: Azure Storage REST reference, "Put Blob", "Put Block" and "Put Block List".
 */
#ifndef DEVICE_SRC_BLOB_H
#define DEVICE_SRC_BLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/slice.h"

/* What fits is written with one request, the rest in blocks of this size. */
#define BLOB_BLOCK_BYTES ((size_t)4 * 1024 * 1024)

/* A blob can have no more blocks. */
#define BLOB_BLOCKS_MAX 50000

/* Where the hub wants it to be.  {0} is empty; the texts are owned. */
struct blob_place {
    char *correlation_id;
    char *host; /* perhaps with a port and a path */
    char *container;
    char *name;
    char *sas; /* "?sv=…" */
};

/**
 * Read the hub's answer.
 * @return false, with `out` empty, when something is missing.
 */
MUST_CHECK bool blob_place_read(struct slice json, struct blob_place *out);

/* NULL and {0} are allowed. */
void blob_place_finish(struct blob_place *place);

/* Append "https://host/container/name?sv=…"; "http:" only where the signature allows it. */
void blob_put_url(struct buf *out, const struct blob_place *place, bool is_plain);

/* Append "&comp=block&blockid=…" to a URL. */
void blob_put_block_parameters(struct buf *out, unsigned number);

/* Append the body of the request that makes a blob of its first n blocks. */
void blob_put_block_list(struct buf *out, unsigned n_blocks);

/* Append what a storage account says of a refusal: "AuthenticationFailed: text". */
void blob_put_refusal(struct buf *out, struct slice xml);

#endif
