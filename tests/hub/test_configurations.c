/*
 * Configurations as documents: what is taken and answered, conditions, limits, trying queries.
 * Source: IoT Hub REST, "Configuration"; IoT Hub documentation, "Automatic device and module
 * management".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "hub/service.h"
#include "iothub/json.h"

#define CONTENT "'content':{'deviceContent':{'properties.desired.x':1}}"

static json_t *put(struct fixture *f, const char *path, const char *if_match, const char *body)
{
    json_t *value = json_from(body);
    char *text = json_text(value);
    json_t *answer = ask_json(
        f, 200,
        &(struct ask){.method = "PUT", .path = path, .body = text, .if_match = if_match});
    free(text);
    json_decref(value);
    return answer;
}

static void put_error(struct fixture *f, enum iothub_status status, const char *path,
                      const char *if_match, const char *body)
{
    json_t *value = json_from(body);
    char *text = json_text(value);
    ask_fails(f, status,
              &(struct ask){.method = "PUT", .path = path, .body = text, .if_match = if_match});
    free(text);
    json_decref(value);
}

/* A PUT that creates is refused. */
static void assert_refused(struct fixture *f, enum iothub_status status, const char *body)
{
    put_error(f, status, "/configurations/refused", NULL, body);
    rest_fails(f, IOTHUB_CONFIGURATION_NOT_FOUND, "GET", "/configurations/refused", NULL);
}

static void assert_member(const json_t *value, const char *path, const char *want)
{
    assert_json(json_below(value, path), want);
}

/* ---- creating --------------------------------------------------------------------------- */

static void created_configuration_has_the_hubs_members(void **state)
{
    struct fixture *f = *state;
    json_t *made = put(f, "/configurations/cfg1", NULL,
                       "{'id':'cfg1','labels':{'a':'b'}," CONTENT
                       ",'targetCondition':'tags.env=1','priority':10}");
    assert_json(made, "{'id':'cfg1','schemaVersion':null,'labels':{'a':'b'}," CONTENT
                      ",'targetCondition':'tags.env=1','createdTimeUtc':'2026-03-02T12:00:00Z',"
                      "'lastUpdatedTimeUtc':'2026-03-02T12:00:00Z','priority':10,"
                      "'systemMetrics':{'results':{},'queries':{"
                      "'targetedCount':'select deviceId from devices where tags.env=1',"
                      "'appliedCount':'select deviceId from devices where "
                      "configurations.[[cfg1]].status = \\u0027Applied\\u0027'}},"
                      "'metrics':{'results':{},'queries':{}},'etag':'MQ=='}");
    json_decref(made);
}

static void least_configuration_gets_defaults(void **state)
{
    struct fixture *f = *state;
    json_t *made = put(f, "/configurations/c", NULL, "{" CONTENT "}");
    assert_member(made, "priority", "0");
    assert_string_equal(text_below(made, "targetCondition"), "");
    assert_true(json_is_null(json_below(made, "labels")));
    assert_true(json_is_null(json_below(made, "schemaVersion")));
    assert_string_equal(text_below(made, "systemMetrics.queries.targetedCount"), "");
    assert_member(made, "metrics", "{'results':{},'queries':{}}");
    json_decref(made);
}

static void etag_is_a_header_too(void **state)
{
    struct fixture *f = *state;
    struct reply reply =
        ask(f, &(struct ask){
                   .method = "PUT",
                   .path = "/configurations/c",
                   .body = "{\"content\":{\"deviceContent\":{\"properties.desired.x\":1}}}"});
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply_header(&reply, "ETag"), "\"MQ==\"");
    reply_end(&reply);
    reply = ask(f, &(struct ask){.method = "GET", .path = "/configurations/c"});
    assert_string_equal(reply_header(&reply, "ETag"), "\"MQ==\"");
    reply_end(&reply);
}

