/*
 * libcurl's multi interface drives the one transfer, because its waits are ours to cut short:
 * the easy interface would notice an interruption only after a second.
 */
#include "http/http.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

/* How long a wait may go on before `interrupted` is asked again. */
#define SLICE_MS 100

/* Continuation tokens are the longest headers that are kept. */
#define HEADER_VALUE_MAX ((size_t)16 * 1024)

/* A dead idle connection costs a failed attempt; the hub closes them after some minutes. */
#define IDLE_MAX_S 90L

void http_begin_use(void)
{
    /* A failure shows in http_init(). */
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

void http_end_use(void)
{
    curl_global_cleanup();
}

bool http_is_direct(const char *host, const char *address)
{
    return address != NULL || slice_equal_nocase(slice_of(host), SLICE("localhost")) ||
           slice_starts_with(slice_of(host), SLICE("127."));
}

bool http_init(struct http *http, const char *address)
{
    if (address != NULL && address[0] != '\0') {
        bool is_bare_v6 = strchr(address, ':') != NULL && address[0] != '[';
        struct buf rule;
        buf_init(&rule, BUF_CAP_OWN);
        buf_putf(&rule, is_bare_v6 ? "::[%s]:" : "::%s:", address);
        http->connect_to = curl_slist_append(NULL, buf_text(&rule));
        buf_finish(&rule);
        if (http->connect_to == NULL) {
            return false;
        }
    }
    http->easy = curl_easy_init();
    http->multi = curl_multi_init();
    return http->easy != NULL && http->multi != NULL;
}

void http_finish(struct http *http)
{
    if (http == NULL) {
        return;
    }
    if (http->easy != NULL) {
        curl_easy_cleanup(http->easy);
    }
    if (http->multi != NULL) {
        curl_multi_cleanup(http->multi);
    }
    curl_slist_free_all(http->connect_to);
    http->easy = NULL;
    http->multi = NULL;
    http->connect_to = NULL;
}

static void add_line(struct http_headers *headers, const char *name, const char *rest)
{
    if (headers->failed) {
        return;
    }
    struct buf line;
    buf_init(&line, BUF_CAP_OWN);
    buf_putf(&line, "%s%s", name, rest);
    struct curl_slist *longer = curl_slist_append(headers->lines, buf_text(&line));
    mem_free_secret(line.data, line.len);
    headers->failed = longer == NULL;
    headers->lines = longer == NULL ? headers->lines : longer;
}

void http_headers_add(struct http_headers *headers, const char *name, const char *value)
{
    if (value[0] == '\0') {
        add_line(headers, name, ";"); /* libcurl's sign for a header without a value */
        return;
    }
    struct buf rest;
    buf_init(&rest, BUF_CAP_OWN);
    buf_putf(&rest, ": %s", value);
    add_line(headers, name, buf_text(&rest));
    mem_free_secret(rest.data, rest.len);
}

void http_headers_forbid(struct http_headers *headers, const char *name)
{
    add_line(headers, name, ":");
}

void http_headers_finish(struct http_headers *headers)
{
    if (headers != NULL) {
        curl_slist_free_all(headers->lines);
        *headers = (struct http_headers){0};
    }
}

bool http_is_header_text(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) {
            return false;
        }
    }
    return true;
}

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
    struct http_answer *answer = ctx;
    buf_put(&answer->body, data, size * n);
    return answer->body.failed ? 0 : n;
}

static void keep(char **where, struct slice value)
{
    free(*where);
    *where = value.len > HEADER_VALUE_MAX ? NULL : slice_dup(value);
}

static void forget_headers(struct http_answer *answer)
{
    char **kept[] = {&answer->error_code, &answer->item_type, &answer->continuation,
                     &answer->request_id, &answer->etag,      &answer->command_status};
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        free(*kept[i]);
        *kept[i] = NULL;
    }
}

