/*
 * Reading the ready file.
 */
#include "device/cli/ready.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/mem.h"
#include "iothub/json.h"

/* The host of a connection string of whichever kind; empty when it has none. */
static struct slice host_of(struct slice connection_string)
{
    struct slice rest = connection_string;
    struct slice part = {0};
    const struct slice name = SLICE("HostName=");
    while (slice_next(&rest, ';', &part)) {
        part = slice_trim(part);
        if (slice_starts_with_nocase(part, name)) {
            return slice_from(part, name.len);
        }
    }
    return (struct slice){0};
}

static bool is_same_hub(const struct ready *ready, const json_t *file)
{
    return ready->connection_string == NULL ||
           slice_equal_nocase(host_of(slice_of(ready->connection_string)),
                              json_string_slice(json_object_get(file, "hostName")));
}

static char *dup_member(const json_t *file, const char *name)
{
    return mem_dup_text(json_string_value(json_object_get(file, name)));
}

static bool fill(struct ready *ready, const json_t *file, bool is_plain, struct buf *error)
{
    if (!json_is_object(file) || !json_is_string(json_object_get(file, "hostName"))) {
        buf_put_text(error, "it is no ready file of an emulator");
        return false;
    }
    if (!is_same_hub(ready, file)) {
        return true;
    }
    if (ready->port == 0) {
        const char *name = is_plain ? "mqttPort" : "mqttsPort";
        json_int_t port = json_integer_value(json_object_get(file, name));
        if (port < 1 || port > 65535) {
            buf_putf(error, "it has no %s: the emulator does not listen there", name);
            return false;
        }
        ready->port = port;
    }
    if (ready->ca_file == NULL && !is_plain) {
        ready->ca_file = dup_member(file, "caFile");
    }
    if (ready->connection_string == NULL) {
        ready->connection_string = dup_member(file, "connectionString");
    }
    return true;
}

bool ready_fill(struct ready *ready, struct slice text, bool is_plain, struct buf *error)
{
    json_t *file = json_parse(text, error);
    if (file == NULL) {
        return false;
    }
    bool is_good = fill(ready, file, is_plain, error);
    json_decref(file);
    return is_good;
}

void ready_finish(struct ready *ready)
{
    if (ready == NULL) {
        return;
    }
    mem_free_secret_text(ready->connection_string);
    free(ready->ca_file);
    *ready = (struct ready){0};
}
