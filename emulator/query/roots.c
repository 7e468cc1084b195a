/*
 * Resolving an attribute's first names.
 */
#include "query/roots.h"

#define IN_TWINS 1
#define IN_JOBS  2

struct root {
    struct slice name;
    unsigned rows;
};

#define ROW(root, name, rows) [root] = {SLICE(name), rows}

/* Source: IoT Hub documentation, "Understand and use device twins" and "Schedule jobs". */
static const struct root roots[QUERY_N_ROOTS] = {
    ROW(QUERY_ROOT_DEVICE_ID, "deviceId", IN_TWINS | IN_JOBS),
    ROW(QUERY_ROOT_MODULE_ID, "moduleId", IN_TWINS | IN_JOBS),
    ROW(QUERY_ROOT_ETAG, "etag", IN_TWINS),
    ROW(QUERY_ROOT_DEVICE_ETAG, "deviceEtag", IN_TWINS),
    ROW(QUERY_ROOT_VERSION, "version", IN_TWINS),
    ROW(QUERY_ROOT_STATUS, "status", IN_TWINS | IN_JOBS),
    ROW(QUERY_ROOT_STATUS_REASON, "statusReason", IN_TWINS),
    ROW(QUERY_ROOT_STATUS_UPDATE_TIME, "statusUpdateTime", IN_TWINS),
    ROW(QUERY_ROOT_CONNECTION_STATE, "connectionState", IN_TWINS),
    ROW(QUERY_ROOT_LAST_ACTIVITY_TIME, "lastActivityTime", IN_TWINS),
    ROW(QUERY_ROOT_CLOUD_TO_DEVICE_MESSAGE_COUNT, "cloudToDeviceMessageCount", IN_TWINS),
    ROW(QUERY_ROOT_AUTHENTICATION_TYPE, "authenticationType", IN_TWINS),
    ROW(QUERY_ROOT_X509_THUMBPRINT, "x509Thumbprint", IN_TWINS),
    ROW(QUERY_ROOT_MODEL_ID, "modelId", IN_TWINS),
    ROW(QUERY_ROOT_DEVICE_SCOPE, "deviceScope", IN_TWINS),
    ROW(QUERY_ROOT_PARENT_SCOPES, "parentScopes", IN_TWINS),
    ROW(QUERY_ROOT_TAGS, "tags", IN_TWINS),
    ROW(QUERY_ROOT_DESIRED, "desired", 0),
    ROW(QUERY_ROOT_REPORTED, "reported", 0),
    ROW(QUERY_ROOT_PROPERTIES, "properties", IN_TWINS),
    ROW(QUERY_ROOT_CAPABILITIES, "capabilities", IN_TWINS),
    ROW(QUERY_ROOT_CONFIGURATIONS, "configurations", IN_TWINS),
    ROW(QUERY_ROOT_JOB_ID, "jobId", IN_JOBS),
    ROW(QUERY_ROOT_JOB_TYPE, "jobType", IN_JOBS),
    ROW(QUERY_ROOT_START_TIME_UTC, "startTimeUtc", IN_JOBS),
    ROW(QUERY_ROOT_END_TIME_UTC, "endTimeUtc", IN_JOBS),
    ROW(QUERY_ROOT_CREATED_DATE_TIME_UTC, "createdDateTimeUtc", IN_JOBS),
    ROW(QUERY_ROOT_LAST_UPDATED_DATE_TIME_UTC, "lastUpdatedDateTimeUtc", IN_JOBS),
    ROW(QUERY_ROOT_OUTCOME, "outcome", IN_JOBS),
    ROW(QUERY_ROOT_ERROR, "error", IN_JOBS),
};

/* Other names that official samples and tools use. */
static const struct {
    struct slice name;
    enum query_root root;
} synonyms[] = {
    {SLICE("id"),                QUERY_ROOT_DEVICE_ID            },
    {SLICE("statusUpdatedTime"), QUERY_ROOT_STATUS_UPDATE_TIME   },
    {SLICE("createdTimeUtc"),    QUERY_ROOT_CREATED_DATE_TIME_UTC},
};

