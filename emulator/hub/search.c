/*
 * Finding twins: by ids and indexed tags where the condition pins few, by a scan in order of
 * creation otherwise.
 */
#include "hub/search.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "hub/twin_row.h"
#include "iothub/limits.h"
#include "store/tags.h"

enum {
    /* Rows of one pin that are taken at once. */
    TARGETS_MAX = 1024,
    /* Looking a row up takes as long as scanning past so many. */
    LOOKUP_COST = 16,
    /* So few rows are looked up in any case. */
    ALWAYS_LOOKED_UP = 8,
};

/* ---- pins ----------------------------------------------------------------------------- */

static bool tag_of(const struct query_pin *pin, struct store_tag *out)
{
    out->names = pin->path->names;
    out->n_names = pin->path->n_names;
    switch (pin->value.type) {
    case QUERY_NULL:
        out->hash = store_tag_hash_null();
        break;
    case QUERY_BOOL:
        out->hash = store_tag_hash_bool(pin->value.truth);
        break;
    case QUERY_NUMBER:
        out->hash = store_tag_hash_number(pin->value.number);
        break;
    case QUERY_STRING:
        out->hash = store_tag_hash_text(pin->value.text);
        break;
    case QUERY_UNDEFINED:
    case QUERY_ARRAY:
    case QUERY_OBJECT:
        return false;
    }
    return pin->path->root == QUERY_ROOT_TAGS && pin->path->n_names > 0;
}

static bool is_device_pin(const struct query_pin *pin)
{
    return pin->path->root == QUERY_ROOT_DEVICE_ID && pin->path->n_names == 0;
}

static size_t cost_of_device(void *ctx, const struct query_pin *pin)
{
    (void)ctx;
    return is_device_pin(pin) ? 1 : QUERY_PIN_NEVER;
}

/* Too many rows are no help either: a scan passes them faster. */
static size_t cost_of_any(void *ctx, const struct query_pin *pin)
{
    struct hub *hub = ctx;
    struct store_tag tag;
    size_t n = 0;
    size_t of = 0;
    if (is_device_pin(pin)) {
        return 1;
    }
    if (!tag_of(pin, &tag) || store_tags_count(hub->store, &tag, &n, &of) != 0) {
        return QUERY_PIN_NEVER; /* a broken store is found by the scan */
    }
    return n > ALWAYS_LOOKED_UP && n > of / LOOKUP_COST ? QUERY_PIN_NEVER : n;
}

/*
 * Ids alone if they will do: no index has to be made for them.  Indexes are made where a search
 * begins and not where it goes on, or searches for more tags than have room would make them
 * again bit by bit.
 */
static bool choose_pins(struct hub *hub, struct search *search)
{
    size_t cost = 0;
    if (query_pins_choose(search->query, cost_of_device, NULL, &search->pins, &cost)) {
        return true;
    }
    store_tags_ask(hub->store, search->scan.after_seq == 0);
    return query_pins_choose(search->query, cost_of_any, hub, &search->pins, &cost);
}

/* ---- targets ---------------------------------------------------------------------------- */

