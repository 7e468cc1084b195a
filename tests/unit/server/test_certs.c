/*
 * The TLS material: what is made, when it is made anew, and what is told of damaged files.
 */
#include "support.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/certificate.h"

#define DAY_MS 86400000LL

static const char *const two_names[] = {"hub.example.test", "192.0.2.7"};

struct fixture {
    char *folder;
    char *data_dir;
    struct certs_wish wish;
    struct buf error;
};

static int setup(void **state)
{
    static struct fixture f;
    f.folder = support_make_folder();
    f.data_dir = support_path(f.folder, "some/data");
    f.wish = (struct certs_wish){
        .data_dir = f.data_dir,
        .names = two_names,
        .n_names = 2,
        .at_ms = clock_read(&(struct clock){0}).at_ms,
    };
    buf_init(&f.error, BUF_CAP_OWN);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    buf_finish(&f->error);
    free(f->data_dir);
    support_remove_folder(f->folder);
    return 0;
}

static void prepare(struct fixture *f, struct certs *certs)
{
    bool is_good = certs_prepare(&f->wish, &f->error, certs);
    assert_string_equal(buf_text(&f->error), "");
    assert_true(is_good);
}

/* The line must have `path` (below the data directory) at its front and `what` in it. */
static void refused(struct fixture *f, const char *path, const char *what)
{
    struct certs certs = {0};
    struct buf begin;
    buf_init(&begin, BUF_CAP_OWN);
    buf_putf(&begin, "%s/%s: ", f->data_dir, path);
    assert_false(certs_prepare(&f->wish, &f->error, &certs));
    assert_memory_equal(buf_text(&f->error), begin.data, begin.len);
    assert_string_equal(buf_text(&f->error) + begin.len, what);
    buf_reset(&f->error);
    buf_finish(&begin);
}

static char *tls_path(const struct fixture *f, const char *name)
{
    char *tls = support_path(f->data_dir, "tls");
    char *path = support_path(tls, name);
    free(tls);
    return path;
}

static STACK_OF(X509) * read_chain(const char *path)
{
    char *pem = support_read(path);
    STACK_OF(X509) *chain = certificate_read_all(slice_of(pem));
    free(pem);
    assert_non_null(chain);
    return chain;
}

/* libcrypto's own judgement, as a TLS client would come to it. */
static int verify(const struct certs *certs, const char *host, const char *address)
{
    STACK_OF(X509) *chain = read_chain(certs->cert_file);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    assert_int_equal(X509_STORE_load_file(store, certs->ca_file), 1);
    assert_int_equal(X509_STORE_CTX_init(ctx, store, sk_X509_value(chain, 0), chain), 1);
    assert_int_equal(X509_STORE_CTX_set_default(ctx, "ssl_server"), 1);
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT);
    if (host != NULL) {
        assert_int_equal(X509_VERIFY_PARAM_set1_host(param, host, 0), 1);
    }
    if (address != NULL) {
        assert_int_equal(X509_VERIFY_PARAM_set1_ip_asc(param, address), 1);
    }
    X509_verify_cert(ctx);
    int result = X509_STORE_CTX_get_error(ctx);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    sk_X509_pop_free(chain, X509_free);
    return result;
}

static void chain_verifies_for_every_name(void **state)
{
    struct fixture *f = *state;
    static const char *const hosts[] = {"localhost", "host.docker.internal",
                                        "hub.example.test"};
    static const char *const addresses[] = {"127.0.0.1", "::1", "192.0.2.7"};
    struct certs certs = {0};
    prepare(f, &certs);
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        assert_int_equal(verify(&certs, hosts[i], NULL), X509_V_OK);
        assert_int_equal(verify(&certs, NULL, addresses[i]), X509_V_OK);
    }
    assert_int_equal(verify(&certs, "other.example.test", NULL), X509_V_ERR_HOSTNAME_MISMATCH);
    assert_int_equal(verify(&certs, NULL, "192.0.2.8"), X509_V_ERR_IP_ADDRESS_MISMATCH);
    certs_finish(&certs);
}

