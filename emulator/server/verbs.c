/*
 * What the verbs have in common.
 */
#include "server/verbs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

_Static_assert(offsetof(struct verb_values, config) == 0, "the options' offsets begin here");

void verbs_finish(void *values)
{
    struct verb_values *all = values;
    config_finish(&all->config);
}

int verb_with_config(struct cli_call *call, verb_body *body)
{
    struct buf error;
    int result = CLI_WRONG;
    buf_init(&error, BUF_CAP_OWN);
    if (config_load(call, &error)) {
        log_set_level((enum log_level)config_of(call)->log_level);
        result = body(call, &error);
    }
    if (result != CLI_DONE) {
        cli_complain(call, "%s", buf_text(&error));
    }
    buf_finish(&error);
    return result;
}

int verb_print(struct slice text, struct buf *error)
{
    if (fwrite(text.data, 1, text.len, stdout) == text.len && fflush(stdout) == 0) {
        return CLI_DONE;
    }
    buf_putf(error, "the output cannot be written: %s", strerror(errno));
    return CLI_FAILED;
}
