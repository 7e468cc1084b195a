/*
 * Digital twins: the document of a Plug and Play device, its patches, and commands.
 * Source: IoT Plug and Play documentation, "Manage digital twins" and "Conventions"; IoT Hub
 * REST, "Digital Twin"; azure-iot-sdk-csharp, DigitalTwinClientE2ETests.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "hub/device.h"
#include "hub/service.h"

#define MODEL "dtmi:com:example:TemperatureController;1"

/* The device comes with a model, and goes. */
static void announce(struct fixture *f, const char *id, const char *model)
{
    struct buf user = {.cap = BUF_CAP_OWN};
    buf_putf(&user, HOST "/%s/?api-version=2021-04-12&model-id=%s", id, model);
    struct device *d = device_connect(
        f, &(struct login){.id = id, .user_name = buf_text(&user), .is_clean = true});
    assert_heard(d, "CONNACK 0");
    device_leave(d);
    buf_finish(&user);
}

static void expect_twin(struct fixture *f, const char *want)
{
    json_t *twin = rest(f, 200, "GET", "/digitaltwins/d", NULL);
    assert_json(twin, want);
    json_decref(twin);
}

static void expect_desired(struct fixture *f, const char *want)
{
    json_t *twin = get_twin(f, "d");
    assert_section(json_below(twin, "properties.desired"), want);
    json_decref(twin);
}

static void patch(struct fixture *f, const char *operations)
{
    rest_done(f, 202, "PATCH", "/digitaltwins/d", operations);
}

static void refuse(struct fixture *f, enum iothub_status status, const char *operations)
{
    rest_fails(f, status, "PATCH", "/digitaltwins/d", operations);
}

static void change_desired(struct fixture *f, const char *desired)
{
    struct buf body = {.cap = BUF_CAP_OWN};
    buf_putf(&body, "{'properties':{'desired':%s}}", desired);
    patch_twin(f, "d", buf_text(&body));
    buf_finish(&body);
}

/* ---- the document ----------------------------------------------------------------------- */

/* Seen at the hub. */
static void device_without_a_model_has_an_empty_one(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    expect_twin(f, "{'$dtId':'d','$metadata':{'$model':''}}");
}

static void model_is_the_one_the_device_announces(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    announce(f, "d", MODEL);
    expect_twin(f, "{'$dtId':'d','$metadata':{'$model':'" MODEL "'}}");
}

/* The documentation's example. */
static void properties_and_components_are_told_apart(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    announce(f, "d", MODEL);
    change_desired(f, "{'thermostat1':{'__t':'c','targetTemperature':20.4}}");
    report(f, "d",
           "{'serialNumber':'s1','thermostat1':{'__t':'c','maxTempSinceLastReboot':25.3,"
           "'targetTemperature':{'value':20.4,'ac':200,'av':2,'ad':'done'}}}");
    fixture_pass(f, SECOND_MS);
    change_desired(f, "{'thermostat1':{'targetTemperature':21.4}}");
    expect_twin(f, "{'$dtId':'d','serialNumber':'s1','thermostat1':{"
                   "'maxTempSinceLastReboot':25.3,'targetTemperature':20.4,'$metadata':{"
                   "'maxTempSinceLastReboot':{'lastUpdateTime':'2026-03-02T12:00:00Z'},"
                   "'targetTemperature':{'desiredValue':21.4,'desiredVersion':3,'ackVersion':2,"
                   "'ackCode':200,'ackDescription':'done',"
                   "'lastUpdateTime':'2026-03-02T12:00:00Z'}}},"
                   "'$metadata':{'$model':'" MODEL "','serialNumber':{"
                   "'lastUpdateTime':'2026-03-02T12:00:00Z'}}}");
}

static void desired_property_has_no_value_until_it_is_reported(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    change_desired(f, "{'interval':5}");
    expect_twin(f, "{'$dtId':'d','$metadata':{'$model':'','interval':{'desiredValue':5,"
                   "'desiredVersion':2,'lastUpdateTime':'2026-03-02T12:00:00Z'}}}");
    fixture_pass(f, SECOND_MS);
    report(f, "d", "{'interval':{'value':5,'ac':202,'av':2}}");
    expect_twin(f, "{'$dtId':'d','interval':5,'$metadata':{'$model':'','interval':{"
                   "'desiredValue':5,'desiredVersion':2,'ackVersion':2,'ackCode':202,"
                   "'lastUpdateTime':'2026-03-02T12:00:01Z'}}}");
}

