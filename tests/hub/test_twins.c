/*
 * Twins over the service API.
 * Source: IoT Hub documentation, "Understand and use device twins"; IoT Hub REST, twins;
 * recorded answers in azure-sdk-for-net; the SDKs' twin tests.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "hub/device.h"
#include "hub/service.h"
#include "iothub/json.h"

#define NEVER "0001-01-01T00:00:00Z"

static json_t *patch(struct fixture *f, const char *path, const char *body)
{
    return rest(f, 200, "PATCH", path, body);
}

/* Etag's counter and version, desired and reported versions of the twin "d". */
static void assert_counters(struct fixture *f, const char *etag, int version, int desired,
                            int reported)
{
    json_t *twin = get_twin(f, "d");
    assert_string_equal(text_below(twin, "etag"), etag);
    assert_int_equal(number_below(twin, "version"), version);
    assert_int_equal(number_below(twin, "properties.desired.$version"), desired);
    assert_int_equal(number_below(twin, "properties.reported.$version"), reported);
    json_decref(twin);
}

/* ---- the document ----------------------------------------------------------------------- */

static void new_twin_is_answered_whole(void **state)
{
    struct fixture *f = *state;
    char want[1000];
    make(f, "d");
    json_t *identity = get_identity(f, "d");
    struct reply reply = ask(f, &(struct ask){.method = "GET", .path = "/twins/d"});
    (void)snprintf(
        want, sizeof(want),
        "{\"deviceId\":\"d\",\"etag\":\"AAAAAAAAAAE=\",\"deviceEtag\":\"%s\",\"status\":"
        "\"enabled\","
        "\"statusUpdateTime\":\"" NEVER "\",\"connectionState\":\"Disconnected\","
        "\"lastActivityTime\":\"" NEVER "\",\"cloudToDeviceMessageCount\":0,"
        "\"authenticationType\":\"sas\",\"x509Thumbprint\":{\"primaryThumbprint\":null,"
        "\"secondaryThumbprint\":null},\"modelId\":\"\",\"version\":2,\"properties\":{"
        "\"desired\":{\"$metadata\":{\"$lastUpdated\":\"2026-03-02T12:00:00Z\"},\"$version\":1}"
        ","
        "\"reported\":{\"$metadata\":{\"$lastUpdated\":\"2026-03-02T12:00:00Z\"},\"$version\":"
        "1}},"
        "\"capabilities\":{\"iotEdge\":false}}",
        text_below(identity, "etag"));
    assert_string_equal(reply.text, want);
    reply_end(&reply);
    json_decref(identity);
}

static void module_twin_names_the_module_and_has_no_capabilities(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "d/m");
    json_t *identity = get_identity(f, "d/m");
    json_t *twin = get_twin(f, "d/m");
    assert_string_equal(text_below(twin, "deviceId"), "d");
    assert_string_equal(text_below(twin, "moduleId"), "m");
    assert_string_equal(text_below(twin, "deviceEtag"), text_below(identity, "etag"));
    assert_string_equal(text_below(twin, "status"), "enabled");
    assert_null(json_below(twin, "capabilities"));
    assert_string_equal(text_below(twin, "properties.desired.$metadata.$lastUpdated"), NEVER);
    json_decref(twin);
    json_decref(identity);
}

static void missing_twin_is_not_found(void **state)
{
    static const char *const methods[] = {"GET", "PATCH", "PUT"};
    struct fixture *f = *state;
    make(f, "d");
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        const char *body = i == 0 ? NULL : "{}";
        rest_fails(f, IOTHUB_DEVICE_NOT_FOUND, methods[i], "/twins/none", body);
        rest_fails(f, IOTHUB_DEVICE_NOT_FOUND, methods[i], "/twins/none/modules/m", body);
        struct reply reply = ask(
            f,
            &(struct ask){.method = methods[i], .path = "/twins/d/modules/none", .body = body});
        assert_int_equal(reply.status, 404);
        reply_end(&reply);
    }
}

