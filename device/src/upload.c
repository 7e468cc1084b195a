/*
 * Uploading a file: three steps with the hub, the storage account and the hub again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/coding.h"
#include "base/mem.h"
#include "base/random.h"
#include "device/src/backoff.h"
#include "device/src/blob.h"
#include "device/src/credential.h"
#include "device/src/settings.h"
#include "http/http.h"
#include "http/hub_error.h"
#include "iothub/device.h"
#include "iothub/json.h"
#include "iothub/sas_token.h"

#define ATTEMPTS_MAX     5
#define ANSWER_MAX_BYTES ((size_t)64 * 1024)
#define TEXT_MAX         512
#define PORT_HTTPS       443
#define PORT_HTTP        80

/* How long the hub has to take note of a failure. */
#define LAST_WORD_MS 5000

/* A block has this long, whatever the hub's requests have. */
#define BLOCK_TIMEOUT_MS (INT64_C(10) * 60 * 1000)

/* Its place is the heap: libcurl keeps pointers into it. */
struct uploader {
    const struct iothub_device_upload *upload;
    struct settings settings;
    struct http hub;
    struct http storage;
    bool is_hub_storage; /* the hub itself stores: the same server under the same name */
    uint16_t port;
    int fd; /* -1: the bytes are in memory */
    int64_t n_bytes;
    char *block;
    struct blob_place place;
    struct buf text; /* what went wrong */
    int storage_status;
    int n_attempts; /* of each request, at most */
    char user_agent[64];
};

static enum iothub_status fail(struct uploader *u, enum iothub_status status, const char *what,
                               const char *why)
{
    buf_reset(&u->text);
    buf_putf(&u->text, "%s%s%s", what, why[0] == '\0' ? "" : ": ", why);
    return status;
}

/* ---- what is uploaded ---- */

static enum iothub_status open_source(struct uploader *u)
{
    struct stat info;
    u->n_bytes = (int64_t)u->upload->data_len;
    if (u->upload->path == NULL) {
        return u->upload->data == NULL && u->n_bytes != 0
                   ? fail(u, IOTHUB_BAD_ARGUMENT, "there is nothing to upload", "")
                   : IOTHUB_OK;
    }
    u->fd = open(u->upload->path, O_RDONLY | O_CLOEXEC);
    if (u->fd < 0 || fstat(u->fd, &info) != 0) {
        return fail(u, IOTHUB_BAD_ARGUMENT, u->upload->path, strerror(errno));
    }
    if (!S_ISREG(info.st_mode)) {
        return fail(u, IOTHUB_BAD_ARGUMENT, u->upload->path, "not an ordinary file");
    }
    u->n_bytes = info.st_size;
    return u->n_bytes > (int64_t)BLOB_BLOCK_BYTES * BLOB_BLOCKS_MAX
               ? fail(u, IOTHUB_BAD_ARGUMENT, u->upload->path, "it is too large for a blob")
               : IOTHUB_OK;
}

/* The bytes from `at` on, which stay until the next call. */
static enum iothub_status read_block(struct uploader *u, int64_t at, size_t len,
                                     const char **out)
{
    size_t n_read = 0;
    if (u->fd < 0) {
        *out = len == 0 ? "" : (const char *)u->upload->data + at;
        return IOTHUB_OK;
    }
    *out = u->block;
    while (n_read < len) {
        ssize_t n = pread(u->fd, u->block + n_read, len - n_read, at + (int64_t)n_read);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return fail(u, IOTHUB_BAD_ARGUMENT, u->upload->path,
                        n < 0 ? strerror(errno) : "it has become shorter");
        }
        n_read += (size_t)n;
    }
    return IOTHUB_OK;
}

/* ---- requests ---- */

static bool is_passing(int http_status)
{
    return http_status == 429 || http_status == 500 || http_status == 502 ||
           http_status == 503 || http_status == 504;
}

