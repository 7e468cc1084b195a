/*
 * Strings to sign, line by line.
 */
#include "hub/storage_sas.h"

#include <assert.h>

#include "base/coding.h"
#include "base/iso8601.h"
#include "base/mem.h"
#include "iothub/sas_token.h"

#define VERSION "2020-12-06"

static const char *protocols_of(const struct storage_account *account)
{
    return account->is_tls ? "https" : "";
}

static const char *expiry_text(char out[ISO8601_MAX], int64_t expiry_ms)
{
    return iso8601_format(out, expiry_ms - expiry_ms % 1000);
}

static void put_signature(const struct storage_account *account, const struct buf *to_sign,
                          struct buf *out)
{
    unsigned char digest[32];
    struct buf text;
    /* The key was checked when it was read. */
    bool is_signed = sas_hmac_sha256(slice_of(account->key), buf_slice(to_sign), digest);
    assert(is_signed);
    (void)is_signed;
    buf_init(&text, BUF_CAP_OWN);
    base64_encode(&text, digest, sizeof(digest));
    buf_put_text(out, "&sig=");
    percent_encode(out, buf_slice(&text));
    buf_finish(&text);
}

static void put_rest(const struct storage_account *account, const char *expiry,
                     const char *permissions, struct buf *out)
{
    buf_put_text(out, "&se=");
    percent_encode(out, slice_of(expiry));
    buf_putf(out, "&sp=%s", permissions);
    if (account->is_tls) {
        buf_put_text(out, "&spr=https");
    }
}

/* NOLINTNEXTLINE(readability-function-size): each is a part of what is signed. */
void storage_sas_put_blob(const struct storage_account *account, struct slice container,
                          struct slice blob, const char *permissions, int64_t expiry_ms,
                          struct buf *out)
{
    char time[ISO8601_MAX];
    const char *expiry = expiry_text(time, expiry_ms);
    struct buf to_sign;
    buf_init(&to_sign, BUF_CAP_OWN);
    buf_putf(&to_sign, "%s\n\n%s\n/blob/%s/", permissions, expiry, account->name);
    buf_put_slice(&to_sign, container);
    buf_put_char(&to_sign, '/');
    buf_put_slice(&to_sign, blob);
    /* No policy, no range of addresses, protocols, version, a blob, of which no snapshot. */
    buf_putf(&to_sign, "\n\n\n%s\n" VERSION "\nb\n\n", protocols_of(account));
    /* No encryption scope, and none of the five headers that a signature may replace. */
    buf_put_text(&to_sign, "\n\n\n\n\n");
    buf_put_text(out, "?sv=" VERSION "&sr=b");
    put_signature(account, &to_sign, out);
    put_rest(account, expiry, permissions, out);
    buf_finish(&to_sign);
}

void storage_sas_put_containers(const struct storage_account *account, int64_t expiry_ms,
                                struct buf *out)
{
    char time[ISO8601_MAX];
    const char *expiry = expiry_text(time, expiry_ms);
    struct buf to_sign;
    buf_init(&to_sign, BUF_CAP_OWN);
    /* Permission, service, kind of resource, no start, expiry, no addresses. */
    buf_putf(&to_sign, "%s\nc\nb\nc\n\n%s\n\n", account->name, expiry);
    buf_putf(&to_sign, "%s\n" VERSION "\n\n", protocols_of(account));
    buf_put_text(out, "?sv=" VERSION "&ss=b&srt=c");
    put_signature(account, &to_sign, out);
    put_rest(account, expiry, "c", out);
    buf_finish(&to_sign);
}
