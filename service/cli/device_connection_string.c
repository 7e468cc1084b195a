/*
 * iothub-service device connection-string
 */
#include <stdio.h>

#include "base/macros.h"
#include "base/mem.h"
#include "iothub/connection_string.h"
#include "iothub/json.h"
#include "service/cli/app.h"
#include "service/cli/verbs.h"

static const struct cli_option options[] = {
    APP_CHOICE("key", "primary|secondary", "primary", "Which of the two keys", which_key),
    APP_OPTION_MODULE,
};

/* The key that was asked for; NULL when the identity has none. */
static const char *find_key(const json_t *identity, int64_t which)
{
    const json_t *authentication = json_object_get(identity, "authentication");
    const json_t *keys = json_object_get(authentication, "symmetricKey");
    return json_string_value(json_object_get(keys, which == 0 ? "primaryKey" : "secondaryKey"));
}

/* Whether it proves itself by a certificate, which no string can hold. */
static bool has_certificate(const json_t *identity)
{
    const json_t *authentication = json_object_get(identity, "authentication");
    struct slice type = json_string_slice(json_object_get(authentication, "type"));
    return slice_equal_nocase(type, SLICE("selfSigned")) ||
           slice_equal_nocase(type, SLICE("certificateAuthority"));
}

static void show(const struct app *app, const struct connection_string *cs)
{
    struct buf text;
    buf_init(&text, BUF_CAP_OWN);
    connection_string_write(&text, cs);
    if (app->values->output == CLI_OUTPUT_JSON) {
        struct buf json;
        buf_init(&json, BUF_CAP_OWN);
        buf_put_text(&json, "{\"connectionString\": ");
        json_put_string(&json, buf_slice(&text));
        buf_put_char(&json, '}');
        mem_free_secret(text.data, text.len);
        text = json;
    }
    buf_put_char(&text, '\n');
    fputs(buf_text(&text), stdout);
    mem_free_secret(text.data, text.len);
}

static int show_identity(const struct app *app, const char *document)
{
    json_t *identity = json_parse(slice_of(document), NULL);
    struct connection_string cs = {
        .host_name = mem_dup_text(iothub_service_host_name(app->service)),
        .device_id = mem_dup_text(app->call->arguments[0]),
        .module_id = mem_dup_text(app->values->module_id),
        .is_x509 = has_certificate(identity),
    };
    if (!cs.is_x509) {
        cs.shared_access_key = mem_dup_text(find_key(identity, app->values->which_key));
    }
    int code = CLI_DONE;
    if (cs.is_x509 || cs.shared_access_key != NULL) {
        show(app, &cs);
    } else {
        cli_complain(app->call, "it has no such key");
        code = CLI_FAILED;
    }
    connection_string_finish(&cs);
    json_decref(identity);
    return code;
}

static int run(struct cli_call *call)
{
    struct app app;
    char *document = NULL;
    int code = app_open(call, &app);
    if (code != CLI_DONE) {
        return code;
    }
    const char *id = call->arguments[0];
    const char *module_id = app.values->module_id;
    enum iothub_status status =
        module_id == NULL ? iothub_service_device_get(app.service, id, &document)
                          : iothub_service_module_get(app.service, id, module_id, &document);
    code = status == IOTHUB_OK ? show_identity(&app, document) : app_fail(&app, status);
    mem_free_secret_text(document);
    app_close(&app);
    return code;
}

const struct cli_verb verb_device_connection_string = {
    .name = "device connection-string",
    .arguments = "ID",
    .min_arguments = 1,
    .max_arguments = 1,
    .summary = "Print the connection string that a device or module connects with",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
