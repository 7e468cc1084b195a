/*
 * Folders, runs and peers for the tests.
 */
#include "support.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "server/file.h"
#include "server/verbs.h"

/* ---- folders ---- */

char *support_make_folder(void)
{
    const char *base = getenv("TMPDIR");
    char *folder = support_path(base == NULL ? "/tmp" : base, "iothub-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return folder;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status;
    (void)type;
    (void)at;
    return remove(path);
}

void support_remove_folder(char *folder)
{
    assert_int_equal(nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    free(folder);
}

char *support_path(const char *folder, const char *name)
{
    return file_path(folder, name);
}

void support_write(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

char *support_read(const char *path)
{
    struct buf text;
    buf_init(&text, BUF_CAP_OWN);
    assert_int_equal(file_read(path, &text), 0);
    return buf_take_text(&text);
}

/* ---- runs ---- */

void support_clear_variables(void)
{
    for (size_t i = 0; i < config_n_options; i++) {
        unsetenv(config_options[i].variable);
    }
}

/* A standard stream that goes into memory for a while. */
struct caught {
    FILE *stream;
    int fd;
    int saved;
    int memory;
};

static void catch_begin(struct caught *caught, FILE *stream, int fd)
{
    *caught = (struct caught){.stream = stream, .fd = fd};
    fflush(stream);
    caught->saved = dup(fd);
    caught->memory = memfd_create("output", MFD_CLOEXEC);
    assert_true(caught->saved >= 0 && caught->memory >= 0);
    assert_true(dup2(caught->memory, fd) >= 0);
}

static char *catch_end(struct caught *caught)
{
    off_t size = 0;
    fflush(caught->stream);
    assert_true(dup2(caught->saved, caught->fd) >= 0);
    close(caught->saved);
    size = lseek(caught->memory, 0, SEEK_END);
    char *text = mem_alloc((size_t)size + 1);
    assert_int_equal(pread(caught->memory, text, (size_t)size, 0), size);
    close(caught->memory);
    return text;
}

/* The one run at a time: what it is to look with, and what it prints. */
static struct {
    support_look *look;
    void *ctx;
    bool is_caught;
    struct caught out;
    struct caught err;
    struct support_run *run;
} running;

static void catch_all(struct support_run *run)
{
    *run = (struct support_run){0};
    running.run = run;
    running.is_caught = true;
    catch_begin(&running.out, stdout, STDOUT_FILENO);
    catch_begin(&running.err, stderr, STDERR_FILENO);
}

static void catch_no_more(void)
{
    if (running.is_caught) {
        running.is_caught = false;
        running.run->err = catch_end(&running.err);
        running.run->out = catch_end(&running.out);
    }
}

/* A check that fails in there leaves by a jump, and its message must be seen. */
static int look_body(struct cli_call *call, struct buf *error)
{
    (void)error;
    if (running.look != NULL) {
        catch_no_more();
        running.look(config_of(call), running.ctx);
    }
    return CLI_DONE;
}

static int verb_look(struct cli_call *call)
{
    return verb_with_config(call, look_body);
}

static int run_program(int argc, char **argv)
{
    const struct cli_verb verbs[] = {
        {.name = "look",                 .arguments = "", .summary = "Look", .run = verb_look},
        { .name = "ca",
         .arguments = "",
         .summary = "CA",
         .options = verb_ca_options,
         .n_options = verb_ca_n_options,
         .run = verb_ca},
        {                                                                       .name = "connection-string",
         .arguments = "",
         .summary = "Connection string",
         .options = verb_connection_string_options,
         .n_options = verb_connection_string_n_options,
         .run = verb_connection_string},
        {                                                        .name = "healthcheck",
         .arguments = "",
         .summary = "Health",
         .options = verb_healthcheck_options,
         .n_options = verb_healthcheck_n_options,
         .run = verb_healthcheck},
    };
    const struct cli_program program = {
        .name = "emulator",
        .version = "1",
        .summary = "Test",
        .options = config_options,
        .n_options = config_n_options,
        .verbs = verbs,
        .n_verbs = ARRAY_LEN(verbs),
        .values_size = sizeof(struct verb_values),
        .finish = verbs_finish,
    };
    return cli_main(&program, argc, argv);
}

void support_run(struct support_run *run, support_look *look, void *ctx,
                 const char *const *arguments)
{
    char *argv[32] = {mem_dup_text("emulator")};
    int argc = 1;
    for (; arguments[argc - 1] != NULL; argc++) {
        assert_true(argc < 31);
        argv[argc] = mem_dup_text(arguments[argc - 1]);
    }
    running.look = look;
    running.ctx = ctx;
    catch_all(run);
    run->result = run_program(argc, argv);
    catch_no_more();
    for (int i = 0; i < argc; i++) {
        free(argv[i]);
    }
}

void support_run_finish(struct support_run *run)
{
    free(run->out);
    free(run->err);
    *run = (struct support_run){0};
}

/* ---- peers ---- */

static int bind_any(int64_t *out_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *out_port = ntohs(address.sin_port);
    return fd;
}

int64_t support_closed_port(int *out_fd)
{
    int64_t port = 0;
    *out_fd = bind_any(&port);
    return port;
}

/* One accepted connection, plain or TLS. */
struct peer_line {
    int fd;
    SSL_CTX *tls_ctx;
    SSL *tls;
};

static bool open_tls(struct peer_line *line, const struct certs *certs)
{
    line->tls_ctx = SSL_CTX_new(TLS_server_method());
    if (SSL_CTX_use_certificate_chain_file(line->tls_ctx, certs->cert_file) != 1 ||
        SSL_CTX_use_PrivateKey_file(line->tls_ctx, certs->key_file, SSL_FILETYPE_PEM) != 1) {
        return false;
    }
    line->tls = SSL_new(line->tls_ctx);
    return SSL_set_fd(line->tls, line->fd) == 1 && SSL_accept(line->tls) == 1;
}

static int line_read(const struct peer_line *line, char *out, size_t size)
{
    return line->tls != NULL ? SSL_read(line->tls, out, (int)size)
                             : (int)recv(line->fd, out, size, 0);
}

static int line_write(const struct peer_line *line, const char *text, size_t len)
{
    return line->tls != NULL ? SSL_write(line->tls, text, (int)len)
                             : (int)send(line->fd, text, len, MSG_NOSIGNAL);
}

static void line_close(struct peer_line *line)
{
    if (line->tls != NULL) {
        SSL_shutdown(line->tls);
    }
    SSL_free(line->tls);
    SSL_CTX_free(line->tls_ctx);
    close(line->fd);
}

static void talk(struct support_peer *peer, const struct peer_line *line)
{
    size_t len = 0;
    while (len + 1 < sizeof(peer->request) && strstr(peer->request, "\r\n\r\n") == NULL) {
        int n = line_read(line, peer->request + len, sizeof(peer->request) - 1 - len);
        if (n <= 0) {
            return;
        }
        len += (size_t)n;
    }
    for (size_t i = 0; peer->parts[i] != NULL; i++) {
        if (line_write(line, peer->parts[i], strlen(peer->parts[i])) <= 0) {
            return;
        }
    }
}

static void *serve(void *ctx)
{
    struct support_peer *peer = ctx;
    struct pollfd events[2] = {
        {.fd = peer->listener,  .events = POLLIN},
        {.fd = peer->wakeup[0], .events = POLLIN}
    };
    if (poll(events, 2, -1) < 0 || (events[0].revents & POLLIN) == 0) {
        return NULL;
    }
    struct peer_line line = {.fd = accept4(peer->listener, NULL, NULL, SOCK_CLOEXEC)};
    if (peer->certs == NULL || open_tls(&line, peer->certs)) {
        talk(peer, &line);
    }
    if (peer->holds) {
        poll(&events[1], 1, -1);
    }
    line_close(&line);
    return NULL;
}

void support_peer_begin(struct support_peer *peer)
{
    /* libcrypto writes to sockets that the client may have closed. */
    signal(SIGPIPE, SIG_IGN);
    peer->listener = bind_any(&peer->port);
    assert_int_equal(listen(peer->listener, 1), 0);
    assert_int_equal(pipe2(peer->wakeup, O_CLOEXEC), 0);
    assert_int_equal(pthread_create(&peer->thread, NULL, serve, peer), 0);
}

void support_peer_end(struct support_peer *peer)
{
    close(peer->wakeup[1]);
    assert_int_equal(pthread_join(peer->thread, NULL), 0);
    close(peer->wakeup[0]);
    close(peer->listener);
}
