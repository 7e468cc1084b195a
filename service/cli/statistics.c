/*
 * iothub-service statistics
 */
#include <stdlib.h>

#include "iothub/json.h"
#include "service/cli/columns.h"
#include "service/cli/verbs.h"

/* Both counts in one document. */
static char *join(const char *devices, const char *service)
{
    json_t *all = json_parse(slice_of(devices), NULL);
    json_t *more = json_parse(slice_of(service), NULL);
    (void)json_object_update(all, more);
    char *text = json_text(all);
    json_decref(all);
    json_decref(more);
    return text;
}

static int run(struct cli_call *call)
{
    struct app app;
    char *devices = NULL;
    char *service = NULL;
    char *all = NULL;
    int code = app_open(call, &app);
    if (code != CLI_DONE) {
        return code;
    }
    enum iothub_status status = iothub_service_device_statistics(app.service, &devices);
    if (status == IOTHUB_OK) {
        status = iothub_service_service_statistics(app.service, &service);
    }
    if (status == IOTHUB_OK) {
        all = join(devices, service);
    }
    free(devices);
    free(service);
    return app_end(&app, status, all, &columns_statistics);
}

const struct cli_verb verb_statistics = {
    .name = "statistics",
    .arguments = "",
    .summary = "Count devices and connections",
    .run = run,
};
