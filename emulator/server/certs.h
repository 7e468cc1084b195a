/*
 * The TLS material of a data directory:
 *
 *     tls/ca.pem      the development CA's certificate, which clients are told to trust
 *     tls/ca.key      its key
 *     tls/server.pem  the server's certificate, followed by the CA's
 *     tls/server.key  its key
 *
 * The CA is made once and stays, so trust is set up once; with --in-memory too.  The server's
 * certificate is made anew when a name is missing in it, when it expires within 30 days, when
 * the CA has not signed it, or when it and its key do not belong together.  Keys are readable
 * by the user alone.  Files are replaced in one step under a lock, so processes that start at
 * the same time agree on one set.
 *
 * With a certificate of the user's own nothing is made or kept.
 */
#ifndef SERVER_CERTS_H
#define SERVER_CERTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"

/* Borrowed. */
struct certs_wish {
    const char *data_dir;
    const char *own_cert; /* PEM files to use instead; both or neither */
    const char *own_key;
    const char *const *names; /* in the server's certificate, beside the usual ones */
    size_t n_names;
    int64_t at_ms;
};

/* File names, owned; {0} is empty.  End it with certs_finish(). */
struct certs {
    char *ca_file;   /* what clients trust; of the user's own certificate its chain */
    char *cert_file; /* the server's certificate and its chain */
    char *key_file;
    bool has_made_ca; /* just now */
    bool has_made_server;
};

/* Room for the machine's own name, and the most names below. */
#define CERTS_MACHINE_SIZE 65
#define CERTS_USUAL_MAX    6

/*
 * The names every server certificate is valid for: localhost and its relatives, and this
 * machine.
 * @param machine  receives the machine's name; the list borrows it.
 * @return how many.
 */
size_t certs_usual_names(char machine[CERTS_MACHINE_SIZE], const char *out[CERTS_USUAL_MAX]);

/**
 * See that everything is there and fits, and make what does not.
 * @param error  receives one line that names the file and says what to do.
 * @param out    written on success only.
 */
MUST_CHECK bool certs_prepare(const struct certs_wish *wish, struct buf *error,
                              struct certs *out);

/* The same for the CA alone: only ca_file is set, and has_made_ca. */
MUST_CHECK bool certs_prepare_ca(const struct certs_wish *wish, struct buf *error,
                                 struct certs *out);

/**
 * Append the certificate that clients should trust, as PEM: the last one of ca_file.
 */
MUST_CHECK bool certs_put_ca(const struct certs *certs, struct buf *error, struct buf *out);

/* NULL and {0} are allowed. */
void certs_finish(struct certs *certs);

#endif
