/*
 * The verb `run`: open everything, turn until a signal, close everything.
 */
#include "server/run.h"

#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "gateway/fault.h"
#include "iothub/limits.h"
#include "server/client_certificate.h"
#include "server/data_dir.h"
#include "server/file.h"
#include "server/http_listener.h"
#include "server/listen.h"
#include "server/mqtt_connection.h"
#include "server/mqtt_stream.h"
#include "server/ready_file.h"
#include "server/secret.h"
#include "server/storage_client.h"
#include "server/tls.h"
#include "server/verbs.h"

enum {
    FIRST_CALL_RANGE = 1 << 30,
    USUAL_CONNECTIONS = 20000,
    N_SIGNALS = 3,          /* that end it */
    SPARE_DESCRIPTORS = 64, /* for the store, the listeners and the libraries */
};

#define EVENT_RETENTION_COUNT \
    1000000 /* ours: keeps a forgotten emulator's disk from filling \
             */

/* Everything that runs; {0} is nothing. */
struct emulator {
    const struct config *config;
    struct certs certs;
    struct turn turn;
    struct mqtt_listener *mqtt;
    struct mqtt_listener *mqtts;
    struct http_listener *http;
    struct http_listener *https;
    struct storage_client *storage;
    SSL_CTX *tls;
    X509_STORE *authorities; /* of devices' certificates */
    struct event *signals[N_SIGNALS];
    struct ready ready;
    struct buf connection_string;
};

/* ---- opening
 * --------------------------------------------------------------------------------- */

static bool open_certs(struct emulator *e, struct buf *error)
{
    struct certs_wish wish = config_certs(e->config, e->turn.now.at_ms);
    if (!e->config->has_mqtts && !e->config->has_https) {
        return true;
    }
    if (!data_dir_prepare(e->config->data_dir, error) ||
        !certs_prepare(&wish, error, &e->certs)) {
        return false;
    }
    if (e->certs.has_made_ca) {
        log_info("made a development CA: %s", e->certs.ca_file);
    }
    return true;
}

/* The hub answers to every name that the certificate holds. */
static struct hub_options hub_settings(const struct emulator *e, const char *store_path,
                                       char machine[CERTS_MACHINE_SIZE], const char **names)
{
    size_t n = certs_usual_names(machine, names);
    for (size_t i = 0; i < e->config->host_names.n_items; i++) {
        names[n++] = e->config->host_names.items[i];
    }
    return (struct hub_options){
        .store_path = store_path,
        .names = names,
        .n_names = n,
        .policies = e->config->policies.items,
        .n_policies = e->config->policies.n_items,
        /* A late answer to a call of before a restart must not meet a new one. */
        .calls_before = random_u64() % FIRST_CALL_RANGE,
        .token_grace_ms = e->config->token_grace_seconds * 1000,
        .event_retention_ms = e->config->event_retention_hours * 3600 * 1000,
        .event_retention_count = EVENT_RETENTION_COUNT,
        .files = config_files(e->config),
    };
}

static bool open_hub(struct emulator *e, struct buf *error)
{
    char machine[CERTS_MACHINE_SIZE];
    char *path = config_store_path(e->config);
    const char **names =
        mem_array(CERTS_USUAL_MAX + e->config->host_names.n_items, sizeof(*names));
    struct hub_options options = hub_settings(e, path, machine, names);
    bool is_open = (path == NULL || data_dir_prepare(e->config->data_dir, error)) &&
                   hub_open(&options, e->turn.now, error, &e->turn.hub);
    free(names);
    free(path);
    return is_open;
}

static bool seed(struct emulator *e, struct buf *error)
{
    size_t n_created = 0;
    for (size_t i = 0; i < json_array_size(e->config->devices); i++) {
        const json_t *device = json_array_get(e->config->devices, i);
        bool created = false;
        if (hub_device_seed(e->turn.hub, device, &created) != IOTHUB_OK) {
            struct json_path devices = {.member = "devices"};
            struct json_path place = {.up = &devices, .index = i};
            config_file_put_place(&e->config->file, &place, error);
            buf_put_text(error, hub_error_text(e->turn.hub));
            return false;
        }
        n_created += created ? 1 : 0;
    }
    if (n_created != 0) {
        log_info("made %zu devices of %s", n_created, e->config->file.name);
    }
    if (!hub_commit(e->turn.hub)) {
        buf_put_text(error, hub_error_text(e->turn.hub));
        return false;
    }
    return true;
}

static bool open_tls(struct emulator *e, struct buf *error)
{
    if (e->certs.cert_file == NULL) {
        return true;
    }
    e->tls = tls_context_create(e->certs.cert_file, e->certs.key_file, error);
    if (e->tls == NULL) {
        return false;
    }
    e->authorities = client_authorities_load(&e->config->device_cas, error);
    return e->authorities != NULL;
}