static void object_that_is_no_acknowledgement_is_a_value(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    report(f, "d", "{'place':{'value':1,'unit':'m'},'late':{'value':1,'ac':'200','av':1}}");
    json_t *twin = rest(f, 200, "GET", "/digitaltwins/d", NULL);
    assert_json(json_object_get(twin, "place"), "{'value':1,'unit':'m'}");
    assert_json(json_object_get(twin, "late"), "{'value':1,'ac':'200','av':1}");
    json_decref(twin);
}

static void component_wanted_before_it_is_reported_is_one(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    change_desired(f, "{'c1':{'__t':'c','p':1}}");
    expect_twin(f, "{'$dtId':'d','c1':{'$metadata':{'p':{'desiredValue':1,'desiredVersion':2,"
                   "'lastUpdateTime':'2026-03-02T12:00:00Z'}}},'$metadata':{'$model':''}}");
    report(f, "d", "{'c2':{'__t':'c'}}");
    json_t *twin = rest(f, 200, "GET", "/digitaltwins/d", NULL);
    assert_json(json_object_get(twin, "c2"), "{'$metadata':{}}");
    json_decref(twin);
}

static void answer_carries_the_twins_etag(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    change_desired(f, "{'a':1}");
    struct reply reply = ask(f, &(struct ask){.method = "GET", .path = "/digitaltwins/d"});
    assert_string_equal(reply_header(&reply, "ETag"), "\"AAAAAAAAAAI=\"");
    assert_string_equal(reply.exchange.answer.content_type, "application/json; charset=utf-8");
    reply_end(&reply);
}

static void missing_device_is_not_found(void **state)
{
    struct fixture *f = *state;
    rest_fails(f, IOTHUB_DEVICE_NOT_FOUND, "GET", "/digitaltwins/none", NULL);
    rest_fails(f, IOTHUB_DEVICE_NOT_FOUND, "PATCH", "/digitaltwins/none",
               "[{'op':'add','path':'/a','value':1}]");
}

/* ---- patches ---------------------------------------------------------------------------- */

static void patch_is_accepted_with_etag_and_location(void **state)
{
    struct fixture *f = *state;
    make(f, "d#1");
    struct reply reply = ask(f, &(struct ask){.method = "PATCH",
                                              .path = "/digitaltwins/d%231",
                                              .body = "[{\"op\":\"add\",\"path\":\"/a\","
                                                      "\"value\":1}]"});
    assert_int_equal(reply.status, 202);
    assert_string_equal(reply.text, "");
    assert_null(reply.exchange.answer.content_type);
    assert_string_equal(reply_header(&reply, "ETag"), "\"AAAAAAAAAAI=\"");
    const char *location = reply_header(&reply, "Location");
    assert_non_null(location);
    assert_non_null(strstr(location, "/digitaltwins/d%231?api-version=2021-04-12"));
    reply_end(&reply);
}

static void property_is_added_replaced_and_removed(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    patch(
        f,
        "[{'op':'add','path':'/a','value':1},{'op':'add','path':'/b','value':{'x':1,'y':2}}]");
    expect_desired(f, "{'a':1,'b':{'x':1,'y':2}}");
    patch(f, "[{'op':'replace','path':'/b','value':{'x':3}},{'op':'remove','path':'/a'}]");
    expect_desired(f, "{'b':{'x':3}}");
    patch(
        f,
        "[{'op':'replace','path':'/b','value':'text'},{'op':'add','path':'/c','value':true}]");
    expect_desired(f, "{'b':'text','c':true}");
    patch(f, "[{'op':'remove','path':'/none'}]");
    expect_desired(f, "{'b':'text','c':true}");
}

