/*
 * `iothub-emulator connection-string`: what a client needs to connect.
 *
 * A policy's key comes from the settings, a device's from the running emulator when its ready
 * file is there, else from the data file.
 */
#include "server/verbs.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/coding.h"
#include "base/mem.h"
#include "iothub/connection_string.h"
#include "iothub/identity.h"
#include "iothub/json.h"
#include "iothub/sas_token.h"
#include "server/local_request.h"
#include "server/ready_file.h"
#include "server/secret.h"
#include "server/well_known.h"
#include "store/identities.h"
#include "store/store.h"

#define API_VERSION "2021-04-12"
#define TOKEN_S     60
#define TIMEOUT_MS  5000

/* clang-format 14 cannot lay out rows of designated members. */
/* clang-format off */
const struct cli_option verb_connection_string_options[] = {
    {.name = "policy", .type = CLI_TEXT, .argument = "NAME",
     .offset = offsetof(struct verb_values, policy),
     .help = "Shared access policy; " WELL_KNOWN_OWNER " unless --device is given"},
    {.name = "device", .type = CLI_TEXT, .argument = "ID",
     .offset = offsetof(struct verb_values, device),
     .help = "Device instead of a policy"},
    {.name = "module", .type = CLI_TEXT, .argument = "ID",
     .offset = offsetof(struct verb_values, module),
     .help = "Module of that device"},
    {.name = "secondary", .type = CLI_FLAG,
     .offset = offsetof(struct verb_values, secondary),
     .help = "With the secondary key"},
};
/* clang-format on */
const size_t verb_connection_string_n_options = ARRAY_LEN(verb_connection_string_options);

const char verb_connection_string_details[] =
    "A device's key is read from the data directory, also while an emulator runs on it. With "
    "--ready-file the emulator that wrote the file is asked instead, which works with "
    "--in-memory, "
    "too.\n"
    "\n"
    "  iothub-emulator connection-string\n"
    "  iothub-emulator connection-string --policy service\n"
    "  iothub-emulator connection-string --device thermostat1\n";

/* What is being made: every text is owned by `out`. */
struct task {
    const struct verb_values *values;
    struct ready ready; /* host_name is NULL without a running emulator */
    struct connection_string out;
    struct buf *error;
};

static bool is_running(const struct task *task)
{
    return task->ready.host_name != NULL;
}

static const char *host_name(const struct task *task)
{
    return is_running(task) ? task->ready.host_name : config_host_name(&task->values->config);
}

static int fail(const struct task *task, const char *text)
{
    buf_put_text(task->error, text);
    return CLI_FAILED;
}

/* ---- policies ---- */

/* The running emulator's owner key may have come from its own command line. */
static int take_ready_owner(struct task *task)
{
    struct buf why;
    buf_init(&why, BUF_CAP_OWN);
    bool is_good = connection_string_parse(slice_of(task->ready.connection_string),
                                           CONNECTION_STRING_SERVICE, &why, &task->out);
    if (!is_good) {
        buf_putf(task->error, "ready file %s: connectionString: %s",
                 task->values->config.ready_file, buf_text(&why));
    }
    buf_finish(&why);
    return is_good ? CLI_DONE : CLI_FAILED;
}

static int unknown_policy(const struct task *task, const char *name)
{
    const struct policies *policies = &task->values->config.policies;
    buf_putf(task->error, "there is no policy '%s'; there are ", name);
    for (size_t i = 0; i < policies->n_items; i++) {
        buf_putf(task->error, "%s%s", i == 0 ? "" : ", ", policies->items[i].name);
    }
    return CLI_FAILED;
}

static int take_policy(struct task *task)
{
    const struct verb_values *values = task->values;
    const char *name = values->policy == NULL ? WELL_KNOWN_OWNER : values->policy;
    if (is_running(task) && !values->secondary && strcmp(name, WELL_KNOWN_OWNER) == 0) {
        return take_ready_owner(task);
    }
    const struct hub_policy *policy = policies_find(&values->config.policies, name);
    if (policy == NULL) {
        return unknown_policy(task, name);
    }
    task->out.host_name = mem_dup_text(host_name(task));
    task->out.shared_access_key_name = mem_dup_text(policy->name);
    task->out.shared_access_key =
        mem_dup_text(values->secondary ? policy->secondary_key : policy->primary_key);
    return CLI_DONE;
}

