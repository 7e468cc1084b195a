/*
 * iothub-service verb by verb: many identities at once, keys, counts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/macros.h"
#include "unit/service/verb_fixture.h"

#define DONE "{\"isSuccessful\":true,\"errors\":[],\"warnings\":[]}"

static void run_with(struct fixture *f, const char *input, const char *const *arguments)
{
    program_run(&f->run, f->hub, input, arguments);
}

#define RUN_WITH(f, input, ...) run_with(f, input, (const char *const[]){__VA_ARGS__, NULL})

static void import_sends_items_with_their_mode(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, DONE), REPLY(200, DONE));
    RUN_WITH(f,
             "{\"id\":\"a\",\"tags\":{\"n\":1.50}}\n{\"id\":\"b\",\"importMode\":\"delete\"}\n",
             "device", "import", "-");
    program_expect_code(&f->run, 0);
    expect_request(f, 0, "POST", "/devices" VERSION,
                   "[{\"importMode\":\"createOrUpdate\",\"id\":\"a\",\"tags\":{\"n\":1.50}},"
                   "{\"importMode\":\"delete\",\"id\":\"b\"}]");
    assert_string_equal(f->run.out, "2 done, 0 failed, 0 with a warning\n");
    assert_string_equal(f->run.err, "");
    RUN_WITH(f, "[{\"id\":\"a\"}]", "device", "import", "-", "--mode", "create");
    program_expect_code(&f->run, 0);
    expect_request(f, 1, "POST", "/devices" VERSION,
                   "[{\"importMode\":\"create\",\"id\":\"a\"}]");
}

static size_t count(const char *text, const char *part)
{
    size_t n = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part)) {
        n++;
    }
    return n;
}

static void import_sends_a_hundred_at_a_time(void **state)
{
    struct fixture *f = *state;
    struct buf lines;
    SCRIPT(f, REPLY(200, DONE), REPLY(200, DONE), REPLY(200, DONE));
    buf_init(&lines, BUF_CAP_OWN);
    for (int i = 0; i < 201; i++) {
        buf_putf(&lines, "{\"id\":\"d-%d\"}\n", i);
    }
    RUN_WITH(f, buf_text(&lines), "device", "import", "-");
    program_expect_code(&f->run, 0);
    assert_int_equal(count(fake_hub_request(f->hub, 0)->body, "\"id\""), 100);
    assert_int_equal(count(fake_hub_request(f->hub, 1)->body, "\"id\""), 100);
    assert_int_equal(count(fake_hub_request(f->hub, 2)->body, "\"id\""), 1);
    assert_string_equal(f->run.out, "201 done, 0 failed, 0 with a warning\n");
    buf_finish(&lines);
}

static void import_keeps_requests_below_the_hubs_limit(void **state)
{
    struct fixture *f = *state;
    struct buf lines;
    SCRIPT(f, REPLY(200, DONE), REPLY(200, DONE));
    buf_init(&lines, BUF_CAP_OWN);
    for (int i = 0; i < 20; i++) {
        buf_putf(&lines, "{\"id\":\"d-%d\",\"tags\":{\"x\":\"%030000d\"}}\n", i, i);
    }
    RUN_WITH(f, buf_text(&lines), "device", "import", "-");
    program_expect_code(&f->run, 0);
    assert_int_equal(fake_hub_n_requests(f->hub), 2);
    assert_true(strlen(fake_hub_request(f->hub, 0)->body) <= (size_t)512 * 1024 + 100);
    buf_finish(&lines);
}

#define PARTLY \
    "{\"isSuccessful\":false,\"errors\":[{\"deviceId\":\"a\",\"errorCode\":" \
    "\"DeviceAlreadyExists\",\"errorStatus\":\"it is there\"}],\"warnings\":[{\"deviceId\":" \
    "\"b\",\"warningCode\":\"DeviceRegisteredWithoutTwin\"}]}"

static void import_lists_what_failed(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(400, PARTLY), REPLY(400, PARTLY));
    RUN_WITH(f, "{\"id\":\"a\"}\n{\"id\":\"b\"}", "device", "import", "-");
    program_expect_code(&f->run, 1);
    assert_string_equal(f->run.out, "DEVICEID  MODULEID  ERROR                ERRORTEXT\n"
                                    "a         -         DeviceAlreadyExists  it is there\n"
                                    "1 done, 1 failed, 1 with a warning\n");
    RUN_WITH(f, "{\"id\":\"a\"}\n{\"id\":\"b\"}", "device", "import", "-", "-o", "json");
    program_expect_code(&f->run, 1);
    program_expect_part(f->run.out,
                        "\"isSuccessful\": false,\n  \"items\": 2,\n  \"failed\": 1,");
}

static void import_that_breaks_off_tells_what_is_left(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, {.status = 401, .headers = {"iothub-errorcode: IotHubUnauthorizedAccess"}});
    RUN_WITH(f, "{\"id\":\"a\"}\n{\"id\":\"b\"}", "device", "import", "-");
    program_expect_code(&f->run, 1);
    program_expect_part(f->run.err, "IotHubUnauthorizedAccess");
    program_expect_part(f->run.err, "items not sent, or not known to be done: 2\n");
}

static void import_looks_at_the_whole_file_first(void **state)
{
    struct fixture *f = *state;
    RUN_WITH(f, "{\"id\":\"a\"}\n{\"id\":\n", "device", "import", "-");
    program_expect_code(&f->run, 2);
    program_expect_part(f->run.err, "-: line 2 is no JSON object");
    RUN(&f->run, f->hub, "device", "import", "/no/such/file");
    program_expect_code(&f->run, 1);
    assert_int_equal(fake_hub_n_requests(f->hub), 0);
}

#define IDENTITY \
    "{\"deviceId\":\"a\",\"etag\":\"MQ==\",\"authentication\":{\"type\":\"sas\"," \
    "\"symmetricKey\":{" \
    "\"primaryKey\":\"cHJp\",\"secondaryKey\":\"c2Vj\"}}}"
#define TWIN_A \
    "{\"deviceId\":\"a\",\"etag\":\"AAA=\",\"deviceEtag\":\"MQ==\",\"status\":\"enabled\"," \
    "\"authenticationType\":\"sas\",\"tags\":{\"n\":1.50},\"properties\":{\"desired\":{}}}"
#define TWIN_B \
    "{\"deviceId\":\"b\",\"etag\":\"BBB=\",\"deviceEtag\":\"Mg==\",\"status\":\"disabled\"," \
    "\"authenticationType\":\"selfSigned\",\"x509Thumbprint\":{\"primaryThumbprint\":\"AB\"}}"

static void export_joins_identities_and_twins(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, "[" IDENTITY "]"), REPLY(200, "[" TWIN_A "," TWIN_B "]"),
           REPLY(404, "{\"Message\":\"ErrorCode:DeviceNotFound;b\"}"));
    RUN(&f->run, f->hub, "device", "export");
    program_expect_code(&f->run, 0);
    expect_request(f, 0, "GET", "/devices" VERSION "&top=1000", "");
    expect_request(f, 1, "POST", "/devices/query" VERSION,
                   "{\"query\":\"SELECT * FROM devices\"}");
    /* b is not listed, and gone when it is asked for. */
    expect_request(f, 2, "GET", "/devices/b" VERSION, "");
    assert_string_equal(f->run.out,
                        "{\"id\":\"a\",\"eTag\":\"MQ==\",\"authentication\":{\"type\":\"sas\","
                        "\"symmetricKey\":{\"primaryKey\":\"cHJp\",\"secondaryKey\":\"c2Vj\"}},"
                        "\"status\":\"enabled\",\"twinETag\":\"AAA=\",\"tags\":{\"n\":1.50},"
                        "\"properties\":{\"desired\":{}}}\n");
}