static void property_of_a_component_marks_the_component(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    patch(f, "[{'op':'add','path':'/thermostat1/targetTemperature','value':21.4}]");
    expect_desired(f, "{'thermostat1':{'__t':'c','targetTemperature':21.4}}");
    patch(f, "[{'op':'replace','path':'/thermostat1/other','value':{'a':1,'b':2}}]");
    patch(f, "[{'op':'replace','path':'/thermostat1/other','value':{'b':3}}]");
    expect_desired(f, "{'thermostat1':{'__t':'c','targetTemperature':21.4,'other':{'b':3}}}");
    patch(f, "[{'op':'remove','path':'/thermostat1/targetTemperature'},"
             "{'op':'remove','path':'/thermostat2/targetTemperature'}]");
    expect_desired(f, "{'thermostat1':{'__t':'c','other':{'b':3}}}");
}

static void component_is_replaced_as_a_whole(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    patch(f, "[{'op':'add','path':'/c','value':{'a':1,'b':{'x':1,'y':2},'$metadata':{}}}]");
    expect_desired(f, "{'c':{'__t':'c','a':1,'b':{'x':1,'y':2}}}");
    patch(f, "[{'op':'replace','path':'/c','value':{'b':{'y':5},'$metadata':{}}}]");
    expect_desired(f, "{'c':{'__t':'c','b':{'y':5}}}");
    patch(f, "[{'op':'remove','path':'/c'}]");
    expect_desired(f, "{}");
}

static void component_without_properties_is_gone(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    patch(f, "[{'op':'add','path':'/c/p','value':1}]");
    patch(f, "[{'op':'remove','path':'/c/p'}]");
    expect_twin(f, "{'$dtId':'d','$metadata':{'$model':''}}");
}

static void operations_are_done_in_their_order(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    patch(f, "[{'op':'add','path':'/a','value':1},{'op':'replace','path':'/a','value':2},"
             "{'op':'add','path':'/b','value':1},{'op':'remove','path':'/b'},"
             "{'op':'add','path':'/c','value':{'p':1,'q':1,'$metadata':{}}},"
             "{'op':'replace','path':'/c/q','value':2}]");
    expect_desired(f, "{'a':2,'c':{'__t':'c','p':1,'q':2}}");
    /* What a component had is gone when it begins anew. */
    patch(f, "[{'op':'remove','path':'/c'},{'op':'add','path':'/c/r','value':3}]");
    expect_desired(f, "{'a':2,'c':{'__t':'c','r':3}}");
    patch(f, "[{'op':'remove','path':'/c/r'},{'op':'add','path':'/c/r','value':4}]");
    expect_desired(f, "{'a':2,'c':{'__t':'c','r':4}}");
}

static void patch_is_one_change_of_the_twin(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    patch(f, "[{'op':'add','path':'/a','value':1},{'op':'add','path':'/b','value':2}]");
    json_t *twin = get_twin(f, "d");
    assert_int_equal(number_below(twin, "properties.desired.$version"), 2);
    json_decref(twin);
    json_t *digital = rest(f, 200, "GET", "/digitaltwins/d", NULL);
    assert_int_equal(number_below(digital, "$metadata.a.desiredVersion"), 2);
    json_decref(digital);
}

static void device_is_told_of_a_patch_even_when_nothing_is_new(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct device *d = device_online(f, "d");
    device_subscribe(d, DESIRED);
    patch(f, "[{'op':'add','path':'/c/p','value':1}]");
    expect_publish(d, "$iothub/twin/PATCH/properties/desired/?$version=2",
                   "{\"c\":{\"__t\":\"c\",\"p\":1},\"$version\":2}");
    patch(f, "[{'op':'add','path':'/c/p','value':1}]");
    expect_publish(d, "$iothub/twin/PATCH/properties/desired/?$version=3",
                   "{\"c\":{\"__t\":\"c\",\"p\":1},\"$version\":3}");
    patch(f, "[{'op':'remove','path':'/c'}]");
    expect_publish(d, "$iothub/twin/PATCH/properties/desired/?$version=4",
                   "{\"c\":null,\"$version\":4}");
}

static int patch_if(struct fixture *f, const char *if_match)
{
    struct reply reply = ask(f, &(struct ask){.method = "PATCH",
                                              .path = "/digitaltwins/d",
                                              .if_match = if_match,
                                              .body = "[{\"op\":\"add\",\"path\":\"/a\","
                                                      "\"value\":1}]"});
    int status = reply.status;
    reply_end(&reply);
    return status;
}

