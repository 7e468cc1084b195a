/*
 * Indexes of tags: for each path the hashes of its values with the twins' numbers, sorted.
 *
 * What writes add goes into a short sorted list beside the long one, and into that when the
 * short one is full; a write moves a few kilobytes then and not the whole index.
 */
#include "store/tags.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "iothub/json_scan.h"
#include "store/statements.h"
#include "store/twins.h"

enum {
    PATHS_MAX = 8,
    RECENT_MAX = 512,
    /* Of all paths together: 32 MiB. */
    ENTRIES_MAX = 2 << 20,
    /* So many that are not true any more, beside as many as are true, do no harm. */
    STALE_MAX = 64 << 10,
};

struct entry {
    uint64_t hash;
    int64_t seq;
};

struct entries {
    struct entry *rows; /* sorted, each once */
    size_t n_rows;
    size_t room;
};

struct path {
    char *text; /* what the names are slices of */
    struct slice *names;
    size_t n_names;
    struct entries all;
    struct entries recent;
    size_t n_made;     /* when the index was made */
    uint64_t asked_at; /* the last question that it answered */
    bool is_too_large;
};

struct store_tags {
    struct path *paths[PATHS_MAX];
    size_t n_paths;
    uint64_t question;  /* the present one */
    bool may_make;      /* what that needs */
    struct buf scratch; /* for strings with escapes */
};

/* ---- hashes ----------------------------------------------------------------------------- */

/* Different types never share a value's hash by more than chance. */
static uint64_t mix(uint64_t hash, uint64_t type)
{
    hash ^= type * UINT64_C(0x9E3779B97F4A7C15);
    hash ^= hash >> 32;
    hash *= UINT64_C(0xD6E8FEB86659FD93);
    return hash ^ hash >> 32;
}

uint64_t store_tag_hash_text(struct slice text)
{
    return mix(slice_hash(text), 1);
}

uint64_t store_tag_hash_number(double number)
{
    uint64_t bits = 0;
    double value = number == 0 ? 0 : number; /* -0 equals 0 */
    memcpy(&bits, &value, sizeof(bits));
    return mix(bits, 2);
}

uint64_t store_tag_hash_bool(bool truth)
{
    return mix(truth ? 1 : 0, 3);
}

uint64_t store_tag_hash_null(void)
{
    return mix(0, 4);
}

/* The hash of a value's JSON text; false for containers. */
static bool hash_of(struct slice raw, struct buf *scratch, uint64_t *out)
{
    switch (json_scan_type(raw)) {
    case JSON_SCAN_NULL:
        *out = store_tag_hash_null();
        return true;
    case JSON_SCAN_FALSE:
    case JSON_SCAN_TRUE:
        *out = store_tag_hash_bool(raw.data[0] == 't');
        return true;
    case JSON_SCAN_NUMBER:
        *out = store_tag_hash_number(json_scan_number(raw));
        return true;
    case JSON_SCAN_STRING:
        buf_reset(scratch);
        *out = store_tag_hash_text(json_scan_string(raw, scratch));
        return true;
    case JSON_SCAN_ARRAY:
    case JSON_SCAN_OBJECT:
        break;
    }
    return false;
}

/* ---- sorted rows ------------------------------------------------------------------------ */

static int compare(const void *a, const void *b)
{
    const struct entry *x = a;
    const struct entry *y = b;
    if (x->hash != y->hash) {
        return x->hash < y->hash ? -1 : 1;
    }
    return (x->seq > y->seq) - (x->seq < y->seq);
}

