/*
 * iothub-service device export: identities and twins as import takes them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macros.h"
#include "iothub/json.h"
#include "iothub/json_scan.h"
#include "iothub/limits.h"
#include "service/cli/app.h"
#include "service/cli/condition.h"
#include "service/cli/verbs.h"

struct export
{
    const struct app *app;
    FILE *file;
    json_t *identities; /* by id, as far as the hub lists them */
    size_t n_items;
};

static const struct cli_option options[] = {
    APP_TEXT("query", "TEXT",
             "Only what this selects: a whole query, what follows its WHERE, or *", query),
    APP_FLAG("modules", "The modules of all devices as well", has_modules),
    APP_FLAG("exclude-keys", "Leave symmetric keys out; importing then makes new ones",
             leaves_keys_out),
};

/* ,"name":value unless the row lacks it. */
static void put_member(struct buf *out, const char *name, struct slice row, const char *from)
{
    struct slice value = {0};
    if (!json_scan_member(row, slice_of(from), &value) ||
        json_scan_type(value) == JSON_SCAN_NULL) {
        return;
    }
    if (out->data[out->len - 1] != '{') {
        buf_put_char(out, ',');
    }
    json_put_string(out, slice_of(name));
    buf_put_char(out, ':');
    buf_put_slice(out, value);
}

/* What the twin alone tells of how a device proves itself. */
static void put_authentication(struct buf *out, struct slice twin)
{
    struct slice type = {0};
    struct slice thumbprint = {0};
    if (!json_scan_member(twin, SLICE("authenticationType"), &type)) {
        return;
    }
    buf_put_text(out, ",\"authentication\":{\"type\":");
    buf_put_slice(out, type);
    if (json_scan_member(twin, SLICE("x509Thumbprint"), &thumbprint)) {
        buf_put_text(out, ",\"x509Thumbprint\":");
        buf_put_slice(out, thumbprint);
    }
    buf_put_char(out, '}');
}

static void put_tree(struct buf *out, const char *name, const json_t *value)
{
    if (value != NULL && !json_is_null(value)) {
        buf_put_char(out, ',');
        json_put_string(out, slice_of(name));
        buf_put_char(out, ':');
        json_put(out, value);
    }
}

/* @param identity  NULL: what the twin tells must do. */
static void put_item(struct buf *out, struct slice twin, const json_t *identity)
{
    buf_put_char(out, '{');
    put_member(out, "id", twin, "deviceId");
    put_member(out, "moduleId", twin, "moduleId");
    if (identity != NULL) {
        put_tree(out, "eTag", json_object_get(identity, "etag"));
        put_tree(out, "managedBy", json_object_get(identity, "managedBy"));
        put_tree(out, "authentication", json_object_get(identity, "authentication"));
    } else {
        put_member(out, "eTag", twin, "deviceEtag");
        put_authentication(out, twin);
    }
    put_member(out, "status", twin, "status");
    put_member(out, "statusReason", twin, "statusReason");
    put_member(out, "capabilities", twin, "capabilities");
    put_member(out, "deviceScope", twin, "deviceScope");
    put_member(out, "parentScopes", twin, "parentScopes");
    put_member(out, "twinETag", twin, "etag");
    put_member(out, "tags", twin, "tags");
    put_member(out, "properties", twin, "properties");
    buf_put_char(out, '}');
}

static char *dup_string(struct slice object, const char *name)
{
    struct slice raw = {0};
    struct buf scratch;
    buf_init(&scratch, BUF_CAP_OWN);
    char *text = NULL;
    if (json_scan_member(object, slice_of(name), &raw) &&
        json_scan_type(raw) == JSON_SCAN_STRING) {
        text = slice_dup(json_scan_string(raw, &scratch));
    }
    buf_finish(&scratch);
    return text;
}

