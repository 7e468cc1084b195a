/*
 * The program's own socketpair(), which comes before the C library's for shared libraries too.
 */
#include "device/cli/pairs.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool is_refusing;

void pairs_refuse(void)
{
    is_refusing = true;
}

/* As <sys/socket.h> has it. */
__attribute__((visibility("default"))) int socketpair(int domain, int type, int protocol,
                                                      int sockets[2]);

int socketpair(int domain, int type, int protocol, int sockets[2])
{
    if (is_refusing) {
        errno = EMFILE;
        return -1;
    }
    return (int)syscall(SYS_socketpair, domain, type, protocol, sockets);
}
