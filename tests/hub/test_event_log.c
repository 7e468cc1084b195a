/*
 * Reading the log of events: what stands in an event, which events come, and who waits for
 * them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/device.h"
#include "hub/partition.h"
#include "hub/service.h"
#include "iothub/limits.h"

#define PATH   "/_emulator/events"
#define EVENTS "devices/d/messages/events/"

/* The events of a query, as a new reference. */
static json_t *events(struct fixture *f, const char *query)
{
    return ask_json(f, 200, &(struct ask){.method = "GET", .path = PATH, .query = query});
}

static void expect_refusal(struct fixture *f, const char *query)
{
    ask_fails(f, IOTHUB_ARGUMENT_INVALID,
              &(struct ask){.method = "GET", .path = PATH, .query = query});
}

/* The bodies of a query's events with blanks between. */
static void assert_bodies(struct fixture *f, const char *query, const char *want)
{
    json_t *all = events(f, query);
    struct buf have = {.cap = BUF_CAP_OWN};
    for (size_t i = 0; i < json_array_size(all); i++) {
        buf_putf(&have, "%s%s", i == 0 ? "" : " ", text_below(json_array_get(all, i), "body"));
    }
    assert_string_equal(buf_text(&have), want);
    buf_finish(&have);
    json_decref(all);
}

static struct device *begin(struct fixture *f)
{
    make(f, "d");
    return device_online(f, "d");
}

static void say(struct device *d, const char *payload)
{
    device_publish(d, EVENTS, payload, 0);
}

/* ---- an event ---- */

static void event_has_its_place_sender_and_time(void **state)
{
    struct fixture *f = *state;
    struct device *d = begin(f);
    fixture_pass(f, 1234);
    say(d, "{\"t\": 20.50}");
    json_t *all = events(f, "");
    const json_t *event = json_array_get(all, 0);
    assert_int_equal(json_array_size(all), 1);
    assert_int_equal(number_below(event, "offset"), 1);
    assert_int_equal(number_below(event, "partition"),
                     partition_of_device(SLICE("d"), EVENT_PARTITIONS));
    assert_int_equal(number_below(event, "sequenceNumber"), 0);
    assert_string_equal(text_below(event, "enqueuedTime"), "2026-03-02T12:00:01.234Z");
    assert_string_equal(text_below(event, "deviceId"), "d");
    assert_null(json_object_get(event, "moduleId"));
    assert_string_equal(text_below(event, "source"), "Telemetry");
    assert_string_equal(text_below(event, "body"), "{\"t\": 20.50}");
    assert_string_equal(text_below(event, "bodyEncoding"), "text");
    assert_json(json_object_get(event, "systemProperties"), "{}");
    assert_json(json_object_get(event, "properties"), "{}");
    json_decref(all);
}

static void properties_keep_their_order_and_system_ones_have_names(void **state)
{
    struct fixture *f = *state;
    struct device *d = begin(f);
    device_publish(d,
                   EVENTS "z=1&%24.mid=m-1&a=%C3%A4%22&n&e=&%24.cid=c&%24.uid=u&%24.ct="
                          "application%2Fjson&%24.ce=utf-8&%24.exp=x&%24.ctime=y&%24.on=o&"
                          "%24.sub=comp&%24.ifid=i&%24.schema=s&%24.to=t",
                   "", 0);
    json_t *all = events(f, "");
    const json_t *event = json_array_get(all, 0);
    assert_json(json_object_get(event, "systemProperties"),
                "{'messageId':'m-1','correlationId':'c','userId':'u','to':'t',"
                "'contentType':'application/json','contentEncoding':'utf-8',"
                "'expiryTimeUtc':'x','creationTimeUtc':'y','outputName':'o',"
                "'componentName':'comp','interfaceId':'i','messageSchema':'s'}");
    char *properties =
        json_dumps(json_object_get(event, "properties"), JSON_COMPACT | JSON_PRESERVE_ORDER);
    assert_string_equal(properties,
                        "{\"z\":\"1\",\"a\":\"\xc3\xa4\\\"\",\"n\":null,\"e\":\"\"}");
    assert_string_equal(text_below(event, "body"), "");
    assert_string_equal(text_below(json_object_get(event, "annotations"), "dt-subject"),
                        "comp");
    assert_string_equal(
        text_below(json_object_get(event, "annotations"), "iothub-interface-id"), "i");
    free(properties);
    json_decref(all);
}

