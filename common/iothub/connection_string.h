/*
 * Connection strings: "HostName=h;DeviceId=d;SharedAccessKey=k" and its relatives.
 *
 * Accepted is what the official SDKs accept, refused what the strictest of them refuses, so a
 * string that passes here works everywhere:
 *
 *   service  HostName;SharedAccessKeyName;SharedAccessKey | SharedAccessSignature
 *   device   HostName;DeviceId;SharedAccessKey | SharedAccessSignature | x509=true
 *            [;GatewayHostName] [;SharedAccessKeyName]   (a policy may speak for a device)
 *   module   device form + ;ModuleId
 *
 * Keys are compared without case; unknown or repeated keys, empty values, a NUL, a missing
 * HostName and a trailing part without '=' are errors.  The value is everything after the first
 * '='. Sources: Node ConnectionString.parse, Python connection_string.py, C#
 * IotHubConnectionStringBuilder.
 */
#ifndef IOTHUB_CONNECTION_STRING_H
#define IOTHUB_CONNECTION_STRING_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/slice.h"

/* All members are NUL-terminated texts this structure owns; NULL when absent. */
struct connection_string {
    char *host_name;
    char *device_id;
    char *module_id;
    char *shared_access_key_name;
    char *shared_access_key; /* base64 text, checked to decode */
    char *shared_access_signature;
    char *gateway_host_name;
    bool is_x509;
};

enum connection_string_kind {
    CONNECTION_STRING_SERVICE,
    CONNECTION_STRING_DEVICE, /* or module */
};

/**
 * Parse and check a connection string.
 *
 * @param text   the string; surrounding white space is dropped.
 * @param kind   which of the forms above is wanted.
 * @param error  receives a sentence that names what is wrong and never a key; may be NULL.
 * @param out    written on success only; end it with connection_string_finish().
 */
MUST_CHECK bool connection_string_parse(struct slice text, enum connection_string_kind kind,
                                        struct buf *error, struct connection_string *out);

/* Wipes the key.  NULL and {0} are allowed. */
void connection_string_finish(struct connection_string *cs);

/* The text in the order that every official parser takes, without a trailing semicolon. */
void connection_string_write(struct buf *out, const struct connection_string *cs);

#endif
