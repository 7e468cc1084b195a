/*
 * File uploads and the notifications of them, with a storage account that the test plays.
 * Source: IoT Hub documentation, "Upload files with IoT Hub".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/coding.h"
#include "base/mem.h"
#include "hub/mail.h"
#include "hub/storage_account.h"
#include "iothub/json.h"

#define FILES         "/messages/serviceBound/filenotifications"
#define NOTIFICATIONS "/devices/d/files/notifications"

/* What was asked of the account last. */
static struct {
    struct storage_account account;
    uint64_t id;
    enum hub_storage_wish wish;
    char blob[2000];
    char container[100];
    int n_asked;
    int n_cancelled;
} storage;

static void on_storage(void *ctx, const struct hub_storage_request *request)
{
    (void)ctx;
    storage.id = request->id;
    storage.wish = request->wish;
    storage.n_asked++;
    (void)snprintf(storage.blob, sizeof(storage.blob), "%.*s", SLICE_ARG(request->blob));
    (void)snprintf(storage.container, sizeof(storage.container), "%.*s",
                   SLICE_ARG(request->container));
}

static void on_cancel(void *ctx, uint64_t id)
{
    (void)ctx;
    assert_int_equal(id, storage.id);
    storage.n_cancelled++;
}

static void connect_storage(struct fixture *f)
{
    static const struct hub_storage_link link = {.begin = on_storage, .cancel = on_cancel};
    hub_storage_connect(f->hub, &link);
}

/* The hub begins anew, now that the settings are there. */
static int begin_with(void **state, int (*begin)(void **state))
{
    struct buf error = {.cap = BUF_CAP_OWN};
    memset(&storage, 0, sizeof(storage));
    assert_true(
        storage_account_parse(SLICE("UseDevelopmentStorage=true"), &error, &storage.account));
    buf_finish(&error);
    int code = begin(state);
    struct fixture *f = *state;
    f->files = (struct hub_file_settings){
        .account = &storage.account,
        .container = "uploads",
        .upload_ttl_ms = HOUR_MS,
        .has_notifications = true,
        .notification_ttl_ms = 2 * HOUR_MS,
        .notification_lock_ms = 30 * SECOND_MS,
        .notification_deliveries = 3,
    };
    fixture_restart(f);
    connect_storage(f);
    make(f, "d");
    return code;
}

static int begin_memory(void **state)
{
    return begin_with(state, fixture_memory);
}

static int begin_disk(void **state)
{
    return begin_with(state, fixture_disk);
}

static int end(void **state)
{
    int code = fixture_end(state);
    storage_account_finish(&storage.account);
    return code;
}

/* ---- the account's side ---- */

static void answer(struct fixture *f, enum hub_storage_outcome outcome)
{
    const struct hub_storage_answer answered = {
        .outcome = outcome, .n_bytes = 1234, .modified_ms = START_MS + 5678};
    hub_turn(f->hub, clock_read(&f->clock));
    hub_storage_answer(f->hub, storage.id, &answered);
    fixture_turn(f);
}

/* ---- the device's side ---- */

static void post(struct fixture *f, struct pending *p, const char *id, const char *path,
                 const char *body)
{
    char *text = with_quotes(body);
    pending_begin(p, f,
                  &(struct ask){.method = "POST",
                                .path = path,
                                .body = text,
                                .query = "",
                                .token = own_token(f, id)});
    free(text);
}

static struct reply post_now(struct fixture *f, const char *path, const char *body)
{
    struct pending p;
    post(f, &p, "d", path, body);
    return pending_take(&p);
}