/* One that was removed since the query leaves NULL. */
static enum iothub_status read_identity(struct export *export, const char *device_id,
                                        const char *module_id, json_t **out)
{
    char *text = NULL;
    enum iothub_status status =
        module_id == NULL
            ? iothub_service_device_get(export->app->service, device_id, &text)
            : iothub_service_module_get(export->app->service, device_id, module_id, &text);
    *out = status == IOTHUB_OK ? json_parse(slice_of(text), NULL) : NULL;
    free(text);
    bool is_gone = status == IOTHUB_DEVICE_NOT_FOUND || status == IOTHUB_MODULE_NOT_FOUND;
    return is_gone ? IOTHUB_OK : status;
}

static enum iothub_status find_identity(struct export *export, struct slice twin, json_t **out)
{
    *out = NULL;
    if (export->app->values->leaves_keys_out) {
        return IOTHUB_OK;
    }
    enum iothub_status status = IOTHUB_OK;
    char *device_id = dup_string(twin, "deviceId");
    char *module_id = dup_string(twin, "moduleId");
    json_t *listed = module_id == NULL && device_id != NULL
                         ? json_object_get(export->identities, device_id)
                         : NULL;
    if (listed != NULL) {
        *out = json_incref(listed);
    } else {
        status = read_identity(export, device_id, module_id, out);
    }
    free(device_id);
    free(module_id);
    return status;
}

static enum iothub_status write_row(struct export *export, struct slice twin)
{
    json_t *identity = NULL;
    struct buf line;
    enum iothub_status status = find_identity(export, twin, &identity);
    if (status != IOTHUB_OK) {
        return status;
    }
    bool is_gone = identity == NULL && !export->app->values->leaves_keys_out;
    if (!is_gone) {
        bool is_array = export->app->values->output == CLI_OUTPUT_JSON;
        buf_init(&line, BUF_CAP_OWN);
        put_item(&line, twin, identity);
        (void)fprintf(export->file, "%s%s%s", is_array && export->n_items != 0 ? ",\n" : "",
                      buf_text(&line), is_array ? "" : "\n");
        buf_finish(&line);
        export->n_items++;
    }
    json_decref(identity);
    return IOTHUB_OK;
}

static enum iothub_status write_page(struct export *export, const char *page)
{
    struct json_scan scan;
    struct slice twin = {0};
    enum iothub_status status = IOTHUB_OK;
    bool is_open = json_scan_open(&scan, slice_of(page));
    while (is_open && status == IOTHUB_OK && json_scan_next(&scan, NULL, &twin)) {
        status = write_row(export, twin);
    }
    return status;
}

static enum iothub_status write_query(struct export *export, const char *text)
{
    struct iothub_service_query *query = NULL;
    enum iothub_status status =
        iothub_service_query_create(export->app->service, text, 0, &query);
    while (status == IOTHUB_OK && iothub_service_query_has_more(query)) {
        char *page = NULL;
        status = iothub_service_query_next(query, &page);
        if (status == IOTHUB_OK) {
            status = write_page(export, page);
        }
        free(page);
    }
    iothub_service_query_destroy(query);
    return status;
}

/* The first thousand identities come with one request, keys included. */
static enum iothub_status read_identities(struct export *export)
{
    char *text = NULL;
    if (export->app->values->leaves_keys_out) {
        return IOTHUB_OK;
    }
    enum iothub_status status =
        iothub_service_device_list(export->app->service, LIMIT_LIST_DEVICES, &text);
    if (status != IOTHUB_OK) {
        return status;
    }
    json_t *list = json_parse(slice_of(text), NULL);
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *identity = json_array_get(list, i);
        const char *id = json_string_value(json_object_get(identity, "deviceId"));
        if (id != NULL) {
            (void)json_object_set(export->identities, id, identity);
        }
    }
    json_decref(list);
    free(text);
    return IOTHUB_OK;
}