/* Once more?  What a server may have done already is repeated only if that does no harm. */
static bool may_repeat(enum iothub_status status, const struct http_answer *answer,
                       bool is_harmless)
{
    if (status == IOTHUB_CONNECTION_FAILED || status == IOTHUB_TIMED_OUT) {
        return !answer->was_sent || is_harmless;
    }
    return status == IOTHUB_OK && is_passing(answer->status) &&
           (is_harmless || answer->status == 429 || answer->status == 503);
}

/*
 * Attempts until an answer is there that stays.
 * @param out  to be ended on IOTHUB_OK, whatever its HTTP status.
 */
static enum iothub_status exchange(struct uploader *u, struct http *http,
                                   const struct http_request *request, bool is_harmless,
                                   struct http_answer *out)
{
    struct backoff backoff = {.min_ms = u->settings.backoff_min_ms,
                              .max_ms = u->settings.backoff_max_ms};
    for (int n = 1;; n++) {
        buf_reset(&u->text);
        enum iothub_status status = http_exchange(http, request, out, &u->text);
        if (n >= u->n_attempts || !may_repeat(status, out, is_harmless)) {
            if (status != IOTHUB_OK) {
                http_answer_finish(out);
            }
            return status;
        }
        int64_t asked_ms = out->retry_after_s * 1000;
        int64_t pause_ms = backoff_next_ms(&backoff, random_u64());
        http_answer_finish(out);
        if (!http_pause(http, asked_ms > pause_ms ? asked_ms : pause_ms)) {
            return fail(u, IOTHUB_INTERRUPTED, "interrupted", "");
        }
    }
}

static bool is_success(const struct http_answer *answer)
{
    return answer->status >= 200 && answer->status <= 299;
}

/* ---- the hub ---- */

static void put_hub_url(struct buf *out, const struct uploader *u, const char *tail)
{
    buf_putf(out, "%s://%s:%u/devices/", u->settings.is_plain ? "http" : "https",
             u->settings.server_name, (unsigned)u->port);
    percent_encode(out, slice_of(u->settings.cs.device_id));
    buf_putf(out, "%s?api-version=" CREDENTIAL_API_VERSION, tail);
}

/* A token that was given, one that is made, or none beside a certificate. */
static void add_authorization(struct http_headers *headers, const struct uploader *u)
{
    const struct connection_string *cs = &u->settings.cs;
    const struct clock clock = {0};
    struct buf token;
    buf_init(&token, SAS_TOKEN_MAX_BYTES);
    int64_t expiry_s = clock_read(&clock).at_ms / 1000 + u->settings.token_lifetime_s;
    if (cs->shared_access_signature != NULL) {
        http_headers_add(headers, "Authorization", cs->shared_access_signature);
    } else if (credential_put_token(&token, cs, expiry_s)) {
        http_headers_add(headers, "Authorization", buf_text(&token));
    }
    mem_free_secret_text(buf_take_text(&token));
}

static enum iothub_status refused_by_hub(struct uploader *u, const struct http_answer *answer)
{
    struct hub_error error;
    hub_error_read(&error, answer->status, answer->error_code, buf_slice(&answer->body));
    enum iothub_status status =
        fail(u, error.status, iothub_status_name(error.status), error.text);
    hub_error_finish(&error);
    return status;
}

/* POST JSON to the hub.  @param out  as for exchange(), only with success. */
static enum iothub_status ask_hub(struct uploader *u, const char *tail, struct slice body,
                                  bool is_harmless, struct http_answer *out)
{
    struct buf url;
    struct http_headers headers = {0};
    buf_init(&url, BUF_CAP_OWN);
    put_hub_url(&url, u, tail);
    add_authorization(&headers, u);
    http_headers_add(&headers, "Content-Type", "application/json; charset=utf-8");
    http_headers_forbid(&headers, "Expect");
    const struct http_request request = {.verb = "POST",
                                         .url = buf_text(&url),
                                         .headers = &headers,
                                         .body = body.data,
                                         .body_len = body.len,
                                         .timeout_ms = u->settings.request_timeout_ms};
    enum iothub_status status = exchange(u, &u->hub, &request, is_harmless, out);
    if (status == IOTHUB_OK && !is_success(out)) {
        status = refused_by_hub(u, out);
        http_answer_finish(out);
    }
    http_headers_finish(&headers);
    buf_finish(&url);
    return status;
}

