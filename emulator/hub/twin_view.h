/*
 * Twins as documents.  Sections are stored as text and stay text: a view is put together, never
 * parsed.
 */
#ifndef HUB_TWIN_VIEW_H
#define HUB_TWIN_VIEW_H

#include "hub/core.h"

/* What GET /twins answers and SELECT * shows. */
void twin_view_service(const struct hub *hub, const struct store_identity *identity,
                       const struct store_twin *twin, struct buf *out);

/* What the device itself reads: desired and reported with their versions, no metadata. */
void twin_view_device(const struct store_twin *twin, struct buf *out);

/* A section of the service's view: its members, "$metadata" and "$version". */
void twin_view_section(struct slice section, struct slice metadata, int64_t version,
                       struct buf *out);

/* An object's text with "$version" as its last member. */
void twin_view_versioned(struct slice object, int64_t version, struct buf *out);

/* The twin's own count of changes: of both sides' writes. */
static inline int64_t twin_version(const struct store_twin *twin)
{
    return twin->etag + twin->reported_version;
}

#endif
