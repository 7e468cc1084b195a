/*
 * Reading the settings and checking what they say.
 */
#include "server/config.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "server/checks.h"
#include "server/data_dir.h"
#include "server/file.h"
#include "server/seed_check.h"

struct config *config_of(const struct cli_call *call)
{
    return call->values;
}

void config_finish(struct config *config)
{
    policies_finish(&config->policies);
    storage_account_finish(&config->storage);
    config_file_finish(&config->file);
    config->devices = NULL;
}

/* ---- where a value came from ---- */

/* Whether the option stands on the command line. */
static bool is_typed(const struct cli_call *call, const char *name)
{
    size_t len = strlen(name);
    for (int i = 1; i < call->argc && strcmp(call->argv[i], "--") != 0; i++) {
        const char *word = call->argv[i];
        if (strncmp(word, "--", 2) == 0 && strncmp(word + 2, name, len) == 0 &&
            (word[2 + len] == '\0' || word[2 + len] == '=')) {
            return true;
        }
    }
    return false;
}

static const struct cli_option *option_named(const char *name)
{
    size_t i = 0;
    while (i + 1 < config_n_options && strcmp(config_options[i].name, name) != 0) {
        i++;
    }
    return &config_options[i];
}

/* The beginning of a mistake's line: "--bind: ", "IOTHUB_EMULATOR_BIND: " or "hub.json:3: bind:
 * ". */
static void put_source(const struct cli_call *call, const char *name, struct buf *out)
{
    const struct cli_option *option = option_named(name);
    const struct config *config = config_of(call);
    const char *variable = getenv(option->variable);
    struct json_path path = {NULL, option->key, 0};
    if (!is_typed(call, name) && variable != NULL && variable[0] != '\0') {
        buf_putf(out, "%s: ", option->variable);
    } else if (!is_typed(call, name) && option->key != NULL &&
               json_object_get(config->file.root, option->key) != NULL) {
        config_file_put_place(&config->file, &path, out);
    } else {
        buf_putf(out, "--%s: ", name);
    }
}

static bool refuse(const struct cli_call *call, const char *name, const char *wish,
                   const char *value, struct buf *error)
{
    put_source(call, name, error);
    buf_put_text(error, wish);
    if (value != NULL) {
        buf_putf(error, ", not '%s'", value);
    }
    return false;
}

/* ---- the file ---- */

static bool is_member(const char *name)
{
    for (size_t i = 0; i < config_n_options; i++) {
        if (config_options[i].key != NULL && strcmp(config_options[i].key, name) == 0) {
            return true;
        }
    }
    /* Editors find the schema by this one. */
    return strcmp(name, "policies") == 0 || strcmp(name, "devices") == 0 ||
           strcmp(name, "$schema") == 0;
}

static bool check_members(const struct config_file *file, struct buf *error)
{
    for (void *at = json_object_iter(file->root); at != NULL;
         at = json_object_iter_next(file->root, at)) {
        struct json_path path = {NULL, json_object_iter_key(at), 0};
        if (!is_member(path.member)) {
            return config_file_mistake(file, &path, error, "unknown member");
        }
    }
    return true;
}

/* The path that a complaint of cli_read_file() begins with: "key: …" or "key[3]: …". */
static const struct cli_option *option_of_complaint(struct slice complaint, size_t *out_index)
{
    for (size_t i = 0; i < config_n_options; i++) {
        struct slice key = slice_of(config_options[i].key);
        struct slice rest = slice_from(complaint, key.len);
        int64_t index = -1;
        if (key.len == 0 || !slice_starts_with(complaint, key)) {
            continue;
        }
        if (slice_starts_with(rest, SLICE("[")) &&
            slice_to_i64(slice_make(rest.data + 1, slice_find(rest, ']') - 1), &index)) {
            *out_index = (size_t)index;
            return &config_options[i];
        }
        if (slice_starts_with(rest, SLICE(":"))) {
            *out_index = SIZE_MAX;
            return &config_options[i];
        }
    }
    return NULL;
}