static size_t on_header(char *data, size_t size, size_t n, void *ctx)
{
    struct http_answer *answer = ctx;
    struct slice line = slice_make(data, size * n);
    /* A status line begins another set: that of an interim answer does not count. */
    if (slice_starts_with_nocase(line, SLICE("HTTP/"))) {
        forget_headers(answer);
        return n;
    }
    const struct {
        struct slice name;
        char **where;
    } kept[] = {
        {SLICE("iothub-errorcode"),        &answer->error_code    },
        {SLICE("x-ms-item-type"),          &answer->item_type     },
        {SLICE("x-ms-continuation"),       &answer->continuation  },
        {SLICE("x-ms-request-id"),         &answer->request_id    },
        {SLICE("ETag"),                    &answer->etag          },
        {SLICE("x-ms-command-statuscode"), &answer->command_status},
    };
    size_t colon = slice_find(line, ':');
    struct slice name = slice_trim(slice_make(line.data, colon));
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        if (slice_equal_nocase(name, kept[i].name)) {
            keep(kept[i].where, slice_trim(slice_from(line, colon + 1)));
        }
    }
    return n;
}

/* The options that no request changes. */
static CURLcode set_common(struct http *http)
{
    CURL *easy = http->easy;
    CURLcode failed = CURLE_OK;
    curl_easy_reset(easy);
    failed |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, http->why);
    failed |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    failed |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    failed |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    failed |= curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
    failed |= curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    failed |= curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    failed |= curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    failed |= curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, IDLE_MAX_S);
    /* "." and ".." are legal ids, which must not be taken for path segments. */
    failed |= curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    failed |= curl_easy_setopt(easy, CURLOPT_USERAGENT, http->user_agent);
    failed |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    failed |= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    if (http->connect_to != NULL) {
        failed |= curl_easy_setopt(easy, CURLOPT_CONNECT_TO, http->connect_to);
    }
    if (http->is_direct) {
        failed |= curl_easy_setopt(easy, CURLOPT_PROXY, "");
    }
    if (http->ca_file != NULL) {
        failed |= curl_easy_setopt(easy, CURLOPT_CAINFO, http->ca_file);
    }
    if (http->ca_file != NULL && !http->keeps_system_cas) {
        /* Instead of the system's authorities, so their folder must go too. */
        failed |= curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    if (http->certificate_file != NULL) {
        failed |= curl_easy_setopt(easy, CURLOPT_SSLCERT, http->certificate_file);
        failed |= curl_easy_setopt(easy, CURLOPT_SSLKEY, http->key_file);
    }
    return failed == CURLE_OK ? CURLE_OK : CURLE_FAILED_INIT;
}

static CURLcode set_request(struct http *http, const struct http_request *request,
                            struct http_answer *answer)
{
    CURL *easy = http->easy;
    CURLcode failed = set_common(http);
    bool is_post = strcmp(request->verb, "POST") == 0;
    failed |= curl_easy_setopt(easy, CURLOPT_URL, request->url);
    failed |= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, request->headers->lines);
    failed |= curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    failed |= curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, request->is_fresh ? 1L : 0L);
    failed |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, answer);
    failed |= curl_easy_setopt(easy, CURLOPT_HEADERDATA, answer);
    if (request->body != NULL || is_post) {
        /* A POST without a body still says that its length is 0. */
        bool is_empty = request->body == NULL;
        curl_off_t len = is_empty ? 0 : (curl_off_t)request->body_len;
        failed |= curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, len);
        failed |= curl_easy_setopt(easy, CURLOPT_POSTFIELDS, is_empty ? "" : request->body);
    }
    failed |= curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->verb);
    return failed == CURLE_OK ? CURLE_OK : CURLE_FAILED_INIT;
}

static bool is_interrupted(const struct http *http)
{
    return http->interrupted != NULL && http->interrupted(http->ctx);
}

static CURLcode finished_with(CURLM *multi)
{
    int n_left = 0;
    const CURLMsg *message = curl_multi_info_read(multi, &n_left);
    return message == NULL || message->msg != CURLMSG_DONE ? CURLE_FAILED_INIT
                                                           : message->data.result;
}

