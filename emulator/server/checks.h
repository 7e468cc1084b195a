/*
 * What single texts must look like.  Each answers NULL for a good one, else what was expected,
 * as the end of a sentence.
 */
#ifndef SERVER_CHECKS_H
#define SERVER_CHECKS_H

#include "base/slice.h"

/* Base64 of LIMIT_KEY_MIN_BYTES to LIMIT_KEY_MAX_BYTES bytes. */
const char *check_shared_key(struct slice text);

/* An IPv4 or IPv6 address. */
const char *check_address(struct slice text);

/* A DNS name (RFC 1123, underscores let through) or an address, without a port. */
const char *check_host_name(struct slice text);

/*
 * What every SDK takes as SharedAccessKeyName: 1 to 64 letters, digits and - _ . @
 * Source: the C# service SDK's IotHubConnectionStringBuilder.
 */
const char *check_policy_name(struct slice text);

#endif
