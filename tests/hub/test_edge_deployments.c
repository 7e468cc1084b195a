/*
 * Edge deployments and content for one device by hand.
 * Source: IoT Edge documentation, "Understand IoT Edge automatic deployments"; IoT Hub REST,
 * "Configuration - Apply On Edge Device"; the Azure CLI's integration tests.
 */
#include <stdio.h>
#include <string.h>

#include "hub/configurations.h"
#include "hub/device.h"

#define APPLY "/devices/edge/applyConfigurationContent"

/* A manifest with one module and a setting of it. */
#define MANIFEST(module, setting) \
    "'modulesContent':{'$edgeAgent':{'properties.desired':{'schemaVersion':'1.1'," \
    "'modules':{'" module "':{'type':'docker'}}}}," \
    "'$edgeHub':{'properties.desired':{'routes':{}}}," \
    "'" module "':{'properties.desired':{'setting':" setting "}}}"

#define AGENT_OF(module) "{'schemaVersion':'1.1','modules':{'" module "':{'type':'docker'}}}"

/* On top of one that lists modules. */
#define LAYER(module) \
    "{'modulesContent':{'$edgeAgent':{'properties.desired.modules." module \
    "':{'type':'docker'}},'$edgeHub':{'properties.desired.routes.r':'FROM /* INTO " \
    "x'},'" module "':{'properties.desired.layered':1}}}"

static void make_edge(struct fixture *f, const char *id)
{
    char path[200];
    (void)snprintf(path, sizeof(path), "/devices/%s", id);
    rest_done(f, 200, "PUT", path, "{'capabilities':{'iotEdge':true}}");
}

static void assert_modules(struct fixture *f, const char *want)
{
    json_t *list = rest(f, 200, "GET", "/devices/edge/modules", NULL);
    json_t *ids = json_object();
    size_t i = 0;
    json_t *item = NULL;
    json_array_foreach(list, i, item)
    {
        json_object_set(ids, text_below(item, "moduleId"), json_object_get(item, "managedBy"));
    }
    assert_json(ids, want);
    json_decref(ids);
    json_decref(list);
}

#define SYSTEM "'$edgeAgent':'iotEdge','$edgeHub':'iotEdge'"

/* ---- by hand
 * ----------------------------------------------------------------------------------- */

static void manifest_makes_modules_and_their_twins(void **state)
{
    struct fixture *f = *state;
    make_edge(f, "edge");
    struct reply reply = ask(
        f, &(struct ask){.method = "POST",
                         .path = APPLY,
                         .body = "{\"modulesContent\":{\"$edgeAgent\":{\"properties.desired\":"
                                 "{\"modules\":{\"m\":{}}}}}}"});
    assert_int_equal(reply.status, 204);
    assert_string_equal(reply.text, "");
    reply_end(&reply);
    rest_done(f, 204, "POST", APPLY, "{" MANIFEST("m", "1") "}");
    assert_modules(f, "{" SYSTEM ",'m':'iotEdge'}");
    assert_desired(f, "edge/$edgeAgent", AGENT_OF("m"));
    assert_desired(f, "edge/$edgeHub", "{'routes':{}}");
    assert_desired(f, "edge/m", "{'setting':1}");
    json_t *twin = get_twin(f, "edge/m");
    assert_string_equal(text_below(twin, "authenticationType"), "none");
    json_decref(twin);
}

static void next_manifest_replaces_the_last(void **state)
{
    struct fixture *f = *state;
    make_edge(f, "edge");
    make(f, "edge/own");
    rest_done(f, 204, "POST", APPLY, "{" MANIFEST("m", "{'a':1,'b':2}") "}");
    patch_twin(f, "edge/m", "{'tags':{'t':1},'properties':{'desired':{'by':'hand'}}}");
    rest_done(f, 204, "POST", APPLY, "{" MANIFEST("m", "{'a':3}") "}");
    assert_desired(f, "edge/m", "{'setting':{'a':3}}");
    rest_done(f, 204, "POST", APPLY, "{" MANIFEST("other", "1") "}");
    assert_modules(f, "{" SYSTEM ",'other':'iotEdge','own':null}");
    assert_desired(f, "edge/$edgeAgent", AGENT_OF("other"));
}

static void connected_module_hears_of_its_content(void **state)
{
    struct fixture *f = *state;
    make_edge(f, "edge");
    make(f, "edge/m");
    struct device *d = device_online(f, "edge/m");
    device_subscribe(d, DESIRED);
    rest_done(f, 204, "POST", APPLY, "{" MANIFEST("m", "1") "}");
    expect_publish(d, "$iothub/twin/PATCH/properties/desired/?$version=2",
                   "{\"setting\":1,\"$version\":2}");
    assert_heard(d, "");
}

