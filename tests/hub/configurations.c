/*
 * Configurations for tests.
 */
#include "hub/configurations.h"

#include <stdio.h>
#include <stdlib.h>

#include "iothub/json.h"

static void write_path(char path[200], const char *id)
{
    (void)snprintf(path, 200, "/configurations/%s", id);
}

/* If there is one, it is updated. */
static bool exists(struct fixture *f, const char *path)
{
    struct reply reply = ask(f, &(struct ask){.method = "GET", .path = path});
    bool is_there = reply.status == 200;
    reply_end(&reply);
    return is_there;
}

void configure(struct fixture *f, const char *id, int priority, const char *condition,
               const char *content)
{
    char path[200];
    json_t *body = json_object();
    write_path(path, id);
    json_object_set_new(body, "priority", json_integer(priority));
    json_object_set_new(body, "targetCondition", json_string(condition));
    json_object_set_new(body, "content", json_from(content));
    char *text = json_text(body);
    json_decref(ask_json(f, 200,
                         &(struct ask){.method = "PUT",
                                       .path = path,
                                       .body = text,
                                       .if_match = exists(f, path) ? "*" : NULL}));
    free(text);
    json_decref(body);
}

void unconfigure(struct fixture *f, const char *id)
{
    char path[200];
    write_path(path, id);
    rest_done(f, 204, "DELETE", path, NULL);
}

json_t *get_configuration(struct fixture *f, const char *id)
{
    char path[200];
    write_path(path, id);
    return rest(f, 200, "GET", path, NULL);
}

void settle(struct fixture *f)
{
    fixture_pass(f, 10 * SECOND_MS);
}

void assert_desired(struct fixture *f, const char *id, const char *want)
{
    json_t *twin = get_twin(f, id);
    assert_section(json_below(twin, "properties.desired"), want);
    json_decref(twin);
}

void assert_statuses(struct fixture *f, const char *id, const char *want)
{
    json_t *twin = get_twin(f, id);
    json_t *statuses = json_object();
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(json_below(twin, "configurations"), name, value)
    {
        assert_int_equal(json_object_size(value), 1);
        json_object_set(statuses, name, json_object_get(value, "status"));
    }
    /* Where none targets it, there is no member. */
    assert_int_equal(json_below(twin, "configurations") != NULL,
                     json_object_size(statuses) != 0);
    assert_json(statuses, want);
    json_decref(statuses);
    json_decref(twin);
}

int64_t desired_version(struct fixture *f, const char *id)
{
    json_t *twin = get_twin(f, id);
    int64_t version = number_below(twin, "properties.desired.$version");
    json_decref(twin);
    return version;
}
