/*
 * Getting round: identities that changed, then one configuration that changed, a chunk of each
 * a turn, then metrics.  Everything that must survive is in the store at the end of each turn.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "hub/configuration.h"
#include "hub/search.h"

enum {
    DIRTY_A_TURN = 100,  /* identities that changed */
    REVIEW_A_TURN = 100, /* of the identities that a configuration has */
    SEARCH_LOOK = 2000,  /* rows looked at in one turn */
    SEARCH_TAKE = 100,   /* of them, identities that are evaluated */
};

/* In the next turn, not in this one: others come in between. */
void configuration_wake(struct hub *hub)
{
    hub_set_timer(hub, &hub->configurations->work, hub->now.now_ms + 1);
}

/* A failing write breaks the store; the turn's commit then ends the process. */
static void save(struct hub *hub, const struct configuration *configuration)
{
    (void)!store_configuration_progress(hub->store, configuration->seq, configuration->phase,
                                        configuration->cursor, configuration->evaluated_ms);
}

/* Searching covers everything but the review of what is there; a review covers only that. */
static enum configuration_phase join_phases(enum configuration_phase a,
                                            enum configuration_phase b)
{
    if (a == CONFIGURATION_SETTLED || a == b) {
        return b;
    }
    return b == CONFIGURATION_SETTLED ? a : CONFIGURATION_REVIEW_THEN_SEARCH;
}

void configuration_begin_phase(struct hub *hub, struct configuration *configuration,
                               enum configuration_phase phase)
{
    configuration->phase = join_phases(configuration->phase, phase);
    configuration->cursor = 0;
    save(hub, configuration);
    configuration_wake(hub);
}

void hub_configurations_touch(struct hub *hub, int64_t identity_seq, enum hub_touched what)
{
    struct configurations *set = hub->configurations;
    if (set == NULL || (set->watches & what) == 0) {
        return;
    }
    (void)!store_configuration_dirty_add(hub->store, identity_seq);
    if (!deadline_is_set(&set->work.deadline)) {
        configuration_wake(hub);
    }
}

/* ---- identities that changed ------------------------------------------------------------- */

/* Round and round by seq, so that those which change all the time leave others their turn. */
static int next_dirty(struct hub *hub, struct store_identity *identity)
{
    int64_t *cursor = &hub->configurations->dirty_cursor;
    int found = store_configuration_dirty_next(hub->store, *cursor, identity);
    if (found == STORE_NO_ROW && *cursor != 0) {
        found = store_configuration_dirty_next(hub->store, 0, identity);
    }
    *cursor = found == 0 ? identity->seq : 0;
    return found;
}

/* STORE_NO_ROW when none is left, 0 when there may be more. */
static int evaluate_dirty(struct hub *hub)
{
    struct store_identity identity;
    int found = 0;
    for (int i = 0; i < DIRTY_A_TURN; i++) {
        found = next_dirty(hub, &identity);
        if (found == 0) {
            found = store_configuration_dirty_remove(hub->store, identity.seq);
        }
        if (found == 0) {
            found = configuration_evaluate(hub, &identity);
        }
        if (found != 0) {
            break;
        }
    }
    return found;
}

/* ---- configurations that changed --------------------------------------------------------- */

/* It got all the way round.  One that was removed is gone now. */
static void settle(struct hub *hub, struct configuration *configuration)
{
    if (configuration->is_removed) {
        (void)!store_configuration_delete(hub->store, configuration->seq);
        configuration_forget(hub, configuration);
        return;
    }
    configuration->phase = CONFIGURATION_SETTLED;
    configuration->cursor = 0;
    configuration->evaluated_ms = hub->now.at_ms;
    save(hub, configuration);
}

static void end_review(struct hub *hub, struct configuration *configuration)
{
    if (configuration->phase == CONFIGURATION_REVIEW) {
        settle(hub, configuration);
        return;
    }
    configuration->phase = CONFIGURATION_SEARCH;
    configuration->cursor = 0;
    save(hub, configuration);
}

