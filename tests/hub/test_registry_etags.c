/*
 * Conditions of registry writes: If-Match decides between creating and changing.
 * Source: IoT Hub REST, "Devices - Create or Update Identity"; the SDKs' registry clients.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/coding.h"
#include "hub/device.h"
#include "hub/service.h"
#include "iothub/json.h"

/* The counter an identity's etag is made of. */
static int64_t counter_of(const char *etag)
{
    int64_t counter = 0;
    struct buf text = {.cap = 100};
    assert_true(base64_decode(&text, slice_of(etag)));
    assert_true(slice_to_i64(buf_slice(&text), &counter));
    buf_finish(&text);
    return counter;
}

enum etag_form {
    FORM_NONE,
    FORM_TEXT, /* as it stands in the row */
    FORM_QUOTED,
    FORM_PLAIN,
    FORM_WEAK,
};

struct condition_row {
    const char *method;
    enum etag_form form;
    const char *text;
    enum iothub_status when_there; /* IOTHUB_OK: done */
    bool creates;                  /* else what is missing is not found */
};

static const struct condition_row conditions[] = {
    {"PUT",    FORM_NONE,   NULL,           IOTHUB_DEVICE_ALREADY_EXISTS, true },
    {"PUT",    FORM_TEXT,   "",             IOTHUB_DEVICE_ALREADY_EXISTS, true },
    {"PUT",    FORM_TEXT,   "\"\"",         IOTHUB_DEVICE_ALREADY_EXISTS, true },
    {"PUT",    FORM_TEXT,   "*",            IOTHUB_OK,                    false},
    {"PUT",    FORM_TEXT,   "\"*\"",        IOTHUB_OK,                    false},
    {"PUT",    FORM_QUOTED, NULL,           IOTHUB_OK,                    false},
    {"PUT",    FORM_PLAIN,  NULL,           IOTHUB_OK,                    false},
    {"PUT",    FORM_WEAK,   NULL,           IOTHUB_OK,                    false},
    {"PUT",    FORM_TEXT,   "\"abc\"",      IOTHUB_PRECONDITION_FAILED,   false},
    {"PUT",    FORM_TEXT,   "\"MjQxNzkx\"", IOTHUB_PRECONDITION_FAILED,   false},
    {"DELETE", FORM_TEXT,   "*",            IOTHUB_OK,                    false},
    {"DELETE", FORM_TEXT,   "\"*\"",        IOTHUB_OK,                    false},
    {"DELETE", FORM_QUOTED, NULL,           IOTHUB_OK,                    false},
    {"DELETE", FORM_PLAIN,  NULL,           IOTHUB_OK,                    false},
    {"DELETE", FORM_TEXT,   "\"abc\"",      IOTHUB_PRECONDITION_FAILED,   false},
};

static void write_form(char *out, size_t size, enum etag_form form, const char *etag)
{
    (void)snprintf(out, size, "%s%s%s",
                   form == FORM_WEAK     ? "W/\""
                   : form == FORM_QUOTED ? "\""
                                         : "",
                   etag, form == FORM_PLAIN ? "" : "\"");
}

static void check_condition(struct fixture *f, const struct condition_row *row,
                            const char *path, const char *etag, enum iothub_status want)
{
    char if_match[100];
    struct ask asked = {.method = row->method, .path = path};
    asked.body = row->method[0] == 'P' ? "{}" : NULL;
    asked.if_match = row->text;
    if (row->form > FORM_TEXT) {
        write_form(if_match, sizeof(if_match), row->form, etag);
        asked.if_match = if_match;
    }
    struct reply reply = ask(f, &asked);
    int want_http = want != IOTHUB_OK       ? iothub_status_http(want)
                    : row->method[0] == 'P' ? 200
                                            : 204;
    if (reply.status != want_http) {
        print_error("%s %s if %s: %d\n", row->method, path,
                    asked.if_match == NULL ? "(none)" : asked.if_match, reply.status);
    }
    assert_int_equal(reply.status, want_http);
    if (want == IOTHUB_OK) {
        reply_end(&reply);
    } else {
        expect_error(reply, want);
    }
}

