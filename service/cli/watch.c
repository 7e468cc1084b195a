/*
 * Watching.
 */
#include "service/cli/watch.h"

#include <inttypes.h>

#include "base/clock.h"
#include "cli/text.h"
#include "iothub/json.h"

void watch_init(struct watch *watch, const struct app *app)
{
    int64_t for_ms = app->values->for_ms;
    *watch =
        (struct watch){.app = app, .end_ms = for_ms == 0 ? NEVER_MS : app_now_ms() + for_ms};
}

static bool is_count_reached(const struct watch *watch)
{
    return watch->app->values->count != 0 && watch->n_shown >= watch->app->values->count;
}

bool watch_is_over(const struct watch *watch)
{
    return app_is_stopped() || is_count_reached(watch) || app_now_ms() >= watch->end_ms;
}

int64_t watch_wait_ms(const struct watch *watch, int64_t max_ms)
{
    if (watch->end_ms == NEVER_MS) {
        return max_ms;
    }
    int64_t left_ms = watch->end_ms - app_now_ms();
    left_ms = left_ms < 0 ? 0 : left_ms;
    return left_ms < max_ms ? left_ms : max_ms;
}

bool watch_show(struct watch *watch, const json_t *record,
                void (*put)(struct buf *line, const json_t *record))
{
    struct buf line;
    struct buf clean;
    if (is_count_reached(watch)) {
        return false;
    }
    buf_init(&line, BUF_CAP_OWN);
    buf_init(&clean, BUF_CAP_OWN);
    if (watch->app->values->output == CLI_OUTPUT_JSON) {
        json_put(&clean, record);
    } else {
        put(&line, record);
        text_put_clean(&clean, buf_slice(&line));
    }
    buf_put_char(&clean, '\n');
    app_print(&clean);
    watch->n_shown++;
    buf_finish(&line);
    buf_finish(&clean);
    return true;
}

int watch_end(const struct watch *watch, enum iothub_status status)
{
    if (status != IOTHUB_OK) {
        return app_fail(watch->app, status);
    }
    if (is_count_reached(watch)) {
        return CLI_DONE;
    }
    if (app_is_stopped()) {
        return app_fail(watch->app, IOTHUB_INTERRUPTED);
    }
    if (watch->app->values->count != 0) {
        cli_complain(watch->app->call, "%" PRId64 " of %" PRId64 " came in time",
                     watch->n_shown, watch->app->values->count);
        return CLI_FAILED;
    }
    return CLI_DONE;
}
