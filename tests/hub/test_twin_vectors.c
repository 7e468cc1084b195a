/*
 * Every row of tests/data/twins: writes with their outcome, values that are in or out of
 * bounds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "hub/device.h"
#include "hub/service.h"
#include "iothub/json.h"

static json_t *load(const char *name)
{
    char path[1000];
    json_error_t error;
    (void)snprintf(path, sizeof(path), TEST_DATA_DIR "/twins/%s.json", name);
    json_t *data = json_load_file(path, 0, &error);
    if (data == NULL) {
        print_error("%s:%d: %s\n", error.source, error.line, error.text);
        fail();
    }
    return data;
}

static const char *member(const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));
    return text == NULL ? "" : text;
}

/* {"tags":…} or {"properties":{"desired":…}} as a text. */
static char *request_of(const char *section, json_t *value)
{
    json_t *body = strcmp(section, "tags") == 0
                       ? json_pack("{s:O}", "tags", value)
                       : json_pack("{s:{s:O}}", "properties", section, value);
    char *text = json_text(body);
    json_decref(body);
    return text;
}

/* The service's or the device's write, by the section; answers the HTTP status. */
static int write_section(struct fixture *f, const char *method, const char *section,
                         json_t *value)
{
    if (strcmp(section, "reported") == 0) {
        char *text = json_text(value);
        int64_t version = 0;
        enum iothub_status status =
            hub_twin_report(f->hub, id_of("d"), slice_of(text), &version);
        free(text);
        return iothub_status_http(status);
    }
    char *text = request_of(section, value);
    struct reply reply =
        ask(f, &(struct ask){.method = method, .path = "/twins/d", .body = text});
    int status = reply.status;
    if (status == 200) {
        reply_end(&reply);
    } else {
        expect_error(reply, IOTHUB_ARGUMENT_INVALID);
    }
    free(text);
    return status;
}

static const json_t *section_of(const json_t *twin, const char *section)
{
    char path[60] = "tags";
    if (strcmp(section, "tags") != 0) {
        (void)snprintf(path, sizeof(path), "properties.%s", section);
    }
    return json_below(twin, path);
}

/* ---- writes ----------------------------------------------------------------------------- */

static bool bumps(const json_t *row, const char *counter)
{
    size_t i = 0;
    json_t *name = NULL;
    json_array_foreach(json_object_get(row, "bumps"), i, name)
    {
        if (strcmp(json_string_value(name), counter) == 0) {
            return true;
        }
    }
    return false;
}

static void check_counters(const json_t *row, const json_t *before, const json_t *after)
{
    static const struct {
        const char *name;
        const char *path;
    } counters[] = {
        {"version",           "version"                     },
        {"desired.$version",  "properties.desired.$version" },
        {"reported.$version", "properties.reported.$version"},
    };
    for (size_t i = 0; i < ARRAY_LEN(counters); i++) {
        int64_t step = number_below(after, counters[i].path) -
                       number_below(before, counters[i].path);
        assert_int_equal(step, bumps(row, counters[i].name) ? 1 : 0);
    }
    bool has_new_etag = strcmp(text_below(before, "etag"), text_below(after, "etag")) != 0;
    assert_int_equal(has_new_etag, bumps(row, "etag"));
}

static void check_content(const json_t *row, const json_t *twin)
{
    char *want = json_text(json_object_get(row, "after"));
    const json_t *section = section_of(twin, member(row, "section"));
    assert_section(section == NULL ? json_object_get(row, "nothing") : section, want);
    free(want);
}

/* What the device was told, with the version it was told with. */
static void check_notification(const json_t *row, struct device *d, const json_t *twin)
{
    const json_t *want = json_object_get(row, "deviceNotification");
    char topic[100];
    if (want == NULL) {
        assert_heard(d, "");
        return;
    }
    long long version = number_below(twin, "properties.desired.$version");
    struct mqtt_publish publish = device_next_publish(d);
    (void)snprintf(topic, sizeof(topic), "$iothub/twin/PATCH/properties/desired/?$version=%lld",
                   version);
    assert_slice(publish.topic, topic);
    json_t *told = json_parse(publish.payload, NULL);
    assert_int_equal(number_below(told, "$version"), version);
    json_object_del(told, "$version");
    char *text = json_text(want);
    assert_json(told, text);
    free(text);
    json_decref(told);
    assert_heard(d, "");
}