static enum iothub_status write_all(struct export *export, struct condition *selection)
{
    struct buf query;
    enum iothub_status status = read_identities(export);
    buf_init(&query, BUF_CAP_OWN);
    condition_put_query(&query, selection, "*");
    if (status == IOTHUB_OK) {
        status = write_query(export, buf_text(&query));
    }
    if (status == IOTHUB_OK && export->app->values->has_modules) {
        buf_reset(&query);
        const struct condition modules = {.is_modules = true};
        condition_put_query(&query, &modules, "*");
        status = write_query(export, buf_text(&query));
    }
    buf_finish(&query);
    return status;
}

static int open_file(const struct cli_call *call, struct export *export)
{
    export->file = stdout;
    if (call->n_arguments == 0 || strcmp(call->arguments[0], "-") == 0) {
        return CLI_DONE;
    }
    /* There are keys in it. */
    int fd =
        open(call->arguments[0], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
    export->file = fd < 0 ? NULL : fdopen(fd, "w");
    if (export->file == NULL) {
        cli_complain(call, "%s: %s", call->arguments[0], strerror(errno));
        if (fd >= 0) {
            (void)close(fd);
        }
        return CLI_FAILED;
    }
    return CLI_DONE;
}

static int close_file(const struct cli_call *call, struct export *export)
{
    if (export->file == stdout || export->file == NULL) {
        return CLI_DONE; /* what stdout could not take is noticed at the end of the program */
    }
    bool has_failed = ferror(export->file) != 0;
    has_failed = fclose(export->file) != 0 || has_failed;
    if (has_failed) {
        cli_complain(call, "%s: it cannot be written to the end", call->arguments[0]);
    }
    return has_failed ? CLI_FAILED : CLI_DONE;
}

static int work(struct export *export, struct condition *selection)
{
    const struct app *app = export->app;
    bool is_array = app->values->output == CLI_OUTPUT_JSON;
    int code = open_file(app->call, export);
    if (code != CLI_DONE) {
        return code;
    }
    (void)fputs(is_array ? "[" : "", export->file);
    enum iothub_status status = write_all(export, selection);
    (void)fputs(is_array ? "]\n" : "", export->file);
    int closed = close_file(app->call, export);
    return status == IOTHUB_OK ? closed : app_fail(app, status);
}

static int read_selection(const struct cli_call *call, struct condition *out)
{
    const struct app_values *values = call->values;
    struct buf error;
    if (values->query == NULL) {
        return CLI_DONE;
    }
    if (values->has_modules) {
        cli_complain(call, "--modules are those of all devices: select some with --query "
                           "\"FROM devices.modules WHERE …\"");
        return CLI_WRONG;
    }
    buf_init(&error, BUF_CAP_OWN);
    bool is_good = condition_cut(slice_of(values->query), &error, out);
    if (!is_good) {
        cli_complain(call, "%s", buf_text(&error));
    }
    buf_finish(&error);
    return is_good ? CLI_DONE : CLI_WRONG;
}

static int run(struct cli_call *call)
{
    struct app app = {0};
    struct condition selection = {0};
    struct export export = {.app = &app, .identities = json_object()};
    int code = read_selection(call, &selection);
    if (code == CLI_DONE) {
        code = app_open(call, &app);
    }
    if (code == CLI_DONE) {
        code = work(&export, &selection);
    }
    app_close(&app);
    condition_finish(&selection);
    json_decref(export.identities);
    return code;
}

const struct cli_verb verb_device_export = {
    .name = "device export",
    .arguments = "[FILE]",
    .max_arguments = 1,
    .summary = "Write devices with their keys and twins to a file or stdout",
    .details =
        "Writes ExportImportDevice objects, one a line, or with --output json all in one "
        "array, "
        "which device import reads. Selecting modules with --query \"FROM devices.modules "
        "…\" writes those alone.\n"
        "\n"
        "  iothub-service device export devices.txt --modules\n"
        "  iothub-service device export --query \"tags.floor = 3\" --exclude-keys",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
