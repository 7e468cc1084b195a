/*
 * File uploads: a place in the storage account for a device, and what became of it.
 *
 * What has to be asked of the account is waited for under a number; the upload itself is in the
 * store, so that a device may come back after a restart.
 * Source: IoT Hub documentation, "Upload files with IoT Hub".
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/coding.h"
#include "base/iso8601.h"
#include "base/mem.h"
#include "base/random.h"
#include "hub/core.h"
#include "hub/storage_account.h"
#include "hub/storage_sas.h"
#include "iothub/json.h"
#include "iothub/limits.h"
#include "store/uploads.h"

/* A request that waits for the storage account. */
struct file_wait {
    uint64_t id;
    enum hub_storage_wish wish;
    char *correlation_id;
    struct hub_timer timer;
    hub_file_done *done;
    void *ctx;
    UT_hash_handle hh;
};

/* ---- waiting ---- */

static struct file_wait *find_wait(struct hub *hub, uint64_t id)
{
    struct file_wait *wait = NULL;
    HASH_FIND(hh, hub->file_waits, &id, sizeof(id), wait);
    return wait;
}

static void free_wait(struct hub *hub, struct file_wait *wait)
{
    hub_clear_timer(hub, &wait->timer);
    free(wait->correlation_id);
    free(wait);
}

static void forget_wait(struct hub *hub, struct file_wait *wait)
{
    HASH_DEL(hub->file_waits, wait);
    free_wait(hub, wait);
}

void hub_files_finish(struct hub *hub)
{
    struct file_wait *wait = hub->file_waits;
    /* The table goes first: what it held is still a list. */
    HASH_CLEAR(hh, hub->file_waits);
    while (wait != NULL) {
        struct file_wait *next = wait->hh.next;
        free_wait(hub, wait);
        wait = next;
    }
}

/* Who calls back and the number of the request. */
struct caller {
    hub_file_done *done;
    void *ctx;
    uint64_t id;
};

static void tell(const struct caller *caller, enum iothub_status status, struct slice body,
                 const char *error_text)
{
    const struct hub_file_result result = {
        .status = status, .body = body, .error_text = error_text};
    caller->done(caller->ctx, &result);
}

static void tell_failure(const struct hub *hub, const struct caller *caller,
                         enum iothub_status status)
{
    char *text = mem_dup_text(hub_error_text(hub));
    tell(caller, status, SLICE(""), text);
    free(text);
}

/* An upload of which no device has learned. */
static void drop_upload(struct hub *hub, const char *correlation_id)
{
    struct store_upload upload;
    /* A failing write breaks the store; the turn's commit then ends the process. */
    if (store_upload_get(hub->store, slice_of(correlation_id), &upload) == 0 &&
        store_upload_delete(hub->store, upload.seq) != 0) {
        (void)hub_store_failed(hub);
    }
}

static void on_timeout(struct hub *hub, struct hub_timer *timer);

static void begin_wait(struct hub *hub, enum hub_storage_wish wish, const char *correlation_id,
                       const struct caller *caller, struct slice blob)
{
    struct file_wait *wait = mem_alloc(sizeof(*wait));
    const struct hub_storage_request request = {.id = caller->id,
                                                .wish = wish,
                                                .container = slice_of(hub->files.container),
                                                .blob = blob};
    wait->id = caller->id;
    wait->wish = wish;
    wait->correlation_id = mem_dup_text(correlation_id);
    wait->done = caller->done;
    wait->ctx = caller->ctx;
    wait->timer.fire = on_timeout;
    hub_set_timer(hub, &wait->timer, hub->now.now_ms + STORAGE_TIMEOUT_S * 1000LL);
    HASH_ADD(hh, hub->file_waits, id, sizeof(wait->id), wait);
    if (hub->storage.begin != NULL) {
        hub->storage.begin(hub->storage.ctx, &request);
    }
}

static enum iothub_status check_room(struct hub *hub)
{
    return HASH_COUNT(hub->file_waits) < LIMIT_STORAGE_WAITS
               ? IOTHUB_OK
               : hub_fail(hub, IOTHUB_SERVER_BUSY,
                          "Too many requests wait for the storage account.");
}

/* ---- a place ---- */

/* Opaque to clients, which have to encode it where it goes into a path. */
static void put_correlation_id(const struct hub *hub, struct buf *out)
{
    char time[ISO8601_MAX];
    char id[GUID_LEN + 1];
    char text[sizeof(time) + sizeof(id)];
    int len = snprintf(text, sizeof(text), "%s_%s", iso8601_format_seven(time, hub->now.at_ms),
                       random_guid(id));
    base64_encode(out, text, (size_t)len);
}

static void put_member(struct buf *out, const char *name, const struct buf *value)
{
    buf_putf(out, "\"%s\":", name);
    json_put_string(out, buf_slice(value));
}