/* ---- devices and modules ---- */

static struct identity wanted_identity(const struct task *task)
{
    return (struct identity){slice_of(task->values->device), slice_of(task->values->module)};
}

/* "device 'd'" or "module 'm' of device 'd'". */
static void put_wanted(const struct task *task)
{
    if (task->values->module != NULL) {
        buf_putf(task->error, "module '%s' of ", task->values->module);
    }
    buf_putf(task->error, "device '%s'", task->values->device);
}

static int fail_wanted(const struct task *task, const char *what)
{
    put_wanted(task);
    return fail(task, what);
}

/* `key` is NULL or empty for an identity with certificates. */
static int take_identity(struct task *task, const char *key, bool is_x509)
{
    if (!is_x509 && (key == NULL || key[0] == '\0')) {
        return fail_wanted(task, " has neither a key nor a certificate to connect with");
    }
    task->out.host_name = mem_dup_text(host_name(task));
    task->out.device_id = mem_dup_text(task->values->device);
    task->out.module_id = mem_dup_text(task->values->module);
    task->out.shared_access_key = is_x509 ? NULL : mem_dup_text(key);
    task->out.is_x509 = is_x509;
    return CLI_DONE;
}

static int take_record(struct task *task, const struct store_identity *record)
{
    switch (record->auth) {
    case AUTH_SAS:
        return take_identity(
            task, task->values->secondary ? record->secondary_key : record->primary_key, false);
    case AUTH_SELF_SIGNED:
    case AUTH_AUTHORITY:
        return take_identity(task, NULL, true);
    case AUTH_NONE:
        break;
    }
    return take_identity(task, NULL, false);
}

static int read_store(struct task *task, const char *path)
{
    struct store *store = NULL;
    struct store_identity record;
    if (store_open_readonly(path, task->error, &store) != 0) {
        return CLI_FAILED;
    }
    int found = store_identity_get(store, wanted_identity(task), &record);
    int result = CLI_FAILED;
    if (found == 0) {
        result = take_record(task, &record);
        explicit_bzero(&record, sizeof(record));
    } else if (found == STORE_NO_ROW) {
        put_wanted(task);
        buf_putf(task->error, " is not in %s", path);
    } else {
        buf_putf(task->error, "%s: %s", path, store_failure(store));
    }
    store_close(store);
    return result;
}

static int take_from_store(struct task *task)
{
    const struct config *config = &task->values->config;
    char *path = config_store_path(config);
    if (path != NULL) {
        int result = read_store(task, path);
        free(path);
        return result;
    }
    if (config->ready_file == NULL) {
        return fail(task,
                    "devices are kept in memory: give the running emulator's --ready-file");
    }
    buf_putf(task->error, "devices are kept in memory, and no emulator runs: there is no %s",
             config->ready_file);
    return CLI_FAILED;
}

static int take_document(struct task *task, struct slice text)
{
    json_t *json = json_parse(text, NULL);
    const json_t *authentication = json_object_get(json, "authentication");
    const json_t *keys = json_object_get(authentication, "symmetricKey");
    struct slice type = json_string_slice(json_object_get(authentication, "type"));
    const char *name = task->values->secondary ? "secondaryKey" : "primaryKey";
    bool is_x509 = slice_equal_text(type, "selfSigned") ||
                   slice_equal_text(type, "certificateAuthority");
    int result =
        type.len == 0
            ? fail(task, "the emulator's answer is not an identity")
            : take_identity(task, json_string_value(json_object_get(keys, name)), is_x509);
    json_decref(json);
    return result;
}

static int take_answer(struct task *task, const struct local_answer *answer)
{
    if (answer->status == 200) {
        return take_document(task, buf_slice(&answer->body));
    }
    if (answer->status == 404) {
        return fail_wanted(task, " is not known to the emulator");
    }
    buf_putf(task->error, "the emulator answered with status %d", answer->status);
    return CLI_FAILED;
}

