/*
 * A hub's life, its turns, and how its calls fail.
 */
#include "hub/hub.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "hub/core.h"

enum {
    ERROR_TEXT_CAP = 16 * 1024,
};

enum iothub_status hub_fail(struct hub *hub, enum iothub_status status, const char *format, ...)
{
    va_list args;
    buf_reset(&hub->error);
    va_start(args, format);
    buf_vputf(&hub->error, format, args);
    va_end(args);
    return status;
}

enum iothub_status hub_store_failed(struct hub *hub)
{
    const char *why = store_failure(hub->store);
    return hub_fail(hub, IOTHUB_SERVER_ERROR, "%s",
                    why == NULL ? "The hub's data could not be read or written." : why);
}

const char *hub_error_text(const struct hub *hub)
{
    return hub->error.len == 0 ? "" : hub->error.data;
}

static char **copy_names(const struct hub_options *options)
{
    char **names = mem_array(options->n_names + 1, sizeof(*names));
    for (size_t i = 0; i < options->n_names; i++) {
        names[i] = mem_dup_text(options->names[i]);
    }
    return names;
}

static struct hub_policy *copy_policies(const struct hub_options *options)
{
    struct hub_policy *policies = mem_array(options->n_policies + 1, sizeof(*policies));
    for (size_t i = 0; i < options->n_policies; i++) {
        policies[i].name = mem_dup_text(options->policies[i].name);
        policies[i].primary_key = mem_dup_text(options->policies[i].primary_key);
        policies[i].secondary_key = mem_dup_text(options->policies[i].secondary_key);
        policies[i].rights = options->policies[i].rights;
        if ((policies[i].rights & HUB_REGISTRY_WRITE) != 0) {
            policies[i].rights |= HUB_REGISTRY_READ;
        }
    }
    return policies;
}

static void free_const_text(const char *text)
{
    free((void *)(uintptr_t)text);
}

static void free_settings(struct hub *hub)
{
    for (size_t i = 0; i < hub->n_names; i++) {
        free(hub->names[i]);
    }
    free(hub->names);
    for (size_t i = 0; i < hub->n_policies; i++) {
        free_const_text(hub->policies[i].name);
        free_const_text(hub->policies[i].primary_key);
        free_const_text(hub->policies[i].secondary_key);
    }
    free(hub->policies);
}

bool hub_open(const struct hub_options *options, struct moment now, struct buf *error,
              struct hub **out)
{
    struct store *store = NULL;
    if (store_open(options->store_path, error, &store) != 0) {
        return false;
    }
    struct hub *hub = mem_alloc(sizeof(*hub));
    hub->store = store;
    hub->now = now;
    buf_init(&hub->error, ERROR_TEXT_CAP);
    buf_init(&hub->scratch[0], BUF_CAP_OWN);
    buf_init(&hub->scratch[1], BUF_CAP_OWN);
    hub->names = copy_names(options);
    hub->n_names = options->n_names;
    hub->policies = copy_policies(options);
    hub->n_policies = options->n_policies;
    hub->token_grace_ms = options->token_grace_ms;
    hub->last_call = options->calls_before;
    hub->event_retention_ms = options->event_retention_ms;
    hub->event_retention_count = options->event_retention_count;
    hub->files = options->files;
    hub_service_queues_init(hub, options);
    if (!hub_event_sequences_load(hub) || !hub_runners_resume(hub) ||
        !hub_configurations_load(hub)) {
        buf_put_text(error, hub_error_text(hub));
        hub_close(hub);
        return false;
    }
    hub_queries_turn(hub);
    hub_start_expiry(hub);
    hub_messages_start(hub);
    *out = hub;
    return true;
}

void hub_close(struct hub *hub)
{
    if (hub == NULL) {
        return;
    }
    hub_queries_finish(hub);
    hub_calls_finish(hub);
    hub_files_finish(hub);
    hub_runners_finish(hub);
    hub_configurations_finish(hub);
    hub_locks_finish(hub, &hub->message_locks);
    for (size_t i = 0; i < FEEDBACK_QUEUES; i++) {
        hub_locks_finish(hub, &hub->service_queues[i].locks);
    }
    deadline_heap_finish(&hub->timers);
    store_close(hub->store);
    free_settings(hub);
    free(hub->event_sequences);
    buf_finish(&hub->error);
    buf_finish(&hub->scratch[0]);
    buf_finish(&hub->scratch[1]);
    free(hub);
}

void hub_turn(struct hub *hub, struct moment now)
{
    hub->now = now;
    hub_queries_turn(hub);
}

struct moment hub_now(const struct hub *hub)
{
    return hub->now;
}

void hub_tick(struct hub *hub)
{
    struct deadline *due = NULL;
    while ((due = deadline_heap_pop_due(&hub->timers, hub->now.now_ms)) != NULL) {
        struct hub_timer *timer = CONTAINER_OF(due, struct hub_timer, deadline);
        timer->fire(hub, timer);
    }
    hub_queries_tick(hub);
}

int64_t hub_deadline_ms(const struct hub *hub)
{
    return hub->queries != NULL ? hub->now.now_ms : deadline_heap_next_ms(&hub->timers);
}

void hub_set_timer(struct hub *hub, struct hub_timer *timer, int64_t due_ms)
{
    deadline_set(&hub->timers, &timer->deadline, due_ms);
}

void hub_clear_timer(struct hub *hub, struct hub_timer *timer)
{
    deadline_clear(&hub->timers, &timer->deadline);
}

bool hub_commit(struct hub *hub)
{
    if (store_commit(hub->store) == 0) {
        hub_event_waiters_wake(hub);
        return true;
    }
    (void)hub_store_failed(hub);
    return false;
}

enum iothub_status hub_all_or_nothing(struct hub *hub, hub_work *work, void *ctx)
{
    if (store_mark(hub->store) != 0) {
        return hub_store_failed(hub);
    }
    enum iothub_status status = work(hub, ctx);
    int done = status == IOTHUB_OK ? store_keep(hub->store) : store_undo(hub->store);
    return done == 0 ? status : hub_store_failed(hub);
}

bool hub_is_named(const struct hub *hub, struct slice name)
{
    if (hub->n_names == 0) {
        return true;
    }
    /* "[::1]:443" and "host:443" carry a port; a bare "::1" does not. */
    if (name.len != 0 && name.data[0] == '[') {
        name = slice_between(name.data + 1, name.data + slice_find(name, ']'));
    } else {
        size_t colon = slice_find(name, ':');
        if (slice_find(slice_from(name, colon + 1), ':') == slice_from(name, colon + 1).len) {
            name.len = colon;
        }
    }
    for (size_t i = 0; i < hub->n_names; i++) {
        struct slice own = slice_of(hub->names[i]);
        if (own.len > 2 && own.data[0] == '*' && own.data[1] == '.') {
            struct slice suffix = slice_from(own, 1);
            if (name.len > suffix.len &&
                slice_equal_nocase(slice_from(name, name.len - suffix.len), suffix)) {
                return true;
            }
        } else if (slice_equal_nocase(name, own)) {
            return true;
        }
    }
    return false;
}

int64_t hub_ticks(int64_t at_ms)
{
    return (at_ms + 62135596800000LL) * 10000;
}