static void put_place(struct hub *hub, struct slice correlation_id,
                      const struct store_upload *upload, struct buf *out)
{
    const struct storage_account *account = hub->files.account;
    struct slice container = slice_of(hub->files.container);
    struct buf host;
    struct buf sas;
    buf_init(&host, BUF_CAP_OWN);
    buf_init(&sas, BUF_CAP_OWN);
    storage_account_put_host(account, &host);
    storage_sas_put_blob(account, container, upload->blob_name, "rw", upload->expires_ms, &sas);
    buf_put_text(out, "{\"correlationId\":");
    json_put_string(out, correlation_id);
    buf_put_char(out, ',');
    put_member(out, "hostName", &host);
    buf_put_text(out, ",\"containerName\":");
    json_put_string(out, container);
    buf_put_text(out, ",\"blobName\":");
    json_put_string(out, upload->blob_name);
    buf_put_char(out, ',');
    put_member(out, "sasToken", &sas);
    buf_put_char(out, '}');
    buf_finish(&host);
    mem_free_secret(sas.data, sas.len);
}

static void tell_place(struct hub *hub, const char *correlation_id, const struct caller *caller)
{
    struct store_upload upload;
    struct buf body;
    int found = store_upload_get(hub->store, slice_of(correlation_id), &upload);
    if (found != 0) {
        enum iothub_status status =
            found == STORE_NO_ROW
                ? hub_fail(hub, IOTHUB_DEVICE_NOT_FOUND, "The device is gone.")
                : hub_store_failed(hub);
        tell_failure(hub, caller, status);
        return;
    }
    buf_init(&body, BUF_CAP_OWN);
    put_place(hub, slice_of(correlation_id), &upload, &body);
    tell(caller, IOTHUB_OK, buf_slice(&body), "");
    mem_free_secret(body.data, body.len);
}

static enum iothub_status check_open_uploads(struct hub *hub,
                                             const struct store_identity *device)
{
    int64_t n = 0;
    if (store_upload_count(hub->store, device->seq, hub->now.at_ms, &n) != 0) {
        return hub_store_failed(hub);
    }
    return n < LIMIT_UPLOADS_PER_DEVICE
               ? IOTHUB_OK
               : hub_fail(hub, IOTHUB_DEVICE_MAXIMUM_ACTIVE_FILE_UPLOAD_LIMIT_EXCEEDED,
                          "The device has %d uploads open already.", LIMIT_UPLOADS_PER_DEVICE);
}

/* "{deviceId}/{blobName}", into hub->scratch[0]. */
static enum iothub_status read_blob_name(struct hub *hub, struct slice device_id,
                                         const json_t *body)
{
    struct slice name = json_string_slice(json_get_nocase(body, "blobName"));
    struct buf *whole = &hub->scratch[0];
    buf_reset(whole);
    if (hub->files.account == NULL) {
        return hub_fail(hub, IOTHUB_DEFAULT_STORAGE_ENDPOINT_NOT_CONFIGURED,
                        "The hub has no storage account.");
    }
    if (name.len == 0) {
        return hub_fail(hub, IOTHUB_ARGUMENT_NULL, "blobName is missing.");
    }
    buf_put_slice(whole, device_id);
    buf_put_char(whole, '/');
    buf_put_slice(whole, name);
    return storage_blob_name_is_valid(buf_slice(whole))
               ? IOTHUB_OK
               : hub_fail(hub, IOTHUB_ARGUMENT_INVALID, "The blobName is not valid.");
}

static enum iothub_status open_upload(struct hub *hub, struct slice device_id,
                                      struct slice blob_name, struct slice correlation_id)
{
    struct store_identity device;
    enum iothub_status status = hub_find_identity(hub, identity_of_device(device_id), &device);
    if (status == IOTHUB_OK) {
        status = check_open_uploads(hub, &device);
    }
    if (status != IOTHUB_OK) {
        return status;
    }
    int64_t expires_ms = hub->now.at_ms + hub->files.upload_ttl_ms;
    const struct store_upload upload = {
        .identity_seq = device.seq,
        .correlation_id = correlation_id,
        .blob_name = blob_name,
        .expires_ms = expires_ms,
        .forgotten_ms = expires_ms + UPLOAD_REMEMBERED_S * 1000LL,
    };
    return store_upload_insert(hub->store, &upload) == 0 ? IOTHUB_OK : hub_store_failed(hub);
}

