/*
 * The hub's shared access policies: the five built-in ones and those of the configuration file,
 * which replace built-in ones of the same name.
 *
 * A policy of the file may do without keys and then has the built-in policies' ones.  A primary
 * key alone serves as the secondary as well: a published key must not open what was given a key
 * of its own.
 */
#ifndef SERVER_POLICIES_H
#define SERVER_POLICIES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/macros.h"
#include "hub/hub.h"
#include "server/config_file.h"

/* In all, the built-in ones included. */
#define POLICIES_MAX 16

/* {0} holds none.  What the items point to belongs to this structure. */
struct policies {
    struct hub_policy items[POLICIES_MAX];
    size_t n_items;
    char *texts[3 * POLICIES_MAX];
    size_t n_texts;
};

/* What a file's "policies" holds; for the test of the JSON schema. */
extern const struct config_record policy_record;

/**
 * Start with the built-in policies.
 * @param key  primary and secondary of all; NULL for the well-known ones.
 */
void policies_init(struct policies *policies, const char *key);

/**
 * Add what stands under "policies" in the file, if anything does.
 * @param error  receives one line; the policies must then be finished.
 */
MUST_CHECK bool policies_read(struct policies *policies, const struct config_file *file,
                              struct buf *error);

/* Wipes the keys. */
void policies_finish(struct policies *policies);

/* Whether a policy has a key that everybody knows. */
bool policies_are_published(const struct policies *policies);

/* NULL when there is none of that name. */
const struct hub_policy *policies_find(const struct policies *policies, const char *name);

#endif