/* Ask for a place; the container is made if it has to be.  The answer is a new reference. */
static json_t *place(struct fixture *f, const char *name)
{
    struct pending p;
    char body[200];
    int n_asked = storage.n_asked;
    (void)snprintf(body, sizeof(body), "{'blobName':'%s'}", name);
    post(f, &p, "d", "/devices/d/files", body);
    if (storage.n_asked != n_asked) {
        assert_int_equal(storage.wish, HUB_STORAGE_MAKE_CONTAINER);
        answer(f, HUB_STORAGE_DONE);
    }
    struct reply reply = pending_take(&p);
    assert_int_equal(reply.status, 200);
    json_t *json = json_incref(reply.json);
    reply_end(&reply);
    return json;
}

/* The same; the correlation id, which the caller frees. */
static char *open_upload(struct fixture *f, const char *name)
{
    json_t *json = place(f, name);
    char *id = mem_dup_text(text_below(json, "correlationId"));
    json_decref(json);
    return id;
}

static char *end_body(const char *correlation_id, const char *success)
{
    struct buf body = {.cap = BUF_CAP_OWN};
    buf_putf(&body,
             "{'correlationId':'%s','isSuccess':%s,'statusCode':200,"
             "'statusDescription':'ok'}",
             correlation_id, success);
    return buf_take_text(&body);
}

static void say_end(struct fixture *f, struct pending *p, const char *correlation_id,
                    const char *success)
{
    char *body = end_body(correlation_id, success);
    post(f, p, "d", NOTIFICATIONS, body);
    free(body);
}

static void expect_empty(struct pending *p)
{
    struct reply reply = pending_take(p);
    assert_int_equal(reply.status, 204);
    assert_int_equal(reply.exchange.answer.body.len, 0);
    reply_end(&reply);
}

static void end_refused(struct fixture *f, enum iothub_status status,
                        const char *correlation_id, const char *success)
{
    struct pending p;
    say_end(f, &p, correlation_id, success);
    expect_error(pending_take(&p), status);
}

/* The whole of an upload. */
static void upload(struct fixture *f, const char *name)
{
    struct pending p;
    char *id = open_upload(f, name);
    say_end(f, &p, id, "true");
    answer(f, HUB_STORAGE_DONE);
    expect_empty(&p);
    free(id);
}

/* ---- the service's side ---- */

static struct reply next(struct fixture *f)
{
    return mail(f, &(struct mail){.method = "GET", .path = FILES});
}

static void assert_none(struct fixture *f)
{
    struct reply reply = next(f);
    assert_int_equal(reply.status, 204);
    reply_end(&reply);
}

/* The path of the notification that comes now; the caller frees it. */
static char *next_path(struct fixture *f, const char *blob_name, const char *delivery_count)
{
    struct buf path = {.cap = BUF_CAP_OWN};
    struct reply reply = next(f);
    assert_int_equal(reply.status, 200);
    assert_string_equal(text_below(reply.json, "blobName"), blob_name);
    assert_string_equal(reply_header(&reply, "iothub-deliverycount"), delivery_count);
    struct slice etag = slice_of(reply_header(&reply, "ETag"));
    buf_put_text(&path, FILES "/");
    buf_put_slice(&path, slice_make(etag.data + 1, etag.len - 2));
    reply_end(&reply);
    return buf_take_text(&path);
}

static void settle_path_take(struct fixture *f, char *path, bool is_abandoned)
{
    char text[200];
    (void)snprintf(text, sizeof(text), "%s%s", path, is_abandoned ? "/abandon" : "");
    mail_done(f, 204, &(struct mail){.method = is_abandoned ? "POST" : "DELETE", .path = text});
    free(path);
}

/* ---- a place ----------------------------------------------------------------------------- */

static void place_is_named_and_signed(void **state)
{
    struct fixture *f = *state;
    json_t *json = place(f, "dir/file.txt");
    assert_string_equal(storage.container, "uploads");
    assert_int_equal(json_object_size(json), 5);
    assert_string_equal(text_below(json, "hostName"), "127.0.0.1:10000/devstoreaccount1");
    assert_string_equal(text_below(json, "containerName"), "uploads");
    assert_string_equal(text_below(json, "blobName"), "d/dir/file.txt");
    const char *sas = text_below(json, "sasToken");
    assert_int_equal(strncmp(sas, "?sv=", 4), 0);
    assert_non_null(strstr(sas, "&sr=b&sig="));
    assert_non_null(strstr(sas, "&se=2026-03-02T13%3A00%3A00Z&sp=rw"));
    assert_true(strlen(text_below(json, "correlationId")) > 0);
    json_decref(json);
}