/* The index of the first row that is not below `key`. */
static size_t seek(const struct entries *entries, struct entry key)
{
    size_t low = 0;
    size_t high = entries->n_rows;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(&entries->rows[middle], &key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool has(const struct entries *entries, struct entry key)
{
    size_t at = seek(entries, key);
    return at < entries->n_rows && compare(&entries->rows[at], &key) == 0;
}

static void make_room(struct entries *entries, size_t n)
{
    if (n > entries->room) {
        entries->room = n > 2 * entries->room ? n : 2 * entries->room;
        entries->rows = mem_grow(entries->rows, entries->room, sizeof(*entries->rows));
    }
}

static void insert(struct entries *entries, struct entry key)
{
    size_t at = seek(entries, key);
    make_room(entries, entries->n_rows + 1);
    memmove(entries->rows + at + 1, entries->rows + at,
            (entries->n_rows - at) * sizeof(*entries->rows));
    entries->rows[at] = key;
    entries->n_rows++;
}

/* From the ends on, so that every row moves once and needs no other place. */
static void merge(struct entries *into, struct entries *from)
{
    size_t i = into->n_rows;
    size_t j = from->n_rows;
    size_t to = i + j;
    make_room(into, to);
    into->n_rows = to;
    while (j > 0) {
        bool is_into = i > 0 && compare(&into->rows[i - 1], &from->rows[j - 1]) > 0;
        into->rows[--to] = is_into ? into->rows[--i] : from->rows[--j];
    }
    from->n_rows = 0;
}

/* ---- paths ------------------------------------------------------------------------------ */

static size_t n_entries(const struct path *path)
{
    return path->all.n_rows + path->recent.n_rows;
}

static void path_destroy(struct path *path)
{
    free(path->all.rows);
    free(path->recent.rows);
    free(path->names);
    free(path->text);
    free(path);
}

static struct path *path_create(const struct store_tag *tag)
{
    struct path *path = mem_alloc(sizeof(*path));
    struct buf text = {.cap = BUF_CAP_OWN};
    size_t at = 0;
    for (size_t i = 0; i < tag->n_names; i++) {
        buf_put_slice(&text, tag->names[i]);
    }
    path->text = buf_take_text(&text);
    path->names = mem_array(tag->n_names, sizeof(*path->names));
    path->n_names = tag->n_names;
    for (size_t i = 0; i < tag->n_names; i++) {
        path->names[i] = slice_make(path->text + at, tag->names[i].len);
        at += tag->names[i].len;
    }
    return path;
}

static bool is_path(const struct path *path, const struct store_tag *tag)
{
    bool is_same = path->n_names == tag->n_names;
    for (size_t i = 0; is_same && i < tag->n_names; i++) {
        is_same = slice_equal(path->names[i], tag->names[i]);
    }
    return is_same;
}

static struct path *find_path(struct store_tags *tags, const struct store_tag *tag)
{
    for (size_t i = 0; i < tags->n_paths; i++) {
        if (is_path(tags->paths[i], tag)) {
            return tags->paths[i];
        }
    }
    return NULL;
}

static void drop_path(struct store_tags *tags, size_t at)
{
    path_destroy(tags->paths[at]);
    tags->n_paths--;
    tags->paths[at] = tags->paths[tags->n_paths];
}

/* The path that nobody asked about for the longest time; none that the question needs. */
static bool drop_oldest(struct store_tags *tags)
{
    size_t oldest = 0;
    for (size_t i = 1; i < tags->n_paths; i++) {
        oldest = tags->paths[i]->asked_at < tags->paths[oldest]->asked_at ? i : oldest;
    }
    if (tags->n_paths == 0 || tags->paths[oldest]->asked_at == tags->question) {
        return false;
    }
    drop_path(tags, oldest);
    return true;
}

/* The value at the path as a row of its index; false when no scalar stands there. */
static bool read_entry(struct store_tags *tags, const struct path *path, int64_t seq,
                       struct slice document, struct entry *out)
{
    struct slice raw = {0};
    out->seq = seq;
    return json_scan_path(document, path->names, path->n_names, &raw) &&
           hash_of(raw, &tags->scratch, &out->hash);
}

/* ---- making an index -------------------------------------------------------------------- */

static int read_all(struct store *store, struct path *path)
{
    sqlite3_stmt *stmt = store_statement(store, SQL_TWIN_TAGS);
    int rc = 0;
    while ((rc = store_step(store, stmt)) == 0) {
        struct entry entry;
        if (!read_entry(store->tags, path, store_column_i64(stmt, 0),
                        store_column_text(stmt, 1), &entry)) {
            continue;
        }
        if (path->all.n_rows == ENTRIES_MAX) {
            path->is_too_large = true;
            free(path->all.rows);
            path->all = (struct entries){0};
            (void)sqlite3_reset(stmt);
            return 0;
        }
        make_room(&path->all, path->all.n_rows + 1);
        path->all.rows[path->all.n_rows++] = entry;
    }
    return rc == STORE_NO_ROW ? 0 : rc;
}

static size_t n_entries_of_all(const struct store_tags *tags)
{
    size_t n = 0;
    for (size_t i = 0; i < tags->n_paths; i++) {
        n += n_entries(tags->paths[i]);
    }
    return n;
}

/* STORE_NO_ROW when it has no room beside those that the question needs too. */
static int make_path(struct store *store, const struct store_tag *tag, struct path **out)
{
    struct store_tags *tags = store->tags;
    if (tags->n_paths == PATHS_MAX && !drop_oldest(tags)) {
        return STORE_NO_ROW;
    }
    struct path *path = path_create(tag);
    int rc = read_all(store, path);
    while (rc == 0 && n_entries_of_all(tags) + path->all.n_rows > ENTRIES_MAX) {
        rc = drop_oldest(tags) ? 0 : STORE_NO_ROW;
    }
    if (rc != 0) {
        path_destroy(path);
        return rc;
    }
    if (path->all.n_rows > 0) {
        qsort(path->all.rows, path->all.n_rows, sizeof(*path->all.rows), compare);
    }
    path->n_made = path->all.n_rows;
    tags->paths[tags->n_paths++] = path;
    *out = path;
    return 0;
}

/* ---- writes ----------------------------------------------------------------------------- */

static void add(struct path *path, struct entry entry)
{
    if (has(&path->all, entry) || has(&path->recent, entry)) {
        return;
    }
    if (path->recent.n_rows == RECENT_MAX) {
        merge(&path->all, &path->recent);
    }
    insert(&path->recent, entry);
}

void store_tags_note(struct store *store, int64_t seq, struct slice document)
{
    struct store_tags *tags = store->tags;
    for (size_t i = tags == NULL ? 0 : tags->n_paths; i > 0; i--) {
        struct path *path = tags->paths[i - 1];
        struct entry entry;
        if (path->is_too_large || !read_entry(tags, path, seq, document, &entry)) {
            continue;
        }
        add(path, entry);
        if (n_entries(path) > 2 * path->n_made + STALE_MAX ||
            n_entries_of_all(tags) > 2 * ENTRIES_MAX) {
            drop_path(tags, i - 1);
        }
    }
}

void store_tags_finish(struct store *store)
{
    while (store->tags != NULL && store->tags->n_paths > 0) {
        drop_path(store->tags, 0);
    }
    if (store->tags != NULL) {
        buf_finish(&store->tags->scratch);
    }
    free(store->tags);
    store->tags = NULL;
}

/* ---- questions -------------------------------------------------------------------------- */

static size_t count_in(const struct entries *entries, uint64_t hash)
{
    return seek(entries, (struct entry){hash, INT64_MAX}) -
           seek(entries, (struct entry){hash, INT64_MIN});
}

void store_tags_ask(struct store *store, bool may_make)
{
    if (store->tags == NULL) {
        store->tags = mem_alloc(sizeof(*store->tags));
        buf_init(&store->tags->scratch, BUF_CAP_OWN);
    }
    store->tags->question++;
    /* What a mark's undoing brings back would be missing, and what another process writes. */
    store->tags->may_make = may_make && !store->is_marked && !store->is_readonly;
}

int store_tags_count(struct store *store, const struct store_tag *tag, size_t *out,
                     size_t *out_of)
{
    struct store_tags *tags = store->tags;
    struct path *path = find_path(tags, tag);
    int rc = path != NULL ? 0 : tags->may_make ? make_path(store, tag, &path) : STORE_NO_ROW;
    if (rc != 0) {
        return rc;
    }
    path->asked_at = tags->question;
    if (path->is_too_large) {
        return STORE_NO_ROW;
    }
    *out = count_in(&path->all, tag->hash) + count_in(&path->recent, tag->hash);
    *out_of = n_entries(path);
    return 0;
}

size_t store_tags_find(struct store *store, const struct store_tag *tag, int64_t after_seq,
                       int64_t *out, size_t max)
{
    const struct path *path = store->tags == NULL ? NULL : find_path(store->tags, tag);
    size_t n = 0;
    if (path == NULL || path->is_too_large || after_seq == INT64_MAX) {
        return 0;
    }
    struct entry from = {tag->hash, after_seq + 1};
    const struct entry *all = path->all.rows;
    const struct entry *recent = path->recent.rows;
    size_t i = seek(&path->all, from);
    size_t j = seek(&path->recent, from);
    while (n < max) {
        bool has_all = i < path->all.n_rows && all[i].hash == tag->hash;
        bool has_recent = j < path->recent.n_rows && recent[j].hash == tag->hash;
        if (!has_all && !has_recent) {
            break;
        }
        bool is_all = has_all && (!has_recent || all[i].seq < recent[j].seq);
        out[n++] = is_all ? all[i++].seq : recent[j++].seq;
    }
    return n;
}
