/*
 * The registry's steps without their conditions: what a single write and a bulk of them share.
 *
 * Each of these is whole: it stays or does not, and must not be called on a mark of the store.
 */
#ifndef HUB_REGISTRY_H
#define HUB_REGISTRY_H

#include <jansson.h>

#include "hub/core.h"
#include "hub/scopes.h"

/* The id must be free; `body` is an object. */
MUST_CHECK enum iothub_status registry_create(struct hub *hub, struct identity id,
                                              const json_t *body, enum scope_check check,
                                              struct store_identity *out);

/*
 * A module as a deployment makes it, for a device that exists: without keys, managed by IoT
 * Edge. The id must be free.  This one may be called on a mark.
 */
MUST_CHECK enum iothub_status registry_create_deployed(struct hub *hub, struct identity id);

/* On success the record is the new one, else it is as it was. */
MUST_CHECK enum iothub_status registry_update(struct hub *hub, const json_t *body,
                                              enum scope_check check,
                                              struct store_identity *record);

/* New keys in the place of one or both; IOTHUB_ARGUMENT_INVALID when it has none. */
MUST_CHECK enum iothub_status registry_new_keys(struct hub *hub, bool is_primary,
                                                bool is_secondary,
                                                struct store_identity *record);

/* IOTHUB_ARGUMENT_INVALID for one of the modules that every edge device has. */
MUST_CHECK enum iothub_status registry_delete(struct hub *hub,
                                              const struct store_identity *record);

/* IOTHUB_PRECONDITION_FAILED when the condition names another etag. */
MUST_CHECK enum iothub_status registry_check_etag(struct hub *hub,
                                                  const struct store_identity *record,
                                                  struct hub_condition condition);

/* The failure of creating what is there. */
enum iothub_status registry_already_exists(struct hub *hub, struct identity id);

#endif
