/*
 * Keeping the TLS material of a data directory in order.
 */
#include "server/certs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "iothub/limits.h"
#include "server/certificate.h"
#include "server/checks.h"
#include "server/data_dir.h"
#include "server/file.h"
#include "server/secret.h"

#define PEM_CAP ((size_t)1 * KIB * KIB)

#define CERT_MODE (S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH)
#define KEY_MODE  (S_IRUSR | S_IWUSR)

#define RENEWAL_S ((int64_t)30 * 86400)

/* Beside the machine's own name and those that the user gives. */
static const char *const usual_names[] = {
    "localhost", "*.localhost", "127.0.0.1", "::1", "host.docker.internal",
};

/* One preparation: the files' names, and what was read of them. */
struct tls {
    const struct certs_wish *wish;
    struct buf *error;
    char *folder;
    char *ca_file;
    char *ca_key_file;
    char *cert_file;
    char *key_file;
    X509 *ca;
    struct certificate_names names;
    bool has_made_ca;
    bool has_made_server;
};

enum found {
    FOUND,
    FOUND_NONE, /* to be made */
    FOUND_BAD,  /* told */
};

/* ---- files ---- */

static bool tell(const struct tls *tls, const char *path, const char *what, const char *advice)
{
    buf_putf(tls->error, "%s: %s; %s", path, what, advice);
    return false;
}

/* What helps with every file of the CA. */
static bool tell_ca(const struct tls *tls, const char *path, const char *what)
{
    buf_putf(tls->error,
             "%s: %s; restore it, or delete the folder %s to have a new CA made, which clients "
             "must then be told to trust",
             path, what, tls->folder);
    return false;
}

static bool tell_server(const struct tls *tls, const char *path, const char *what)
{
    return tell(tls, path, what, "delete it to have a new one made");
}

typedef bool teller(const struct tls *tls, const char *path, const char *what);

static enum found read_pem(const struct tls *tls, const char *path, teller *complain,
                           struct buf *out)
{
    buf_init(out, PEM_CAP);
    int result = file_read(path, out);
    if (result == 0) {
        return FOUND;
    }
    if (result == -ENOENT) {
        return FOUND_NONE;
    }
    complain(tls, path, strerror(-result));
    return FOUND_BAD;
}

static enum found read_certificate(const struct tls *tls, const char *path, teller *complain,
                                   X509 **out)
{
    struct buf pem;
    enum found found = read_pem(tls, path, complain, &pem);
    if (found == FOUND) {
        *out = certificate_read(buf_slice(&pem));
        if (*out == NULL) {
            complain(tls, path, "it holds no valid certificate");
            found = FOUND_BAD;
        }
    }
    buf_finish(&pem);
    return found;
}

static enum found read_key(const struct tls *tls, const char *path, teller *complain,
                           EVP_PKEY **out)
{
    struct buf pem;
    enum found found = read_pem(tls, path, complain, &pem);
    if (found == FOUND) {
        *out = certificate_read_key(buf_slice(&pem));
        if (*out == NULL) {
            complain(tls, path, "it holds no valid key without a password");
            found = FOUND_BAD;
        }
    }
    secret_finish(&pem);
    return found;
}

static bool write_pem(const struct tls *tls, const char *path, mode_t mode,
                      const struct buf *pem)
{
    int result = file_replace(path, mode, buf_slice(pem));
    return result == 0 || tell(tls, path, strerror(-result), "it cannot be written");
}

static bool tell_crypto(const struct tls *tls)
{
    buf_put_text(tls->error, "libcrypto cannot make a key or a certificate");
    return false;
}

static bool write_key(const struct tls *tls, const char *path, const EVP_PKEY *key)
{
    struct buf pem;
    buf_init(&pem, PEM_CAP);
    bool is_good = certificate_put_key(&pem, key) ? write_pem(tls, path, KEY_MODE, &pem)
                                                  : tell_crypto(tls);
    secret_finish(&pem);
    return is_good;
}

/* `next` may be NULL. */
static bool write_chain(const struct tls *tls, const char *path, X509 *first, X509 *next)
{
    struct buf pem;
    buf_init(&pem, PEM_CAP);
    bool is_good = certificate_put(&pem, first) &&
                   (next == NULL || certificate_put(&pem, next));
    is_good = is_good ? write_pem(tls, path, CERT_MODE, &pem) : tell_crypto(tls);
    buf_finish(&pem);
    return is_good;
}

/* ---- the CA ---- */

/* The key first: a certificate that is there may have been trusted, and its key must be, too.
 */
static bool make_ca(struct tls *tls)
{
    EVP_PKEY *key = certificate_make_key();
    tls->ca = key == NULL ? NULL : certificate_make_ca(key, tls->wish->at_ms);
    bool is_good = tls->ca != NULL ? write_key(tls, tls->ca_key_file, key) &&
                                         write_chain(tls, tls->ca_file, tls->ca, NULL)
                                   : tell_crypto(tls);
    EVP_PKEY_free(key);
    tls->has_made_ca = is_good;
    return is_good;
}

