/*
 * What the verbs of iothub-device share: the options' values, and clients made from them.
 */
#ifndef DEVICE_CLI_APP_H
#define DEVICE_CLI_APP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "cli/cli.h"
#include "iothub/device.h"

/* All options of all verbs; each verb fills those it has. */
struct app_values {
    /* Every verb's. */
    char *connection_string;
    char *ready_file;
    char *device_id;
    char *address;
    int64_t port;
    char *ca_file;
    char *certificate_file;
    char *key_file;
    int64_t keep_alive_s;
    int64_t token_lifetime_ms;
    int64_t wait_ms; /* 0: without limit */
    int64_t log_level;
    bool is_plain;
    bool is_clean_session;

    /* run */
    int64_t count;
    char *device_prefix;
    char *connection_strings;
    char *model_id;
    struct cli_list methods;
    int64_t method_delay_ms;
    int64_t telemetry_every_ms; /* 0: none */
    char *telemetry_data;
    int64_t exit_after_methods; /* 0: not */
    int64_t exit_after_patches; /* 0: not */
    int64_t for_ms;             /* 0: without limit */

    /* send */
    char *data;
    char *file;
    struct cli_list properties;
    char *content_type;
    char *content_encoding;
    char *message_id;
    char *correlation_id;
    int64_t repeat;
    int64_t every_ms;

    /* twin */
    int64_t timeout_ms;
};

/*
 * Rows of an option table; `member` is one of struct app_values, and what follows it is the
 * rest of the row.
 */
#define APP_OPTION(word, what, value, text, member, ...) \
    ((struct cli_option){.name = (word), \
                         .type = (what), \
                         .argument = (value), \
                         .help = (text), \
                         .offset = offsetof(struct app_values, member), \
                         __VA_ARGS__})
#define APP_TEXT(word, value, text, member) \
    APP_OPTION(word, CLI_TEXT, value, text, member, .standard = NULL)
#define APP_TEXT_OR(word, value, env, text, member) \
    APP_OPTION(word, CLI_TEXT, value, text, member, .variable = (env))
#define APP_FLAG(word, text, member) \
    APP_OPTION(word, CLI_FLAG, NULL, text, member, .standard = NULL)
#define APP_LIST(word, value, text, member) \
    APP_OPTION(word, CLI_LIST, value, text, member, .standard = NULL)

/* A number of things, or a time; nothing unless given. */
#define APP_COUNT(word, text, member) \
    APP_OPTION(word, CLI_NUMBER, "N", text, member, .standard = "0", .max = INT64_MAX)
#define APP_SPAN(word, text, member) \
    APP_OPTION(word, CLI_SECONDS, "SECONDS", text, member, .standard = "0", .max = APP_YEAR_MS)

#define APP_RANGE(otherwise, least, most) .standard = (otherwise), .min = (least), .max = (most)

/* Of the verbs that ask the hub something. */
#define APP_TIMEOUT \
    APP_OPTION("timeout", CLI_SECONDS, "SECONDS", \
               "How long to wait for the answer, connecting included", timeout_ms, \
               APP_RANGE("60", 10, APP_HOUR_MS))

/* The longest times options take. */
#define APP_HOUR_MS (INT64_C(3600) * 1000)
#define APP_YEAR_MS (INT64_C(365) * 24 * APP_HOUR_MS)

/* Who the options speak of, and where the hub is.  {0} is empty. */
struct roster {
    char **connection_strings; /* one a device */
    char **names;              /* "device" or "device/module", for people */
    size_t n_devices;
    char *ca_file; /* NULL: the system's */
    int64_t port;  /* 0: the protocol's own */
};

/*
 * Find out which devices are meant: the connection string's, or one or more that a policy
 * speaks for, or a file's.
 * @return CLI_DONE; else the exit code, and it was said why.
 */
MUST_CHECK int roster_init(const struct cli_call *call, struct roster *out);

/* NULL and {0} are allowed; wipes the connection strings. */
void roster_finish(struct roster *roster);

/**
 * Make the client of one of the roster's devices.
 * @return CLI_DONE; else the exit code, and it was said why.
 */
MUST_CHECK int app_make_client(const struct cli_call *call, const struct roster *roster,
                               size_t which, struct iothub_device **out);

/* Set the log level and buffer stdout by lines; the first thing a verb does. */
void app_begin(const struct app_values *values);

/* Milliseconds of a monotonic clock. */
int64_t app_now_ms(void);

#endif