static enum iothub_status find_place(struct uploader *u)
{
    struct buf body;
    struct http_answer answer;
    buf_init(&body, BUF_CAP_OWN);
    buf_put_text(&body, "{\"blobName\":");
    json_put_string(&body, slice_of(u->upload->blob_name));
    buf_put_char(&body, '}');
    enum iothub_status status = ask_hub(u, "/files", buf_slice(&body), true, &answer);
    buf_finish(&body);
    if (status != IOTHUB_OK) {
        return status;
    }
    bool is_good = blob_place_read(buf_slice(&answer.body), &u->place);
    http_answer_finish(&answer);
    return is_good
               ? IOTHUB_OK
               : fail(u, IOTHUB_UNEXPECTED_ANSWER, "the hub names no place for the file", "");
}

static enum iothub_status tell_outcome(struct uploader *u, bool is_success, const char *why)
{
    struct buf body;
    struct http_answer answer;
    buf_init(&body, BUF_CAP_OWN);
    buf_put_text(&body, "{\"correlationId\":");
    json_put_string(&body, slice_of(u->place.correlation_id));
    buf_putf(&body, ",\"isSuccess\":%s,\"statusCode\":%d,\"statusDescription\":",
             is_success ? "true" : "false", u->storage_status);
    json_put_string(&body, slice_of(why));
    buf_put_char(&body, '}');
    enum iothub_status status =
        ask_hub(u, "/files/notifications", buf_slice(&body), false, &answer);
    if (status == IOTHUB_OK) {
        http_answer_finish(&answer);
    }
    buf_finish(&body);
    return status;
}

/* ---- the storage account ---- */

static enum iothub_status refused_by_storage(struct uploader *u,
                                             const struct http_answer *answer)
{
    struct buf why;
    buf_init(&why, TEXT_MAX);
    blob_put_refusal(&why, buf_slice(&answer->body));
    buf_reset(&u->text);
    buf_putf(&u->text, "the storage account refused the file with HTTP status %d: %s",
             answer->status, buf_text(&why));
    buf_finish(&why);
    return iothub_status_from_http(answer->status);
}

/* What is written by a request. */
enum piece {
    PIECE_WHOLE,
    PIECE_BLOCK,
    PIECE_LIST,
};

/*
 * The blob's type belongs to the request that writes it whole: beside "comp=…" a storage
 * emulator would take the piece for the blob.  A block has no type of content yet.
 */
static void add_piece_headers(struct http_headers *headers, const struct uploader *u,
                              enum piece piece)
{
    if (piece == PIECE_WHOLE) {
        http_headers_add(headers, "x-ms-blob-type", "BlockBlob");
    }
    if (piece != PIECE_BLOCK && u->upload->content_type != NULL) {
        http_headers_add(headers, "x-ms-blob-content-type", u->upload->content_type);
    }
    http_headers_add(headers, "Content-Type",
                     piece == PIECE_LIST ? "text/xml; charset=utf-8"
                                         : "application/octet-stream");
}

static enum iothub_status put(struct uploader *u, const char *url, struct slice body,
                              enum piece piece)
{
    struct http_answer answer;
    struct http_headers headers = {0};
    add_piece_headers(&headers, u, piece);
    http_headers_forbid(&headers, "Expect");
    const struct http_request request = {.verb = "PUT",
                                         .url = url,
                                         .headers = &headers,
                                         .body = body.data,
                                         .body_len = body.len,
                                         .timeout_ms = BLOCK_TIMEOUT_MS};
    struct http *http = u->is_hub_storage ? &u->hub : &u->storage;
    enum iothub_status status = exchange(u, http, &request, true, &answer);
    http_headers_finish(&headers);
    if (status != IOTHUB_OK) {
        return status;
    }
    u->storage_status = answer.status;
    status = is_success(&answer) ? IOTHUB_OK : refused_by_storage(u, &answer);
    http_answer_finish(&answer);
    return status;
}

