/*
 * From options to devices.
 *
 * A device's connection string names its device.  A policy's names none: then --device-id or
 * --device-prefix do, and each device gets a connection string that the policy's key signs for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/file.h"
#include "cli/ready.h"
#include "device/cli/app.h"
#include "iothub/connection_string.h"
#include "iothub/identity.h"

#define FILE_MAX_BYTES ((size_t)16 * 1024 * 1024)

/* Takes the text and the name. */
static void append_take(struct roster *roster, char **connection_string, char **name)
{
    size_t n = roster->n_devices + 1;
    roster->connection_strings =
        mem_grow(roster->connection_strings, n, sizeof(*roster->connection_strings));
    roster->names = mem_grow(roster->names, n, sizeof(*roster->names));
    roster->connection_strings[n - 1] = *connection_string;
    roster->names[n - 1] = *name;
    roster->n_devices = n;
    *connection_string = NULL;
    *name = NULL;
}

static void append(struct roster *roster, const struct connection_string *cs)
{
    struct buf text;
    struct buf name;
    buf_init(&text, BUF_CAP_OWN);
    buf_init(&name, BUF_CAP_OWN);
    connection_string_write(&text, cs);
    buf_put_text(&name, cs->device_id);
    if (cs->module_id != NULL) {
        buf_putf(&name, "/%s", cs->module_id);
    }
    char *text_owned = buf_take_text(&text);
    char *name_owned = buf_take_text(&name);
    append_take(roster, &text_owned, &name_owned);
}

/* One device of a policy, or all of a prefix; `policy` is changed for each and put back. */
static void append_of_policy(struct roster *roster, const struct app_values *v,
                             struct connection_string *policy)
{
    if (v->device_id != NULL) {
        policy->device_id = v->device_id;
        append(roster, policy);
        policy->device_id = NULL;
        return;
    }
    int64_t count = v->count == 0 ? 1 : v->count;
    for (int64_t i = 1; i <= count; i++) {
        char id[192];
        (void)snprintf(id, sizeof(id), "%s-%lld", v->device_prefix, (long long)i);
        policy->device_id = id;
        append(roster, policy);
        policy->device_id = NULL;
    }
}

static int add_policy(const struct cli_call *call, struct roster *roster,
                      struct connection_string *policy)
{
    const struct app_values *v = call->values;
    if ((v->device_id == NULL) == (v->device_prefix == NULL)) {
        cli_complain(call, v->device_id == NULL
                               ? "the connection string is a policy's: which device? Give "
                                 "--device-id, or --device-prefix with run or fleet"
                               : "--device-id and --device-prefix exclude each other");
        return CLI_WRONG;
    }
    if (v->device_id != NULL && v->count > 1) {
        cli_complain(call, "--count wants --device-prefix instead of --device-id");
        return CLI_WRONG;
    }
    const char *id = v->device_id != NULL ? v->device_id : v->device_prefix;
    if (!identity_is_valid_id(slice_of(id))) {
        cli_complain(call, "\"%s\" is no device id", id);
        return CLI_WRONG;
    }
    append_of_policy(roster, v, policy);
    return CLI_DONE;
}

static int add_device(const struct cli_call *call, struct roster *roster, struct slice text)
{
    const struct app_values *v = call->values;
    struct connection_string cs = {0};
    struct buf error;
    buf_init(&error, BUF_CAP_OWN);
    int code = CLI_DONE;
    if (!connection_string_parse(text, CONNECTION_STRING_DEVICE, &error, &cs)) {
        cli_complain(call, "connection string: %s", buf_text(&error));
        code = CLI_WRONG;
    } else if (v->device_id != NULL || v->device_prefix != NULL || v->count > 1) {
        cli_complain(call,
                     "--device-id, --device-prefix and --count want the connection string "
                     "of a hub's policy; this one names a device");
        code = CLI_WRONG;
    } else {
        append(roster, &cs);
    }
    connection_string_finish(&cs);
    buf_finish(&error);
    return code;
}

