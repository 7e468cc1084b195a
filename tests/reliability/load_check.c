/*
 * An acknowledged write must be there; one that was asked for may be; nothing may be there
 * twice.
 */
#include "reliability/load_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/mem.h"
#include "iothub/json.h"
#include "store/events.h"

enum {
    PATH_SIZE = 128,
    BODY_SIZE = 256,
    JOB_DEADLINE_MS = 60000,
    CHURN_IN_PLAY = 50,
};

/* ---- the file ---- */

static void check_integrity(const char *path)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(stmt, 0), "ok");
    (void)sqlite3_finalize(stmt);
    (void)sqlite3_close(db);
}

static void see_event(struct load *load, const struct store_event *event)
{
    json_t *body = json_parse(event->body, NULL);
    int at = (int)json_integer_value(json_object_get(body, "device"));
    int number = (int)json_integer_value(json_object_get(body, "number"));
    json_decref(body);
    assert_in_range(at, 0, load->n_devices - 1);
    struct load_device *device = &load->devices[at];
    assert_in_range(number, device->n_checked + 1, device->n_events);
    char *place = &device->acked.data[number - device->n_checked - 1];
    if (*place == 2) {
        fail_msg("event %d of %s is there twice", number, device->id);
    }
    *place = 2;
}

static void check_events(struct load *load, const char *path)
{
    struct store *store = NULL;
    struct buf error = {.cap = BUF_CAP_OWN};
    struct store_event event = {0};
    assert_int_equal(store_open_readonly(path, &error, &store), 0);
    while (store_event_next(store, load->offset, &event) == 0) {
        load->offset = event.offset;
        see_event(load, &event);
    }
    store_close(store);
    buf_finish(&error);
    for (int i = 0; i < load->n_devices; i++) {
        struct load_device *device = &load->devices[i];
        for (size_t n = 0; n < device->acked.len; n++) {
            if (device->acked.data[n] == 1) {
                fail_msg("event %d of %s was acknowledged and is lost",
                         device->n_checked + (int)n + 1, device->id);
            }
        }
        buf_reset(&device->acked);
        device->n_checked = device->n_events;
    }
}

void load_check_file(struct load *load)
{
    char path[SCENE_PATH_SIZE];
    int len = snprintf(path, sizeof(path), "%s/hub.db", load->e->data_dir);
    assert_in_range(len, 1, sizeof(path) - 1);
    check_integrity(path);
    check_events(load, path);
}

/* ---- asking ---- */

static int ask(struct http_peer *peer, const char *method, const char *path, const char *body,
               json_t **out)
{
    struct http_reply reply = {0};
    assert_true(http_peer_send(peer, method, path, body));
    assert_true(http_peer_receive(peer, &reply));
    if (out != NULL) {
        *out = json_parse(reply.body, NULL);
        assert_non_null(*out);
    }
    return reply.status;
}

static int member(const json_t *object, const char *name)
{
    return (int)json_integer_value(json_object_get(object, name));
}

/* ---- twins and the registry ---- */

static void check_twin(struct load_device *device, const json_t *twin)
{
    const json_t *tags = json_object_get(twin, "tags");
    const json_t *properties = json_object_get(twin, "properties");
    const json_t *desired = json_object_get(properties, "desired");
    const json_t *reported = json_object_get(properties, "reported");
    int written = member(tags, "number");
    assert_in_range(written, device->written_acked, device->written);
    assert_int_equal(member(desired, "number"), written);
    assert_in_range(member(reported, "number"), device->reported_acked, device->reported);
    /* What a device was told cannot be taken back. */
    assert_true(device->desired <= written);
    device->written = device->written_acked = written;
    device->reported = device->reported_acked = member(reported, "number");
}

static void check_twins(struct load *load, struct http_peer *peer)
{
    char path[PATH_SIZE];
    for (int i = 0; i < load->n_devices; i++) {
        json_t *twin = NULL;
        snprintf(path, sizeof(path), "/twins/%s", load->devices[i].id);
        assert_int_equal(ask(peer, "GET", path, NULL, &twin), 200);
        check_twin(&load->devices[i], twin);
        json_decref(twin);
    }
}

