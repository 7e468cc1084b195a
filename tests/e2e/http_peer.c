/*
 * HTTP/1.1 as far as the emulator's answers go: each has a Content-Length, or none and no body.
 */
#include "e2e/http_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "iothub/connection_string.h"
#include "iothub/sas_token.h"

enum {
    TOKEN_S = 3600,
    REQUEST_MAX_BYTES = 65536,
};

void http_peer_open(struct http_peer *peer, const struct emulator *e)
{
    struct connection_string cs;
    int64_t now_s = clock_read(&(struct clock){0}).at_ms / 1000;
    *peer = (struct http_peer){.head = {.cap = REQUEST_MAX_BYTES}};
    assert_true(connection_string_parse(slice_of(e->connection_string),
                                        CONNECTION_STRING_SERVICE, NULL, &cs));
    buf_putf(&peer->head, "Host: %s\r\nAuthorization: ", cs.host_name);
    assert_true(sas_token_write(&peer->head, slice_of(cs.host_name),
                                slice_of(cs.shared_access_key),
                                slice_of(cs.shared_access_key_name), now_s + TOKEN_S));
    buf_put_text(&peer->head, "\r\n");
    connection_string_finish(&cs);
    line_open(&peer->line, e->ports[EMULATOR_HTTP]);
}

void http_peer_close(struct http_peer *peer)
{
    line_close(&peer->line);
    buf_finish(&peer->head);
}

bool http_peer_send(struct http_peer *peer, const char *method, const char *path,
                    const char *body)
{
    struct buf request = {.cap = REQUEST_MAX_BYTES};
    buf_putf(&request, "%s %s?api-version=2021-04-12 HTTP/1.1\r\n", method, path);
    buf_put_slice(&request, buf_slice(&peer->head));
    if (body != NULL) {
        buf_putf(&request, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
                 strlen(body));
    }
    buf_put_text(&request, "\r\n");
    buf_put_text(&request, body == NULL ? "" : body);
    assert_false(request.failed);
    bool is_sent = line_send(&peer->line, buf_slice(&request));
    buf_finish(&request);
    return is_sent;
}

static size_t body_length(struct slice head)
{
    struct slice row = {0};
    const struct slice name = SLICE("Content-Length:");
    int64_t len = 0;
    while (slice_next(&head, '\n', &row)) {
        if (slice_starts_with_nocase(row, name)) {
            assert_true(slice_to_i64(slice_trim(slice_from(row, name.len)), &len));
        }
    }
    return (size_t)len;
}

/* The reply at the front of `in`, if it is whole. */
static bool look(struct http_peer *peer, struct http_reply *out)
{
    struct slice in = buf_slice(&peer->line.in);
    const char *end = in.len == 0 ? NULL : memmem(in.data, in.len, "\r\n\r\n", 4);
    if (end == NULL) {
        return false;
    }
    struct http_reply reply = {.head = slice_between(in.data, end + 2)};
    size_t body_at = reply.head.len + 2;
    size_t body_len = body_length(reply.head);
    if (in.len < body_at + body_len) {
        return false;
    }
    int64_t status = 0;
    assert_true(slice_starts_with(in, SLICE("HTTP/1.1 ")));
    assert_true(slice_to_i64(slice_make(in.data + strlen("HTTP/1.1 "), 3), &status));
    reply.status = (int)status;
    reply.body = slice_make(in.data + body_at, body_len);
    peer->n_read = body_at + body_len;
    *out = reply;
    return true;
}

bool http_peer_look(struct http_peer *peer, struct http_reply *out)
{
    buf_drop(&peer->line.in, peer->n_read);
    peer->n_read = 0;
    return look(peer, out);
}

bool http_peer_receive(struct http_peer *peer, struct http_reply *out)
{
    while (!http_peer_look(peer, out)) {
        if (!line_receive(&peer->line)) {
            return false;
        }
    }
    return true;
}

void http_peer_ask(struct http_peer *peer, const char *method, const char *path,
                   const char *body, int status)
{
    struct http_reply reply = {0};
    assert_true(http_peer_send(peer, method, path, body));
    if (!http_peer_receive(peer, &reply)) {
        fail_msg("the emulator hung up instead of answering %s %s", method, path);
    }
    if (reply.status != status) {
        print_error("%s %s: %.*s\n", method, path, SLICE_ARG(reply.body));
    }
    assert_int_equal(reply.status, status);
}
