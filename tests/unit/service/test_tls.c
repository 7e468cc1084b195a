/*
 * The library over HTTPS: whose certificates are trusted, and for which name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/macros.h"
#include "iothub/service.h"
#include "unit/service/fake_hub.h"

#define KEY  "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define HOST "hub.localtest.example"

struct fixture {
    struct fake_hub *hub;
    char certificate[4096];
    char key[4096];
    char ca_file[64];
};

static void read_bio(BIO *bio, char *out, size_t room)
{
    int len = BIO_read(bio, out, (int)room - 1);
    assert_true(len > 0 && (size_t)len < room - 1);
    out[len] = '\0';
    BIO_free(bio);
}

static void add_name(X509 *certificate, const char *host)
{
    char text[128];
    (void)snprintf(text, sizeof(text), "DNS:%s", host);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, text);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

/* A self-signed certificate is its own authority. */
static void make_certificate(struct fixture *f, const char *host)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    assert_non_null(key);
    assert_int_equal(X509_set_version(certificate, 2), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(certificate), -60));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), 3600));
    X509_NAME *name = X509_get_subject_name(certificate);
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                                (const unsigned char *)"test", -1, -1, 0),
                     1);
    assert_int_equal(X509_set_issuer_name(certificate, name), 1);
    assert_int_equal(X509_set_pubkey(certificate, key), 1);
    add_name(certificate, host);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_X509(bio, certificate), 1);
    read_bio(bio, f->certificate, sizeof(f->certificate));
    bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
    read_bio(bio, f->key, sizeof(f->key));
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static void start(struct fixture *f, const char *host)
{
    make_certificate(f, host);
    (void)snprintf(f->ca_file, sizeof(f->ca_file), "/tmp/iothub-test-ca-XXXXXX");
    int fd = mkstemp(f->ca_file);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    assert_true(fputs(f->certificate, file) >= 0);
    assert_int_equal(fclose(file), 0);
    f->hub = fake_hub_start_tls(f->certificate, f->key);
}

static int set_up(void **state)
{
    *state = calloc(1, sizeof(struct fixture));
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    fake_hub_stop(f->hub);
    (void)unlink(f->ca_file);
    free(f);
    return 0;
}

static enum iothub_status list(struct fixture *f, const char *ca_file)
{
    static const struct fake_answer answers[] = {
        {.status = 200, .body = "[]"}
    };
    const struct iothub_service_options options = {
        .connection_string = "HostName=" HOST ";SharedAccessKeyName=p;SharedAccessKey=" KEY,
        .address = "127.0.0.1",
        .port = (unsigned)fake_hub_port(f->hub),
        .ca_file = ca_file,
        .retry_delay_ms = 1,
    };
    struct iothub_service *service = NULL;
    fake_hub_script(f->hub, answers, ARRAY_LEN(answers));
    assert_int_equal(iothub_service_create(&options, NULL, &service), IOTHUB_OK);
    enum iothub_status status = iothub_service_device_list(service, 0, NULL);
    iothub_service_destroy(service);
    return status;
}

static void a_hub_of_the_trusted_authority_is_spoken_to(void **state)
{
    struct fixture *f = *state;
    start(f, HOST);
    assert_int_equal(list(f, f->ca_file), IOTHUB_OK);
    assert_int_equal(fake_hub_n_requests(f->hub), 1);
}

static void a_hub_of_an_unknown_authority_gets_no_token(void **state)
{
    struct fixture *f = *state;
    start(f, HOST);
    assert_int_equal(list(f, NULL), IOTHUB_TLS_FAILED);
    assert_int_equal(fake_hub_n_requests(f->hub), 0);
}

static void a_certificate_for_the_address_is_not_one_for_the_host(void **state)
{
    struct fixture *f = *state;
    start(f, "other.localtest.example");
    assert_int_equal(list(f, f->ca_file), IOTHUB_TLS_FAILED);
    assert_int_equal(fake_hub_n_requests(f->hub), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_hub_of_the_trusted_authority_is_spoken_to),
        TEST(a_hub_of_an_unknown_authority_gets_no_token),
        TEST(a_certificate_for_the_address_is_not_one_for_the_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
