/*
 * The query language of twins, module twins and job rows: text in, a compiled query out, which
 * is then asked about one row at a time.
 *
 * This module does not know where rows come from.  It asks a row for an attribute through
 * struct query_row_ops and gets a value that borrows the row's JSON text, so that looking at a
 * row neither builds a tree nor allocates.  Order, pages and TOP over pages are the caller's.
 *
 * Source: IoT Hub documentation, "IoT Hub query language for device and module twins, jobs, and
 * message routing".
 */
#ifndef QUERY_QUERY_H
#define QUERY_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/slice.h"
#include "iothub/status.h"

/* Rows and values */

enum query_type {
    QUERY_UNDEFINED,
    QUERY_NULL,
    QUERY_BOOL,
    QUERY_NUMBER,
    QUERY_STRING,
    QUERY_ARRAY,
    QUERY_OBJECT,
};

/* A value borrowed from a row or a query: {0} is undefined. */
struct query_value {
    enum query_type type;
    bool truth;        /* of QUERY_BOOL */
    double number;     /* of QUERY_NUMBER */
    struct slice text; /* of QUERY_STRING: its characters, decoded */
    struct slice raw;  /* its JSON text, which a projection repeats; empty when there is none */
};

/*
 * The attributes a row has at its top, under their one meaning: `id`, for one, arrives as
 * QUERY_ROOT_DEVICE_ID.  Some stand in twins, some in job rows, some in both; a row answers
 * undefined for what it does not have.
 */
enum query_root {
    QUERY_ROOT_DEVICE_ID,
    QUERY_ROOT_MODULE_ID,
    QUERY_ROOT_ETAG,
    QUERY_ROOT_DEVICE_ETAG,
    QUERY_ROOT_VERSION,
    QUERY_ROOT_STATUS, /* of a twin or of a job row */
    QUERY_ROOT_STATUS_REASON,
    QUERY_ROOT_STATUS_UPDATE_TIME,
    QUERY_ROOT_CONNECTION_STATE,
    QUERY_ROOT_LAST_ACTIVITY_TIME,
    QUERY_ROOT_CLOUD_TO_DEVICE_MESSAGE_COUNT,
    QUERY_ROOT_AUTHENTICATION_TYPE,
    QUERY_ROOT_X509_THUMBPRINT,
    QUERY_ROOT_MODEL_ID,
    QUERY_ROOT_DEVICE_SCOPE,
    QUERY_ROOT_PARENT_SCOPES,
    QUERY_ROOT_TAGS,
    QUERY_ROOT_DESIRED,    /* properties.desired */
    QUERY_ROOT_REPORTED,   /* properties.reported */
    QUERY_ROOT_PROPERTIES, /* the object of both; always asked for as a whole */
    QUERY_ROOT_CAPABILITIES,
    QUERY_ROOT_CONFIGURATIONS,
    QUERY_ROOT_JOB_ID,
    QUERY_ROOT_JOB_TYPE,
    QUERY_ROOT_START_TIME_UTC,
    QUERY_ROOT_END_TIME_UTC,
    QUERY_ROOT_CREATED_DATE_TIME_UTC,
    QUERY_ROOT_LAST_UPDATED_DATE_TIME_UTC,
    QUERY_ROOT_OUTCOME,
    QUERY_ROOT_ERROR,
    QUERY_ROOT_UNKNOWN, /* any other name: undefined everywhere, no row is asked for it */
};

#define QUERY_N_ROOTS QUERY_ROOT_UNKNOWN

/* The canonical spelling: "deviceId", "properties.desired"; a constant. */
const char *query_root_name(enum query_root root);

/* Where a value stands: a root and the names below it, valid as long as the query. */
struct query_path {
    enum query_root root;
    const struct slice *names;
    size_t n_names;
    const struct slice *steps; /* the names from the top of a whole document on */
    size_t n_steps;
};

/*
 * How a row is asked.  `lookup` gives the value at `path` or undefined; what the value points
 * to must stay until the row is left.  It may be put into `scratch`, which is empty when the
 * row is asked and belongs to this one path of the query.
 */
struct query_row_ops {
    struct query_value (*lookup)(void *row, const struct query_path *path, struct buf *scratch);
};

/* What lookups are made of. */
struct query_value query_value_string(struct slice text);
struct query_value query_value_number(double number);
struct query_value query_value_bool(bool truth);
struct query_value query_value_null(void);

/* The value whose JSON text is `raw`; an empty text is undefined. */
struct query_value query_value_json(struct slice raw, struct buf *scratch);

/* The value at the path's names below a root whose whole JSON text is `document`. */
struct query_value query_value_below(struct slice document, const struct query_path *path,
                                     struct buf *scratch);

/* A row that is one whole JSON document, as GET answers it: row is a struct slice *. */
extern const struct query_row_ops query_json_row;

/* Compiling */

struct query;

enum query_collection {
    QUERY_DEVICES,
    QUERY_MODULES, /* devices.modules */
    QUERY_JOBS,    /* devices.jobs */
};

/**
 * Compile a query; the text need not outlive the call.
 *
 * @param text   at most LIMIT_QUERY_CHARS characters of UTF-8.
 * @param out    the query on success; end it with query_destroy().
 * @param error  receives the sentence the hub answers with, "SQL query parse failed due to
 *               following errors: \n\tLine 1:29 …"; line and column count characters from 1.
 * @return IOTHUB_OK or IOTHUB_ARGUMENT_INVALID.
 */