static void reason_of_a_status_is_in_the_twin(void **state)
{
    struct fixture *f = *state;
    rest_done(f, 200, "PUT", "/devices/d", "{'status':'disabled','statusReason':'broken'}");
    json_t *twin = get_twin(f, "d");
    assert_string_equal(text_below(twin, "status"), "disabled");
    assert_string_equal(text_below(twin, "statusReason"), "broken");
    json_decref(twin);
}

/* ---- merging ---------------------------------------------------------------------------- */

static void answer_to_a_write_is_the_new_twin(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    json_t *answer =
        patch(f, "/twins/d", "{'tags':{'a':1},'properties':{'desired':{'b':{'c':2}}}}");
    json_t *twin = get_twin(f, "d");
    assert_true(json_equal(answer, twin));
    assert_json(json_below(twin, "tags"), "{'a':1}");
    assert_section(json_below(twin, "properties.desired"), "{'b':{'c':2}}");
    json_decref(answer);
    json_decref(twin);
    answer = rest(f, 200, "PUT", "/twins/d", "{'tags':{'x':1}}");
    twin = get_twin(f, "d");
    assert_true(json_equal(answer, twin));
    json_decref(answer);
    json_decref(twin);
}

static void module_twin_is_written_apart(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "d/m");
    patch_twin(f, "d/m", "{'tags':{'a':1},'properties':{'desired':{'b':2}}}");
    json_t *module = get_twin(f, "d/m");
    json_t *device = get_twin(f, "d");
    assert_json(json_below(module, "tags"), "{'a':1}");
    assert_section(json_below(module, "properties.desired"), "{'b':2}");
    assert_null(json_below(device, "tags"));
    assert_int_equal(number_below(device, "version"), 2);
    json_decref(module);
    json_decref(device);
}

static void members_that_are_the_hubs_are_passed_over(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    report(f, "d", "{'r':1}");
    /* Clients send the whole twin back. */
    patch_twin(f, "d",
               "{'deviceId':'x','etag':'x','deviceEtag':'x','version':99,'status':'disabled',"
               "'connectionState':'Connected','capabilities':{'iotEdge':true},'unknown':[1],"
               "'properties':{'reported':{'r':2,'s':3,'$version':7},"
               "'desired':{'a':1,'$metadata':{'a':{'$lastUpdated':'x'}},'$version':40}}}");
    json_t *twin = get_twin(f, "d");
    assert_section(json_below(twin, "properties.reported"), "{'r':1}");
    assert_section(json_below(twin, "properties.desired"), "{'a':1}");
    assert_int_equal(number_below(twin, "properties.desired.$version"), 2);
    assert_string_equal(text_below(twin, "status"), "enabled");
    assert_string_equal(text_below(twin, "deviceId"), "d");
    json_decref(twin);
}

static void whole_twin_can_be_written_back(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    patch_twin(f, "d", "{'tags':{'a':1},'properties':{'desired':{'b':{'c':2}}}}");
    json_t *twin = get_twin(f, "d");
    char *text = json_text(twin);
    json_decref(
        ask_json(f, 200, &(struct ask){.method = "PUT", .path = "/twins/d", .body = text}));
    json_t *after = get_twin(f, "d");
    assert_json(json_below(after, "tags"), "{'a':1}");
    assert_section(json_below(after, "properties.desired"), "{'b':{'c':2}}");
    free(text);
    json_decref(twin);
    json_decref(after);
}

static void numbers_order_and_dates_come_back_as_they_were_sent(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct reply reply = ask(
        f,
        &(struct ask){.method = "PATCH",
                      .path = "/twins/d",
                      .body = "{\"tags\":{\"z\":1,\"a\":1.0,\"when\":"
                              "\"2023-01-31T10:37:08.4599400\",\"list\":[0.1,-3,\"\\u00e9\"],"
                              "\"empty\":{}}}"});
    assert_non_null(strstr(reply.text,
                           "\"tags\":{\"z\":1,\"a\":1.0,\"when\":"
                           "\"2023-01-31T10:37:08.4599400\",\"list\":[0.1,-3,\"\xc3\xa9\"],"
                           "\"empty\":{}}"));
    reply_end(&reply);
}

