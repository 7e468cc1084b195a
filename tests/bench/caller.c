/*
 * Requests and answers.
 */
#include "bench/caller.h"

#include <stdlib.h>

#define API_VERSION "?api-version=2021-04-12"

static size_t content_length(struct slice head)
{
    struct slice line;
    struct slice name = SLICE("content-length:");
    int64_t len = 0;
    while (slice_next(&head, '\n', &line)) {
        if (slice_starts_with_nocase(line, name) &&
            slice_to_i64(slice_trim(slice_from(line, name.len)), &len)) {
            return (size_t)len;
        }
    }
    bench_fail(NULL, "an HTTP answer has no Content-Length");
}

static size_t on_bytes(struct load_link *link, struct slice in)
{
    struct caller *caller = CONTAINER_OF(link, struct caller, link);
    const char *end = memmem(in.data, in.len, "\r\n\r\n", 4);
    if (end == NULL) {
        return 0;
    }
    struct slice head = slice_between(in.data, end);
    struct slice body = slice_from(in, head.len + 4);
    size_t len = content_length(head);
    if (body.len < len) {
        return 0;
    }
    if (!slice_starts_with(head, SLICE("HTTP/1.1 200"))) {
        bench_fail(NULL, "the hub answers %.*s", SLICE_ARG(in));
    }
    caller->answered(caller, slice_make(body.data, len));
    return head.len + 4 + len;
}

static const struct load_link_ops link_ops = {.take = on_bytes};

void caller_open(struct caller *caller, struct load *load, const struct server *hub)
{
    caller->link = (struct load_link){.out = {.cap = BUF_CAP_OWN}};
    caller->head = (struct buf){.cap = BUF_CAP_OWN};
    buf_put_text(&caller->head, API_VERSION " HTTP/1.1\r\nHost: ");
    server_put_host(hub, &caller->head);
    buf_put_text(&caller->head, "\r\nContent-Type: application/json\r\nAuthorization: ");
    server_put_token(hub, "", &caller->head);
    load_link_open(&caller->link, load, &link_ops, hub->http_port, false);
}

void caller_send(struct caller *caller, const char *verb, const char *path, struct slice body)
{
    struct buf *out = &caller->link.out;
    buf_putf(out, "%s %s", verb, path);
    buf_put_slice(out, buf_slice(&caller->head));
    buf_putf(out, "\r\nContent-Length: %zu\r\n\r\n", body.len);
    buf_put_slice(out, body);
    load_link_send(&caller->link);
}

void caller_close(struct caller *caller)
{
    load_link_close(&caller->link);
    buf_finish(&caller->head);
}