static void report_progress(const struct uploader *u, int64_t n_done)
{
    if (u->upload->progress != NULL) {
        u->upload->progress(u->upload->ctx, n_done, u->n_bytes);
    }
}

/* `parameters` are cut off the URL again. */
static enum iothub_status put_block(struct uploader *u, struct buf *url, unsigned number)
{
    const char *data = NULL;
    size_t url_len = url->len;
    int64_t at = (int64_t)number * (int64_t)BLOB_BLOCK_BYTES;
    int64_t left = u->n_bytes - at;
    size_t len = left < (int64_t)BLOB_BLOCK_BYTES ? (size_t)left : BLOB_BLOCK_BYTES;
    enum iothub_status status = read_block(u, at, len, &data);
    if (status == IOTHUB_OK) {
        blob_put_block_parameters(url, number);
        status = put(u, buf_text(url), slice_make(data, len), PIECE_BLOCK);
        buf_cut(url, url_len);
    }
    if (status == IOTHUB_OK) {
        report_progress(u, at + (int64_t)len);
    }
    return status;
}

static enum iothub_status put_blocks(struct uploader *u, struct buf *url)
{
    enum iothub_status status = IOTHUB_OK;
    unsigned n_blocks =
        (unsigned)((u->n_bytes + (int64_t)BLOB_BLOCK_BYTES - 1) / (int64_t)BLOB_BLOCK_BYTES);
    for (unsigned i = 0; i < n_blocks && status == IOTHUB_OK; i++) {
        status = put_block(u, url, i);
    }
    if (status == IOTHUB_OK) {
        struct buf list;
        buf_init(&list, BUF_CAP_OWN);
        blob_put_block_list(&list, n_blocks);
        buf_put_text(url, "&comp=blocklist");
        status = put(u, buf_text(url), buf_slice(&list), PIECE_LIST);
        buf_finish(&list);
    }
    return status;
}

static enum iothub_status put_whole(struct uploader *u, const char *url)
{
    const char *data = NULL;
    enum iothub_status status = read_block(u, 0, (size_t)u->n_bytes, &data);
    if (status == IOTHUB_OK) {
        status = put(u, url, slice_make(data, (size_t)u->n_bytes), PIECE_WHOLE);
    }
    if (status == IOTHUB_OK) {
        report_progress(u, u->n_bytes);
    }
    return status;
}

static enum iothub_status store(struct uploader *u)
{
    struct buf url;
    buf_init(&url, BUF_CAP_OWN);
    blob_put_url(&url, &u->place, u->settings.is_plain);
    enum iothub_status status = u->n_bytes <= (int64_t)BLOB_BLOCK_BYTES
                                    ? put_whole(u, buf_text(&url))
                                    : put_blocks(u, &url);
    mem_free_secret_text(buf_take_text(&url));
    return status;
}

/* ---- all of it ---- */

static enum iothub_status take_options(struct uploader *u,
                                       const struct iothub_device_options *options)
{
    enum iothub_status status = settings_init(options, &u->text, &u->settings);
    if (status != IOTHUB_OK) {
        return status;
    }
    if (u->settings.cs.module_id != NULL) {
        return fail(u, IOTHUB_BAD_ARGUMENT, "modules cannot upload files", "");
    }
    if (u->upload->blob_name == NULL || u->upload->blob_name[0] == '\0') {
        return fail(u, IOTHUB_BAD_ARGUMENT, "the blob has no name", "");
    }
    if (u->upload->content_type != NULL && !http_is_header_text(u->upload->content_type)) {
        return fail(u, IOTHUB_BAD_ARGUMENT, "the content type cannot be sent", "");
    }
    u->port = options->port != 0 ? options->port : options->is_plain ? PORT_HTTP : PORT_HTTPS;
    u->block = mem_alloc(BLOB_BLOCK_BYTES);
    return open_source(u);
}