static void etag_is_compared_with_and_without_quotes(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    assert_int_equal(patch_if(f, "\"AAAAAAAAAAI=\""), 412);
    assert_int_equal(patch_if(f, "AAAAAAAAAAI="), 412);
    assert_int_equal(patch_if(f, "abc"), 412);
    assert_int_equal(patch_if(f, "\"AAAAAAAAAAE=\""), 202);
    assert_int_equal(patch_if(f, "AAAAAAAAAAI="), 202);
    assert_int_equal(patch_if(f, "*"), 202);
    assert_int_equal(patch_if(f, "\"*\""), 202);
    assert_int_equal(patch_if(f, NULL), 202);
}

static void what_is_no_json_patch_is_refused(void **state)
{
    static const char *const patches[] = {
        "{'op':'add','path':'/a','value':1}",
        "[]",
        "[7]",
        "[{}]",
        "[{'path':'/a','value':1}]",
        "[{'op':'test','path':'/a','value':1}]",
        "[{'op':'move','path':'/a','from':'/b'}]",
        "[{'op':'add','value':1}]",
        "[{'op':'add','path':7,'value':1}]",
        "[{'op':'add','path':'/a'}]",
        "[{'op':'add','path':'/ok','value':1},{'op':'replace','path':'/a'}]",
    };
    struct fixture *f = *state;
    make(f, "d");
    for (size_t i = 0; i < ARRAY_LEN(patches); i++) {
        refuse(f, IOTHUB_INVALID_DIGITAL_TWIN_JSON_PATCH, patches[i]);
    }
    expect_desired(f, "{}");
}

static void path_names_a_property_or_a_component(void **state)
{
    static const char *const paths[] = {
        "",       "/",
        "a",      "//",
        "/a/",    "/a//b",
        "/a/b/c", "/$metadata",
        "/$dtId", "/1a",
        "/_a",    "/a_",
        "/a-b",   "/a b",
        "/a.b",   "/a~1b",
        "/a/1",   "/a/$b",
        "/é",     "/a/b_",
        "/__t",   "/abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcde",
    };
    struct fixture *f = *state;
    make(f, "d");
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        char body[200];
        (void)snprintf(body, sizeof(body), "[{'op':'add','path':'%s','value':1}]", paths[i]);
        refuse(f, IOTHUB_INVALID_DIGITAL_TWIN_PATCH_PATH, body);
        (void)snprintf(body, sizeof(body), "[{'op':'remove','path':'%s'}]", paths[i]);
        refuse(f, IOTHUB_INVALID_DIGITAL_TWIN_PATCH_PATH, body);
    }
    patch(f, "[{'op':'add','path':'/a_1B/abcdefghijabcdefghijabcdefghijabcdefghijabcdefghij"
             "abcdefghijabcd','value':1}]");
}

static void value_is_one_a_property_can_have(void **state)
{
    static const char *const values[] = {
        "null",
        "[1]",
        "{'a':[1]}",
        "{'a':null}",
        "{'a b':1}",
        "{'$a':1}",
        "{'a':{'b':{'c':{'d':{'e':{}}}}}}",
    };
    static const char *const paths[] = {"/p", "/c/p"};
    struct fixture *f = *state;
    make(f, "d");
    for (size_t i = 0; i < ARRAY_LEN(values) * ARRAY_LEN(paths); i++) {
        char body[200];
        (void)snprintf(body, sizeof(body), "[{'op':'add','path':'%s','value':%s}]",
                       paths[i % 2], values[i / 2]);
        refuse(f, IOTHUB_INVALID_DIGITAL_TWIN_PAYLOAD, body);
    }
    refuse(f, IOTHUB_INVALID_DIGITAL_TWIN_PAYLOAD,
           "[{'op':'add','path':'/c','value':{'p':[1],'$metadata':{}}}]");
    expect_desired(f, "{}");
    patch(f, "[{'op':'add','path':'/p','value':{'a':{'b':{'c':{'d':{'e':1}}}}}}]");
}

