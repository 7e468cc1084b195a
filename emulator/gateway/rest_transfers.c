/*
 * Import and export of the registry through blob containers, which the emulator does not offer:
 * it reaches no storage account.  It answers as the hub does when a container cannot be
 * reached, so no such job ever exists, and clients that look for one find none. Source: IoT Hub
 * REST, "Jobs - Create/Get/Cancel Import Export Job".
 */
#include "gateway/rest.h"
#include "iothub/json.h"

static enum iothub_status fail(struct rest_call *call, enum iothub_status status,
                               const char *text)
{
    rest_answer_error(call->exchange, status, text, REST_ENVELOPE);
    return IOTHUB_OK;
}

static bool has_text(const struct rest_call *call, const char *name)
{
    return json_string_slice(json_get_nocase(call->body, name)).len != 0;
}

enum iothub_status rest_transfer_create(struct rest_call *call)
{
    struct slice type = json_string_slice(json_get_nocase(call->body, "type"));
    bool is_import = slice_equal_nocase(type, SLICE("import"));
    if (!is_import && !slice_equal_nocase(type, SLICE("export"))) {
        return fail(call, IOTHUB_ARGUMENT_INVALID, "The type is import or export.");
    }
    if (is_import && !has_text(call, "inputBlobContainerUri")) {
        return fail(call, IOTHUB_ARGUMENT_NULL, "inputBlobContainerUri is missing.");
    }
    if (!has_text(call, "outputBlobContainerUri")) {
        return fail(call, IOTHUB_ARGUMENT_NULL, "outputBlobContainerUri is missing.");
    }
    return fail(call, IOTHUB_BLOB_CONTAINER_VALIDATION_ERROR,
                is_import ? "Failed to read devices blob from input blob container."
                          : "Unauthorized to write to output blob container.");
}

enum iothub_status rest_transfer_list(struct rest_call *call)
{
    buf_put_text(&call->exchange->answer.body, "[]");
    rest_answer_json(call->exchange);
    return IOTHUB_OK;
}

/* Whatever is asked of one. */
enum iothub_status rest_transfer_none(struct rest_call *call)
{
    return fail(call, IOTHUB_JOB_NOT_FOUND, "JobNotFound");
}