static void check_registry(struct load *load, struct http_peer *peer)
{
    char path[PATH_SIZE];
    for (int i = 0; i < load->n_churn; i++) {
        enum load_churn *state = &load->churn[i];
        if (*state == CHURN_NONE || *state == CHURN_DONE) {
            continue;
        }
        snprintf(path, sizeof(path), "/devices/c%d", i);
        int status = ask(peer, "GET", path, NULL, NULL);
        if ((*state == CHURN_THERE && status != 200) ||
            (*state == CHURN_GONE && status != 404)) {
            fail_msg("%s was acknowledged as %s, but is answered with %d", path,
                     *state == CHURN_THERE ? "made" : "deleted", status);
        }
        /* The latest stay in play. */
        *state = status == 200 && i + CHURN_IN_PLAY > load->n_churn ? CHURN_THERE : CHURN_DONE;
    }
}

/* ---- messages ---- */

static bool must_come(const struct load_mail *mail)
{
    return mail->is_accepted && !mail->is_answered;
}

static bool must_not_come(const struct load *load, const struct load_mail *mail)
{
    return mail->is_answered && load->devices[mail->device].last_acked >= mail->settled_before;
}

/* Each device says one thing more; its acknowledgement comes behind all that waited. */
static void go_round(struct load *load)
{
    load->is_quiet = true;
    int window = load->window;
    load->window = LOAD_WINDOW_MAX;
    for (int i = 0; i < load->n_devices; i++) {
        load_act(load, &load->devices[i]);
    }
    load->window = window;
    for (int i = 0; i < load->n_devices; i++) {
        const struct load_device *device = &load->devices[i];
        int64_t until_ms = scene_now_ms() + SCENE_DEADLINE_MS;
        while (device->n_window != 0 || device->reports) {
            assert_true(device->is_connected);
            assert_true(scene_now_ms() < until_ms);
            load_take(load, 10);
        }
    }
}

/* Two claims for each message: it must come, it must not. */
static void claim(struct load *load, bool *rights)
{
    for (int i = 0; i < load->n_mails; i++) {
        struct load_mail *mail = &load->mails[i];
        if (mail->is_done) {
            continue;
        }
        rights[2 * i] = must_come(mail);
        rights[2 * i + 1] = must_not_come(load, mail);
        mail->n_now = 0;
    }
}

static void check_mail(struct load *load)
{
    bool *rights = mem_array((size_t)load->n_mails * 2 + 1, sizeof(*rights));
    claim(load, rights);
    load->is_quiet = true;
    for (int i = 0; i < load->n_devices; i++) {
        load_connect_device(load, &load->devices[i]);
    }
    /* A window of 16 and a queue of 50: each round makes room for the next. */
    uint64_t n_before = 0;
    do {
        n_before = load->n_taken;
        go_round(load);
    } while (load->n_taken != n_before);
    for (int i = 0; i < load->n_mails; i++) {
        struct load_mail *mail = &load->mails[i];
        if (mail->is_done) {
            assert_int_equal(mail->n_now, 0);
            continue;
        }
        if (rights[2 * i] && mail->n_now == 0) {
            fail_msg("message %d to d%d was accepted and is lost", i, mail->device);
        }
        if (rights[2 * i + 1] && mail->n_now != 0) {
            fail_msg("message %d to d%d was settled and came again", i, mail->device);
        }
        if (mail->n_now > 1) {
            fail_msg("message %d to d%d came %d times", i, mail->device, mail->n_now);
        }
        mail->is_done = true;
        mail->n_now = 0;
    }
    free(rights);
}

/* ---- jobs ---- */

static bool is_final(const char *status)
{
    return strcmp(status, "completed") == 0 || strcmp(status, "failed") == 0 ||
           strcmp(status, "cancelled") == 0;
}

