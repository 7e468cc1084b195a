/*
 * libevent's HTTP client, one connection a request.
 *
 * A connection must not be freed while libevent is inside it, so what a request brings is noted
 * there and told to the hub by a timer in the same turn.
 */
#include "server/storage_client.h"

#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <inttypes.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/iso8601.h"
#include "base/log.h"
#include "base/mem.h"
#include "hub/storage_sas.h"

enum {
    RUNNING_MAX = 16,
    HEADERS_MAX_BYTES = 16 * 1024,
    BODY_MAX_BYTES = 64 * 1024,
    SIGNED_FOR_MS = 5 * 60 * 1000,
};

/* "x-ms-version" of what is asked here. */
#define STORAGE_VERSION "2020-12-06"

struct storage_call {
    struct storage_client *client;
    uint64_t id;
    enum hub_storage_wish wish;
    char *target; /* path and query; secret */
    struct evhttp_connection *connection;
    struct turn_timer told; /* when the answer is noted */
    struct hub_storage_answer answer;
    struct storage_call *prev;
    struct storage_call *next;
};

struct storage_client {
    struct turn *turn;
    const struct storage_account *account;
    SSL_CTX *tls;
    struct evdns_base *dns; /* made when a name has to be looked up */
    struct storage_call *waiting;
    struct storage_call *running;
    size_t n_running;
};

/* ---- TLS ---- */

static bool load_ca(SSL_CTX *tls, const char *file, struct buf *error)
{
    if (file == NULL || SSL_CTX_load_verify_file(tls, file) == 1) {
        return true;
    }
    buf_putf(error, "%s holds no certificates that can be read (PEM)", file);
    return false;
}

static SSL_CTX *make_tls(const struct storage_client_options *options, struct buf *error)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    if (tls == NULL || SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) != 1) {
        buf_put_text(error, "TLS cannot be set up for the storage account");
        SSL_CTX_free(tls);
        return NULL;
    }
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
    (void)SSL_CTX_set_default_verify_paths(tls); /* a machine may have none */
    if (!load_ca(tls, options->own_ca, error) || !load_ca(tls, options->ca, error)) {
        SSL_CTX_free(tls);
        return NULL;
    }
    return tls;
}

/* "[::1]" without its brackets; a copy. */
static char *bare_host(const struct storage_account *account)
{
    struct slice host = slice_of(account->host);
    if (host.data[0] == '[') {
        host = slice_make(host.data + 1, host.len - 2);
    }
    return slice_dup(host);
}

/* The certificate has to be that host's.  (OpenSSL's macro wants a name that could be changed.)
 */
static SSL *make_ssl(const struct storage_client *client, char *host)
{
    SSL *ssl = SSL_new(client->tls);
    if (ssl == NULL) {
        return NULL;
    }
    bool is_set = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1 ||
                  (SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1);
    if (!is_set) {
        SSL_free(ssl);
        return NULL;
    }
    return ssl;
}

/* ---- a call's life ---- */

static void free_call(struct storage_call *call)
{
    turn_clear_timer(call->client->turn, &call->told);
    if (call->connection != NULL) {
        evhttp_connection_free(call->connection);
    }
    mem_free_secret_text(call->target);
    free(call);
}

static void note(struct storage_call *call, enum hub_storage_outcome outcome)
{
    struct turn *turn = call->client->turn;
    turn_enter(turn);
    call->answer.outcome = outcome;
    turn_set_timer(turn, &call->told, turn->now.now_ms);
}

static void start_waiting(struct storage_client *client);

static void on_told(struct turn *turn, struct turn_timer *timer)
{
    struct storage_call *call = CONTAINER_OF(timer, struct storage_call, told);
    struct storage_client *client = call->client;
    uint64_t id = call->id;
    const struct hub_storage_answer answer = call->answer;
    DL_DELETE(client->running, call);
    client->n_running--;
    free_call(call);
    hub_storage_answer(turn->hub, id, &answer);
    start_waiting(client);
}

/* ---- answers ---- */

static const char *header_of(struct evhttp_request *request, const char *name)
{
    const char *value = evhttp_find_header(evhttp_request_get_input_headers(request), name);
    return value == NULL ? "" : value;
}

/* RFC 9110, 5.6.7, the one form that is sent: "Wed, 09 Sep 2009 09:20:02 GMT". */
static bool read_http_time(const char *text, int64_t *out_ms)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    static const char form[] = "ddd, dd mmm yyyy hh:mm:ss GMT";
    char iso[ISO8601_MAX];
    if (strlen(text) != sizeof(form) - 1 || strcmp(text + 25, " GMT") != 0) {
        return false;
    }
    size_t month = 0;
    while (month < 12 && memcmp(text + 8, months + 3 * month, 3) != 0) {
        month++;
    }
    (void)snprintf(iso, sizeof(iso), "%.4s-%02zu-%.2sT%.8sZ", text + 12, month + 1, text + 5,
                   text + 17);
    return iso8601_parse(slice_of(iso), out_ms);
}

