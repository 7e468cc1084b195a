/*
 * Requests to a peer that answers well, badly, in pieces or not at all.
 */
#include "support.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/local_request.h"

#define TIMEOUT_MS 10000

static const struct local_request health = {.host = "hub.test", .path = "/health"};

/* One request to the peer; the line of what went wrong is left in `error`. */
static bool ask(struct support_peer *peer, int64_t timeout_ms, struct buf *error,
                struct local_answer *out)
{
    support_peer_begin(peer);
    const struct local_target target = {.address = "127.0.0.1",
                                        .port = peer->port,
                                        .is_tls = peer->certs != NULL,
                                        .timeout_ms = timeout_ms};
    bool is_answered = local_get(&target, &health, error, out);
    support_peer_end(peer);
    return is_answered;
}

static void answers(const char *const *parts, bool holds, int status, const char *body)
{
    struct support_peer peer = {.parts = parts, .holds = holds};
    struct local_answer answer = {0};
    struct buf error;
    buf_init(&error, BUF_CAP_OWN);
    bool is_answered = ask(&peer, TIMEOUT_MS, &error, &answer);
    assert_string_equal(buf_text(&error), "");
    assert_true(is_answered);
    assert_int_equal(answer.status, status);
    assert_string_equal(buf_text(&answer.body), body);
    local_answer_finish(&answer);
    buf_finish(&error);
}

static void fails(const char *const *parts, bool holds, int64_t timeout_ms, const char *why)
{
    struct support_peer peer = {.parts = parts, .holds = holds};
    struct local_answer answer = {0};
    struct buf error;
    struct buf expected;
    buf_init(&error, BUF_CAP_OWN);
    buf_init(&expected, BUF_CAP_OWN);
    assert_false(ask(&peer, timeout_ms, &error, &answer));
    buf_putf(&expected, "127.0.0.1:%lld: %s", (long long)peer.port, why);
    assert_string_equal(buf_text(&error), buf_text(&expected));
    buf_finish(&expected);
    buf_finish(&error);
}

#define PARTS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void request_is_whole(void **state)
{
    (void)state;
    struct support_peer peer = {.parts = PARTS("HTTP/1.1 204 No Content\r\n\r\n")};
    struct local_answer answer = {0};
    struct buf error;
    struct buf expected;
    buf_init(&error, BUF_CAP_OWN);
    buf_init(&expected, BUF_CAP_OWN);
    support_peer_begin(&peer);
    const struct local_target target = {
        .address = "127.0.0.1", .port = peer.port, .timeout_ms = TIMEOUT_MS};
    const struct local_request request = {
        .host = "::1", .path = "/devices/a?x=1", .authorization = "SharedAccessSignature sr=x"};
    assert_true(local_get(&target, &request, &error, &answer));
    support_peer_end(&peer);
    buf_putf(&expected,
             "GET /devices/a?x=1 HTTP/1.1\r\n"
             "Host: [::1]:%lld\r\n"
             "Authorization: SharedAccessSignature sr=x\r\n"
             "Accept: application/json\r\n"
             "Connection: close\r\n"
             "\r\n",
             (long long)peer.port);
    assert_string_equal(peer.request, buf_text(&expected));
    assert_int_equal(answer.status, 204);
    local_answer_finish(&answer);
    buf_finish(&expected);
    buf_finish(&error);
}

