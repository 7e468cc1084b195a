/*
 * A small HTTP/1.1 client.
 *
 * The answer's bytes are collected and read anew from the start whenever more have come:
 * answers are small, and nothing has to be remembered between two looks. Source: RFC 9112.
 */
#include "server/local_request.h"

#include <string.h>

#include "base/coding.h"
#include "base/wire.h"
#include "server/secret.h"

#define STEP 16384

/* A chunk's frame costs bytes, too; whoever needs more than this for a body wants no good. */
#define ANSWER_MAX (LOCAL_HEAD_MAX + 2 * LOCAL_BODY_MAX)

/* An answer as far as it has come. */
struct reading {
    struct slice in;
    bool is_at_end;
    int status;
    bool has_length;
    int64_t length;
    bool is_chunked;
    const char *fault;
};

static enum wire_result bad(struct reading *r, const char *fault)
{
    r->fault = fault;
    return WIRE_BAD;
}

/* Bytes are missing; at the end of the stream they will not come any more. */
static enum wire_result more(struct reading *r)
{
    return r->is_at_end ? bad(r, "the connection was closed before the answer was complete")
                        : WIRE_MORE;
}

/* A line without its end; CR LF, or LF alone. */
static bool take_line(struct slice *in, struct slice *out)
{
    size_t end = slice_find(*in, '\n');
    if (end == in->len) {
        return false;
    }
    *out = slice_make(in->data, end);
    *in = slice_from(*in, end + 1);
    if (slice_ends_with(*out, SLICE("\r"))) {
        out->len--;
    }
    return true;
}

static bool read_status(struct reading *r, struct slice line)
{
    int64_t status = 0;
    if (!slice_starts_with(line, SLICE("HTTP/1.")) || line.len < 12 || line.data[8] != ' ') {
        return false;
    }
    if (!slice_to_i64(slice_make(line.data + 9, 3), &status) || status < 100) {
        return false;
    }
    r->status = (int)status;
    return line.len == 12 || line.data[12] == ' ';
}

static bool read_field(struct reading *r, struct slice line)
{
    size_t colon = slice_find(line, ':');
    struct slice name = slice_make(line.data, colon);
    struct slice value = slice_trim(slice_from(line, colon + 1));
    if (colon == line.len) {
        return false;
    }
    if (slice_equal_nocase(name, SLICE("Content-Length"))) {
        r->has_length = slice_to_i64(value, &r->length) && r->length >= 0;
        return r->has_length;
    }
    if (slice_equal_nocase(name, SLICE("Transfer-Encoding"))) {
        r->is_chunked = slice_equal_nocase(value, SLICE("chunked"));
        return r->is_chunked;
    }
    return true;
}

/* Status line and fields up to the empty line, off the front of r->in. */
static enum wire_result read_head(struct reading *r)
{
    struct slice line;
    size_t whole = r->in.len;
    if (!take_line(&r->in, &line)) {
        return whole > LOCAL_HEAD_MAX ? bad(r, "the answer is no HTTP") : more(r);
    }
    if (!read_status(r, line)) {
        return bad(r, "the answer is no HTTP");
    }
    while (take_line(&r->in, &line)) {
        if (line.len == 0) {
            return WIRE_OK;
        }
        if (!read_field(r, line)) {
            return bad(r, "the answer is no HTTP");
        }
    }
    return whole > LOCAL_HEAD_MAX ? bad(r, "the answer's head is too large") : more(r);
}

/* Hex, as much as there is; extensions behind it are ignored. */
static bool read_chunk_size(struct slice line, size_t *out)
{
    size_t size = 0;
    size_t i = 0;
    for (; i < line.len && hex_digit(line.data[i]) >= 0; i++) {
        if (size > LOCAL_BODY_MAX) {
            return false;
        }
        size = size * 16 + (size_t)hex_digit(line.data[i]);
    }
    *out = size;
    return i > 0 && (i == line.len || line.data[i] == ';' || line.data[i] == ' ');
}

/* The fields behind the last chunk mean nothing to us. */
static enum wire_result read_trailer(struct reading *r)
{
    struct slice line;
    while (take_line(&r->in, &line)) {
        if (line.len == 0) {
            return WIRE_OK;
        }
    }
    return more(r);
}

