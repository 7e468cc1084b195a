/*
 * getaddrinfo, socket, bind, listen.
 */
#include "server/listen.h"

#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BACKLOG = 4096, /* the kernel cuts it to net.core.somaxconn */
};

static void explain(const struct listen_wish *wish, int why, struct buf *error)
{
    buf_putf(error, "cannot listen for %s on %s port %" PRId64 ": %s; ", wish->what,
             wish->address, wish->port, strerror(why));
    if (why == EADDRINUSE) {
        buf_putf(error,
                 "end the program that has it, or choose another with %s (0: any free one)",
                 wish->option);
    } else if (why == EACCES) {
        buf_putf(error,
                 "ports below 1024 need privileges here: choose another with %s, or allow it "
                 "with setcap cap_net_bind_service=+ep",
                 wish->option);
    } else if (why == EADDRNOTAVAIL) {
        buf_put_text(error, "no interface of this machine has that address: see --bind");
    } else {
        buf_putf(error, "see %s and --bind", wish->option);
    }
}

static int64_t port_of(int fd)
{
    union {
        struct sockaddr_in6 six;
        struct sockaddr_in four;
        struct sockaddr any;
    } address = {0};
    socklen_t len = sizeof(address);
    if (getsockname(fd, &address.any, &len) != 0) {
        return 0;
    }
    return ntohs(address.any.sa_family == AF_INET6 ? address.six.sin6_port
                                                   : address.four.sin_port);
}

static int open_socket(const struct addrinfo *info)
{
    int yes = 1;
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    /* So that a restart need not wait for the last connections' ghosts. */
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (bind(fd, info->ai_addr, info->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        int why = errno;
        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

int listen_open(const struct listen_wish *wish, int64_t *out_port, struct buf *error)
{
    char port[24];
    struct addrinfo *info = NULL;
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    snprintf(port, sizeof(port), "%" PRId64, wish->port);
    int code = getaddrinfo(wish->address, port, &hints, &info);
    if (code != 0) {
        buf_putf(error, "cannot listen on '%s': %s; --bind takes a numeric address",
                 wish->address, gai_strerror(code));
        return -1;
    }
    int fd = open_socket(info);
    if (fd < 0) {
        explain(wish, errno, error);
    } else {
        *out_port = port_of(fd);
    }
    freeaddrinfo(info);
    return fd;
}