/* No reader on jansson takes a NUL, and one event would spoil a list for all who read it. */
static void nul_in_a_property_becomes_a_replacement_character(void **state)
{
    struct fixture *f = *state;
    struct device *d = begin(f);
    device_publish(d, EVENTS "a%00=%00b&%24.mid=%00&%24.sub=%00", "x", 0);
    json_t *all = events(f, "");
    const json_t *event = json_array_get(all, 0);
    assert_json(json_object_get(event, "properties"), "{'a\xef\xbf\xbd':'\xef\xbf\xbd"
                                                      "b'}");
    assert_string_equal(text_below(event, "systemProperties.messageId"), "\xef\xbf\xbd");
    assert_string_equal(text_below(json_object_get(event, "annotations"), "dt-subject"),
                        "\xef\xbf\xbd");
    json_decref(all);
}

static void annotations_are_those_of_the_event_hubs_endpoint(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    make(f, "d/m");
    struct device *m = device_online(f, "d/m");
    device_publish(m, "devices/d/modules/m/messages/events/", "x", 0);
    device_publish(m, "devices/d/modules/m/messages/events/", "y", 0);
    json_t *all = events(f, "after=1");
    const json_t *event = json_array_get(all, 0);
    json_t *annotations = json_object_get(event, "annotations");
    const char *generation = text_below(annotations, "iothub-connection-auth-generation-id");
    assert_true(has_form(generation, "dddddddddddddddddd"));
    json_object_del(annotations, "iothub-connection-auth-generation-id");
    assert_string_equal(text_below(event, "moduleId"), "m");
    assert_json(
        annotations,
        "{'iothub-connection-device-id':'d','iothub-connection-module-id':'m',"
        "'iothub-connection-auth-method':'{\\\"scope\\\":\\\"module\\\",\\\"type\\\":"
        "\\\"sas\\\",\\\"issuer\\\":\\\"iothub\\\",\\\"acceptingIpFilterRule\\\":null}',"
        "'iothub-enqueuedtime':1772452800000,'iothub-message-source':'Telemetry',"
        "'x-opt-sequence-number':1,'x-opt-offset':'2',"
        "'x-opt-enqueued-time':1772452800000}");
    json_decref(all);
}

static void body_that_is_no_text_is_base64(void **state)
{
    static const struct {
        struct slice body;
        const char *base64;
    } cases[] = {
        {{"\xff\x00\x01", 3}, "/wAB"},
        {{"a\0b", 3},         "YQBi"},
        {{"\xed\xa0\x80", 3}, "7aCA"}, /* half of a pair */
    };
    struct fixture *f = *state;
    struct device *d = begin(f);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct mqtt_publish publish = {.topic = SLICE(EVENTS), .payload = cases[i].body};
        mqtt_put_publish(device_packets(d), &publish);
    }
    device_say(d);
    json_t *all = events(f, "");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const json_t *event = json_array_get(all, i);
        assert_string_equal(text_below(event, "body"), cases[i].base64);
        assert_string_equal(text_below(event, "bodyEncoding"), "base64");
    }
    json_decref(all);
}

/* ---- which events ---- */

static void reading_goes_on_behind_an_offset(void **state)
{
    struct fixture *f = *state;
    struct device *d = begin(f);
    assert_bodies(f, "", "");
    say(d, "a");
    say(d, "b");
    say(d, "c");
    assert_bodies(f, "", "a b c");
    assert_bodies(f, "after=0", "a b c");
    assert_bodies(f, "after=2", "c");
    assert_bodies(f, "after=3", "");
    assert_bodies(f, "after=1000000", "");
    assert_bodies(f, "max=2", "a b");
    assert_bodies(f, "after=1&max=1", "b");
    assert_bodies(f, "after=latest", "");
    assert_bodies(f, API_VERSION "&max=1", "a");
}

