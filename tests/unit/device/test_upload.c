/*
 * Uploading files, against a hub and a storage account that the test scripts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/macros.h"
#include "device/src/blob.h"
#include "iothub/device.h"
#include "unit/service/fake_hub.h"

#define KEY     "MDEyMzQ1Njc4OWFiY2RlZg=="
#define DEVICE  "HostName=hub.example.net;DeviceId=d#1;SharedAccessKey=" KEY
#define VERSION "?api-version=2021-04-12"

struct fixture {
    struct fake_hub *hub;
    struct fake_hub *storage;
    struct buf place; /* the hub's answer to the first request */
    struct fake_answer hub_answers[4];
    struct iothub_device_options options;
    struct iothub_device_upload upload;
    struct iothub_device_error error;
    int64_t n_done;
    bool is_interrupted;
};

static bool is_interrupted(void *ctx)
{
    struct fixture *f = ctx;
    return f->is_interrupted;
}

static void on_progress(void *ctx, int64_t n_done, int64_t n_bytes)
{
    struct fixture *f = ctx;
    assert_true(n_done > f->n_done || n_bytes == 0);
    assert_true(n_done <= n_bytes);
    f->n_done = n_done;
}

/* `path` follows the host, `more` the signature. */
static void put_place_with(struct fixture *f, const char *host, int port, const char *path,
                           const char *more)
{
    buf_reset(&f->place);
    buf_putf(&f->place,
             "{\"correlationId\":\"MjAy=+/\",\"hostName\":\"%s:%d%s\",\"containerName\":"
             "\"uploads\",\"blobName\":\"d#1/a b/c.txt\",\"sasToken\":\"?sv=1&sig=a%%2Bb%s\"}",
             host, port, path, more);
    f->hub_answers[0] = (struct fake_answer){.status = 200, .body = buf_text(&f->place)};
    f->hub_answers[1] = (struct fake_answer){.status = 204};
    fake_hub_script(f->hub, f->hub_answers, 2);
}

static void put_place(struct fixture *f, const char *host, int port)
{
    put_place_with(f, host, port, "", "");
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    f->hub = fake_hub_start();
    f->storage = fake_hub_start();
    buf_init(&f->place, BUF_CAP_OWN);
    put_place(f, "127.0.0.1", fake_hub_port(f->storage));
    f->options = (struct iothub_device_options){.connection_string = DEVICE,
                                                .address = "127.0.0.1",
                                                .port = (uint16_t)fake_hub_port(f->hub),
                                                .is_plain = true,
                                                .backoff_min_ms = 1,
                                                .backoff_max_ms = 5};
    f->upload = (struct iothub_device_upload){.blob_name = "a b/c.txt",
                                              .data = "hello",
                                              .data_len = 5,
                                              .interrupted = is_interrupted,
                                              .progress = on_progress,
                                              .ctx = f};
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    fake_hub_stop(f->hub);
    fake_hub_stop(f->storage);
    buf_finish(&f->place);
    free(f);
    return 0;
}

static enum iothub_status run_upload(struct fixture *f)
{
    return iothub_device_upload(&f->options, &f->upload, &f->error);
}

static void expect_request(struct fake_hub *hub, size_t i, const char *method,
                           const char *target, const char *body)
{
    const struct fake_request *request = fake_hub_request(hub, i);
    assert_non_null(request);
    assert_string_equal(request->method, method);
    assert_string_equal(request->target, target);
    assert_string_equal(request->body, body);
}

#define BLOB "/uploads/d%231/a%20b/c.txt?sv=1&sig=a%2Bb"

