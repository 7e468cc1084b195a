/*
 * The way to the storage account: requests over HTTP or HTTPS that the loop drives.
 *
 * It fulfils the hub's link (hub.h) and knows no rule of it.  Each wish is one request over a
 * connection of its own; a few run at once, the others wait.  How long is the hub's business:
 * what takes too long is cancelled.
 */
#ifndef SERVER_STORAGE_CLIENT_H
#define SERVER_STORAGE_CLIENT_H

#include "base/buf.h"
#include "base/macros.h"
#include "hub/storage_account.h"
#include "server/turn.h"

struct storage_client;

struct storage_client_options {
    const struct storage_account *account; /* borrowed for the client's life */
    const char *own_ca;                    /* PEM: the emulator's own; NULL: none */
    const char *ca;                        /* PEM: the user's; NULL: none */
};

/**
 * Make a client and connect the turn's hub to it.  Certificates have to lead to one of the CAs
 * or to the system's.
 * @param error  receives one line that names the file.
 * @return NULL when a file cannot be read.
 */
struct storage_client *storage_client_create(struct turn *turn,
                                             const struct storage_client_options *options,
                                             struct buf *error);

/* Requests under way are dropped.  Before the turn's end; NULL is allowed. */
void storage_client_destroy(struct storage_client *client);

#endif
