/*
 * What the clients read: a hub's refusals and answers, and the texts that their users hand in.
 *
 * The first byte chooses; the rest is a text of that kind.
 */
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "cli/cli.h"
#include "fuzz/fuzz.h"
#include "http/hub_error.h"
#include "iothub/json.h"
#include "query/query.h"
#include "service/cli/bulk_file.h"
#include "service/cli/columns.h"
#include "service/cli/condition.h"
#include "service/cli/job_state.h"
#include "service/src/document.h"
#include "service/src/operation.h"

/* ---- refusals --------------------------------------------------------------------------- */

/* An HTTP status in one byte, the header's code, and the body behind "--". */
static void check_hub_error(struct slice text)
{
    struct slice rest = text;
    int http_status = 300 + fuzz_take_byte(&rest);
    char *code = slice_dup(fuzz_take_part(&rest));
    struct hub_error error = {0};
    struct slice body = fuzz_copy(rest);
    hub_error_read(&error, http_status, code[0] == '\0' ? NULL : code, body);
    fuzz_free(body);
    FUZZ_CHECK(error.status != IOTHUB_OK);
    FUZZ_CHECK(strcmp(iothub_status_name(error.status), "Unknown") != 0);
    /* The header goes before the body. */
    enum iothub_status named = iothub_status_from_name(code, IOTHUB_OK);
    FUZZ_CHECK(named == IOTHUB_OK || error.status == named);
    hub_error_finish(&error);
    free(code);
}

/* ---- answers ---------------------------------------------------------------------------- */

static void check_printable(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        FUZZ_CHECK(c == '\n' || (c >= ' ' && c != 0x7F));
    }
}

static void put_rows(const json_t *rows)
{
    static const char *const item_types[] = {"Raw", "Twin", "DeviceJob", "JobResponse"};
    for (size_t i = 0; i < ARRAY_LEN(item_types); i++) {
        struct columns columns;
        struct buf out = fuzz_buf();
        columns_for_rows(&columns, item_types[i], rows);
        FUZZ_CHECK(columns.n_items <= ARRAY_LEN(columns.items));
        cli_put_table(&out, columns.items, columns.n_items, rows);
        check_printable(buf_slice(&out));
        buf_finish(&out);
    }
}

static void read_job(const json_t *job)
{
    struct buf out = fuzz_buf();
    FUZZ_CHECK(!job_is_success(job) || job_is_over(job));
    FUZZ_CHECK(!job_row_has_failed(job) || job_row_is_over(job));
    (void)job_status(job);
    job_put_statistics(&out, job);
    check_printable(buf_slice(&out));
    buf_finish(&out);
}

/* An array of objects as rows, an object as a job. */
static void check_answer(struct slice text)
{
    json_t *value = json_parse(text, NULL);
    size_t n_objects = 0;
    for (size_t i = 0; i < json_array_size(value); i++) {
        n_objects += json_is_object(json_array_get(value, i)) ? 1 : 0;
    }
    if (json_is_array(value) && n_objects == json_array_size(value)) {
        put_rows(value);
    } else if (json_is_object(value)) {
        read_job(value);
    }
    json_decref(value);
}

/* ---- what users hand in ----------------------------------------------------------------- */

static void check_document(struct slice text)
{
    json_t *value = json_parse(text, NULL);
    if (json_is_object(value)) {
        struct buf out = fuzz_buf();
        char *object = slice_dup(text);
        bool is_put = document_put_with(&out, object, "deviceId", "d");
        FUZZ_CHECK(is_put || out.len == 0);
        if (is_put) {
            json_t *written = json_parse(buf_slice(&out), NULL);
            json_object_set_new(value, "deviceId", json_string("d"));
            FUZZ_CHECK(json_equal(written, value));
            json_decref(written);
        }
        free(object);
        buf_finish(&out);
    }
    json_decref(value);
}

static size_t count_modes(const json_t *item)
{
    const char *key = NULL;
    json_t *value = NULL;
    size_t n = 0;
    json_object_foreach((json_t *)(uintptr_t)item, key, value)
    {
        n += slice_equal_nocase(slice_of(key), SLICE("importMode")) ? 1 : 0;
    }
    return n;
}