static void correlation_id_can_stand_in_a_path(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 10; i++) {
        char *id = open_upload(f, "a");
        assert_null(strchr(id, '/'));
        assert_null(strchr(id, '+'));
        free(id);
    }
}

static void container_is_made_once(void **state)
{
    struct fixture *f = *state;
    json_decref(place(f, "a"));
    json_decref(place(f, "b"));
    assert_int_equal(storage.n_asked, 1);
    /* After a device has failed, it may be that the container is gone. */
    struct pending p;
    char *id = open_upload(f, "c");
    say_end(f, &p, id, "false");
    expect_empty(&p);
    json_decref(place(f, "d"));
    assert_int_equal(storage.n_asked, 2);
    free(id);
}

static void hub_without_an_account_says_so(void **state)
{
    struct fixture *f = *state;
    f->files.account = NULL;
    fixture_restart(f);
    make(f, "e");
    struct pending p;
    post(f, &p, "e", "/devices/e/files", "{'blobName':'a'}");
    expect_error(pending_take(&p), IOTHUB_DEFAULT_STORAGE_ENDPOINT_NOT_CONFIGURED);
    post(f, &p, "e", "/devices/e/files/notifications",
         "{'correlationId':'x','isSuccess':true}");
    expect_error(pending_take(&p), IOTHUB_DEFAULT_STORAGE_ENDPOINT_NOT_CONFIGURED);
}

static void names_that_are_none_are_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const missing[] = {"{}", "{'blobName':''}", "{'blobName':7}", "[]"};
    static const char *const bad[] = {"{'blobName':'../e'}", "{'blobName':'a/./b'}",
                                      "{'blobName':'a\\u0001'}"};
    char body[1100] = "{'blobName':'";
    for (size_t i = 0; i < ARRAY_LEN(missing); i++) {
        expect_error(post_now(f, "/devices/d/files", missing[i]), IOTHUB_ARGUMENT_NULL);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        expect_error(post_now(f, "/devices/d/files", bad[i]), IOTHUB_ARGUMENT_INVALID);
    }
    size_t len = strlen(body);
    memset(body + len, 'a', 1023); /* with "d/" one too many */
    memcpy(body + len + 1023, "'}", 3);
    expect_error(post_now(f, "/devices/d/files", body), IOTHUB_ARGUMENT_INVALID);
    assert_int_equal(storage.n_asked, 0);
}

static void eleventh_upload_is_one_too_many(void **state)
{
    struct fixture *f = *state;
    char *ids[10];
    for (int i = 0; i < 10; i++) {
        ids[i] = open_upload(f, "a");
    }
    expect_error(post_now(f, "/devices/d/files", "{'blobName':'a'}"),
                 IOTHUB_DEVICE_MAXIMUM_ACTIVE_FILE_UPLOAD_LIMIT_EXCEEDED);
    make(f, "e");
    struct pending p;
    post(f, &p, "e", "/devices/e/files", "{'blobName':'a'}");
    struct reply reply = pending_take(&p);
    assert_int_equal(reply.status, 200); /* each device has its own */
    reply_end(&reply);
    say_end(f, &p, ids[3], "false");
    expect_empty(&p);
    json_decref(place(f, "a"));
    for (int i = 0; i < 10; i++) {
        free(ids[i]);
    }
}

static void expired_uploads_make_room(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 10; i++) {
        json_decref(place(f, "a"));
    }
    fixture_pass(f, HOUR_MS);
    json_decref(place(f, "a"));
}