static void machine_name_is_in_the_certificate(void **state)
{
    struct fixture *f = *state;
    struct certs certs = {0};
    char machine[256] = "";
    assert_int_equal(gethostname(machine, sizeof(machine) - 1), 0);
    prepare(f, &certs);
    STACK_OF(X509) *chain = read_chain(certs.cert_file);
    assert_true(certificate_has_name(sk_X509_value(chain, 0), machine));
    assert_true(certificate_has_name(sk_X509_value(chain, 0), "*.localhost"));
    sk_X509_pop_free(chain, X509_free);
    certs_finish(&certs);
}

static int64_t days_of(const X509 *certificate)
{
    int days = 0;
    int seconds = 0;
    assert_int_equal(ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(certificate),
                                    X509_get0_notAfter(certificate)),
                     1);
    return days;
}

static void certificates_are_made_for_their_purposes(void **state)
{
    struct fixture *f = *state;
    struct certs certs = {0};
    char name[64] = "";
    prepare(f, &certs);
    STACK_OF(X509) *chain = read_chain(certs.cert_file);
    assert_int_equal(sk_X509_num(chain), 2);
    X509 *server = sk_X509_value(chain, 0);
    X509 *ca = sk_X509_value(chain, 1);
    assert_int_equal(X509_check_ca(server), 0);
    assert_int_equal(X509_get_extended_key_usage(server), XKU_SSL_SERVER);
    assert_int_equal(days_of(server), 824);
    assert_int_equal(X509_check_ca(ca), 1);
    assert_int_equal(X509_get_key_usage(ca), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
    assert_int_equal(X509_get_pathlen(ca), 0);
    assert_int_equal(days_of(ca), 3651);
    assert_non_null(X509_get0_subject_key_id(ca));
    assert_int_equal(
        ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(server), X509_get0_subject_key_id(ca)),
        0);
    X509_NAME_get_text_by_NID(X509_get_subject_name(ca), NID_commonName, name, sizeof(name));
    assert_string_equal(name, "iothub-emulator development CA");
    assert_int_equal(EVP_PKEY_get_bits(X509_get0_pubkey(server)), 256);
    sk_X509_pop_free(chain, X509_free);
    certs_finish(&certs);
}

static void check_mode(const struct fixture *f, const char *name, mode_t mode)
{
    struct stat status;
    char *path = tls_path(f, name);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, mode);
    free(path);
}

static void keys_are_for_the_user_alone(void **state)
{
    struct fixture *f = *state;
    struct certs certs = {0};
    mode_t old = umask(0);
    prepare(f, &certs);
    umask(old);
    check_mode(f, "ca.key", 0600);
    check_mode(f, "server.key", 0600);
    check_mode(f, "ca.pem", 0644);
    check_mode(f, "server.pem", 0644);
    check_mode(f, ".", 0700);
    check_mode(f, "..", 0700);
    certs_finish(&certs);
}

/* What the two certificates' files hold. */
struct texts {
    char *ca;
    char *cert;
};

static struct texts prepare_and_read(struct fixture *f, bool made_ca, bool made_server)
{
    struct certs certs = {0};
    prepare(f, &certs);
    assert_int_equal(certs.has_made_ca, made_ca);
    assert_int_equal(certs.has_made_server, made_server);
    assert_int_equal(verify(&certs, "localhost", NULL), X509_V_OK);
    struct texts texts = {support_read(certs.ca_file), support_read(certs.cert_file)};
    certs_finish(&certs);
    return texts;
}

static void check_texts(struct texts before, struct texts after, bool same_ca, bool same_cert)
{
    assert_int_equal(strcmp(before.ca, after.ca) == 0, same_ca);
    assert_int_equal(strcmp(before.cert, after.cert) == 0, same_cert);
    free(before.ca);
    free(before.cert);
    free(after.ca);
    free(after.cert);
}

static void second_start_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct texts before = prepare_and_read(f, true, true);
    check_texts(before, prepare_and_read(f, false, false), true, true);
}

static void new_name_makes_a_new_certificate_of_the_same_ca(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"hub.localhost"};
    struct texts before = prepare_and_read(f, true, true);
    f->wish.names = names;
    f->wish.n_names = 1;
    struct texts after = prepare_and_read(f, false, true);
    struct certs certs = {0};
    prepare(f, &certs);
    assert_int_equal(verify(&certs, "hub.localhost", NULL), X509_V_OK);
    certs_finish(&certs);
    check_texts(before, after, true, false);
}

