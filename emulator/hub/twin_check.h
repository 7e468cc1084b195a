/*
 * What may stand in a twin.
 * Source: IoT Hub documentation, "Understand and use device twins", properties format.
 */
#ifndef HUB_TWIN_CHECK_H
#define HUB_TWIN_CHECK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/macros.h"

/**
 * Check the names, values and depth of a patch or a new section.
 * @param error  receives a sentence naming the property.
 */
MUST_CHECK bool twin_check_content(const json_t *section, struct buf *error);

/* Size as the hub counts: names and texts without control characters, numbers 8, booleans 4
 * bytes. */
size_t twin_size_bytes(const json_t *value);

#endif
