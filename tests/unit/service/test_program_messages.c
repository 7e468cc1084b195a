/*
 * iothub-service verb by verb: messages to devices, feedback, an emulator's events.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "unit/service/verb_fixture.h"

static void c2d_send_takes_everything_from_options(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, {.status = 204});
    RUN(&f->run, f->hub, "c2d", "send", "d", "--data", "{\"ring\":true}", "--property", "a=1",
        "--property", "b=x=y", "--message-id", "m-1", "--correlation-id", "c-1", "--user-id",
        "me", "--content-type", "application/json", "--content-encoding", "utf-8", "--ack",
        "full", "--expiry", "2030-01-02T03:04:05Z");
    program_expect_code(&f->run, 0);
    expect_request(f, 0, "POST", "/devices/d/messages/deviceBound" VERSION, "{\"ring\":true}");
    expect_header(f, 0, "iothub-messageid", "m-1");
    expect_header(f, 0, "iothub-correlationid", "c-1");
    expect_header(f, 0, "iothub-userid", "me");
    expect_header(f, 0, "iothub-contenttype", "application/json");
    expect_header(f, 0, "iothub-contentencoding", "utf-8");
    expect_header(f, 0, "iothub-ack", "full");
    expect_header(f, 0, "iothub-expiry", "2030-01-02T03:04:05Z");
    expect_header(f, 0, "iothub-app-a", "1");
    expect_header(f, 0, "iothub-app-b", "x=y");
    assert_string_equal(f->run.out, "deviceId   d\nmessageId  m-1\n");
}

static void c2d_send_makes_an_id_where_feedback_is_wanted(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, {.status = 204}, {.status = 204});
    RUN(&f->run, f->hub, "c2d", "send", "d", "--ack", "positive", "--expiry-in", "60");
    program_expect_code(&f->run, 0);
    const char *id = fake_request_header(fake_hub_request(f->hub, 0), "iothub-messageid");
    assert_non_null(id);
    program_expect_part(f->run.out, id);
    assert_non_null(fake_request_header(fake_hub_request(f->hub, 0), "iothub-expiry"));
    RUN(&f->run, f->hub, "c2d", "send", "d", "--data", "x", "-o", "json");
    program_expect_code(&f->run, 0);
    expect_header(f, 1, "iothub-messageid", NULL);
    expect_header(f, 1, "iothub-ack", NULL);
    assert_string_equal(f->run.out, "{\n  \"deviceId\": \"d\",\n  \"messageId\": null\n}\n");
}

static void c2d_send_reads_its_body_from_a_file(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, {.status = 204});
    program_run(&f->run, f->hub, "two\nlines\n",
                (const char *const[]){"c2d", "send", "d", "--data", "@-", NULL});
    program_expect_code(&f->run, 0);
    expect_request(f, 0, "POST", "/devices/d/messages/deviceBound" VERSION, "two\nlines\n");
}

static void c2d_send_refuses_what_makes_no_sense(void **state)
{
    struct fixture *f = *state;
    RUN(&f->run, f->hub, "c2d", "send", "d", "--property", "novalue");
    program_expect_code(&f->run, 2);
    program_expect_part(f->run.err, "\"novalue\" is no NAME=VALUE");
    RUN(&f->run, f->hub, "c2d", "send", "d", "--expiry", "2030-01-01", "--expiry-in", "5");
    program_expect_code(&f->run, 2);
    RUN(&f->run, f->hub, "c2d", "send", "d", "--data", "@/no/such/file");
    program_expect_code(&f->run, 2);
    assert_int_equal(fake_hub_n_requests(f->hub), 0);
}

static void a_full_queue_is_told_with_its_code(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, {.status = 403,
               .body = "{\"Message\":\"ErrorCode:DeviceMaximumQueueDepthExceeded;50 wait\"}"});
    RUN(&f->run, f->hub, "c2d", "send", "d");
    program_expect_code(&f->run, 1);
    assert_string_equal(f->run.err,
                        "iothub-service: DeviceMaximumQueueDepthExceeded: 50 wait\n");
}

static void c2d_purge_shows_how_many_are_gone(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, "{\"totalMessagesPurged\":3,\"deviceId\":\"d\",\"moduleId\":null}"));
    RUN(&f->run, f->hub, "c2d", "purge", "d");
    program_expect_code(&f->run, 0);
    expect_request(f, 0, "DELETE", "/devices/d/commands" VERSION, "");
    assert_string_equal(f->run.out, "deviceId  d\npurged    3\n");
}

#define RECORD(id) \
    "{\"originalMessageId\":\"" id \
    "\",\"description\":\"Success\",\"statusCode\":\"Success\"," \
    "\"deviceId\":\"d\",\"deviceGenerationId\":\"1\",\"enqueuedTimeUtc\":" \
    "\"2026-01-02T03:04:05.678Z\"}"
#define BATCH(...) \
    { \
        .status = 200, .body = "[" __VA_ARGS__ "]", .headers = { "ETag: \"t-1\"" } \
    }

static void feedback_receive_completes_what_it_shows(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, BATCH(RECORD("m-1")), {.status = 204}, BATCH(RECORD("m-1")), {.status = 204},
           {.status = 204});
    RUN(&f->run, f->hub, "feedback", "receive");
    program_expect_code(&f->run, 0);
    expect_request(f, 1, "DELETE", "/messages/serviceBound/feedback/t-1" VERSION, "");
    assert_string_equal(
        f->run.out, "MESSAGEID  DEVICEID  STATUSCODE  DESCRIPTION  TIME\n"
                    "m-1        d         Success     Success      2026-01-02T03:04:05.678Z\n");
    RUN(&f->run, f->hub, "feedback", "receive", "--abandon", "-o", "json");
    program_expect_code(&f->run, 0);
    expect_request(f, 3, "POST", "/messages/serviceBound/feedback/t-1/abandon" VERSION, "");
    RUN(&f->run, f->hub, "feedback", "receive", "-o", "json");
    program_expect_code(&f->run, 0);
    assert_string_equal(f->run.out, "[]\n");
}

static void feedback_watch_prints_until_the_count_is_reached(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, BATCH(RECORD("m-1")), {.status = 204}, {.status = 204},
           BATCH(RECORD("m-2") "," RECORD("m-3")), {.status = 204});
    RUN(&f->run, f->hub, "feedback", "watch", "--count", "2", "--poll-every", "0.1");
    program_expect_code(&f->run, 0);
    assert_string_equal(f->run.out, "2026-01-02T03:04:05.678Z  d  m-1  Success  Success\n"
                                    "2026-01-02T03:04:05.678Z  d  m-2  Success  Success\n");
    assert_int_equal(fake_hub_n_requests(f->hub), 5);
}

#define NOTIFICATION(name) \
    { \
        .status = 200, \
        .body = "{\"deviceId\":\"d\",\"blobUri\":\"https://s/" name "\",\"blobName\":\"" name \
                "\",\"lastUpdatedTime\":\"2026-01-02T03:04:05+00:00\",\"blobSizeInBytes\":12," \
                "\"enqueuedTimeUtc\":\"2026-01-02T03:04:05.6780000Z\"}", \
        .headers = { \
            "ETag: \"t-1\"" \
        } \
    }

static void file_notification_receive_completes_what_it_shows(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, NOTIFICATION("d/a"), {.status = 204}, NOTIFICATION("d/a"), {.status = 204},
           {.status = 204});
    RUN(&f->run, f->hub, "file-notification", "receive");
    program_expect_code(&f->run, 0);
    expect_request(f, 1, "DELETE", "/messages/serviceBound/filenotifications/t-1" VERSION, "");
    assert_string_equal(f->run.out,
                        "DEVICEID  BLOBNAME  BYTES  TIME\n"
                        "d         d/a          12  2026-01-02T03:04:05.6780000Z\n");
    RUN(&f->run, f->hub, "file-notification", "receive", "--abandon", "-o", "json");
    program_expect_code(&f->run, 0);
    expect_request(f, 3, "POST", "/messages/serviceBound/filenotifications/t-1/abandon" VERSION,
                   "");
    RUN(&f->run, f->hub, "file-notification", "receive", "-o", "json");
    program_expect_code(&f->run, 0);
    assert_string_equal(f->run.out, "[]\n");
}

static void file_notification_watch_prints_until_the_count_is_reached(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, NOTIFICATION("d/a"), {.status = 204}, {.status = 204}, NOTIFICATION("d/b"),
           {.status = 204});
    RUN(&f->run, f->hub, "file-notification", "watch", "--count", "2", "--poll-every", "0.1");
    program_expect_code(&f->run, 0);
    assert_string_equal(f->run.out,
                        "2026-01-02T03:04:05.6780000Z  d  d/a  12  https://s/d/a\n"
                        "2026-01-02T03:04:05.6780000Z  d  d/b  12  https://s/d/b\n");
    assert_int_equal(fake_hub_n_requests(f->hub), 5);
}

static void nothing_more(void *ctx, const struct fake_request *request,
                         struct fake_answer *answer)
{
    (void)ctx;
    (void)request;
    answer->status = 204;
}

static void a_count_that_is_not_reached_in_time_is_a_failure(void **state)
{
    struct fixture *f = *state;
    fake_hub_handle(f->hub, nothing_more, NULL);
    RUN(&f->run, f->hub, "feedback", "watch", "--count", "2", "--poll-every", "0.1", "--for",
        "0.3");
    program_expect_code(&f->run, 1);
    program_expect_part(f->run.err, "0 of 2 came in time");
    RUN(&f->run, f->hub, "feedback", "watch", "--poll-every", "0.1", "--for", "0.3");
    program_expect_code(&f->run, 0);
}

#define EVENT(number, text) \
    "{\"offset\":\"" number "\",\"enqueuedTime\":\"2026-01-02T03:04:05.678Z\",\"deviceId\":" \
    "\"d\",\"properties\":{\"a\":\"1\"},\"body\":" text "}"

static void monitor_events_prints_what_comes_and_moves_on(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, {.status = 200, .body = "[]", .headers = {"x-ms-continuation: 6"}},
           {.status = 200,
            .body = "[" EVENT("7", "{\"t\":21.5}") "]",
            .headers = {"x-ms-continuation: 7"}},
           REPLY(200, "[" EVENT("8", "\"two\\nlines\"") "]"));
    RUN(&f->run, f->hub, "monitor-events", "--device-id", "d", "--count", "2");
    program_expect_code(&f->run, 0);
    expect_request(f, 0, "GET", "/_emulator/events" VERSION "&after=latest&wait=300&deviceId=d",
                   "");
    /* What comes between the two must not be missed. */
    expect_request(f, 1, "GET", "/_emulator/events" VERSION "&after=6&wait=300&deviceId=d", "");
    expect_request(f, 2, "GET", "/_emulator/events" VERSION "&after=7&wait=300&deviceId=d", "");
    assert_string_equal(f->run.out, "2026-01-02T03:04:05.678Z  d  {\"t\":21.5}  {\"a\":\"1\"}\n"
                                    "2026-01-02T03:04:05.678Z  d  two?lines  {\"a\":\"1\"}\n");
}

