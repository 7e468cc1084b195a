/*
 * Aggregates: the rows that match become the rows of groups.
 */
#include "query/query.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "iothub/json.h"
#include "query/eval.h"

/* A power of two; the table grows before it is half full. */
#define SLOTS_AT_FIRST 64

/* What one aggregate has seen; values that are no numbers do not count. */
struct accumulator {
    uint64_t n;
    double sum;
    double min;
    double max;
};

/* One row of the result, in one piece of memory with what it points to. */
struct group {
    struct slice key; /* of the grouped values */
    uint64_t hash;
    uint64_t n_rows;
    struct accumulator *accumulators; /* one an item */
    struct slice *values; /* of the grouped attributes as JSON, empty if undefined */
};

struct query_groups {
    struct query *query;
    struct group **rows; /* in the order of their first row */
    size_t n_rows;
    size_t room;
    size_t n_bytes;
    size_t *slots; /* by hash: an index into rows plus 1, or 0 */
    size_t n_slots;
    struct buf key; /* of the row that is being added */
};

/* Keys: equal values give equal keys, and no key is the beginning of another one. */

static void put_counted(struct buf *key, struct slice text)
{
    buf_put(key, &text.len, sizeof(text.len));
    buf_put_slice(key, text);
}

static void put_number(struct buf *key, double number)
{
    double one_zero = number == 0 ? 0 : number;
    buf_put(key, &one_zero, sizeof(one_zero));
}

/* Objects are equal whatever the order of their members. */
static void put_container(struct buf *key, struct slice raw)
{
    json_t *tree = json_parse(raw, NULL);
    char *sorted = tree == NULL ? NULL : json_dumps(tree, JSON_COMPACT | JSON_SORT_KEYS);
    put_counted(key, sorted == NULL ? raw : slice_of(sorted));
    free(sorted);
    json_decref(tree);
}

static void put_key(struct buf *key, const struct query_value *value)
{
    buf_put_u8(key, (uint8_t)value->type);
    switch (value->type) {
    case QUERY_BOOL:
        buf_put_u8(key, value->truth ? 1 : 0);
        break;
    case QUERY_NUMBER:
        put_number(key, value->number);
        break;
    case QUERY_STRING:
        put_counted(key, value->text);
        break;
    case QUERY_ARRAY:
    case QUERY_OBJECT:
        put_container(key, value->raw);
        break;
    case QUERY_UNDEFINED:
    case QUERY_NULL:
        break;
    }
}

/* Groups */

/*
 * A new group: the structure, its accumulators, the slices of its values and then the bytes of
 * key and values.
 */
static struct group *make_group(const struct query *query, struct slice key,
                                struct slice values, size_t *size)
{
    size_t slices_at = sizeof(struct group) + query->n_items * sizeof(struct accumulator);
    size_t bytes_at = slices_at + query->n_groups * sizeof(struct slice);
    *size = bytes_at + key.len + values.len;
    char *memory = mem_alloc(*size);
    struct group *group = (void *)memory;
    group->accumulators = (void *)(memory + sizeof(struct group));
    group->values = (void *)(memory + slices_at);
    group->key = slice_make(memory + bytes_at, key.len);
    group->hash = slice_hash(key);
    if (key.len > 0) {
        memcpy(memory + bytes_at, key.data, key.len);
    }
    if (values.len > 0) {
        memcpy(memory + bytes_at + key.len, values.data, values.len);
    }
    return group;
}

/* The slot that has the key, or the free one where it belongs. */
static size_t *find_slot(const struct query_groups *groups, struct slice key, uint64_t hash)
{
    size_t at = hash & (groups->n_slots - 1);
    while (groups->slots[at] != 0) {
        const struct group *group = groups->rows[groups->slots[at] - 1];
        if (group->hash == hash && slice_equal(group->key, key)) {
            break;
        }
        at = (at + 1) & (groups->n_slots - 1);
    }
    return &groups->slots[at];
}

static void grow_slots(struct query_groups *groups)
{
    free(groups->slots);
    groups->n_slots = groups->n_slots == 0 ? SLOTS_AT_FIRST : 2 * groups->n_slots;
    groups->slots = mem_array(groups->n_slots, sizeof(*groups->slots));
    for (size_t i = 0; i < groups->n_rows; i++) {
        *find_slot(groups, groups->rows[i]->key, groups->rows[i]->hash) = i + 1;
    }
}

static void append(struct query_groups *groups, struct group *group)
{
    if (groups->n_rows == groups->room) {
        groups->room = groups->room == 0 ? 16 : 2 * groups->room;
        groups->rows = mem_grow(groups->rows, groups->room, sizeof(struct group *));
    }
    groups->rows[groups->n_rows] = group;
    groups->n_rows++;
    if (2 * groups->n_rows > groups->n_slots) {
        grow_slots(groups);
    } else {
        *find_slot(groups, group->key, group->hash) = groups->n_rows;
    }
}

