/*
 * What the tests of configurations share: making them, and letting the hub get round.
 */
#ifndef TESTS_HUB_CONFIGURATIONS_H
#define TESTS_HUB_CONFIGURATIONS_H

#include "hub/service.h"

/* Create or replace one; the content is what stands behind "content":.  All have ' for ". */
void configure(struct fixture *f, const char *id, int priority, const char *condition,
               const char *content);
void unconfigure(struct fixture *f, const char *id);
json_t *get_configuration(struct fixture *f, const char *id);

/* Time enough for all that is to be done, short of the five minutes' round. */
void settle(struct fixture *f);

/* A twin's desired properties, its statuses ("{'c':'Applied'}"), the desired version. */
void assert_desired(struct fixture *f, const char *id, const char *want);
void assert_statuses(struct fixture *f, const char *id, const char *want);
int64_t desired_version(struct fixture *f, const char *id);

#endif