static void requests_that_wait_for_the_container_count(void **state)
{
    struct fixture *f = *state;
    struct pending p[10];
    for (int i = 0; i < 10; i++) {
        post(f, &p[i], "d", "/devices/d/files", "{'blobName':'a'}");
    }
    expect_error(post_now(f, "/devices/d/files", "{'blobName':'a'}"),
                 IOTHUB_DEVICE_MAXIMUM_ACTIVE_FILE_UPLOAD_LIMIT_EXCEEDED);
    for (int i = 0; i < 10; i++) {
        storage.id = (uint64_t)i + 1; /* numbers are given from 1 on */
        pending_drop(&p[i]);
    }
}

/* ---- an account that does not do what it should -------------------------------------------
 */

static void begin_fails(struct fixture *f, enum hub_storage_outcome outcome,
                        enum iothub_status status)
{
    struct pending p;
    post(f, &p, "d", "/devices/d/files", "{'blobName':'a'}");
    answer(f, outcome);
    expect_error(pending_take(&p), status);
}

static void account_that_fails_leaves_no_upload_open(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 11; i++) {
        begin_fails(f, HUB_STORAGE_UNREACHABLE, IOTHUB_SERVICE_UNAVAILABLE);
        begin_fails(f, HUB_STORAGE_REFUSED, IOTHUB_INVALID_STORAGE_ENDPOINT);
    }
    json_decref(place(f, "a"));
}

static void account_that_is_silent_is_not_waited_for_for_ever(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    post(f, &p, "d", "/devices/d/files", "{'blobName':'a'}");
    fixture_pass(f, STORAGE_TIMEOUT_S * SECOND_MS - 1);
    assert_false(p.exchange.is_done);
    fixture_pass(f, 1);
    expect_error(pending_take(&p), IOTHUB_GATEWAY_TIMEOUT);
    assert_int_equal(storage.n_cancelled, 1);
    answer(f, HUB_STORAGE_DONE); /* too late, and nothing */

    char *id = open_upload(f, "a");
    say_end(f, &p, id, "true");
    fixture_pass(f, STORAGE_TIMEOUT_S * SECOND_MS);
    expect_error(pending_take(&p), IOTHUB_GATEWAY_TIMEOUT);
    assert_int_equal(storage.n_cancelled, 2);
    say_end(f, &p, id, "true"); /* it is open still */
    answer(f, HUB_STORAGE_DONE);
    expect_empty(&p);
    free(id);
}

static void device_that_goes_away_is_not_waited_for(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    for (int i = 0; i < 11; i++) {
        post(f, &p, "d", "/devices/d/files", "{'blobName':'a'}");
        pending_drop(&p);
        assert_int_equal(storage.n_cancelled, i + 1);
    }
    json_decref(place(f, "a"));
}

static void requests_that_wait_have_a_limit(void **state)
{
    struct fixture *f = *state;
    struct pending *p = mem_array(LIMIT_STORAGE_WAITS, sizeof(*p));
    char path[100];
    char id[20];
    for (size_t i = 0; i < LIMIT_STORAGE_WAITS; i++) {
        (void)snprintf(id, sizeof(id), "w%zu", i / 10);
        (void)snprintf(path, sizeof(path), "/devices/%s/files", id);
        if (i % 10 == 0) {
            make(f, id);
        }
        post(f, &p[i], id, path, "{'blobName':'a'}");
        assert_false(p[i].exchange.is_done);
    }
    expect_error(post_now(f, "/devices/d/files", "{'blobName':'a'}"), IOTHUB_SERVER_BUSY);
    for (size_t i = 0; i < LIMIT_STORAGE_WAITS; i++) {
        storage.id = i + 1;
        pending_drop(&p[i]);
    }
    json_decref(place(f, "a"));
    free(p);
}

/* ---- the end of an upload ---------------------------------------------------------------- */

