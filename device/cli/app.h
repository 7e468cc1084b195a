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

    /* run */
    int64_t count;
    char *device_prefix;
    char *connection_strings;
    char *model_id;
    struct cli_list methods;
    int64_t method_delay_ms;
    int64_t telemetry_every_ms; /* 0: none */
    char *telemetry_data;
    int64_t exit_after_methods;  /* 0: not */
    int64_t exit_after_patches;  /* 0: not */
    int64_t exit_after_messages; /* 0: not */
    int64_t for_ms;              /* 0: without limit */

    /* send */
    char *data;
    char *file;
    struct cli_list properties;
    char *content_type;
    char *content_encoding;
    char *message_id;
    char *correlation_id;
    char *module_output;
    int64_t repeat;
    int64_t every_ms;

    /* fleet */
    int64_t rate; /* messages a second; 0: none */
    int64_t payload_bytes;

    /* receive */
    int64_t n_wanted; /* 0: no end */

    /* upload */
    char *blob_name;
    int64_t https_port;

    /* twin, upload */
    int64_t timeout_ms;

    /* Every verb's. */
    bool is_plain;
    bool is_clean_session;
    bool takes_messages; /* run, fleet */
    bool is_json;        /* receive, fleet */
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

/* Which of the hub's listeners a verb speaks to. */
enum roster_protocol {
    ROSTER_MQTT,
    ROSTER_HTTP,
};

/*
 * Find out which devices are meant: the connection string's, or one or more that a policy
 * speaks for, or a file's.
 * @return CLI_DONE; else the exit code, and it was said why.
 */
MUST_CHECK int roster_init(const struct cli_call *call, enum roster_protocol protocol,
                           struct roster *out);

/* NULL and {0} are allowed; wipes the connection strings. */
void roster_finish(struct roster *roster);

/* The library's options for one of the roster's devices; all texts are borrowed. */
struct iothub_device_options app_device_options(const struct cli_call *call,
                                                const struct roster *roster, size_t which);

/**
 * Make the client of one of the roster's devices.
 * @param like  another one, whose certificate authorities it shares; NULL for the first.
 * @return CLI_DONE; else the exit code, and it was said why.
 */
MUST_CHECK int app_make_client(const struct cli_call *call, const struct roster *roster,
                               size_t which, const struct iothub_device *like,
                               struct iothub_device **out);

/**
 * Let the process have as many clients, before they are made.
 * @return CLI_DONE; CLI_FAILED when the system does not, and it was said.
 */
MUST_CHECK int app_allow_clients(const struct cli_call *call, size_t n_clients);

struct loop;

/**
 * Make a loop for these clients.
 * @return CLI_DONE; else the exit code, and it was said why.
 */
MUST_CHECK int app_open_loop(const struct cli_call *call, struct loop *loop,
                             struct iothub_device *const *clients, size_t n_clients);

/* Set the log level and buffer stdout by lines; the first thing a verb does. */
void app_begin(const struct app_values *values);

/* Milliseconds of a monotonic clock. */
int64_t app_now_ms(void);

#endif
