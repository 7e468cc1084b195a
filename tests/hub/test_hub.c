/*
 * A hub as a whole: its names, its store, its end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/device.h"
#include "hub/service.h"

/* ---- names ------------------------------------------------------------------------------ */

static struct hub *open_named(const char *const *names, size_t n)
{
    struct buf error = {.cap = 1000};
    struct hub *hub = NULL;
    const struct hub_options options = {.names = names, .n_names = n};
    assert_true(hub_open(&options, (struct moment){0}, &error, &hub));
    return hub;
}

static void name_is_compared_without_case_and_port(void **state)
{
    static const char *const names[] = {"my.hub", "::1", "*.example.test"};
    static const struct {
        const char *name;
        bool is_own;
    } rows[] = {
        {"my.hub",               true },
        {"MY.Hub",               true },
        {"my.hub:8883",          true },
        {"my.hub.",              false},
        {"amy.hub",              false},
        {"my",                   false},
        {"",                     false},
        {":443",                 false},
        {"::1",                  true },
        {"[::1]",                true },
        {"[::1]:443",            true },
        {"[::2]:443",            false},
        {"a.example.test",       true },
        {"A.B.Example.Test:443", true },
        {".example.test",        false},
        {"example.test",         false},
        {"a.example.test.evil",  false},
    };
    (void)state;
    struct hub *hub = open_named(names, ARRAY_LEN(names));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (hub_is_named(hub, slice_of(rows[i].name)) != rows[i].is_own) {
            print_error("%s\n", rows[i].name);
            fail();
        }
    }
    hub_close(hub);
}

static void hub_without_names_answers_to_all(void **state)
{
    (void)state;
    struct hub *hub = open_named(NULL, 0);
    assert_true(hub_is_named(hub, SLICE("localhost:443")));
    assert_true(hub_is_named(hub, SLICE("")));
    hub_close(hub);
}

static void hubs_of_one_process_are_apart(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"other.test"};
    struct buf body = {.cap = BUF_CAP_OWN};
    struct hub *other = open_named(names, 1);
    struct hub_document document = {.body = &body};
    make(f, "d");
    assert_int_equal(hub_identity_get(other, id_of("d"), &document), IOTHUB_DEVICE_NOT_FOUND);
    hub_close(other);
    buf_finish(&body);
}

/* ---- the store -------------------------------------------------------------------------- */

static void second_owner_of_a_file_is_refused(void **state)
{
    struct fixture *f = *state;
    struct buf error = {.cap = 1000};
    struct hub *hub = NULL;
    const struct hub_options options = {.store_path = f->path};
    assert_false(hub_open(&options, (struct moment){0}, &error, &hub));
    assert_null(hub);
    assert_true(error.len > 0);
    buf_finish(&error);
}

static void folder_that_is_not_there_is_told(void **state)
{
    struct fixture *f = *state;
    char path[400];
    struct buf error = {.cap = 1000};
    struct hub *hub = NULL;
    const struct hub_options options = {.store_path = path};
    (void)snprintf(path, sizeof(path), "%s/none/hub.db", f->folder);
    assert_false(hub_open(&options, (struct moment){0}, &error, &hub));
    assert_null(hub);
    assert_non_null(strstr(buf_text(&error), path));
    buf_finish(&error);
}

static void what_was_committed_survives_a_crash(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    patch_twin(f, "d", "{'tags':{'a':1},'properties':{'desired':{'b':2}}}");
    json_t *before = get_twin(f, "d");
    /* This one belongs to a turn that never ends. */
    report(f, "d", "{'lost':1}");
    fixture_kill(f);
    json_t *after = get_twin(f, "d");
    assert_true(json_equal(before, after));
    json_decref(before);
    json_decref(after);
}

/* ---- time ------------------------------------------------------------------------------- */

static void nothing_is_due_for_ever(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    (void)device_online(f, "d");
    fixture_turn(f);
    assert_true(hub_deadline_ms(f->hub) > clock_read(&f->clock).now_ms);
}

static void events_are_kept_for_a_day(void **state)
{
    struct fixture *f = *state;
    struct store_event event;
    make(f, "d");
    struct device *d = device_online(f, "d");
    device_publish(d, "devices/d/messages/events/", "old", 0);
    clock_advance(&f->clock, 12 * HOUR_MS);
    d = device_online(f, "d");
    device_publish(d, "devices/d/messages/events/", "new", 0);
    clock_advance(&f->clock, 12 * HOUR_MS);
    fixture_pass(f, MINUTE_MS);
    assert_true(next_event(f, &event));
    assert_slice(event.body, "new");
    assert_int_equal(event.sequence, 1);
    assert_no_event(f);
    clock_advance(&f->clock, 12 * HOUR_MS);
    fixture_pass(f, MINUTE_MS);
    f->event_offset = 0;
    assert_no_event(f);
    /* Numbers go on all the same. */
    d = device_online(f, "d");
    device_publish(d, "devices/d/messages/events/", "next", 0);
    assert_true(next_event(f, &event));
    assert_int_equal(event.sequence, 2);
}

static void calls_that_wait_end_with_the_hub(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    make(f, "d");
    make(f, "e");
    struct device *e = device_online(f, "e");
    device_subscribe(e, METHODS);
    pending_begin(
        &p, f,
        &(struct ask){.method = "POST",
                      .path = "/twins/d/methods",
                      .body = "{\"methodName\":\"m\",\"connectTimeoutInSeconds\":20}"});
    assert_false(p.exchange.is_done);
    pending_drop(&p);
    /* The leak checker tells when the other one is forgotten. */
    struct hub_method_request request = {
        .target = id_of("d"), .name = SLICE("m"), .response_s = 30, .connect_s = 20};
    uint64_t call = 0;
    assert_int_equal(hub_method_call(f->hub, &request, NULL, NULL, &call), IOTHUB_OK);
    assert_true(call != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name_is_compared_without_case_and_port),
        cmocka_unit_test(hub_without_names_answers_to_all),
        HUB_TEST(hubs_of_one_process_are_apart),
        DISK_TEST(second_owner_of_a_file_is_refused),
        DISK_TEST(folder_that_is_not_there_is_told),
        DISK_TEST(what_was_committed_survives_a_crash),
        HUB_TEST(nothing_is_due_for_ever),
        HUB_TEST(events_are_kept_for_a_day),
        HUB_TEST(calls_that_wait_end_with_the_hub),
    };
    return cmocka_run_group_tests_name("hub.hub", tests, NULL, NULL);
}
