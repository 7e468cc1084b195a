/*
 * Starting emulators and clients.
 */
#include "e2e/emulator.h"

#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "iothub/json.h"

enum {
    ARGUMENTS_MAX = 48,
    PORT_TEXT_SIZE = 24,
};

static const struct {
    const char *option;
    const char *member;
} ports[EMULATOR_PORTS] = {
    [EMULATOR_MQTTS] = {"--mqtts-port", "mqttsPort"},
    [EMULATOR_HTTPS] = {"--https-port", "httpsPort"},
    [EMULATOR_MQTT] = {"--mqtt-port",  "mqttPort" },
    [EMULATOR_HTTP] = {"--http-port",  "httpPort" },
};

/* A list of texts that is made piece by piece. */
struct arguments {
    const char *texts[ARGUMENTS_MAX + 1];
    size_t n;
};

static void add(struct arguments *list, const char *text)
{
    assert_true(list->n < ARGUMENTS_MAX);
    list->texts[list->n++] = text;
}

static void add_all(struct arguments *list, const char *const texts[])
{
    for (; *texts != NULL; texts++) {
        add(list, *texts);
    }
}

/* ---- the emulator ---- */

void emulator_init(struct emulator *e, struct scene *scene)
{
    *e = (struct emulator){.scene = scene};
    scene_path(scene, "data", e->data_dir);
    scene_path(scene, "ready.json", e->ready_file);
}

struct process *emulator_verb(struct emulator *e, const char *const arguments[])
{
    struct arguments all = {.n = 0};
    add_all(&all, arguments);
    add_all(&all, TEXTS("--data-dir", e->data_dir));
    return process_start(e->scene, &(struct process_plan){.program = EMULATOR_PROGRAM,
                                                          .arguments = all.texts,
                                                          .n_descriptors = e->n_descriptors});
}

struct process *emulator_try(struct emulator *e, const char *const options[])
{
    char texts[EMULATOR_PORTS][PORT_TEXT_SIZE];
    struct arguments all = {.n = 0};
    add_all(&all, TEXTS("run", "--ready-file", e->ready_file));
    for (size_t i = 0; i < EMULATOR_PORTS; i++) {
        snprintf(texts[i], sizeof(texts[i]), "%" PRId64, e->keeps_ports ? e->ports[i] : 0);
        add(&all, ports[i].option);
        add(&all, texts[i]);
    }
    add_all(&all, options);
    return emulator_verb(e, all.texts);
}

static void copy_member(const json_t *ready, const char *name, char *out, size_t size)
{
    const char *text = json_string_value(json_object_get(ready, name));
    int len = snprintf(out, size, "%s", text == NULL ? "" : text);
    assert_in_range(len, 0, size - 1);
}

void emulator_start(struct emulator *e, const char *const options[])
{
    e->process = emulator_try(e, options);
    /* The banner's last line; the ready file is there by then. */
    process_wait_for(e->process, PROCESS_OUT, "\n  service  ");
    process_wait_for(e->process, PROCESS_OUT, "\n");
    json_t *ready = read_json(e->ready_file);
    for (size_t i = 0; i < EMULATOR_PORTS; i++) {
        e->ports[i] = json_integer_value(json_object_get(ready, ports[i].member));
    }
    copy_member(ready, "caFile", e->ca_file, sizeof(e->ca_file));
    copy_member(ready, "connectionString", e->connection_string, sizeof(e->connection_string));
    json_decref(ready);
}

void emulator_stop(struct emulator *e)
{
    process_signal(e->process, SIGTERM);
    process_end_with(e->process, 0);
}

/* ---- the clients ---- */

static struct process *client_start(struct emulator *e, const char *program,
                                    const char *const arguments[])
{
    char variable[SCENE_PATH_SIZE + 32];
    snprintf(variable, sizeof(variable), "IOTHUB_READY_FILE=%s", e->ready_file);
    return process_start(e->scene, &(struct process_plan){.program = program,
                                                          .arguments = arguments,
                                                          .variables = TEXTS(variable)});
}

struct process *service_start(struct emulator *e, const char *const arguments[])
{
    return client_start(e, SERVICE_PROGRAM, arguments);
}

struct process *device_start(struct emulator *e, const char *const arguments[])
{
    return client_start(e, DEVICE_PROGRAM, arguments);
}

static const char *finish(struct process *process)
{
    process_end_with(process, 0);
    return process_text(process, PROCESS_OUT);
}

const char *service_run(struct emulator *e, const char *const arguments[])
{
    return finish(service_start(e, arguments));
}

const char *device_run(struct emulator *e, const char *const arguments[])
{
    return finish(device_start(e, arguments));
}

static json_t *parse(const char *what, const char *text)
{
    struct buf error;
    buf_init(&error, BUF_CAP_OWN);
    json_t *json = json_parse(slice_of(text), &error);
    if (json == NULL) {
        print_error("%s is not JSON: %s\n%s\n", what, buf_text(&error), text);
    }
    buf_finish(&error);
    assert_non_null(json);
    return json;
}

json_t *service_ask(struct emulator *e, const char *const arguments[])
{
    struct arguments all = {.n = 0};
    add_all(&all, arguments);
    add_all(&all, TEXTS("--output", "json"));
    return parse("the answer", service_run(e, all.texts));
}

void device_create(struct emulator *e, const char *id, char out[EMULATOR_TEXT_SIZE])
{
    service_run(e, TEXTS("device", "create", id));
    const char *text = service_run(e, TEXTS("device", "connection-string", id));
    int len = snprintf(out, EMULATOR_TEXT_SIZE, "%.*s", (int)strcspn(text, "\n"), text);
    assert_in_range(len, 1, EMULATOR_TEXT_SIZE - 1);
}

struct process *device_play(struct emulator *e, const char *connection_string,
                            const char *const options[])
{
    struct arguments all = {.n = 0};
    add_all(&all, TEXTS("run", "--connection-string", connection_string));
    add_all(&all, options);
    struct process *process = device_start(e, all.texts);
    process_wait_for(process, PROCESS_OUT, "waiting for commands, press Ctrl-C to exit\n");
    return process;
}

const char *key_of(const char *connection_string)
{
    static const char name[] = "SharedAccessKey=";
    const char *found = strstr(connection_string, name);
    assert_non_null(found);
    return found + strlen(name);
}

/* ---- JSON ---- */

json_t *read_json(const char *path)
{
    json_error_t error;
    json_t *json = json_load_file(path, 0, &error);
    if (json == NULL) {
        print_error("%s: %s\n", path, error.text);
    }
    assert_non_null(json);
    return json;
}

static bool has_all(const json_t *value, const json_t *wanted)
{
    if (!json_is_object(wanted)) {
        return json_equal(value, wanted) != 0;
    }
    const char *name = NULL;
    json_t *member = NULL;
    json_object_foreach((json_t *)(uintptr_t)wanted, name, member)
    {
        const json_t *found = json_object_get(value, name);
        if (found == NULL || !has_all(found, member)) {
            return false;
        }
    }
    return json_is_object(value);
}

void expect_json(const json_t *value, const char *wanted)
{
    json_t *tree = parse("what is wanted", wanted);
    bool is_there = has_all(value, tree);
    json_decref(tree);
    if (!is_there) {
        char *text = value == NULL ? NULL : json_text(value);
        print_error("wanted %s\nin     %s\n", wanted, text == NULL ? "nothing" : text);
        free(text);
    }
    assert_true(is_there);
}