static void body_ends_with_its_length(void **state)
{
    (void)state;
    /* The connection stays open: only the length tells the end. */
    answers(PARTS("HTTP/1.1 200 OK\r\nX: y\r\ncontent-LENGTH:  5 \r\n\r\nhello"), true, 200,
            "hello");
    answers(PARTS("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), true, 404, "");
    answers(PARTS("HTTP/1.1 200\nContent-Length: 2\n\n", "o", "k"), true, 200, "ok");
}

static void body_ends_with_the_connection(void **state)
{
    (void)state;
    answers(PARTS("HTTP/1.0 200 OK\r\n\r\n", "hel", "lo"), false, 200, "hello");
}

static void body_ends_with_the_last_chunk(void **state)
{
    (void)state;
    answers(PARTS("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n",
                  "3;name=value\r\nhel\r\n", "2\r", "\nlo\r\n", "0\r\n", "\r\n"),
            true, 200, "hello");
    answers(PARTS("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "A\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"),
            true, 200, "0123456789");
}

static void announcements_are_skipped(void **state)
{
    (void)state;
    answers(PARTS("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n",
                  "Content-Length: 2\r\n\r\n", "ok"),
            true, 200, "ok");
}

static void answer_in_single_bytes_is_the_same(void **state)
{
    (void)state;
    static const char text[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                               "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n";
    char bytes[sizeof(text)][2];
    const char *parts[sizeof(text)] = {NULL};
    for (size_t i = 0; i + 1 < sizeof(text); i++) {
        bytes[i][0] = text[i];
        bytes[i][1] = '\0';
        parts[i] = bytes[i];
    }
    answers(parts, true, 200, "hello!");
}

static void connection_closed_early_is_told(void **state)
{
    (void)state;
    static const char why[] = "the connection was closed before the answer was complete";
    fails(PARTS("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello"), false, TIMEOUT_MS, why);
    fails(PARTS("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"), false,
          TIMEOUT_MS, why);
    fails(PARTS("HTTP/1.1 200 OK\r\nContent-"), false, TIMEOUT_MS, why);
    fails((const char *const[]){NULL}, false, TIMEOUT_MS, why);
}

static void answer_that_is_no_http_is_told(void **state)
{
    (void)state;
    static const char why[] = "the answer is no HTTP";
    fails(PARTS("SSH-2.0-OpenSSH\r\n"), true, TIMEOUT_MS, why);
    fails(PARTS("HTTP/1.1 2x0 OK\r\n\r\n"), true, TIMEOUT_MS, why);
    fails(PARTS("HTTP/1.1 2000 OK\r\n\r\n"), true, TIMEOUT_MS, why);
    fails(PARTS("HTTP/1.1 200 OK\r\nno colon\r\n\r\n"), true, TIMEOUT_MS, why);
    fails(PARTS("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), true, TIMEOUT_MS, why);
    fails(PARTS("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"), true, TIMEOUT_MS, why);
    fails(PARTS("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"), true,
          TIMEOUT_MS, "the answer has a chunk without a size or with too large a one");
    fails(PARTS("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n"), true,
          TIMEOUT_MS, "the answer has a chunk that is longer than it says");
}

/* As many bytes as asked for, and a NUL. */
static char *many(char c, size_t n)
{
    char *text = malloc(n + 1);
    assert_non_null(text);
    memset(text, c, n);
    text[n] = '\0';
    return text;
}

static void oversized_answers_are_refused(void **state)
{
    (void)state;
    char *head = many('h', LOCAL_HEAD_MAX + 1);
    char *body = many('b', LOCAL_BODY_MAX + 1);
    fails(PARTS(head), true, TIMEOUT_MS, "the answer is no HTTP");
    fails(PARTS("HTTP/1.1 200 OK\r\n", "X: ", head), true, TIMEOUT_MS,
          "the answer's head is too large");
    fails(PARTS("HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n"), true, TIMEOUT_MS,
          "the answer is too large");
    fails(PARTS("HTTP/1.1 200 OK\r\n\r\n", body), false, TIMEOUT_MS, "the answer is too large");
    fails(PARTS("HTTP/1.1 200 OK\r\n\r\n", body, body, body), true, TIMEOUT_MS,
          "the answer is too large");
    fails(PARTS("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                "ffffffffffffffffff\r\n"),
          true, TIMEOUT_MS, "the answer has a chunk without a size or with too large a one");
    body[LOCAL_BODY_MAX] = '\0';
    answers(PARTS("HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n", body), true, 200, body);
    free(body);
    free(head);
}

static void silent_peer_is_given_up(void **state)
{
    (void)state;
    int64_t begin_ms = clock_read(&(struct clock){0}).now_ms;
    fails((const char *const[]){NULL}, true, 50, "no answer within 0.05 s");
    fails(PARTS("HTTP/1.1 200 OK\r\n"), true, 120, "no answer within 0.12 s");
    int64_t took_ms = clock_read(&(struct clock){0}).now_ms - begin_ms;
    assert_in_range(took_ms, 170, TIMEOUT_MS);
}

static void nobody_there_is_told(void **state)
{
    (void)state;
    int fd = -1;
    struct local_answer answer = {0};
    struct buf error;
    buf_init(&error, BUF_CAP_OWN);
    struct local_target target = {
        .address = "127.0.0.1", .port = support_closed_port(&fd), .timeout_ms = TIMEOUT_MS};
    assert_false(local_get(&target, &health, &error, &answer));
    assert_non_null(strstr(buf_text(&error), ": Connection refused"));
    close(fd);
    buf_reset(&error);
    target.address = "localhost";
    assert_false(local_get(&target, &health, &error, &answer));
    assert_non_null(strstr(buf_text(&error), "localhost:"));
    buf_finish(&error);
}

/* ---- TLS ---- */

struct tls_fixture {
    char *folder;
    struct certs certs;
    struct buf error;
};

static int setup_tls(void **state)
{
    static struct tls_fixture f;
    f.folder = support_make_folder();
    buf_init(&f.error, BUF_CAP_OWN);
    struct certs_wish wish = {.data_dir = f.folder,
                              .at_ms = clock_read(&(struct clock){0}).at_ms};
    *state = &f;
    return certs_prepare(&wish, &f.error, &f.certs) ? 0 : -1;
}

static int teardown_tls(void **state)
{
    struct tls_fixture *f = *state;
    certs_finish(&f->certs);
    buf_finish(&f->error);
    support_remove_folder(f->folder);
    return 0;
}

static bool ask_tls(struct tls_fixture *f, const char *const *parts, const char *ca_file,
                    struct local_answer *out)
{
    struct support_peer peer = {.parts = parts, .certs = &f->certs};
    support_peer_begin(&peer);
    const struct local_target target = {.address = "127.0.0.1",
                                        .port = peer.port,
                                        .is_tls = true,
                                        .ca_file = ca_file,
                                        .timeout_ms = TIMEOUT_MS};
    bool is_answered = local_get(&target, &health, &f->error, out);
    support_peer_end(&peer);
    return is_answered;
}

static void answer_comes_over_tls(void **state)
{
    struct tls_fixture *f = *state;
    struct local_answer answer = {0};
    const char *const with_length[] = {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "hel",
                                       "lo", NULL};
    const char *const until_end[] = {"HTTP/1.1 200 OK\r\n\r\n", "hello", NULL};
    assert_true(ask_tls(f, with_length, NULL, &answer));
    assert_string_equal(buf_text(&answer.body), "hello");
    local_answer_finish(&answer);
    assert_true(ask_tls(f, until_end, f->certs.ca_file, &answer));
    assert_string_equal(buf_text(&answer.body), "hello");
    local_answer_finish(&answer);
}

static void certificate_of_another_ca_is_refused(void **state)
{
    struct tls_fixture *f = *state;
    struct local_answer answer = {0};
    struct certs other = {0};
    char *data_dir = support_path(f->folder, "other");
    struct certs_wish wish = {.data_dir = data_dir,
                              .at_ms = clock_read(&(struct clock){0}).at_ms};
    assert_true(certs_prepare(&wish, &f->error, &other));
    assert_false(ask_tls(f, PARTS("HTTP/1.1 200 OK\r\n\r\n"), other.ca_file, &answer));
    assert_non_null(strstr(buf_text(&f->error), ": TLS: "));
    assert_non_null(strstr(buf_text(&f->error), "certificate"));
    certs_finish(&other);
    free(data_dir);
}

static void peer_without_tls_is_told(void **state)
{
    (void)state;
    struct support_peer peer = {.parts = PARTS("HTTP/1.1 200 OK\r\n\r\n")};
    struct local_answer answer = {0};
    struct buf error;
    buf_init(&error, BUF_CAP_OWN);
    support_peer_begin(&peer);
    /* The peer waits for the end of a request that never comes; it holds on until it is ended.
     */
    const struct local_target target = {
        .address = "127.0.0.1", .port = peer.port, .is_tls = true, .timeout_ms = 50};
    assert_false(local_get(&target, &health, &error, &answer));
    support_peer_end(&peer);
    assert_non_null(strstr(buf_text(&error), "no answer within 0.05 s"));
    buf_finish(&error);
}

#define TLS_TEST(name) cmocka_unit_test_setup_teardown(name, setup_tls, teardown_tls)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_is_whole),
        cmocka_unit_test(body_ends_with_its_length),
        cmocka_unit_test(body_ends_with_the_connection),
        cmocka_unit_test(body_ends_with_the_last_chunk),
        cmocka_unit_test(announcements_are_skipped),
        cmocka_unit_test(answer_in_single_bytes_is_the_same),
        cmocka_unit_test(connection_closed_early_is_told),
        cmocka_unit_test(answer_that_is_no_http_is_told),
        cmocka_unit_test(oversized_answers_are_refused),
        cmocka_unit_test(silent_peer_is_given_up),
        cmocka_unit_test(nobody_there_is_told),
        TLS_TEST(answer_comes_over_tls),
        TLS_TEST(certificate_of_another_ca_is_refused),
        cmocka_unit_test(peer_without_tls_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
