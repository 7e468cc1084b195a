/*
 * Reading the ready file.
 */
#include "service/cli/ready.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "iothub/connection_string.h"
#include "iothub/json.h"
#include "service/cli/file.h"

#define FILE_MAX_BYTES ((size_t)64 * 1024)

static const char *text_member(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* Whether the connection string, if there is one already, is for the file's hub. */
static bool is_same_hub(const struct ready *ready, const json_t *file)
{
    if (ready->connection_string == NULL) {
        return true;
    }
    struct connection_string cs = {0};
    if (!connection_string_parse(slice_of(ready->connection_string), CONNECTION_STRING_SERVICE,
                                 NULL, &cs)) {
        return false;
    }
    bool is_same =
        slice_equal_nocase(slice_of(cs.host_name), slice_of(text_member(file, "hostName")));
    connection_string_finish(&cs);
    return is_same;
}

static bool fill(const json_t *file, bool is_plain, struct buf *error, struct ready *out)
{
    if (!json_is_object(file)) {
        buf_put_text(error, "is no ready file");
        return false;
    }
    if (!is_same_hub(out, file)) {
        return true;
    }
    if (out->port == 0) {
        const char *name = is_plain ? "httpPort" : "httpsPort";
        json_int_t port = json_integer_value(json_object_get(file, name));
        if (port < 1 || port > 65535) {
            buf_putf(error, "has no %s", name);
            return false;
        }
        out->port = port;
    }
    if (out->ca_file == NULL && !is_plain) {
        out->ca_file = mem_dup_text(text_member(file, "caFile"));
    }
    if (out->connection_string == NULL) {
        out->connection_string = mem_dup_text(text_member(file, "connectionString"));
    }
    return true;
}

bool ready_read(struct slice text, bool is_plain, struct buf *error, struct ready *out)
{
    json_t *file = json_parse(text, error);
    if (file == NULL) {
        return false;
    }
    bool is_good = fill(file, is_plain, error, out);
    json_decref(file);
    return is_good;
}

static bool read_path(const char *path, bool is_plain, struct buf *error, struct ready *out)
{
    struct buf text;
    buf_init(&text, FILE_MAX_BYTES);
    bool is_good = file_read(path, &text);
    if (is_good) {
        is_good = ready_read(buf_slice(&text), is_plain, error, out);
    } else {
        buf_put_text(error, strerror(errno));
    }
    mem_free_secret(text.data, text.len);
    return is_good;
}

int ready_resolve(const struct cli_call *call, const struct app_values *values,
                  struct ready *out)
{
    out->connection_string = mem_dup_text(values->connection_string);
    out->ca_file = mem_dup_text(values->ca_file);
    out->port = values->port;
    if (values->ready_file != NULL) {
        struct buf error;
        buf_init(&error, BUF_CAP_OWN);
        bool is_good = read_path(values->ready_file, values->is_plain, &error, out);
        if (!is_good) {
            cli_complain(call, "%s: %s", values->ready_file, buf_text(&error));
        }
        buf_finish(&error);
        if (!is_good) {
            return CLI_FAILED;
        }
    }
    if (out->connection_string == NULL) {
        cli_complain(call, "which hub? Give --connection-string or IOTHUB_CONNECTION_STRING, "
                           "or --ready-file for a local one");
        return CLI_WRONG;
    }
    return CLI_DONE;
}

void ready_finish(struct ready *ready)
{
    if (ready != NULL) {
        mem_free_secret_text(ready->connection_string);
        free(ready->ca_file);
        *ready = (struct ready){0};
    }
}