static void export_without_keys_asks_for_twins_alone(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, "[" TWIN_A "," TWIN_B "]"));
    RUN(&f->run, f->hub, "device", "export", "-", "--exclude-keys", "--query", "tags.n > 1",
        "-o", "json");
    program_expect_code(&f->run, 0);
    expect_request(f, 0, "POST", "/devices/query" VERSION,
                   "{\"query\":\"SELECT * FROM devices WHERE tags.n > 1\"}");
    assert_string_equal(
        f->run.out, "[{\"id\":\"a\",\"eTag\":\"MQ==\",\"authentication\":{\"type\":\"sas\"},"
                    "\"status\":\"enabled\",\"twinETag\":\"AAA=\",\"tags\":{\"n\":1.50},"
                    "\"properties\":{\"desired\":{}}},\n"
                    "{\"id\":\"b\",\"eTag\":\"Mg==\",\"authentication\":{\"type\":"
                    "\"selfSigned\",\"x509Thumbprint\":{\"primaryThumbprint\":\"AB\"}},"
                    "\"status\":\"disabled\",\"twinETag\":\"BBB=\"}]\n");
}

static void export_writes_modules_with_their_keys(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(200, "[]"), REPLY(200, "[]"),
           REPLY(200, "[{\"deviceId\":\"a\",\"moduleId\":\"m\",\"etag\":\"CCC=\"}]"),
           REPLY(200, "{\"deviceId\":\"a\",\"moduleId\":\"m\",\"etag\":\"Mw==\",\"managedBy\":"
                      "\"me\",\"authentication\":{\"type\":\"sas\"}}"));
    RUN(&f->run, f->hub, "device", "export", "--modules");
    program_expect_code(&f->run, 0);
    expect_request(f, 3, "GET", "/devices/a/modules/m" VERSION, "");
    assert_string_equal(
        f->run.out, "{\"id\":\"a\",\"moduleId\":\"m\",\"eTag\":\"Mw==\",\"managedBy\":\"me\","
                    "\"authentication\":{\"type\":\"sas\"},\"twinETag\":\"CCC=\"}\n");
    RUN(&f->run, f->hub, "device", "export", "--modules", "--query", "*");
    program_expect_code(&f->run, 2);
}

