/*
 * Finding the lines of JSON paths, and writing paths.
 */
#include "support.h"

#include "server/json_path.h"

static const char document[] = "{\n"                          /* 1 */
                               "  \"bind\": \"::1\",\n"       /* 2 */
                               "  \"devices\": [\n"           /* 3 */
                               "    {\"deviceId\": \"a\"},\n" /* 4 */
                               "    {\n"                      /* 5 */
                               "      \"deviceId\":\n"        /* 6 */
                               "        \"b\\n{\",\n"         /* 7 */
                               "      \"tags\": {\"x\": [\n"  /* 8 */
                               "         1, 2,\n"             /* 9 */
                               "         {\"a.b\": true}]\n"  /* 10 */
                               "      }\n"                    /* 11 */
                               "    }\n"                      /* 12 */
                               "  ],\n"                       /* 13 */
                               "  \"b\\u0069nd\": 3\n"        /* 14 */
                               "}\n";

static size_t line_of(const struct json_path *path)
{
    return json_path_line(SLICE(document), path);
}

static void document_begins_in_its_first_line(void **state)
{
    (void)state;
    assert_int_equal(line_of(NULL), 1);
    assert_int_equal(json_path_line(SLICE("\n\n {}"), NULL), 3);
}

static void member_stands_where_its_name_stands(void **state)
{
    (void)state;
    struct json_path devices = {NULL, "devices", 0};
    struct json_path second = {&devices, NULL, 1};
    struct json_path id = {&second, "deviceId", 0};
    assert_int_equal(line_of(&devices), 3);
    assert_int_equal(line_of(&id), 6);
}

static void element_stands_where_it_begins(void **state)
{
    (void)state;
    struct json_path devices = {NULL, "devices", 0};
    struct json_path first = {&devices, NULL, 0};
    struct json_path second = {&devices, NULL, 1};
    struct json_path tags = {&second, "tags", 0};
    struct json_path x = {&tags, "x", 0};
    struct json_path third = {&x, NULL, 2};
    struct json_path dotted = {&third, "a.b", 0};
    assert_int_equal(line_of(&first), 4);
    assert_int_equal(line_of(&second), 5);
    assert_int_equal(line_of(&x), 8);
    assert_int_equal(line_of(&third), 10);
    assert_int_equal(line_of(&dotted), 10);
}

static void last_of_repeated_names_counts_with_escapes_resolved(void **state)
{
    (void)state;
    struct json_path bind = {NULL, "bind", 0};
    assert_int_equal(line_of(&bind), 14);
}

static void missing_step_stands_where_its_parent_stands(void **state)
{
    (void)state;
    struct json_path devices = {NULL, "devices", 0};
    struct json_path second = {&devices, NULL, 1};
    struct json_path ninth = {&devices, NULL, 8};
    struct json_path missing = {&second, "status", 0};
    struct json_path below = {&missing, "more", 0};
    struct json_path id = {&second, "deviceId", 0};
    struct json_path in_text = {&id, "x", 0};
    struct json_path nothing = {NULL, "nothing", 0};
    assert_int_equal(line_of(&missing), 5);
    assert_int_equal(line_of(&below), 5);
    assert_int_equal(line_of(&ninth), 3);
    assert_int_equal(line_of(&in_text), 6);
    assert_int_equal(line_of(&nothing), 1);
}

static void empty_text_has_one_line(void **state)
{
    (void)state;
    struct json_path any = {NULL, "any", 0};
    assert_int_equal(json_path_line(SLICE(""), &any), 1);
}

static void path_is_written_as_one_would_say_it(void **state)
{
    (void)state;
    struct json_path devices = {NULL, "devices", 0};
    struct json_path fourth = {&devices, NULL, 3};
    struct json_path tags = {&fourth, "tags", 0};
    struct json_path dotted = {&tags, "a.b", 0};
    struct json_path quoted = {&dotted, "say \"x\"", 0};
    struct json_path plain = {&quoted, "$x-1", 0};
    struct buf out;
    buf_init(&out, BUF_CAP_OWN);
    json_path_put(&out, NULL);
    assert_string_equal(buf_text(&out), "");
    json_path_put(&out, &plain);
    assert_string_equal(buf_text(&out), "devices[3].tags[\"a.b\"][\"say \\\"x\\\"\"].$x-1");
    buf_finish(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(document_begins_in_its_first_line),
        cmocka_unit_test(member_stands_where_its_name_stands),
        cmocka_unit_test(element_stands_where_it_begins),
        cmocka_unit_test(last_of_repeated_names_counts_with_escapes_resolved),
        cmocka_unit_test(missing_step_stands_where_its_parent_stands),
        cmocka_unit_test(empty_text_has_one_line),
        cmocka_unit_test(path_is_written_as_one_would_say_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
