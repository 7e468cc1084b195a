/*
 * getaddrinfo() into a list of texts.
 */
#include "device/src/resolve.h"

#include <netdb.h>
#include <sys/socket.h>

int addresses_resolve(struct addresses *addresses, const char *host)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    *addresses = (struct addresses){0};
    int rc = getaddrinfo(host, NULL, &hints, &found);
    if (rc != 0) {
        return rc;
    }
    for (const struct addrinfo *a = found; a != NULL && addresses->n_texts < RESOLVE_MAX;
         a = a->ai_next) {
        char *text = addresses->texts[addresses->n_texts];
        if (getnameinfo(a->ai_addr, a->ai_addrlen, text, RESOLVE_TEXT_MAX, NULL, 0,
                        NI_NUMERICHOST) == 0) {
            addresses->n_texts++;
        }
    }
    freeaddrinfo(found);
    return addresses->n_texts == 0 ? EAI_NONAME : 0;
}

const char *addresses_next(struct addresses *addresses)
{
    if (addresses->next >= addresses->n_texts) {
        return NULL;
    }
    return addresses->texts[addresses->next++];
}