/* A policy's string if it is one, else a device's. */
static int add_string(const struct cli_call *call, struct roster *roster, struct slice text)
{
    struct connection_string policy = {0};
    if (!connection_string_parse(text, CONNECTION_STRING_SERVICE, NULL, &policy)) {
        return add_device(call, roster, text);
    }
    int code = CLI_WRONG;
    if (policy.shared_access_key == NULL) {
        cli_complain(call, "a policy's connection string must have its key");
    } else {
        code = add_policy(call, roster, &policy);
    }
    connection_string_finish(&policy);
    return code;
}

static int add_lines(const struct cli_call *call, struct roster *roster, const char *path)
{
    struct buf text;
    buf_init(&text, FILE_MAX_BYTES);
    int result = cli_file_read(path, &text);
    int code = CLI_DONE;
    if (result != 0) {
        cli_complain(call, "%s: %s", path, strerror(-result));
        code = CLI_FAILED;
    }
    struct slice rest = buf_slice(&text);
    struct slice line = {0};
    while (code == CLI_DONE && slice_next(&rest, '\n', &line)) {
        line = slice_trim(line);
        if (line.len != 0 && line.data[0] != '#') {
            code = add_device(call, roster, line);
        }
    }
    mem_free_secret(text.data, text.len);
    if (code == CLI_DONE && roster->n_devices == 0) {
        cli_complain(call, "%s: there is no connection string in it", path);
        code = CLI_WRONG;
    }
    return code;
}

static struct cli_ready_port port_of(const struct app_values *v, enum roster_protocol protocol)
{
    switch (protocol) {
    case ROSTER_MQTT:
        return (struct cli_ready_port){v->is_plain ? "mqttPort" : "mqttsPort", v->is_plain};
    case ROSTER_HTTP:
        return (struct cli_ready_port){v->is_plain ? "httpPort" : "httpsPort", v->is_plain};
    }
    return (struct cli_ready_port){0};
}

static int fill(const struct cli_call *call, enum roster_protocol protocol,
                struct cli_ready *ready, struct roster *roster)
{
    const struct app_values *v = call->values;
    struct cli_ready_port port = port_of(v, protocol);
    int code = v->ready_file == NULL ? CLI_DONE
                                     : cli_ready_read(call, v->ready_file, port, ready);
    if (code != CLI_DONE) {
        return code;
    }
    roster->ca_file = mem_dup_text(ready->ca_file);
    roster->port = ready->port;
    if (v->connection_strings != NULL) {
        return add_lines(call, roster, v->connection_strings);
    }
    if (ready->connection_string == NULL) {
        cli_complain(call, "which device? Give --connection-string or "
                           "IOTHUB_DEVICE_CONNECTION_STRING, or --ready-file and --device-id "
                           "for a local hub");
        return CLI_WRONG;
    }
    return add_string(call, roster, slice_of(ready->connection_string));
}

int roster_init(const struct cli_call *call, enum roster_protocol protocol, struct roster *out)
{
    const struct app_values *v = call->values;
    /* A file of connection strings takes the place of the one in the environment. */
    bool is_many = v->connection_strings != NULL;
    struct cli_ready ready = {
        .connection_string = is_many ? NULL : mem_dup_text(v->connection_string),
        .ca_file = mem_dup_text(v->ca_file),
        .port = protocol == ROSTER_MQTT ? v->port : v->https_port,
    };
    struct roster roster = {0};
    int code = fill(call, protocol, &ready, &roster);
    cli_ready_finish(&ready);
    if (code != CLI_DONE) {
        roster_finish(&roster);
        return code;
    }
    *out = roster;
    return CLI_DONE;
}

void roster_finish(struct roster *roster)
{
    if (roster == NULL) {
        return;
    }
    for (size_t i = 0; i < roster->n_devices; i++) {
        mem_free_secret_text(roster->connection_strings[i]);
        free(roster->names[i]);
    }
    free(roster->connection_strings);
    free(roster->names);
    free(roster->ca_file);
    *roster = (struct roster){0};
}
