/*
 * Finding twins: by id where the condition pins it, by a scan in order of creation otherwise.
 */
#include "hub/search.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "hub/twin_row.h"
#include "iothub/limits.h"

static int compare_targets(const void *a, const void *b)
{
    const struct search_target *x = a;
    const struct search_target *y = b;
    return (x->seq > y->seq) - (x->seq < y->seq);
}

/* Look the pinned ids up and leave out what lies before the start. */
static int collect_targets(struct hub *hub, struct search *search,
                           const struct query_pins *pins)
{
    search->targets = mem_array(pins->n_values + 1, sizeof(*search->targets));
    for (size_t i = 0; i < pins->n_values; i++) {
        struct store_identity record;
        if (pins->values[i].len > LIMIT_ID_CHARS) {
            continue;
        }
        int found =
            store_identity_get(hub->store, identity_of_device(pins->values[i]), &record);
        if (found < 0) {
            return found;
        }
        if (found == 0 && record.seq > search->scan.after_seq) {
            struct search_target *target = &search->targets[search->n_targets++];
            target->seq = record.seq;
            memcpy(target->device_id, record.device_id, sizeof(target->device_id));
        }
    }
    qsort(search->targets, search->n_targets, sizeof(*search->targets), compare_targets);
    return 0;
}

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
    struct query_pins pins = {0};
    *search = (struct search){.query = query};
    search->scan.after_seq = after_seq;
    search->scan.is_modules = query_collection(query) == QUERY_MODULES;
    int result = 0;
    if (query_pins(query, QUERY_ROOT_DEVICE_ID, &pins)) {
        if (!search->scan.is_modules) {
            search->is_pinned = true;
            result = collect_targets(hub, search, &pins);
        } else if (pins.n_values == 1) {
            search->scan.device_id = pins.values[0];
        }
    }
    query_pins_finish(&pins);
    if (!search->is_pinned) {
        choose_part(search);
    }
    return result;
}

void search_finish(struct hub *hub, struct search *search)
{
    free(search->targets);
    search->targets = NULL;
    store_twin_scan_end(hub->store);
}

/* The whole of a row whose number is known. */
static int load(struct hub *hub, int64_t seq, struct store_identity *identity,
                struct store_twin *twin)
{
    int found = store_identity_get_by_seq(hub->store, seq, identity);
    return found != 0 ? found : store_twin_get(hub->store, seq, twin);
}

/* The next row to look at, matching or not. */
static int next_row(struct hub *hub, struct search *search, struct store_identity *identity,
                    struct store_twin *twin)
{
    if (!search->is_pinned) {
        return store_twin_next(hub->store, &search->scan, identity, twin);
    }
    while (search->next_target < search->n_targets) {
        const struct search_target *target = &search->targets[search->next_target++];
        int found = store_identity_get(
            hub->store, identity_of_device(slice_of(target->device_id)), identity);
        if (found == STORE_NO_ROW) {
            continue;
        }
        search->scan.after_seq = identity->seq;
        return found != 0 ? found : store_twin_get(hub->store, identity->seq, twin);
    }
    return STORE_NO_ROW;
}

int search_next(struct hub *hub, struct search *search, int64_t *budget,
                struct store_identity *identity, struct store_twin *twin)
{
    for (; *budget > 0; --*budget) {
        int found = next_row(hub, search, identity, twin);
        if (found != 0) {
            return found;
        }
        struct twin_row row = {hub, identity, twin};
        if (query_matches(search->query, &twin_row_ops, &row)) {
            return search->must_load ? load(hub, identity->seq, identity, twin) : 0;
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
