/*
 * The configuration file: its text, its tree, and how a mistake in it is told:
 *
 *     hub.json:12: devices[3].properties.desired: expected an object
 */
#ifndef SERVER_CONFIG_FILE_H
#define SERVER_CONFIG_FILE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/macros.h"
#include "server/json_path.h"

/* {0} is a file that was not read. */
struct config_file {
    char *name;
    struct buf text;
    json_t *root; /* an object */
};

/**
 * Read and parse a file.
 * @param error  receives one line, with line and column where the syntax is wrong.
 * @param out    written on success only; end it with config_file_finish().
 */
MUST_CHECK bool config_file_read(const char *path, struct buf *error, struct config_file *out);

/* NULL and {0} are allowed. */
void config_file_finish(struct config_file *file);

/* "hub.json:12: devices[3].tags: ", the beginning of every mistake's line. */
void config_file_put_place(const struct config_file *file, const struct json_path *path,
                           struct buf *out);

/* Tell a mistake in one line; always false. */
bool config_file_mistake(const struct config_file *file, const struct json_path *path,
                         struct buf *error, const char *format, ...) PRINTF_LIKE(4, 5);

/*
 * What an object may hold, as a table: unknown members, missing ones and wrong types are found
 * by one function, and the JSON schema that is installed is tested against the same rows.
 */
enum config_kind {
    CONFIG_TEXT,
    CONFIG_TEXT_OR_NULL,
    CONFIG_FLAG,
    CONFIG_ANY_OBJECT, /* with whatever members */
    CONFIG_RECORD,     /* an object as `record` says */
    CONFIG_RECORDS,    /* an array of them */
    CONFIG_TEXTS,      /* an array of strings */
};

struct config_record;

/* NULL when the value, which has the row's type, is good; else what was expected. */
typedef const char *config_check(const json_t *value);

struct config_member {
    const char *name;
    enum config_kind kind;
    bool is_required;
    config_check *check;                /* NULL for none; for CONFIG_TEXTS of each string */
    const struct config_record *record; /* for the two kinds of records */
};

struct config_record {
    const struct config_member *members;
    size_t n_members;
};

/* Check a value against a record; false after the first mistake was told. */
MUST_CHECK bool config_file_check(const struct config_file *file, const struct json_path *path,
                                  const json_t *value, const struct config_record *record,
                                  struct buf *error);

/* Check an array of records. */
MUST_CHECK bool config_file_check_list(const struct config_file *file,
                                       const struct json_path *path, const json_t *value,
                                       const struct config_record *record, struct buf *error);

#endif
