/*
 * Configurations as they are kept in memory: compiled conditions and content, for no more than
 * what the hub allows of them.  Documents, targets and progress are in the store.
 *
 * A change gets round in three ways.  A configuration that changed reviews the twins it has and
 * searches all twins for those it lacks, a chunk a turn.  An identity that changed becomes
 * dirty and is evaluated alone in the next turn.  What changes without anybody's doing is
 * looked for every five minutes.  All of them end in configuration_evaluate(), whose outcome
 * depends on nothing but what stands in the store at that moment, so their order is of no
 * matter.
 */
#ifndef HUB_CONFIGURATION_H
#define HUB_CONFIGURATION_H

#include "hub/configuration_content.h"
#include "hub/core.h"
#include "query/query.h"
#include "store/configurations.h"

/* One that exists, or one that was removed and that some twins still know of. */
struct configuration {
    int64_t seq;
    int64_t priority;
    struct configuration_content content;
    struct query *query; /* NULL: targets nobody */
    int64_t cursor;
    int64_t evaluated_ms;
    enum configuration_phase phase;
    unsigned watches; /* enum hub_touched bits: whose writes the condition looks at */
    bool is_restless; /* the condition looks at what changes without a write */
    bool is_removed;
    bool is_base;       /* an edge deployment that can stand alone: it sets all of $edgeAgent */
    bool wants_metrics; /* its metrics are to be counted anew */
    char id[LIMIT_CONFIGURATION_ID_CHARS + 1];
};

struct metrics_run;

/* hub->configurations */
struct configurations {
    struct configuration **items; /* highest priority first, of equal ones the newest; removed
                                     ones behind */
    size_t n_items;
    size_t n_live;
    unsigned watches; /* of all together */
    int64_t dirty_cursor;
    struct hub_timer work;
    struct hub_timer rounds;     /* every five minutes */
    struct metrics_run *metrics; /* the one under way, or NULL */
};

/* ---- the set (configuration_set.c) ------------------------------------------------------- */

/* NULL when there is none, or it is removed. */
struct configuration *configuration_find(const struct hub *hub, struct slice id);
struct configuration *configuration_find_seq(const struct hub *hub, int64_t seq);

/* Take a record up whose texts were checked; its place follows from its priority. */
void configuration_add(struct hub *hub, const struct store_configuration *record);

/* Priority and condition are new. */
void configuration_change(struct hub *hub, struct configuration *configuration,
                          const struct store_configuration *record);

/* It targets nobody any more. */
void configuration_retire(struct hub *hub, struct configuration *configuration);

/* The last of a removed one is gone; it is freed. */
void configuration_forget(struct hub *hub, struct configuration *configuration);

/**
 * Compile a condition for content of a kind.
 * @param out  NULL on success when it targets nobody.
 * @return IOTHUB_OK; IOTHUB_INVALID_CONFIGURATION_TARGET_CONDITION with a sentence in `error`.
 */
MUST_CHECK enum iothub_status configuration_compile(struct slice condition,
                                                    enum configuration_kind kind,
                                                    struct query **out, struct buf *error);

/* Whether a condition names its own collection, as those for modules do. */
bool configuration_condition_has_from(struct slice condition);

/* ---- getting round (configuration_run.c) ------------------------------------------------- */

/* A turn's work; the timer's. */
void configuration_work(struct hub *hub, struct hub_timer *timer);

/* Work is to be done in the next turn. */
void configuration_wake(struct hub *hub);

/* Begin a phase, beside what a run that is under way still had to do. */
void configuration_begin_phase(struct hub *hub, struct configuration *configuration,
                               enum configuration_phase phase);

/* ---- one identity (configuration_evaluate.c) --------------------------------------------- */

/*
 * Find out which configurations target the identity, make its desired properties what they ask
 * for together, and note who has his way.  A negative errno when the store is broken.
 */
MUST_CHECK int configuration_evaluate(struct hub *hub, const struct store_identity *identity);

/* Whether the content is for identities of this kind; the condition is another matter. */
static inline bool configuration_fits(const struct configuration *configuration,
                                      const struct store_identity *identity)
{
    bool is_module = identity->module_id[0] != '\0';
    bool is_for_modules = configuration->content.kind == CONFIGURATION_MODULE;
    return is_module == is_for_modules &&
           (configuration->content.kind != CONFIGURATION_EDGE || identity->is_edge);
}

/* ---- edge devices (configuration_edge.c) ------------------------------------------------- */

/*
 * Give the device the modules that are listed.
 * @param listed  an object whose keys are the modules' names.
 * @param is_all  modules that a deployment made go when they are not listed.
 */
MUST_CHECK enum iothub_status
configuration_edge_set_modules(struct hub *hub, const struct store_identity *device,
                               const json_t *listed, bool is_all);

/* Add the names of the modules that `agent`, $edgeAgent's desired properties, lists. */
void configuration_edge_list_modules(const json_t *agent, json_t *listed);

/* Add the names of the modules that have content of their own. */
void configuration_edge_name_modules(const struct configuration_content *content,
                                     json_t *listed);

/* ---- metrics (configuration_metrics.c) --------------------------------------------------- */

/* Go on counting; true while there is more to do. */
bool configuration_metrics_step(struct hub *hub);

/* Forget the run that is under way, if it is this configuration's; NULL for any. */
void configuration_metrics_stop(struct hub *hub, const struct configuration *configuration);

/*
 * Write "systemMetrics" and "metrics".  What can be counted within the budget of rows is
 * counted now, the rest is as it was counted last.
 */
MUST_CHECK enum iothub_status
configuration_metrics_write(struct hub *hub, const struct configuration *configuration,
                            const struct store_configuration *record, int64_t *budget,
                            struct buf *out);

#endif