static void parts_of_a_manifest_add_to_it(void **state)
{
    struct fixture *f = *state;
    make_edge(f, "edge");
    rest_done(f, 204, "POST", APPLY, "{" MANIFEST("m", "1") "}");
    rest_done(f, 204, "POST", APPLY, LAYER("extra"));
    assert_modules(f, "{" SYSTEM ",'m':'iotEdge','extra':'iotEdge'}");
    assert_desired(f, "edge/$edgeAgent",
                   "{'schemaVersion':'1.1','modules':{'m':{'type':'docker'},"
                   "'extra':{'type':'docker'}}}");
    assert_desired(f, "edge/extra", "{'layered':1}");
}

static void device_content_goes_to_any_device_once(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "d/m");
    patch_twin(f, "d", "{'properties':{'desired':{'own':1}}}");
    rest_done(f, 204, "POST", "/devices/d/applyConfigurationContent",
              "{'deviceContent':{'properties.desired.x':1}}");
    rest_done(f, 204, "POST", "/devices/d/applyConfigurationContent",
              "{'moduleContent':{'properties.desired.y':2}}");
    assert_desired(f, "d", "{'own':1,'x':1}");
    assert_desired(f, "d/m", "{'y':2}");
    assert_statuses(f, "d", "{}");
}

static void wrong_content_by_hand_is_refused(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make_edge(f, "edge");
    rest_fails(f, IOTHUB_DEVICE_NOT_FOUND, "POST", "/devices/none/applyConfigurationContent",
               "{" MANIFEST("m", "1") "}");
    rest_fails(f, IOTHUB_ARGUMENT_INVALID, "POST", "/devices/d/applyConfigurationContent",
               "{" MANIFEST("m", "1") "}");
    rest_fails(f, IOTHUB_INVALID_CONFIGURATION_CONTENT, "POST", APPLY, "{}");
    rest_fails(f, IOTHUB_INVALID_CONFIGURATION_CONTENT, "POST", APPLY, "[]");
    rest_fails(f, IOTHUB_INVALID_CONFIGURATION_CONTENT, "POST", APPLY,
               "{'modulesContent':{'$edgeAgent':{'tags.x':1}}}");
    rest_fails(f, IOTHUB_ARGUMENT_INVALID, "POST", APPLY,
               "{'modulesContent':{'$edgeAgent':{},'$m':{}}}");
    rest_fails(
        f, IOTHUB_ARGUMENT_INVALID, "POST", APPLY,
        "{'modulesContent':{'$edgeAgent':{'properties.desired':{'modules':{'a/b':{}}}}}}");
    assert_modules(f, "{" SYSTEM "}");
    assert_desired(f, "edge/$edgeAgent", "{}");
}

static void manifest_with_too_many_modules_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct buf body = {.cap = BUF_CAP_OWN};
    make_edge(f, "edge");
    rest_done(f, 204, "POST", APPLY, "{" MANIFEST("m", "1") "}");
    buf_put_text(&body, "{'modulesContent':{'$edgeAgent':{'properties.desired':{'modules':{");
    for (int i = 0; i < 48; i++) {
        buf_putf(&body, "%s'm%d':{}", i == 0 ? "" : ",", i);
    }
    size_t len = body.len;
    buf_put_text(&body, ",'more':{}}}}}}");
    rest_fails(f, IOTHUB_TOO_MANY_MODULES_ON_DEVICE, "POST", APPLY, buf_text(&body));
    assert_modules(f, "{" SYSTEM ",'m':'iotEdge'}");
    buf_cut(&body, len);
    buf_put_text(&body, "}}}}}");
    rest_done(f, 204, "POST", APPLY, buf_text(&body));
    buf_finish(&body);
}

/* ---- automatic
 * --------------------------------------------------------------------------------- */