static void content_comes_back_as_it_was_sent(void **state)
{
    struct fixture *f = *state;
    static const char body[] =
        "{\"schemaVersion\":\"1.0\",\"labels\":{\"z\":\"1\", \"a\":\"2\"},"
        "\"content\":{\"moduleContent\":null,\"$schema\":\"http://x\",\"deviceContent\":"
        "{\"properties.desired.z\":{\"b\":1.0, \"a\":1},\"properties.desired.a\":"
        "\"2023-01-31T10:37:08.4599400\"}},"
        "\"metrics\":{\"queries\":{\"m\": \"select *\"}}}";
    struct reply reply =
        ask(f, &(struct ask){.method = "PUT", .path = "/configurations/c", .body = body});
    assert_int_equal(reply.status, 200);
    reply_end(&reply);
    reply = ask(f, &(struct ask){.method = "GET", .path = "/configurations/c"});
    assert_non_null(strstr(
        reply.text, "\"content\":{\"deviceContent\":{\"properties.desired.z\":{\"b\":1.0, "
                    "\"a\":1},\"properties.desired.a\":\"2023-01-31T10:37:08.4599400\"}},"));
    assert_non_null(strstr(reply.text, "\"labels\":{\"z\":\"1\", \"a\":\"2\"}"));
    assert_non_null(strstr(reply.text, "\"schemaVersion\":\"1.0\""));
    assert_non_null(strstr(reply.text, "\"queries\":{\"m\": \"select *\"}"));
    reply_end(&reply);
}

static void members_are_read_without_regard_to_case(void **state)
{
    struct fixture *f = *state;
    json_t *made = put(f, "/configurations/c", NULL,
                       "{'Content':{'DeviceContent':{'properties.desired.x':1}},'Priority':3,"
                       "'TargetCondition':'*','Metrics':{'Queries':{'m':'SELECT *'}}}");
    assert_member(made, "content", "{'deviceContent':{'properties.desired.x':1}}");
    assert_member(made, "priority", "3");
    assert_string_equal(text_below(made, "targetCondition"), "*");
    assert_member(made, "metrics.queries", "{'m':'SELECT *'}");
    json_decref(made);
}

static void id_has_small_letters_digits_and_a_few_signs(void **state)
{
    struct fixture *f = *state;
    char path[200];
    json_decref(put(f, "/configurations/a0-+%25_*!'", NULL, "{" CONTENT "}"));
    json_decref(rest(f, 200, "GET", "/configurations/a0-+%25_*!'", NULL));
    put_error(f, IOTHUB_ARGUMENT_INVALID, "/configurations/Upper", NULL, "{" CONTENT "}");
    put_error(f, IOTHUB_ARGUMENT_INVALID, "/configurations/a.b", NULL, "{" CONTENT "}");
    (void)snprintf(path, sizeof(path), "/configurations/%0128d", 0);
    json_decref(put(f, path, NULL, "{" CONTENT "}"));
    (void)snprintf(path, sizeof(path), "/configurations/%0129d", 0);
    put_error(f, IOTHUB_ARGUMENT_INVALID, path, NULL, "{" CONTENT "}");
}

static void id_in_the_body_is_that_of_the_address(void **state)
{
    struct fixture *f = *state;
    assert_refused(f, IOTHUB_ARGUMENT_INVALID, "{'id':'other'," CONTENT "}");
}

static void body_has_to_be_an_object(void **state)
{
    assert_refused(*state, IOTHUB_FORMAT_ERROR, "[1]");
}

