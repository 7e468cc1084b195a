/*
 * hub/storage_account, hub/storage_sas: connection strings, addresses, names and signatures.
 */
#include "hub/storage_account.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "hub/storage_sas.h"
#include "unit/hub/documents.h"

/* base64 of 0123456789abcdef */
#define KEY "MDEyMzQ1Njc4OWFiY2RlZg=="

/* 2026-03-02T13:00:00.789Z */
#define EXPIRY_MS 1772456400789LL

static struct storage_account parse(const char *text)
{
    struct storage_account account = {0};
    struct buf error = {.cap = BUF_CAP_OWN};
    if (!storage_account_parse(slice_of(text), &error, &account)) {
        print_error("%s: %s\n", text, buf_text(&error));
        fail();
    }
    buf_finish(&error);
    return account;
}

static void assert_host(const char *text, const char *want_host, const char *want_uri)
{
    struct storage_account account = parse(text);
    struct buf host = {.cap = BUF_CAP_OWN};
    struct buf uri = {.cap = BUF_CAP_OWN};
    storage_account_put_host(&account, &host);
    storage_account_put_uri(&account, SLICE("uploads"), SLICE("d/a b/ü"), &uri);
    assert_string_equal(buf_text(&host), want_host);
    assert_string_equal(buf_text(&uri), want_uri);
    buf_finish(&host);
    buf_finish(&uri);
    storage_account_finish(&account);
}

static void account_in_azure_is_a_host_of_its_own(void **state)
{
    (void)state;
    assert_host("DefaultEndpointsProtocol=https;AccountName=acct;AccountKey=" KEY
                ";EndpointSuffix=core.chinacloudapi.cn",
                "acct.blob.core.chinacloudapi.cn",
                "https://acct.blob.core.chinacloudapi.cn/uploads/d/a%20b/%C3%BC");
    assert_host(" accountkey=" KEY ";ACCOUNTNAME=acct; ", "acct.blob.core.windows.net",
                "https://acct.blob.core.windows.net/uploads/d/a%20b/%C3%BC");
}

static void end_point_may_have_a_port_and_a_path(void **state)
{
    (void)state;
    assert_host("AccountName=acct;AccountKey=" KEY ";BlobEndpoint=https://127.0.0.1:10000/acct/"
                ";QueueEndpoint=https://127.0.0.1:10001/acct",
                "127.0.0.1:10000/acct", "https://127.0.0.1:10000/acct/uploads/d/a%20b/%C3%BC");
    assert_host("AccountName=acct;AccountKey=" KEY ";BlobEndpoint=http://[::1]:10000/acct",
                "[::1]:10000/acct", "http://[::1]:10000/acct/uploads/d/a%20b/%C3%BC");
    struct storage_account account =
        parse("AccountName=acct;AccountKey=" KEY ";BlobEndpoint=http://store.test");
    assert_int_equal(account.port, 80);
    assert_false(account.has_port);
    storage_account_finish(&account);
}

static void development_storage_is_the_emulators_account(void **state)
{
    (void)state;
    assert_host("UseDevelopmentStorage=true", "127.0.0.1:10000/devstoreaccount1",
                "http://127.0.0.1:10000/devstoreaccount1/uploads/d/a%20b/%C3%BC");
    assert_host("UseDevelopmentStorage=TRUE;DevelopmentStorageProxyUri=https://store.test",
                "store.test:10000/devstoreaccount1",
                "https://store.test:10000/devstoreaccount1/uploads/d/a%20b/%C3%BC");
}

static void what_is_no_account_is_refused_without_its_key(void **state)
{
    static const struct {
        const char *text;
        const char *error;
    } cases[] = {
  // clang-format off
        {"",
         "it is empty"},
        {"secret",
         "a part of it has no '='"},
        {"AccountName=acct;AccountKey=" KEY ";secret=1",
         "a part of it has an unknown name"},
        {"AccountName=acct",
         "AccountKey is missing"},
        {"AccountKey=" KEY,
         "AccountName is missing"},
        {"AccountName=acct;AccountKey=",
         "AccountKey is empty"},
        {"AccountName=acct;AccountKey=secret",
         "AccountKey is not base64"},
        {"AccountName=acct;AccountName=acct;AccountKey=" KEY,
         "AccountName stands there twice"},
        {"AccountName=Acct;AccountKey=" KEY,
         "AccountName has not 3 to 24 lower-case letters and digits"},
        {"BlobEndpoint=https://a.test;SharedAccessSignature=sv=1&sig=secret",
         "a part of it has an unknown name"},
        {"UseDevelopmentStorage=false",
         "UseDevelopmentStorage can only be true"},
        {"UseDevelopmentStorage=true;AccountKey=" KEY,
         "UseDevelopmentStorage goes with no other account"},
        {"AccountName=acct;AccountKey=" KEY ";BlobEndpoint=ftp://a.test",
         "its end point for blobs is no http or https address"},
        {"AccountName=acct;AccountKey=" KEY ";BlobEndpoint=https://",
         "its end point for blobs is no http or https address"},
        {"AccountName=acct;AccountKey=" KEY ";BlobEndpoint=https://a.test:0",
         "its end point for blobs is no http or https address"},
        {"AccountName=acct;AccountKey=" KEY ";BlobEndpoint=https://a.test:65536",
         "its end point for blobs is no http or https address"},
        {"AccountName=acct;AccountKey=" KEY ";BlobEndpoint=https://u:p@a.test",
         "its end point for blobs is no http or https address"},
        {"AccountName=acct;AccountKey=" KEY ";BlobEndpoint=https://a.test/?x",
         "its end point for blobs is no http or https address"},
        {"AccountName=acct;AccountKey=" KEY ";BlobEndpoint=https://[::1",
         "its end point for blobs is no http or https address"},
  // clang-format on
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct storage_account account = {.port = 7};
        struct buf error = {.cap = BUF_CAP_OWN};
        assert_false(storage_account_parse(slice_of(cases[i].text), &error, &account));
        assert_string_equal(buf_text(&error), cases[i].error);
        assert_null(strstr(buf_text(&error), "secret"));
        assert_int_equal(account.port, 7);
        buf_finish(&error);
    }
}

