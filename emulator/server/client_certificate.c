/*
 * Thumbprints, the subject's name, and whether the chain leads to a trusted CA.
 * Source: IoT Hub documentation, "Authenticate identities with X.509 certificates".
 */
#include "server/client_certificate.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509_vfy.h>
#include <string.h>

#include "base/coding.h"
#include "base/log.h"
#include "iothub/limits.h"
#include "server/certificate.h"
#include "server/file.h"

enum {
    PEM_MAX_BYTES = KIB * KIB,
    THUMBPRINT_MAX = 2 * EVP_MAX_MD_SIZE,
    NAME_MAX_BYTES = 2 * LIMIT_ID_CHARS + 1,
};

/* ---- authorities ---- */

static bool add_file(X509_STORE *store, const char *file, struct buf *error)
{
    struct buf pem;
    buf_init(&pem, PEM_MAX_BYTES);
    int result = file_read(file, &pem);
    STACK_OF(X509) *all = result == 0 ? certificate_read_all(buf_slice(&pem)) : NULL;
    bool is_good = all != NULL;
    for (int i = 0; i < sk_X509_num(all); i++) {
        is_good = is_good && X509_STORE_add_cert(store, sk_X509_value(all, i)) == 1;
    }
    if (result != 0) {
        buf_putf(error, "cannot read %s: %s", file, strerror(-result));
    } else if (!is_good) {
        buf_putf(error, "%s holds no certificates in PEM form", file);
    }
    sk_X509_pop_free(all, X509_free);
    buf_finish(&pem);
    return is_good;
}

X509_STORE *client_authorities_load(const struct cli_list *files, struct buf *error)
{
    X509_STORE *store = X509_STORE_new();
    /* An intermediate CA may be registered without the root above it. */
    bool is_good = store != NULL && X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1;
    if (!is_good) {
        buf_put_text(error, "OpenSSL cannot make a store of certificates");
    }
    for (size_t i = 0; is_good && i < files->n_items; i++) {
        is_good = add_file(store, files->items[i], error);
    }
    if (!is_good) {
        X509_STORE_free(store);
        return NULL;
    }
    return store;
}

/* ---- a client's certificate ---- */

static struct slice digest(const X509 *certificate, const EVP_MD *how,
                           char room[THUMBPRINT_MAX + 1])
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    struct buf out = {.data = room, .room = THUMBPRINT_MAX + 1, .cap = THUMBPRINT_MAX};
    if (X509_digest(certificate, how, bytes, &len) == 1) {
        hex_encode(&out, bytes, len);
    }
    return slice_make(room, out.len);
}

/* Of two names nobody could say which one is meant. */
static struct slice read_common_name(const X509 *certificate, char room[NAME_MAX_BYTES + 1])
{
    const X509_NAME *subject = X509_get_subject_name(certificate);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    unsigned char *text = NULL;
    struct buf out = {.data = room, .room = NAME_MAX_BYTES + 1, .cap = NAME_MAX_BYTES};
    if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0) {
        return (struct slice){0};
    }
    int len =
        ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    if (len > 0) {
        buf_put(&out, text, (size_t)len);
    }
    OPENSSL_free(text);
    return slice_make(room, out.len);
}

static bool leads_to(X509_STORE *authorities, X509 *leaf, STACK_OF(X509) * rest, int64_t at_ms)
{
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    const char *why = "OpenSSL has failed";
    bool is_trusted = false;
    if (context != NULL && X509_STORE_CTX_init(context, authorities, leaf, rest) == 1) {
        X509_STORE_CTX_set_time(context, 0, at_ms / 1000);
        is_trusted = X509_verify_cert(context) == 1;
        why = X509_verify_cert_error_string(X509_STORE_CTX_get_error(context));
    }
    if (!is_trusted) {
        log_debug("a client certificate leads to no CA of devices: %s", why);
    }
    X509_STORE_CTX_free(context);
    ERR_clear_error();
    return is_trusted;
}

struct hub_certificate *client_certificate_judge(X509 *leaf, STACK_OF(X509) * rest,
                                                 X509_STORE *authorities, int64_t at_ms)
{
    char thumbprints[2][THUMBPRINT_MAX + 1];
    char name[NAME_MAX_BYTES + 1];
    if (leaf == NULL) {
        return NULL;
    }
    const struct hub_certificate certificate = {
        .thumbprints = {digest(leaf, EVP_sha1(), thumbprints[0]),
                        digest(leaf, EVP_sha256(), thumbprints[1])},
        .common_name = read_common_name(leaf, name),
        .is_trusted = authorities != NULL && leads_to(authorities, leaf, rest, at_ms),
    };
    return hub_certificate_dup(&certificate);
}