static void monitor_events_tells_bytes_and_other_sources_apart(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f,
           REPLY(200, "[{\"offset\":1,\"enqueuedTime\":\"t\",\"deviceId\":\"d\",\"moduleId\":"
                      "\"m\",\"source\":\"Telemetry\",\"body\":\"AAE=\",\"bodyEncoding\":"
                      "\"base64\",\"properties\":{}},{\"offset\":2,\"enqueuedTime\":\"t\","
                      "\"deviceId\":\"d\",\"source\":\"twinChangeEvents\",\"body\":\"{}\"}]"),
           REPLY(200, "[" EVENT("3", "1") "]"));
    RUN(&f->run, f->hub, "monitor-events", "--count", "3");
    program_expect_code(&f->run, 0);
    program_expect_part(f->run.out, "t  d/m  base64:AAE=\nt  d  [twinChangeEvents] {}\n");
    expect_request(f, 1, "GET", "/_emulator/events" VERSION "&after=2&wait=300", "");
}

static void monitor_events_begins_where_it_is_told(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, "[" EVENT("7", "1") "]"), REPLY(200, "[" EVENT("9", "null") "]"));
    RUN(&f->run, f->hub, "monitor-events", "--from-start", "--count", "1", "-o", "json");
    program_expect_code(&f->run, 0);
    expect_request(f, 0, "GET", "/_emulator/events" VERSION "&wait=300", "");
    assert_string_equal(f->run.out, EVENT("7", "1") "\n");
    RUN(&f->run, f->hub, "monitor-events", "--after", "8", "--count", "1");
    program_expect_code(&f->run, 0);
    expect_request(f, 1, "GET", "/_emulator/events" VERSION "&after=8&wait=300", "");
    RUN(&f->run, f->hub, "monitor-events", "--after", "8", "--from-start");
    program_expect_code(&f->run, 2);
}

