/*
 * What a write does to a section of a twin (tags, desired or reported) and to its metadata.
 *
 * Pure functions over JSON trees.  Source: IoT Hub documentation, "Understand and use device
 * twins", back-end and device operations.
 */
#ifndef HUB_TWIN_MERGE_H
#define HUB_TWIN_MERGE_H

#include <jansson.h>
#include <stdint.h>

/* What metadata notes about a write. */
struct twin_stamp {
    const char *updated; /* the time, as it is written */
    int64_t version;     /* the desired $version this write makes; 0: none is noted */
};

/*
 * Merge `patch` into `section`: objects merge, null removes, everything else replaces; a null
 * in what is new is dropped.  "$metadata" and "$version" at the patch's top are passed over.
 * @param metadata  the section's metadata; NULL for tags, which have none.
 */
void twin_merge(json_t *section, json_t *metadata, const json_t *patch,
                struct twin_stamp stamp);

/*
 * The patch that turns `section` into `wanted` when it is merged: all of `wanted`, and null, at
 * every depth, for what it lacks.  A device learns of a replacement in this form.  A new
 * reference.
 */
json_t *twin_replacement(const json_t *section, const json_t *wanted);

/* A shallow copy of the patch without "$metadata" and "$version"; a new reference. */
json_t *twin_plain_patch(const json_t *patch);

#endif
