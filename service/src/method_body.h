/*
 * A direct method as the hub wants it, in a call of its own, as a command and inside a job.
 */
#ifndef SERVICE_SRC_METHOD_BODY_H
#define SERVICE_SRC_METHOD_BODY_H

#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"
#include "iothub/service.h"

/* @return IOTHUB_OK; IOTHUB_BAD_ARGUMENT, noted in the client. */
MUST_CHECK enum iothub_status method_check(struct iothub_service *service,
                                           const struct iothub_service_method *method);

/* The hub gives its verdict when these are over; this side should still be there then. */
int64_t method_timeouts_ms(const struct iothub_service_method *method);

/**
 * Append {"methodName":…,"payload":…,"responseTimeoutInSeconds":…,"connectTimeoutInSeconds":…}.
 * @return IOTHUB_OK; IOTHUB_BAD_ARGUMENT, noted in the client.
 */
MUST_CHECK enum iothub_status method_body_put(struct iothub_service *service, struct buf *out,
                                              const struct iothub_service_method *method);

#endif
