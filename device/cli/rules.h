/*
 * How the played device answers direct methods: the tutorial's lockDoor, and what --method
 * adds.
 */
#ifndef DEVICE_CLI_RULES_H
#define DEVICE_CLI_RULES_H

#include <stddef.h>

#include "base/buf.h"
#include "base/macros.h"
#include "cli/cli.h"

struct rule {
    char *name;
    int status;
    char *payload; /* JSON */
};

/* {0} knows lockDoor alone. */
struct rules {
    struct rule *items;
    size_t n_items;
};

/**
 * Read "NAME=STATUS:JSON", "NAME=STATUS" and "NAME", where STATUS is 200 and JSON null unless
 * they are given.
 * @param error  receives what is wrong, and with which text.
 * @param out    written on success only; end it with rules_finish().
 */
MUST_CHECK bool rules_parse(const struct cli_list *texts, struct buf *error, struct rules *out);

/* The rule for a method: the last that was given, or lockDoor's own; NULL when there is none.
 */
const struct rule *rules_find(const struct rules *rules, const char *name);

/* Whether this is the rule that needs no option. */
bool rule_is_lock_door(const struct rule *rule);

/* NULL and {0} are allowed. */
void rules_finish(struct rules *rules);

#endif
