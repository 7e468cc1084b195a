/*
 * A client's options, checked, completed and copied.
 */
#ifndef DEVICE_SRC_SETTINGS_H
#define DEVICE_SRC_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"
#include "iothub/connection_string.h"
#include "iothub/device.h"

#define SETTINGS_PORT_TLS   8883
#define SETTINGS_PORT_PLAIN 1883

/* {0} is a valid empty object. */
struct settings {
    struct connection_string cs;
    char *client_id;
    char *user_name;
    const char *server_name; /* what the certificate must name; points into cs */
    char *address;           /* what is connected to */
    uint16_t port;
    bool is_plain;
    bool is_clean_session;
    char *ca_file;
    char *certificate_file;
    char *key_file;
    int keep_alive_s;
    int token_lifetime_s;
    int connect_timeout_ms;
    int request_timeout_ms;
    int backoff_min_ms;
    int backoff_max_ms;
    int max_sends;
};

/*
 * @param error  receives a sentence about what is wrong.
 * @param out    written on success only.
 * @return as iothub_device_create(), less the files' content.
 */
MUST_CHECK enum iothub_status settings_init(const struct iothub_device_options *options,
                                            struct buf *error, struct settings *out);

void settings_finish(struct settings *settings);

#endif
