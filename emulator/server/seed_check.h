/*
 * The devices that the configuration file wants made at start: their form is checked before
 * anything is started, so that a mistake is told with its line and no half of them stands.
 *
 * What is left for the hub to judge are the rules for the content of twins.
 */
#ifndef SERVER_SEED_CHECK_H
#define SERVER_SEED_CHECK_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/macros.h"
#include "server/config_file.h"

/* What a file's "devices" holds; for the test of the JSON schema. */
extern const struct config_record device_record;

/* Check what stands under "devices" in the file, if anything does. */
MUST_CHECK bool seed_check(const struct config_file *file, struct buf *error);

#endif