static void end_may_come_in_each_form_of_the_sdks(void **state)
{
    struct fixture *f = *state;
    static const char *const forms[] = {NOTIFICATIONS, NOTIFICATIONS "/"};
    struct pending p;
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        char *id = open_upload(f, "a");
        char *body = end_body(id, "true");
        post(f, &p, "d", forms[i], body);
        assert_int_equal(storage.wish, HUB_STORAGE_LOOK_AT_BLOB);
        assert_string_equal(storage.blob, "d/a");
        answer(f, HUB_STORAGE_DONE);
        expect_empty(&p);
        free(body);
        free(id);
    }
    /* In the path, encoded as the Node SDK does it. */
    struct buf path = {.cap = BUF_CAP_OWN};
    char *id = open_upload(f, "a");
    buf_put_text(&path, NOTIFICATIONS "/");
    percent_encode(&path, slice_of(id));
    assert_non_null(strstr(buf_text(&path), "%3D"));
    post(f, &p, "d", buf_text(&path), "{'isSuccess':true,'statusCode':201}");
    answer(f, HUB_STORAGE_DONE);
    expect_empty(&p);
    buf_finish(&path);
    free(id);
}

static void unknown_upload_has_no_end(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    end_refused(f, IOTHUB_INVALID_FILE_UPLOAD_CORRELATION_ID, "nonsense", "true");
    end_refused(f, IOTHUB_INVALID_FILE_UPLOAD_CORRELATION_ID, "nonsense", "false");
    expect_error(post_now(f, NOTIFICATIONS, "{'isSuccess':true}"),
                 IOTHUB_INVALID_FILE_UPLOAD_CORRELATION_ID);
    char *id = open_upload(f, "a");
    make(f, "e");
    char *body = end_body(id, "true");
    post(f, &p, "e", "/devices/e/files/notifications", body);
    expect_error(pending_take(&p), IOTHUB_INVALID_FILE_UPLOAD_CORRELATION_ID);
    say_end(f, &p, id, "false");
    expect_empty(&p);
    end_refused(f, IOTHUB_INVALID_FILE_UPLOAD_CORRELATION_ID, id, "true"); /* it is over */
    free(body);
    free(id);
}

static void end_says_how_it_went(void **state)
{
    struct fixture *f = *state;
    char *id = open_upload(f, "a");
    end_refused(f, IOTHUB_INVALID_FILE_UPLOAD_COMPLETION_STATUS, id, "'yes'");
    end_refused(f, IOTHUB_INVALID_FILE_UPLOAD_COMPLETION_STATUS, id, "null");
    expect_error(post_now(f, NOTIFICATIONS, "{}"),
                 IOTHUB_INVALID_FILE_UPLOAD_COMPLETION_STATUS);
    free(id);
}

static void end_that_comes_too_late_is_told_so(void **state)
{
    struct fixture *f = *state;
    char *id = open_upload(f, "a");
    fixture_pass(f, HOUR_MS);
    end_refused(f, IOTHUB_EXPIRED_FILE_UPLOAD_CORRELATION_ID, id, "true");
    fixture_pass(f, HOUR_MS + MINUTE_MS);
    end_refused(f, IOTHUB_INVALID_FILE_UPLOAD_CORRELATION_ID, id, "true");
    free(id);
}

static void blob_that_is_not_there_leaves_the_upload_open(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    char *id = open_upload(f, "a");
    say_end(f, &p, id, "true");
    answer(f, HUB_STORAGE_MISSING);
    expect_error(pending_take(&p), IOTHUB_INVALID_STORAGE_ENDPOINT_OR_BLOB);
    assert_none(f);
    say_end(f, &p, id, "true");
    answer(f, HUB_STORAGE_DONE);
    expect_empty(&p);
    free(id);
}

