/*
 * The server, on libmicrohttpd's own polling thread; one mutex guards what the test looks at.
 */
#include "unit/service/fake_hub.h"

#include <arpa/inet.h>
#include <assert.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/mem.h"

#define REQUESTS_MAX 256
#define CHUNK_BYTES  7

struct fake_hub {
    struct MHD_Daemon *daemon;
    pthread_mutex_t lock;
    const struct fake_answer *answers;
    size_t n_answers;
    size_t n_played;
    void (*handle)(void *ctx, const struct fake_request *request, struct fake_answer *answer);
    void *ctx;
    struct fake_request *requests[REQUESTS_MAX];
    size_t n_requests;
    struct MHD_Connection *silent[REQUESTS_MAX];
    size_t n_silent;
};

/* What libmicrohttpd keeps for us while a request comes in. */
struct incoming {
    char *target;
    struct buf body;
    bool is_begun;
};

static void *on_uri(void *ctx, const char *uri, struct MHD_Connection *connection)
{
    (void)ctx;
    (void)connection;
    struct incoming *incoming = mem_alloc(sizeof(*incoming));
    incoming->target = mem_dup_text(uri);
    buf_init(&incoming->body, BUF_CAP_OWN);
    return incoming;
}

static void on_completed(void *ctx, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    (void)ctx;
    (void)connection;
    (void)code;
    struct incoming *incoming = *state;
    if (incoming != NULL) {
        free(incoming->target);
        buf_finish(&incoming->body);
        free(incoming);
        *state = NULL;
    }
}

/* Ids must be seen as they were encoded. */
static size_t keep_escapes(void *ctx, struct MHD_Connection *connection, char *text)
{
    (void)ctx;
    (void)connection;
    return strlen(text);
}

static enum MHD_Result on_header(void *ctx, enum MHD_ValueKind kind, const char *name,
                                 const char *value)
{
    (void)kind;
    buf_putf(ctx, "%s: %s\n", name, value == NULL ? "" : value);
    return MHD_YES;
}

static int peer_port(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr_in *address = (const void *)info->client_addr;
    return ntohs(address->sin_port);
}

static struct fake_request *record(struct fake_hub *hub, struct MHD_Connection *connection,
                                   const char *method, struct incoming *incoming)
{
    struct buf headers;
    buf_init(&headers, BUF_CAP_OWN);
    (void)MHD_get_connection_values(connection, MHD_HEADER_KIND, on_header, &headers);
    struct fake_request *request = mem_alloc(sizeof(*request));
    *request = (struct fake_request){
        .method = mem_dup_text(method),
        .target = mem_dup_text(incoming->target),
        .body = buf_take_text(&incoming->body),
        .headers = buf_take_text(&headers),
        .peer_port = peer_port(connection),
    };
    assert(hub->n_requests < REQUESTS_MAX);
    hub->requests[hub->n_requests++] = request;
    return request;
}

static ssize_t on_chunk(void *ctx, uint64_t at, char *out, size_t max)
{
    const char *rest = (const char *)ctx + at;
    size_t len = strlen(rest);
    if (len == 0) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    len = len < CHUNK_BYTES ? len : CHUNK_BYTES;
    len = len < max ? len : max;
    /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): bytes, no text. */
    memcpy(out, rest, len);
    return (ssize_t)len;
}

static char *answer_body(const struct fake_answer *answer)
{
    struct buf body;
    buf_init(&body, BUF_CAP_OWN);
    if (answer->n_filler != 0) {
        buf_put_char(&body, '"');
        memset(buf_extend(&body, answer->n_filler), 'x', answer->n_filler);
        buf_put_char(&body, '"');
    } else if (answer->body != NULL) {
        buf_put_text(&body, answer->body);
    }
    return buf_take_text(&body);
}

static void add_headers(struct MHD_Response *response, const struct fake_answer *answer)
{
    for (size_t i = 0; i < FAKE_HUB_HEADERS && answer->headers[i] != NULL; i++) {
        const char *colon = strchr(answer->headers[i], ':');
        char *name = slice_dup(slice_between(answer->headers[i], colon));
        bool is_added = MHD_add_response_header(response, name, colon + 2) == MHD_YES;
        assert(is_added);
        (void)is_added;
        free(name);
    }
    if (answer->body != NULL) {
        (void)MHD_add_response_header(response, "Content-Type",
                                      "application/json; charset=utf-8");
    }
}

static enum MHD_Result play(struct MHD_Connection *connection, const struct fake_answer *answer)
{
    char *body = answer_body(answer);
    struct MHD_Response *response =
        answer->manner == FAKE_CHUNKED
            ? MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 1024, on_chunk, body, free)
            : MHD_create_response_from_buffer(strlen(body), body, MHD_RESPMEM_MUST_FREE);
    add_headers(response, answer);
    enum MHD_Result result = MHD_queue_response(connection, (unsigned)answer->status, response);
    MHD_destroy_response(response);
    return result;
}

static struct fake_answer choose(struct fake_hub *hub, const struct fake_request *request)
{
    struct fake_answer answer = {.status = 500};
    if (hub->n_played < hub->n_answers) {
        answer = hub->answers[hub->n_played++];
    } else if (hub->handle != NULL) {
        hub->handle(hub->ctx, request, &answer);
    }
    return answer;
}

