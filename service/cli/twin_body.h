/*
 * What is written to a twin, from options.
 */
#ifndef SERVICE_CLI_TWIN_BODY_H
#define SERVICE_CLI_TWIN_BODY_H

#include "base/macros.h"
#include "service/cli/app.h"

#define TWIN_OPTION_TAGS APP_TEXT("tags", "JSON", "Tags, or @FILE; null removes one", tags)
#define TWIN_OPTION_DESIRED(otherwise) \
    { \
        APP_ROW(CLI_TEXT, "desired", "JSON", "Desired properties, or @FILE; null removes one", \
                desired), \
            .standard = (otherwise) \
    }

/**
 * {"tags":…,"properties":{"desired":…}} from --tags and --desired, or what --file holds.
 * @param out  JSON text, freed by the caller.
 * @return false when nothing is given or something is no JSON object; it was said why.
 */
MUST_CHECK bool twin_body(const struct cli_call *call, char **out);

/* iothub_service_twin_update() or iothub_service_twin_replace(). */
typedef enum iothub_status twin_write(struct iothub_service *service, const char *device_id,
                                      const char *module_id, const char *body, const char *etag,
                                      char **out);

/* Write the options' body to the twin that the verb's argument names, and show it; the exit
 * code. */
MUST_CHECK int twin_body_send(struct cli_call *call, twin_write *write);

#endif
