/*
 * Making and reading certificates with libcrypto.
 * Sources: RFC 5280; Apple, "Requirements for trusted certificates in iOS 13 and macOS 10.15".
 */
#include "server/certificate.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <strings.h>

#include "base/random.h"

#define DAY_S       86400
/* Both begin a day early.  Over 825 days, Apple's systems refuse a server's certificate. */
#define CA_DAYS     3650
#define SERVER_DAYS 823

#define SERIAL_BYTES 16

#define CA_NAME     "iothub-emulator development CA"
#define SERVER_NAME "iothub-emulator"

EVP_PKEY *certificate_make_key(void)
{
    return EVP_EC_gen("P-256");
}

/* Positive and not to be guessed: RFC 5280, 4.1.2.2. */
static bool set_serial(X509 *certificate)
{
    unsigned char bytes[SERIAL_BYTES];
    random_fill(bytes, sizeof(bytes));
    bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40);
    BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    bool is_set = number != NULL &&
                  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return is_set;
}

static bool set_times(X509 *certificate, int64_t at_ms, long days)
{
    time_t now = (time_t)(at_ms / 1000);
    time_t begin = now - DAY_S;
    time_t end = now + days * DAY_S;
    return ASN1_TIME_set(X509_getm_notBefore(certificate), begin) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(certificate), end) != NULL;
}

static bool set_subject(X509 *certificate, const char *name)
{
    return X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                                      (const unsigned char *)name, -1, -1, 0) == 1;
}

static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool is_added = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return is_added;
}

/* What both kinds have in common. */
static bool set_common(X509 *certificate, EVP_PKEY *key, const char *name, int64_t at_ms,
                       long days)
{
    return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
           set_times(certificate, at_ms, days) && set_subject(certificate, name) &&
           X509_set_pubkey(certificate, key) == 1;
}

static bool fill_ca(X509 *ca, EVP_PKEY *key, int64_t at_ms)
{
    return set_common(ca, key, CA_NAME, at_ms, CA_DAYS) &&
           X509_set_issuer_name(ca, X509_get_subject_name(ca)) == 1 &&
           add_extension(ca, ca, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
           add_extension(ca, ca, NID_key_usage, "critical,keyCertSign,cRLSign") &&
           add_extension(ca, ca, NID_subject_key_identifier, "hash") &&
           X509_sign(ca, key, EVP_sha256()) != 0;
}

X509 *certificate_make_ca(EVP_PKEY *key, int64_t at_ms)
{
    X509 *ca = X509_new();
    if (ca != NULL && !fill_ca(ca, key, at_ms)) {
        X509_free(ca);
        return NULL;
    }
    return ca;
}

/* An address where the text is one, else a DNS name. */
static GENERAL_NAME *make_name(const char *text)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(text);
    ERR_clear_error();
    if (name == NULL) {
        ASN1_OCTET_STRING_free(address);
        return NULL;
    }
    if (address != NULL) {
        GENERAL_NAME_set0_value(name, GEN_IPADD, address);
        return name;
    }
    ASN1_IA5STRING *dns = ASN1_IA5STRING_new();
    if (dns == NULL || ASN1_STRING_set(dns, text, -1) != 1) {
        ASN1_IA5STRING_free(dns);
        GENERAL_NAME_free(name);
        return NULL;
    }
    GENERAL_NAME_set0_value(name, GEN_DNS, dns);
    return name;
}

static bool add_names(X509 *certificate, const struct certificate_names *names)
{
    GENERAL_NAMES *list = GENERAL_NAMES_new();
    bool is_good = list != NULL;
    for (size_t i = 0; is_good && i < names->n_items; i++) {
        GENERAL_NAME *name = make_name(names->items[i]);
        is_good = name != NULL && sk_GENERAL_NAME_push(list, name) > 0;
        if (!is_good) {
            GENERAL_NAME_free(name);
        }
    }
    is_good = is_good && X509_add1_ext_i2d(certificate, NID_subject_alt_name, list, 0, 0) == 1;
    GENERAL_NAMES_free(list);
    return is_good;
}

static bool end_before(X509 *certificate, const X509 *ca)
{
    if (ASN1_TIME_compare(X509_get0_notAfter(certificate), X509_get0_notAfter(ca)) <= 0) {
        return true;
    }
    return X509_set1_notAfter(certificate, X509_get0_notAfter(ca)) == 1;
}

