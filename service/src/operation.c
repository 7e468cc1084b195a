/*
 * The table of operations, and what is built from a row: the request's target and its If-Match.
 */
#include "service/src/operation.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/coding.h"
#include "base/slice.h"
#include "iothub/identity.h"
#include "iothub/limits.h"

/* In the order of the enumeration; the formatter would break the long rows. */
// clang-format off
static const struct operation_row rows[] = {
    {OP_DEVICE_CREATE,        "PUT",    "/devices/{d}",                                REPEAT_REFUSED, ANSWER_OBJECT },
    {OP_DEVICE_GET,           "GET",    "/devices/{d}",                                REPEAT_ALWAYS,  ANSWER_OBJECT },
    {OP_DEVICE_UPDATE,        "PUT",    "/devices/{d}",                                REPEAT_UNBOUND, ANSWER_OBJECT },
    {OP_DEVICE_DELETE,        "DELETE", "/devices/{d}",                                REPEAT_REFUSED, ANSWER_NONE   },
    {OP_DEVICE_LIST,          "GET",    "/devices",                                    REPEAT_ALWAYS,  ANSWER_ARRAY  },
    {OP_MODULE_CREATE,        "PUT",    "/devices/{d}/modules/{m}",                    REPEAT_REFUSED, ANSWER_OBJECT },
    {OP_MODULE_GET,           "GET",    "/devices/{d}/modules/{m}",                    REPEAT_ALWAYS,  ANSWER_OBJECT },
    {OP_MODULE_UPDATE,        "PUT",    "/devices/{d}/modules/{m}",                    REPEAT_UNBOUND, ANSWER_OBJECT },
    {OP_MODULE_DELETE,        "DELETE", "/devices/{d}/modules/{m}",                    REPEAT_REFUSED, ANSWER_NONE   },
    {OP_MODULE_LIST,          "GET",    "/devices/{d}/modules",                        REPEAT_ALWAYS,  ANSWER_ARRAY  },
    {OP_TWIN_GET,             "GET",    "/twins/{d}{/m}",                              REPEAT_ALWAYS,  ANSWER_OBJECT },
    {OP_TWIN_UPDATE,          "PATCH",  "/twins/{d}{/m}",                              REPEAT_UNBOUND, ANSWER_OBJECT },
    {OP_TWIN_REPLACE,         "PUT",    "/twins/{d}{/m}",                              REPEAT_UNBOUND, ANSWER_OBJECT },
    {OP_METHOD_INVOKE,        "POST",   "/twins/{d}{/m}/methods",                      REPEAT_UNSENT,  ANSWER_OBJECT },
    {OP_QUERY,                "POST",   "/devices/query",                              REPEAT_ALWAYS,  ANSWER_ARRAY  },
    {OP_JOB_CREATE,           "PUT",    "/jobs/v2/{j}",                                REPEAT_REFUSED, ANSWER_OBJECT },
    {OP_JOB_GET,              "GET",    "/jobs/v2/{j}",                                REPEAT_ALWAYS,  ANSWER_OBJECT },
    {OP_JOB_CANCEL,           "POST",   "/jobs/v2/{j}/cancel",                         REPEAT_REFUSED, ANSWER_OBJECT },
    {OP_JOB_LIST,             "GET",    "/jobs/v2/query",                              REPEAT_ALWAYS,  ANSWER_ARRAY  },
    {OP_BULK,                 "POST",   "/devices",                                    REPEAT_REFUSED, ANSWER_RESULTS},
    {OP_KEYS_REGENERATE,      "POST",   "/devices/keys/regenerate",                    REPEAT_REFUSED, ANSWER_RESULTS},
    {OP_DEVICE_STATISTICS,    "GET",    "/statistics/devices",                         REPEAT_ALWAYS,  ANSWER_OBJECT },
    {OP_SERVICE_STATISTICS,   "GET",    "/statistics/service",                         REPEAT_ALWAYS,  ANSWER_OBJECT },
    {OP_CONFIGURATION_CREATE, "PUT",    "/configurations/{c}",                         REPEAT_REFUSED, ANSWER_OBJECT },
    {OP_CONFIGURATION_GET,    "GET",    "/configurations/{c}",                         REPEAT_ALWAYS,  ANSWER_OBJECT },
    {OP_CONFIGURATION_UPDATE, "PUT",    "/configurations/{c}",                         REPEAT_UNBOUND, ANSWER_OBJECT },
    {OP_CONFIGURATION_DELETE, "DELETE", "/configurations/{c}",                         REPEAT_REFUSED, ANSWER_NONE   },
    {OP_CONFIGURATION_LIST,   "GET",    "/configurations",                             REPEAT_ALWAYS,  ANSWER_ARRAY  },
    {OP_CONFIGURATION_TEST,   "POST",   "/configurations/testQueries",                 REPEAT_ALWAYS,
     ANSWER_OBJECT                                                                                                   },
    {OP_CONTENT_APPLY,        "POST",   "/devices/{d}/applyConfigurationContent",      REPEAT_ALWAYS,
     ANSWER_NONE                                                                                                     },
    {OP_DIGITAL_TWIN_GET,     "GET",    "/digitaltwins/{d}",                           REPEAT_ALWAYS,  ANSWER_OBJECT },
    {OP_DIGITAL_TWIN_UPDATE,  "PATCH",  "/digitaltwins/{d}",                           REPEAT_REFUSED, ANSWER_NONE   },
    {OP_COMMAND_INVOKE,       "POST",   "/digitaltwins/{d}{/p}/commands/{n}",          REPEAT_UNSENT,
     ANSWER_ANY                                                                                                      },
    {OP_C2D_SEND,             "POST",   "/devices/{d}/messages/deviceBound",           REPEAT_REFUSED, ANSWER_NONE   },
    {OP_C2D_PURGE,            "DELETE", "/devices/{d}/commands",                       REPEAT_REFUSED, ANSWER_OBJECT },
    {OP_FEEDBACK_RECEIVE,     "GET",    "/messages/serviceBound/feedback",             REPEAT_ALWAYS,
     ANSWER_ARRAY_OR_NONE                                                                                            },
    {OP_FEEDBACK_COMPLETE,    "DELETE", "/messages/serviceBound/feedback/{l}",         REPEAT_REFUSED,
     ANSWER_NONE                                                                                                     },
    {OP_FEEDBACK_ABANDON,     "POST",   "/messages/serviceBound/feedback/{l}/abandon", REPEAT_REFUSED,
     ANSWER_NONE                                                                                                     },
    {OP_FILE_NOTIFICATION_RECEIVE, "GET", "/messages/serviceBound/filenotifications", REPEAT_ALWAYS,
     ANSWER_OBJECT_OR_NONE                                                                                           },
    {OP_FILE_NOTIFICATION_COMPLETE, "DELETE", "/messages/serviceBound/filenotifications/{l}", REPEAT_REFUSED,
     ANSWER_NONE                                                                                                     },
    {OP_FILE_NOTIFICATION_ABANDON, "POST", "/messages/serviceBound/filenotifications/{l}/abandon", REPEAT_REFUSED,
     ANSWER_NONE                                                                                                     },
    {OP_EVENTS_READ,          "GET",    "/_emulator/events",                           REPEAT_ALWAYS,  ANSWER_ARRAY  },
};
// clang-format on