enum iothub_status hub_file_begin(struct hub *hub, struct slice device_id, const json_t *body,
                                  hub_file_done *done, void *ctx, uint64_t *out_id)
{
    struct buf *correlation_id = &hub->scratch[1];
    enum iothub_status status = read_blob_name(hub, device_id, body);
    if (status == IOTHUB_OK) {
        status = check_room(hub);
    }
    if (status == IOTHUB_OK) {
        buf_reset(correlation_id);
        put_correlation_id(hub, correlation_id);
        status =
            open_upload(hub, device_id, buf_slice(&hub->scratch[0]), buf_slice(correlation_id));
    }
    if (status != IOTHUB_OK) {
        return status;
    }
    const struct caller caller = {done, ctx, ++hub->last_file_wait};
    *out_id = caller.id;
    if (hub->has_container) {
        tell_place(hub, buf_text(correlation_id), &caller);
    } else {
        begin_wait(hub, HUB_STORAGE_MAKE_CONTAINER, buf_text(correlation_id), &caller,
                   SLICE(""));
    }
    return IOTHUB_OK;
}

/* ---- its end ---- */

/* The device's own upload that has that id. */
static enum iothub_status find_upload(struct hub *hub, int64_t identity_seq,
                                      struct slice correlation_id, struct store_upload *out)
{
    int found = store_upload_get(hub->store, correlation_id, out);
    if (found < 0) {
        return hub_store_failed(hub);
    }
    if (found != 0 || (identity_seq != 0 && out->identity_seq != identity_seq)) {
        return hub_fail(hub, IOTHUB_INVALID_FILE_UPLOAD_CORRELATION_ID,
                        "The correlationId is not that of an upload of the device.");
    }
    return out->expires_ms > hub->now.at_ms
               ? IOTHUB_OK
               : hub_fail(hub, IOTHUB_EXPIRED_FILE_UPLOAD_CORRELATION_ID,
                          "The upload has expired.");
}

static void put_notification(const struct hub *hub, struct slice blob_name,
                             const struct hub_storage_answer *blob, struct buf *out)
{
    char time[ISO8601_MAX];
    struct buf uri;
    int64_t modified_ms = blob->modified_ms - blob->modified_ms % 1000;
    buf_init(&uri, BUF_CAP_OWN);
    storage_account_put_uri(hub->files.account, slice_of(hub->files.container), blob_name,
                            &uri);
    buf_put_text(out, "{\"deviceId\":");
    json_put_string(out, slice_make(blob_name.data, slice_find(blob_name, '/')));
    buf_put_char(out, ',');
    put_member(out, "blobUri", &uri);
    buf_put_text(out, ",\"blobName\":");
    json_put_string(out, blob_name);
    /* The one time is written with an offset, the other with a Z: as the documentation has it.
     */
    struct slice last = slice_of(iso8601_format(time, modified_ms));
    buf_putf(out, ",\"lastUpdatedTime\":\"%.*s+00:00\",\"blobSizeInBytes\":%" PRId64,
             (int)last.len - 1, last.data, blob->n_bytes);
    buf_putf(out, ",\"enqueuedTimeUtc\":\"%s\"}", iso8601_format_seven(time, hub->now.at_ms));
    buf_finish(&uri);
}

struct completion {
    struct store_upload upload;
    const struct hub_storage_answer *blob;
};

static enum iothub_status close_upload(struct hub *hub, void *ctx)
{
    const struct completion *done = ctx;
    enum iothub_status status = IOTHUB_OK;
    if (hub->files.has_notifications) {
        struct buf body;
        buf_init(&body, BUF_CAP_OWN);
        put_notification(hub, done->upload.blob_name, done->blob, &body);
        status = hub_file_notification_record(hub, buf_slice(&body));
        buf_finish(&body);
    }
    if (status == IOTHUB_OK && store_upload_delete(hub->store, done->upload.seq) != 0) {
        status = hub_store_failed(hub);
    }
    return status;
}

/* The blob is there.  Two requests may have asked for it: the second finds no upload. */
static enum iothub_status complete(struct hub *hub, const char *correlation_id,
                                   const struct hub_storage_answer *blob)
{
    struct completion done = {.blob = blob};
    enum iothub_status status = find_upload(hub, 0, slice_of(correlation_id), &done.upload);
    return status == IOTHUB_OK ? hub_all_or_nothing(hub, close_upload, &done) : status;
}

static enum iothub_status read_end(struct hub *hub, struct slice device_id,
                                   struct slice correlation_id, const json_t *body,
                                   struct store_upload *out)
{
    struct store_identity device;
    if (hub->files.account == NULL) {
        return hub_fail(hub, IOTHUB_DEFAULT_STORAGE_ENDPOINT_NOT_CONFIGURED,
                        "The hub has no storage account.");
    }
    if (!json_is_boolean(json_get_nocase(body, "isSuccess"))) {
        return hub_fail(hub, IOTHUB_INVALID_FILE_UPLOAD_COMPLETION_STATUS,
                        "isSuccess has to be true or false.");
    }
    enum iothub_status status = hub_find_identity(hub, identity_of_device(device_id), &device);
    return status == IOTHUB_OK ? find_upload(hub, device.seq, correlation_id, out) : status;
}