/* "hub.json:7: " and the complaint, which names the member itself. */
static void put_complaint(const struct config_file *file, struct slice complaint,
                          struct buf *error)
{
    size_t index = SIZE_MAX;
    const struct cli_option *option = option_of_complaint(complaint, &index);
    struct json_path member = {NULL, option == NULL ? NULL : option->key, 0};
    struct json_path element = {&member, NULL, index};
    const struct json_path *path = index == SIZE_MAX ? &member : &element;
    size_t line = json_path_line(buf_slice(&file->text), option == NULL ? NULL : path);
    buf_putf(error, "%s:%zu: ", file->name, line);
    buf_put_slice(error, complaint);
}

static bool read_options(struct cli_call *call, const struct config_file *file,
                         struct buf *error)
{
    struct buf complaint;
    buf_init(&complaint, BUF_CAP_OWN);
    bool is_good = cli_read_file(call, file->root, &complaint);
    if (!is_good) {
        put_complaint(file, buf_slice(&complaint), error);
    }
    buf_finish(&complaint);
    return is_good;
}

static bool read_file(struct cli_call *call, struct buf *error)
{
    struct config *config = config_of(call);
    if (config->config_file == NULL) {
        return true;
    }
    if (!config_file_read(config->config_file, error, &config->file) ||
        !check_members(&config->file, error) || !read_options(call, &config->file, error) ||
        !seed_check(&config->file, error)) {
        return false;
    }
    config->devices = json_object_get(config->file.root, "devices");
    return true;
}

/* ---- checks ---- */

static bool check_bind(const struct cli_call *call, struct buf *error)
{
    const struct config *config = config_of(call);
    const char *wish = check_address(slice_of(config->bind));
    return wish == NULL || refuse(call, "bind", wish, config->bind, error);
}

static bool check_host_names(const struct cli_call *call, struct buf *error)
{
    const struct cli_list *names = &config_of(call)->host_names;
    if (names->n_items == 0) {
        return refuse(call, "host-name", "expected at least one name", NULL, error);
    }
    for (size_t i = 0; i < names->n_items; i++) {
        const char *wish = check_host_name(slice_of(names->items[i]));
        if (wish != NULL) {
            return refuse(call, "host-name", wish, names->items[i], error);
        }
    }
    return true;
}

struct listener {
    const char *port_option;
    bool is_on;
    int64_t port;
};

/* Two listeners on one port are told here; ports of other programs when listening fails. */
static bool check_listeners(const struct cli_call *call, struct buf *error)
{
    const struct config *config = config_of(call);
    const struct listener all[] = {
        {"mqtts-port", config->has_mqtts, config->mqtts_port},
        {"https-port", config->has_https, config->https_port},
        {"mqtt-port",  config->has_mqtt,  config->mqtt_port },
        {"http-port",  config->has_http,  config->http_port },
    };
    bool has_any = false;
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        has_any = has_any || all[i].is_on;
        for (size_t j = 0; j < i; j++) {
            if (all[i].is_on && all[j].is_on && all[i].port != 0 &&
                all[i].port == all[j].port) {
                put_source(call, all[i].port_option, error);
                buf_putf(error, "%lld is the port of --%s too", (long long)all[i].port,
                         all[j].port_option);
                return false;
            }
        }
    }
    if (!has_any) {
        buf_put_text(error, "every listener is switched off: leave one of --mqtts, --https, "
                            "--mqtt and --http on");
    }
    return has_any;
}

static bool check_tls(const struct cli_call *call, struct buf *error)
{
    const struct config *config = config_of(call);
    if ((config->tls_cert == NULL) == (config->tls_key == NULL)) {
        return true;
    }
    return config->tls_cert == NULL
               ? refuse(call, "tls-key", "needs --tls-cert beside it", NULL, error)
               : refuse(call, "tls-cert", "needs --tls-key beside it", NULL, error);
}

static bool check_key(const struct cli_call *call, struct buf *error)
{
    const char *key = config_of(call)->shared_access_key;
    const char *wish = key == NULL ? NULL : check_shared_key(slice_of(key));
    /* The value stays unsaid: it may be a key with a slip in it. */
    return wish == NULL || refuse(call, "shared-access-key", wish, NULL, error);
}

