/*
 * What configurations make of one twin.
 */
#include <assert.h>
#include <errno.h>

#include "base/log.h"
#include "hub/configuration.h"
#include "hub/configuration_merge.h"
#include "hub/twin_row.h"
#include "iothub/json.h"

/* One identity while it is looked at.  The arrays go by priority, the highest first. */
struct evaluation {
    struct hub *hub;
    const struct store_identity *identity;
    struct configuration *targets[LIMIT_CONFIGURATIONS]; /* that target it */
    bool is_applied[LIMIT_CONFIGURATIONS];
    bool is_stored[LIMIT_CONFIGURATIONS]; /* there is a row that says the same */
    size_t n_targets;
    json_t *wanted; /* what they ask of desired, together */
    bool is_whole;  /* an edge deployment sets all of it */
    bool has_edge;  /* deployments on edge devices come into it, now or before */
};

static bool is_module(const struct evaluation *evaluation)
{
    return evaluation->identity->module_id[0] != '\0';
}

/* ---- who targets it ---------------------------------------------------------------------- */

static void add_target(struct evaluation *evaluation, struct configuration *configuration)
{
    assert(evaluation->n_targets < LIMIT_CONFIGURATIONS);
    evaluation->targets[evaluation->n_targets++] = configuration;
}

static int find_matches(struct evaluation *evaluation)
{
    const struct configurations *set = evaluation->hub->configurations;
    struct store_twin twin;
    int found = store_twin_get(evaluation->hub->store, evaluation->identity->seq, &twin);
    if (found != 0) {
        return found;
    }
    struct twin_row row = {evaluation->hub, evaluation->identity, &twin};
    for (size_t i = 0; i < set->n_live; i++) {
        struct configuration *configuration = set->items[i];
        if (configuration->query != NULL &&
            configuration_fits(configuration, evaluation->identity) &&
            query_matches(configuration->query, &twin_row_ops, &row)) {
            add_target(evaluation, configuration);
        }
    }
    return 0;
}

/* Whether a deployment that is applied on the module's device has something for the module. */
static int is_deployed(struct evaluation *evaluation, int64_t device_seq,
                       const struct configuration *configuration, bool *out)
{
    struct store_configuration_target target;
    *out = false;
    if (configuration->content.kind != CONFIGURATION_EDGE ||
        configuration_content_of(&configuration->content,
                                 slice_of(evaluation->identity->module_id)) == NULL) {
        return 0;
    }
    int found = store_configuration_target_get(evaluation->hub->store, device_seq,
                                               configuration->seq, &target);
    *out = found == 0 && target.is_applied;
    return found < 0 ? found : 0;
}

/* What comes through the device is put where its priority belongs. */
static int add_deployments(struct evaluation *evaluation)
{
    const struct configurations *set = evaluation->hub->configurations;
    struct evaluation matches = *evaluation;
    struct store_identity device;
    int found = store_identity_get(
        evaluation->hub->store, identity_of_device(slice_of(evaluation->identity->device_id)),
        &device);
    size_t next = 0;
    evaluation->n_targets = 0;
    for (size_t i = 0; i < set->n_live && found == 0; i++) {
        struct configuration *configuration = set->items[i];
        bool is_target = next < matches.n_targets && matches.targets[next] == configuration;
        next += is_target ? 1 : 0;
        if (!is_target && device.is_edge) {
            found = is_deployed(evaluation, device.seq, configuration, &is_target);
        }
        if (is_target) {
            add_target(evaluation, configuration);
        }
    }
    return found;
}

static int find_targets(struct evaluation *evaluation)
{
    int found = find_matches(evaluation);
    if (found == 0 && is_module(evaluation)) {
        found = add_deployments(evaluation);
    }
    return found;
}

/* ---- who has his way --------------------------------------------------------------------- */

static const struct content_twin *content_for(const struct evaluation *evaluation, size_t at)
{
    const struct configuration *configuration = evaluation->targets[at];
    if (!is_module(evaluation) && configuration->content.kind == CONFIGURATION_EDGE) {
        return NULL; /* it is for the device's modules */
    }
    return configuration_content_of(&configuration->content,
                                    slice_of(evaluation->identity->module_id));
}

static void settle_claims(struct evaluation *evaluation)
{
    json_t *claims = json_object();
    for (size_t i = 0; i < evaluation->n_targets; i++) {
        const struct content_twin *content = content_for(evaluation, i);
        if (content != NULL) {
            evaluation->is_applied[i] = configuration_merge_claim(claims, content, (int64_t)i);
        }
    }
    json_decref(claims);
}