static void export_file_is_its_owners_alone(void **state)
{
    struct fixture *f = *state;
    char folder[] = "/tmp/iothub-export-XXXXXX";
    char path[64];
    struct stat info;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/devices.txt", folder);
    SCRIPT(f, REPLY(200, "[" IDENTITY "]"), REPLY(200, "[" TWIN_A "]"), REPLY(200, DONE));
    RUN(&f->run, f->hub, "device", "export", path);
    program_expect_code(&f->run, 0);
    assert_string_equal(f->run.out, "");
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    /* And it can be imported. */
    RUN(&f->run, f->hub, "device", "import", path);
    program_expect_code(&f->run, 0);
    program_expect_part(fake_hub_request(f->hub, 2)->body, "\"primaryKey\":\"cHJp\"");
    (void)unlink(path);
    (void)rmdir(folder);
}

static void keys_are_regenerated_and_shown_only_as_json(void **state)
{
    struct fixture *f = *state;
    static const char rotated[] =
        "{\"policyKey\":\"both\",\"rotatedKeys\":[{\"id\":\"a\",\"moduleId\":\"m\","
        "\"primaryKey\":\"bmV3\",\"secondaryKey\":\"bmV4\"}],\"errors\":[]}";
    SCRIPT(f, REPLY(200, rotated), REPLY(200, rotated));
    RUN(&f->run, f->hub, "keys", "regenerate", "a", "b", "--module", "m", "--key", "both");
    program_expect_code(&f->run, 0);
    expect_request(f, 0, "POST", "/devices/keys/regenerate?api-version=2024-03-31",
                   "{\"policyKey\":\"both\",\"devices\":[{\"id\":\"a\",\"moduleId\":\"m\"},"
                   "{\"id\":\"b\",\"moduleId\":\"m\"}]}");
    assert_string_equal(f->run.out, "DEVICEID  MODULEID\na         m\n");
    RUN(&f->run, f->hub, "keys", "regenerate", "a", "-o", "json");
    program_expect_code(&f->run, 0);
    expect_request(f, 1, "POST", "/devices/keys/regenerate?api-version=2024-03-31",
                   "{\"policyKey\":\"primaryKey\",\"devices\":[{\"id\":\"a\"}]}");
    program_expect_part(f->run.out, "\"primaryKey\": \"bmV3\"");
}

static void keys_that_were_not_regenerated_are_a_failure(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, REPLY(207, "{\"rotatedKeys\":[{\"id\":\"a\"}],\"errors\":[{\"id\":\"b\","
                         "\"errorCode\":\"DeviceNotFound\",\"errorStatus\":\"none\"}]}"));
    RUN(&f->run, f->hub, "keys", "regenerate", "a", "b");
    program_expect_code(&f->run, 1);
    program_expect_part(f->run.err, "1 failed, the first being b: DeviceNotFound none");
    assert_string_equal(f->run.out, "DEVICEID  MODULEID\na         -\n");
}

static void statistics_join_both_counts(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f,
           REPLY(200, "{\"totalDeviceCount\":3,\"enabledDeviceCount\":2,"
                      "\"disabledDeviceCount\":1}"),
           REPLY(200, "{\"connectedDeviceCount\":1}"));
    RUN(&f->run, f->hub, "statistics");
    program_expect_code(&f->run, 0);
    assert_string_equal(f->run.out, "devices    3\nenabled    2\ndisabled   1\nconnected  1\n");
}

static void module_update_writes_back_under_the_etag_it_read(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f,
           REPLY(200, "{\"moduleId\":\"m\",\"deviceId\":\"d\",\"etag\":\"MQ==\","
                      "\"authentication\":{\"type\":\"sas\"}}"),
           REPLY(200, "{\"moduleId\":\"m\"}"));
    RUN(&f->run, f->hub, "module", "update", "d", "m", "--managed-by", "me", "--primary-key",
        "cHJp");
    program_expect_code(&f->run, 0);
    expect_request(
        f, 1, "PUT", "/devices/d/modules/m" VERSION,
        "{\"moduleId\":\"m\",\"deviceId\":\"d\",\"etag\":\"MQ==\",\"authentication\":{"
        "\"type\":\"sas\",\"symmetricKey\":{\"primaryKey\":\"cHJp\"}},\"managedBy\":"
        "\"me\"}");
    expect_header(f, 1, "If-Match", "\"MQ==\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(import_sends_items_with_their_mode),
        TEST(import_sends_a_hundred_at_a_time),
        TEST(import_keeps_requests_below_the_hubs_limit),
        TEST(import_lists_what_failed),
        TEST(import_that_breaks_off_tells_what_is_left),
        TEST(import_looks_at_the_whole_file_first),
        TEST(export_joins_identities_and_twins),
        TEST(export_without_keys_asks_for_twins_alone),
        TEST(export_writes_modules_with_their_keys),
        TEST(export_file_is_its_owners_alone),
        TEST(keys_are_regenerated_and_shown_only_as_json),
        TEST(keys_that_were_not_regenerated_are_a_failure),
        TEST(statistics_join_both_counts),
        TEST(module_update_writes_back_under_the_etag_it_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