static CURLcode run(struct http *http)
{
    CURLMcode broken = curl_multi_add_handle(http->multi, http->easy);
    CURLcode code = CURLE_OK;
    int n_running = 1;
    while (broken == CURLM_OK && n_running != 0) {
        if (is_interrupted(http)) {
            code = CURLE_ABORTED_BY_CALLBACK;
            break;
        }
        broken = curl_multi_perform(http->multi, &n_running);
        if (broken == CURLM_OK && n_running != 0) {
            broken = curl_multi_poll(http->multi, NULL, 0, SLICE_MS, NULL);
        }
    }
    if (broken != CURLM_OK) {
        code = CURLE_FAILED_INIT;
    } else if (code == CURLE_OK) {
        code = finished_with(http->multi);
    }
    /* Taking an unfinished transfer out closes its connection. */
    (void)curl_multi_remove_handle(http->multi, http->easy);
    return code;
}

static enum iothub_status status_of(CURLcode code)
{
    switch ((int)code) {
    case CURLE_OK:
        return IOTHUB_OK;
    case CURLE_ABORTED_BY_CALLBACK:
        return IOTHUB_INTERRUPTED;
    case CURLE_OPERATION_TIMEDOUT:
        return IOTHUB_TIMED_OUT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_USE_SSL_FAILED:
        return IOTHUB_TLS_FAILED;
    case CURLE_WRITE_ERROR: /* our own on_body: over the cap */
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_BAD_CONTENT_ENCODING:
        return IOTHUB_UNEXPECTED_ANSWER;
    default:
        return IOTHUB_CONNECTION_FAILED;
    }
}

static void put_why(struct buf *error, const struct http *http,
                    const struct http_answer *answer, CURLcode code)
{
    if (answer->body.failed) {
        buf_putf(error, "the answer is longer than %zu bytes", http->max_answer_bytes);
    } else if (code == CURLE_ABORTED_BY_CALLBACK) {
        buf_put_text(error, "interrupted");
    } else {
        buf_put_text(error, http->why[0] != '\0' ? http->why : curl_easy_strerror(code));
    }
}

static void read_facts(struct http *http, struct http_answer *answer)
{
    long status = 0;
    long sent_bytes = 0;
    curl_off_t retry_after_s = 0;
    (void)curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(http->easy, CURLINFO_REQUEST_SIZE, &sent_bytes);
    (void)curl_easy_getinfo(http->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    answer->status = (int)status;
    answer->was_sent = sent_bytes > 0;
    answer->retry_after_s = retry_after_s;
}

enum iothub_status http_exchange(struct http *http, const struct http_request *request,
                                 struct http_answer *out, struct buf *error)
{
    *out = (struct http_answer){0};
    buf_init(&out->body, http->max_answer_bytes);
    http->why[0] = '\0';
    CURLcode code = set_request(http, request, out);
    if (code == CURLE_OK) {
        code = run(http);
        read_facts(http, out);
    }
    if (code != CURLE_OK) {
        put_why(error, http, out, code);
    }
    return status_of(code);
}

bool http_pause(struct http *http, int64_t ms)
{
    static const struct clock clock = {0};
    int64_t end_ms = clock_read(&clock).now_ms + ms;
    while (!is_interrupted(http)) {
        int64_t left_ms = end_ms - clock_read(&clock).now_ms;
        if (left_ms <= 0) {
            return true;
        }
        int slice_ms = left_ms < SLICE_MS ? (int)left_ms : SLICE_MS;
        (void)curl_multi_poll(http->multi, NULL, 0, slice_ms, NULL);
    }
    return false;
}

void http_answer_finish(struct http_answer *answer)
{
    if (answer != NULL) {
        forget_headers(answer);
        buf_finish(&answer->body);
        *answer = (struct http_answer){0};
    }
}