static void component_comes_with_its_mark(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    patch(f, "[{'op':'add','path':'/c/p','value':1}]");
    report(f, "d", "{'r':{'__t':'c','p':1}}");
    static const char *const values[] = {
        "{'p':1}",
        "{'p':1,'$metadata':{'p':1}}",
        "{'p':1,'$metadata':1}",
        "7",
    };
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        char body[200];
        (void)snprintf(body, sizeof(body), "[{'op':'replace','path':'/c','value':%s}]",
                       values[i]);
        refuse(f, IOTHUB_INVALID_DIGITAL_TWIN_PATCH, body);
        (void)snprintf(body, sizeof(body), "[{'op':'replace','path':'/r','value':%s}]",
                       values[i]);
        refuse(f, IOTHUB_INVALID_DIGITAL_TWIN_PATCH, body);
    }
    expect_desired(f, "{'c':{'__t':'c','p':1}}");
}

/* The documentation's sentence. */
static void property_of_the_twin_is_no_component(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    change_desired(f, "{'wanted':{'p':1}}");
    report(f, "d", "{'told':1}");
    refuse(f, IOTHUB_ARGUMENT_INVALID, "[{'op':'add','path':'/wanted/p','value':2}]");
    refuse(f, IOTHUB_ARGUMENT_INVALID, "[{'op':'add','path':'/told/p','value':2}]");
    refuse(f, IOTHUB_ARGUMENT_INVALID, "[{'op':'remove','path':'/wanted/p'}]");
    refuse(f, IOTHUB_ARGUMENT_INVALID,
           "[{'op':'add','path':'/wanted','value':{'p':2,'$metadata':{}}}]");
    json_t *answer =
        rest(f, 400, "PATCH", "/digitaltwins/d", "[{'op':'add','path':'/told/p','value':2}]");
    assert_string_equal(
        text_below(answer, "Message"),
        "ErrorCode:ArgumentInvalid;'told' exists within the device twin and is not "
        "digital twin conformant property. Please refer to aka.ms/dtpatch to "
        "update this to be conformant.");
    json_decref(answer);
    expect_desired(f, "{'wanted':{'p':1}}");
}

static void limits_of_twins_hold_for_patches(void **state)
{
    struct fixture *f = *state;
    struct buf body = {.cap = BUF_CAP_OWN};
    make(f, "d");
    buf_put_text(&body, "[{'op':'add','path':'/a','value':'");
    for (int i = 0; i < 4097; i++) {
        buf_put_char(&body, 'x');
    }
    buf_put_text(&body, "'}]");
    refuse(f, IOTHUB_ARGUMENT_INVALID, buf_text(&body));
    buf_finish(&body);
}

/* ---- commands --------------------------------------------------------------------------- */

struct command {
    const char *path;
    const char *body;
    const char *query;
};

static void invoke(struct pending *p, struct fixture *f, const struct command *command)
{
    pending_begin(p, f,
                  &(struct ask){.method = "POST",
                                .path = command->path,
                                .body = command->body,
                                .query = command->query});
}

static struct device *online(struct fixture *f)
{
    make(f, "d");
    struct device *d = device_online(f, "d");
    device_subscribe(d, METHODS);
    return d;
}

static void command_of_the_device_is_a_method(void **state)
{
    struct fixture *f = *state;
    struct device *d = online(f);
    struct pending p;
    invoke(&p, f,
           &(struct command){"/digitaltwins/d/commands/reboot", "{\"delay\":  5.0}", NULL});
    device_answer(d, "reboot", 200, "{\"done\":  1.0}");
    struct reply reply = pending_take(&p);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.text, "{\"done\":  1.0}");
    assert_string_equal(reply_header(&reply, "x-ms-command-statuscode"), "200");
    assert_non_null(reply_header(&reply, "x-ms-request-id"));
    assert_string_equal(reply.exchange.answer.content_type, "application/json; charset=utf-8");
    reply_end(&reply);
}