static void a_hub_that_is_no_emulator_is_told_apart(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, {.status = 404});
    RUN(&f->run, f->hub, "monitor-events");
    program_expect_code(&f->run, 1);
    program_expect_part(f->run.err, "only the emulator offers events over HTTP");
}

static void stop_the_program(void *ctx, const struct fake_request *request,
                             struct fake_answer *answer)
{
    (void)ctx;
    (void)request;
    (void)kill(program_pid(), SIGINT);
    answer->manner = FAKE_SILENT;
}

static void monitor_events_ends_with_control_c(void **state)
{
    struct fixture *f = *state;
    fake_hub_handle(f->hub, stop_the_program, NULL);
    RUN(&f->run, f->hub, "monitor-events");
    program_expect_code(&f->run, 130);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(c2d_send_takes_everything_from_options),
        TEST(c2d_send_makes_an_id_where_feedback_is_wanted),
        TEST(c2d_send_reads_its_body_from_a_file),
        TEST(c2d_send_refuses_what_makes_no_sense),
        TEST(a_full_queue_is_told_with_its_code),
        TEST(c2d_purge_shows_how_many_are_gone),
        TEST(feedback_receive_completes_what_it_shows),
        TEST(feedback_watch_prints_until_the_count_is_reached),
        TEST(file_notification_receive_completes_what_it_shows),
        TEST(file_notification_watch_prints_until_the_count_is_reached),
        TEST(a_count_that_is_not_reached_in_time_is_a_failure),
        TEST(monitor_events_prints_what_comes_and_moves_on),
        TEST(monitor_events_tells_bytes_and_other_sources_apart),
        TEST(monitor_events_begins_where_it_is_told),
        TEST(a_hub_that_is_no_emulator_is_told_apart),
        TEST(monitor_events_ends_with_control_c),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