static enum wire_result read_chunks(struct reading *r, struct buf *body)
{
    struct slice line;
    size_t size = 0;
    while (take_line(&r->in, &line)) {
        if (!read_chunk_size(line, &size)) {
            return bad(r, "the answer has a chunk without a size or with too large a one");
        }
        if (size == 0) {
            return read_trailer(r);
        }
        if (r->in.len < size) {
            return more(r);
        }
        buf_put(body, r->in.data, size);
        r->in = slice_from(r->in, size);
        if (body->failed) {
            return bad(r, "the answer is too large");
        }
        if (!take_line(&r->in, &line)) {
            return more(r);
        }
        if (line.len != 0) {
            return bad(r, "the answer has a chunk that is longer than it says");
        }
    }
    return more(r);
}

static enum wire_result read_body(struct reading *r, struct buf *body)
{
    bool has_none = r->status == 204 || r->status == 304;
    if (has_none) {
        return WIRE_OK;
    }
    if (r->is_chunked) {
        return read_chunks(r, body);
    }
    if (r->has_length && r->length > (int64_t)LOCAL_BODY_MAX) {
        return bad(r, "the answer is too large");
    }
    size_t wanted = r->has_length ? (size_t)r->length : r->in.len;
    if (r->in.len < wanted || (!r->has_length && !r->is_at_end)) {
        return more(r);
    }
    buf_put(body, r->in.data, wanted);
    return body->failed ? bad(r, "the answer is too large") : WIRE_OK;
}

/* The body is filled only when everything is there. */
static enum wire_result read_answer(struct slice in, bool is_at_end, struct local_answer *out,
                                    const char **fault)
{
    struct reading r;
    enum wire_result result;
    /* Answers below 200 only announce the real one. */
    do {
        r = (struct reading){.in = in, .is_at_end = is_at_end};
        result = read_head(&r);
        in = r.in;
    } while (result == WIRE_OK && r.status < 200);
    if (result == WIRE_OK) {
        buf_reset(&out->body);
        result = read_body(&r, &out->body);
    }
    out->status = r.status;
    *fault = r.fault;
    return result;
}

static bool receive_answer(struct local_socket *s, struct local_answer *out)
{
    struct buf in;
    char step[STEP];
    const char *fault = NULL;
    enum wire_result result = WIRE_MORE;
    buf_init(&in, ANSWER_MAX);
    while (result == WIRE_MORE) {
        int n = local_socket_receive(s, step, sizeof(step));
        if (n < 0) {
            break;
        }
        buf_put(&in, step, (size_t)n);
        if (in.failed) {
            fault = "the answer is too large";
            break;
        }
        result = read_answer(buf_slice(&in), n == 0, out, &fault);
    }
    secret_finish(&in);
    if (fault != NULL) {
        local_socket_tell(s, fault);
    }
    return result == WIRE_OK;
}

static bool send_request(struct local_socket *s, const struct local_request *request)
{
    bool is_six = strchr(request->host, ':') != NULL;
    struct buf text;
    buf_init(&text, BUF_CAP_OWN);
    buf_putf(&text, "GET %s HTTP/1.1\r\nHost: ", request->path);
    buf_putf(&text, is_six ? "[%s]:%lld\r\n" : "%s:%lld\r\n", request->host,
             (long long)s->target->port);
    if (request->authorization != NULL) {
        buf_putf(&text, "Authorization: %s\r\n", request->authorization);
    }
    buf_put_text(&text, "Accept: application/json\r\nConnection: close\r\n\r\n");
    bool is_sent = local_socket_send(s, buf_slice(&text));
    secret_finish(&text);
    return is_sent;
}

bool local_get(const struct local_target *target, const struct local_request *request,
               struct buf *error, struct local_answer *out)
{
    struct local_socket s;
    struct local_answer answer = {0};
    buf_init(&answer.body, LOCAL_BODY_MAX);
    bool is_done = local_socket_open(&s, target, error) && send_request(&s, request) &&
                   receive_answer(&s, &answer);
    local_socket_close(&s);
    if (!is_done) {
        local_answer_finish(&answer);
        return false;
    }
    *out = answer;
    return true;
}

void local_answer_finish(struct local_answer *answer)
{
    buf_finish(&answer->body);
    *answer = (struct local_answer){0};
}
