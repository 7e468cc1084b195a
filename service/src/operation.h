/*
 * The hub's REST surface as this library uses it: one row an operation.
 */
#ifndef SERVICE_SRC_OPERATION_H
#define SERVICE_SRC_OPERATION_H

#include <stdbool.h>
#include <stddef.h>
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
    OP_BULK,
    OP_KEYS_REGENERATE,
    OP_DEVICE_STATISTICS,
    OP_SERVICE_STATISTICS,
    OP_CONFIGURATION_CREATE,
    OP_CONFIGURATION_GET,
    OP_CONFIGURATION_UPDATE,
    OP_CONFIGURATION_DELETE,
    OP_CONFIGURATION_LIST,
    OP_CONFIGURATION_TEST,
    OP_CONTENT_APPLY,
    OP_DIGITAL_TWIN_GET,
    OP_DIGITAL_TWIN_UPDATE,
    OP_COMMAND_INVOKE,
    OP_C2D_SEND,
    OP_C2D_PURGE,
    OP_FEEDBACK_RECEIVE,
    OP_FEEDBACK_COMPLETE,
    OP_FEEDBACK_ABANDON,
    OP_FILE_NOTIFICATION_RECEIVE,
    OP_FILE_NOTIFICATION_COMPLETE,
    OP_FILE_NOTIFICATION_ABANDON,
    OP_EVENTS_READ,
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
    ANSWER_ARRAY_OR_NONE,  /* none with the status 204 */
    ANSWER_OBJECT_OR_NONE, /* likewise */
    ANSWER_ANY,            /* any JSON value, or none */
    ANSWER_RESULTS,        /* an object that tells of several items, also with the status 400 */
};

struct operation_row {
    enum operation operation;
    const char *verb;
    /* {d}, {m}, {j}, {c} stand for the id of a device, a module, a job, a configuration; {/m}
     * for "/modules/ID" or nothing, {/p} for "/components/PATH" or nothing; {n} for a command's
     * name, {l} for a lock token. */
    const char *path;
    enum repeat repeat;
    enum answer_kind answer;
};

/* A header of one request alone; an empty value is sent as such. */
struct call_header {
    const char *name;
    const char *value;
};

/* One request in the caller's words; all texts are borrowed. */
struct call {
    enum operation operation;
    const char *device_id;
    const char *module_id;
    const char *job_id;
    const char *configuration_id;
    const char *component;
    const char *command;
    const char *lock_token;
    const char *api_version;  /* NULL: SERVICE_API_VERSION */
    const char *parameters;   /* "top=5", encoded; NULL for none */
    const char *body;         /* JSON text; NULL for none */
    const char *content_type; /* of a body that is not JSON; NULL: it is */
    size_t body_len;          /* of a body that is not JSON */
    const char *etag;         /* as the user gave it; NULL: no If-Match */
    const struct call_header *headers;
    size_t n_headers;
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
