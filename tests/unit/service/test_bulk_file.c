/*
 * bulk_file: lines, arrays, and the mode of each item.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "service/cli/bulk_file.h"

/* Check the text and join its items with '|'. */
static void expect_items(const char *text, const char *expected)
{
    struct bulk_file file;
    struct slice item = {0};
    struct buf out;
    struct buf error;
    size_t n_items = 0;
    size_t n_seen = 0;
    buf_init(&out, BUF_CAP_OWN);
    buf_init(&error, BUF_CAP_OWN);
    if (!bulk_file_check(slice_of(text), &error, &n_items)) {
        fail_msg("%s", buf_text(&error));
    }
    bulk_file_open(&file, slice_of(text));
    while (bulk_file_next(&file, &item)) {
        buf_put_text(&out, n_seen == 0 ? "" : "|");
        buf_put_slice(&out, item);
        n_seen++;
    }
    assert_string_equal(buf_text(&out), expected);
    assert_int_equal(n_items, n_seen);
    buf_finish(&out);
    buf_finish(&error);
}

static void lines_are_items(void **state)
{
    (void)state;
    expect_items("{\"id\":\"a\"}\r\n\n  {\"id\":\"b\"}\r\n", "{\"id\":\"a\"}|{\"id\":\"b\"}");
    expect_items("{\"id\":\"a\"}", "{\"id\":\"a\"}");
    expect_items("", "");
    expect_items(" \n ", "");
}

static void array_has_items_too(void **state)
{
    (void)state;
    expect_items(" [ {\"id\":\"a\"},\n{\"id\":\"b\"} ]\n", "{\"id\":\"a\"}|{\"id\":\"b\"}");
    expect_items("[]", "");
}

static void note_of_an_export_without_keys_is_skipped(void **state)
{
    (void)state;
    expect_items("Keys were excluded.\r\n{\"id\":\"a\"}\r\n", "{\"id\":\"a\"}");
}

static void expect_refused(const char *text, const char *expected)
{
    struct buf error;
    size_t n_items = 0;
    buf_init(&error, BUF_CAP_OWN);
    assert_false(bulk_file_check(slice_of(text), &error, &n_items));
    struct slice found = buf_slice(&error);
    if (!slice_starts_with(found, slice_of(expected))) {
        fail_msg("\"%s\" is not \"%s\"", buf_text(&error), expected);
    }
    buf_finish(&error);
}

static void what_is_no_object_is_told_with_its_place(void **state)
{
    (void)state;
    expect_refused("{}\n\n[1]\n", "line 3 is no JSON object");
    expect_refused("{}\n{\"id\":}\n", "line 2 is no JSON object: ");
    expect_refused("{}\nnote\n", "line 2 is no JSON object");
    expect_refused("just words", "there is no JSON object in it");
    expect_refused("[{},1]", "item 2 is no object");
    expect_refused("[{},", "");
}

static void expect_item(const char *item, const char *mode, const char *expected)
{
    struct buf out;
    buf_init(&out, BUF_CAP_OWN);
    bulk_file_put_item(&out, slice_of(item), mode);
    assert_string_equal(buf_text(&out), expected);
    buf_finish(&out);
}

static void item_keeps_everything_but_its_mode(void **state)
{
    (void)state;
    expect_item("{\"id\":\"a\",\"tags\":{\"n\":1.50}}", NULL,
                "{\"importMode\":\"createOrUpdate\",\"id\":\"a\",\"tags\":{\"n\":1.50}}");
    expect_item("{\"id\":\"a\",\"importMode\":\"create\"}", NULL,
                "{\"importMode\":\"create\",\"id\":\"a\"}");
    expect_item("{\"ImportMode\":\"create\",\"id\":\"a\"}", "delete",
                "{\"importMode\":\"delete\",\"id\":\"a\"}");
    /* However the name is written: of two members the hub would take the last. */
    expect_item("{\"import\\u004dode\":\"create\",\"id\":\"a\"}", "delete",
                "{\"importMode\":\"delete\",\"id\":\"a\"}");
    expect_item("{}", "update", "{\"importMode\":\"update\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_items),
        cmocka_unit_test(array_has_items_too),
        cmocka_unit_test(note_of_an_export_without_keys_is_skipped),
        cmocka_unit_test(what_is_no_object_is_told_with_its_place),
        cmocka_unit_test(item_keeps_everything_but_its_mode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
