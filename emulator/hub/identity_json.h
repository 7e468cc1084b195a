/*
 * Identities as the documents of the registry: read from a client's body, written as answers.
 */
#ifndef HUB_IDENTITY_JSON_H
#define HUB_IDENTITY_JSON_H

#include <jansson.h>

#include "hub/core.h"

/* The names of enum auth_type on the wire. */
const char *auth_type_name(enum auth_type type);

/**
 * Take what a PUT body may set into the record: status, authentication, capabilities and so on.
 * What the body leaves out gets its default, keys are made where none are given; the hub's own
 * members (ids, etag, times) and members nobody knows are passed over.
 * @return IOTHUB_OK, or IOTHUB_ARGUMENT_INVALID with the record untouched.
 */
MUST_CHECK enum iothub_status identity_read(struct hub *hub, const json_t *body,
                                            struct store_identity *record);

/* A random key of the size that the hub makes. */
void identity_make_key(char out[IDENTITY_KEY_SIZE]);

/* The document of a device or a module, in the order of members the hub has. */
void identity_write(const struct hub *hub, const struct store_identity *record,
                    struct buf *out);

#endif