static void container_names_are_those_of_azure(void **state)
{
    static const char *const good[] = {"abc", "a-b-c", "0a1", "uploads"};
    static const char *const bad[] = {"ab",  "-abc", "abc-", "a--b",
                                      "Abc", "a_b",  "a/b",  "$web"};
    char longest[65];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_true(storage_container_is_valid(slice_of(good[i])));
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(storage_container_is_valid(slice_of(bad[i])));
    }
    memset(longest, 'a', sizeof(longest));
    assert_true(storage_container_is_valid(slice_make(longest, 63)));
    assert_false(storage_container_is_valid(slice_make(longest, 64)));
}

static void blob_names_have_limits(void **state)
{
    struct buf name = {.cap = BUF_CAP_OWN};
    (void)state;
    assert_true(storage_blob_name_is_valid(SLICE("d/.a/..b/c.")));
    assert_false(storage_blob_name_is_valid(SLICE("")));
    assert_false(storage_blob_name_is_valid(SLICE("d/../e")));
    assert_false(storage_blob_name_is_valid(SLICE("d/.")));
    assert_false(storage_blob_name_is_valid(SLICE("d/a\nb")));
    assert_false(storage_blob_name_is_valid(SLICE("d/a\0b")));
    for (int i = 0; i < 1024; i++) {
        buf_put_text(&name, "ü");
    }
    assert_true(storage_blob_name_is_valid(buf_slice(&name)));
    buf_put_char(&name, 'a');
    assert_false(storage_blob_name_is_valid(buf_slice(&name)));
    buf_reset(&name);
    for (int i = 0; i < 253; i++) {
        buf_put_text(&name, "a/");
    }
    buf_put_char(&name, 'a');
    assert_true(storage_blob_name_is_valid(buf_slice(&name)));
    buf_put_text(&name, "/a");
    assert_false(storage_blob_name_is_valid(buf_slice(&name)));
    buf_finish(&name);
}

/* The signatures that follow were made by another program from the documented strings to sign.
 */

static void blob_is_signed_for_an_end_point_without_tls(void **state)
{
    struct buf sas = {.cap = BUF_CAP_OWN};
    struct storage_account account = parse("UseDevelopmentStorage=true");
    (void)state;
    storage_sas_put_blob(&account, SLICE("uploads"), SLICE("d/dir/a b.txt"), "rw", EXPIRY_MS,
                         &sas);
    assert_string_equal(buf_text(&sas),
                        "?sv=2020-12-06&sr=b"
                        "&sig=pL%2BUX6fHWo0y0qeq5e0DRhZ7OwjGjGFW1%2FaRPUusGEs%3D"
                        "&se=2026-03-02T13%3A00%3A00Z&sp=rw");
    buf_finish(&sas);
    storage_account_finish(&account);
}

static void blob_is_signed_for_https_only_where_the_end_point_is(void **state)
{
    struct buf sas = {.cap = BUF_CAP_OWN};
    struct storage_account account = parse("AccountName=acct;AccountKey=" KEY);
    (void)state;
    storage_sas_put_blob(&account, SLICE("uploads"), SLICE("d/ü.txt"), "r", EXPIRY_MS, &sas);
    assert_string_equal(buf_text(&sas),
                        "?sv=2020-12-06&sr=b&sig=hZ4aPUGbiOOsb2rtp3LMNRHqQeZS9xtdfSFudHO0L34%3D"
                        "&se=2026-03-02T13%3A00%3A00Z&sp=r&spr=https");
    buf_finish(&sas);
    storage_account_finish(&account);
}

static void making_containers_is_signed_by_the_account(void **state)
{
    struct buf sas = {.cap = BUF_CAP_OWN};
    struct storage_account account = parse("UseDevelopmentStorage=true");
    (void)state;
    storage_sas_put_containers(&account, EXPIRY_MS, &sas);
    assert_string_equal(buf_text(&sas), "?sv=2020-12-06&ss=b&srt=c"
                                        "&sig=6QLdNqvgAQr2PkVKzcQLsD5A79989PuWkCJ6fWM%2BlFs%3D"
                                        "&se=2026-03-02T13%3A00%3A00Z&sp=c");
    buf_finish(&sas);
    storage_account_finish(&account);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(account_in_azure_is_a_host_of_its_own),
        cmocka_unit_test(end_point_may_have_a_port_and_a_path),
        cmocka_unit_test(development_storage_is_the_emulators_account),
        cmocka_unit_test(what_is_no_account_is_refused_without_its_key),
        cmocka_unit_test(container_names_are_those_of_azure),
        cmocka_unit_test(blob_names_have_limits),
        cmocka_unit_test(blob_is_signed_for_an_end_point_without_tls),
        cmocka_unit_test(blob_is_signed_for_https_only_where_the_end_point_is),
        cmocka_unit_test(making_containers_is_signed_by_the_account),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