const struct operation_row *operation_row(enum operation operation)
{
    assert(operation < ARRAY_LEN(rows) && rows[operation].operation == operation);
    return &rows[operation];
}

/* Visible ASCII without a slash: what hubs take where identity_is_valid_id() says nothing. */
static bool is_segment(struct slice text, size_t max)
{
    if (text.len == 0 || text.len > max) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] <= ' ' || text.data[i] >= 0x7f || text.data[i] == '/') {
            return false;
        }
    }
    return true;
}

static bool job_id_is_valid(struct slice id)
{
    return is_segment(id, LIMIT_JOB_ID_CHARS);
}

static bool configuration_id_is_valid(struct slice id)
{
    return is_segment(id, LIMIT_CONFIGURATION_ID_CHARS);
}

static bool name_is_valid(struct slice name)
{
    return is_segment(name, LIMIT_ID_CHARS);
}

/* What can stand in a path, and where a call has it. */
static const struct placeholder {
    const char *name;
    const char *prefix; /* NULL: it must be there; else it may be missing with what is before */
    size_t offset;      /* in struct call */
    const char *what;
    bool (*is_valid)(struct slice text);
} placeholders[] = {
    {"d",  NULL,           offsetof(struct call, device_id),        "device id",        identity_is_valid_id},
    {"m",  NULL,           offsetof(struct call, module_id),        "module id",        identity_is_valid_id},
    {"/m", "/modules/",    offsetof(struct call, module_id),        "module id",        identity_is_valid_id},
    {"j",  NULL,           offsetof(struct call, job_id),           "job id",           job_id_is_valid     },
    {"c",  NULL,           offsetof(struct call, configuration_id), "configuration id",
     configuration_id_is_valid                                                                              },
    {"/p", "/components/", offsetof(struct call, component),        "component",        name_is_valid       },
    {"n",  NULL,           offsetof(struct call, command),          "command",          name_is_valid       },
    {"l",  NULL,           offsetof(struct call, lock_token),       "lock token",       name_is_valid       },
};

static const struct placeholder *find_placeholder(struct slice name)
{
    size_t i = 0;
    while (i < ARRAY_LEN(placeholders) - 1 && !slice_equal_text(name, placeholders[i].name)) {
        i++;
    }
    assert(slice_equal_text(name, placeholders[i].name));
    return &placeholders[i];
}

static bool put_placeholder(struct buf *out, struct slice name, const struct call *call,
                            struct buf *error)
{
    const struct placeholder *placeholder = find_placeholder(name);
    const char *text = NULL;
    memcpy(&text, (const char *)call + placeholder->offset, sizeof(text));
    if (placeholder->prefix != NULL && text == NULL) {
        return true;
    }
    struct slice value = slice_of(text);
    if (value.len == 0) {
        buf_putf(error, "a %s is missing", placeholder->what);
        return false;
    }
    if (!placeholder->is_valid(value)) {
        buf_putf(error, "\"%s\" is no valid %s", text, placeholder->what);
        return false;
    }
    if (placeholder->prefix != NULL) {
        buf_put_text(out, placeholder->prefix);
    }
    percent_encode(out, value);
    return true;
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
    buf_putf(out, "?api-version=%s",
             call->api_version == NULL ? SERVICE_API_VERSION : call->api_version);
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
