/*
 * Reading the ready file.
 */
#include "cli/ready.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/file.h"
#include "iothub/json.h"

#define FILE_MAX_BYTES ((size_t)64 * 1024)

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

static bool is_same_hub(const struct cli_ready *ready, const json_t *file)
{
    return ready->connection_string == NULL ||
           slice_equal_nocase(host_of(slice_of(ready->connection_string)),
                              json_string_slice(json_object_get(file, "hostName")));
}

static char *dup_member(const json_t *file, const char *name)
{
    return mem_dup_text(json_string_value(json_object_get(file, name)));
}

static bool fill(struct cli_ready *ready, const json_t *file, struct cli_ready_port port,
                 struct buf *error)
{
    if (!json_is_object(file) || !json_is_string(json_object_get(file, "hostName"))) {
        buf_put_text(error, "it is no ready file of an emulator");
        return false;
    }
    if (!is_same_hub(ready, file)) {
        return true;
    }
    if (ready->port == 0) {
        json_int_t number = json_integer_value(json_object_get(file, port.member));
        if (number < 1 || number > 65535) {
            buf_putf(error, "it has no %s: the emulator does not listen there%s", port.member,
                     port.is_plain ? "" : "; its plain port, if it has one, takes --plain");
            return false;
        }
        ready->port = number;
    }
    if (ready->ca_file == NULL && !port.is_plain) {
        ready->ca_file = dup_member(file, "caFile");
    }
    if (ready->connection_string == NULL) {
        ready->connection_string = dup_member(file, "connectionString");
    }
    return true;
}

bool cli_ready_fill(struct cli_ready *ready, struct slice text, struct cli_ready_port port,
                    struct buf *error)
{
    json_t *file = json_parse(text, error);
    if (file == NULL) {
        return false;
    }
    bool is_good = fill(ready, file, port, error);
    json_decref(file);
    return is_good;
}

int cli_ready_read(const struct cli_call *call, const char *path, struct cli_ready_port port,
                   struct cli_ready *ready)
{
    struct buf text;
    struct buf error;
    buf_init(&text, FILE_MAX_BYTES);
    buf_init(&error, BUF_CAP_OWN);
    int result = cli_file_read(path, &text);
    if (result != 0) {
        buf_put_text(&error, strerror(-result));
    }
    bool is_good = result == 0 && cli_ready_fill(ready, buf_slice(&text), port, &error);
    if (!is_good) {
        cli_complain(call, "%s: %s", path, buf_text(&error));
    }
    mem_free_secret(text.data, text.len);
    buf_finish(&error);
    return is_good ? CLI_DONE : CLI_FAILED;
}

void cli_ready_finish(struct cli_ready *ready)
{
    if (ready == NULL) {
        return;
    }
    mem_free_secret_text(ready->connection_string);
    free(ready->ca_file);
    *ready = (struct cli_ready){0};
}