/*
 * Of deployments on an edge device, one that can stand alone has its way, the highest; with it
 * those that come on top of it.  Source: IoT Edge documentation, "Understand IoT Edge automatic
 * deployments", layered deployment.
 */
static void settle_layers(struct evaluation *evaluation)
{
    size_t base = 0;
    while (base < evaluation->n_targets && !evaluation->targets[base]->is_base) {
        base++;
    }
    for (size_t i = 0; i <= base && base < evaluation->n_targets; i++) {
        if (evaluation->targets[i]->content.kind == CONFIGURATION_EDGE) {
            evaluation->is_applied[i] = true;
        }
    }
}

static void make_wanted(struct evaluation *evaluation)
{
    evaluation->wanted = json_object();
    for (size_t i = evaluation->n_targets; i-- > 0;) {
        const struct content_twin *content = content_for(evaluation, i);
        if (content == NULL || !evaluation->is_applied[i]) {
            continue;
        }
        configuration_merge_put(evaluation->wanted, content);
        evaluation->is_whole |= evaluation->targets[i]->content.kind == CONFIGURATION_EDGE &&
                                content_twin_is_whole(content);
    }
}

static void settle(struct evaluation *evaluation)
{
    settle_claims(evaluation);
    if (!is_module(evaluation)) {
        settle_layers(evaluation);
    }
    make_wanted(evaluation);
}

/* ---- the twin ---------------------------------------------------------------------------- */

static json_t *read_managed(struct evaluation *evaluation, int *result)
{
    struct buf text = {.cap = BUF_CAP_OWN};
    *result = store_configuration_managed_get(evaluation->hub->store, evaluation->identity->seq,
                                              &text);
    json_t *managed = text.len == 0 ? json_object() : json_parse(buf_slice(&text), NULL);
    buf_finish(&text);
    return managed;
}

static int save_managed(struct evaluation *evaluation)
{
    struct buf text = {.cap = BUF_CAP_OWN};
    if (json_object_size(evaluation->wanted) != 0) {
        json_put(&text, evaluation->wanted);
    }
    int result = store_configuration_managed_set(evaluation->hub->store,
                                                 evaluation->identity->seq, buf_slice(&text));
    buf_finish(&text);
    return result;
}

/* A twin that has no room for it stays as it is, and nobody is told that he was applied. */
static void give_up(struct evaluation *evaluation)
{
    log_debug("configurations for %s%s%s: %s", evaluation->identity->device_id,
              is_module(evaluation) ? "/" : "", evaluation->identity->module_id,
              hub_error_text(evaluation->hub));
    for (size_t i = 0; i < evaluation->n_targets; i++) {
        evaluation->is_applied[i] = false;
    }
}

/* Merge what is missing; `done` tells whether the twin is as it should be. */
static int write_twin(struct evaluation *evaluation, const json_t *was, bool *done)
{
    struct hub *hub = evaluation->hub;
    struct store_twin twin;
    int found = store_twin_get(hub->store, evaluation->identity->seq, &twin);
    if (found != 0) {
        return found;
    }
    json_t *current = json_parse(twin.desired, NULL);
    /* All of it was set anew: what else is there goes, once. */
    bool is_new = evaluation->is_whole && !json_equal(was, evaluation->wanted);
    json_t *patch =
        configuration_merge_patch(current, is_new ? current : was, evaluation->wanted);
    enum iothub_status status = IOTHUB_OK;
    if (json_object_size(patch) != 0) {
        status = hub_twin_configure(hub, store_identity_id(evaluation->identity), patch);
    }
    json_decref(patch);
    json_decref(current);
    *done = status == IOTHUB_OK;
    return store_failure(hub->store) == NULL ? 0 : -EIO;
}

static int apply(struct evaluation *evaluation)
{
    int result = 0;
    bool done = true;
    json_t *was = read_managed(evaluation, &result);
    if (result == 0 &&
        (json_object_size(was) != 0 || json_object_size(evaluation->wanted) != 0)) {
        result = write_twin(evaluation, was, &done);
        if (result == 0 && done && !json_equal(was, evaluation->wanted)) {
            result = save_managed(evaluation);
        }
    }
    json_decref(was);
    if (!done) {
        give_up(evaluation);
    }
    return result;
}

/* ---- what is noted ----------------------------------------------------------------------- */