static void expect_position(struct fixture *f, const char *query, const char *want)
{
    struct reply reply = ask(f, &(struct ask){.method = "GET", .path = PATH, .query = query});
    const char *position = reply_header(&reply, "x-ms-continuation");
    assert_int_equal(reply.status, 200);
    assert_non_null(position);
    assert_string_equal(position, want);
    reply_end(&reply);
}

/* So that nothing is missed between two questions for "latest". */
static void list_tells_where_to_go_on_even_when_it_is_empty(void **state)
{
    struct fixture *f = *state;
    struct device *d = begin(f);
    expect_position(f, "", "0");
    expect_position(f, "after=latest", "0");
    say(d, "a");
    say(d, "b");
    expect_position(f, "", "2");
    expect_position(f, "max=1", "1");
    expect_position(f, "after=latest", "2");
    expect_position(f, "after=2", "2");
    expect_position(f, "after=1000000", "1000000");
    /* What was passed over need not be looked at again. */
    expect_position(f, "deviceId=other", "2");
}

static void one_devices_events_are_found_among_others(void **state)
{
    struct fixture *f = *state;
    struct device *d = begin(f);
    make(f, "D");
    struct device *other = device_online(f, "D");
    device_publish(other, "devices/D/messages/events/", "x", 0);
    say(d, "a");
    device_publish(other, "devices/D/messages/events/", "y", 0);
    say(d, "b");
    assert_bodies(f, "deviceId=d", "a b");
    assert_bodies(f, "deviceId=d&max=1", "a");
    assert_bodies(f, "deviceId=D&after=1", "y");
    assert_bodies(f, "deviceId=nobody", "");
}

static void event_behind_many_others_is_found_over_several_turns(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    struct device *d = begin(f);
    make(f, "other");
    struct device *other = device_online(f, "other");
    for (int i = 0; i < 5000; i++) {
        struct mqtt_publish publish = {.topic = SLICE("devices/other/messages/events/")};
        mqtt_put_publish(device_packets(other), &publish);
    }
    device_say(other);
    say(d, "here");
    pending_begin(&p, f, &(struct ask){.method = "GET", .path = PATH, .query = "deviceId=d"});
    for (int turns = 0; !p.exchange.is_done; turns++) {
        assert_in_range(turns, 0, 10);
        fixture_pass(f, 1);
    }
    struct reply reply = pending_take(&p);
    assert_int_equal(reply.status, 200);
    assert_string_equal(text_below(json_array_get(reply.json, 0), "body"), "here");
    assert_int_equal(number_below(json_array_get(reply.json, 0), "offset"), 5001);
    reply_end(&reply);
}

static void numbers_out_of_range_are_refused(void **state)
{
    struct fixture *f = *state;
    expect_refusal(f, "after=-1");
    expect_refusal(f, "after=first");
    expect_refusal(f, "max=0");
    expect_refusal(f, "max=1001");
    expect_refusal(f, "max=x");
    expect_refusal(f, "wait=301");
    expect_refusal(f, "wait=-1");
    char query[256] = "deviceId=";
    memset(query + strlen(query), 'd', LIMIT_ID_CHARS + 1);
    expect_refusal(f, query);
}

static void events_need_the_right_to_connect_as_a_service(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    const struct {
        int status;
        const char *token;
    } cases[] = {
        {200,          token_for(f, HOST, KEY_SERVICE, "service", 3600)},
        {401, token_for(f,   HOST, KEY_READ, "registryRead", 3600)},
        {401,            token_for(f,                     HOST, KEY_DEVICE_POLICY, "device", 3600)},
        {401,        token_of(f,         "d", "", KEY_FIRST)},
        {401,       ""                 },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct reply reply = ask(
            f,
            &(struct ask){.method = "GET", .path = PATH, .query = "", .token = cases[i].token});
        assert_int_equal(reply.status, cases[i].status);
        reply_end(&reply);
    }
}