static void last_tag_takes_the_tags_with_it(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    patch_twin(f, "d", "{'tags':{'a':1,'b':2}}");
    patch_twin(f, "d", "{'tags':{'a':null}}");
    json_t *twin = patch(f, "/twins/d", "{'tags':{'b':null}}");
    assert_null(json_below(twin, "tags"));
    json_decref(twin);
}

static void tags_null_removes_all_tags(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    patch_twin(f, "d", "{'tags':{'a':1,'b':{'c':2}}}");
    json_t *twin = patch(f, "/twins/d", "{'tags':null}");
    assert_null(json_below(twin, "tags"));
    json_decref(twin);
}

static void replacement_empties_what_it_does_not_name(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    patch_twin(f, "d", "{'tags':{'a':1},'properties':{'desired':{'b':2}}}");
    report(f, "d", "{'r':1}");
    json_t *twin = rest(f, 200, "PUT", "/twins/d", "{'properties':{'desired':{'c':3}}}");
    assert_null(json_below(twin, "tags"));
    assert_section(json_below(twin, "properties.desired"), "{'c':3}");
    assert_section(json_below(twin, "properties.reported"), "{'r':1}");
    json_decref(twin);
    twin = rest(f, 200, "PUT", "/twins/d", "{'tags':{'x':1}}");
    assert_json(json_below(twin, "tags"), "{'x':1}");
    assert_section(json_below(twin, "properties.desired"), "{}");
    json_decref(twin);
}

/* ---- counters --------------------------------------------------------------------------- */

static void counters_follow_their_sections(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    assert_counters(f, "AAAAAAAAAAE=", 2, 1, 1);
    patch_twin(f, "d", "{'tags':{'a':1}}");
    assert_counters(f, "AAAAAAAAAAI=", 3, 1, 1);
    patch_twin(f, "d", "{'properties':{'desired':{'a':1}}}");
    assert_counters(f, "AAAAAAAAAAM=", 4, 2, 1);
    patch_twin(f, "d", "{'tags':{'a':1},'properties':{'desired':{'a':1}}}");
    assert_counters(f, "AAAAAAAAAAQ=", 5, 3, 1);
    report(f, "d", "{'a':1}");
    assert_counters(f, "AAAAAAAAAAQ=", 6, 3, 2);
    rest_done(f, 200, "PUT", "/twins/d", "{}");
    assert_counters(f, "AAAAAAAAAAU=", 7, 4, 2);
}

static void patch_that_touches_no_section_is_no_write(void **state)
{
    static const char *const bodies[] = {
        "{}",
        "{'properties':{}}",
        "{'properties':null}",
        "{'properties':{'reported':{'a':1}}}",
        "{'etag':'*','unknown':1}",
    };
    struct fixture *f = *state;
    make(f, "d");
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        patch_twin(f, "d", bodies[i]);
        assert_counters(f, "AAAAAAAAAAE=", 2, 1, 1);
    }
}

static void counters_outlive_the_process(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    patch_twin(f, "d", "{'tags':{'a':1},'properties':{'desired':{'a':1}}}");
    report(f, "d", "{'a':1}");
    fixture_turn(f);
    json_t *before = get_twin(f, "d");
    fixture_restart(f);
    json_t *after = get_twin(f, "d");
    assert_true(json_equal(before, after));
    json_decref(before);
    json_decref(after);
}

/* ---- metadata --------------------------------------------------------------------------- */