/* Devices answer meanwhile.  false when the hub does not know the job, which is a status too.
 */
static bool wait_for_job(struct load *load, struct http_peer *peer, int number)
{
    char path[PATH_SIZE];
    int64_t until_ms = scene_now_ms() + JOB_DEADLINE_MS;
    snprintf(path, sizeof(path), "/jobs/v2/j%d", number);
    for (;;) {
        json_t *job = NULL;
        int status = ask(peer, "GET", path, NULL, &job);
        const char *text = json_string_value(json_object_get(job, "status"));
        assert_int_equal(status, 200);
        assert_non_null(text);
        bool is_unknown = strcmp(text, "unknown") == 0;
        bool is_over = is_unknown || is_final(text);
        if (scene_now_ms() > until_ms) {
            fail_msg("job %d is still '%s'", number, text);
        }
        json_decref(job);
        if (is_over) {
            return !is_unknown;
        }
        load_take(load, 20);
    }
}

static int number_of(const json_t *row)
{
    const char *id = json_string_value(json_object_get(row, "deviceId"));
    int64_t number = -1;
    assert_non_null(id);
    assert_true(slice_to_i64(slice_of(id + 1), &number));
    return (int)number;
}

static void check_row(struct load *load, struct http_peer *peer, int number, const json_t *row)
{
    char path[PATH_SIZE];
    char tag[PATH_SIZE];
    const struct load_job *job = &load->jobs[number];
    const char *status = json_string_value(json_object_get(row, "status"));
    assert_non_null(status);
    if (!is_final(status)) {
        fail_msg("a device of job %d is still '%s'", number, status);
    }
    int device = number_of(row);
    bool is_done = strcmp(status, "completed") == 0;
    if (job->is_method) {
        assert_true(!is_done || job->n_calls[device] == 1);
    } else if (is_done) {
        json_t *twin = NULL;
        snprintf(path, sizeof(path), "/twins/d%d", device);
        assert_int_equal(ask(peer, "GET", path, NULL, &twin), 200);
        snprintf(tag, sizeof(tag), "job%d", number % LOAD_JOB_SLOTS);
        assert_int_equal(member(json_object_get(twin, "tags"), tag), number);
        json_decref(twin);
    }
}

static void check_job(struct load *load, struct http_peer *peer, int number)
{
    char body[BODY_SIZE];
    json_t *rows = NULL;
    snprintf(body, sizeof(body),
             "{\"query\":\"SELECT * FROM devices.jobs WHERE devices.jobs.jobId = 'j%d'\"}",
             number);
    assert_int_equal(ask(peer, "POST", "/devices/query", body, &rows), 200);
    /* A job that was killed before it looked for its devices does so afterwards. */
    assert_int_equal(json_array_size(rows), load->n_devices);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        check_row(load, peer, number, json_array_get(rows, i));
    }
    json_decref(rows);
}

static void check_jobs(struct load *load, struct http_peer *peer)
{
    for (int i = load->n_jobs_checked; i < load->n_jobs; i++) {
        struct load_job *job = &load->jobs[i];
        if (!wait_for_job(load, peer, i)) {
            if (job->is_accepted) {
                fail_msg("job %d was accepted and is lost", i);
            }
            continue;
        }
        check_job(load, peer, i);
    }
    load->n_jobs_checked = load->n_jobs;
    /* Of all rounds: none may be called again by a later start. */
    for (int i = 0; i < load->n_jobs; i++) {
        for (int d = 0; d < load->n_devices; d++) {
            if (load->jobs[i].n_calls[d] > 1) {
                fail_msg("d%d was called %d times by job %d", d, load->jobs[i].n_calls[d], i);
            }
        }
    }
}

void load_check_hub(struct load *load)
{
    struct http_peer peer;
    http_peer_open(&peer, load->e);
    check_twins(load, &peer);
    check_registry(load, &peer);
    check_mail(load);
    check_jobs(load, &peer);
    http_peer_close(&peer);
    load->is_quiet = false;
}