/* ---- waiting ---- */

static void begin_waiting(struct pending *p, struct fixture *f, const char *query)
{
    pending_begin(p, f, &(struct ask){.method = "GET", .path = PATH, .query = query});
    assert_false(p->exchange.is_done);
}

static void take_bodies(struct pending *p, const char *first, size_t n)
{
    struct reply reply = pending_take(p);
    assert_int_equal(reply.status, 200);
    assert_int_equal(json_array_size(reply.json), n);
    if (n != 0) {
        assert_string_equal(text_below(json_array_get(reply.json, 0), "body"), first);
    }
    reply_end(&reply);
}

static void reader_that_waits_is_answered_with_the_first_events(void **state)
{
    struct fixture *f = *state;
    struct pending first;
    struct pending second;
    struct device *d = begin(f);
    begin_waiting(&first, f, "wait=30");
    begin_waiting(&second, f, "wait=30");
    fixture_pass(f, 29 * SECOND_MS);
    assert_false(first.exchange.is_done);
    say(d, "news");
    take_bodies(&first, "news", 1);
    take_bodies(&second, "news", 1);
}

static void reader_that_waits_in_vain_gets_an_empty_list(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    struct device *d = begin(f);
    say(d, "old");
    begin_waiting(&p, f, "after=latest&wait=30");
    fixture_pass(f, 30 * SECOND_MS - 1);
    assert_false(p.exchange.is_done);
    fixture_pass(f, 1);
    take_bodies(&p, "", 0);
}

static void reader_that_waited_in_vain_knows_where_to_go_on(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    struct device *d = begin(f);
    say(d, "old");
    begin_waiting(&p, f, "after=latest&wait=30");
    fixture_pass(f, 30 * SECOND_MS);
    struct reply reply = pending_take(&p);
    assert_string_equal(reply_header(&reply, "x-ms-continuation"), "1");
    reply_end(&reply);
}

static void reader_that_waits_for_one_device_sleeps_through_others(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    struct device *d = begin(f);
    make(f, "other");
    struct device *other = device_online(f, "other");
    begin_waiting(&p, f, "deviceId=d&wait=30");
    device_publish(other, "devices/other/messages/events/", "x", 0);
    device_publish(other, "devices/other/messages/events/", "y", 0);
    assert_false(p.exchange.is_done);
    say(d, "mine");
    take_bodies(&p, "mine", 1);
}

static void reader_that_goes_away_is_not_woken(void **state)
{
    struct fixture *f = *state;
    struct pending first;
    struct pending second;
    struct device *d = begin(f);
    begin_waiting(&first, f, "wait=30");
    begin_waiting(&second, f, "wait=30");
    pending_drop(&first);
    say(d, "news");
    take_bodies(&second, "news", 1);
    fixture_pass(f, MINUTE_MS);
}

static void events_that_retention_removed_are_passed_over(void **state)
{
    struct fixture *f = *state;
    struct device *d = begin(f);
    say(d, "old");
    device_leave(d);
    fixture_pass(f, 25 * HOUR_MS);
    d = device_online(f, "d");
    say(d, "new");
    json_t *all = events(f, "");
    assert_int_equal(json_array_size(all), 1);
    assert_int_equal(number_below(json_array_get(all, 0), "offset"), 2);
    json_decref(all);
}

/* ---- streams ---- */

static void begin_stream(struct pending *p, struct fixture *f, const struct ask *asked)
{
    struct ask stream = *asked;
    stream.method = "GET";
    stream.path = PATH;
    stream.accept = "application/json;q=0.5, text/event-stream;q=1";
    pending_begin(p, f, &stream);
    assert_true(p->exchange.is_done);
    assert_int_equal(p->exchange.answer.status, 200);
    assert_true(p->exchange.answer.is_stream);
    assert_string_equal(p->exchange.answer.content_type, "text/event-stream; charset=utf-8");
    assert_true(
        slice_starts_with(buf_slice(&p->exchange.answer.body), SLICE("retry: 1000\nid: ")));
}

