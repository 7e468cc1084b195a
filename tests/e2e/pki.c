/*
 * Making certificates with libcrypto.
 */
#include "e2e/pki.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

enum {
    AN_HOUR_S = 3600,
};

static void put_name(X509_NAME *name, const char *text)
{
    if (text != NULL) {
        assert_int_equal(X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                                                    (const unsigned char *)text, -1, -1, 0),
                         1);
    }
}

static void put_serial(X509 *certificate)
{
    uint64_t serial = 0;
    assert_int_equal(RAND_bytes((unsigned char *)&serial, sizeof(serial)), 1);
    assert_int_equal(ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1),
                     1);
}

static void put_extension(X509 *certificate, X509 *issuer, int which, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, which, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

void pki_make(struct pki *pki, const struct pki_wish *wish)
{
    *pki = (struct pki){.certificate = X509_new(), .key = EVP_EC_gen("P-256")};
    assert_non_null(pki->certificate);
    assert_non_null(pki->key);
    const struct pki *issuer = wish->issuer == NULL ? pki : wish->issuer;
    X509 *certificate = pki->certificate;
    put_serial(certificate);
    assert_int_equal(X509_set_version(certificate, X509_VERSION_3), 1);
    put_name(X509_get_subject_name(certificate), wish->common_name);
    put_name(X509_get_subject_name(certificate), wish->second_name);
    assert_int_equal(
        X509_set_issuer_name(certificate, X509_get_subject_name(issuer->certificate)), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), wish->begins_s);
    X509_gmtime_adj(X509_getm_notAfter(certificate),
                    wish->ends_s == 0 ? AN_HOUR_S : wish->ends_s);
    assert_int_equal(X509_set_pubkey(certificate, pki->key), 1);
    /* Which of two CAs with one name it was is told by the key. */
    put_extension(certificate, issuer->certificate, NID_subject_key_identifier, "hash");
    put_extension(certificate, issuer->certificate, NID_authority_key_identifier, "keyid");
    put_extension(certificate, issuer->certificate, NID_basic_constraints,
                  wish->is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    assert_true(X509_sign(certificate, issuer->key, EVP_sha256()) > 0);
}

void pki_finish(struct pki *pki)
{
    X509_free(pki->certificate);
    EVP_PKEY_free(pki->key);
    *pki = (struct pki){0};
}

void pki_write(const struct scene *scene, const char *name, const struct pki *const pkis[],
               size_t n, char path[SCENE_PATH_SIZE])
{
    scene_path(scene, name, path);
    FILE *file = fopen(path, "wx");
    assert_non_null(file);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(PEM_write_X509(file, pkis[i]->certificate), 1);
    }
    assert_int_equal(fclose(file), 0);
}

void pki_thumbprint(const struct pki *pki, const EVP_MD *how, char out[PKI_THUMBPRINT_SIZE])
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    assert_int_equal(X509_digest(pki->certificate, how, bytes, &len), 1);
    for (unsigned i = 0; i < len; i++) {
        snprintf(out + (size_t)2 * i, 3, "%02X", bytes[i]);
    }
}

SSL_CTX *pki_client(const struct pki *leaf, const struct pki *const others[], size_t n)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    assert_non_null(context);
    if (leaf != NULL) {
        assert_int_equal(SSL_CTX_use_certificate(context, leaf->certificate), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(context, leaf->key), 1);
    }
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(SSL_CTX_add1_chain_cert(context, others[i]->certificate), 1);
    }
    return context;
}
