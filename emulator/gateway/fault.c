/*
 * Reading requests for faults, and remembering what they ask for.
 */
#include "gateway/fault.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "iothub/limits.h"

#define PREFIX "AzIoTHub_FaultOperation"

enum {
    SECONDS_MAX = 3600, /* ours, of a delay and of a duration; the SDKs' tests use up to 20 */
    MEMORY_MAX = 1000,  /* devices whose last fault over HTTP is remembered; ours */
    LOGGED_MAX = 64,
    PATIENCE_MS = 60000, /* how long after its fault a repetition is still taken for one */
};

/* ---- the request ---- */

/* HTTP proxies may change the case of a header, and with it of a property's name. */
static struct slice find(const struct message *message, struct slice name)
{
    for (size_t i = 0; i < message->n_properties; i++) {
        if (slice_equal_nocase(message->properties[i].name, name)) {
            struct slice value = message->properties[i].value;
            return slice_trim(slice_make(value.data == NULL ? "" : value.data, value.len));
        }
    }
    return (struct slice){0};
}

/*
 * The C SDK's tests once write "KillAmqpc2dLink", so case does not matter.  Faults of AMQP's
 * links and sessions have nothing to break in another protocol.
 */
static enum fault_type type_of(struct slice name)
{
    static const struct {
        struct slice name;
        enum fault_type type;
    } types[] = {
        {SLICE("KillTcp"),               FAULT_KILL_TCP     },
        {SLICE("ShutDownMqtt"),          FAULT_SHUT_DOWN    },
        {SLICE("InvokeThrottling"),      FAULT_THROTTLING   },
        {SLICE("InvokeMaxMessageQuota"), FAULT_MESSAGE_QUOTA},
        {SLICE("InvokeAuthError"),       FAULT_AUTH_ERROR   },
    };
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (slice_equal_nocase(types[i].name, name)) {
            return types[i].type;
        }
    }
    return FAULT_NONE;
}

/* Thousandths of "2" or "0.25"; further digits are passed over.  false: no such number. */
static bool read_thousandths(struct slice text, int64_t *out)
{
    int64_t value = 0;
    int64_t unit = 1000;
    size_t point = slice_find(text, '.');
    for (size_t i = 0; i < text.len; i++) {
        int digit = text.data[i] - '0';
        if (i == point && text.len > 1) {
            continue;
        }
        if (digit < 0 || digit > 9) {
            return false;
        }
        unit = i < point ? unit : unit / 10;
        if (value <= SECONDS_MAX * 1000) {
            value = i < point ? value * 10 + (int64_t)digit * unit : value + digit * unit;
        }
    }
    *out = value;
    return text.len != 0;
}

/*
 * The C# SDK writes seconds with a fraction when there is one.  What is missing or no number
 * counts as 0: the request is recognised by its type alone, and a test whose numbers are wrong
 * should see its fault rather than a message that works.
 */
static int64_t time_of(const struct message *message, struct slice name)
{
    struct slice text = find(message, name);
    int64_t ms = 0;
    if (text.len != 0 && !read_thousandths(text, &ms)) {
        log_warning("fault injection: %.*s is no number of seconds, so it is taken for 0",
                    SLICE_ARG(name));
    }
    if (ms > SECONDS_MAX * 1000) {
        log_warning("fault injection: %.*s is cut to %d", SLICE_ARG(name), SECONDS_MAX);
        ms = SECONDS_MAX * 1000;
    }
    return ms;
}

bool fault_read(const struct message *message, struct fault *out)
{
    struct slice type = find(message, SLICE(PREFIX "Type"));
    if (type.data == NULL) {
        return false;
    }
    *out = (struct fault){
        .type = type_of(type),
        .delay_ms = time_of(message, SLICE(PREFIX "DelayInSecs")),
        .duration_ms = time_of(message, SLICE(PREFIX "DurationInSecs")),
    };
    if (out->type == FAULT_NONE) {
        type.len = type.len < LOGGED_MAX ? type.len : LOGGED_MAX;
        log_warning("fault injection: \"%.*s\" is nothing that can be done over MQTT or HTTP",
                    SLICE_ARG(type));
    }
    return true;
}

/* ---- MQTT ---- */

/*
 * The C SDK's tests want the request never to be acknowledged, whatever becomes of its
 * connection; clients send it again then, with DUP=1, which must not be another fault: that
 * would go on for ever.  So a copy is passed over.  Throttling, quota and authorization have no
 * form of their own in MQTT 3.1.1: the connection ends, and afterwards everything works.  What
 * cannot be done is acknowledged, or a client would repeat it.
 *
 * The duration is of no account: the device may come back at once.
 */