static bool open_storage(struct emulator *e, struct buf *error)
{
    const struct storage_client_options options = {
        .account = &e->config->storage,
        .own_ca = e->certs.ca_file,
        .ca = e->config->storage_ca,
    };
    if (e->config->storage.name == NULL) {
        return true;
    }
    e->storage = storage_client_create(&e->turn, &options, error);
    return e->storage != NULL;
}

static bool open_mqtt(struct emulator *e, const struct listen_wish *wish,
                      const struct mqtt_tls *tls, struct mqtt_listener **out, int64_t *port,
                      struct buf *error)
{
    int fd = listen_open(wish, port, error);
    if (fd < 0) {
        return false;
    }
    *out = mqtt_listener_create(&e->turn, fd, tls);
    if (*out == NULL) {
        buf_putf(error, "cannot accept connections for %s", wish->what);
        close(fd);
    }
    return *out != NULL;
}

static bool open_http(struct emulator *e, const struct listen_wish *wish,
                      const struct http_tls *tls, struct http_listener **out, int64_t *port,
                      struct buf *error)
{
    int fd = listen_open(wish, port, error);
    if (fd < 0) {
        return false;
    }
    *out = http_listener_create(&e->turn, fd, tls, error);
    return *out != NULL;
}

static bool open_listeners(struct emulator *e, struct buf *error)
{
    const struct config *c = e->config;
    struct http_tls plain = {0};
    struct http_tls tls = {e->tls, e->authorities};
    struct mqtt_tls mqtt_plain = {0};
    struct mqtt_tls mqtt_tls = {e->tls, e->authorities};
    struct listen_wish mqtts = {"MQTT over TLS", "--mqtts-port", c->bind, c->mqtts_port};
    struct listen_wish mqtt = {"plain MQTT", "--mqtt-port", c->bind, c->mqtt_port};
    struct listen_wish https = {"HTTPS", "--https-port", c->bind, c->https_port};
    struct listen_wish http = {"plain HTTP", "--http-port", c->bind, c->http_port};
    struct ready *r = &e->ready;
    return (!c->has_mqtts ||
            open_mqtt(e, &mqtts, &mqtt_tls, &e->mqtts, &r->mqtts_port, error)) &&
           (!c->has_https || open_http(e, &https, &tls, &e->https, &r->https_port, error)) &&
           (!c->has_mqtt || open_mqtt(e, &mqtt, &mqtt_plain, &e->mqtt, &r->mqtt_port, error)) &&
           (!c->has_http || open_http(e, &http, &plain, &e->http, &r->http_port, error));
}

/* ---- signals
 * --------------------------------------------------------------------------------- */

static void on_signal(evutil_socket_t number, short what, void *ctx)
{
    struct emulator *e = ctx;
    (void)what;
    turn_enter(&e->turn);
    log_info("ending: %s", strsignal((int)number));
    turn_end(&e->turn);
    /* A second one ends the process whatever it is at. */
    for (size_t i = 0; i < ARRAY_LEN(e->signals); i++) {
        if (e->signals[i] != NULL) {
            event_del(e->signals[i]);
            signal(event_get_signal(e->signals[i]), SIG_DFL);
        }
    }
}

/*
 * A terminal that is closed ends what was started in it; without one SIGHUP asks to read
 * settings again, of which there is nothing to be had.
 */
static size_t ending_signals(int numbers[N_SIGNALS])
{
    size_t n = 0;
    numbers[n++] = SIGINT;
    numbers[n++] = SIGTERM;
    if (isatty(STDIN_FILENO) != 0) {
        numbers[n++] = SIGHUP;
    } else {
        signal(SIGHUP, SIG_IGN);
    }
    return n;
}

static bool open_signals(struct emulator *e, struct buf *error)
{
    int numbers[N_SIGNALS];
    size_t n = ending_signals(numbers);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* the write that is too much fails then, and is told */
    for (size_t i = 0; i < n; i++) {
        e->signals[i] = evsignal_new(e->turn.base, numbers[i], on_signal, e);
        if (e->signals[i] == NULL || evsignal_add(e->signals[i], NULL) != 0) {
            buf_put_text(error, "signals cannot be watched");
            return false;
        }
    }
    return true;
}

/* Each connection is a descriptor, so the limit is raised as far as the system allows. */
static size_t connections_allowed(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return SIZE_MAX;
    }
    const struct rlimit most = {limit.rlim_max, limit.rlim_max};
    rlim_t n = setrlimit(RLIMIT_NOFILE, &most) == 0 ? most.rlim_cur : limit.rlim_cur;
    return n > SPARE_DESCRIPTORS ? n - SPARE_DESCRIPTORS : 1;
}

