/*
 * One option's value: made from a text or from JSON, kept in the values structure, freed.
 */
#ifndef CLI_VALUE_H
#define CLI_VALUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/slice.h"
#include "cli/cli.h"

/* What an option's type makes of it; texts and lists are owned.  {0} is "absent" for each type.
 */
union value {
    bool flag;
    char *text;
    int64_t number;
    struct cli_list list;
};

/* From a variable or a default, where commas part the items of a list. */
MUST_CHECK bool value_from_text(const struct cli_option *option, const char *text,
                                union value *out);

/**
 * From a member of the configuration file.
 * @param error  receives "key: expected ...", or "key[2]: ..." for an item of a list.
 */
MUST_CHECK bool value_from_json(const struct cli_option *option, const json_t *json,
                                union value *out, struct buf *error);

/* "expected a number from 0 to 65535": what a value of the option has to be. */
void value_put_expected(struct buf *out, const struct cli_option *option);

/* Free what the structure holds for the option and put the new value there, which it then owns.
 */
void value_store(const struct cli_option *option, void *values, const union value *value);

/* Hand the value of one structure to another, whose own is not freed. */
void value_move(const struct cli_option *option, void *from, void *to);

/* One more item for an option of type CLI_LIST. */
void value_append(const struct cli_option *option, void *values, const char *item);

void value_finish(const struct cli_option *option, union value *value);

#endif