/* The first row of a group: its grouped values are the ones that the result shows. */
static struct group *begin_group(struct query_groups *groups, const struct query_row *row)
{
    struct query *query = groups->query;
    struct buf texts;
    size_t n = 0;
    size_t size = 0;
    size_t *lens = mem_array(query->n_groups + 1, sizeof(*lens));
    buf_init(&texts, BUF_CAP_OWN);
    for (struct query_group_by *by = query->groups; by != NULL; by = by->next) {
        struct query_value value = query_row_value(row, by->attribute);
        size_t before = texts.len;
        if (value.type != QUERY_UNDEFINED) {
            query_value_put(&texts, &value);
        }
        lens[n] = texts.len - before;
        n++;
    }
    struct group *group = make_group(query, buf_slice(&groups->key), buf_slice(&texts), &size);
    const char *text = group->key.data + group->key.len;
    for (size_t i = 0; i < n; i++) {
        group->values[i] = slice_make(text, lens[i]);
        text += lens[i];
    }
    append(groups, group);
    groups->n_bytes += size;
    buf_finish(&texts);
    free(lens);
    return group;
}

/* The group that the row belongs to, NULL when it is the first of its own; its key is kept. */
static struct group *find_group(struct query_groups *groups, const struct query_row *row)
{
    if (groups->query->n_groups == 0) {
        return groups->rows[0];
    }
    buf_reset(&groups->key);
    for (struct query_group_by *by = groups->query->groups; by != NULL; by = by->next) {
        struct query_value value = query_row_value(row, by->attribute);
        put_key(&groups->key, &value);
    }
    struct slice key = buf_slice(&groups->key);
    size_t row_number = *find_slot(groups, key, slice_hash(key));
    return row_number == 0 ? NULL : groups->rows[row_number - 1];
}

struct query_groups *query_groups_create(struct query *query)
{
    struct query_groups *groups = mem_alloc(sizeof(*groups));
    size_t size = 0;
    groups->query = query;
    buf_init(&groups->key, QUERY_GROUPS_MAX_BYTES);
    grow_slots(groups);
    if (query->n_groups == 0) {
        append(groups, make_group(query, SLICE(""), SLICE(""), &size));
    }
    return groups;
}

void query_groups_destroy(struct query_groups *groups)
{
    if (groups == NULL) {
        return;
    }
    for (size_t i = 0; i < groups->n_rows; i++) {
        free(groups->rows[i]);
    }
    free(groups->rows);
    free(groups->slots);
    buf_finish(&groups->key);
    free(groups);
}

static void accumulate(struct accumulator *accumulator, double number)
{
    bool is_first = accumulator->n == 0;
    accumulator->n++;
    accumulator->sum += number;
    accumulator->min = is_first || number < accumulator->min ? number : accumulator->min;
    accumulator->max = is_first || number > accumulator->max ? number : accumulator->max;
}

enum iothub_status query_groups_add(struct query_groups *groups,
                                    const struct query_row_ops *ops, void *row,
                                    struct buf *error)
{
    struct query_row asked = {.ops = ops, .row = row};
    struct group *group = find_group(groups, &asked);
    if (group == NULL && (groups->n_rows == QUERY_GROUPS_MAX || groups->key.failed ||
                          groups->n_bytes > QUERY_GROUPS_MAX_BYTES)) {
        buf_putf(error,
                 "The query has more groups than the %d that are allowed, or too long ones",
                 QUERY_GROUPS_MAX);
        return IOTHUB_ARGUMENT_INVALID;
    }
    if (group == NULL) {
        group = begin_group(groups, &asked);
    }
    group->n_rows++;
    size_t index = 0;
    for (struct query_item *item = groups->query->items; item != NULL; item = item->next) {
        struct query_value value = {0};
        if (item->aggregate != AGGREGATE_NONE && item->attribute != NULL) {
            value = query_row_value(&asked, item->attribute);
        }
        if (value.type == QUERY_NUMBER) {
            accumulate(&group->accumulators[index], value.number);
        }
        index++;
    }
    return IOTHUB_OK;
}

size_t query_groups_count(const struct query_groups *groups)
{
    return groups->n_rows;
}

/* The result of an aggregate over numbers; undefined over none, and when it is out of range. */
static struct query_value result_of(enum query_aggregate aggregate,
                                    const struct accumulator *accumulator)
{
    double number = accumulator->sum;
    if (aggregate == AGGREGATE_AVG) {
        number = accumulator->sum / (double)accumulator->n;
    } else if (aggregate == AGGREGATE_MIN) {
        number = accumulator->min;
    } else if (aggregate == AGGREGATE_MAX) {
        number = accumulator->max;
    }
    if (accumulator->n == 0 || !isfinite(number)) {
        return (struct query_value){0};
    }
    return query_value_number(number);
}

static struct query_value item_value(const struct group *group, const struct query_item *item,
                                     size_t index)
{
    struct query_value value = {0};
    if (item->aggregate == AGGREGATE_COUNT) {
        return query_value_number((double)group->n_rows);
    }
    if (item->aggregate != AGGREGATE_NONE) {
        return result_of(item->aggregate, &group->accumulators[index]);
    }
    value.raw = group->values[item->group];
    value.type = value.raw.len == 0 ? QUERY_UNDEFINED : QUERY_OBJECT; /* whatever its text is */
    return value;
}

void query_groups_put(const struct query_groups *groups, size_t index, struct buf *out)
{
    const struct group *group = groups->rows[index];
    size_t n = 0;
    for (struct query_item *item = groups->query->items; item != NULL; item = item->next) {
        item->value = item_value(group, item, n);
        n++;
    }
    query_items_put(groups->query, out);
}
