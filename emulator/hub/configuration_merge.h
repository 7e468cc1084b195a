/*
 * What several configurations make of a twin's desired properties together.
 *
 * Pure functions over JSON trees.  A path belongs to the configuration with the highest
 * priority that names it or something above it; what it says there replaces what lower ones
 * say there and below.  Source: IoT Hub documentation, "Automatic device and module
 * management"; IoT Edge documentation, "Understand IoT Edge automatic deployments", layered
 * deployments.
 */
#ifndef HUB_CONFIGURATION_MERGE_H
#define HUB_CONFIGURATION_MERGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"
#include "hub/configuration_content.h"

/* Put what `twin` says over what `document` holds. */
void configuration_merge_put(json_t *document, const struct content_twin *twin);

/* The same over nothing; a new reference. */
json_t *configuration_merge_document(const struct content_twin *twin);

/*
 * Take the paths that `twin` names, as one of several: the one with the highest priority comes
 * first.
 * @param claims  an object that begins empty and is the same for all of them.
 * @param owner   which of them it is, a number of the caller's.
 * @return whether it has something to say: one of its paths was free, or it names none.
 */
bool configuration_merge_claim(json_t *claims, const struct content_twin *twin, int64_t owner);

/*
 * What has to be merged into `current` so that it has all of `wanted` and nothing any more of
 * what only `was` has; everything else in it stays.  A null in `wanted` is something it must
 * not have.  A new reference; empty when nothing has to be done.
 */
json_t *configuration_merge_patch(const json_t *current, const json_t *was,
                                  const json_t *wanted);

#endif