static bool have_ca(struct tls *tls)
{
    switch (read_certificate(tls, tls->ca_file, tell_ca, &tls->ca)) {
    case FOUND:
        return !certificate_expires(tls->ca, tls->wish->at_ms, 0) ||
               tell_ca(tls, tls->ca_file, "it has expired");
    case FOUND_NONE:
        return make_ca(tls);
    case FOUND_BAD:
        break;
    }
    return false;
}

/* The CA's key is read only when something is to be signed. */
static EVP_PKEY *read_ca_key(const struct tls *tls)
{
    EVP_PKEY *key = NULL;
    enum found found = read_key(tls, tls->ca_key_file, tell_ca, &key);
    if (found == FOUND_NONE) {
        tell_ca(tls, tls->ca_key_file,
                "it is missing, and a server certificate is to be signed");
    }
    if (key != NULL && !certificate_has_key(tls->ca, key)) {
        tell_ca(tls, tls->ca_key_file, "it is not the key of ca.pem");
        EVP_PKEY_free(key);
        return NULL;
    }
    return key;
}

/* ---- the server's certificate ---- */

static bool has_all_names(const struct tls *tls, const X509 *server)
{
    for (size_t i = 0; i < tls->names.n_items; i++) {
        if (!certificate_has_name(server, tls->names.items[i])) {
            return false;
        }
    }
    return true;
}

/* Whether what was read can be used as it is. */
static bool is_server_good(const struct tls *tls, X509 *server, const EVP_PKEY *key)
{
    return certificate_has_key(server, key) && certificate_is_signed_by(server, tls->ca) &&
           !certificate_expires(server, tls->wish->at_ms, RENEWAL_S) &&
           has_all_names(tls, server);
}

static enum found find_server(const struct tls *tls)
{
    X509 *server = NULL;
    EVP_PKEY *key = NULL;
    enum found found = read_certificate(tls, tls->cert_file, tell_server, &server);
    if (found == FOUND) {
        found = read_key(tls, tls->key_file, tell_server, &key);
    }
    if (found == FOUND && !is_server_good(tls, server, key)) {
        found = FOUND_NONE;
    }
    X509_free(server);
    EVP_PKEY_free(key);
    return found;
}

static bool make_server(struct tls *tls)
{
    EVP_PKEY *ca_key = read_ca_key(tls);
    if (ca_key == NULL) {
        return false;
    }
    EVP_PKEY *key = certificate_make_key();
    X509 *server = key == NULL ? NULL
                               : certificate_make_server(key, tls->ca, ca_key, &tls->names,
                                                         tls->wish->at_ms);
    bool is_good = server != NULL ? write_key(tls, tls->key_file, key) &&
                                        write_chain(tls, tls->cert_file, server, tls->ca)
                                  : tell_crypto(tls);
    X509_free(server);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca_key);
    tls->has_made_server = is_good;
    return is_good;
}

static bool have_server(struct tls *tls)
{
    enum found found = find_server(tls);
    return found == FOUND || (found == FOUND_NONE && make_server(tls));
}

/* ---- the folder ---- */

static void tls_init(struct tls *tls, const struct certs_wish *wish, struct buf *error)
{
    *tls = (struct tls){.wish = wish, .error = error};
    tls->folder = file_path(wish->data_dir, DATA_DIR_TLS);
    tls->ca_file = file_path(tls->folder, "ca.pem");
    tls->ca_key_file = file_path(tls->folder, "ca.key");
    tls->cert_file = file_path(tls->folder, "server.pem");
    tls->key_file = file_path(tls->folder, "server.key");
}

static void tls_finish(struct tls *tls)
{
    free(tls->folder);
    free(tls->ca_file);
    free(tls->ca_key_file);
    free(tls->cert_file);
    free(tls->key_file);
    X509_free(tls->ca);
    *tls = (struct tls){0};
}

/* The lock's descriptor; -1 when told.  Closing it gives the lock back. */
static int lock_folder(const struct tls *tls)
{
    char *path = file_path(tls->folder, ".lock");
    int fd = mkdir(tls->folder, S_IRWXU) == 0 || errno == EEXIST
                 ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, KEY_MODE)
                 : -1;
    int result = fd < 0 ? -1 : flock(fd, LOCK_EX);
    while (result != 0 && fd >= 0 && errno == EINTR) {
        result = flock(fd, LOCK_EX);
    }
    if (result != 0) {
        tell(tls, path, strerror(errno), "the folder of the TLS files cannot be locked");
        if (fd >= 0) {
            close(fd);
        }
        fd = -1;
    }
    free(path);
    return fd;
}

/* Under the lock: what one process looks at, no other changes. */
static bool prepare(struct tls *tls, bool with_server)
{
    if (!data_dir_prepare(tls->wish->data_dir, tls->error)) {
        return false;
    }
    int lock = lock_folder(tls);
    if (lock < 0) {
        return false;
    }
    bool is_good = have_ca(tls) && (!with_server || have_server(tls));
    close(lock);
    return is_good;
}