static void file_goes_where_the_hub_says_and_the_hub_is_told(void **state)
{
    struct fixture *f = *state;
    static const struct fake_answer created[] = {{.status = 201}};
    fake_hub_script(f->storage, created, 1);
    f->upload.content_type = "text/plain";
    assert_int_equal(run_upload(f), IOTHUB_OK);
    assert_string_equal(f->error.text, "");
    expect_request(f->hub, 0, "POST", "/devices/d%231/files" VERSION,
                   "{\"blobName\":\"a b/c.txt\"}");
    const char *token = fake_request_header(fake_hub_request(f->hub, 0), "Authorization");
    assert_non_null(strstr(token, "SharedAccessSignature sr=hub.example.net%2Fdevices%2F"));
    expect_request(f->storage, 0, "PUT", BLOB, "hello");
    const struct fake_request *put = fake_hub_request(f->storage, 0);
    assert_string_equal(fake_request_header(put, "x-ms-blob-type"), "BlockBlob");
    assert_string_equal(fake_request_header(put, "x-ms-blob-content-type"), "text/plain");
    assert_null(fake_request_header(put, "Authorization"));
    expect_request(f->hub, 1, "POST", "/devices/d%231/files/notifications" VERSION,
                   "{\"correlationId\":\"MjAy=+/\",\"isSuccess\":true,\"statusCode\":201,"
                   "\"statusDescription\":\"Created\"}");
    assert_int_equal(f->n_done, 5);
}

/* As storage emulators have it, whose account's name is no part of the host's. */
static void account_may_stand_behind_the_host(void **state)
{
    struct fixture *f = *state;
    static const struct fake_answer created[] = {{.status = 201}};
    fake_hub_script(f->storage, created, 1);
    put_place_with(f, "127.0.0.1", fake_hub_port(f->storage), "/devstoreaccount1", "&se=1");
    assert_int_equal(run_upload(f), IOTHUB_OK);
    expect_request(f->storage, 0, "PUT", "/devstoreaccount1" BLOB "&se=1", "hello");
}

static void signature_for_https_is_not_sent_in_plain(void **state)
{
    struct fixture *f = *state;
    put_place_with(f, "127.0.0.1", fake_hub_port(f->storage), "", "&spr=https");
    assert_int_equal(run_upload(f), IOTHUB_TLS_FAILED);
    assert_int_equal(fake_hub_n_requests(f->storage), 0);
    assert_non_null(strstr(fake_hub_request(f->hub, 1)->body, "\"isSuccess\":false"));
}

static void empty_file_is_uploaded_too(void **state)
{
    struct fixture *f = *state;
    static const struct fake_answer created[] = {{.status = 201}};
    fake_hub_script(f->storage, created, 1);
    f->upload.data = NULL;
    f->upload.data_len = 0;
    assert_int_equal(run_upload(f), IOTHUB_OK);
    expect_request(f->storage, 0, "PUT", BLOB, "");
    assert_string_equal(fake_request_header(fake_hub_request(f->storage, 0), "Content-Length"),
                        "0");
}

static void large_file_goes_in_blocks(void **state)
{
    struct fixture *f = *state;
    static const struct fake_answer created[] = {
        {.status = 201}, {.status = 503}, {.status = 201}, {.status = 201}, {.status = 201}};
    const size_t len = 2 * BLOB_BLOCK_BYTES + 3;
    char path[] = "/tmp/iothub-upload-XXXXXX";
    int fd = mkstemp(path);
    char *data = malloc(len);
    assert_true(fd >= 0);
    assert_non_null(data);
    memset(data, 'x', len);
    data[2 * BLOB_BLOCK_BYTES] = 'y';
    assert_int_equal(write(fd, data, len), len);
    (void)close(fd);
    free(data);
    fake_hub_script(f->storage, created, ARRAY_LEN(created));
    f->upload.path = path;
    f->upload.content_type = "text/plain";
    assert_int_equal(run_upload(f), IOTHUB_OK);
    (void)unlink(path);
    assert_int_equal(fake_hub_n_requests(f->storage), 5);
    const struct fake_request *first = fake_hub_request(f->storage, 0);
    assert_string_equal(first->target, BLOB "&comp=block&blockid=MDAwMDAwMDA%3D");
    assert_int_equal(strlen(first->body), BLOB_BLOCK_BYTES);
    assert_null(fake_request_header(first, "x-ms-blob-type"));
    assert_null(fake_request_header(first, "x-ms-blob-content-type"));
    const struct fake_request *list = fake_hub_request(f->storage, 4);
    assert_null(fake_request_header(list, "x-ms-blob-type"));
    assert_string_equal(fake_request_header(list, "x-ms-blob-content-type"), "text/plain");
    /* The second was refused for the moment and came again. */
    assert_string_equal(fake_hub_request(f->storage, 1)->target,
                        BLOB "&comp=block&blockid=MDAwMDAwMDE%3D");
    assert_string_equal(fake_hub_request(f->storage, 2)->target,
                        BLOB "&comp=block&blockid=MDAwMDAwMDE%3D");
    expect_request(f->storage, 3, "PUT", BLOB "&comp=block&blockid=MDAwMDAwMDI%3D", "yxx");
    expect_request(f->storage, 4, "PUT", BLOB "&comp=blocklist",
                   "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>"
                   "<Latest>MDAwMDAwMDA=</Latest><Latest>MDAwMDAwMDE=</Latest>"
                   "<Latest>MDAwMDAwMDI=</Latest></BlockList>");
    assert_int_equal(f->n_done, len);
}

