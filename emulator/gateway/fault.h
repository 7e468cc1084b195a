/*
 * Fault injection: a device asks the hub to misbehave, by telemetry with certain properties.
 *
 *     AzIoTHub_FaultOperationType            "KillTcp", "ShutDownMqtt", "InvokeThrottling", …
 *     AzIoTHub_FaultOperationDelayInSecs     until the fault begins
 *     AzIoTHub_FaultOperationDurationInSecs  how long it lasts
 *     AzIoTHub_FaultOperationCloseReason     free text, without effect
 *
 * Such a message never becomes an event.  Over MQTT each fault is the end of the connection
 * that carried the request (struct fault_course); over HTTP the request itself is refused
 * (struct faults). Source: the end-to-end tests of the C, C#, Node and Python device SDKs.
 */
#ifndef GATEWAY_FAULT_H
#define GATEWAY_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"
#include "iothub/identity.h"
#include "iothub/message.h"
#include "iothub/status.h"

enum fault_type {
    FAULT_KILL_TCP,      /* without a word of the protocol */
    FAULT_SHUT_DOWN,     /* in good order */
    FAULT_THROTTLING,    /* too many requests */
    FAULT_MESSAGE_QUOTA, /* none left for today */
    FAULT_AUTH_ERROR,    /* the credentials are not good any more */
    FAULT_NONE,          /* of another protocol, or not known: nothing comes of it */
};

struct fault {
    enum fault_type type;
    int64_t delay_ms;
    int64_t duration_ms;
};

/* Whether the message is a request for a fault, and for which; one that makes no sense is. */
MUST_CHECK bool fault_read(const struct message *message, struct fault *out);

/* ---- MQTT -------------------------------------------------------------------------------- */

/* Where an MQTT connection stands with its faults; {0} is one without. */
struct fault_course {
    bool is_ending; /* nothing is acknowledged any more, and at due_ms it ends */
    bool is_abrupt; /* it is to look like a network that failed */
    int64_t due_ms;
};

/**
 * Take up a request.
 * @param is_copy  it came with DUP=1.
 * @return whether it may be acknowledged.
 */
MUST_CHECK bool fault_course_take(struct fault_course *course, const struct fault *fault,
                                  bool is_copy, int64_t now_ms);

/* When the connection is to end; NEVER_MS for not at all. */
int64_t fault_course_due_ms(const struct fault_course *course);

/* ---- HTTP -------------------------------------------------------------------------------- */

/* The faults that are under way, by device; what a gateway without it gets is plain telemetry.
 */
struct faults;

struct faults *faults_create(void);

/* NULL is allowed. */
void faults_destroy(struct faults *faults);

/**
 * What becomes of a request for a fault.
 * @param print  of the message, by which a repetition is known.
 * @return the error to refuse it with, or IOTHUB_OK when the fault is over or none.
 */
MUST_CHECK enum iothub_status faults_answer(struct faults *faults, struct identity id,
                                            const struct fault *fault, uint64_t print,
                                            int64_t now_ms);

/* Tells messages apart. */
uint64_t fault_print(const struct message *message);

#endif