static bool check_storage(const struct cli_call *call, struct buf *error)
{
    struct config *config = config_of(call);
    struct buf why;
    if (!storage_container_is_valid(slice_of(config->storage_container))) {
        return refuse(call, "storage-container",
                      "expected 3 to 63 lower-case letters, digits and single hyphens",
                      config->storage_container, error);
    }
    if (config->storage_connection_string == NULL) {
        return true;
    }
    buf_init(&why, BUF_CAP_OWN);
    bool is_good = storage_account_parse(slice_of(config->storage_connection_string), &why,
                                         &config->storage);
    if (!is_good) {
        refuse(call, "storage-connection-string", buf_text(&why), NULL, error);
    }
    buf_finish(&why);
    return is_good;
}

static bool find_data_dir(struct config *config, struct buf *error)
{
    if (config->data_dir == NULL) {
        config->data_dir = data_dir_default();
    }
    if (config->data_dir == NULL) {
        buf_put_text(error, "no data directory: neither XDG_STATE_HOME nor HOME is set; "
                            "choose one with --data-dir");
        return false;
    }
    return true;
}

static bool read_policies(struct config *config, struct buf *error)
{
    policies_init(&config->policies, config->shared_access_key);
    return config->file.root == NULL || policies_read(&config->policies, &config->file, error);
}

bool config_load(struct cli_call *call, struct buf *error)
{
    struct config *config = config_of(call);
    config_finish(config);
    return read_file(call, error) && check_bind(call, error) && check_host_names(call, error) &&
           check_listeners(call, error) && check_tls(call, error) && check_key(call, error) &&
           check_storage(call, error) && find_data_dir(config, error) &&
           read_policies(config, error);
}

/* ---- what is made of them ---- */

struct hub_file_settings config_files(const struct config *config)
{
    return (struct hub_file_settings){
        .account = config->storage.name == NULL ? NULL : &config->storage,
        .container = config->storage_container,
        .upload_ttl_ms = config->upload_minutes * 60 * 1000,
        .has_notifications = config->has_file_notifications,
        .notification_ttl_ms = config->file_notification_minutes * 60 * 1000,
        .notification_lock_ms = config->file_notification_lock_seconds * 1000,
        .notification_deliveries = config->file_notification_deliveries,
    };
}

const char *config_host_name(const struct config *config)
{
    return config->host_names.items[0];
}

const char *config_local_address(const struct config *config)
{
    struct in_addr four;
    struct in6_addr six;
    if (inet_pton(AF_INET, config->bind, &four) == 1 && four.s_addr == htonl(INADDR_ANY)) {
        return "127.0.0.1";
    }
    if (inet_pton(AF_INET6, config->bind, &six) == 1 && IN6_IS_ADDR_UNSPECIFIED(&six)) {
        return "::1";
    }
    return config->bind;
}

static bool is_loopback(const char *address)
{
    struct in_addr four;
    struct in6_addr six;
    if (inet_pton(AF_INET, address, &four) == 1) {
        return ntohl(four.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    return inet_pton(AF_INET6, address, &six) == 1 &&
           (IN6_IS_ADDR_LOOPBACK(&six) ||
            (IN6_IS_ADDR_V4MAPPED(&six) && six.s6_addr[12] == IN_LOOPBACKNET));
}

bool config_is_exposed(const struct config *config)
{
    return !is_loopback(config->bind) && policies_are_published(&config->policies);
}

char *config_store_path(const struct config *config)
{
    return config->in_memory ? NULL : file_path(config->data_dir, DATA_DIR_STORE);
}

bool config_connection_string(const struct config *config, const char *policy, struct buf *out)
{
    const struct hub_policy *found = policies_find(&config->policies, policy);
    if (found == NULL) {
        return false;
    }
    buf_putf(out, "HostName=%s;SharedAccessKeyName=%s;SharedAccessKey=%s",
             config_host_name(config), found->name, found->primary_key);
    return true;
}

struct certs_wish config_certs(const struct config *config, int64_t at_ms)
{
    return (struct certs_wish){
        .data_dir = config->data_dir,
        .own_cert = config->tls_cert,
        .own_key = config->tls_key,
        .names = (const char *const *)config->host_names.items,
        .n_names = config->host_names.n_items,
        .at_ms = at_ms,
    };
}
