/*
 * Writing, reading and removing the ready file.
 */
#include "server/ready_file.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "iothub/json.h"
#include "iothub/limits.h"
#include "server/file.h"
#include "server/secret.h"

#define FILE_CAP ((size_t)64 * KIB)
#define PORT_MAX 65535

static void put_text(struct buf *out, const char *name, const char *value)
{
    buf_putf(out, "  \"%s\": ", name);
    json_put_string_or_null(out, value);
    buf_put_text(out, ",\n");
}

static void put_port(struct buf *out, const char *name, int64_t port)
{
    buf_putf(out, "  \"%s\": ", name);
    if (port == 0) {
        buf_put_text(out, "null");
    } else {
        buf_put_i64(out, port);
    }
    buf_put_text(out, ",\n");
}

static void put_ready(struct buf *out, const struct ready *ready)
{
    buf_put_text(out, "{\n");
    put_text(out, "hostName", ready->host_name);
    put_port(out, "mqttPort", ready->mqtt_port);
    put_port(out, "mqttsPort", ready->mqtts_port);
    put_port(out, "httpPort", ready->http_port);
    put_port(out, "httpsPort", ready->https_port);
    put_text(out, "caFile", ready->ca_file);
    put_text(out, "connectionString", ready->connection_string);
    buf_put_text(out, "  \"pid\": ");
    buf_put_i64(out, ready->pid);
    buf_put_text(out, "\n}\n");
}

bool ready_file_write(const char *path, const struct ready *ready, struct buf *error)
{
    struct buf text;
    buf_init(&text, BUF_CAP_OWN);
    put_ready(&text, ready);
    int result = file_replace(path, S_IRUSR | S_IWUSR, buf_slice(&text));
    secret_finish(&text);
    if (result != 0) {
        buf_putf(error, "ready file %s: %s", path, strerror(-result));
    }
    return result == 0;
}

static bool take_text(const json_t *json, const char *name, char **out)
{
    const json_t *value = json_object_get(json, name);
    *out = mem_dup_text(json_string_value(value));
    return json_is_string(value);
}

static bool take_port(const json_t *json, const char *name, int64_t *out)
{
    const json_t *value = json_object_get(json, name);
    *out = json_integer_value(value);
    return json_is_null(value) || (json_is_integer(value) && *out > 0 && *out <= PORT_MAX);
}

static bool take_ready(const json_t *json, struct ready *out)
{
    const json_t *ca = json_object_get(json, "caFile");
    out->ca_file = mem_dup_text(json_string_value(ca));
    out->pid = json_integer_value(json_object_get(json, "pid"));
    return take_text(json, "hostName", &out->host_name) &&
           take_port(json, "mqttPort", &out->mqtt_port) &&
           take_port(json, "mqttsPort", &out->mqtts_port) &&
           take_port(json, "httpPort", &out->http_port) &&
           take_port(json, "httpsPort", &out->https_port) &&
           take_text(json, "connectionString", &out->connection_string) &&
           (json_is_string(ca) || json_is_null(ca));
}

static enum ready_found parse(const char *path, struct slice text, struct buf *error,
                              struct ready *out)
{
    struct ready ready = {0};
    json_t *json = json_parse(text, NULL);
    bool is_good = take_ready(json, &ready);
    json_decref(json);
    if (!is_good) {
        ready_finish(&ready);
        buf_putf(error, "ready file %s: it is not a ready file of this program", path);
        return READY_BAD;
    }
    *out = ready;
    return READY_FOUND;
}

enum ready_found ready_file_read(const char *path, struct buf *error, struct ready *out)
{
    struct buf text;
    enum ready_found found = READY_MISSING;
    buf_init(&text, FILE_CAP);
    int result = file_read(path, &text);
    if (result == 0) {
        found = parse(path, buf_slice(&text), error, out);
    } else if (result != -ENOENT) {
        buf_putf(error, "ready file %s: %s", path, strerror(-result));
        found = READY_BAD;
    }
    secret_finish(&text);
    return found;
}

void ready_file_remove(const char *path, int64_t pid)
{
    struct ready ready = {0};
    struct buf error;
    buf_init(&error, KIB);
    bool is_ours = pid == 0 ||
                   (ready_file_read(path, &error, &ready) == READY_FOUND && ready.pid == pid);
    /* A file that is gone already is what was wanted. */
    if (is_ours && unlink(path) != 0) {
        errno = 0;
    }
    ready_finish(&ready);
    buf_finish(&error);
}

void ready_finish(struct ready *ready)
{
    if (ready == NULL) {
        return;
    }
    free(ready->host_name);
    free(ready->ca_file);
    mem_free_secret_text(ready->connection_string);
    *ready = (struct ready){0};
}
