/*
 * File uploads with a storage account that the test plays: what the emulator asks of it, and
 * what becomes of a storage that is not there, refuses, talks nonsense or says nothing.
 */
#include "e2e/emulator.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/macros.h"
#include "e2e/http_peer.h"

/* base64 of 0123456789abcdef */
#define KEY "MDEyMzQ1Njc4OWFiY2RlZg=="

#define FILES     "/devices/d1/files"
#define BLOB_NAME "{\"blobName\":\"a\"}"

enum {
    PATIENCE_MS = 20000,
};

struct account {
    int listener;
    int port;
    int connection;     /* of the request that was taken last; -1 for none */
    struct buf request; /* its head and what came with it */
    char option[512];   /* "--storage-connection-string=…" */
};

/* ---- the account's side ---- */

/* Without a listener connections are refused, and nobody else gets the port. */
static void account_open(struct account *a, bool is_listening)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    *a = (struct account){.connection = -1, .request = {.cap = 1 << 20}};
    a->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(a->listener >= 0);
    assert_int_equal(bind(a->listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(a->listener, (struct sockaddr *)&address, &len), 0);
    assert_int_equal(is_listening ? listen(a->listener, 16) : 0, 0);
    a->port = ntohs(address.sin_port);
    (void)snprintf(a->option, sizeof(a->option),
                   "--storage-connection-string=AccountName=acct;AccountKey=" KEY
                   ";BlobEndpoint=http://127.0.0.1:%d/acct",
                   a->port);
}

static void account_close(struct account *a)
{
    if (a->connection >= 0) {
        close(a->connection);
    }
    close(a->listener);
    buf_finish(&a->request);
}

static void wait_readable(int fd)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&wait, 1, PATIENCE_MS), 1);
}

/* Take the next request, up to the end of `last`. */
static const char *account_take(struct account *a, const char *last)
{
    buf_reset(&a->request);
    wait_readable(a->listener);
    a->connection = accept(a->listener, NULL, NULL);
    assert_true(a->connection >= 0);
    while (strstr(buf_text(&a->request), last) == NULL) {
        char chunk[4096];
        wait_readable(a->connection);
        ssize_t n = read(a->connection, chunk, sizeof(chunk));
        assert_true(n > 0);
        buf_put(&a->request, chunk, (size_t)n);
    }
    return buf_text(&a->request);
}

static void account_answer(struct account *a, const char *text)
{
    assert_int_equal(write(a->connection, text, strlen(text)), (ssize_t)strlen(text));
    close(a->connection);
    a->connection = -1;
}

static void assert_begins(const char *text, const char *want)
{
    if (strncmp(text, want, strlen(want)) != 0) {
        print_error("%s\n", text);
    }
    assert_int_equal(strncmp(text, want, strlen(want)), 0);
}

/* ---- tests ---- */

static void begin(struct emulator *e, void **state, const struct account *a,
                  char connection_string[EMULATOR_TEXT_SIZE])
{
    emulator_init(e, *state);
    emulator_start(e, TEXTS("--in-memory", a->option));
    device_create(e, "d1", connection_string);
}