static enum hub_storage_outcome read_blob(struct storage_call *call,
                                          struct evhttp_request *request)
{
    struct hub_storage_answer *answer = &call->answer;
    bool is_good =
        slice_to_i64(slice_of(header_of(request, "Content-Length")), &answer->n_bytes) &&
        answer->n_bytes >= 0 &&
        read_http_time(header_of(request, "Last-Modified"), &answer->modified_ms);
    return is_good ? HUB_STORAGE_DONE : HUB_STORAGE_REFUSED;
}

/* Source: Azure Storage REST, "Create Container", "Get Blob Properties" and common errors. */
static enum hub_storage_outcome outcome_of(struct storage_call *call,
                                           struct evhttp_request *request)
{
    int status = evhttp_request_get_response_code(request);
    bool is_container = call->wish == HUB_STORAGE_MAKE_CONTAINER;
    const char *code = header_of(request, "x-ms-error-code");
    if (status >= 200 && status <= 299) {
        return is_container ? HUB_STORAGE_DONE : read_blob(call, request);
    }
    if (is_container && status == 409 && strcmp(code, "ContainerBeingDeleted") != 0) {
        return HUB_STORAGE_DONE;
    }
    log_warning("the storage account answered %s with HTTP status %d %s",
                is_container ? "the making of the container" : "the look at a blob", status,
                code);
    if (!is_container && status == 404) {
        return HUB_STORAGE_MISSING;
    }
    bool is_passing = status == 0 || status == 409 || status == 429 || status >= 500;
    return is_passing ? HUB_STORAGE_UNREACHABLE : HUB_STORAGE_REFUSED;
}

/* Most often it is the certificate that nobody was told to trust. */
static void log_failure(const struct storage_call *call)
{
    const struct storage_account *account = call->client->account;
    SSL *ssl = account->is_tls ? bufferevent_openssl_get_ssl(
                                     evhttp_connection_get_bufferevent(call->connection))
                               : NULL;
    long verdict = ssl == NULL ? X509_V_OK : SSL_get_verify_result(ssl);
    log_warning("the storage account at %s port %u cannot be reached%s%s", account->host,
                (unsigned)account->port, verdict == X509_V_OK ? "" : ": its certificate: ",
                verdict == X509_V_OK ? "" : X509_verify_cert_error_string(verdict));
}

/* NULL or without a status where the connection failed. */
static void on_answer(struct evhttp_request *request, void *ctx)
{
    struct storage_call *call = ctx;
    if (request == NULL || evhttp_request_get_response_code(request) == 0) {
        log_failure(call);
        note(call, HUB_STORAGE_UNREACHABLE);
        return;
    }
    note(call, outcome_of(call, request));
}

/* ---- requests ---- */

static void put_target(const struct storage_client *client,
                       const struct hub_storage_request *request, struct buf *out)
{
    int64_t expiry_ms = client->turn->now.at_ms + SIGNED_FOR_MS;
    storage_account_put_path(client->account, request->container, request->blob, out);
    if (request->wish == HUB_STORAGE_MAKE_CONTAINER) {
        storage_sas_put_containers(client->account, expiry_ms, out);
        buf_put_text(out, "&restype=container");
    } else {
        storage_sas_put_blob(client->account, request->container, request->blob, "r", expiry_ms,
                             out);
    }
}