static void fewer_names_or_other_case_change_nothing(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"HUB.example.test", "0:0:0:0:0:0:0:1"};
    struct texts before = prepare_and_read(f, true, true);
    f->wish.names = names;
    check_texts(before, prepare_and_read(f, false, false), true, true);
}

static void certificate_is_made_anew_thirty_days_before_its_end(void **state)
{
    struct fixture *f = *state;
    struct texts before = prepare_and_read(f, true, true);
    f->wish.at_ms += (823 - 31) * DAY_MS;
    struct certs certs = {0};
    prepare(f, &certs);
    assert_false(certs.has_made_server);
    certs_finish(&certs);
    f->wish.at_ms += 2 * DAY_MS;
    prepare(f, &certs);
    assert_true(certs.has_made_server);
    assert_false(certs.has_made_ca);
    struct texts after = {support_read(certs.ca_file), support_read(certs.cert_file)};
    certs_finish(&certs);
    check_texts(before, after, true, false);
}

static void certificate_does_not_outlive_the_ca(void **state)
{
    struct fixture *f = *state;
    struct certs certs = {0};
    prepare(f, &certs);
    certs_finish(&certs);
    f->wish.at_ms += 3300 * DAY_MS;
    prepare(f, &certs);
    assert_true(certs.has_made_server);
    STACK_OF(X509) *chain = read_chain(certs.cert_file);
    assert_int_equal(ASN1_TIME_compare(X509_get0_notAfter(sk_X509_value(chain, 0)),
                                       X509_get0_notAfter(sk_X509_value(chain, 1))),
                     0);
    sk_X509_pop_free(chain, X509_free);
    certs_finish(&certs);
}

static void advice_for_the_ca(const struct fixture *f, struct buf *out, const char *what)
{
    buf_reset(out);
    buf_putf(out,
             "%s; restore it, or delete the folder %s/tls to have a new CA made, which clients "
             "must then be told to trust",
             what, f->data_dir);
}

static void expired_ca_is_told(void **state)
{
    struct fixture *f = *state;
    struct buf what;
    buf_init(&what, BUF_CAP_OWN);
    struct certs certs = {0};
    prepare(f, &certs);
    certs_finish(&certs);
    f->wish.at_ms += 3651 * DAY_MS;
    advice_for_the_ca(f, &what, "it has expired");
    refused(f, "tls/ca.pem", buf_text(&what));
    buf_finish(&what);
}

static void swap_text(const char *one, const char *other)
{
    char *text = support_read(other);
    support_write(one, text);
    free(text);
}

/* As a crash between two renames would leave it. */
static void certificate_without_its_key_is_made_anew(void **state)
{
    struct fixture *f = *state;
    char *key = tls_path(f, "server.key");
    char *ca_key = tls_path(f, "ca.key");
    struct texts before = prepare_and_read(f, true, true);
    swap_text(key, ca_key);
    struct texts after = prepare_and_read(f, false, true);
    check_texts(before, after, true, false);
    assert_int_equal(unlink(key), 0);
    after = prepare_and_read(f, false, true);
    free(after.ca);
    free(after.cert);
    free(key);
    free(ca_key);
}

static void certificate_of_another_ca_is_made_anew(void **state)
{
    struct fixture *f = *state;
    char *ca = tls_path(f, "ca.pem");
    struct texts before = prepare_and_read(f, true, true);
    assert_int_equal(unlink(ca), 0);
    check_texts(before, prepare_and_read(f, true, true), false, false);
    free(ca);
}

static void ca_key_is_needed_only_to_sign(void **state)
{
    struct fixture *f = *state;
    struct buf what;
    char *ca_key = tls_path(f, "ca.key");
    char *cert = tls_path(f, "server.pem");
    buf_init(&what, BUF_CAP_OWN);
    struct texts before = prepare_and_read(f, true, true);
    assert_int_equal(unlink(ca_key), 0);
    check_texts(before, prepare_and_read(f, false, false), true, true);
    assert_int_equal(unlink(cert), 0);
    advice_for_the_ca(f, &what, "it is missing, and a server certificate is to be signed");
    refused(f, "tls/ca.key", buf_text(&what));
    buf_finish(&what);
    free(cert);
    free(ca_key);
}

