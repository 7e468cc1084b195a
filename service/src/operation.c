/*
 * The table of operations, and what is built from a row: the request's target and its If-Match.
 */
#include "service/src/operation.h"

#include <assert.h>
#include <stddef.h>

#include "base/coding.h"
#include "base/slice.h"
#include "iothub/identity.h"
#include "iothub/limits.h"

/* In the order of the enumeration. */
static const struct operation_row rows[] = {
    {OP_DEVICE_CREATE, "PUT",    "/devices/{d}",             REPEAT_REFUSED, ANSWER_OBJECT},
    {OP_DEVICE_GET,    "GET",    "/devices/{d}",             REPEAT_ALWAYS,  ANSWER_OBJECT},
    {OP_DEVICE_UPDATE, "PUT",    "/devices/{d}",             REPEAT_UNBOUND, ANSWER_OBJECT},
    {OP_DEVICE_DELETE, "DELETE", "/devices/{d}",             REPEAT_REFUSED, ANSWER_NONE  },
    {OP_DEVICE_LIST,   "GET",    "/devices",                 REPEAT_ALWAYS,  ANSWER_ARRAY },
    {OP_MODULE_CREATE, "PUT",    "/devices/{d}/modules/{m}", REPEAT_REFUSED, ANSWER_OBJECT},
    {OP_MODULE_GET,    "GET",    "/devices/{d}/modules/{m}", REPEAT_ALWAYS,  ANSWER_OBJECT},
    {OP_MODULE_UPDATE, "PUT",    "/devices/{d}/modules/{m}", REPEAT_UNBOUND, ANSWER_OBJECT},
    {OP_MODULE_DELETE, "DELETE", "/devices/{d}/modules/{m}", REPEAT_REFUSED, ANSWER_NONE  },
    {OP_MODULE_LIST,   "GET",    "/devices/{d}/modules",     REPEAT_ALWAYS,  ANSWER_ARRAY },
    {OP_TWIN_GET,      "GET",    "/twins/{d}{/m}",           REPEAT_ALWAYS,  ANSWER_OBJECT},
    {OP_TWIN_UPDATE,   "PATCH",  "/twins/{d}{/m}",           REPEAT_UNBOUND, ANSWER_OBJECT},
    {OP_TWIN_REPLACE,  "PUT",    "/twins/{d}{/m}",           REPEAT_UNBOUND, ANSWER_OBJECT},
    {OP_METHOD_INVOKE, "POST",   "/twins/{d}{/m}/methods",   REPEAT_UNSENT,  ANSWER_OBJECT},
    {OP_QUERY,         "POST",   "/devices/query",           REPEAT_ALWAYS,  ANSWER_ARRAY },
    {OP_JOB_CREATE,    "PUT",    "/jobs/v2/{j}",             REPEAT_REFUSED, ANSWER_OBJECT},
    {OP_JOB_GET,       "GET",    "/jobs/v2/{j}",             REPEAT_ALWAYS,  ANSWER_OBJECT},
    {OP_JOB_CANCEL,    "POST",   "/jobs/v2/{j}/cancel",      REPEAT_REFUSED, ANSWER_OBJECT},
    {OP_JOB_LIST,      "GET",    "/jobs/v2/query",           REPEAT_ALWAYS,  ANSWER_ARRAY },
};

const struct operation_row *operation_row(enum operation operation)
{
    assert(operation < ARRAY_LEN(rows) && rows[operation].operation == operation);
    return &rows[operation];
}

static bool job_id_is_valid(struct slice id)
{
    if (id.len == 0 || id.len > LIMIT_JOB_ID_CHARS) {
        return false;
    }
    for (size_t i = 0; i < id.len; i++) {
        if (id.data[i] <= ' ' || id.data[i] >= 0x7f || id.data[i] == '/') {
            return false;
        }
    }
    return true;
}

static bool put_id(struct buf *out, const char *kind, const char *text, struct buf *error)
{
    struct slice id = slice_of(text);
    bool is_job = kind[0] == 'j';
    if (id.len == 0) {
        buf_putf(error, "a %s id is missing", kind);
        return false;
    }
    if (is_job ? !job_id_is_valid(id) : !identity_is_valid_id(id)) {
        buf_putf(error, "\"%s\" is no valid %s id", text, kind);
        return false;
    }
    percent_encode(out, id);
    return true;
}

static bool put_placeholder(struct buf *out, struct slice name, const struct call *call,
                            struct buf *error)
{
    if (slice_equal_text(name, "d")) {
        return put_id(out, "device", call->device_id, error);
    }
    if (slice_equal_text(name, "j")) {
        return put_id(out, "job", call->job_id, error);
    }
    if (slice_equal_text(name, "/m")) {
        if (call->module_id == NULL) {
            return true;
        }
        buf_put_text(out, "/modules/");
    }
    return put_id(out, "module", call->module_id, error);
}

bool operation_put_target(struct buf *out, const struct call *call, struct buf *error)
{
    struct slice rest = slice_of(operation_row(call->operation)->path);
    while (rest.len != 0) {
        size_t brace = slice_find(rest, '{');
        buf_put(out, rest.data, brace);
        rest = slice_from(rest, brace);
        if (rest.len == 0) {
            break;
        }
        size_t end = slice_find(rest, '}');
        if (!put_placeholder(out, slice_make(rest.data + 1, end - 1), call, error)) {
            return false;
        }
        rest = slice_from(rest, end + 1);
    }
    buf_put_text(out, "?api-version=" SERVICE_API_VERSION);
    if (call->parameters != NULL && call->parameters[0] != '\0') {
        buf_put_char(out, '&');
        buf_put_text(out, call->parameters);
    }
    return true;
}

/* Documents carry etags bare, headers quoted, and some tools write the weak form. */
static struct slice bare_etag(const char *etag)
{
    struct slice bare = slice_trim(slice_of(etag));
    if (slice_starts_with(bare, SLICE("W/"))) {
        bare = slice_from(bare, 2);
    }
    if (bare.len >= 2 && bare.data[0] == '"' && bare.data[bare.len - 1] == '"') {
        bare = slice_make(bare.data + 1, bare.len - 2);
    }
    return bare;
}

bool operation_etag_is_any(const char *etag)
{
    return slice_equal_text(bare_etag(etag), "*");
}

bool operation_put_etag(struct buf *out, const char *etag)
{
    struct slice bare = bare_etag(etag);
    for (size_t i = 0; i < bare.len; i++) {
        unsigned char c = (unsigned char)bare.data[i];
        if (c <= ' ' || c >= 0x7f || c == '"') {
            return false;
        }
    }
    if (bare.len == 0) {
        return false;
    }
    buf_put_char(out, '"');
    buf_put_slice(out, bare);
    buf_put_char(out, '"');
    return true;
}