// NOLINTNEXTLINE(readability-function-size): its parameters are the request, and whom to tell
enum iothub_status hub_file_end(struct hub *hub, struct slice device_id,
                                struct slice correlation_id, const json_t *body,
                                hub_file_done *done, void *ctx, uint64_t *out_id)
{
    struct store_upload upload;
    if (correlation_id.len == 0) {
        correlation_id = json_string_slice(json_get_nocase(body, "correlationId"));
    }
    enum iothub_status status = read_end(hub, device_id, correlation_id, body, &upload);
    if (status == IOTHUB_OK) {
        status = check_room(hub);
    }
    if (status != IOTHUB_OK) {
        return status;
    }
    const struct caller caller = {done, ctx, ++hub->last_file_wait};
    *out_id = caller.id;
    if (json_is_true(json_get_nocase(body, "isSuccess"))) {
        char *id = slice_dup(correlation_id);
        begin_wait(hub, HUB_STORAGE_LOOK_AT_BLOB, id, &caller, upload.blob_name);
        free(id);
        return IOTHUB_OK;
    }
    /* Perhaps because somebody has removed the container: the next upload will see to it. */
    hub->has_container = false;
    if (store_upload_delete(hub->store, upload.seq) != 0) {
        return hub_store_failed(hub);
    }
    tell(&caller, IOTHUB_OK, SLICE(""), "");
    return IOTHUB_OK;
}

/* ---- what the account answers ---- */

void hub_storage_connect(struct hub *hub, const struct hub_storage_link *link)
{
    hub->storage = *link;
}

static enum iothub_status read_answer(struct hub *hub, const struct hub_storage_answer *answer)
{
    switch (answer->outcome) {
    case HUB_STORAGE_DONE:
        return IOTHUB_OK;
    case HUB_STORAGE_MISSING:
        return hub_fail(hub, IOTHUB_INVALID_STORAGE_ENDPOINT_OR_BLOB,
                        "There is no such blob in the storage account.");
    case HUB_STORAGE_REFUSED:
        return hub_fail(hub, IOTHUB_INVALID_STORAGE_ENDPOINT,
                        "The storage account refuses the hub.");
    case HUB_STORAGE_UNREACHABLE:
        return hub_fail(hub, IOTHUB_SERVICE_UNAVAILABLE,
                        "The storage account cannot be reached.");
    }
    return IOTHUB_SERVER_ERROR;
}

/* The end of a wait, which is forgotten first: who is told may ask for more. */
static void end_wait(struct hub *hub, struct file_wait *wait, enum iothub_status status,
                     const struct hub_storage_answer *answer)
{
    const struct caller caller = {wait->done, wait->ctx, wait->id};
    char *correlation_id = wait->correlation_id;
    bool is_begin = wait->wish == HUB_STORAGE_MAKE_CONTAINER;
    wait->correlation_id = NULL;
    forget_wait(hub, wait);
    if (is_begin || status == IOTHUB_INVALID_STORAGE_ENDPOINT_OR_BLOB) {
        hub->has_container = status == IOTHUB_OK;
    }
    if (is_begin && status == IOTHUB_OK) {
        tell_place(hub, correlation_id, &caller);
    } else if (is_begin) {
        drop_upload(hub, correlation_id);
        tell_failure(hub, &caller, status);
    } else {
        if (status == IOTHUB_OK) {
            status = complete(hub, correlation_id, answer);
        }
        tell_failure(hub, &caller, status);
    }
    free(correlation_id);
}

void hub_storage_answer(struct hub *hub, uint64_t id, const struct hub_storage_answer *answer)
{
    struct file_wait *wait = find_wait(hub, id);
    if (wait != NULL) {
        end_wait(hub, wait, read_answer(hub, answer), answer);
    }
}

static void cancel_storage(struct hub *hub, uint64_t id)
{
    if (hub->storage.cancel != NULL) {
        hub->storage.cancel(hub->storage.ctx, id);
    }
}

static void on_timeout(struct hub *hub, struct hub_timer *timer)
{
    struct file_wait *wait = CONTAINER_OF(timer, struct file_wait, timer);
    cancel_storage(hub, wait->id);
    end_wait(
        hub, wait,
        hub_fail(hub, IOTHUB_GATEWAY_TIMEOUT, "The storage account did not answer in time."),
        NULL);
}

void hub_file_cancel(struct hub *hub, uint64_t id)
{
    struct file_wait *wait = find_wait(hub, id);
    if (wait == NULL) {
        return;
    }
    cancel_storage(hub, id);
    if (wait->wish == HUB_STORAGE_MAKE_CONTAINER) {
        drop_upload(hub, wait->correlation_id);
    }
    forget_wait(hub, wait);
}