static void wrong_types_are_refused(void **state)
{
    struct fixture *f = *state;
    assert_refused(f, IOTHUB_ARGUMENT_INVALID, "{" CONTENT ",'priority':-1}");
    assert_refused(f, IOTHUB_ARGUMENT_INVALID, "{" CONTENT ",'priority':1.5}");
    assert_refused(f, IOTHUB_ARGUMENT_INVALID, "{" CONTENT ",'priority':'1'}");
    assert_refused(f, IOTHUB_ARGUMENT_INVALID, "{" CONTENT ",'labels':'a'}");
    assert_refused(f, IOTHUB_ARGUMENT_INVALID, "{" CONTENT ",'schemaVersion':1}");
    assert_refused(f, IOTHUB_ARGUMENT_INVALID, "{" CONTENT ",'targetCondition':1}");
}

/* ---- content ---------------------------------------------------------------------------- */

static void content_is_exactly_one_of_three(void **state)
{
    struct fixture *f = *state;
    static const char *const bodies[] = {
        "{}",
        "{'content':null}",
        "{'content':1}",
        "{'content':{}}",
        "{'content':{'deviceContent':null}}",
        "{'content':{'deviceContent':{},'moduleContent':{}}}",
        "{'content':{'deviceContent':{},'modulesContent':{'$edgeAgent':{}}}}",
    };
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        assert_refused(f, IOTHUB_INVALID_CONFIGURATION_CONTENT, bodies[i]);
    }
}

static void keys_of_content_are_paths_below_desired(void **state)
{
    struct fixture *f = *state;
    static const char *const keys[] = {
        "desired.x",
        "properties.reported.x",
        "properties.desiredx",
        "properties.desired.",
        "properties.desired..x",
        "properties.desired.x.",
        "Properties.desired.x",
        "tags.x",
        "properties.desired.a b",
        "properties.desired.$x",
        "properties.desired.a.b.c.d.e.f.g.h.i.j.k.l",
    };
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        char body[200];
        (void)snprintf(body, sizeof(body), "{'content':{'deviceContent':{'%s':1}}}", keys[i]);
        assert_refused(f, IOTHUB_INVALID_CONFIGURATION_CONTENT, body);
    }
}

static void values_of_content_are_what_twins_take(void **state)
{
    struct fixture *f = *state;
    static const char *const values[] = {
        "{'a b':1}",
        "[null]",
        "4503599627370496",
        "{'a':{'$x':1}}",
    };
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        char body[200];
        (void)snprintf(body, sizeof(body),
                       "{'content':{'deviceContent':{'properties.desired.x':%s}}}", values[i]);
        assert_refused(f, IOTHUB_INVALID_CONFIGURATION_CONTENT, body);
    }
    assert_refused(f, IOTHUB_INVALID_CONFIGURATION_CONTENT,
                   "{'content':{'deviceContent':{'properties.desired':1}}}");
    assert_refused(f, IOTHUB_INVALID_CONFIGURATION_CONTENT,
                   "{'content':{'deviceContent':{'properties.desired':null}}}");
}

static void content_is_no_larger_than_a_twin(void **state)
{
    struct fixture *f = *state;
    struct buf body = {.cap = BUF_CAP_OWN};
    buf_put_text(&body, "{'content':{'deviceContent':{'properties.desired':{");
    for (int i = 0; i < 9; i++) {
        buf_putf(&body, "%s'k%d':'%04000d'", i == 0 ? "" : ",", i, 0);
    }
    buf_put_text(&body, "}}}}");
    assert_refused(f, IOTHUB_INVALID_CONFIGURATION_CONTENT, buf_text(&body));
    buf_finish(&body);
}

static void modules_content_needs_the_agent(void **state)
{
    struct fixture *f = *state;
    assert_refused(f, IOTHUB_INVALID_CONFIGURATION_CONTENT,
                   "{'content':{'modulesContent':{'m':{'properties.desired.x':1}}}}");
    assert_refused(f, IOTHUB_INVALID_CONFIGURATION_CONTENT,
                   "{'content':{'modulesContent':{'$edgeAgent':1}}}");
    assert_refused(f, IOTHUB_INVALID_CONFIGURATION_CONTENT,
                   "{'content':{'modulesContent':{'$edgeAgent':{},'a b':{}}}}");
    json_decref(put(f, "/configurations/layer", NULL,
                    "{'content':{'modulesContent':{'$edgeAgent':{}}}}"));
}