/* It has one mode, and all else in it stays as it is. */
static void check_bulk_item(struct slice item, const char *mode)
{
    struct buf out = fuzz_buf();
    json_t *before = json_parse(item, NULL);
    bulk_file_put_item(&out, item, mode);
    json_t *after = json_parse(buf_slice(&out), NULL);
    const char *written = json_string_value(json_object_get(after, "importMode"));
    size_t n_before = count_modes(before);
    FUZZ_CHECK(json_is_object(after) && count_modes(after) == 1);
    FUZZ_CHECK(mode == NULL || strcmp(written, mode) == 0);
    FUZZ_CHECK(mode != NULL || n_before != 0 || strcmp(written, "createOrUpdate") == 0);
    if (n_before <= 1) {
        const json_t *own = json_get_nocase(before, "importMode");
        FUZZ_CHECK(mode != NULL || own == NULL ||
                   json_equal(json_object_get(after, "importMode"), own));
    }
    FUZZ_CHECK(json_object_size(after) == json_object_size(before) - n_before + 1);
    json_decref(after);
    json_decref(before);
    buf_finish(&out);
}

static void check_bulk_file(struct slice text)
{
    struct buf error = fuzz_buf();
    struct bulk_file file;
    struct slice item = {0};
    size_t n_items = 0;
    size_t n = 0;
    bool is_good = bulk_file_check(text, &error, &n_items);
    FUZZ_CHECK(is_good == (error.len == 0));
    if (is_good) {
        bulk_file_open(&file, text);
        while (bulk_file_next(&file, &item)) {
            check_bulk_item(item, n % 2 == 0 ? NULL : "delete");
            n++;
        }
        FUZZ_CHECK(n == n_items);
    }
    buf_finish(&error);
}

/* What is cut out of a good query is a good condition. */
static void check_cut(const struct condition *condition, bool was_query)
{
    struct query *query = NULL;
    struct buf text = fuzz_buf();
    struct buf error = fuzz_buf();
    condition_put_job(&text, condition);
    bool is_good = query_compile_condition(buf_slice(&text), &query, &error) == IOTHUB_OK;
    FUZZ_CHECK(is_good || !was_query);
    query_destroy(query);
    query = NULL;
    if (is_good && was_query) {
        buf_reset(&text);
        condition_put_query(&text, condition, "COUNT() AS n");
        FUZZ_CHECK(query_compile(buf_slice(&text), &query, &error) == IOTHUB_OK);
        FUZZ_CHECK((query_collection(query) == QUERY_MODULES) == condition->is_modules);
        query_destroy(query);
    }
    buf_finish(&text);
    buf_finish(&error);
}

static void check_condition(struct slice text)
{
    struct condition condition = {0};
    struct query *query = NULL;
    struct buf error = fuzz_buf();
    if (slice_find(text, '\0') < text.len) {
        return; /* a command line cannot hold it */
    }
    bool is_query = query_compile(text, &query, &error) == IOTHUB_OK ||
                    query_compile_condition(text, &query, &error) == IOTHUB_OK;
    query_destroy(query);
    buf_reset(&error);
    bool is_cut = condition_cut(text, &error, &condition);
    FUZZ_CHECK(is_cut == (error.len == 0));
    if (is_cut) {
        check_cut(&condition, is_query);
    }
    condition_finish(&condition);
    buf_finish(&error);
}

static void check_etag(struct slice text)
{
    char *etag = slice_dup(text);
    struct buf out = fuzz_buf();
    if (operation_put_etag(&out, etag)) {
        FUZZ_CHECK(out.len >= 2 && out.data[0] == '"' && out.data[out.len - 1] == '"');
        FUZZ_CHECK(slice_find(slice_make(out.data + 1, out.len - 2), '"') == out.len - 2);
        check_printable(buf_slice(&out));
        FUZZ_CHECK(slice_find(buf_slice(&out), '\n') == out.len);
    }
    (void)operation_etag_is_any(etag);
    buf_finish(&out);
    free(etag);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const checks[])(struct slice) = {
        check_hub_error, check_answer,    check_document,
        check_bulk_file, check_condition, check_etag,
    };
    struct slice rest = fuzz_input(data, size);
    uint8_t choice = fuzz_take_byte(&rest);
    checks[choice % ARRAY_LEN(checks)](rest);
    return 0;
}