/* An address needs no look-up; names go to the servers of the system's resolver. */
static struct evdns_base *dns_for(struct storage_client *client, const char *host)
{
    struct sockaddr_storage address;
    int len = sizeof(address);
    struct slice name = slice_of(host);
    bool is_v6 = slice_find(name, ':') != name.len;
    if (is_v6 || evutil_parse_sockaddr_port(host, (struct sockaddr *)&address, &len) == 0) {
        return NULL;
    }
    if (client->dns == NULL) {
        client->dns = evdns_base_new(client->turn->base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
        if (client->dns != NULL) {
            /* Without this file the name server of this machine is asked. */
            (void)evdns_base_resolv_conf_parse(client->dns, DNS_OPTIONS_ALL,
                                               "/etc/resolv.conf");
        }
    }
    return client->dns;
}

static struct bufferevent *make_bufferevent(const struct storage_client *client, char *host)
{
    struct event_base *base = client->turn->base;
    if (client->tls == NULL) {
        return bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    }
    SSL *ssl = make_ssl(client, host);
    if (ssl == NULL) {
        return NULL;
    }
    struct bufferevent *bev = bufferevent_openssl_socket_new(
        base, -1, ssl, BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
    if (bev == NULL) {
        SSL_free(ssl);
    }
    return bev;
}

static struct evhttp_connection *make_connection(struct storage_client *client)
{
    char *host = bare_host(client->account);
    struct evhttp_connection *connection = NULL;
    struct bufferevent *bev = make_bufferevent(client, host);
    if (bev != NULL) {
        connection = evhttp_connection_base_bufferevent_new(
            client->turn->base, dns_for(client, host), bev, host, client->account->port);
        if (connection == NULL) {
            bufferevent_free(bev);
        }
    }
    free(host);
    if (connection != NULL) {
        evhttp_connection_set_max_headers_size(connection, HEADERS_MAX_BYTES);
        evhttp_connection_set_max_body_size(connection, BODY_MAX_BYTES);
    }
    return connection;
}

static bool add_headers(const struct storage_client *client, struct evhttp_request *request)
{
    struct buf host;
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    buf_init(&host, BUF_CAP_OWN);
    buf_put_text(&host, client->account->host);
    if (client->account->has_port) {
        buf_putf(&host, ":%u", (unsigned)client->account->port);
    }
    bool is_good = evhttp_add_header(headers, "Host", buf_text(&host)) == 0 &&
                   evhttp_add_header(headers, "x-ms-version", STORAGE_VERSION) == 0 &&
                   evhttp_add_header(headers, "Connection", "close") == 0;
    buf_finish(&host);
    return is_good;
}

static bool send_request(struct storage_call *call)
{
    struct storage_client *client = call->client;
    enum evhttp_cmd_type verb = call->wish == HUB_STORAGE_MAKE_CONTAINER ? EVHTTP_REQ_PUT
                                                                         : EVHTTP_REQ_HEAD;
    call->connection = make_connection(client);
    if (call->connection == NULL) {
        return false;
    }
    struct evhttp_request *request = evhttp_request_new(on_answer, call);
    if (request == NULL || !add_headers(client, request)) {
        if (request != NULL) {
            evhttp_request_free(request);
        }
        return false;
    }
    /* The request is the connection's from here on, also when it fails. */
    return evhttp_make_request(call->connection, request, verb, call->target) == 0;
}

static void start_waiting(struct storage_client *client)
{
    while (client->waiting != NULL && client->n_running < RUNNING_MAX) {
        struct storage_call *call = client->waiting;
        DL_DELETE(client->waiting, call);
        DL_APPEND(client->running, call);
        client->n_running++;
        if (!send_request(call)) {
            note(call, HUB_STORAGE_UNREACHABLE);
        }
    }
}

/* ---- the hub's link ---- */

static void on_begin(void *ctx, const struct hub_storage_request *request)
{
    struct storage_client *client = ctx;
    struct storage_call *call = mem_alloc(sizeof(*call));
    struct buf target;
    buf_init(&target, BUF_CAP_OWN);
    put_target(client, request, &target);
    call->client = client;
    call->id = request->id;
    call->wish = request->wish;
    call->target = buf_take_text(&target);
    call->told.fire = on_told;
    DL_APPEND(client->waiting, call);
    start_waiting(client);
}

static struct storage_call *find(struct storage_call *list, uint64_t id)
{
    struct storage_call *call = NULL;
    DL_SEARCH_SCALAR(list, call, id, id);
    return call;
}

static void on_cancel(void *ctx, uint64_t id)
{
    struct storage_client *client = ctx;
    struct storage_call *call = find(client->running, id);
    if (call != NULL) {
        DL_DELETE(client->running, call);
        client->n_running--;
        free_call(call);
        start_waiting(client);
        return;
    }
    call = find(client->waiting, id);
    if (call != NULL) {
        DL_DELETE(client->waiting, call);
        free_call(call);
    }
}

/* ---- the client's life ---- */

struct storage_client *storage_client_create(struct turn *turn,
                                             const struct storage_client_options *options,
                                             struct buf *error)
{
    SSL_CTX *tls = NULL;
    if (options->account->is_tls) {
        tls = make_tls(options, error);
        if (tls == NULL) {
            return NULL;
        }
    }
    struct storage_client *client = mem_alloc(sizeof(*client));
    client->turn = turn;
    client->account = options->account;
    client->tls = tls;
    const struct hub_storage_link link = {
        .begin = on_begin, .cancel = on_cancel, .ctx = client};
    hub_storage_connect(turn->hub, &link);
    return client;
}

static void free_calls(struct storage_call *list)
{
    struct storage_call *call = NULL;
    struct storage_call *next = NULL;
    DL_FOREACH_SAFE(list, call, next)
    {
        free_call(call);
    }
}

/* Look-ups under way hold their connections, and let go of them in the loop's next round. */
static void end_dns(const struct storage_client *client)
{
    if (client->dns != NULL) {
        evdns_base_free(client->dns, 1);
        (void)event_base_loop(client->turn->base, EVLOOP_NONBLOCK);
    }
}

void storage_client_destroy(struct storage_client *client)
{
    static const struct hub_storage_link none = {0};
    if (client == NULL) {
        return;
    }
    hub_storage_connect(client->turn->hub, &none);
    free_calls(client->waiting);
    free_calls(client->running);
    end_dns(client);
    SSL_CTX_free(client->tls);
    free(client);
}