static void hub_may_be_the_storage_itself(void **state)
{
    struct fixture *f = *state;
    put_place(f, "hub.example.net", fake_hub_port(f->hub));
    f->hub_answers[2] = f->hub_answers[1];
    f->hub_answers[1] = (struct fake_answer){.status = 201};
    fake_hub_script(f->hub, f->hub_answers, 3);
    assert_int_equal(run_upload(f), IOTHUB_OK);
    expect_request(f->hub, 1, "PUT", BLOB, "hello");
    assert_int_equal(fake_hub_n_requests(f->hub), 3);
    assert_int_equal(fake_hub_n_requests(f->storage), 0);
}

static void refusal_of_the_storage_is_told_to_both(void **state)
{
    struct fixture *f = *state;
    static const struct fake_answer refused[] = {
        {.status = 403,
         .body =
             "<?xml version=\"1.0\"?><Error><Code>AuthenticationFailed</Code><Message>Server "
             "failed\nRequestId:1</Message></Error>"}
    };
    fake_hub_script(f->storage, refused, 1);
    assert_int_equal(run_upload(f), IOTHUB_GENERIC_FORBIDDEN);
    assert_string_equal(f->error.text, "the storage account refused the file with HTTP status "
                                       "403: AuthenticationFailed: Server failed");
    expect_request(f->hub, 1, "POST", "/devices/d%231/files/notifications" VERSION,
                   "{\"correlationId\":\"MjAy=+/\",\"isSuccess\":false,\"statusCode\":403,"
                   "\"statusDescription\":\"the storage account refused the file with HTTP "
                   "status 403: AuthenticationFailed: Server failed\"}");
}

static void refusal_of_the_hub_ends_it(void **state)
{
    struct fixture *f = *state;
    static const struct fake_answer refused[] = {
        {.status = 403,
         .body = "{\"Message\":\"ErrorCode:DeviceMaximumActiveFileUploadLimitExceeded;ten are "
                 "open\"}"}
    };
    fake_hub_script(f->hub, refused, 1);
    assert_int_equal(run_upload(f), IOTHUB_DEVICE_MAXIMUM_ACTIVE_FILE_UPLOAD_LIMIT_EXCEEDED);
    assert_string_equal(f->error.text,
                        "DeviceMaximumActiveFileUploadLimitExceeded: ten are open");
    assert_int_equal(fake_hub_n_requests(f->hub), 1);
    assert_int_equal(fake_hub_n_requests(f->storage), 0);
}

static void outcome_is_not_told_twice_when_it_may_have_arrived(void **state)
{
    struct fixture *f = *state;
    static const struct fake_answer created[] = {{.status = 201}};
    fake_hub_script(f->storage, created, 1);
    f->hub_answers[1] = (struct fake_answer){.status = 429};
    f->hub_answers[2] = (struct fake_answer){.status = 500};
    fake_hub_script(f->hub, f->hub_answers, 3);
    assert_int_equal(run_upload(f), IOTHUB_SERVER_ERROR);
    assert_int_equal(fake_hub_n_requests(f->hub), 3);
}

