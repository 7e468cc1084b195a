/*
 * The hub's REST surface as this library uses it: one row an operation.
 */
#ifndef SERVICE_SRC_OPERATION_H
#define SERVICE_SRC_OPERATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"

#define SERVICE_API_VERSION "2021-04-12"

enum operation {
    OP_DEVICE_CREATE,
    OP_DEVICE_GET,
    OP_DEVICE_UPDATE,
    OP_DEVICE_DELETE,
    OP_DEVICE_LIST,
    OP_MODULE_CREATE,
    OP_MODULE_GET,
    OP_MODULE_UPDATE,
    OP_MODULE_DELETE,
    OP_MODULE_LIST,
    OP_TWIN_GET,
    OP_TWIN_UPDATE,
    OP_TWIN_REPLACE,
    OP_METHOD_INVOKE,
    OP_QUERY,
    OP_JOB_CREATE,
    OP_JOB_GET,
    OP_JOB_CANCEL,
    OP_JOB_LIST,
};

/* When a failed attempt may be made again. */
enum repeat {
    REPEAT_ALWAYS,  /* it changes nothing, or the same each time */
    REPEAT_UNBOUND, /* no etag binds it: as ALWAYS with If-Match "*", else as REFUSED */
    REPEAT_REFUSED, /* the hub cannot have acted: no connection, 429, 503 */
    REPEAT_UNSENT,  /* not a byte of it left this side */
};

enum answer_kind {
    ANSWER_NONE,
    ANSWER_OBJECT,
    ANSWER_ARRAY,
};

struct operation_row {
    enum operation operation;
    const char *verb;
    /* {d}, {m}, {j} stand for a device's, a module's, a job's id; {/m} for "/modules/ID" or
     * nothing. */
    const char *path;
    enum repeat repeat;
    enum answer_kind answer;
};

/* One request in the caller's words; all texts are borrowed. */
struct call {
    enum operation operation;
    const char *device_id;
    const char *module_id;
    const char *job_id;
    const char *parameters;   /* "top=5", encoded; NULL for none */
    const char *body;         /* JSON text; NULL for none */
    const char *etag;         /* as the user gave it; NULL: no If-Match */
    unsigned page_size;       /* 0: not sent */
    const char *continuation; /* NULL: not sent */
    int64_t extra_ms;         /* waited beyond the client's timeout_ms */
};

const struct operation_row *operation_row(enum operation operation);

/**
 * Append path and query parameters: "/devices/d1?api-version=2021-04-12".
 * @param error  receives a sentence when an id is missing or malformed.
 */
MUST_CHECK bool operation_put_target(struct buf *out, const struct call *call,
                                     struct buf *error);

/**
 * Append an etag as If-Match wants it: in double quotes, whatever form the user has it in.
 * @return false when it holds characters that no header may.
 */
MUST_CHECK bool operation_put_etag(struct buf *out, const char *etag);

/* Whether the etag, in any of its forms, is the wildcard. */
bool operation_etag_is_any(const char *etag);

#endif
