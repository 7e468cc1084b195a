/*
 * Tokens and connection strings: what is written from a good one reads as the same.
 *
 * The first byte chooses; the rest is a text of that kind.
 */
#include "iothub/connection_string.h"
#include "iothub/sas_token.h"

#include <string.h>

#include "base/coding.h"
#include "base/macros.h"
#include "fuzz/fuzz.h"

#define KEY       "b3duZXItMDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3A="
#define OTHER_KEY "b3RoZXItMDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3A="

/* ---- tokens ----------------------------------------------------------------------------- */

static bool is_inside(struct slice part, struct slice whole)
{
    return part.len == 0 ||
           (part.data >= whole.data && part.data + part.len <= whole.data + whole.len);
}

static void check_token(struct slice text)
{
    struct sas_token token = {0};
    if (!sas_token_parse(text, &token)) {
        return;
    }
    FUZZ_CHECK(text.len <= SAS_TOKEN_MAX_BYTES);
    FUZZ_CHECK(token.sr.len != 0 && token.sig.len != 0 && token.se.len != 0);
    FUZZ_CHECK(is_inside(token.sr, text) && is_inside(token.sig, text) &&
               is_inside(token.se, text) && is_inside(token.skn, text));
    FUZZ_CHECK(!sas_token_is_signed_by(&token, SLICE("no base64")));
    (void)!sas_token_is_signed_by(&token, SLICE(KEY));
    bool was_fresh = sas_token_is_fresh(&token, 0);
    FUZZ_CHECK(was_fresh || !sas_token_is_fresh(&token, INT64_MAX));
}

/* Whatever the resource and the policy are called, a token for them is one. */
static void check_own_token(struct slice text)
{
    struct slice rest = text;
    struct slice resource = fuzz_take_part(&rest);
    struct buf out = fuzz_buf();
    struct sas_token token = {0};
    int64_t expiry_s = (int64_t)text.len * 1000;
    FUZZ_CHECK(sas_token_write(&out, resource, SLICE(KEY), rest, expiry_s));
    bool is_token = sas_token_parse(buf_slice(&out), &token);
    FUZZ_CHECK(is_token || resource.len == 0 || out.len > SAS_TOKEN_MAX_BYTES);
    if (is_token) {
        struct buf decoded = fuzz_buf();
        FUZZ_CHECK(token.expiry_s == expiry_s);
        FUZZ_CHECK(sas_token_is_signed_by(&token, SLICE(KEY)));
        FUZZ_CHECK(!sas_token_is_signed_by(&token, SLICE(OTHER_KEY)));
        percent_decode(&decoded, token.sr);
        FUZZ_CHECK(slice_equal(buf_slice(&decoded), resource));
        buf_reset(&decoded);
        percent_decode(&decoded, token.skn);
        FUZZ_CHECK(slice_equal(buf_slice(&decoded), rest));
        buf_finish(&decoded);
    }
    buf_finish(&out);
}

/* ---- connection strings ----------------------------------------------------------------- */

static void check_same_text(const char *have, const char *want)
{
    FUZZ_CHECK((have == NULL) == (want == NULL));
    FUZZ_CHECK(have == NULL || strcmp(have, want) == 0);
}

static void check_same(const struct connection_string *have,
                       const struct connection_string *want)
{
    check_same_text(have->host_name, want->host_name);
    check_same_text(have->device_id, want->device_id);
    check_same_text(have->module_id, want->module_id);
    check_same_text(have->shared_access_key_name, want->shared_access_key_name);
    check_same_text(have->shared_access_key, want->shared_access_key);
    check_same_text(have->shared_access_signature, want->shared_access_signature);
    check_same_text(have->gateway_host_name, want->gateway_host_name);
    FUZZ_CHECK(have->is_x509 == want->is_x509);
}

static void check_connection_string(struct slice text, enum connection_string_kind kind)
{
    struct connection_string cs = {0};
    struct buf error = fuzz_buf();
    bool is_good = connection_string_parse(text, kind, &error, &cs);
    FUZZ_CHECK(is_good == (error.len == 0));
    if (is_good) {
        struct connection_string again = {0};
        struct buf written = fuzz_buf();
        FUZZ_CHECK(cs.host_name != NULL && cs.host_name[0] != '\0');
        FUZZ_CHECK(kind == CONNECTION_STRING_SERVICE || cs.device_id != NULL);
        connection_string_write(&written, &cs);
        FUZZ_CHECK(connection_string_parse(buf_slice(&written), kind, &error, &again));
        check_same(&again, &cs);
        connection_string_finish(&again);
        buf_finish(&written);
    }
    connection_string_finish(&cs);
    buf_finish(&error);
}

static void check_service_string(struct slice text)
{
    check_connection_string(text, CONNECTION_STRING_SERVICE);
}

static void check_device_string(struct slice text)
{
    check_connection_string(text, CONNECTION_STRING_DEVICE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const checks[])(struct slice) = {
        check_token,
        check_own_token,
        check_service_string,
        check_device_string,
    };
    struct slice rest = fuzz_input(data, size);
    uint8_t choice = fuzz_take_byte(&rest);
    checks[choice % ARRAY_LEN(checks)](rest);
    return 0;
}