static void container_is_made_and_the_blob_looked_at(void **state)
{
    struct emulator e;
    struct account a;
    char cs[EMULATOR_TEXT_SIZE];
    char file[SCENE_PATH_SIZE];
    account_open(&a, true);
    begin(&e, state, &a, cs);
    (void)snprintf(file, sizeof(file), "%s", e.ready_file); /* any file will do */
    struct process *device =
        device_start(&e, TEXTS("upload", file, "--plain", "--blob-name", "a b", "-c", cs));
    const char *request = account_take(&a, "\r\n\r\n");
    assert_begins(request, "PUT /acct/uploads?sv=2020-12-06&ss=b&srt=c&sig=");
    assert_non_null(strstr(request, "&sp=c&restype=container HTTP/1.1\r\n"));
    assert_non_null(strstr(request, "x-ms-version: 2020-12-06\r\n"));
    assert_non_null(strstr(request, "Content-Length: 0\r\n"));
    account_answer(&a, "HTTP/1.1 409 Conflict\r\nx-ms-error-code: ContainerAlreadyExists\r\n"
                       "Content-Length: 0\r\n\r\n");
    request = account_take(&a, "\r\n\r\n{");
    assert_begins(request, "PUT /acct/uploads/d1/a%20b?sv=2020-12-06&sr=b&sig=");
    account_answer(&a, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
    request = account_take(&a, "\r\n\r\n");
    assert_begins(request, "HEAD /acct/uploads/d1/a%20b?sv=2020-12-06&sr=b&sig=");
    account_answer(&a, "HTTP/1.1 200 OK\r\nContent-Length: 5000000000\r\n"
                       "Last-Modified: Mon, 02 Mar 2026 12:00:05 GMT\r\n\r\n");
    process_end_with(device, 0);
    json_t *told = service_ask(&e, TEXTS("file-notification", "receive"));
    expect_json(json_array_get(told, 0),
                "{\"deviceId\":\"d1\",\"blobName\":\"d1/a b\",\"blobSizeInBytes\":5000000000,"
                "\"lastUpdatedTime\":\"2026-03-02T12:00:05+00:00\"}");
    json_decref(told);
    emulator_stop(&e);
    account_close(&a);
}

static void storage_that_is_not_there_is_told_at_once(void **state)
{
    struct emulator e;
    struct account a;
    struct http_peer peer;
    char cs[EMULATOR_TEXT_SIZE];
    account_open(&a, false);
    begin(&e, state, &a, cs);
    http_peer_open(&peer, &e);
    http_peer_ask(&peer, "POST", FILES, BLOB_NAME, 503);
    process_wait_for(e.process, PROCESS_ERR, "cannot be reached");
    assert_false(process_says(e.process, PROCESS_ERR, KEY));
    http_peer_close(&peer);
    emulator_stop(&e);
    account_close(&a);
}

static void answers_of_all_kinds_are_understood(void **state)
{
    static const struct {
        const char *answer;
        int status;
    } cases[] = {
        {"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno",                   400},
        {"HTTP/1.1 404 Not Found\r\n\r\n",                                          400},
        {"HTTP/1.1 409 Conflict\r\nx-ms-error-code: ContainerBeingDeleted\r\n\r\n", 503},
        {"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n",                            503},
        {"this is no HTTP\r\n\r\n",                                                 503},
        {"",                                                                        503},
        {"HTTP/1.1 201 Created\r\nContent-Length: 99999999999\r\n\r\n",             503},
        {"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",                       200},
    };
    struct emulator e;
    struct account a;
    struct http_peer peer;
    char cs[EMULATOR_TEXT_SIZE];
    account_open(&a, true);
    begin(&e, state, &a, cs);
    http_peer_open(&peer, &e);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_reply reply;
        assert_true(http_peer_send(&peer, "POST", FILES, BLOB_NAME));
        (void)account_take(&a, "\r\n\r\n");
        account_answer(&a, cases[i].answer);
        assert_true(http_peer_receive(&peer, &reply));
        if (reply.status != cases[i].status) {
            print_error("%s%.*s\n", cases[i].answer, SLICE_ARG(reply.body));
        }
        assert_int_equal(reply.status, cases[i].status);
    }
    http_peer_close(&peer);
    emulator_stop(&e);
    account_close(&a);
}

static void silent_storage_holds_up_nobody_else(void **state)
{
    enum {
        N_PEERS = 20, /* more than run at once */
    };
    struct emulator e;
    struct account a;
    struct http_peer peers[N_PEERS];
    char path[64];
    char cs[EMULATOR_TEXT_SIZE];
    account_open(&a, true);
    begin(&e, state, &a, cs);
    for (int i = 0; i < N_PEERS; i++) {
        (void)snprintf(path, sizeof(path), "w%d", i / 10);
        if (i % 10 == 0) {
            device_create(&e, path, cs);
        }
        (void)snprintf(path, sizeof(path), "/devices/w%d/files", i / 10);
        http_peer_open(&peers[i], &e);
        assert_true(http_peer_send(&peers[i], "POST", path, BLOB_NAME));
    }
    (void)account_take(&a, "\r\n\r\n"); /* they have arrived */
    json_decref(service_ask(&e, TEXTS("device", "list")));
    /* Half of them go away; the rest are waited for when the emulator ends. */
    for (int i = 0; i < N_PEERS; i += 2) {
        http_peer_close(&peers[i]);
    }
    json_decref(service_ask(&e, TEXTS("device", "list")));
    emulator_stop(&e);
    for (int i = 1; i < N_PEERS; i += 2) {
        http_peer_close(&peers[i]);
    }
    account_close(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(container_is_made_and_the_blob_looked_at),
        SCENE_TEST(storage_that_is_not_there_is_told_at_once),
        SCENE_TEST(answers_of_all_kinds_are_understood),
        SCENE_TEST(silent_storage_holds_up_nobody_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