static void metadata_mirrors_the_desired_properties(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    fixture_pass(f, SECOND_MS);
    patch_twin(f, "d", "{'properties':{'desired':{'a':{'b':1,'c':[1,{'x':1}]},'d':2}}}");
    json_t *twin = get_twin(f, "d");
    assert_json(json_below(twin, "properties.desired.$metadata"),
                "{'$lastUpdated':'2026-03-02T12:00:01Z','$lastUpdatedVersion':2,"
                "'a':{'$lastUpdated':'2026-03-02T12:00:01Z','$lastUpdatedVersion':2,"
                "'b':{'$lastUpdated':'2026-03-02T12:00:01Z','$lastUpdatedVersion':2},"
                "'c':{'$lastUpdated':'2026-03-02T12:00:01Z','$lastUpdatedVersion':2}},"
                "'d':{'$lastUpdated':'2026-03-02T12:00:01Z','$lastUpdatedVersion':2}}");
    json_decref(twin);
}

static void only_what_is_touched_is_stamped_anew(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    patch_twin(f, "d", "{'properties':{'desired':{'a':{'b':1,'c':1},'d':2}}}");
    fixture_pass(f, SECOND_MS);
    patch_twin(f, "d", "{'properties':{'desired':{'a':{'b':null}}}}");
    json_t *twin = get_twin(f, "d");
    assert_json(json_below(twin, "properties.desired.$metadata"),
                "{'$lastUpdated':'2026-03-02T12:00:01Z','$lastUpdatedVersion':3,"
                "'a':{'$lastUpdated':'2026-03-02T12:00:01Z','$lastUpdatedVersion':3,"
                "'c':{'$lastUpdated':'2026-03-02T12:00:00Z','$lastUpdatedVersion':2}},"
                "'d':{'$lastUpdated':'2026-03-02T12:00:00Z','$lastUpdatedVersion':2}}");
    json_decref(twin);
}

static void value_in_anothers_place_has_metadata_of_its_own(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    patch_twin(f, "d", "{'properties':{'desired':{'a':{'b':{'c':1}},'x':1}}}");
    patch_twin(f, "d", "{'properties':{'desired':{'a':5,'x':{'y':1}}}}");
    json_t *twin = get_twin(f, "d");
    assert_null(json_below(twin, "properties.desired.$metadata.a.b"));
    assert_int_equal(number_below(twin, "properties.desired.$metadata.a.$lastUpdatedVersion"),
                     3);
    assert_int_equal(number_below(twin, "properties.desired.$metadata.x.y.$lastUpdatedVersion"),
                     3);
    json_decref(twin);
}

static void reported_metadata_has_no_versions_and_tags_have_none(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    patch_twin(f, "d", "{'tags':{'a':{'b':1}}}");
    report(f, "d", "{'a':{'b':1}}");
    json_t *twin = get_twin(f, "d");
    assert_json(
        json_below(twin, "properties.reported.$metadata"),
        "{'$lastUpdated':'2026-03-02T12:00:00Z','a':{'$lastUpdated':'2026-03-02T12:00:00Z',"
        "'b':{'$lastUpdated':'2026-03-02T12:00:00Z'}}}");
    assert_json(json_below(twin, "tags"), "{'a':{'b':1}}");
    json_decref(twin);
}

static void replacement_stamps_everything_it_names(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    patch_twin(f, "d", "{'properties':{'desired':{'a':1,'b':2}}}");
    rest_done(f, 200, "PUT", "/twins/d", "{'properties':{'desired':{'a':1}}}");
    json_t *twin = get_twin(f, "d");
    assert_json(json_below(twin, "properties.desired.$metadata"),
                "{'$lastUpdated':'2026-03-02T12:00:00Z','$lastUpdatedVersion':3,"
                "'a':{'$lastUpdated':'2026-03-02T12:00:00Z','$lastUpdatedVersion':3}}");
    json_decref(twin);
}

/* ---- conditions ------------------------------------------------------------------------- */

