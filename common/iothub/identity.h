/*
 * Names of devices and modules.
 */
#ifndef IOTHUB_IDENTITY_H
#define IOTHUB_IDENTITY_H

#include <stdbool.h>

#include "base/slice.h"

/* A device, or one of its modules when module_id is not empty.  Borrowed. */
struct identity {
    struct slice device_id;
    struct slice module_id;
};

static inline struct identity identity_of_device(struct slice device_id)
{
    return (struct identity){.device_id = device_id};
}

static inline bool identity_is_module(struct identity id)
{
    return id.module_id.len != 0;
}

bool identity_equal(struct identity a, struct identity b);

/*
 * 1 to 128 ASCII characters: letters, digits and - : . + % _ # * ? ! ( ) , = @ ; $ '
 * Source: IoT Hub documentation, "Identity registry", device identity properties.
 */
bool identity_is_valid_id(struct slice id);

#endif
