/*
 * Queries of a whole hub: indexes, walks and pages give the rows that the condition is true for
 * when it is asked about each twin's document.
 *
 * The input is a script of parts with "--" between them: "a {patch}" writes to the twin of
 * device a, "-a" makes that device anew, and all else is a condition.
 */
#include <string.h>

#include "base/macros.h"
#include "fuzz/fuzz.h"
#include "hub/fixture.h"
#include "hub/service.h"
#include "iothub/json.h"
#include "iothub/limits.h"
#include "query/error.h"
#include "query/query.h"

#define PARTS_MAX 24
#define PAGES_MAX 64

static const char letters[] = "abcd";

/* In order of their creation, which is the order of rows. */
struct scene {
    struct fixture *f;
    char order[sizeof(letters)];
};

/* ---- writing ---------------------------------------------------------------------------- */

static void create(struct scene *scene, char letter)
{
    struct buf answer = fuzz_buf();
    struct hub_document document = {.body = &answer};
    json_t *body = json_object();
    FUZZ_CHECK(hub_identity_put(scene->f->hub, identity_of_device(slice_make(&letter, 1)), body,
                                (struct hub_condition){0}, &document) == IOTHUB_OK);
    json_decref(body);
    buf_finish(&answer);
}

static void create_anew(struct scene *scene, char letter)
{
    size_t last = sizeof(letters) - 2;
    struct identity id = identity_of_device(slice_make(&letter, 1));
    FUZZ_CHECK(hub_identity_delete(scene->f->hub, id,
                                   (struct hub_condition){.match = HUB_MATCH_ANY}) ==
               IOTHUB_OK);
    create(scene, letter);
    size_t at = slice_find(slice_of(scene->order), letter);
    for (; at < last; at++) {
        scene->order[at] = scene->order[at + 1];
    }
    scene->order[last] = letter;
}

static void write_twin(struct scene *scene, char letter, struct slice text)
{
    struct buf answer = fuzz_buf();
    json_t *body = json_parse(text, NULL);
    if (json_is_object(body)) {
        /* A patch that is refused changes nothing. */
        enum iothub_status status =
            hub_twin_update(scene->f->hub, identity_of_device(slice_make(&letter, 1)), body,
                            text.len % 4 == 0, (struct hub_condition){0}, &answer);
        FUZZ_CHECK(status != IOTHUB_SERVER_ERROR);
    }
    json_decref(body);
    buf_finish(&answer);
}

/* ---- asking ----------------------------------------------------------------------------- */

static void put_ids(struct buf *out, struct slice body)
{
    json_t *items = json_parse(body, NULL);
    FUZZ_CHECK(json_is_array(items));
    for (size_t i = 0; i < json_array_size(items); i++) {
        buf_put_text(out, text_below(json_array_get(items, i), "deviceId"));
    }
    json_decref(items);
}

struct found {
    enum iothub_status status;
    bool is_told;
    struct buf *next;
};

static void on_page(void *ctx, enum iothub_status status, const struct hub_page *page)
{
    struct found *found = ctx;
    found->is_told = true;
    found->status = status;
    if (status == IOTHUB_OK) {
        buf_put_slice(found->next, buf_slice(page->continuation));
    }
}