/* The part that was there last is sent, and its turn ends. */
static void go_on(struct pending *p)
{
    http_exchange_continue(&p->exchange);
    fixture_turn(p->f);
}

/* The part that is there, with the events' ids only. */
static void assert_part(struct pending *p, const char *want)
{
    struct slice rest = buf_slice(&p->exchange.answer.body);
    struct slice row = {0};
    struct buf have = {.cap = BUF_CAP_OWN};
    assert_true(p->exchange.is_done);
    while (slice_next(&rest, '\n', &row)) {
        if (slice_starts_with(row, SLICE("id: "))) {
            buf_put_text(&have, have.len == 0 ? "" : " ");
            buf_put_slice(&have, slice_from(row, 4));
        } else {
            assert_true(row.len == 0 || slice_starts_with(row, SLICE("data: {\"offset\":")));
        }
    }
    assert_string_equal(buf_text(&have), want);
    buf_finish(&have);
}

static void stream_gives_what_is_there_and_then_what_comes(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    struct device *d = begin(f);
    say(d, "a");
    say(d, "b");
    begin_stream(&p, f, &(struct ask){.query = ""});
    go_on(&p);
    assert_part(&p, "1 2");
    go_on(&p);
    assert_false(p.exchange.is_done);
    say(d, "c");
    assert_part(&p, "3");
    /* What comes while a part is on its way is in the next. */
    say(d, "d");
    say(d, "e");
    assert_part(&p, "3");
    go_on(&p);
    assert_part(&p, "4 5");
    pending_drop(&p);
}

static void stream_goes_on_where_the_last_one_broke_off(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    struct device *d = begin(f);
    say(d, "a");
    say(d, "b");
    say(d, "c");
    begin_stream(&p, f, &(struct ask){.query = "after=0", .last_event_id = "2"});
    go_on(&p);
    assert_part(&p, "3");
    pending_drop(&p);
    begin_stream(&p, f, &(struct ask){.query = "after=latest"});
    go_on(&p);
    assert_false(p.exchange.is_done);
    pending_drop(&p);
}

/* "retry: 1000\nid: 7\n\n" */
static void take_first_id(const struct pending *p, char out[24])
{
    struct slice body = buf_slice(&p->exchange.answer.body);
    struct slice id = slice_from(body, strlen("retry: 1000\nid: "));
    (void)snprintf(out, 24, "%.*s", (int)slice_find(id, '\n'), id.data);
}

static void stream_that_breaks_off_before_its_first_event_goes_on_as_well(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    char id[24];
    struct device *d = begin(f);
    say(d, "a");
    begin_stream(&p, f, &(struct ask){.query = "after=latest"});
    take_first_id(&p, id);
    assert_string_equal(id, "1");
    pending_drop(&p);
    say(d, "between");
    begin_stream(&p, f, &(struct ask){.query = "after=latest", .last_event_id = id});
    take_first_id(&p, id);
    assert_string_equal(id, "1");
    go_on(&p);
    assert_part(&p, "2");
    pending_drop(&p);
}

static void stream_ends_after_as_many_events_as_were_wanted(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    struct device *d = begin(f);
    say(d, "a");
    say(d, "b");
    say(d, "c");
    begin_stream(&p, f, &(struct ask){.query = "max=2"});
    go_on(&p);
    assert_part(&p, "1 2");
    go_on(&p);
    assert_part(&p, "");
    assert_int_equal(p.exchange.answer.body.len, 0);
    pending_drop(&p);
}

static void part_of_a_stream_is_not_longer_for_a_slow_reader(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    char payload[4096];
    int n = 0;
    struct device *d = begin(f);
    memset(payload, 'x', sizeof(payload) - 1);
    payload[sizeof(payload) - 1] = '\0';
    begin_stream(&p, f, &(struct ask){.query = ""});
    for (int i = 0; i < 100; i++) {
        say(d, payload);
    }
    for (go_on(&p); p.exchange.is_done; go_on(&p)) {
        assert_in_range(p.exchange.answer.body.len, 1, 72 * KIB);
        n++;
    }
    assert_in_range(n, 6, 10);
    pending_drop(&p);
}