static void end_that_is_said_twice_is_told_once(void **state)
{
    struct fixture *f = *state;
    struct pending first;
    struct pending second;
    char *id = open_upload(f, "a");
    say_end(f, &first, id, "true");
    uint64_t first_id = storage.id;
    say_end(f, &second, id, "true");
    answer(f, HUB_STORAGE_DONE);
    expect_empty(&second);
    storage.id = first_id;
    answer(f, HUB_STORAGE_DONE);
    expect_error(pending_take(&first), IOTHUB_INVALID_FILE_UPLOAD_CORRELATION_ID);
    settle_path_take(f, next_path(f, "d/a", "0"), false);
    assert_none(f);
    free(id);
}

static void open_upload_outlasts_a_restart(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    char *id = open_upload(f, "a");
    fixture_kill(f);
    connect_storage(f);
    say_end(f, &p, id, "true");
    assert_string_equal(storage.blob, "d/a");
    answer(f, HUB_STORAGE_DONE);
    expect_empty(&p);
    fixture_kill(f);
    connect_storage(f);
    settle_path_take(f, next_path(f, "d/a", "0"), false);
    free(id);
}

static void device_takes_its_uploads_along(void **state)
{
    struct fixture *f = *state;
    char *id = open_upload(f, "a");
    upload(f, "b");
    rest_done(f, 204, "DELETE", "/devices/d", NULL);
    make(f, "d");
    end_refused(f, IOTHUB_INVALID_FILE_UPLOAD_CORRELATION_ID, id, "true");
    settle_path_take(f, next_path(f, "d/b", "0"), false); /* the blob is there all the same */
    free(id);
}

static void device_that_is_removed_meanwhile_gets_no_place(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    post(f, &p, "d", "/devices/d/files", "{'blobName':'a'}");
    uint64_t waiting = storage.id;
    rest_done(f, 204, "DELETE", "/devices/d", NULL);
    storage.id = waiting;
    answer(f, HUB_STORAGE_DONE);
    expect_error(pending_take(&p), IOTHUB_DEVICE_NOT_FOUND);
}

/* ---- notifications ------------------------------------------------------------------------
 */

static void notification_says_what_was_uploaded(void **state)
{
    struct fixture *f = *state;
    upload(f, "dir/a b.txt");
    struct reply reply = next(f);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.exchange.answer.content_type,
                        "application/vnd.microsoft.iothub.filenotification.json");
    assert_json(reply.json,
                "{'deviceId':'d',"
                "'blobUri':'http://127.0.0.1:10000/devstoreaccount1/uploads/d/dir/a%20b.txt',"
                "'blobName':'d/dir/a b.txt','lastUpdatedTime':'2026-03-02T12:00:05+00:00',"
                "'blobSizeInBytes':1234,'enqueuedTimeUtc':'2026-03-02T12:00:00.0000000Z'}");
    assert_string_equal(reply_header(&reply, "iothub-enqueuedtime"),
                        "2026-03-02T12:00:00.0000000Z");
    reply_end(&reply);
}

static void failed_upload_is_not_told(void **state)
{
    struct fixture *f = *state;
    struct pending p;
    char *id = open_upload(f, "a");
    say_end(f, &p, id, "false");
    expect_empty(&p);
    assert_none(f);
    free(id);
}

static void notifications_can_be_off(void **state)
{
    struct fixture *f = *state;
    f->files.has_notifications = false;
    fixture_restart(f);
    connect_storage(f);
    make(f, "d");
    upload(f, "a");
    assert_none(f);
}

static void notifications_come_one_by_one_in_their_order(void **state)
{
    struct fixture *f = *state;
    upload(f, "a");
    upload(f, "b");
    char *first = next_path(f, "d/a", "0");
    char *second = next_path(f, "d/b", "0");
    assert_none(f);
    settle_path_take(f, first, false);
    settle_path_take(f, second, false);
    assert_none(f);
}

static void notification_that_is_given_back_comes_again(void **state)
{
    struct fixture *f = *state;
    upload(f, "a");
    settle_path_take(f, next_path(f, "d/a", "0"), true);
    settle_path_take(f, next_path(f, "d/a", "1"), true);
    settle_path_take(f, next_path(f, "d/a", "2"), true);
    assert_none(f); /* three times are enough */
}