static bool fill_server(X509 *server, EVP_PKEY *key, X509 *ca,
                        const struct certificate_names *names, int64_t at_ms)
{
    return set_common(server, key, SERVER_NAME, at_ms, SERVER_DAYS) && end_before(server, ca) &&
           X509_set_issuer_name(server, X509_get_subject_name(ca)) == 1 &&
           add_extension(server, ca, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(server, ca, NID_key_usage, "critical,digitalSignature") &&
           add_extension(server, ca, NID_ext_key_usage, "serverAuth") &&
           add_extension(server, ca, NID_subject_key_identifier, "hash") &&
           add_extension(server, ca, NID_authority_key_identifier, "keyid:always") &&
           add_names(server, names);
}

X509 *certificate_make_server(EVP_PKEY *key, X509 *ca, EVP_PKEY *ca_key,
                              const struct certificate_names *names, int64_t at_ms)
{
    X509 *server = X509_new();
    if (server != NULL && (!fill_server(server, key, ca, names, at_ms) ||
                           X509_sign(server, ca_key, EVP_sha256()) == 0)) {
        X509_free(server);
        return NULL;
    }
    return server;
}

static bool is_same_name(const GENERAL_NAME *name, const ASN1_OCTET_STRING *address,
                         struct slice text)
{
    if (address != NULL) {
        return name->type == GEN_IPADD && ASN1_STRING_cmp(name->d.iPAddress, address) == 0;
    }
    if (name->type != GEN_DNS) {
        return false;
    }
    const char *dns = (const char *)ASN1_STRING_get0_data(name->d.dNSName);
    size_t len = (size_t)ASN1_STRING_length(name->d.dNSName);
    return slice_equal_nocase(slice_make(dns, len), text);
}

bool certificate_has_name(const X509 *certificate, const char *name)
{
    GENERAL_NAMES *list = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(name);
    bool is_found = false;
    ERR_clear_error();
    for (int i = 0; !is_found && i < sk_GENERAL_NAME_num(list); i++) {
        is_found = is_same_name(sk_GENERAL_NAME_value(list, i), address, slice_of(name));
    }
    ASN1_OCTET_STRING_free(address);
    GENERAL_NAMES_free(list);
    return is_found;
}

bool certificate_expires(const X509 *certificate, int64_t at_ms, int64_t margin_s)
{
    time_t when = (time_t)(at_ms / 1000 + margin_s);
    /* 0 is a time that cannot be read, -1 one that is not after `when`. */
    return X509_cmp_time(X509_get0_notAfter(certificate), &when) <= 0;
}

bool certificate_is_signed_by(X509 *certificate, X509 *ca)
{
    bool is_signed = X509_check_issued(ca, certificate) == X509_V_OK &&
                     X509_verify(certificate, X509_get0_pubkey(ca)) == 1;
    ERR_clear_error();
    return is_signed;
}

bool certificate_has_key(const X509 *certificate, const EVP_PKEY *key)
{
    bool is_same = X509_check_private_key(certificate, key) == 1;
    ERR_clear_error();
    return is_same;
}

/* Keys are encrypted nowhere here, and nobody is there to be asked for a password. */
/* NOLINTNEXTLINE(readability-non-const-parameter): libcrypto prescribes the type. */
static int no_password(char *text, int size, int is_writing, void *ctx)
{
    (void)text;
    (void)size;
    (void)is_writing;
    (void)ctx;
    return -1;
}

static BIO *open_text(struct slice text)
{
    return text.len > INT32_MAX ? NULL : BIO_new_mem_buf(text.data, (int)text.len);
}

/* After the last certificate libcrypto complains of a missing start line; all else is damage.
 */
static bool is_at_end(void)
{
    unsigned long error = ERR_peek_last_error();
    bool is_end = ERR_GET_LIB(error) == ERR_LIB_PEM &&
                  ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    return is_end;
}

STACK_OF(X509) * certificate_read_all(struct slice pem)
{
    STACK_OF(X509) *all = sk_X509_new_null();
    BIO *bio = open_text(pem);
    X509 *one = NULL;
    bool is_good = all != NULL && bio != NULL;
    ERR_clear_error();
    while (is_good && (one = PEM_read_bio_X509(bio, NULL, no_password, NULL)) != NULL) {
        is_good = sk_X509_push(all, one) > 0;
    }
    is_good = is_good && is_at_end() && sk_X509_num(all) > 0;
    BIO_free(bio);
    if (!is_good) {
        sk_X509_pop_free(all, X509_free);
        return NULL;
    }
    return all;
}

X509 *certificate_read(struct slice pem)
{
    STACK_OF(X509) *all = certificate_read_all(pem);
    X509 *first = all == NULL ? NULL : sk_X509_shift(all);
    sk_X509_pop_free(all, X509_free);
    return first;
}

EVP_PKEY *certificate_read_key(struct slice pem)
{
    BIO *bio = open_text(pem);
    EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    ERR_clear_error();
    BIO_free(bio);
    return key;
}

static void put_bio(struct buf *out, BIO *bio)
{
    char *data = NULL;
    long len = BIO_get_mem_data(bio, &data);
    buf_put(out, data, (size_t)len);
}

bool certificate_put(struct buf *out, X509 *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());
    bool is_good = bio != NULL && PEM_write_bio_X509(bio, certificate) == 1;
    if (is_good) {
        put_bio(out, bio);
    }
    BIO_free(bio);
    return is_good;
}

bool certificate_put_key(struct buf *out, const EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    bool is_good = bio != NULL &&
                   PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1;
    if (is_good) {
        put_bio(out, bio);
    }
    BIO_free(bio);
    return is_good;
}