static bool init_http(struct uploader *u, struct http *http, const char *address)
{
    http->ca_file = u->settings.ca_file;
    http->user_agent = u->user_agent;
    http->max_answer_bytes = ANSWER_MAX_BYTES;
    http->interrupted = u->upload->interrupted;
    http->ctx = u->upload->ctx;
    return http_init(http, address);
}

/* An address that was given is the hub's; the storage's is only another name's business. */
static enum iothub_status init_connections(struct uploader *u,
                                           const struct iothub_device_options *options)
{
    (void)snprintf(u->user_agent, sizeof(u->user_agent), "libiothub_device/%s", IOTHUB_VERSION);
    u->hub.certificate_file = u->settings.certificate_file;
    u->hub.key_file = u->settings.key_file;
    u->hub.is_direct = http_is_direct(u->settings.server_name, options->address);
    return init_http(u, &u->hub, options->address)
               ? IOTHUB_OK
               : fail(u, IOTHUB_CONNECTION_FAILED, "the HTTP client cannot be set up", "");
}

static enum iothub_status init_storage(struct uploader *u)
{
    struct slice host = slice_of(u->place.host);
    host.len = strcspn(u->place.host, ":/");
    u->is_hub_storage = slice_equal_nocase(host, slice_of(u->settings.server_name));
    if (u->is_hub_storage) {
        return IOTHUB_OK;
    }
    u->storage.is_direct = http_is_direct(u->place.host, NULL);
    /* A local hub has a CA of its own, while its storage may well be Azure's. */
    u->storage.keeps_system_cas = true;
    return init_http(u, &u->storage, NULL)
               ? IOTHUB_OK
               : fail(u, IOTHUB_CONNECTION_FAILED, "the HTTP client cannot be set up", "");
}

/* The hub keeps a place open until it is told; one quick attempt, also after an interruption.
 */
static void tell_failure(struct uploader *u)
{
    char *why = mem_dup_text(buf_text(&u->text));
    u->n_attempts = 1;
    u->hub.interrupted = NULL;
    if (u->settings.request_timeout_ms > LAST_WORD_MS) {
        u->settings.request_timeout_ms = LAST_WORD_MS;
    }
    (void)tell_outcome(u, false, why);
    (void)fail(u, IOTHUB_OK, why, "");
    free(why);
}

static enum iothub_status run(struct uploader *u, const struct iothub_device_options *options)
{
    enum iothub_status status = take_options(u, options);
    if (status == IOTHUB_OK) {
        status = init_connections(u, options);
    }
    if (status == IOTHUB_OK) {
        status = find_place(u);
    }
    if (status != IOTHUB_OK) {
        return status;
    }
    status = init_storage(u);
    if (status == IOTHUB_OK) {
        status = store(u);
    }
    if (status == IOTHUB_OK) {
        return tell_outcome(u, true, "Created");
    }
    tell_failure(u);
    return status;
}

static void finish(struct uploader *u)
{
    http_finish(&u->hub);
    http_finish(&u->storage);
    blob_place_finish(&u->place);
    settings_finish(&u->settings);
    if (u->fd >= 0) {
        (void)close(u->fd);
    }
    free(u->block);
    buf_finish(&u->text);
    free(u);
}

enum iothub_status iothub_device_upload(const struct iothub_device_options *options,
                                        const struct iothub_device_upload *upload,
                                        struct iothub_device_error *error)
{
    http_begin_use();
    struct uploader *u = mem_alloc(sizeof(*u));
    u->upload = upload;
    u->fd = -1;
    u->n_attempts = ATTEMPTS_MAX;
    buf_init(&u->text, TEXT_MAX);
    enum iothub_status status = run(u, options);
    if (error != NULL) {
        (void)snprintf(error->text, sizeof(error->text), "%s",
                       status == IOTHUB_OK ? "" : buf_text(&u->text));
    }
    finish(u);
    http_end_use();
    return status;
}