/* A default that is out of reach is nobody's mistake; a wish is told that it is. */
static size_t choose_max_connections(const struct config *config, size_t allowed)
{
    size_t wanted = (size_t)config->max_connections;
    if (wanted == 0) {
        wanted = USUAL_CONNECTIONS;
    } else if (wanted > allowed) {
        log_warning("the system allows %zu connections, not the %zu of --max-connections",
                    allowed, wanted);
    }
    return wanted < allowed ? wanted : allowed;
}

/* ---- telling
 * --------------------------------------------------------------------------------- */

static bool fill_ready(struct emulator *e, struct buf *error)
{
    const struct config *c = e->config;
    buf_init(&e->connection_string, BUF_CAP_OWN);
    if (!config_connection_string(c, "iothubowner", &e->connection_string)) {
        buf_put_text(error, "there is no policy iothubowner");
        return false;
    }
    e->ready.host_name = (char *)(uintptr_t)config_host_name(c);
    e->ready.ca_file = e->certs.ca_file;
    e->ready.connection_string = (char *)(uintptr_t)buf_text(&e->connection_string);
    e->ready.pid = getpid();
    return c->ready_file == NULL || ready_file_write(c->ready_file, &e->ready, error);
}

static void print_port(const char *what, int64_t port)
{
    if (port != 0) {
        printf("  %-20s %" PRId64 "\n", what, port);
    }
}

/* To stdout: it holds a key, which no log line may. */
static void print_banner(const struct emulator *e)
{
    const struct config *c = e->config;
    printf("iothub-emulator " IOTHUB_VERSION " is ready on %s\n", c->bind);
    print_port("MQTT over TLS", e->ready.mqtts_port);
    print_port("HTTPS", e->ready.https_port);
    print_port("MQTT", e->ready.mqtt_port);
    print_port("HTTP", e->ready.http_port);
    printf("  %-20s %s\n", "data", c->in_memory ? "in memory" : c->data_dir);
    if (e->certs.ca_file != NULL) {
        printf("  %-20s %s\n", "CA to trust", e->certs.ca_file);
    }
    printf("  %-20s %s\n", "service", e->ready.connection_string);
    fflush(stdout);
}

/* ---- the whole
 * ------------------------------------------------------------------------------- */

static void warn_of_exposure(const struct emulator *e)
{
    if (config_is_exposed(e->config)) {
        log_warning("listening on %s with a published key: whoever reaches it owns the hub; "
                    "give --shared-access-key one of your own",
                    e->config->bind);
    }
}

static bool open_all(struct emulator *e, struct buf *error)
{
    e->turn.now = clock_read(&e->turn.clock);
    e->turn.admission.max_descriptors = connections_allowed();
    e->turn.admission.max_connections =
        choose_max_connections(e->config, e->turn.admission.max_descriptors);
    e->turn.faults = e->config->has_fault_injection ? faults_create() : NULL;
    if (e->config->ready_file != NULL) {
        ready_file_remove(e->config->ready_file, 0); /* of a process that was killed */
    }
    if (!open_certs(e, error) || !open_hub(e, error) || !seed(e, error) ||
        !open_tls(e, error)) {
        return false;
    }
    if (!turn_init(&e->turn)) {
        buf_put_text(error, "the event loop could not be made");
        return false;
    }
    return open_signals(e, error) && open_storage(e, error) && open_listeners(e, error) &&
           fill_ready(e, error);
}

/* What devices would still hear of after this could not be stored any more. */
static void close_all(struct emulator *e)
{
    struct turn *turn = &e->turn;
    if (e->config->ready_file != NULL && e->ready.pid != 0) {
        ready_file_remove(e->config->ready_file, e->ready.pid);
    }
    mqtt_listener_destroy(e->mqtt);
    mqtt_listener_destroy(e->mqtts);
    mqtt_streams_close(turn); /* WebSockets before the HTTP servers that gave them */
    http_listener_destroy(e->http);
    http_listener_destroy(e->https);
    storage_client_destroy(e->storage);
    for (size_t i = 0; i < ARRAY_LEN(e->signals); i++) {
        if (e->signals[i] != NULL) {
            event_free(e->signals[i]);
        }
    }
    turn_finish(turn);
    hub_close(turn->hub);
    faults_destroy(turn->faults);
    SSL_CTX_free(e->tls);
    X509_STORE_free(e->authorities);
    secret_finish(&e->connection_string);
    certs_finish(&e->certs);
}

static int run(struct cli_call *call, struct buf *error)
{
    struct emulator e = {.config = config_of(call)};
    int result = CLI_FAILED;
    if (open_all(&e, error)) {
        warn_of_exposure(&e);
        print_banner(&e);
        if (turn_run(&e.turn)) {
            result = CLI_DONE;
        } else {
            buf_putf(error, "the hub's data cannot be stored, so it stops: %s",
                     hub_error_text(e.turn.hub));
        }
    }
    close_all(&e);
    return result;
}

int run_emulator(struct cli_call *call)
{
    return verb_with_config(call, run);
}