/* The twins it has: some it may lose, in some it may come behind or before another. */
static int review(struct hub *hub, struct configuration *configuration)
{
    struct store_identity identity;
    int found = 0;
    for (int i = 0; i < REVIEW_A_TURN && found == 0; i++) {
        found = store_configuration_target_walk(hub->store, configuration->seq,
                                                configuration->cursor, &identity);
        if (found == 0) {
            configuration->cursor = identity.seq;
            found = configuration_evaluate(hub, &identity);
        }
    }
    if (found == STORE_NO_ROW) {
        end_review(hub, configuration);
        return 0;
    }
    save(hub, configuration);
    return found;
}

/* Whether a twin that matches is new to the configuration. */
static int is_new(struct hub *hub, const struct configuration *configuration,
                  const struct store_identity *identity, bool *out)
{
    struct store_configuration_target target;
    *out = false;
    if (!configuration_fits(configuration, identity)) {
        return 0;
    }
    int found =
        store_configuration_target_get(hub->store, identity->seq, configuration->seq, &target);
    *out = found == STORE_NO_ROW;
    return found < 0 ? found : 0;
}

/* Matches are gathered before anything is written: a write would end the scan. */
static int gather(struct hub *hub, struct configuration *configuration,
                  struct store_identity *identities, size_t *n)
{
    struct search search;
    struct store_twin twin;
    int64_t budget = SEARCH_LOOK;
    bool takes = false;
    int found = search_init(hub, &search, configuration->query, configuration->cursor);
    while (found == 0 && *n < SEARCH_TAKE) {
        found = search_next(hub, &search, &budget, &identities[*n], &twin);
        if (found == 0) {
            found = is_new(hub, configuration, &identities[*n], &takes);
            *n += takes ? 1 : 0;
            budget--;
        }
    }
    configuration->cursor = search.scan.after_seq;
    search_finish(hub, &search);
    return found;
}

static int search_more(struct hub *hub, struct configuration *configuration)
{
    if (configuration->query == NULL) {
        settle(hub, configuration);
        return 0;
    }
    struct store_identity *identities = mem_array(SEARCH_TAKE, sizeof(*identities));
    size_t n = 0;
    int found = gather(hub, configuration, identities, &n);
    bool is_over = found == STORE_NO_ROW;
    found = found == -EAGAIN || is_over ? 0 : found;
    for (size_t i = 0; i < n && found == 0; i++) {
        found = configuration_evaluate(hub, &identities[i]);
    }
    free(identities);
    if (is_over) {
        settle(hub, configuration);
    } else {
        save(hub, configuration);
    }
    return found;
}

/* Removed ones first, and old ones before new ones: nobody waits for ever. */
static struct configuration *next_unsettled(const struct configurations *set)
{
    struct configuration *first = NULL;
    for (size_t i = 0; i < set->n_items; i++) {
        struct configuration *item = set->items[i];
        if (item->phase == CONFIGURATION_SETTLED) {
            continue;
        }
        if (first == NULL || item->is_removed > first->is_removed ||
            (item->is_removed == first->is_removed && item->seq < first->seq)) {
            first = item;
        }
    }
    return first;
}

/* STORE_NO_ROW when all are settled. */
static int advance_one(struct hub *hub)
{
    struct configuration *configuration = next_unsettled(hub->configurations);
    if (configuration == NULL) {
        return STORE_NO_ROW;
    }
    return configuration->phase == CONFIGURATION_SEARCH ? search_more(hub, configuration)
                                                        : review(hub, configuration);
}

/* ---- a turn's work ----------------------------------------------------------------------- */

void configuration_work(struct hub *hub, struct hub_timer *timer)
{
    (void)timer;
    int dirty = evaluate_dirty(hub);
    int changed = dirty < 0 ? dirty : advance_one(hub);
    if (dirty < 0 || changed < 0) {
        return; /* the store is broken: this turn's commit ends the process */
    }
    bool has_more = dirty == 0 || changed == 0;
    /* Metrics count what the rest has left behind. */
    has_more = has_more || configuration_metrics_step(hub);
    if (has_more || next_unsettled(hub->configurations) != NULL) {
        configuration_wake(hub);
    }
}