static void deployment_has_at_most_50_modules(void **state)
{
    struct fixture *f = *state;
    struct buf body = {.cap = BUF_CAP_OWN};
    buf_put_text(&body, "{'content':{'modulesContent':{'$edgeAgent':{}");
    for (int i = 0; i < 49; i++) {
        buf_putf(&body, ",'m%d':{}", i);
    }
    size_t len = body.len;
    buf_put_text(&body, ",'more':{}}}}");
    assert_refused(f, IOTHUB_INVALID_CONFIGURATION_CONTENT, buf_text(&body));
    buf_cut(&body, len);
    buf_put_text(&body, "}}}");
    json_decref(put(f, "/configurations/c", NULL, buf_text(&body)));
    buf_finish(&body);
}

/* ---- conditions and metrics ------------------------------------------------------------- */

static void conditions_that_are_no_queries_are_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const conditions[] = {
        "tags.a =",
        "nonsense(",
        "SELECT * FROM devices",
        "FROM devices.jobs",
        "FROM devices.modules WHERE moduleId=1",
    };
    for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
        char body[300];
        (void)snprintf(body, sizeof(body), "{" CONTENT ",'targetCondition':'%s'}",
                       conditions[i]);
        assert_refused(f, IOTHUB_INVALID_CONFIGURATION_TARGET_CONDITION, body);
    }
}

static void conditions_for_modules_name_their_collection(void **state)
{
    struct fixture *f = *state;
    static const char *const conditions[] = {"*", "tags.a=1", "FROM devices WHERE tags.a=1"};
    for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
        char body[300];
        (void)snprintf(body, sizeof(body),
                       "{'content':{'moduleContent':{'properties.desired.x':1}},"
                       "'targetCondition':'%s'}",
                       conditions[i]);
        assert_refused(f, IOTHUB_INVALID_CONFIGURATION_TARGET_CONDITION, body);
    }
    json_decref(put(f, "/configurations/empty", NULL,
                    "{'content':{'moduleContent':{'properties.desired.x':1}},"
                    "'targetCondition':''}"));
    json_t *made = put(f, "/configurations/m", NULL,
                       "{'content':{'moduleContent':{'properties.desired.x':1}},"
                       "'targetCondition':'from devices.modules where tags.a=1'}");
    assert_string_equal(text_below(made, "systemMetrics.queries.targetedCount"),
                        "select deviceId, moduleId from devices.modules where tags.a=1");
    assert_string_equal(text_below(made, "systemMetrics.queries.appliedCount"),
                        "select deviceId, moduleId from devices.modules where "
                        "configurations.[[m]].status = 'Applied'");
    json_decref(made);
}

static void star_selects_without_a_condition(void **state)
{
    struct fixture *f = *state;
    json_t *made = put(f, "/configurations/c", NULL, "{" CONTENT ",'targetCondition':'*'}");
    assert_string_equal(text_below(made, "systemMetrics.queries.targetedCount"),
                        "select deviceId from devices");
    json_decref(made);
}

