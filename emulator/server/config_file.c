/*
 * Reading the configuration file and checking what stands in it.
 */
#include "server/config_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "iothub/json.h"
#include "iothub/limits.h"
#include "server/file.h"
#include "server/secret.h"

/* Room for some hundred thousand devices. */
#define FILE_CAP ((size_t)128 * KIB * KIB)

static bool parse(struct config_file *file, struct buf *error)
{
    json_error_t failure;
    file->root = json_loadb(file->text.data, file->text.len, JSON_REJECT_DUPLICATES, &failure);
    if (file->root == NULL) {
        buf_putf(error, "%s:%d:%d: %.*s", file->name, failure.line, failure.column,
                 SLICE_ARG(json_failure_reason(&failure)));
        return false;
    }
    if (!json_is_object(file->root)) {
        return config_file_mistake(file, NULL, error, "expected an object");
    }
    return true;
}

bool config_file_read(const char *path, struct buf *error, struct config_file *out)
{
    struct config_file file = {.name = mem_dup_text(path)};
    buf_init(&file.text, FILE_CAP);
    int result = file_read(path, &file.text);
    if (result == -EFBIG) {
        buf_putf(error, "configuration file %s: it is larger than 128 MiB", path);
    } else if (result != 0) {
        buf_putf(error, "configuration file %s: %s", path, strerror(-result));
    } else if (file.text.len == 0) {
        buf_putf(error, "configuration file %s: it is empty", path);
        result = -EINVAL;
    } else if (!parse(&file, error)) {
        result = -EINVAL;
    }
    if (result != 0) {
        config_file_finish(&file);
        return false;
    }
    *out = file;
    return true;
}

void config_file_finish(struct config_file *file)
{
    if (file == NULL) {
        return;
    }
    free(file->name);
    secret_finish(&file->text);
    json_decref(file->root);
    *file = (struct config_file){0};
}

void config_file_put_place(const struct config_file *file, const struct json_path *path,
                           struct buf *out)
{
    buf_putf(out, "%s:%zu: ", file->name, json_path_line(buf_slice(&file->text), path));
    json_path_put(out, path);
    buf_put_text(out, path == NULL ? "" : ": ");
}

bool config_file_mistake(const struct config_file *file, const struct json_path *path,
                         struct buf *error, const char *format, ...)
{
    va_list args;
    config_file_put_place(file, path, error);
    va_start(args, format);
    buf_vputf(error, format, args);
    va_end(args);
    return false;
}

/* One place that is being checked. */
struct checker {
    const struct config_file *file;
    struct buf *error;
};

static bool tell(const struct checker *c, const struct json_path *path, const char *what)
{
    return config_file_mistake(c->file, path, c->error, "%s", what);
}

static bool is_known(const struct config_record *record, const char *name)
{
    for (size_t i = 0; i < record->n_members; i++) {
        if (strcmp(record->members[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool tell_unknown(const struct checker *c, const struct json_path *path,
                         const struct config_record *record)
{
    tell(c, path, "unknown member; known are ");
    for (size_t i = 0; i < record->n_members; i++) {
        buf_putf(c->error, "%s%s", i == 0 ? "" : ", ", record->members[i].name);
    }
    return false;
}

static bool check_names(const struct checker *c, const struct json_path *path,
                        const json_t *object, const struct config_record *record)
{
    for (void *at = json_object_iter((json_t *)(uintptr_t)object); at != NULL;
         at = json_object_iter_next((json_t *)(uintptr_t)object, at)) {
        const char *name = json_object_iter_key(at);
        if (!is_known(record, name)) {
            return tell_unknown(c, &(struct json_path){path, name, 0}, record);
        }
    }
    return true;
}

static bool check_record(const struct checker *c, const struct json_path *path,
                         const json_t *value, const struct config_record *record);

static bool check_records(const struct checker *c, const struct json_path *path,
                          const json_t *value, const struct config_record *record)
{
    if (!json_is_array(value)) {
        return tell(c, path, "expected an array");
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        struct json_path element = {path, NULL, i};
        if (!check_record(c, &element, json_array_get(value, i), record)) {
            return false;
        }
    }
    return true;
}

static bool check_value(const struct checker *c, const struct json_path *path,
                        const json_t *value, config_check *check)
{
    const char *wish = check == NULL ? NULL : check(value);
    return wish == NULL || tell(c, path, wish);
}

static bool check_text(const struct checker *c, const struct json_path *path,
                       const json_t *value, config_check *check)
{
    if (!json_is_string(value)) {
        return tell(c, path, "expected a string");
    }
    return check_value(c, path, value, check);
}

static bool check_texts(const struct checker *c, const struct json_path *path,
                        const json_t *value, config_check *check)
{
    if (!json_is_array(value)) {
        return tell(c, path, "expected an array of strings");
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        struct json_path element = {path, NULL, i};
        if (!check_text(c, &element, json_array_get(value, i), check)) {
            return false;
        }
    }
    return true;
}

static bool check_member(const struct checker *c, const struct json_path *path,
                         const json_t *value, const struct config_member *member)
{
    switch (member->kind) {
    case CONFIG_TEXT:
        return check_text(c, path, value, member->check);
    case CONFIG_TEXT_OR_NULL:
        return json_is_null(value) || check_text(c, path, value, member->check);
    case CONFIG_FLAG:
        return json_is_boolean(value) || tell(c, path, "expected true or false");
    case CONFIG_ANY_OBJECT:
        return json_is_object(value) || tell(c, path, "expected an object");
    case CONFIG_RECORD:
        return check_record(c, path, value, member->record);
    case CONFIG_RECORDS:
        return check_records(c, path, value, member->record);
    case CONFIG_TEXTS:
        return check_texts(c, path, value, member->check);
    }
    return false;
}

static bool check_record(const struct checker *c, const struct json_path *path,
                         const json_t *value, const struct config_record *record)
{
    if (!json_is_object(value)) {
        return tell(c, path, "expected an object");
    }
    if (!check_names(c, path, value, record)) {
        return false;
    }
    for (size_t i = 0; i < record->n_members; i++) {
        const struct config_member *member = &record->members[i];
        const json_t *found = json_object_get(value, member->name);
        struct json_path below = {path, member->name, 0};
        if (found == NULL && member->is_required) {
            return tell(c, &below, "missing");
        }
        if (found != NULL && !check_member(c, &below, found, member)) {
            return false;
        }
    }
    return true;
}

bool config_file_check(const struct config_file *file, const struct json_path *path,
                       const json_t *value, const struct config_record *record,
                       struct buf *error)
{
    return check_record(&(struct checker){file, error}, path, value, record);
}

bool config_file_check_list(const struct config_file *file, const struct json_path *path,
                            const json_t *value, const struct config_record *record,
                            struct buf *error)
{
    return check_records(&(struct checker){file, error}, path, value, record);
}