bool fault_course_take(struct fault_course *course, const struct fault *fault, bool is_copy,
                       int64_t now_ms)
{
    int64_t due_ms = now_ms + fault->delay_ms;
    if (fault->type == FAULT_NONE) {
        return true;
    }
    /* Of several the first to be due is the last. */
    if (!is_copy && (!course->is_ending || due_ms < course->due_ms)) {
        *course = (struct fault_course){
            .is_ending = true,
            .is_abrupt = fault->type == FAULT_KILL_TCP,
            .due_ms = due_ms,
        };
    }
    return false;
}

int64_t fault_course_due_ms(const struct fault_course *course)
{
    return course->is_ending ? course->due_ms : NEVER_MS;
}

/* ---- HTTP ---- */

/* The last fault that a device has asked for. */
struct remembered {
    char key[2 * LIMIT_ID_CHARS + 2]; /* "d" or "d/m" */
    enum fault_type type;
    uint64_t print;
    int64_t ends_ms;
    UT_hash_handle hh; /* in the order in which they were asked for */
};

struct faults {
    struct remembered *first;
};

struct faults *faults_create(void)
{
    return mem_alloc(sizeof(struct faults));
}

static void forget(struct faults *faults, struct remembered *one)
{
    if (one != NULL) {
        HASH_DEL(faults->first, one);
        free(one);
    }
}

void faults_destroy(struct faults *faults)
{
    while (faults != NULL && faults->first != NULL) {
        forget(faults, faults->first);
    }
    free(faults);
}

static enum iothub_status status_of(enum fault_type type)
{
    switch (type) {
    case FAULT_THROTTLING:
        return IOTHUB_THROTTLING_EXCEPTION;
    case FAULT_MESSAGE_QUOTA:
        return IOTHUB_QUOTA_EXCEEDED;
    case FAULT_AUTH_ERROR:
        return IOTHUB_UNAUTHORIZED;
    case FAULT_KILL_TCP:
    case FAULT_SHUT_DOWN:
    case FAULT_NONE:
        return IOTHUB_OK; /* there is no connection that would matter to a device */
    }
    return IOTHUB_OK;
}

static void write_key(char out[2 * LIMIT_ID_CHARS + 2], struct identity id)
{
    struct buf text = {.cap = 2 * LIMIT_ID_CHARS + 1};
    buf_put_slice(&text, id.device_id);
    if (identity_is_module(id)) {
        buf_put_char(&text, '/');
        buf_put_slice(&text, id.module_id);
    }
    memcpy(out, buf_text(&text), text.len + 1);
    buf_finish(&text);
}

static void remember(struct faults *faults, const char *key, const struct fault *fault,
                     uint64_t print, int64_t now_ms)
{
    if (HASH_COUNT(faults->first) == MEMORY_MAX) {
        forget(faults, faults->first);
    }
    struct remembered *one = mem_alloc(sizeof(*one));
    memcpy(one->key, key, sizeof(one->key));
    one->type = fault->type;
    one->print = print;
    one->ends_ms = now_ms + fault->delay_ms + fault->duration_ms;
    HASH_ADD_STR(faults->first, key, one);
}

/*
 * A client that repeats its request fails while the fault lasts, and succeeds after it: else it
 * could never recover.  Then it is forgotten, and the same message asks for a fault again.
 */
enum iothub_status faults_answer(struct faults *faults, struct identity id,
                                 const struct fault *fault, uint64_t print, int64_t now_ms)
{
    char key[2 * LIMIT_ID_CHARS + 2];
    struct remembered *last = NULL;
    enum iothub_status status = status_of(fault->type);
    if (status == IOTHUB_OK) {
        return IOTHUB_OK;
    }
    write_key(key, id);
    HASH_FIND_STR(faults->first, key, last);
    if (last != NULL && last->type == fault->type && now_ms < last->ends_ms) {
        return status;
    }
    bool is_over = last != NULL && last->print == print && last->ends_ms <= now_ms &&
                   now_ms - last->ends_ms < PATIENCE_MS;
    forget(faults, last);
    if (is_over) {
        return IOTHUB_OK;
    }
    log_info("%s: fault injection: refused with %s for %" PRId64 " ms", key,
             iothub_status_name(status), fault->delay_ms + fault->duration_ms);
    remember(faults, key, fault, print, now_ms);
    return status;
}

uint64_t fault_print(const struct message *message)
{
    struct buf text = {.cap = BUF_CAP_OWN};
    message_put_bag(&text, message);
    buf_put_char(&text, '\n');
    buf_put_slice(&text, message->body);
    uint64_t print = slice_hash(buf_slice(&text));
    buf_finish(&text);
    return print;
}
