/*
 * A configuration's document, from options.
 */
#ifndef SERVICE_CLI_CONFIGURATION_BODY_H
#define SERVICE_CLI_CONFIGURATION_BODY_H

#include <jansson.h>

#include "base/macros.h"
#include "service/cli/app.h"

/* What can be given when one is made, and changed later. */
#define CONFIGURATION_OPTIONS \
    APP_TEXT("target-condition", "TEXT", \
             "Whom it is for: what follows WHERE in a query, or * for all devices", \
             target_condition), \
        APP_NUMBER("priority", "N", "-1", \
                   "Where several set the same property, the highest counts; -1: not given", \
                   priority, -1, INT32_MAX), \
        APP_TEXT("labels", "JSON", "An object of texts, or @FILE", labels), \
        APP_TEXT("metrics", "JSON", "An object of queries by name, or @FILE", metrics)

#define CONFIGURATION_CONTENT_OPTION \
    APP_TEXT("content", "JSON", \
             "An object, or @FILE: deviceContent, moduleContent or modulesContent", content)

/**
 * Put what the options give into a configuration.
 * @return false when one is not JSON; it was said why.
 */
MUST_CHECK bool configuration_change(const struct cli_call *call, json_t *configuration);

#endif