static void metrics_of_deployments_look_at_the_agent(void **state)
{
    struct fixture *f = *state;
    json_t *all = put(f, "/configurations/all", NULL,
                      "{'content':{'modulesContent':{'$edgeAgent':{}}},'targetCondition':'*'}");
    json_t *some = put(f, "/configurations/some", NULL,
                       "{'content':{'modulesContent':{'$edgeAgent':{}}},"
                       "'targetCondition':'tags.a=1'}");
    assert_string_equal(text_below(all, "systemMetrics.queries.targetedCount"),
                        "select deviceId from devices where capabilities.iotEdge = true");
    assert_string_equal(
        text_below(some, "systemMetrics.queries.targetedCount"),
        "select deviceId from devices where capabilities.iotEdge = true and tags.a=1");
    assert_string_equal(
        text_below(some, "systemMetrics.queries.appliedCount"),
        "select deviceId from devices.modules where moduleId = '$edgeAgent' and "
        "configurations.[[some]].status = 'Applied'");
    assert_string_equal(
        text_below(some, "systemMetrics.queries.reportedSuccessfulCount"),
        "select deviceId from devices.modules where moduleId = '$edgeAgent' and "
        "configurations.[[some]].status = 'Applied' and "
        "properties.desired.$version = properties.reported.lastDesiredVersion "
        "and properties.reported.lastDesiredStatus.code = 200");
    assert_string_equal(
        text_below(some, "systemMetrics.queries.reportedFailedCount"),
        "select deviceId from devices.modules where moduleId = '$edgeAgent' and "
        "configurations.[[some]].status = 'Applied' and "
        "properties.desired.$version = properties.reported.lastDesiredVersion "
        "and properties.reported.lastDesiredStatus.code != 200");
    json_decref(all);
    json_decref(some);
}

static void custom_metrics_are_at_most_five(void **state)
{
    struct fixture *f = *state;
    json_decref(put(f, "/configurations/c", NULL,
                    "{" CONTENT ",'metrics':{'queries':{'a':'x','b':'x','c':'x','d':'x',"
                    "'e':'x'}}}"));
    assert_refused(f, IOTHUB_INVALID_CONFIGURATION_CUSTOM_METRICS_QUERY,
                   "{" CONTENT ",'metrics':{'queries':{'a':'x','b':'x','c':'x','d':'x','e':'x',"
                   "'f':'x'}}}");
    assert_refused(f, IOTHUB_INVALID_CONFIGURATION_CUSTOM_METRICS_QUERY,
                   "{" CONTENT ",'metrics':{'queries':{'a':1}}}");
    assert_refused(f, IOTHUB_INVALID_CONFIGURATION_CUSTOM_METRICS_QUERY,
                   "{" CONTENT ",'metrics':{'queries':[]}}");
}

/* ---- changing --------------------------------------------------------------------------- */

static void existing_configuration_is_not_created_again(void **state)
{
    struct fixture *f = *state;
    json_decref(put(f, "/configurations/c", NULL, "{" CONTENT "}"));
    put_error(f, IOTHUB_CONFIGURATION_ALREADY_EXISTS, "/configurations/c", NULL,
              "{" CONTENT ",'etag':'MQ=='}");
    put_error(f, IOTHUB_CONFIGURATION_ALREADY_EXISTS, "/configurations/c", "\"\"",
              "{" CONTENT "}");
}

static void update_wants_the_etag_or_a_star(void **state)
{
    struct fixture *f = *state;
    static const char *const good[] = {"\"MQ==\"", "Mg==", "*", "\"*\""};
    static const char *const etags[] = {"Mg==", "Mw==", "NA==", "NQ=="};
    json_decref(put(f, "/configurations/c", NULL, "{" CONTENT "}"));
    put_error(f, IOTHUB_PRECONDITION_FAILED, "/configurations/c", "\"Mg==\"", "{" CONTENT "}");
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        json_t *answer = put(f, "/configurations/c", good[i], "{" CONTENT "}");
        assert_string_equal(text_below(answer, "etag"), etags[i]);
        json_decref(answer);
    }
    put_error(f, IOTHUB_CONFIGURATION_NOT_FOUND, "/configurations/none", "*", "{" CONTENT "}");
    put_error(f, IOTHUB_CONFIGURATION_NOT_FOUND, "/configurations/none", "\"MQ==\"",
              "{" CONTENT "}");
}