/* NOLINTNEXTLINE(readability-function-size): the parameters are libmicrohttpd's. */
static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *len, void **state)
{
    (void)url;
    (void)version;
    struct fake_hub *hub = ctx;
    struct incoming *incoming = *state;
    if (!incoming->is_begun) {
        incoming->is_begun = true;
        return MHD_YES;
    }
    if (*len != 0) {
        buf_put(&incoming->body, data, *len);
        *len = 0;
        return MHD_YES;
    }
    enum MHD_Result result = MHD_YES;
    (void)pthread_mutex_lock(&hub->lock);
    struct fake_answer answer = choose(hub, record(hub, connection, method, incoming));
    if (answer.manner == FAKE_SILENT) {
        MHD_suspend_connection(connection);
        hub->silent[hub->n_silent++] = connection;
    } else if (answer.manner == FAKE_CLOSE) {
        result = MHD_NO;
    } else {
        result = play(connection, &answer);
    }
    (void)pthread_mutex_unlock(&hub->lock);
    return result;
}

static void say_nothing(void *ctx, const char *format, va_list args)
{
    (void)ctx;
    (void)format;
    (void)args;
}

/* certificate NULL: without TLS. */
static struct fake_hub *start(const char *certificate, const char *key)
{
    const struct MHD_OptionItem tls_options[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)certificate},
        {MHD_OPTION_HTTPS_MEM_KEY,  0, (void *)(uintptr_t)key        },
        {MHD_OPTION_END,            0, NULL                          },
    };
    const struct MHD_OptionItem no_options[] = {
        {MHD_OPTION_END, 0, NULL}
    };
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct fake_hub *hub = mem_alloc(sizeof(*hub));
    (void)pthread_mutex_init(&hub->lock, NULL);
    hub->daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
            (certificate == NULL ? 0 : MHD_USE_TLS),
        0, NULL, NULL, on_request, hub, MHD_OPTION_EXTERNAL_LOGGER, say_nothing, NULL,
        MHD_OPTION_ARRAY, certificate == NULL ? no_options : tls_options, MHD_OPTION_SOCK_ADDR,
        &address, MHD_OPTION_URI_LOG_CALLBACK, on_uri, NULL, MHD_OPTION_UNESCAPE_CALLBACK,
        keep_escapes, NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_END);
    assert(hub->daemon != NULL);
    return hub;
}

struct fake_hub *fake_hub_start(void)
{
    return start(NULL, NULL);
}

struct fake_hub *fake_hub_start_tls(const char *certificate, const char *key)
{
    return start(certificate, key);
}

void fake_hub_stop(struct fake_hub *hub)
{
    (void)pthread_mutex_lock(&hub->lock);
    for (size_t i = 0; i < hub->n_silent; i++) {
        /* Asked again, the handler finds no script and answers 500 to a client that is gone. */
        MHD_resume_connection(hub->silent[i]);
    }
    hub->n_answers = 0;
    hub->handle = NULL;
    (void)pthread_mutex_unlock(&hub->lock);
    MHD_stop_daemon(hub->daemon);
    for (size_t i = 0; i < hub->n_requests; i++) {
        struct fake_request *request = hub->requests[i];
        free(request->method);
        free(request->target);
        free(request->body);
        free(request->headers);
        free(request);
    }
    (void)pthread_mutex_destroy(&hub->lock);
    free(hub);
}

int fake_hub_port(const struct fake_hub *hub)
{
    return MHD_get_daemon_info(hub->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

void fake_hub_script(struct fake_hub *hub, const struct fake_answer *answers, size_t n_answers)
{
    (void)pthread_mutex_lock(&hub->lock);
    hub->answers = answers;
    hub->n_answers = n_answers;
    hub->n_played = 0;
    (void)pthread_mutex_unlock(&hub->lock);
}

void fake_hub_handle(struct fake_hub *hub,
                     void (*handle)(void *ctx, const struct fake_request *request,
                                    struct fake_answer *answer),
                     void *ctx)
{
    (void)pthread_mutex_lock(&hub->lock);
    hub->handle = handle;
    hub->ctx = ctx;
    (void)pthread_mutex_unlock(&hub->lock);
}

size_t fake_hub_n_requests(struct fake_hub *hub)
{
    (void)pthread_mutex_lock(&hub->lock);
    size_t n_requests = hub->n_requests;
    (void)pthread_mutex_unlock(&hub->lock);
    return n_requests;
}

const struct fake_request *fake_hub_request(struct fake_hub *hub, size_t i)
{
    (void)pthread_mutex_lock(&hub->lock);
    const struct fake_request *request = i < hub->n_requests ? hub->requests[i] : NULL;
    (void)pthread_mutex_unlock(&hub->lock);
    return request;
}

const char *fake_request_header(const struct fake_request *request, const char *name)
{
    static char value[8192];
    struct slice rest = slice_of(request->headers);
    struct slice line = {0};
    while (slice_next(&rest, '\n', &line)) {
        size_t colon = slice_find(line, ':');
        if (!slice_equal_nocase(slice_make(line.data, colon), slice_of(name))) {
            continue;
        }
        struct slice text = slice_trim(slice_from(line, colon + 1));
        assert(text.len < sizeof(value));
        memcpy(value, text.data, text.len);
        value[text.len] = '\0';
        return value;
    }
    return NULL;
}
