/*
 * Requests with headers of any kind, and cloud-to-device messages on both of their ends.
 */
#ifndef TESTS_HUB_MAIL_H
#define TESTS_HUB_MAIL_H

#include "hub/device.h"
#include "hub/service.h"

#define MAIL_HEADERS_MAX 12

/* All texts are borrowed until the answer is there. */
struct mail {
    const char *method;
    const char *path;
    const char *query;                         /* NULL: the api-version */
    const char *token;                         /* NULL: one of iothubowner; "": none */
    const char *headers[MAIL_HEADERS_MAX];     /* "Name: value", as they come over the wire */
    const struct hub_certificate *certificate; /* NULL: none */
    struct slice body;
};

/* A request that is answered in its turn. */
struct reply mail(struct fixture *f, const struct mail *m);

/* The same, which must have this status; and one that must fail so. */
void mail_done(struct fixture *f, int status, const struct mail *m);
void mail_error(struct fixture *f, enum iothub_status status, const struct mail *m);

/* A device's own token, by its first key. */
const char *own_token(struct fixture *f, const char *id);

#define EVENTS "/devices/d/messages/events"

/*
 * Send telemetry, as "d" unless the path and the token say otherwise; it must work, or be
 * refused and leave no event.
 */
void say(struct fixture *f, struct mail m);
void say_refused(struct fixture *f, enum iothub_status status, struct mail m);
void assert_event(struct fixture *f, const char *properties, const char *body);

/* ---- the service's end ---- */

/* Send a message to a device; headers end with NULL, and may be NULL for none. */
void post_message(struct fixture *f, const char *id, const char *body,
                  const char *const headers[]);
void post_messages(struct fixture *f, const char *id, int n);
/* The same, which must be refused. */
void post_refused(struct fixture *f, enum iothub_status status, const char *id,
                  struct slice body, const char *const headers[]);

int64_t message_count(struct fixture *f, const char *id);
int64_t purge(struct fixture *f, const char *id);

/* The next batch of feedback, completed; NULL when there is none. */
json_t *take_feedback(struct fixture *f);

/* There is one record after a while, of the message "m". */
void assert_feedback(struct fixture *f, const char *status_code, const char *description);
void assert_no_feedback(struct fixture *f);

/* ---- the device's end ---- */

/* What a GET of the next message answers. */
struct reply fetch(struct fixture *f, const char *id);

/* The same, which must have this body; its lock token, which the caller frees. */
char *fetch_lock(struct fixture *f, const char *id, const char *body);
void assert_nothing_to_fetch(struct fixture *f, const char *id);

enum settlement {
    COMPLETE,
    REJECT,
    ABANDON,
};

struct reply settle(struct fixture *f, const char *id, const char *lock, enum settlement how);
/* It must work; `lock` is freed. */
void settle_take(struct fixture *f, const char *id, char *lock, enum settlement how);
void assert_lock_lost(struct fixture *f, const char *id, const char *lock, enum settlement how);

/* Subscribe to messages; what comes of it is left to device_heard(). */
void device_want_messages(struct device *d, const char *filter, uint8_t qos);
void device_puback(struct device *d, uint16_t packet_id);

/*
 * As assert_heard(), with topics and payloads in full however long they are:
 * "PUBLISH topic=payload qos 1 id 1 dup".
 */
void assert_heard_in_full(struct device *d, const char *want);

#endif
