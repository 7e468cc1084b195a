/*
 * What the verbs of iothub-service share: values, the client, arguments, results.
 */
#ifndef SERVICE_CLI_APP_H
#define SERVICE_CLI_APP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/macros.h"
#include "cli/cli.h"
#include "iothub/service.h"

/* Exit code of a verb that Ctrl-C ended, as shells count. */
#define APP_STOPPED 130

/* All options of all verbs; each verb fills those it has. */
struct app_values {
    /* Every verb's. */
    char *connection_string;
    char *ca_file;
    char *address;
    char *ready_file;
    int64_t port;
    int64_t output; /* enum cli_output */
    int64_t timeout_ms;
    int64_t log_level; /* enum log_level */

    /* Identities. */
    int64_t auth; /* index into APP_AUTH_WORDS */
    char *primary_key;
    char *secondary_key;
    char *primary_thumbprint;
    char *secondary_thumbprint;
    char *status_reason;
    char *managed_by;
    int64_t new_status; /* keep, enabled, disabled */
    int64_t new_edge;   /* keep, yes, no */
    int64_t new_auth;   /* keep, then APP_AUTH_WORDS */
    int64_t which_key;  /* primary, secondary */
    char *module_id;
    char *file;
    char *etag;
    int64_t top;

    /* Twins and methods. */
    char *desired;
    char *tags;
    char *method;
    char *payload;
    int64_t response_timeout_ms;
    int64_t connect_timeout_ms;

    /* Queries and jobs. */
    int64_t page_size;
    int64_t max_rows;
    char *device_id;
    char *query;
    char *job_type;
    char *job_status;
    char *start_time;
    int64_t start_in_ms;
    int64_t execution_ms;
    int64_t poll_ms;

    /* Many identities. */
    char *import_mode;
    int64_t renewed_key; /* index into enum iothub_service_key */

    /* Configurations and digital twins. */
    char *content;
    char *target_condition;
    int64_t priority; /* -1: not given */
    char *labels;
    char *metrics;
    char *patch;
    char *component;

    /* Messages. */
    char *data;
    struct cli_list properties;
    char *message_id;
    char *correlation_id;
    char *user_id;
    char *content_type;
    char *content_encoding;
    int64_t ack; /* index into enum iothub_service_ack */
    char *expiry_time;
    int64_t expiry_in_ms;

    /* Verbs that watch. */
    int64_t count;  /* 0: no end */
    int64_t for_ms; /* 0: no end */
    char *after;

    /* schedule-jobs. */
    int64_t method_wait_ms;
    int64_t twin_wait_ms;
    char *job_id_prefix;

    /* Of all of them, together so that they take less room. */
    bool is_plain;
    bool is_verbose;
    bool is_disabled;
    bool is_edge;
    bool leaves_keys_out;
    bool has_modules;
    bool is_abandoned;
    bool is_from_start;
    bool uses_client_timers;
};

#define APP_AUTH_WORDS "sas|selfSigned|certificateAuthority"

/* A row of a verb's option table; `member` is one of struct app_values. */
#define APP_ROW(kind, title, word, text, member) \
    .name = (title), .type = (kind), .argument = (word), .help = (text), \
    .offset = offsetof(struct app_values, member)
#define APP_TEXT(title, word, text, member) \
    { \
        APP_ROW(CLI_TEXT, title, word, text, member) \
    }
#define APP_FLAG(title, text, member) \
    { \
        APP_ROW(CLI_FLAG, title, NULL, text, member) \
    }
#define APP_CHOICE(title, words, otherwise, text, member) \
    { \
        APP_ROW(CLI_CHOICE, title, words, text, member), .standard = (otherwise) \
    }
#define APP_NUMBER(title, word, otherwise, text, member, least, most) \
    { \
        APP_ROW(CLI_NUMBER, title, word, text, member), .standard = (otherwise), \
                                                        .min = (least), .max = (most) \
    }
#define APP_SECONDS(title, otherwise, text, member, least_ms, most_ms) \
    { \
        APP_ROW(CLI_SECONDS, title, "SECONDS", text, member), \
            .standard = (otherwise), .min = (least_ms), .max = (most_ms) \
    }