static void update_changes_everything_but_content(void **state)
{
    struct fixture *f = *state;
    json_decref(put(f, "/configurations/c", NULL,
                    "{" CONTENT ",'labels':{'a':'b'},'priority':5,'schemaVersion':'1.0'}"));
    fixture_pass(f, MINUTE_MS);
    json_t *changed = put(f, "/configurations/c", "*",
                          "{'content':{'deviceContent':{'properties.desired.other':2}},"
                          "'priority':6,'targetCondition':'tags.a=1','schemaVersion':'2.0',"
                          "'metrics':{'queries':{'m':'select *'}}}");
    assert_member(changed, "content", "{'deviceContent':{'properties.desired.x':1}}");
    assert_member(changed, "priority", "6");
    assert_true(json_is_null(json_below(changed, "labels")));
    assert_string_equal(text_below(changed, "schemaVersion"), "2.0");
    assert_string_equal(text_below(changed, "targetCondition"), "tags.a=1");
    assert_string_equal(text_below(changed, "createdTimeUtc"), "2026-03-02T12:00:00Z");
    assert_string_equal(text_below(changed, "lastUpdatedTimeUtc"), "2026-03-02T12:01:00Z");
    assert_member(changed, "metrics.queries", "{'m':'select *'}");
    json_t *again = rest(f, 200, "GET", "/configurations/c", NULL);
    json_object_del(again, "systemMetrics");
    json_object_del(changed, "systemMetrics");
    assert_true(json_equal(again, changed));
    json_decref(again);
    json_decref(changed);
}

static void update_that_is_wrong_changes_nothing(void **state)
{
    struct fixture *f = *state;
    json_decref(
        put(f, "/configurations/c", NULL, "{" CONTENT ",'targetCondition':'tags.a=1'}"));
    put_error(f, IOTHUB_INVALID_CONFIGURATION_CONTENT, "/configurations/c", "*",
              "{'priority':7}");
    put_error(f, IOTHUB_INVALID_CONFIGURATION_TARGET_CONDITION, "/configurations/c", "*",
              "{" CONTENT ",'priority':7,'targetCondition':'tags.a='}");
    json_t *now = rest(f, 200, "GET", "/configurations/c", NULL);
    assert_member(now, "priority", "0");
    assert_string_equal(text_below(now, "etag"), "MQ==");
    assert_string_equal(text_below(now, "targetCondition"), "tags.a=1");
    json_decref(now);
}

/* ---- reading, removing, listing --------------------------------------------------------- */

static void missing_configuration_is_not_found(void **state)
{
    struct fixture *f = *state;
    rest_fails(f, IOTHUB_CONFIGURATION_NOT_FOUND, "GET", "/configurations/none", NULL);
    rest_fails(f, IOTHUB_CONFIGURATION_NOT_FOUND, "DELETE", "/configurations/none", NULL);
}

static void removal_honours_an_etag(void **state)
{
    struct fixture *f = *state;
    json_decref(put(f, "/configurations/c", NULL, "{" CONTENT "}"));
    ask_fails(
        f, IOTHUB_PRECONDITION_FAILED,
        &(struct ask){.method = "DELETE", .path = "/configurations/c", .if_match = "\"Mg==\""});
    struct reply reply = ask(
        f, &(struct ask){.method = "DELETE", .path = "/configurations/c", .if_match = "MQ=="});
    assert_int_equal(reply.status, 204);
    assert_string_equal(reply.text, "");
    reply_end(&reply);
    rest_fails(f, IOTHUB_CONFIGURATION_NOT_FOUND, "GET", "/configurations/c", NULL);
    json_decref(put(f, "/configurations/c", NULL, "{" CONTENT "}"));
    rest_done(f, 204, "DELETE", "/configurations/c", NULL);
}

static void assert_ids(struct fixture *f, const char *query, const char *want)
{
    json_t *list = ask_json(
        f, 200, &(struct ask){.method = "GET", .path = "/configurations/", .query = query});
    json_t *ids = json_array();
    size_t i = 0;
    json_t *item = NULL;
    json_array_foreach(list, i, item)
    {
        json_array_append(ids, json_object_get(item, "id"));
    }
    assert_json(ids, want);
    json_decref(ids);
    json_decref(list);
}