static void payload_arrives_as_it_was_sent(void **state)
{
    static const struct {
        const char *sent;
        const char *arrived;
    } rows[] = {
        {NULL,            ""           },
        {"null",          "null"       },
        {" {\"a\":1.0} ", "{\"a\":1.0}"},
        {"\"text\"",      "\"text\""   },
        {"[1, 2]",        "[1, 2]"     },
    };
    struct fixture *f = *state;
    struct device *d = online(f);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pending p;
        invoke(&p, f, &(struct command){"/digitaltwins/d/commands/c", rows[i].sent, NULL});
        struct mqtt_publish publish = device_next_publish(d);
        assert_slice(publish.payload, rows[i].arrived);
        pending_drop(&p);
    }
}

static void command_of_a_component_is_a_method_with_a_star(void **state)
{
    struct fixture *f = *state;
    struct device *d = online(f);
    struct pending p;
    invoke(&p, f,
           &(struct command){"/digitaltwins/d/components/thermostat1/commands/getMaxMinReport",
                             "\"2026-01-01T00:00:00Z\"", NULL});
    device_answer(d, "thermostat1*getMaxMinReport", 404, "{\"why\":1}");
    struct reply reply = pending_take(&p);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.text, "{\"why\":1}");
    assert_string_equal(reply_header(&reply, "x-ms-command-statuscode"), "404");
    reply_end(&reply);
}

static void answer_without_a_payload_is_null(void **state)
{
    struct fixture *f = *state;
    struct device *d = online(f);
    struct pending p;
    invoke(&p, f, &(struct command){"/digitaltwins/d/commands/c", NULL, NULL});
    device_answer(d, "c", 202, "");
    struct reply reply = pending_take(&p);
    assert_string_equal(reply.text, "null");
    assert_string_equal(reply_header(&reply, "x-ms-command-statuscode"), "202");
    reply_end(&reply);
}

static void command_errors_are_those_of_methods(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    make(f, "d");
    invoke(&p, f, &(struct command){"/digitaltwins/none/commands/c", NULL, NULL});
    expect_nested_error(pending_take(&p), IOTHUB_DEVICE_NOT_FOUND);
    invoke(&p, f, &(struct command){"/digitaltwins/d/commands/c", NULL, NULL});
    expect_nested_error(pending_take(&p), IOTHUB_DEVICE_NOT_ONLINE);
    struct device *d = device_online(f, "d");
    device_subscribe(d, METHODS);
    invoke(
        &p, f,
        &(struct command){"/digitaltwins/d/commands/c", NULL, "&responseTimeoutInSeconds=7"});
    fixture_pass(f, 6 * SECOND_MS);
    assert_false(p.exchange.is_done);
    fixture_pass(f, SECOND_MS);
    expect_nested_error(pending_take(&p), IOTHUB_GATEWAY_TIMEOUT);
}

static void command_waits_for_its_device(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    make(f, "d");
    invoke(&p, f,
           &(struct command){"/digitaltwins/d/commands/c", "1", "&connectTimeoutInSeconds=20"});
    fixture_pass(f, 10 * SECOND_MS);
    assert_false(p.exchange.is_done);
    struct device *d = device_online(f, "d");
    mqtt_put_subscribe(device_packets(d), 1, &(struct mqtt_filter){.topic = SLICE(METHODS)}, 1);
    device_say(d);
    assert_heard(d, "SUBACK id 1 0x00; PUBLISH $iothub/methods/POST/c/?$rid=1=1 qos 0 id 0");
    device_publish(d, "$iothub/methods/res/200/?$rid=1", "1", 0);
    struct reply reply = pending_take(&p);
    assert_int_equal(reply.status, 200);
    reply_end(&reply);
}

static void time_outs_out_of_range_are_refused(void **state)
{
    static const char *const queries[] = {
        "&responseTimeoutInSeconds=4",  "&responseTimeoutInSeconds=301",
        "&responseTimeoutInSeconds=x",  "&connectTimeoutInSeconds=-1",
        "&connectTimeoutInSeconds=301", "&connectTimeoutInSeconds=31",
        "&connectTimeoutInSeconds=",
    };
    struct fixture *f = *state;
    make(f, "d");
    for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
        struct pending p;
        invoke(&p, f, &(struct command){"/digitaltwins/d/commands/c", NULL, queries[i]});
        expect_nested_error(pending_take(&p), IOTHUB_ARGUMENT_INVALID);
    }
}

