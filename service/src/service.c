/*
 * Making and ending a client, and what can be asked about it.
 */
#include "iothub/service.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "iothub/sas_token.h"
#include "service/src/client.h"

#define TIMEOUT_MS       60000
#define TOKEN_LIFETIME_S 3600
#define RETRIES          4
#define RETRY_DELAY_MS   500
#define ANSWER_MAX_BYTES ((size_t)64 << 20)
#define USER_AGENT       "iothub-service-c/" IOTHUB_VERSION

#define ERROR_MAX 1024

static int or_standard(int value, int standard)
{
    return value == 0 ? standard : value;
}

static bool take_signature(struct iothub_service *service)
{
    const char *text = service->hub.shared_access_signature;
    if (!http_is_header_text(text)) {
        return false;
    }
    buf_put_text(&service->token, text);
    service->token_expiry_s = INT64_MAX;
    return true;
}

static enum iothub_status take_connection_string(struct iothub_service *service,
                                                 const char *text, struct buf *error)
{
    if (!connection_string_parse(slice_of(text), CONNECTION_STRING_SERVICE, error,
                                 &service->hub)) {
        return IOTHUB_BAD_CONNECTION_STRING;
    }
    if (service->hub.shared_access_signature != NULL && !take_signature(service)) {
        buf_put_text(error, "SharedAccessSignature holds control characters");
        return IOTHUB_BAD_CONNECTION_STRING;
    }
    return IOTHUB_OK;
}

static enum iothub_status check_options(const struct iothub_service_options *options,
                                        struct buf *error)
{
    if (options->connection_string == NULL) {
        buf_put_text(error, "there is no connection string");
        return IOTHUB_BAD_CONNECTION_STRING;
    }
    if (options->port > 65535 || options->timeout_ms < 0 || options->token_lifetime_s < 0 ||
        options->retry_delay_ms < 0) {
        buf_put_text(error, "a number in the options is out of range");
        return IOTHUB_BAD_ARGUMENT;
    }
    if (options->user_agent != NULL && !http_is_header_text(options->user_agent)) {
        buf_put_text(error, "the user agent holds control characters");
        return IOTHUB_BAD_ARGUMENT;
    }
    if (options->ca_file != NULL && access(options->ca_file, R_OK) != 0) {
        buf_putf(error, "the CA file %s cannot be read", options->ca_file);
        return IOTHUB_TLS_FAILED;
    }
    return IOTHUB_OK;
}

static void take_options(struct iothub_service *service,
                         const struct iothub_service_options *options)
{
    unsigned port = options->port != 0 ? options->port : options->is_plain ? 80 : 443;
    struct buf url;
    buf_init(&url, BUF_CAP_OWN);
    buf_putf(&url, "%s://%s:%u", options->is_plain ? "http" : "https", service->hub.host_name,
             port);
    service->base_url = buf_take_text(&url);
    service->ca_file = mem_dup_text(options->ca_file);
    service->user_agent =
        mem_dup_text(options->user_agent == NULL ? USER_AGENT : options->user_agent);
    service->timeout_ms = or_standard(options->timeout_ms, TIMEOUT_MS);
    service->token_lifetime_s = or_standard(options->token_lifetime_s, TOKEN_LIFETIME_S);
    service->retries = options->retries < 0 ? 0 : or_standard(options->retries, RETRIES);
    service->retry_delay_ms = or_standard(options->retry_delay_ms, RETRY_DELAY_MS);
    service->trace = options->trace;
    service->ctx = options->ctx;
    service->http.ca_file = service->ca_file;
    service->http.user_agent = service->user_agent;
    service->http.max_answer_bytes = options->max_answer_bytes == 0 ? ANSWER_MAX_BYTES
                                                                    : options->max_answer_bytes;
    service->http.is_direct = http_is_direct(service->hub.host_name, options->address);
    service->http.interrupted = options->interrupted;
    service->http.ctx = options->ctx;
}

static enum iothub_status fill(struct iothub_service *service,
                               const struct iothub_service_options *options, struct buf *error)
{
    enum iothub_status status = check_options(options, error);
    if (status == IOTHUB_OK) {
        status = take_connection_string(service, options->connection_string, error);
    }
    if (status != IOTHUB_OK) {
        return status;
    }
    take_options(service, options);
    if (!http_init(&service->http, options->address)) {
        buf_put_text(error, "the HTTP client cannot be set up");
        return IOTHUB_CONNECTION_FAILED;
    }
    return IOTHUB_OK;
}

enum iothub_status iothub_service_create(const struct iothub_service_options *options,
                                         char **error, struct iothub_service **out)
{
    http_begin_use();
    struct iothub_service *service = mem_alloc(sizeof(*service));
    struct buf why;
    buf_init(&why, ERROR_MAX);
    buf_init(&service->token, SAS_TOKEN_MAX_BYTES);
    enum iothub_status status = fill(service, options, &why);
    if (status == IOTHUB_OK) {
        *out = service;
    } else {
        iothub_service_destroy(service);
        if (error != NULL) {
            *error = buf_take_text(&why);
        }
    }
    buf_finish(&why);
    return status;
}

void iothub_service_destroy(struct iothub_service *service)
{
    if (service == NULL) {
        return;
    }
    http_finish(&service->http);
    connection_string_finish(&service->hub);
    mem_free_secret(service->token.data, service->token.len);
    buf_finish(&service->error_text);
    free(service->base_url);
    free(service->ca_file);
    free(service->user_agent);
    free(service->tracking_id);
    free(service);
    http_end_use();
}

const char *iothub_service_host_name(const struct iothub_service *service)
{
    return service->hub.host_name;
}

const char *iothub_service_policy_name(const struct iothub_service *service)
{
    return service->hub.shared_access_key_name == NULL ? ""
                                                       : service->hub.shared_access_key_name;
}

const char *iothub_service_error_text(const struct iothub_service *service)
{
    return service->error_text.len == 0 ? "" : service->error_text.data;
}

const char *iothub_service_tracking_id(const struct iothub_service *service)
{
    return service->tracking_id == NULL ? "" : service->tracking_id;
}

int iothub_service_http_status(const struct iothub_service *service)
{
    return service->http_status;
}