static void check_write(struct fixture *f, const json_t *row)
{
    const char *section = member(row, "section");
    make(f, "d");
    assert_int_equal(write_section(f, "PATCH", section, json_object_get(row, "before")), 200);
    json_t *before = get_twin(f, "d");
    struct device *d = device_online(f, "d");
    device_subscribe(d, DESIRED);
    assert_int_equal(
        write_section(f, member(row, "method"), section, json_object_get(row, "body")), 200);
    json_t *after = get_twin(f, "d");
    check_content(row, after);
    check_notification(row, d, after);
    check_counters(row, before, after);
    json_decref(before);
    json_decref(after);
    rest_done(f, 204, "DELETE", "/devices/d", NULL);
}

static void every_write_has_its_outcome(void **state)
{
    size_t i = 0;
    json_t *row = NULL;
    json_t *data = load("writes");
    json_array_foreach(json_object_get(data, "rows"), i, row)
    {
        print_message("  %s\n", member(row, "name"));
        check_write(*state, row);
    }
    assert_true(i > 0);
    json_decref(data);
}

/* ---- bounds ----------------------------------------------------------------------------- */

static json_t *repeated(const char *text, json_int_t count)
{
    struct buf out = {.cap = BUF_CAP_OWN};
    for (json_int_t i = 0; i < count; i++) {
        buf_put_text(&out, text);
    }
    json_t *value = json_stringn(buf_text(&out), out.len);
    buf_finish(&out);
    return value;
}

static json_int_t number(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

/* The value that `generate` describes. */
static json_t *generated(const json_t *how)
{
    json_t *value = json_object();
    size_t i = 0;
    json_t *key = NULL;
    if (json_object_get(how, "keyRepeat") != NULL) {
        json_t *name = repeated(member(how, "keyRepeat"), number(how, "keyCount"));
        json_object_set(value, json_string_value(name), json_object_get(how, "leaf"));
        json_decref(name);
        return value;
    }
    if (json_object_get(how, "key") != NULL) {
        json_object_set_new(value, member(how, "key"),
                            repeated(member(how, "valueRepeat"), number(how, "valueCount")));
    }
    json_array_foreach(json_object_get(how, "keys"), i, key)
    {
        json_object_set_new(value, json_string_value(key),
                            repeated(member(how, "valueRepeat"), number(how, "valueCount")));
    }
    if (json_object_get(how, "lastKey") != NULL) {
        json_object_set_new(
            value, member(how, "lastKey"),
            repeated(member(how, "valueRepeat"), number(how, "lastValueCount")));
    }
    return value;
}

static void check_bound(struct fixture *f, const json_t *row, const char *method)
{
    const char *section = member(row, "section");
    json_t *value = json_object_get(row, "generate") != NULL
                        ? generated(json_object_get(row, "generate"))
                        : json_incref(json_object_get(row, "value"));
    make(f, "d");
    int want = (int)number(row, "status");
    int have = write_section(f, method, section, value);
    if (have != want) {
        print_error("%s by %s: %d\n", member(row, "name"), method, have);
    }
    assert_int_equal(have, want);
    json_t *twin = get_twin(f, "d");
    json_t *stored = json_copy((json_t *)(uintptr_t)section_of(twin, section));
    json_object_del(stored, "$metadata");
    json_object_del(stored, "$version");
    if (want == 200) {
        assert_true(json_equal(stored, value));
    } else {
        assert_int_equal(json_object_size(stored), 0);
    }
    json_decref(stored);
    json_decref(twin);
    json_decref(value);
    rest_done(f, 204, "DELETE", "/devices/d", NULL);
}

static void every_bound_is_kept(void **state)
{
    size_t i = 0;
    json_t *row = NULL;
    json_t *data = load("limits");
    json_array_foreach(json_object_get(data, "rows"), i, row)
    {
        print_message("  %s\n", member(row, "name"));
        check_bound(*state, row, "PATCH");
        check_bound(*state, row, "PUT");
    }
    assert_true(i > 0);
    json_decref(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(every_write_has_its_outcome),
        HUB_TEST(every_bound_is_kept),
    };
    return cmocka_run_group_tests_name("hub.twin_vectors", tests, NULL, NULL);
}