static void put_path(struct buf *out, struct identity id)
{
    buf_put_text(out, "/devices/");
    percent_encode(out, id.device_id);
    if (identity_is_module(id)) {
        buf_put_text(out, "/modules/");
        percent_encode(out, id.module_id);
    }
    buf_put_text(out, "?api-version=" API_VERSION);
}

static bool put_token(struct buf *out, const struct connection_string *owner)
{
    int64_t at_s = clock_read(&(struct clock){0}).at_ms / 1000;
    return sas_token_write(out, slice_of(owner->host_name), slice_of(owner->shared_access_key),
                           slice_of(owner->shared_access_key_name), at_s + TOKEN_S);
}

static int ask(struct task *task, const struct local_target *target, struct buf *path,
               struct buf *token)
{
    struct local_answer answer = {0};
    const struct local_request request = {
        .host = task->ready.host_name,
        .path = buf_text(path),
        .authorization = buf_text(token),
    };
    if (!local_get(target, &request, task->error, &answer)) {
        buf_putf(task->error, "; does the emulator that wrote %s still run?",
                 task->values->config.ready_file);
        return CLI_FAILED;
    }
    int result = take_answer(task, &answer);
    secret_finish(&answer.body);
    return result;
}

static int take_from_emulator(struct task *task)
{
    const struct ready *ready = &task->ready;
    bool is_tls = ready->http_port == 0;
    const struct local_target target = {
        .address = config_local_address(&task->values->config),
        .port = is_tls ? ready->https_port : ready->http_port,
        .is_tls = is_tls,
        .ca_file = ready->ca_file,
        .timeout_ms = TIMEOUT_MS,
    };
    struct buf path;
    struct buf token;
    if (target.port == 0) {
        return fail(task, "the running emulator listens for neither HTTP nor HTTPS");
    }
    if (take_ready_owner(task) != CLI_DONE) {
        return CLI_FAILED;
    }
    buf_init(&path, BUF_CAP_OWN);
    buf_init(&token, SAS_TOKEN_MAX_BYTES);
    put_path(&path, wanted_identity(task));
    int result = put_token(&token, &task->out)
                     ? CLI_DONE
                     : fail(task, "the ready file's connection string holds no key");
    connection_string_finish(&task->out);
    if (result == CLI_DONE) {
        result = ask(task, &target, &path, &token);
    }
    secret_finish(&token);
    buf_finish(&path);
    return result;
}

/* ---- the verb ---- */

static int print_string(const struct task *task)
{
    struct buf line;
    buf_init(&line, BUF_CAP_OWN);
    connection_string_write(&line, &task->out);
    buf_put_char(&line, '\n');
    int result = verb_print(buf_slice(&line), task->error);
    secret_finish(&line);
    return result;
}

static bool find_ready(struct task *task)
{
    const char *path = task->values->config.ready_file;
    return path == NULL || ready_file_read(path, task->error, &task->ready) != READY_BAD;
}

static int take(struct task *task)
{
    if (!find_ready(task)) {
        return CLI_FAILED;
    }
    if (task->values->device == NULL) {
        return take_policy(task);
    }
    return is_running(task) ? take_from_emulator(task) : take_from_store(task);
}

static bool check_id(const char *option, const char *id, struct buf *error)
{
    if (id == NULL || identity_is_valid_id(slice_of(id))) {
        return true;
    }
    buf_putf(error, "--%s: '%s' is no id", option, id);
    return false;
}

static bool check_options(const struct verb_values *values, struct buf *error)
{
    if (values->policy != NULL && values->device != NULL) {
        buf_put_text(error, "--policy and --device exclude each other");
        return false;
    }
    if (values->module != NULL && values->device == NULL) {
        buf_put_text(error, "--module needs --device beside it");
        return false;
    }
    return check_id("device", values->device, error) &&
           check_id("module", values->module, error);
}

static int show_connection_string(struct cli_call *call, struct buf *error)
{
    struct task task = {.values = verb_values_of(call), .error = error};
    if (!check_options(task.values, error)) {
        return CLI_WRONG;
    }
    int result = take(&task);
    if (result == CLI_DONE) {
        result = print_string(&task);
    }
    connection_string_finish(&task.out);
    ready_finish(&task.ready);
    return result;
}

int verb_connection_string(struct cli_call *call)
{
    return verb_with_config(call, show_connection_string);
}