static int by_seq(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int find_device(struct hub *hub, struct search *search, const struct query_pin *pin)
{
    struct store_identity record;
    if (pin->value.type != QUERY_STRING || pin->value.text.len > LIMIT_ID_CHARS) {
        return 0;
    }
    int found = store_identity_get(hub->store, identity_of_device(pin->value.text), &record);
    if (found == 0 && record.seq > search->scan.after_seq) {
        search->targets[search->n_targets++] = record.seq;
    }
    return found < 0 ? found : 0;
}

/* Each once, and no more than are certain: what a full pin still has lies behind its last. */
static void sort_targets(struct search *search)
{
    size_t n = 0;
    qsort(search->targets, search->n_targets, sizeof(*search->targets), by_seq);
    for (size_t i = 0; i < search->n_targets; i++) {
        if (n == 0 || search->targets[n - 1] != search->targets[i]) {
            search->targets[n++] = search->targets[i];
        }
    }
    search->n_targets = search->has_more_targets && n > TARGETS_MAX ? TARGETS_MAX : n;
}

/* The next portion of the rows that the pins allow. */
static int take_targets(struct hub *hub, struct search *search)
{
    int result = 0;
    search->n_targets = 0;
    search->next_target = 0;
    search->has_more_targets = false;
    for (size_t i = 0; i < search->pins.n_pins && result == 0; i++) {
        const struct query_pin *pin = &search->pins.pins[i];
        struct store_tag tag;
        search->targets = mem_grow(search->targets, search->n_targets + TARGETS_MAX,
                                   sizeof(*search->targets));
        if (is_device_pin(pin)) {
            result = find_device(hub, search, pin);
        } else if (tag_of(pin, &tag)) {
            size_t n = store_tags_find(hub->store, &tag, search->scan.after_seq,
                                       search->targets + search->n_targets, TARGETS_MAX);
            search->n_targets += n;
            search->has_more_targets |= n == TARGETS_MAX;
        }
    }
    if (search->n_targets > 0) {
        sort_targets(search);
    }
    return result;
}

/* ---- scans ------------------------------------------------------------------------------ */

/* Attributes that each part of a row is enough for. */
#define OF_BOTH QUERY_ROOT_BIT(QUERY_ROOT_CONFIGURATIONS)
#define OF_TAGS (OF_BOTH | QUERY_ROOT_BIT(QUERY_ROOT_TAGS))
#define OF_TWIN \
    (OF_TAGS | QUERY_ROOT_BIT(QUERY_ROOT_ETAG) | QUERY_ROOT_BIT(QUERY_ROOT_VERSION) | \
     QUERY_ROOT_BIT(QUERY_ROOT_MODEL_ID) | QUERY_ROOT_BIT(QUERY_ROOT_DESIRED) | \
     QUERY_ROOT_BIT(QUERY_ROOT_REPORTED) | QUERY_ROOT_BIT(QUERY_ROOT_PROPERTIES))

static uint64_t roots_of(enum store_part part)
{
    switch (part) {
    case STORE_PART_TAGS:
        return OF_TAGS;
    case STORE_PART_TWIN:
        return OF_TWIN;
    case STORE_PART_IDENTITY:
        return OF_BOTH | ~(uint64_t)OF_TWIN;
    case STORE_PART_ALL:
        break;
    }
    return UINT64_MAX;
}

/*
 * Read as little of each row as the condition needs, and without one as the answer does.
 * Devices are many and modules fewer: these are always read whole.
 */
static void choose_part(struct search *search)
{
    static const enum store_part parts[] = {STORE_PART_TAGS, STORE_PART_IDENTITY,
                                            STORE_PART_TWIN, STORE_PART_ALL};
    const struct query *query = search->query;
    uint64_t answer = query_is_star(query) ? UINT64_MAX : query_roots(query);
    uint64_t asked = query_has_condition(query) ? query_condition_roots(query) : answer;
    size_t i = 0;
    if (search->scan.is_modules) {
        return;
    }
    while ((asked & ~roots_of(parts[i])) != 0) {
        i++;
    }
    search->scan.part = parts[i];
    search->must_load = (answer & ~roots_of(parts[i])) != 0;
}

int search_init(struct hub *hub, struct search *search, struct query *query, int64_t after_seq)
{
    struct query_pins devices = {0};
    *search = (struct search){.query = query};
    search->scan.after_seq = after_seq;
    search->scan.is_modules = query_collection(query) == QUERY_MODULES;
    if (!search->scan.is_modules) {
        search->is_pinned = choose_pins(hub, search);
    } else if (query_pins(query, QUERY_ROOT_DEVICE_ID, &devices) && devices.n_values == 1) {
        search->scan.device_id = devices.values[0];
    }
    query_pins_finish(&devices);
    if (search->is_pinned) {
        return take_targets(hub, search);
    }
    choose_part(search);
    return 0;
}

void search_finish(struct hub *hub, struct search *search)
{
    query_pin_list_finish(&search->pins);
    free(search->targets);
    search->targets = NULL;
    store_twin_scan_end(hub->store);
}

/*
 * The next target that is a device: tags of modules are indexed too, and devices may be gone.
 * One that is none has been looked at as well.
 */
static int next_target(struct hub *hub, struct search *search, int64_t *budget,
                       struct store_identity *identity, struct store_twin *twin)
{
    for (;;) {
        if (search->next_target == search->n_targets && search->has_more_targets) {
            int result = take_targets(hub, search);
            if (result != 0) {
                return result;
            }
        }
        if (search->next_target == search->n_targets) {
            return STORE_NO_ROW;
        }
        int64_t seq = search->targets[search->next_target++];
        search->scan.after_seq = seq;
        int found = store_twin_load(hub->store, seq, identity, twin);
        if (found < 0 || (found == 0 && identity->module_id[0] == '\0')) {
            return found;
        }
        if (--*budget <= 0) {
            return -EAGAIN;
        }
    }
}

/* The next row to look at, matching or not. */
static int next_row(struct hub *hub, struct search *search, int64_t *budget,
                    struct store_identity *identity, struct store_twin *twin)
{
    return search->is_pinned ? next_target(hub, search, budget, identity, twin)
                             : store_twin_next(hub->store, &search->scan, identity, twin);
}

int search_next(struct hub *hub, struct search *search, int64_t *budget,
                struct store_identity *identity, struct store_twin *twin)
{
    for (; *budget > 0; --*budget) {
        int found = next_row(hub, search, budget, identity, twin);
        if (found != 0) {
            return found;
        }
        struct twin_row row = {hub, identity, twin};
        if (query_matches(search->query, &twin_row_ops, &row)) {
            return search->must_load
                       ? store_twin_load(hub->store, identity->seq, identity, twin)
                       : 0;
        }
    }
    return -EAGAIN;
}

enum iothub_status search_page_size(struct hub *hub, int64_t asked, int64_t *out)
{
    if (asked < 0) {
        return hub_fail(hub, IOTHUB_ARGUMENT_INVALID, "The page size is a number above 0.");
    }
    *out = asked == 0 || asked > QUERY_PAGE_ITEMS ? QUERY_PAGE_ITEMS : asked;
    return IOTHUB_OK;
}