MUST_CHECK enum iothub_status query_compile(struct slice text, struct query **out,
                                            struct buf *error);

/**
 * Compile what jobs and configurations carry: "*" for every device, what would follow WHERE,
 * or a text that begins with FROM.
 *
 * Line and column of an error count in the text that is built around the condition, so the
 * first character of a plain condition is at column 29.
 */
MUST_CHECK enum iothub_status query_compile_condition(struct slice condition,
                                                      struct query **out, struct buf *error);

void query_destroy(struct query *query);

/* About a query */

enum query_collection query_collection(const struct query *query);

/* The x-ms-item-type of its answer: "Twin", "DeviceJob" or "Raw"; a constant. */
const char *query_item_type(const struct query *query);

/* SELECT *: matching rows are answered whole, by the caller. */
bool query_is_star(const struct query *query);

/* Aggregates or GROUP BY: matching rows go into a struct query_groups. */
bool query_is_aggregate(const struct query *query);

/* The total over all pages that TOP asks for; false and untouched without TOP. */
bool query_top(const struct query *query, uint64_t *out);

/* Attributes as a set, so that a caller loads only what it must. */
#define QUERY_ROOT_BIT(root) (UINT64_C(1) << (root))

/* Those that the query looks at, and those among them that its condition looks at. */
uint64_t query_roots(const struct query *query);
uint64_t query_condition_roots(const struct query *query);

static inline bool query_uses(const struct query *query, enum query_root root)
{
    return (query_roots(query) & QUERY_ROOT_BIT(root)) != 0;
}

bool query_has_condition(const struct query *query);

/* The query in a canonical form, which compiles to the same query. */
void query_print(const struct query *query, struct buf *out);

/* Evaluating */

/*
 * Whether the condition is true for the row.  A query keeps scratch memory for its paths, so
 * one query is asked about one row at a time.
 */
bool query_matches(struct query *query, const struct query_row_ops *ops, void *row);

/*
 * Write the row's items as one JSON object; not for SELECT * nor aggregates.  Values are
 * written as the row has them; undefined ones are left out, and of items under one name the
 * last one that is defined counts.
 */
void query_project(struct query *query, const struct query_row_ops *ops, void *row,
                   struct buf *out);

/* Aggregates */

/* The most groups of one query, and the most bytes their values may take; both are ours. */
#define QUERY_GROUPS_MAX       100000
#define QUERY_GROUPS_MAX_BYTES ((size_t)64 << 20)

/* The rows of an aggregating query while they are counted; borrows the query. */
struct query_groups;

struct query_groups *query_groups_create(struct query *query);
void query_groups_destroy(struct query_groups *groups);

/**
 * Count a row that matches.
 * @return IOTHUB_OK; IOTHUB_ARGUMENT_INVALID when the row would begin a group too many, which
 *         `error` then says in a sentence; the query can only be given up.
 */
MUST_CHECK enum iothub_status query_groups_add(struct query_groups *groups,
                                               const struct query_row_ops *ops, void *row,
                                               struct buf *error);

/* Rows of the result: one a group, in the order of their first row; exactly one without GROUP
 * BY. */
size_t query_groups_count(const struct query_groups *groups);

/*
 * Write a result row as one JSON object.  Whole numbers are written without a fraction, so that
 * a sum over integers is one as well; SUM, AVG, MIN and MAX over no numbers are left out.
 */
void query_groups_put(const struct query_groups *groups, size_t index, struct buf *out);

/* Index hints */

/* Strings that a path is restricted to, sorted, each once; they live as long as the query. */
struct query_pins {
    struct slice *values;
    size_t n_values;
};

void query_pins_finish(struct query_pins *pins);

/*
 * Whether every row that can match has one of finitely many strings at `root`: `deviceId = 'a'
 * AND …`, `deviceId IN ['a', 'b']`, `deviceId = 'a' OR deviceId = 'b'`.  No values at all means
 * that no row matches.  False, with nothing written, whenever that is not certain.
 */
bool query_pins(const struct query *query, enum query_root root, struct query_pins *out);

/* The same for any path, such as tags.location.region; only its root and names are looked at.
 */
bool query_pins_path(const struct query *query, const struct query_path *path,
                     struct query_pins *out);

/* One value that a path must have; both live as long as the query. */
struct query_pin {
    const struct query_path *path;
    struct query_value value; /* no container and not undefined */
};

struct query_pin_list {
    struct query_pin *pins;
    size_t n_pins;
};

#define QUERY_PIN_NEVER SIZE_MAX

/* How many rows at most an index gives for the pin; QUERY_PIN_NEVER when there is none. */
typedef size_t query_pin_cost(void *ctx, const struct query_pin *pin);

/*
 * Choose pins so that every row that can match has one of them, and so that they are the
 * cheapest: all operands of OR, and of AND the best.  Costs are asked for in the order of the
 * text, and of an AND no more once one row is all there can be.
 *
 * False, with nothing written, when no such pins have an index; no pins at all mean that no
 * row matches.
 */
bool query_pins_choose(const struct query *query, query_pin_cost *cost, void *ctx,
                       struct query_pin_list *out, size_t *out_cost);

void query_pin_list_finish(struct query_pin_list *list);

#endif
