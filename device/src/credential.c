/*
 * User names and tokens.
 */
#include "device/src/credential.h"

#include "base/clock.h"
#include "base/coding.h"
#include "iothub/sas_token.h"
#include "iothub/topics.h"

struct identity credential_identity(const struct connection_string *cs)
{
    return (struct identity){slice_of(cs->device_id), slice_of(cs->module_id)};
}

void credential_put_client_id(struct buf *out, const struct connection_string *cs)
{
    buf_put_text(out, cs->device_id);
    if (cs->module_id != NULL) {
        buf_put_char(out, '/');
        buf_put_text(out, cs->module_id);
    }
}

static void put_client_type(struct buf *out, const char *product_info)
{
    struct buf text;
    buf_init(&text, out->cap);
    buf_put_text(&text, "libiothub_device/" IOTHUB_VERSION);
    if (product_info != NULL) {
        buf_put_char(&text, ' ');
        buf_put_text(&text, product_info);
    }
    percent_encode(out, buf_slice(&text));
    out->failed = out->failed || text.failed;
    buf_finish(&text);
}

void credential_put_user_name(struct buf *out, const struct connection_string *cs,
                              const char *model_id, const char *product_info)
{
    buf_put_text(out, cs->host_name);
    buf_put_char(out, '/');
    credential_put_client_id(out, cs);
    buf_put_text(out, "/?api-version=" CREDENTIAL_API_VERSION);
    if (model_id != NULL) {
        buf_put_text(out, "&model-id=");
        percent_encode(out, slice_of(model_id));
    }
    buf_put_text(out, "&DeviceClientType=");
    put_client_type(out, product_info);
}

/*
 * Ids are encoded here and again with the whole, as the Node SDK does: the hub decodes the
 * resource once and its segments once more.
 */
static void put_resource(struct buf *out, const struct connection_string *cs)
{
    buf_put_text(out, cs->host_name);
    buf_put_text(out, "/" TOPIC_DEVICES);
    percent_encode(out, slice_of(cs->device_id));
    if (cs->module_id != NULL) {
        buf_put_text(out, TOPIC_MODULES);
        percent_encode(out, slice_of(cs->module_id));
    }
}

bool credential_put_token(struct buf *out, const struct connection_string *cs, int64_t expiry_s)
{
    if (cs->shared_access_key == NULL) {
        return false;
    }
    struct buf resource;
    buf_init(&resource, SAS_TOKEN_MAX_BYTES);
    put_resource(&resource, cs);
    bool is_written = !resource.failed &&
                      sas_token_write(out, buf_slice(&resource),
                                      slice_of(cs->shared_access_key),
                                      slice_of(cs->shared_access_key_name), expiry_s);
    buf_finish(&resource);
    return is_written;
}

struct renewal renewal_of(int64_t now_ms, int64_t lifetime_s)
{
    return (struct renewal){now_ms + lifetime_s * 800, now_ms + lifetime_s * 850};
}

struct renewal renewal_none(void)
{
    return (struct renewal){NEVER_MS, NEVER_MS};
}
