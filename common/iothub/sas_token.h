/*
 * Shared access signatures: "SharedAccessSignature sr=…&sig=…&se=…[&skn=…]".
 *
 * The signature is HMAC-SHA256, under the base64-decoded key, of the `sr` value exactly as it
 * stands in the token (still percent-encoded), a line feed, and the `se` value as it stands.
 * Clients differ in how they encode `sr`, so nothing is decoded before hashing.
 * Source: IoT Hub documentation, "Control access with shared access signatures"; all device and
 * service SDKs.
 */
#ifndef IOTHUB_SAS_TOKEN_H
#define IOTHUB_SAS_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/slice.h"

/* Clocks may disagree by this much: a token is accepted until se + SAS_SKEW_S. */
#define SAS_SKEW_S 300

/* A longer text is no token. */
#define SAS_TOKEN_MAX_BYTES 4096

/* The raw fields; slices into the token's text. */
struct sas_token {
    struct slice sr;
    struct slice sig;
    struct slice se;
    struct slice skn; /* empty when absent or empty */
    int64_t expiry_s; /* seconds since 1970; a fraction is cut */
};

/**
 * Split a token into its fields, in any order, names without case.
 * Refused: another prefix, a missing sr, sig or se, a repeated field, an se that is no number.
 */
MUST_CHECK bool sas_token_parse(struct slice text, struct sas_token *out);

/* Whether at_ms lies before the expiry, skew included. */
bool sas_token_is_fresh(const struct sas_token *token, int64_t at_ms);

/**
 * Check the signature against one key in constant time.
 * @param key_base64  a policy's or an identity's key; one that is not base64 matches nothing.
 */
MUST_CHECK bool sas_token_is_signed_by(const struct sas_token *token, struct slice key_base64);

/**
 * Build a token.
 *
 * @param resource  not encoded yet: "host", "host/devices/id"; percent-encoded as a whole here.
 * @param key_base64  the key; @param policy  its policy's name for `skn`, empty for an
 * identity's key.
 * @param expiry_s  seconds since 1970.
 * @return false and nothing appended when the key is not base64.
 */
MUST_CHECK bool sas_token_write(struct buf *out, struct slice resource, struct slice key_base64,
                                struct slice policy, int64_t expiry_s);

/* HMAC-SHA256 of `message` under a base64 key, for the well-known derivations; false for a bad
 * key. */
MUST_CHECK bool sas_hmac_sha256(struct slice key_base64, struct slice message,
                                unsigned char out[32]);

#endif