static void answers_that_name_no_place_are_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"correlationId\":\"c\",\"hostName\":\"h\",\"containerName\":\"u\",\"blobName\":"
        "\"b\"}",
        "{\"correlationId\":\"c\",\"hostName\":\"/h\",\"containerName\":\"u\",\"blobName\":"
        "\"b\",\"sasToken\":\"?s\"}",
        "{\"correlationId\":\"c\",\"hostName\":\"a@h\",\"containerName\":\"u\",\"blobName\":"
        "\"b\",\"sasToken\":\"?s\"}",
        "{\"correlationId\":\"c\",\"hostName\":\"h\",\"containerName\":\"u\",\"blobName\":"
        "\"b\",\"sasToken\":\"s\"}"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        f->hub_answers[0] = (struct fake_answer){.status = 200, .body = bad[i]};
        fake_hub_script(f->hub, f->hub_answers, 1);
        assert_int_equal(run_upload(f), IOTHUB_UNEXPECTED_ANSWER);
    }
    assert_int_equal(fake_hub_n_requests(f->storage), 0);
}

static void what_makes_no_sense_is_refused_before_anything_is_sent(void **state)
{
    struct fixture *f = *state;
    f->upload.blob_name = "";
    assert_int_equal(run_upload(f), IOTHUB_BAD_ARGUMENT);
    f->upload.blob_name = "b";
    f->upload.path = "/no/such/file";
    assert_int_equal(run_upload(f), IOTHUB_BAD_ARGUMENT);
    assert_string_equal(f->error.text, "/no/such/file: No such file or directory");
    f->upload.path = "/tmp";
    assert_int_equal(run_upload(f), IOTHUB_BAD_ARGUMENT);
    f->upload.path = NULL;
    f->upload.content_type = "a\r\nb";
    assert_int_equal(run_upload(f), IOTHUB_BAD_ARGUMENT);
    f->upload.content_type = NULL;
    f->options.connection_string =
        "HostName=hub.example.net;DeviceId=d;ModuleId=m;SharedAccessKey=" KEY;
    assert_int_equal(run_upload(f), IOTHUB_BAD_ARGUMENT);
    assert_string_equal(f->error.text, "modules cannot upload files");
    f->options.connection_string = "nonsense";
    assert_int_equal(run_upload(f), IOTHUB_BAD_CONNECTION_STRING);
    assert_int_equal(fake_hub_n_requests(f->hub), 0);
}

static void hub_that_is_not_there_is_tried_and_told(void **state)
{
    struct fixture *f = *state;
    f->options.port = 1;
    assert_int_equal(run_upload(f), IOTHUB_CONNECTION_FAILED);
    assert_true(f->error.text[0] != '\0');
}

static void interrupt(void *ctx, const struct fake_request *request, struct fake_answer *answer)
{
    struct fixture *f = ctx;
    (void)request;
    f->is_interrupted = true;
    answer->manner = FAKE_SILENT;
}

static void interrupted_upload_is_told_to_the_hub(void **state)
{
    struct fixture *f = *state;
    fake_hub_handle(f->storage, interrupt, f);
    assert_int_equal(run_upload(f), IOTHUB_INTERRUPTED);
    assert_int_equal(fake_hub_n_requests(f->hub), 2);
    assert_non_null(strstr(fake_hub_request(f->hub, 1)->body, "\"isSuccess\":false"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(file_goes_where_the_hub_says_and_the_hub_is_told),
        TEST(account_may_stand_behind_the_host),
        TEST(signature_for_https_is_not_sent_in_plain),
        TEST(empty_file_is_uploaded_too),
        TEST(large_file_goes_in_blocks),
        TEST(hub_may_be_the_storage_itself),
        TEST(refusal_of_the_storage_is_told_to_both),
        TEST(refusal_of_the_hub_ends_it),
        TEST(outcome_is_not_told_twice_when_it_may_have_arrived),
        TEST(answers_that_name_no_place_are_refused),
        TEST(what_makes_no_sense_is_refused_before_anything_is_sent),
        TEST(hub_that_is_not_there_is_tried_and_told),
        TEST(interrupted_upload_is_told_to_the_hub),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