/* The place among the targets; n_targets when it is none. */
static size_t find_place(const struct evaluation *evaluation, int64_t configuration_seq)
{
    size_t at = 0;
    while (at < evaluation->n_targets && evaluation->targets[at]->seq != configuration_seq) {
        at++;
    }
    return at;
}

static void note_kind(struct evaluation *evaluation, const struct configuration *configuration)
{
    /* What a removed one was is not known any more. */
    evaluation->has_edge |= configuration == NULL ||
                            configuration->content.kind == CONFIGURATION_EDGE;
}

/* Rows that are not true any more go, those that are need not be written. */
static int clear_rows(struct evaluation *evaluation)
{
    struct store *store = evaluation->hub->store;
    int64_t seq = evaluation->identity->seq;
    struct store_configuration_target row = {0};
    int found = 0;
    while ((found = store_configuration_target_next(store, seq, row.configuration_seq, &row)) ==
           0) {
        size_t at = find_place(evaluation, row.configuration_seq);
        if (at < evaluation->n_targets) {
            evaluation->is_stored[at] = row.is_applied == evaluation->is_applied[at];
            continue;
        }
        note_kind(evaluation, configuration_find_seq(evaluation->hub, row.configuration_seq));
        if (store_configuration_target_clear(store, seq, row.configuration_seq) < 0) {
            return -EIO;
        }
    }
    return found == STORE_NO_ROW ? 0 : found;
}

static int save_rows(struct evaluation *evaluation)
{
    int result = clear_rows(evaluation);
    for (size_t i = 0; i < evaluation->n_targets && result == 0; i++) {
        const struct store_configuration_target row = {
            .configuration_seq = evaluation->targets[i]->seq,
            .identity_seq = evaluation->identity->seq,
            .is_module = is_module(evaluation),
            .is_applied = evaluation->is_applied[i],
        };
        note_kind(evaluation, evaluation->targets[i]);
        if (!evaluation->is_stored[i]) {
            result = store_configuration_target_set(evaluation->hub->store, &row);
        }
    }
    return result;
}

/* ---- the modules of an edge device ------------------------------------------------------- */

/* What the deployments that are applied make of $edgeAgent lists the modules. */
static void set_modules(struct evaluation *evaluation)
{
    json_t *agent = json_object();
    json_t *listed = json_object();
    bool has_deployment = false;
    for (size_t i = evaluation->n_targets; i-- > 0;) {
        const struct configuration *configuration = evaluation->targets[i];
        if (configuration->content.kind != CONFIGURATION_EDGE || !evaluation->is_applied[i]) {
            continue;
        }
        const struct content_twin *content =
            configuration_content_of(&configuration->content, SLICE("$edgeAgent"));
        has_deployment = true;
        configuration_edge_name_modules(&configuration->content, listed);
        if (content != NULL) {
            configuration_merge_put(agent, content);
        }
    }
    configuration_edge_list_modules(agent, listed);
    /* IoT Edge documentation: modules are not removed when no deployment is left. */
    if (has_deployment && configuration_edge_set_modules(evaluation->hub, evaluation->identity,
                                                         listed, true) != IOTHUB_OK) {
        log_warning("modules of %s: %s", evaluation->identity->device_id,
                    hub_error_text(evaluation->hub));
    }
    json_decref(agent);
    json_decref(listed);
}

static int pass_to_modules(struct evaluation *evaluation)
{
    struct store *store = evaluation->hub->store;
    struct store_identity module = {0};
    int found = 0;
    if (is_module(evaluation) || !evaluation->has_edge) {
        return 0;
    }
    set_modules(evaluation);
    while ((found = store_identity_next_module(store, slice_of(evaluation->identity->device_id),
                                               module.seq, &module)) == 0) {
        if (store_configuration_dirty_add(store, module.seq) != 0) {
            return -EIO;
        }
    }
    return found == STORE_NO_ROW ? 0 : found;
}

int configuration_evaluate(struct hub *hub, const struct store_identity *identity)
{
    struct evaluation evaluation = {.hub = hub, .identity = identity};
    int result = find_targets(&evaluation);
    if (result == 0) {
        settle(&evaluation);
        result = apply(&evaluation);
    }
    if (result == 0) {
        result = save_rows(&evaluation);
    }
    if (result == 0) {
        result = pass_to_modules(&evaluation);
    }
    json_decref(evaluation.wanted);
    return result < 0 ? result : 0;
}