static void silent_stream_beats_every_fifteen_seconds(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    struct device *d = begin(f);
    begin_stream(&p, f, &(struct ask){.query = "deviceId=d"});
    for (int i = 0; i < 3; i++) {
        go_on(&p);
        fixture_pass(f, 15 * SECOND_MS - 1);
        assert_false(p.exchange.is_done);
        fixture_pass(f, 1);
        assert_true(p.exchange.is_done);
        assert_string_equal(buf_text(&p.exchange.answer.body), "id: 0\n\n");
    }
    go_on(&p);
    say(d, "a");
    assert_part(&p, "1");
    pending_drop(&p);
}

/* Others' events need not be looked at again by who comes back. */
static void beat_tells_how_far_the_stream_has_looked(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    struct device *d = begin(f);
    begin_stream(&p, f, &(struct ask){.query = "deviceId=other"});
    say(d, "a");
    say(d, "b");
    go_on(&p);
    fixture_pass(f, 15 * SECOND_MS);
    assert_string_equal(buf_text(&p.exchange.answer.body), "id: 2\n\n");
    pending_drop(&p);
}

static void stream_outlives_its_token_as_a_connection_does(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    begin(f);
    begin_stream(
        &p, f,
        &(struct ask){.query = "", .token = token_for(f, HOST, KEY_SERVICE, "service", 60)});
    go_on(&p);
    fixture_pass(f, MINUTE_MS + HUB_TOKEN_GRACE_MS);
    assert_true(p.exchange.is_done);
    assert_string_equal(buf_text(&p.exchange.answer.body), "id: 0\n\n");
    go_on(&p);
    fixture_pass(f, 15 * SECOND_MS);
    assert_true(p.exchange.is_done);
    assert_int_equal(p.exchange.answer.body.len, 0);
    pending_drop(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(event_has_its_place_sender_and_time),
        HUB_TEST(properties_keep_their_order_and_system_ones_have_names),
        HUB_TEST(nul_in_a_property_becomes_a_replacement_character),
        HUB_TEST(annotations_are_those_of_the_event_hubs_endpoint),
        HUB_TEST(body_that_is_no_text_is_base64),
        HUB_TEST(reading_goes_on_behind_an_offset),
        HUB_TEST(list_tells_where_to_go_on_even_when_it_is_empty),
        HUB_TEST(reader_that_waited_in_vain_knows_where_to_go_on),
        HUB_TEST(stream_that_breaks_off_before_its_first_event_goes_on_as_well),
        HUB_TEST(beat_tells_how_far_the_stream_has_looked),
        HUB_TEST(one_devices_events_are_found_among_others),
        HUB_TEST(event_behind_many_others_is_found_over_several_turns),
        HUB_TEST(numbers_out_of_range_are_refused),
        HUB_TEST(events_need_the_right_to_connect_as_a_service),
        HUB_TEST(reader_that_waits_is_answered_with_the_first_events),
        HUB_TEST(reader_that_waits_in_vain_gets_an_empty_list),
        HUB_TEST(reader_that_waits_for_one_device_sleeps_through_others),
        HUB_TEST(reader_that_goes_away_is_not_woken),
        HUB_TEST(events_that_retention_removed_are_passed_over),
        HUB_TEST(stream_gives_what_is_there_and_then_what_comes),
        HUB_TEST(stream_goes_on_where_the_last_one_broke_off),
        HUB_TEST(stream_ends_after_as_many_events_as_were_wanted),
        HUB_TEST(part_of_a_stream_is_not_longer_for_a_slow_reader),
        HUB_TEST(silent_stream_beats_every_fifteen_seconds),
        HUB_TEST(stream_outlives_its_token_as_a_connection_does),
    };
    return cmocka_run_group_tests_name("hub.event_log", tests, NULL, NULL);
}