static void damaged_files_are_told_with_advice(void **state)
{
    struct fixture *f = *state;
    struct buf what;
    struct certs certs = {0};
    char *ca = tls_path(f, "ca.pem");
    char *ca_key = tls_path(f, "ca.key");
    char *cert = tls_path(f, "server.pem");
    char *key = tls_path(f, "server.key");
    buf_init(&what, BUF_CAP_OWN);
    prepare(f, &certs);
    certs_finish(&certs);

    support_write(key, "");
    refused(f, "tls/server.key",
            "it holds no valid key without a password; delete it to have a new one made");
    support_write(cert,
                  "-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n-----END CERTIFICATE-----\n");
    refused(f, "tls/server.pem",
            "it holds no valid certificate; delete it to have a new one made");
    assert_int_equal(unlink(cert), 0);
    swap_text(ca_key, ca);
    advice_for_the_ca(f, &what, "it holds no valid key without a password");
    refused(f, "tls/ca.key", buf_text(&what));
    support_write(ca, "nothing");
    advice_for_the_ca(f, &what, "it holds no valid certificate");
    refused(f, "tls/ca.pem", buf_text(&what));
    assert_int_equal(unlink(ca), 0);
    assert_int_equal(mkdir(ca, 0700), 0);
    advice_for_the_ca(f, &what, "Is a directory");
    refused(f, "tls/ca.pem", buf_text(&what));

    buf_finish(&what);
    free(ca);
    free(ca_key);
    free(cert);
    free(key);
}

static void foreign_ca_key_is_told(void **state)
{
    struct fixture *f = *state;
    struct buf what;
    struct certs certs = {0};
    char *ca_key = tls_path(f, "ca.key");
    char *cert = tls_path(f, "server.pem");
    char *key = tls_path(f, "server.key");
    buf_init(&what, BUF_CAP_OWN);
    prepare(f, &certs);
    certs_finish(&certs);
    swap_text(ca_key, key);
    assert_int_equal(unlink(cert), 0);
    advice_for_the_ca(f, &what, "it is not the key of ca.pem");
    refused(f, "tls/ca.key", buf_text(&what));
    buf_finish(&what);
    free(ca_key);
    free(cert);
    free(key);
}

static void folder_that_cannot_be_made_is_told(void **state)
{
    struct fixture *f = *state;
    struct certs certs = {0};
    struct buf expected;
    char *file = support_path(f->folder, "some");
    buf_init(&expected, BUF_CAP_OWN);
    support_write(file, "a file in the way");
    buf_putf(&expected,
             "data directory %s: Not a directory; choose another one with --data-dir",
             f->data_dir);
    assert_false(certs_prepare(&f->wish, &f->error, &certs));
    assert_string_equal(buf_text(&f->error), buf_text(&expected));
    buf_finish(&expected);
    free(file);
}

static void ca_alone_is_made_without_a_server_certificate(void **state)
{
    struct fixture *f = *state;
    struct certs certs = {0};
    struct buf pem;
    char *cert = tls_path(f, "server.pem");
    buf_init(&pem, BUF_CAP_OWN);
    assert_true(certs_prepare_ca(&f->wish, &f->error, &certs));
    assert_true(certs.has_made_ca);
    assert_null(certs.cert_file);
    assert_int_not_equal(access(cert, F_OK), 0);
    char *text = support_read(certs.ca_file);
    assert_true(certs_put_ca(&certs, &f->error, &pem));
    assert_string_equal(buf_text(&pem), text);
    certs_finish(&certs);
    buf_finish(&pem);
    free(text);
    free(cert);
}

/* Both wait until the other is there, too. */
static void prepare_in_child(struct fixture *f, int start)
{
    struct certs certs = {0};
    char byte = 0;
    if (read(start, &byte, 1) != 0 || !certs_prepare(&f->wish, &f->error, &certs)) {
        _exit(1);
    }
    _exit(verify(&certs, "localhost", NULL) == X509_V_OK ? 0 : 2);
}