static void lock_of_a_notification_ends(void **state)
{
    struct fixture *f = *state;
    upload(f, "a");
    char *lost = next_path(f, "d/a", "0");
    fixture_pass(f, 30 * SECOND_MS - 1);
    assert_none(f);
    fixture_pass(f, 1);
    char *path = next_path(f, "d/a", "0");
    mail_error(f, IOTHUB_DEVICE_MESSAGE_LOCK_LOST,
               &(struct mail){.method = "DELETE", .path = lost});
    settle_path_take(f, path, false);
    free(lost);
}

static void notification_expires(void **state)
{
    struct fixture *f = *state;
    upload(f, "a");
    fixture_pass(f, 2 * HOUR_MS - MINUTE_MS);
    settle_path_take(f, next_path(f, "d/a", "0"), true);
    fixture_pass(f, 2 * MINUTE_MS);
    assert_none(f);
}

static void documented_name_of_the_queue_is_good_too(void **state)
{
    struct fixture *f = *state;
    upload(f, "a");
    struct reply reply =
        mail(f, &(struct mail){.method = "GET",
                               .path = "/messages/servicebound/fileuploadnotifications"});
    assert_int_equal(reply.status, 200);
    reply_end(&reply);
    assert_none(f); /* it is the same queue */
}

static void feedback_is_another_queue(void **state)
{
    struct fixture *f = *state;
    upload(f, "a");
    fixture_pass(f, FEEDBACK_BATCH_S * SECOND_MS);
    assert_null(take_feedback(f));
    char *path = next_path(f, "d/a", "0");
    char other[200];
    (void)snprintf(other, sizeof(other), "/messages/serviceBound/feedback/%s",
                   path + sizeof(FILES));
    mail_error(f, IOTHUB_DEVICE_MESSAGE_LOCK_LOST,
               &(struct mail){.method = "DELETE", .path = other});
    settle_path_take(f, path, false);
}

#define MEMORY(test) cmocka_unit_test_setup_teardown(test, begin_memory, end)
#define DISK(test)   cmocka_unit_test_setup_teardown(test, begin_disk, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MEMORY(place_is_named_and_signed),
        MEMORY(correlation_id_can_stand_in_a_path),
        MEMORY(container_is_made_once),
        MEMORY(hub_without_an_account_says_so),
        MEMORY(names_that_are_none_are_refused),
        MEMORY(eleventh_upload_is_one_too_many),
        MEMORY(expired_uploads_make_room),
        MEMORY(requests_that_wait_for_the_container_count),
        MEMORY(account_that_fails_leaves_no_upload_open),
        MEMORY(account_that_is_silent_is_not_waited_for_for_ever),
        MEMORY(device_that_goes_away_is_not_waited_for),
        MEMORY(requests_that_wait_have_a_limit),
        MEMORY(end_may_come_in_each_form_of_the_sdks),
        MEMORY(unknown_upload_has_no_end),
        MEMORY(end_says_how_it_went),
        MEMORY(end_that_comes_too_late_is_told_so),
        MEMORY(blob_that_is_not_there_leaves_the_upload_open),
        MEMORY(end_that_is_said_twice_is_told_once),
        DISK(open_upload_outlasts_a_restart),
        MEMORY(device_takes_its_uploads_along),
        MEMORY(device_that_is_removed_meanwhile_gets_no_place),
        MEMORY(notification_says_what_was_uploaded),
        MEMORY(failed_upload_is_not_told),
        MEMORY(notifications_can_be_off),
        MEMORY(notifications_come_one_by_one_in_their_order),
        MEMORY(notification_that_is_given_back_comes_again),
        MEMORY(lock_of_a_notification_ends),
        MEMORY(notification_expires),
        MEMORY(documented_name_of_the_queue_is_good_too),
        MEMORY(feedback_is_another_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