/* The ids that the hub gives, page by page; false when it refuses the text. */
static bool put_found(struct scene *scene, struct slice text, int64_t page_size,
                      struct buf *out)
{
    struct buf body = fuzz_buf();
    struct buf next = fuzz_buf();
    struct buf from = fuzz_buf();
    enum iothub_status status = IOTHUB_OK;
    int n_pages = 0;
    do {
        struct found page = {.next = &next};
        const struct hub_query_request request = {
            .text = text,
            .page = {page_size, buf_slice(&from)},
            .body = &body,
            .done = on_page,
            .ctx = &page,
        };
        struct hub_query_run *run = NULL;
        buf_reset(&body);
        buf_reset(&next);
        status = hub_query(scene->f->hub, &request, &run);
        /* There are too few twins for a second turn. */
        FUZZ_CHECK(run == NULL && (status != IOTHUB_OK || page.is_told));
        if (status == IOTHUB_OK) {
            status = page.status;
        }
        if (status == IOTHUB_OK) {
            put_ids(out, buf_slice(&body));
        }
        buf_reset(&from);
        buf_put_slice(&from, buf_slice(&next));
        FUZZ_CHECK(n_pages++ < PAGES_MAX);
    } while (status == IOTHUB_OK && next.len != 0);
    buf_finish(&body);
    buf_finish(&next);
    buf_finish(&from);
    return status == IOTHUB_OK;
}

/* The ids of those whose document the condition is true for. */
static void put_expected(struct scene *scene, struct query *query, struct buf *out)
{
    for (const char *letter = scene->order; *letter != '\0'; letter++) {
        struct buf twin = fuzz_buf();
        FUZZ_CHECK(hub_twin_get(scene->f->hub, identity_of_device(slice_make(letter, 1)),
                                &twin) == IOTHUB_OK);
        struct slice document = buf_slice(&twin);
        if (query_matches(query, &query_json_row, &document)) {
            buf_put_char(out, *letter);
        }
        buf_finish(&twin);
    }
}

static void check_rows(struct scene *scene, struct query *query, int64_t page_size)
{
    struct buf text = fuzz_buf();
    struct buf found = fuzz_buf();
    struct buf expected = fuzz_buf();
    query_print(query, &text);
    bool is_found = put_found(scene, buf_slice(&text), page_size, &found);
    FUZZ_CHECK(is_found || query_count_chars(buf_slice(&text)) > LIMIT_QUERY_CHARS);
    if (is_found) {
        put_expected(scene, query, &expected);
        fuzz_check_same(buf_slice(&found), buf_slice(&expected));
    }
    buf_finish(&text);
    buf_finish(&found);
    buf_finish(&expected);
}

static void ask_condition(struct scene *scene, struct slice text)
{
    struct query *query = NULL;
    struct buf error = fuzz_buf();
    if (slice_find(text, '\0') < text.len) {
        return; /* no request can hold it */
    }
    if (query_compile_condition(text, &query, &error) == IOTHUB_OK && query != NULL) {
        uint64_t top = 0;
        bool is_plain = query_collection(query) == QUERY_DEVICES && query_is_star(query) &&
                        !query_top(query, &top);
        if (is_plain) {
            check_rows(scene, query, 1 + (int64_t)(text.len % 5));
        }
    }
    query_destroy(query);
    buf_finish(&error);
}

static void run_part(struct scene *scene, struct slice part)
{
    const char *first = part.len == 0 ? NULL : strchr(letters, part.data[0]);
    if (part.len >= 2 && first != NULL && *first != '\0' && part.data[1] == ' ') {
        write_twin(scene, *first, slice_from(part, 2));
        return;
    }
    const char *second = part.len == 2 ? strchr(letters, part.data[1]) : NULL;
    if (second != NULL && *second != '\0' && part.data[0] == '-') {
        create_anew(scene, *second);
        return;
    }
    ask_condition(scene, part);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = fuzz_input(data, size);
    struct scene scene = {.order = "abcd"};
    void *state = NULL;
    FUZZ_CHECK(fixture_memory(&state) == 0);
    scene.f = state;
    hub_turn(scene.f->hub, clock_read(&scene.f->clock));
    for (const char *letter = letters; *letter != '\0'; letter++) {
        create(&scene, *letter);
    }
    for (int i = 0; i < PARTS_MAX && rest.len != 0; i++) {
        run_part(&scene, fuzz_take_part(&rest));
        if (i % 3 == 2) {
            fixture_turn(scene.f);
        }
    }
    fixture_end(&state);
    return 0;
}
