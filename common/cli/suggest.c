/*
 * Edit distance where an insertion, a deletion, a changed letter and two swapped neighbours
 * each cost one ("optimal string alignment").
 */
#include "cli/suggest.h"

#include <stdbool.h>

/* Longer names are not compared. */
#define NAME_MAX_LEN 63

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* One row of the distance table; `before` and `last` are the two rows above it. */
static void fill_row(const size_t *before, const size_t *last, size_t *row, struct slice a,
                     size_t i, struct slice b)
{
    row[0] = i;
    for (size_t j = 1; j <= b.len; j++) {
        size_t cost = a.data[i - 1] == b.data[j - 1] ? 0 : 1;
        row[j] = smaller(last[j] + 1, row[j - 1] + 1);
        row[j] = smaller(row[j], last[j - 1] + cost);
        bool is_swap = i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] &&
                       a.data[i - 2] == b.data[j - 1];
        if (is_swap) {
            row[j] = smaller(row[j], before[j - 2] + 1);
        }
    }
}

static size_t edit_distance(struct slice a, struct slice b)
{
    size_t rows[3][NAME_MAX_LEN + 1] = {{0}};
    for (size_t j = 0; j <= b.len; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a.len; i++) {
        fill_row(rows[(i + 1) % 3], rows[(i + 2) % 3], rows[i % 3], a, i, b);
    }
    return rows[a.len % 3][b.len];
}

void suggest_offer(struct suggest *s, struct slice typed, struct slice name)
{
    if (typed.len < 2 || typed.len > NAME_MAX_LEN || name.len > NAME_MAX_LEN) {
        return;
    }
    size_t distance = edit_distance(typed, name);
    size_t longer = typed.len > name.len ? typed.len : name.len;
    size_t limit = longer < 6 ? 1 : longer / 3;
    /* The beginning of a name is as good as one slip. */
    if (slice_starts_with(name, typed)) {
        distance = smaller(distance, 1);
    }
    if (distance > limit || (s->best.len > 0 && distance >= s->distance)) {
        return;
    }
    s->best = name;
    s->distance = distance;
}
