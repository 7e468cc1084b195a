/*
 * A configuration's document, as a client sends it.
 */
#ifndef HUB_CONFIGURATION_READ_H
#define HUB_CONFIGURATION_READ_H

#include <jansson.h>

#include "hub/configuration_content.h"
#include "hub/core.h"
#include "store/configurations.h"

/* Whether a configuration may have that name. */
bool configuration_is_id(struct slice id);

/**
 * Read everything that a client may set into texts of the record.
 * @param text  the body as it came: what is kept of it is cut out, not written anew.
 * @param kind  receives the kind of the content.
 * @return IOTHUB_OK; IOTHUB_ARGUMENT_INVALID, IOTHUB_FORMAT_ERROR,
 *         IOTHUB_INVALID_CONFIGURATION_CONTENT,
 *         IOTHUB_INVALID_CONFIGURATION_CUSTOM_METRICS_QUERY.
 * The record is to be ended also when it failed.  The condition is only copied.
 */
MUST_CHECK enum iothub_status configuration_read(struct hub *hub, struct slice text,
                                                 const json_t *body,
                                                 struct store_configuration *record,
                                                 enum configuration_kind *kind);

#endif