static void deployment_reaches_edge_devices(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make_edge(f, "edge");
    configure(f, "base", 1, "*", "{" MANIFEST("m", "1") "}");
    settle(f);
    assert_modules(f, "{" SYSTEM ",'m':'iotEdge'}");
    assert_desired(f, "edge/$edgeAgent", AGENT_OF("m"));
    assert_desired(f, "edge/$edgeHub", "{'routes':{}}");
    assert_desired(f, "edge/m", "{'setting':1}");
    assert_desired(f, "edge", "{}");
    assert_statuses(f, "edge", "{'base':'Applied'}");
    assert_statuses(f, "edge/$edgeAgent", "{'base':'Applied'}");
    assert_statuses(f, "edge/m", "{'base':'Applied'}");
    assert_statuses(f, "d", "{}");
    json_t *rows = rest(f, 200, "POST", "/devices/query",
                        "{'query':'select deviceId from devices.modules where moduleId = "
                        "\\u0027$edgeAgent\\u0027 and configurations.[[base]].status = "
                        "\\u0027Applied\\u0027'}");
    assert_json(rows, "[{'deviceId':'edge'}]");
    json_decref(rows);
}

static void device_that_becomes_an_edge_gets_its_deployment(void **state)
{
    struct fixture *f = *state;
    make(f, "edge");
    configure(f, "base", 1, "tags.site=1", "{" MANIFEST("m", "1") "}");
    patch_twin(f, "edge", "{'tags':{'site':1}}");
    settle(f);
    assert_modules(f, "{}");
    json_decref(ask_json(f, 200,
                         &(struct ask){.method = "PUT",
                                       .path = "/devices/edge",
                                       .body = "{\"capabilities\":{\"iotEdge\":true}}",
                                       .if_match = "*"}));
    settle(f);
    assert_modules(f, "{" SYSTEM ",'m':'iotEdge'}");
    assert_desired(f, "edge/m", "{'setting':1}");
}

static void higher_deployment_replaces_all_of_the_lower(void **state)
{
    struct fixture *f = *state;
    make_edge(f, "edge");
    configure(f, "low", 1, "*", "{" MANIFEST("a", "1") "}");
    settle(f);
    configure(f, "high", 2, "*", "{" MANIFEST("b", "2") "}");
    settle(f);
    assert_modules(f, "{" SYSTEM ",'b':'iotEdge'}");
    assert_desired(f, "edge/$edgeAgent", AGENT_OF("b"));
    assert_statuses(f, "edge", "{'low':'Targeted','high':'Applied'}");
    unconfigure(f, "high");
    settle(f);
    assert_modules(f, "{" SYSTEM ",'a':'iotEdge'}");
    assert_desired(f, "edge/$edgeAgent", AGENT_OF("a"));
    assert_desired(f, "edge/a", "{'setting':1}");
    assert_statuses(f, "edge", "{'low':'Applied'}");
}

static void layers_come_on_top_of_a_lower_base(void **state)
{
    struct fixture *f = *state;
    make_edge(f, "edge");
    configure(f, "base", 5, "*", "{" MANIFEST("m", "1") "}");
    configure(f, "above", 6, "*", LAYER("extra"));
    configure(f, "below", 4, "*", LAYER("never"));
    settle(f);
    assert_statuses(f, "edge", "{'base':'Applied','above':'Applied','below':'Targeted'}");
    assert_modules(f, "{" SYSTEM ",'m':'iotEdge','extra':'iotEdge'}");
    assert_desired(f, "edge/$edgeAgent",
                   "{'schemaVersion':'1.1','modules':{'m':{'type':'docker'},"
                   "'extra':{'type':'docker'}}}");
    assert_desired(f, "edge/$edgeHub", "{'routes':{'r':'FROM /* INTO x'}}");
    assert_desired(f, "edge/extra", "{'layered':1}");
    unconfigure(f, "above");
    settle(f);
    assert_modules(f, "{" SYSTEM ",'m':'iotEdge'}");
    assert_desired(f, "edge/$edgeHub", "{'routes':{}}");
}

static void layer_alone_is_only_targeted(void **state)
{
    struct fixture *f = *state;
    make_edge(f, "edge");
    configure(f, "layer", 5, "*", LAYER("extra"));
    settle(f);
    assert_statuses(f, "edge", "{'layer':'Targeted'}");
    assert_modules(f, "{" SYSTEM "}");
    assert_desired(f, "edge/$edgeAgent", "{}");
}

static void first_deployment_replaces_what_was_applied_by_hand(void **state)
{
    struct fixture *f = *state;
    make_edge(f, "edge");
    rest_done(f, 204, "POST", APPLY, "{" MANIFEST("hand", "1") "}");
    configure(f, "base", 1, "*", "{" MANIFEST("m", "1") "}");
    settle(f);
    assert_desired(f, "edge/$edgeAgent", AGENT_OF("m"));
    assert_modules(f, "{" SYSTEM ",'m':'iotEdge'}");
    /* What somebody adds to a module afterwards is his. */
    patch_twin(f, "edge/m", "{'properties':{'desired':{'own':1}}}");
    settle(f);
    assert_desired(f, "edge/m", "{'setting':1,'own':1}");
}