const char *query_root_name(enum query_root root)
{
    if (root == QUERY_ROOT_DESIRED) {
        return "properties.desired";
    }
    if (root == QUERY_ROOT_REPORTED) {
        return "properties.reported";
    }
    return root == QUERY_ROOT_UNKNOWN ? "" : roots[root].name.data;
}

static enum query_root find_root(struct slice name, unsigned rows)
{
    enum query_root found = QUERY_ROOT_UNKNOWN;
    for (size_t i = 0; i < ARRAY_LEN(roots); i++) {
        if ((roots[i].rows & rows) != 0 && slice_equal_nocase(roots[i].name, name)) {
            return (enum query_root)i;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(synonyms); i++) {
        if (slice_equal_nocase(synonyms[i].name, name)) {
            found = synonyms[i].root;
        }
    }
    return found != QUERY_ROOT_UNKNOWN && (roots[found].rows & rows) != 0 ? found
                                                                          : QUERY_ROOT_UNKNOWN;
}

/* Below `properties` stand two further roots and nothing else. */
static enum query_root find_section(struct slice name)
{
    if (slice_equal_nocase(roots[QUERY_ROOT_DESIRED].name, name)) {
        return QUERY_ROOT_DESIRED;
    }
    if (slice_equal_nocase(roots[QUERY_ROOT_REPORTED].name, name)) {
        return QUERY_ROOT_REPORTED;
    }
    return QUERY_ROOT_UNKNOWN;
}

/* A prefix names the query's own collection, or as `devices.` any: of another one it finds
 * nothing. */
static bool is_own_prefix(enum query_prefix prefix, enum query_collection collection)
{
    switch (prefix) {
    case PREFIX_NONE:
    case PREFIX_DEVICES:
        return true;
    case PREFIX_MODULES:
        return collection == QUERY_MODULES;
    case PREFIX_JOBS:
        return collection == QUERY_JOBS;
    }
    return false;
}

/* Names that lead nowhere are kept as written, a foreign prefix among them. */
static void keep_unknown(struct query_attribute *attribute, bool is_own,
                         struct query_arena *arena)
{
    struct query_path *path = &attribute->path;
    size_t n_before = is_own ? 0 : 2;
    struct slice *names =
        query_arena_alloc(arena, (attribute->n_segments + n_before) * sizeof(*names));
    if (!is_own) {
        names[0] = SLICE("devices");
        names[1] = attribute->prefix == PREFIX_JOBS ? SLICE("jobs") : SLICE("modules");
    }
    for (size_t i = 0; i < attribute->n_segments; i++) {
        names[n_before + i] = attribute->segments[i];
    }
    path->root = QUERY_ROOT_UNKNOWN;
    path->names = path->steps = names;
    path->n_names = path->n_steps = attribute->n_segments + n_before;
}

void query_roots_resolve(struct query_attribute *attribute, enum query_collection collection,
                         struct query_arena *arena)
{
    struct query_path *path = &attribute->path;
    bool is_own = is_own_prefix(attribute->prefix, collection);
    unsigned rows = collection == QUERY_JOBS ? IN_JOBS : IN_TWINS;
    size_t n_root = 1;
    enum query_root root = is_own ? find_root(attribute->segments[0], rows)
                                  : QUERY_ROOT_UNKNOWN;
    if (root == QUERY_ROOT_PROPERTIES && attribute->n_segments > 1) {
        root = find_section(attribute->segments[1]);
        n_root = 2;
    }
    if (root == QUERY_ROOT_UNKNOWN) {
        keep_unknown(attribute, is_own, arena);
        return;
    }
    struct slice *steps = query_arena_alloc(arena, attribute->n_segments * sizeof(*steps));
    for (size_t i = 0; i < attribute->n_segments; i++) {
        steps[i] = attribute->segments[i];
    }
    steps[0] = n_root == 2 ? roots[QUERY_ROOT_PROPERTIES].name : roots[root].name;
    steps[n_root - 1] = roots[root].name;
    path->root = root;
    path->steps = steps;
    path->n_steps = attribute->n_segments;
    path->names = steps + n_root;
    path->n_names = attribute->n_segments - n_root;
}