static void add_name(const char **names, size_t *n_names, const char *name)
{
    for (size_t i = 0; i < *n_names; i++) {
        if (strcasecmp(names[i], name) == 0) {
            return;
        }
    }
    names[(*n_names)++] = name;
}

size_t certs_usual_names(char machine[CERTS_MACHINE_SIZE], const char *out[CERTS_USUAL_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(usual_names); i++) {
        add_name(out, &n, usual_names[i]);
    }
    machine[CERTS_MACHINE_SIZE - 1] = '\0';
    if (gethostname(machine, CERTS_MACHINE_SIZE - 1) == 0 &&
        check_host_name(slice_of(machine)) == NULL) {
        add_name(out, &n, machine);
    }
    return n;
}

/* The list is the caller's to free; it borrows from the wish and from `machine`. */
static const char **list_names(const struct certs_wish *wish, char machine[CERTS_MACHINE_SIZE],
                               size_t *out_n)
{
    const char **names = mem_array(CERTS_USUAL_MAX + wish->n_names, sizeof(*names));
    size_t n_names = certs_usual_names(machine, names);
    for (size_t i = 0; i < wish->n_names; i++) {
        add_name(names, &n_names, wish->names[i]);
    }
    *out_n = n_names;
    return names;
}

/* Clients that are told of the file may have started elsewhere. */
static char *absolute(const char *path)
{
    char *real = realpath(path, NULL);
    return real != NULL ? real : mem_dup_text(path);
}

static bool prepare_made(const struct certs_wish *wish, bool with_server, struct buf *error,
                         struct certs *out)
{
    char machine[CERTS_MACHINE_SIZE];
    struct tls tls;
    tls_init(&tls, wish, error);
    const char **names = list_names(wish, machine, &tls.names.n_items);
    tls.names.items = names;
    bool is_good = prepare(&tls, with_server);
    if (is_good) {
        *out = (struct certs){
            .ca_file = absolute(tls.ca_file),
            .cert_file = with_server ? mem_dup_text(tls.cert_file) : NULL,
            .key_file = with_server ? mem_dup_text(tls.key_file) : NULL,
            .has_made_ca = tls.has_made_ca,
            .has_made_server = tls.has_made_server,
        };
    }
    free(names);
    tls_finish(&tls);
    return is_good;
}

/* ---- the user's own ---- */

static bool tell_own(const struct tls *tls, const char *path, const char *what)
{
    return tell(tls, path, what, "give another file with --tls-cert or --tls-key");
}

static bool read_own(const struct tls *tls, X509 **certificate, EVP_PKEY **key)
{
    const struct certs_wish *wish = tls->wish;
    enum found found = read_certificate(tls, wish->own_cert, tell_own, certificate);
    if (found == FOUND_NONE) {
        return tell_own(tls, wish->own_cert, strerror(ENOENT));
    }
    if (found != FOUND) {
        return false;
    }
    found = read_key(tls, wish->own_key, tell_own, key);
    if (found == FOUND_NONE) {
        return tell_own(tls, wish->own_key, strerror(ENOENT));
    }
    if (found != FOUND) {
        return false;
    }
    if (!certificate_has_key(*certificate, *key)) {
        return tell_own(tls, wish->own_key, "it is not the key of the certificate");
    }
    return true;
}

static bool prepare_own(const struct certs_wish *wish, struct buf *error, struct certs *out)
{
    struct tls tls = {.wish = wish, .error = error};
    X509 *certificate = NULL;
    EVP_PKEY *key = NULL;
    bool is_good = read_own(&tls, &certificate, &key);
    if (is_good) {
        *out = (struct certs){
            .ca_file = absolute(wish->own_cert),
            .cert_file = mem_dup_text(wish->own_cert),
            .key_file = mem_dup_text(wish->own_key),
        };
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
    return is_good;
}

bool certs_prepare(const struct certs_wish *wish, struct buf *error, struct certs *out)
{
    return wish->own_cert != NULL ? prepare_own(wish, error, out)
                                  : prepare_made(wish, true, error, out);
}

bool certs_prepare_ca(const struct certs_wish *wish, struct buf *error, struct certs *out)
{
    return wish->own_cert != NULL ? prepare_own(wish, error, out)
                                  : prepare_made(wish, false, error, out);
}

bool certs_put_ca(const struct certs *certs, struct buf *error, struct buf *out)
{
    struct buf pem;
    buf_init(&pem, PEM_CAP);
    int result = file_read(certs->ca_file, &pem);
    STACK_OF(X509) *all = result == 0 ? certificate_read_all(buf_slice(&pem)) : NULL;
    bool is_good = all != NULL &&
                   certificate_put(out, sk_X509_value(all, sk_X509_num(all) - 1));
    if (!is_good) {
        buf_putf(error, "%s: %s", certs->ca_file,
                 result != 0 ? strerror(-result) : "it holds no valid certificate");
    }
    sk_X509_pop_free(all, X509_free);
    buf_finish(&pem);
    return is_good;
}

void certs_finish(struct certs *certs)
{
    if (certs == NULL) {
        return;
    }
    free(certs->ca_file);
    free(certs->cert_file);
    free(certs->key_file);
    *certs = (struct certs){0};
}