static void modules_stay_when_no_deployment_is_left(void **state)
{
    struct fixture *f = *state;
    make_edge(f, "edge");
    configure(f, "base", 1, "*", "{" MANIFEST("m", "1") "}");
    settle(f);
    unconfigure(f, "base");
    settle(f);
    assert_modules(f, "{" SYSTEM ",'m':'iotEdge'}");
    assert_desired(f, "edge/$edgeAgent", "{}");
    assert_desired(f, "edge/m", "{}");
    assert_statuses(f, "edge", "{}");
    assert_statuses(f, "edge/m", "{}");
}

static void module_content_and_deployment_meet_in_a_module(void **state)
{
    struct fixture *f = *state;
    make_edge(f, "edge");
    configure(f, "base", 2, "*", "{" MANIFEST("m", "1") "}");
    configure(f, "low", 1, "FROM devices.modules WHERE moduleId='m'",
              "{'moduleContent':{'properties.desired.setting':7}}");
    configure(f, "high", 3, "FROM devices.modules WHERE moduleId='m'",
              "{'moduleContent':{'properties.desired.added':8}}");
    settle(f);
    assert_desired(f, "edge/m", "{'setting':1,'added':8}");
    assert_statuses(f, "edge/m", "{'base':'Applied','low':'Targeted','high':'Applied'}");
}

static void metrics_of_a_deployment_follow_the_agent(void **state)
{
    struct fixture *f = *state;
    char patch[200];
    make_edge(f, "edge");
    make_edge(f, "second");
    configure(f, "base", 1, "*", "{" MANIFEST("m", "1") "}");
    settle(f);
    (void)snprintf(patch, sizeof(patch),
                   "{'lastDesiredVersion':%lld,'lastDesiredStatus':{'code':200}}",
                   (long long)desired_version(f, "edge/$edgeAgent"));
    report(f, "edge/$edgeAgent", patch);
    (void)snprintf(patch, sizeof(patch),
                   "{'lastDesiredVersion':%lld,'lastDesiredStatus':{'code':400}}",
                   (long long)desired_version(f, "second/$edgeAgent"));
    report(f, "second/$edgeAgent", patch);
    json_t *configuration = get_configuration(f, "base");
    assert_json(json_below(configuration, "systemMetrics.results"),
                "{'targetedCount':2,'appliedCount':2,'reportedSuccessfulCount':1,"
                "'reportedFailedCount':1}");
    json_decref(configuration);
}

static void deployment_goes_on_after_a_restart(void **state)
{
    struct fixture *f = *state;
    make_edge(f, "edge");
    configure(f, "base", 1, "*", "{" MANIFEST("m", "1") "}");
    clock_advance(&f->clock, 1);
    fixture_turn(f);
    fixture_restart(f);
    settle(f);
    assert_desired(f, "edge/m", "{'setting':1}");
    assert_statuses(f, "edge/m", "{'base':'Applied'}");
    fixture_restart(f);
    unconfigure(f, "base");
    fixture_restart(f);
    settle(f);
    assert_desired(f, "edge/$edgeAgent", "{}");
    assert_statuses(f, "edge/$edgeAgent", "{}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(manifest_makes_modules_and_their_twins),
        HUB_TEST(next_manifest_replaces_the_last),
        HUB_TEST(connected_module_hears_of_its_content),
        HUB_TEST(parts_of_a_manifest_add_to_it),
        HUB_TEST(device_content_goes_to_any_device_once),
        HUB_TEST(wrong_content_by_hand_is_refused),
        HUB_TEST(manifest_with_too_many_modules_changes_nothing),
        HUB_TEST(deployment_reaches_edge_devices),
        HUB_TEST(device_that_becomes_an_edge_gets_its_deployment),
        HUB_TEST(higher_deployment_replaces_all_of_the_lower),
        HUB_TEST(layers_come_on_top_of_a_lower_base),
        HUB_TEST(layer_alone_is_only_targeted),
        HUB_TEST(first_deployment_replaces_what_was_applied_by_hand),
        HUB_TEST(modules_stay_when_no_deployment_is_left),
        HUB_TEST(module_content_and_deployment_meet_in_a_module),
        HUB_TEST(metrics_of_a_deployment_follow_the_agent),
        DISK_TEST(deployment_goes_on_after_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
