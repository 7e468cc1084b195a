/*
 * columns: what a table shows of a page, and a card of a document.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/macros.h"
#include "iothub/json.h"
#include "service/cli/columns.h"

static void expect(const char *item_type, const char *rows_text, const char *expected)
{
    json_t *rows = json_parse(slice_of(rows_text), NULL);
    struct columns columns;
    struct buf titles;
    buf_init(&titles, BUF_CAP_OWN);
    columns_for_rows(&columns, item_type, rows);
    for (size_t i = 0; i < columns.n_items; i++) {
        buf_putf(&titles, "%s%s", i == 0 ? "" : " ", columns.items[i].title);
    }
    assert_string_equal(buf_text(&titles), expected);
    buf_finish(&titles);
    json_decref(rows);
}

static void raw_rows_show_all_members_as_they_appear(void **state)
{
    (void)state;
    expect("Raw", "[{\"b\":1},{\"a\":2,\"b\":3},{\"$1\":4}]", "b a $1");
    expect("Raw", "[]", "");
    expect("", "[{\"a\":null}]", "a");
}

static void twins_show_modules_only_where_there_are_any(void **state)
{
    (void)state;
    expect("Twin", "[{\"deviceId\":\"d\"}]",
           "deviceId status connectionState authentication lastActivityTime version tags");
    expect("Twin", "[{\"deviceId\":\"d\"},{\"deviceId\":\"d\",\"moduleId\":\"m\"}]",
           "deviceId moduleId status connectionState authentication lastActivityTime version "
           "tags");
}

static void job_rows_show_outcomes_and_errors_only_where_there_are_any(void **state)
{
    (void)state;
    expect("DeviceJob", "[{\"deviceId\":\"d\",\"outcome\":{\"deviceMethodResponse\":null}}]",
           "deviceId status");
    expect("DeviceJob",
           "[{\"outcome\":{\"deviceMethodResponse\":{\"status\":200,\"payload\":null}}},"
           "{\"error\":{\"code\":\"DeviceNotOnline\"}}]",
           "deviceId status methodStatus error");
}

static void there_is_an_end_to_columns(void **state)
{
    (void)state;
    json_t *row = json_object();
    struct columns columns;
    for (int i = 0; i < COLUMNS_MAX + 8; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "c%d", i);
        assert_int_equal(json_object_set_new(row, name, json_integer(i)), 0);
    }
    json_t *rows = json_array();
    assert_int_equal(json_array_append_new(rows, row), 0);
    columns_for_rows(&columns, "Raw", rows);
    assert_int_equal(columns.n_items, COLUMNS_MAX);
    json_decref(rows);
}

static void a_card_leaves_out_what_is_absent_or_null(void **state)
{
    (void)state;
    static const char text[] = "{\"deviceId\":\"d\",\"statusReason\":null,"
                               "\"capabilities\":{\"iotEdge\":false}}";
    json_t *device = json_parse(slice_of(text), NULL);
    struct columns columns;
    columns_of_card(&columns, &columns_device, device);
    assert_int_equal(columns.n_items, 2);
    assert_string_equal(columns.items[0].title, "deviceId");
    assert_string_equal(columns.items[1].title, "iotEdge");
    json_decref(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raw_rows_show_all_members_as_they_appear),
        cmocka_unit_test(twins_show_modules_only_where_there_are_any),
        cmocka_unit_test(job_rows_show_outcomes_and_errors_only_where_there_are_any),
        cmocka_unit_test(there_is_an_end_to_columns),
        cmocka_unit_test(a_card_leaves_out_what_is_absent_or_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
