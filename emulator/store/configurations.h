/*
 * Automatic configurations, which twins each of them targets, and what they made of those
 * twins.
 */
#ifndef STORE_CONFIGURATIONS_H
#define STORE_CONFIGURATIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "store/identities.h"
#include "store/store.h"

/* How far a configuration's last change has got round. */
enum configuration_phase {
    CONFIGURATION_SETTLED,
    CONFIGURATION_SEARCH, /* all twins are looked at for those it lacks */
    CONFIGURATION_REVIEW, /* the twins it has are looked at again */
    CONFIGURATION_REVIEW_THEN_SEARCH,
};

/* Texts are owned by the record: end it with store_configuration_finish(). */
struct store_configuration {
    int64_t seq;
    char *configuration_id;
    int64_t revision; /* the etag's counter */
    int64_t priority;
    int64_t created_ms;
    int64_t updated_ms;
    char *schema_version; /* JSON; NULL for none */
    char *labels;         /* JSON; NULL for none */
    char *content;        /* JSON: an object with the one member that was sent */
    char *condition;      /* as it was sent */
    char *metrics;        /* JSON: an object of queries by name */

    enum configuration_phase phase;
    int64_t cursor;       /* seq of the last identity looked at in this phase */
    int64_t evaluated_ms; /* when it last got all the way round; 0 until it did */

    char *results;        /* JSON: numbers by the metrics' names */
    char *system_results; /* JSON: the same of the hub's own metrics */

    bool is_removed; /* gone for everybody, but some twins still have what it made of them */
};

void store_configuration_finish(struct store_configuration *record);

/* Sets record->seq.  The caller has checked that the id is free: a second breaks the store. */
MUST_CHECK int store_configuration_insert(struct store *store,
                                          struct store_configuration *record);

MUST_CHECK int store_configuration_get(struct store *store, int64_t seq,
                                       struct store_configuration *out);

/* In order of creation, after_seq 0 first; also removed ones, whose texts are empty. */
MUST_CHECK int store_configuration_next(struct store *store, int64_t after_seq,
                                        struct store_configuration *out);

/* Everything but the id, the content, the time of creation and the results. */
MUST_CHECK int store_configuration_update(struct store *store,
                                          const struct store_configuration *record);

MUST_CHECK int store_configuration_progress(struct store *store, int64_t seq,
                                            enum configuration_phase phase, int64_t cursor,
                                            int64_t evaluated_ms);

MUST_CHECK int store_configuration_write_results(struct store *store, int64_t seq,
                                                 struct slice results,
                                                 struct slice system_results);

/* The id is free afterwards; only seq and the progress are kept. */
MUST_CHECK int store_configuration_remove(struct store *store, int64_t seq);

/* The record itself, once nothing is targeted by it any more. */
MUST_CHECK int store_configuration_delete(struct store *store, int64_t seq);

/* ---- targets ----------------------------------------------------------------------------- */

/* That a configuration targets an identity.  These rows go with the identity. */
struct store_configuration_target {
    int64_t configuration_seq;
    int64_t identity_seq;
    bool is_module;
    bool is_applied; /* false: another one has its place */
};

MUST_CHECK int store_configuration_target_set(struct store *store,
                                              const struct store_configuration_target *target);

/* STORE_NO_ROW when there was none. */
MUST_CHECK int store_configuration_target_clear(struct store *store, int64_t identity_seq,
                                                int64_t configuration_seq);

MUST_CHECK int store_configuration_target_get(struct store *store, int64_t identity_seq,
                                              int64_t configuration_seq,
                                              struct store_configuration_target *out);

/* An identity's, in order of the configurations' creation, after_seq 0 first. */
MUST_CHECK int store_configuration_target_next(struct store *store, int64_t identity_seq,
                                               int64_t after_seq,
                                               struct store_configuration_target *out);

/* The next identity that a configuration targets, in order of creation, after_seq 0 first. */
MUST_CHECK int store_configuration_target_walk(struct store *store, int64_t configuration_seq,
                                               int64_t after_seq, struct store_identity *out);

struct store_configuration_count {
    int64_t n_targeted;
    int64_t n_applied;
};

/* How many devices, or modules, a configuration targets and how many have it. */
MUST_CHECK int store_configuration_target_count(struct store *store, int64_t configuration_seq,
                                                bool is_module,
                                                struct store_configuration_count *out);

/* ---- what was made of a twin ------------------------------------------------------------- */

/*
 * The desired properties that configurations put into a twin, a JSON object.  Reading appends
 * it, or nothing where there is none; an empty text removes it.  It goes with the identity.
 */
MUST_CHECK int store_configuration_managed_get(struct store *store, int64_t identity_seq,
                                               struct buf *out);
MUST_CHECK int store_configuration_managed_set(struct store *store, int64_t identity_seq,
                                               struct slice managed);

/* ---- identities to be looked at ---------------------------------------------------------- */

/*
 * A set of identities that changed since configurations were last looked at for them.  They
 * leave it with their identity.
 */
MUST_CHECK int store_configuration_dirty_add(struct store *store, int64_t identity_seq);
MUST_CHECK int store_configuration_dirty_remove(struct store *store, int64_t identity_seq);

/* The next one behind a seq. */
MUST_CHECK int store_configuration_dirty_next(struct store *store, int64_t after_seq,
                                              struct store_identity *out);

#endif