static void list_is_in_order_of_creation(void **state)
{
    struct fixture *f = *state;
    assert_ids(f, NULL, "[]");
    json_decref(put(f, "/configurations/b", NULL, "{" CONTENT ",'priority':1}"));
    json_decref(put(f, "/configurations/a", NULL, "{" CONTENT ",'priority':9}"));
    json_decref(put(f, "/configurations/c", NULL, "{" CONTENT "}"));
    assert_ids(f, NULL, "['b','a','c']");
    assert_ids(f, "&top=2", "['b','a']");
    assert_ids(f, "&top=500", "['b','a','c']");
    ask_fails(f, IOTHUB_ARGUMENT_INVALID,
              &(struct ask){.method = "GET", .path = "/configurations", .query = "&top=0"});
    ask_fails(f, IOTHUB_ARGUMENT_INVALID,
              &(struct ask){.method = "GET", .path = "/configurations", .query = "&top=many"});
}

static void hub_has_at_most_100_configurations(void **state)
{
    struct fixture *f = *state;
    char path[60];
    for (int i = 0; i < 100; i++) {
        (void)snprintf(path, sizeof(path), "/configurations/c%d", i);
        json_decref(put(f, path, NULL, "{" CONTENT "}"));
    }
    assert_refused(f, IOTHUB_CONFIGURATION_COUNT_LIMIT_EXCEEDED, "{" CONTENT "}");
    json_decref(put(f, "/configurations/c7", "*", "{" CONTENT ",'priority':1}"));
    rest_done(f, 204, "DELETE", "/configurations/c7", NULL);
    json_decref(put(f, "/configurations/more", NULL, "{" CONTENT "}"));
}

static void both_kinds_of_policies_may_manage(void **state)
{
    struct fixture *f = *state;
    const char *const tokens[] = {
        token_for(f, HOST, KEY_SERVICE, "service", 3600),
        token_for(f, HOST, KEY_READ_WRITE, "registryReadWrite", 3600)};
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
        json_decref(ask_json(
            f, 200,
            &(struct ask){.method = "GET", .path = "/configurations", .token = tokens[i]}));
    }
    ask_fails(f, IOTHUB_UNAUTHORIZED_ACCESS,
              &(struct ask){.method = "GET",
                            .path = "/configurations",
                            .token = token_for(f, HOST, KEY_READ, "registryRead", 3600)});
}

static void all_of_it_outlives_the_process(void **state)
{
    struct fixture *f = *state;
    json_decref(put(f, "/configurations/c", NULL,
                    "{" CONTENT ",'labels':{'a':'b'},'priority':5,'targetCondition':'*',"
                    "'metrics':{'queries':{'m':'select deviceId from devices'}}}"));
    fixture_pass(f, SECOND_MS);
    json_t *before = rest(f, 200, "GET", "/configurations/c", NULL);
    fixture_restart(f);
    json_t *after = rest(f, 200, "GET", "/configurations/c", NULL);
    assert_true(json_equal(before, after));
    assert_member(after, "systemMetrics.results", "{'targetedCount':0,'appliedCount':0}");
    json_decref(before);
    json_decref(after);
}

/* ---- trying queries --------------------------------------------------------------------- */

static json_t *try(struct fixture *f, const char *body)
{
    return rest(f, 200, "POST", "/configurations/testQueries", body);
}

static void good_queries_have_no_errors(void **state)
{
    struct fixture *f = *state;
    static const char *const bodies[] = {
        "{}",
        "{'targetCondition':'','customMetricQueries':null}",
        "{'targetCondition':'tags.a=1','customMetricQueries':{'m':'select * from devices'}}",
        "{'targetCondition':'from devices.modules where tags.a=1','customMetricQueries':{}}",
    };
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        json_t *answer = try(f, bodies[i]);
        assert_json(answer, "{'targetConditionError':null,'customMetricQueryErrors':{}}");
        json_decref(answer);
    }
}

