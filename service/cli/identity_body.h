/*
 * The registry's documents, from options.
 */
#ifndef SERVICE_CLI_IDENTITY_BODY_H
#define SERVICE_CLI_IDENTITY_BODY_H

#include <jansson.h>

#include "base/macros.h"
#include "service/cli/app.h"

/* The options that device create and module create share. */
#define IDENTITY_AUTH_OPTIONS \
    APP_CHOICE("auth", APP_AUTH_WORDS, "sas", "How it proves who it is", auth), \
        IDENTITY_SECRET_OPTIONS, \
        APP_TEXT("file", "JSON", "The whole identity (or @FILE) instead of the options above", \
                 file)

#define IDENTITY_SECRET_OPTIONS \
    APP_TEXT("primary-key", "BASE64", "16 to 64 bytes; without keys the hub makes them", \
             primary_key), \
        APP_TEXT("secondary-key", "BASE64", "The second key", secondary_key), \
        APP_TEXT("primary-thumbprint", "HEX", "SHA-1 or SHA-256 of a self-signed certificate", \
                 primary_thumbprint), \
        APP_TEXT("secondary-thumbprint", "HEX", "The second certificate's", \
                 secondary_thumbprint)

/* The options that change how a device or module proves itself. */
#define IDENTITY_CHANGE_OPTIONS \
    APP_CHOICE("new-auth", "keep|" APP_AUTH_WORDS, "keep", "How it proves who it is", \
               new_auth), \
        IDENTITY_SECRET_OPTIONS

/* The first word of choices that leave a member as it is. */
#define IDENTITY_KEEP 0

/* Nothing happens for NULL. */
void identity_set_text(json_t *object, const char *name, const char *text);

/* The object under that name, made when it is missing or null. */
json_t *identity_inner(json_t *object, const char *name);

/* Change an identity's `authentication` as those options say. */
void identity_change_authentication(json_t *identity, const struct app_values *values);

/* An `authentication` object of that type, index into APP_AUTH_WORDS; a new reference. */
json_t *identity_authentication(const struct app_values *values, int64_t auth);

/**
 * What --file holds, or else an identity of the options.
 * @param out  JSON text, freed by the caller.
 * @return false when --file is no good; it was said why.
 */
MUST_CHECK bool identity_for_device(const struct cli_call *call, char **out);
MUST_CHECK bool identity_for_module(const struct cli_call *call, char **out);

#endif