/* Rows that several verbs have. */
#define APP_OPTIONS_WATCH \
    APP_NUMBER("count", "N", "0", "End when that many have come; 0 has no end", count, 0, \
               INT64_MAX), \
        APP_SECONDS("for", "0", "End after this time; 0 has no end", for_ms, 0, \
                    INT64_C(365) * 24 * 3600 * 1000)
#define APP_OPTION_MODULE \
    APP_TEXT("module", "ID", "Work on this module of the device", module_id)
#define APP_OPTION_ETAG \
    APP_TEXT("etag", "ETAG", \
             "Only if this is still the current etag; otherwise whatever it is", etag)
#define APP_OPTION_PAYLOAD(otherwise) \
    { \
        APP_ROW(CLI_TEXT, "payload", "JSON", "What the method is given: any JSON, or @FILE", \
                payload), \
            .standard = (otherwise) \
    }
#define APP_OPTION_RESPONSE_TIMEOUT \
    APP_SECONDS("response-timeout", "30", "How long the device may take to answer", \
                response_timeout_ms, 5000, 300000)
#define APP_OPTION_CONNECT_TIMEOUT \
    APP_SECONDS("connect-timeout", "0", "How long the device may take to come online", \
                connect_timeout_ms, 0, 300000)

/* {0} is closed. */
struct app {
    const struct cli_call *call;
    const struct app_values *values;
    struct iothub_service *service;
};

/* How a document, or an array of them, is shown as text. */
struct app_view {
    const struct cli_column *columns;
    size_t n_columns;
    bool is_list;
    /* No columns: a card shows the members as they appear. */
    void (*prepare)(json_t *tree); /* changes the tree for people; NULL: nothing to do */
};

#define APP_CARD(columns) \
    { \
        (columns), ARRAY_LEN(columns), false, NULL \
    }
#define APP_LIST(columns) \
    { \
        (columns), ARRAY_LEN(columns), true, NULL \
    }

/**
 * Make the client that the options describe, and let Ctrl-C end its waits.
 * @return CLI_DONE, and the app must be closed; else the verb's exit code, and it was said why.
 */
MUST_CHECK int app_open(const struct cli_call *call, struct app *out);

/* {0} is allowed. */
void app_close(struct app *app);

/* Say how a call failed, and hand back the verb's exit code. */
int app_fail(const struct app *app, enum iothub_status status);

/**
 * End a verb that is one call: show its document, or say why there is none, and close the app.
 * @param document  JSON text, taken; NULL when there is nothing to show.
 * @return the verb's exit code.
 */
int app_end(struct app *app, enum iothub_status status, char *document,
            const struct app_view *view);

/* Show a tree as --output wants it; it may be changed for that. */
void app_show(const struct app *app, json_t *tree, const struct app_view *view);

/* Write to stdout at once. */
void app_print(struct buf *text);

/**
 * The text of a JSON argument, which is itself, or a file's content with "@FILE", or stdin's
 * "@-".
 * @param name   the option, for the complaint.
 * @param value  NULL gives NULL.
 * @param out    checked to be JSON; freed by the caller.
 * @return false when it cannot be read or is not JSON; it was said why.
 */
MUST_CHECK bool app_json_argument(const struct cli_call *call, const char *name,
                                  const char *value, char **out);

/**
 * The bytes of an option that is a text, or a file's content with "@FILE", or stdin's "@-".
 * @param value  NULL leaves `out` empty.
 * @param max    how many bytes it may have; more is complained about.
 */
MUST_CHECK bool app_bytes_argument(const struct cli_call *call, const char *name,
                                   const char *value, size_t max, struct buf *out);

/* Whole seconds of an option in milliseconds, rounded up. */
int app_seconds(int64_t ms);

/* Whether Ctrl-C was pressed, or the program told to end. */
bool app_is_stopped(void);

/* Wait; false when stopped meanwhile. */
MUST_CHECK bool app_sleep(int64_t ms);

/* Milliseconds: a monotonic clock's, and since 1970. */
int64_t app_now_ms(void);
int64_t app_at_ms(void);

#endif
