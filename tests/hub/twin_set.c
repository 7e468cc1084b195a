/*
 * Rows are written past the hub's rules, since they have versions and states of their own.
 */
#include "hub/twin_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/device.h"
#include "hub/service.h"
#include "iothub/json.h"
#include "store/jobs.h"

json_t *twin_set_load(void)
{
    json_error_t error;
    json_t *set = json_load_file(TEST_DATA_DIR "/query/vectors.json", 0, &error);
    if (set == NULL) {
        print_error("%s:%d: %s\n", error.source, error.line, error.text);
    }
    assert_non_null(set);
    return set;
}

static const char *text_or_empty(const json_t *document, const char *name)
{
    const char *text = json_string_value(json_object_get(document, name));
    return text == NULL ? "" : text;
}

static void set_auth(struct store_identity *record, const char *type)
{
    static const char *const names[] = {
        [AUTH_SAS] = "sas",
        [AUTH_SELF_SIGNED] = "selfSigned",
        [AUTH_AUTHORITY] = "certificateAuthority",
        [AUTH_NONE] = "none",
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        record->auth = strcmp(type, names[i]) == 0 ? (enum auth_type)i : record->auth;
    }
}

static struct store_identity record_of(const json_t *document)
{
    struct store_identity record = {.generation = 1,
                                    .etag = 580089033,
                                    .primary_key = KEY_FIRST,
                                    .secondary_key = KEY_SECOND};
    (void)snprintf(record.device_id, sizeof(record.device_id), "%s",
                   text_or_empty(document, "deviceId"));
    (void)snprintf(record.module_id, sizeof(record.module_id), "%s",
                   text_or_empty(document, "moduleId"));
    (void)snprintf(record.status_reason, sizeof(record.status_reason), "%s",
                   text_or_empty(document, "statusReason"));
    (void)snprintf(record.device_scope, sizeof(record.device_scope), "%s",
                   text_or_empty(document, "deviceScope"));
    record.has_status_reason = record.status_reason[0] != '\0';
    record.is_enabled = strcmp(text_or_empty(document, "status"), "enabled") == 0;
    record.is_edge = json_is_true(json_below(document, "capabilities.iotEdge"));
    record.status_updated_ms = START_MS;
    record.connection_updated_ms = START_MS;
    record.last_activity_ms = START_MS;
    set_auth(&record, text_or_empty(document, "authenticationType"));
    return record;
}

/* A section's content as a text; its version into *version. */
static char *content_of(const json_t *section, int64_t *version)
{
    json_t *content = json_copy((json_t *)(uintptr_t)section);
    *version = json_integer_value(json_object_get(content, "$version"));
    json_object_del(content, "$version");
    json_object_del(content, "$metadata");
    char *text = json_text(content);
    json_decref(content);
    return text;
}

static void add_twin(struct fixture *f, const json_t *document)
{
    struct store_identity record = record_of(document);
    struct store_twin twin = {.etag = 7,
                              .desired_metadata = SLICE("{\"$lastUpdated\":\"x\"}"),
                              .reported_metadata = SLICE("{\"$lastUpdated\":\"y\"}")};
    const json_t *tags = json_object_get(document, "tags");
    char *tags_text = tags == NULL ? NULL : json_text(tags);
    char *desired =
        content_of(json_below(document, "properties.desired"), &twin.desired_version);
    char *reported =
        content_of(json_below(document, "properties.reported"), &twin.reported_version);
    assert_int_equal(store_identity_insert(f->hub->store, &record), 0);
    twin.seq = record.seq;
    twin.model_id = slice_of(text_or_empty(document, "modelId"));
    twin.tags = slice_of(tags_text);
    twin.desired = slice_of(desired);
    twin.reported = slice_of(reported);
    assert_int_equal(store_twin_insert(f->hub->store, &twin), 0);
    free(tags_text);
    free(desired);
    free(reported);
}

static void connect(struct fixture *f, const json_t *document)
{
    char id[2 * LIMIT_ID_CHARS];
    const char *module = text_or_empty(document, "moduleId");
    if (strcmp(text_or_empty(document, "connectionState"), "Connected") == 0) {
        (void)snprintf(id, sizeof(id), "%s%s%s", text_or_empty(document, "deviceId"),
                       module[0] == '\0' ? "" : "/", module);
        (void)device_online(f, id);
    }
}

static void add_job_row(struct fixture *f, const json_t *document)
{
    struct store_job job = {0};
    struct store_job_row row = {
        .target = {slice_of(text_or_empty(document, "deviceId")), {0}},
        .status = JOB_ROW_COMPLETED,
        .created_ms = START_MS,
        .start_ms = START_MS,
        .end_ms = START_MS,
        .updated_ms = START_MS,
    };
    struct slice job_id = slice_of(text_or_empty(document, "jobId"));
    int found = store_job_get(f->hub->store, job_id, &job);
    if (found == STORE_NO_ROW) {
        job = (struct store_job){.job_id = slice_dup(job_id),
                                 .type = JOB_UPDATE_TWIN,
                                 .status = JOB_COMPLETED,
                                 .condition = slice_dup(SLICE("*")),
                                 .action = slice_dup(SLICE("{}")),
                                 .created_ms = START_MS};
        found = store_job_insert(f->hub->store, &job);
    }
    assert_int_equal(found, 0);
    row.job_seq = job.seq;
    assert_int_equal(store_job_row_insert(f->hub->store, &row), 0);
    store_job_finish(&job);
}

void twin_set_fill(struct fixture *f, const json_t *set)
{
    size_t i = 0;
    json_t *document = NULL;
    const json_t *devices = json_object_get(set, "twins");
    const json_t *modules = json_object_get(set, "modules");
    json_array_foreach(devices, i, document)
    {
        add_twin(f, document);
    }
    json_array_foreach(modules, i, document)
    {
        add_twin(f, document);
    }
    json_array_foreach(json_object_get(set, "jobs"), i, document)
    {
        add_job_row(f, document);
    }
    fixture_turn(f);
    json_array_foreach(devices, i, document)
    {
        connect(f, document);
    }
    json_array_foreach(modules, i, document)
    {
        connect(f, document);
    }
}

json_t *twin_set_documents(struct fixture *f, const json_t *set, bool is_modules)
{
    size_t i = 0;
    json_t *document = NULL;
    json_t *documents = json_array();
    json_array_foreach(json_object_get(set, is_modules ? "modules" : "twins"), i, document)
    {
        char id[2 * LIMIT_ID_CHARS];
        (void)snprintf(id, sizeof(id), "%s%s%s", text_or_empty(document, "deviceId"),
                       is_modules ? "/" : "", text_or_empty(document, "moduleId"));
        json_array_append_new(documents, get_twin(f, id));
    }
    return documents;
}