static void processes_that_start_together_agree(void **state)
{
    struct fixture *f = *state;
    enum {
        N_CHILDREN = 4,
    };
    pid_t children[N_CHILDREN];
    int start[2];
    assert_int_equal(pipe(start), 0);
    for (int i = 0; i < N_CHILDREN; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            close(start[1]);
            prepare_in_child(f, start[0]);
        }
    }
    close(start[0]);
    close(start[1]);
    for (int i = 0; i < N_CHILDREN; i++) {
        int status = -1;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    struct texts after = prepare_and_read(f, false, false);
    free(after.ca);
    free(after.cert);
}

static void own_certificate_is_used_as_it_is(void **state)
{
    struct fixture *f = *state;
    struct certs made = {0};
    struct certs own = {0};
    struct buf pem;
    prepare(f, &made);
    struct certs_wish wish = {.data_dir = "/nowhere",
                              .own_cert = made.cert_file,
                              .own_key = made.key_file,
                              .at_ms = f->wish.at_ms};
    assert_true(certs_prepare(&wish, &f->error, &own));
    assert_string_equal(own.cert_file, made.cert_file);
    assert_string_equal(own.key_file, made.key_file);
    assert_string_equal(own.ca_file, made.cert_file);
    assert_false(own.has_made_ca || own.has_made_server);
    /* The chain's last certificate is what is to be trusted. */
    char *ca = support_read(made.ca_file);
    buf_init(&pem, BUF_CAP_OWN);
    assert_true(certs_put_ca(&own, &f->error, &pem));
    assert_string_equal(buf_text(&pem), ca);
    buf_finish(&pem);
    free(ca);
    certs_finish(&own);
    certs_finish(&made);
}

static void check_own(struct fixture *f, const char *cert, const char *key, const char *line)
{
    struct certs certs = {0};
    struct certs_wish wish = {.data_dir = "/nowhere", .own_cert = cert, .own_key = key};
    assert_false(certs_prepare(&wish, &f->error, &certs));
    assert_string_equal(buf_text(&f->error), line);
    buf_reset(&f->error);
}

static void unfit_own_certificate_is_told(void **state)
{
    struct fixture *f = *state;
    struct certs made = {0};
    struct buf line;
    buf_init(&line, BUF_CAP_OWN);
    prepare(f, &made);
    check_own(f, "/nowhere/c", made.key_file,
              "/nowhere/c: No such file or directory; give another file with --tls-cert or "
              "--tls-key");
    buf_putf(&line,
             "%s: it is not the key of the certificate; give another file with --tls-cert or "
             "--tls-key",
             made.key_file);
    check_own(f, made.ca_file, made.key_file, buf_text(&line));
    buf_reset(&line);
    buf_putf(&line,
             "%s: it holds no valid key without a password; give another file with --tls-cert "
             "or --tls-key",
             made.ca_file);
    check_own(f, made.ca_file, made.ca_file, buf_text(&line));
    buf_finish(&line);
    certs_finish(&made);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(chain_verifies_for_every_name),
        TEST(machine_name_is_in_the_certificate),
        TEST(certificates_are_made_for_their_purposes),
        TEST(keys_are_for_the_user_alone),
        TEST(second_start_changes_nothing),
        TEST(new_name_makes_a_new_certificate_of_the_same_ca),
        TEST(fewer_names_or_other_case_change_nothing),
        TEST(certificate_is_made_anew_thirty_days_before_its_end),
        TEST(certificate_does_not_outlive_the_ca),
        TEST(expired_ca_is_told),
        TEST(certificate_without_its_key_is_made_anew),
        TEST(certificate_of_another_ca_is_made_anew),
        TEST(ca_key_is_needed_only_to_sign),
        TEST(damaged_files_are_told_with_advice),
        TEST(foreign_ca_key_is_told),
        TEST(folder_that_cannot_be_made_is_told),
        TEST(ca_alone_is_made_without_a_server_certificate),
        TEST(processes_that_start_together_agree),
        TEST(own_certificate_is_used_as_it_is),
        TEST(unfit_own_certificate_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