static void condition_decides_between_creating_and_changing(void **state)
{
    struct fixture *f = *state;
    make(f, "p");
    for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
        const struct condition_row *row = &conditions[i];
        char id[20];
        char path[60];
        (void)snprintf(id, sizeof(id), "d%zu", i);
        (void)snprintf(path, sizeof(path), "/devices/%s", id);
        check_condition(f, row, path, "MTIz",
                        row->creates ? IOTHUB_OK : IOTHUB_DEVICE_NOT_FOUND);
        if (!row->creates) {
            make(f, id);
        }
        json_t *device = get_identity(f, id);
        check_condition(f, row, path, text_below(device, "etag"), row->when_there);
        json_decref(device);
    }
}

static void condition_decides_for_modules_too(void **state)
{
    struct fixture *f = *state;
    make(f, "p");
    for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
        struct condition_row row = conditions[i];
        char id[20];
        char path[60];
        (void)snprintf(id, sizeof(id), "p/m%zu", i);
        (void)snprintf(path, sizeof(path), "/devices/p/modules/m%zu", i);
        check_condition(f, &row, path, "MTIz",
                        row.creates ? IOTHUB_OK : IOTHUB_MODULE_NOT_FOUND);
        if (!row.creates) {
            make(f, id);
        }
        if (row.when_there == IOTHUB_DEVICE_ALREADY_EXISTS) {
            row.when_there = IOTHUB_MODULE_ALREADY_EXISTS_ON_DEVICE;
        }
        json_t *module = get_identity(f, id);
        check_condition(f, &row, path, text_below(module, "etag"), row.when_there);
        json_decref(module);
    }
}

static void etag_in_the_body_is_no_condition(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    json_t *device = get_identity(f, "d");
    char *text = json_text(device);
    ask_fails(f, IOTHUB_DEVICE_ALREADY_EXISTS,
              &(struct ask){.method = "PUT", .path = "/devices/d", .body = text});
    free(text);
    json_object_set_new(device, "etag", json_string("bm8="));
    text = json_text(device);
    json_decref(ask_json(
        f, 200,
        &(struct ask){.method = "PUT", .path = "/devices/d", .body = text, .if_match = "*"}));
    free(text);
    json_decref(device);
}

static void each_update_counts_the_etag_up(void **state)
{
    struct fixture *f = *state;
    json_t *created = rest(f, 200, "PUT", "/devices/d", "{}");
    json_t *updated = ask_json(
        f, 200,
        &(struct ask){.method = "PUT", .path = "/devices/d", .if_match = "*", .body = "{}"});
    assert_int_equal(counter_of(text_below(updated, "etag")),
                     counter_of(text_below(created, "etag")) + 1);
    json_t *twin = get_twin(f, "d");
    assert_string_equal(text_below(twin, "deviceEtag"), text_below(updated, "etag"));
    assert_string_equal(text_below(twin, "etag"), "AAAAAAAAAAE=");
    json_decref(created);
    json_decref(updated);
    json_decref(twin);
}

static void refused_update_changes_nothing(void **state)
{
    struct fixture *f = *state;
    make(f, "d");
    json_t *before = get_identity(f, "d");
    ask_fails(f, IOTHUB_ARGUMENT_INVALID,
              &(struct ask){.method = "PUT",
                            .path = "/devices/d",
                            .if_match = "*",
                            .body = "{\"statusReason\":\"x\",\"status\":\"off\"}"});
    ask_fails(f, IOTHUB_PRECONDITION_FAILED,
              &(struct ask){.method = "PUT",
                            .path = "/devices/d",
                            .if_match = "\"abc\"",
                            .body = "{\"statusReason\":\"x\"}"});
    json_t *after = get_identity(f, "d");
    assert_true(json_equal(before, after));
    json_decref(before);
    json_decref(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(condition_decides_between_creating_and_changing),
        HUB_TEST(condition_decides_for_modules_too),
        HUB_TEST(etag_in_the_body_is_no_condition),
        HUB_TEST(each_update_counts_the_etag_up),
        HUB_TEST(refused_update_changes_nothing),
    };
    return cmocka_run_group_tests_name("hub.registry_etags", tests, NULL, NULL);
}