static void command_names_that_fit_no_topic_are_refused(void **state)
{
    static const char *const paths[] = {
        "/digitaltwins/d/commands/a%20b",
        "/digitaltwins/d/commands/a%23",
        "/digitaltwins/d/components/a*b/commands/c",
        "/digitaltwins/d/components/%3F/commands/c",
    };
    struct fixture *f = *state;
    make(f, "d");
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct pending p;
        invoke(&p, f, &(struct command){paths[i], NULL, NULL});
        expect_nested_error(pending_take(&p), IOTHUB_ARGUMENT_INVALID);
    }
}

static void longest_names_of_a_model_reach_the_device(void **state)
{
    struct fixture *f = *state;
    struct device *d = online(f);
    struct pending p;
    char name[65];
    char path[300];
    char method[200];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    (void)snprintf(path, sizeof(path), "/digitaltwins/d/components/%s/commands/%s", name, name);
    (void)snprintf(method, sizeof(method), "%s*%s", name, name);
    invoke(&p, f, &(struct command){path, NULL, NULL});
    device_answer(d, method, 200, "1");
    struct reply reply = pending_take(&p);
    assert_int_equal(reply.status, 200);
    reply_end(&reply);
}

static void payload_over_the_limit_is_too_large(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    struct buf body = {.cap = BUF_CAP_OWN};
    buf_put_char(&body, '"');
    for (int i = 0; i < 128 * 1024 - 1; i++) {
        buf_put_char(&body, 'x');
    }
    buf_put_char(&body, '"');
    struct pending p;
    invoke(&p, f, &(struct command){"/digitaltwins/d/commands/c", buf_text(&body), NULL});
    expect_nested_error(pending_take(&p), IOTHUB_MESSAGE_TOO_LARGE);
    buf_finish(&body);
}

static void client_that_goes_away_gets_no_answer(void **state)
{
    struct fixture *f = *state;
    struct device *d = online(f);
    struct pending p;
    invoke(&p, f, &(struct command){"/digitaltwins/d/commands/c", NULL, NULL});
    pending_drop(&p);
    device_answer(d, "c", 200, "1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(device_without_a_model_has_an_empty_one),
        HUB_TEST(model_is_the_one_the_device_announces),
        HUB_TEST(properties_and_components_are_told_apart),
        HUB_TEST(desired_property_has_no_value_until_it_is_reported),
        HUB_TEST(object_that_is_no_acknowledgement_is_a_value),
        HUB_TEST(component_wanted_before_it_is_reported_is_one),
        HUB_TEST(answer_carries_the_twins_etag),
        HUB_TEST(missing_device_is_not_found),
        HUB_TEST(patch_is_accepted_with_etag_and_location),
        HUB_TEST(property_is_added_replaced_and_removed),
        HUB_TEST(property_of_a_component_marks_the_component),
        HUB_TEST(component_is_replaced_as_a_whole),
        HUB_TEST(component_without_properties_is_gone),
        HUB_TEST(operations_are_done_in_their_order),
        HUB_TEST(patch_is_one_change_of_the_twin),
        HUB_TEST(device_is_told_of_a_patch_even_when_nothing_is_new),
        HUB_TEST(etag_is_compared_with_and_without_quotes),
        HUB_TEST(what_is_no_json_patch_is_refused),
        HUB_TEST(path_names_a_property_or_a_component),
        HUB_TEST(value_is_one_a_property_can_have),
        HUB_TEST(component_comes_with_its_mark),
        HUB_TEST(property_of_the_twin_is_no_component),
        HUB_TEST(limits_of_twins_hold_for_patches),
        HUB_TEST(command_of_the_device_is_a_method),
        HUB_TEST(payload_arrives_as_it_was_sent),
        HUB_TEST(command_of_a_component_is_a_method_with_a_star),
        HUB_TEST(answer_without_a_payload_is_null),
        HUB_TEST(command_errors_are_those_of_methods),
        HUB_TEST(command_waits_for_its_device),
        HUB_TEST(time_outs_out_of_range_are_refused),
        HUB_TEST(command_names_that_fit_no_topic_are_refused),
        HUB_TEST(longest_names_of_a_model_reach_the_device),
        HUB_TEST(payload_over_the_limit_is_too_large),
        HUB_TEST(client_that_goes_away_gets_no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