static void condition_of_a_twin_write(void **state)
{
    static const struct {
        const char *if_match;
        enum iothub_status status;
    } rows[] = {
        {NULL,                 IOTHUB_OK                 },
        {"*",                  IOTHUB_OK                 },
        {"\"*\"",              IOTHUB_OK                 },
        {"\"AAAAAAAAAAI=\"",   IOTHUB_OK                 },
        {"W/\"AAAAAAAAAAI=\"", IOTHUB_OK                 },
        {"\"AAAAAAAAAAE=\"",   IOTHUB_PRECONDITION_FAILED},
        {"\"abc\"",            IOTHUB_PRECONDITION_FAILED},
 /* As the hub does it, one without quotes is no condition. */
        {"AAAAAAAAAAE=",       IOTHUB_OK                 },
    };
    static const char *const methods[] = {"PATCH", "PUT"};
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows) * 2; i++) {
        char id[20];
        char path[40];
        (void)snprintf(id, sizeof(id), "d%zu", i);
        (void)snprintf(path, sizeof(path), "/twins/d%zu", i);
        make(f, id);
        patch_twin(f, id, "{'tags':{'a':1}}");
        struct reply reply = ask(f, &(struct ask){.method = methods[i % 2],
                                                  .path = path,
                                                  .if_match = rows[i / 2].if_match,
                                                  .body = "{\"tags\":{\"a\":2}}"});
        json_t *twin = get_twin(f, id);
        if (rows[i / 2].status == IOTHUB_OK) {
            assert_int_equal(reply.status, 200);
            assert_json(json_below(twin, "tags"), "{'a':2}");
            reply_end(&reply);
        } else {
            expect_error(reply, rows[i / 2].status);
            assert_json(json_below(twin, "tags"), "{'a':1}");
        }
        json_decref(twin);
    }
}

static void reports_and_identity_writes_leave_the_condition_good(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    json_t *twin = get_twin(f, "d");
    report(f, "d", "{'a':1}");
    json_decref(ask_json(
        f, 200,
        &(struct ask){.method = "PUT", .path = "/devices/d", .if_match = "*", .body = "{}"}));
    char if_match[60];
    (void)snprintf(if_match, sizeof(if_match), "\"%s\"", text_below(twin, "etag"));
    json_decref(ask_json(f, 200,
                         &(struct ask){.method = "PATCH",
                                       .path = "/twins/d",
                                       .if_match = if_match,
                                       .body = "{\"tags\":{\"a\":1}}"}));
    json_decref(twin);
}

static void mismatch_is_told_with_the_device(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "d/m");
    struct reply reply = ask(f, &(struct ask){.method = "PATCH",
                                              .path = "/twins/d/modules/m",
                                              .if_match = "\"abc\"",
                                              .body = "{\"tags\":{}}"});
    assert_string_equal(text_below(reply.json, "Message"),
                        "ErrorCode:PreconditionFailed;ETag mismatch for device ID 'd'");
    expect_error(reply, IOTHUB_PRECONDITION_FAILED);
}

/* ---- refusals --------------------------------------------------------------------------- */

static void one_bad_section_spoils_the_whole_write(void **state)
{
    static const char *const bodies[] = {
        "{'tags':{'a':2},'properties':{'desired':{'b.c':1}}}",
        "{'tags':{'b c':1},'properties':{'desired':{'a':2}}}",
        "{'tags':{'a':2},'properties':{'desired':5}}",
        "{'tags':[],'properties':{'desired':{'a':2}}}",
        "{'tags':{'a':2},'properties':[]}",
        "{'tags':{'a':2,'l':[1,null]}}",
        "{'properties':{'desired':{'a':2,'l':[{'x':null}]}}}",
    };
    static const char *const methods[] = {"PATCH", "PUT"};
    struct fixture *f = *state;
    make(f, "d");
    patch_twin(f, "d", "{'tags':{'a':1},'properties':{'desired':{'a':1}}}");
    json_t *before = get_twin(f, "d");
    for (size_t i = 0; i < ARRAY_LEN(bodies) * 2; i++) {
        rest_fails(f, IOTHUB_ARGUMENT_INVALID, methods[i % 2], "/twins/d", bodies[i / 2]);
    }
    json_t *after = get_twin(f, "d");
    assert_true(json_equal(before, after));
    json_decref(before);
    json_decref(after);
}