static void bad_queries_are_named_with_their_error(void **state)
{
    struct fixture *f = *state;
    json_t *answer = try(f, "{'targetCondition':'tags.a = = 1','customMetricQueries':{"
                            "'good':'select * from devices','bad':'select *'}}");
    const char *error = text_below(answer, "targetConditionError");
    assert_non_null(strstr(error, "Line 1:38"));
    assert_int_equal(json_object_size(json_below(answer, "customMetricQueryErrors")), 1);
    assert_non_null(strstr(text_below(answer, "customMetricQueryErrors.bad"), "Line 1:"));
    json_decref(answer);
}

static void star_is_no_query(void **state)
{
    struct fixture *f = *state;
    json_t *answer = try(f, "{'targetCondition':'*'}");
    assert_non_null(strstr(text_below(answer, "targetConditionError"), "Line 1:29"));
    json_decref(answer);
}

static void tried_queries_have_to_be_texts(void **state)
{
    struct fixture *f = *state;
    rest_fails(f, IOTHUB_ARGUMENT_INVALID, "POST", "/configurations/testQueries",
               "{'targetCondition':1}");
    rest_fails(f, IOTHUB_ARGUMENT_INVALID, "POST", "/configurations/testQueries",
               "{'customMetricQueries':[]}");
    rest_fails(f, IOTHUB_FORMAT_ERROR, "POST", "/configurations/testQueries", "[]");
    json_t *answer = try(f, "{'customMetricQueries':{'m':1}}");
    assert_non_null(text_below(answer, "customMetricQueryErrors.m"));
    json_decref(answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(created_configuration_has_the_hubs_members),
        HUB_TEST(least_configuration_gets_defaults),
        HUB_TEST(etag_is_a_header_too),
        HUB_TEST(content_comes_back_as_it_was_sent),
        HUB_TEST(members_are_read_without_regard_to_case),
        HUB_TEST(id_has_small_letters_digits_and_a_few_signs),
        HUB_TEST(id_in_the_body_is_that_of_the_address),
        HUB_TEST(body_has_to_be_an_object),
        HUB_TEST(wrong_types_are_refused),
        HUB_TEST(content_is_exactly_one_of_three),
        HUB_TEST(keys_of_content_are_paths_below_desired),
        HUB_TEST(values_of_content_are_what_twins_take),
        HUB_TEST(content_is_no_larger_than_a_twin),
        HUB_TEST(modules_content_needs_the_agent),
        HUB_TEST(deployment_has_at_most_50_modules),
        HUB_TEST(conditions_that_are_no_queries_are_refused),
        HUB_TEST(conditions_for_modules_name_their_collection),
        HUB_TEST(star_selects_without_a_condition),
        HUB_TEST(metrics_of_deployments_look_at_the_agent),
        HUB_TEST(custom_metrics_are_at_most_five),
        HUB_TEST(existing_configuration_is_not_created_again),
        HUB_TEST(update_wants_the_etag_or_a_star),
        HUB_TEST(update_changes_everything_but_content),
        HUB_TEST(update_that_is_wrong_changes_nothing),
        HUB_TEST(missing_configuration_is_not_found),
        HUB_TEST(removal_honours_an_etag),
        HUB_TEST(list_is_in_order_of_creation),
        HUB_TEST(hub_has_at_most_100_configurations),
        HUB_TEST(both_kinds_of_policies_may_manage),
        DISK_TEST(all_of_it_outlives_the_process),
        HUB_TEST(good_queries_have_no_errors),
        HUB_TEST(bad_queries_are_named_with_their_error),
        HUB_TEST(star_is_no_query),
        HUB_TEST(tried_queries_have_to_be_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