static void number_of_any_size_is_told_the_bounds(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct reply reply = ask(
        f,
        &(struct ask){.method = "PATCH",
                      .path = "/twins/d",
                      .body = "{\"properties\":{\"desired\":{\"n\":18446744073709551616}}}"});
    assert_non_null(strstr(reply.text, "has an out of bound value"));
    expect_error(reply, IOTHUB_ARGUMENT_INVALID);
    rest_fails(f, IOTHUB_ARGUMENT_INVALID, "PATCH", "/twins/d", "{'tags':{'n':-1e999}}");
    rest_fails(f, IOTHUB_FORMAT_ERROR, "PATCH", "/twins/d",
               "{'tags':{'n':018446744073709551616}}");
}

static void section_may_not_grow_beyond_its_size(void **state)
{
    struct fixture *f = *state;
    struct buf body = {.cap = BUF_CAP_OWN};
    make(f, "d");
    for (int i = 0; i < 3; i++) {
        buf_reset(&body);
        buf_putf(&body, "{'tags':{'t%d':'", i);
        memset(buf_extend(&body, 4000), 'x', 4000);
        buf_put_text(&body, "'}}");
        if (i < 2) {
            patch_twin(f, "d", buf_text(&body));
        } else {
            rest_fails(f, IOTHUB_ARGUMENT_INVALID, "PATCH", "/twins/d", buf_text(&body));
        }
    }
    assert_counters(f, "AAAAAAAAAAM=", 4, 1, 1);
    buf_finish(&body);
}

/* What a device announces may hold anything; the twin has to stay readable for everybody. */
static void nul_in_a_model_id_leaves_a_twin_that_can_be_read(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_connect(
        f, &(struct login){.id = "d",
                           .user_name = HOST "/d/?api-version=2021-04-12&model-id=a%00"});
    assert_heard(d, "CONNACK 0");
    json_t *twin = get_twin(f, "d");
    assert_string_equal(text_below(twin, "modelId"), "a\xef\xbf\xbd");
    json_decref(twin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(new_twin_is_answered_whole),
        HUB_TEST(module_twin_names_the_module_and_has_no_capabilities),
        HUB_TEST(missing_twin_is_not_found),
        HUB_TEST(reason_of_a_status_is_in_the_twin),
        HUB_TEST(answer_to_a_write_is_the_new_twin),
        HUB_TEST(module_twin_is_written_apart),
        HUB_TEST(members_that_are_the_hubs_are_passed_over),
        HUB_TEST(whole_twin_can_be_written_back),
        HUB_TEST(numbers_order_and_dates_come_back_as_they_were_sent),
        HUB_TEST(last_tag_takes_the_tags_with_it),
        HUB_TEST(tags_null_removes_all_tags),
        HUB_TEST(replacement_empties_what_it_does_not_name),
        HUB_TEST(counters_follow_their_sections),
        HUB_TEST(patch_that_touches_no_section_is_no_write),
        DISK_TEST(counters_outlive_the_process),
        HUB_TEST(metadata_mirrors_the_desired_properties),
        HUB_TEST(only_what_is_touched_is_stamped_anew),
        HUB_TEST(value_in_anothers_place_has_metadata_of_its_own),
        HUB_TEST(reported_metadata_has_no_versions_and_tags_have_none),
        HUB_TEST(replacement_stamps_everything_it_names),
        HUB_TEST(condition_of_a_twin_write),
        HUB_TEST(reports_and_identity_writes_leave_the_condition_good),
        HUB_TEST(mismatch_is_told_with_the_device),
        HUB_TEST(one_bad_section_spoils_the_whole_write),
        HUB_TEST(number_of_any_size_is_told_the_bounds),
        HUB_TEST(section_may_not_grow_beyond_its_size),
        HUB_TEST(nul_in_a_model_id_leaves_a_twin_that_can_be_read),
    };
    return cmocka_run_group_tests_name("hub.twins", tests, NULL, NULL);
}
