/*
 * One list of columns a kind of document.
 */
#include "service/cli/columns.h"

#include <stdbool.h>
#include <string.h>

#include "base/macros.h"

static const struct cli_column device[] = {
    {"deviceId",         "deviceId"                                       },
    {"status",           "status"                                         },
    {"statusReason",     "statusReason"                                   },
    {"connectionState",  "connectionState"                                },
    {"lastActivityTime", "lastActivityTime"                               },
    {"authentication",   "authentication.type"                            },
    {"thumbprint",       "authentication.x509Thumbprint.primaryThumbprint"},
    {"iotEdge",          "capabilities.iotEdge"                           },
    {"deviceScope",      "deviceScope"                                    },
    {"queuedMessages",   "cloudToDeviceMessageCount"                      },
    {"generationId",     "generationId"                                   },
    {"etag",             "etag"                                           },
};

static const struct cli_column devices[] = {
    {"deviceId",         "deviceId"                 },
    {"status",           "status"                   },
    {"connectionState",  "connectionState"          },
    {"authentication",   "authentication.type"      },
    {"iotEdge",          "capabilities.iotEdge"     },
    {"lastActivityTime", "lastActivityTime"         },
    {"queuedMessages",   "cloudToDeviceMessageCount"},
};

static const struct cli_column module[] = {
    {"deviceId",         "deviceId"           },
    {"moduleId",         "moduleId"           },
    {"managedBy",        "managedBy"          },
    {"connectionState",  "connectionState"    },
    {"lastActivityTime", "lastActivityTime"   },
    {"authentication",   "authentication.type"},
    {"generationId",     "generationId"       },
    {"etag",             "etag"               },
};

static const struct cli_column modules[] = {
    {"moduleId",         "moduleId"           },
    {"managedBy",        "managedBy"          },
    {"connectionState",  "connectionState"    },
    {"authentication",   "authentication.type"},
    {"lastActivityTime", "lastActivityTime"   },
};

static const struct cli_column twin[] = {
    {"deviceId",         "deviceId"           },
    {"moduleId",         "moduleId"           },
    {"status",           "status"             },
    {"connectionState",  "connectionState"    },
    {"lastActivityTime", "lastActivityTime"   },
    {"modelId",          "modelId"            },
    {"version",          "version"            },
    {"etag",             "etag"               },
    {"tags",             "tags"               },
    {"desired",          "properties.desired" },
    {"reported",         "properties.reported"},
};

static const struct cli_column twins[] = {
    {"deviceId",         "deviceId"          },
    {"moduleId",         "moduleId"          },
    {"status",           "status"            },
    {"connectionState",  "connectionState"   },
    {"authentication",   "authenticationType"},
    {"lastActivityTime", "lastActivityTime"  },
    {"version",          "version"           },
    {"tags",             "tags"              },
};

static const struct cli_column method_result[] = {
    {"status",  "status" },
    {"payload", "payload"},
};

static const struct cli_column job[] = {
    {"jobId",          "jobId"                             },
    {"type",           "type"                              },
    {"status",         "status"                            },
    {"queryCondition", "queryCondition"                    },
    {"createdTime",    "createdTime"                       },
    {"startTime",      "startTime"                         },
    {"endTime",        "endTime"                           },
    {"maxExecution",   "maxExecutionTimeInSeconds"         },
    {"method",         "cloudToDeviceMethod.methodName"    },
    {"payload",        "cloudToDeviceMethod.payload"       },
    {"tags",           "updateTwin.tags"                   },
    {"desired",        "updateTwin.properties.desired"     },
    {"devices",        "deviceJobStatistics.deviceCount"   },
    {"succeeded",      "deviceJobStatistics.succeededCount"},
    {"failed",         "deviceJobStatistics.failedCount"   },
    {"running",        "deviceJobStatistics.runningCount"  },
    {"pending",        "deviceJobStatistics.pendingCount"  },
    {"failureReason",  "failureReason"                     },
};

static const struct cli_column jobs[] = {
    {"jobId",     "jobId"                             },
    {"type",      "type"                              },
    {"status",    "status"                            },
    {"startTime", "startTime"                         },
    {"endTime",   "endTime"                           },
    {"devices",   "deviceJobStatistics.deviceCount"   },
    {"succeeded", "deviceJobStatistics.succeededCount"},
    {"failed",    "deviceJobStatistics.failedCount"   },
};

static const struct cli_column job_devices[] = {
    {"deviceId",     "deviceId"                            },
    {"moduleId",     "moduleId"                            },
    {"status",       "status"                              },
    {"methodStatus", "outcome.deviceMethodResponse.status" },
    {"payload",      "outcome.deviceMethodResponse.payload"},
    {"error",        "error.code"                          },
    {"description",  "error.description"                   },
};

const struct app_view columns_device = APP_CARD(device);
const struct app_view columns_devices = APP_LIST(devices);
const struct app_view columns_module = APP_CARD(module);
const struct app_view columns_modules = APP_LIST(modules);
const struct app_view columns_twin = APP_CARD(twin);
const struct app_view columns_method_result = APP_CARD(method_result);
const struct app_view columns_job = APP_CARD(job);
const struct app_view columns_job_devices = APP_LIST(job_devices);

static bool any_has(const json_t *rows, const char *name)
{
    for (size_t i = 0; i < json_array_size(rows); i++) {
        if (json_object_get(json_array_get(rows, i), name) != NULL) {
            return true;
        }
    }
    return false;
}

static void add(struct columns *out, const char *title, const char *path)
{
    for (size_t i = 0; i < out->n_items; i++) {
        if (strcmp(out->items[i].title, title) == 0) {
            return;
        }
    }
    if (out->n_items < COLUMNS_MAX) {
        out->items[out->n_items++] = (struct cli_column){title, path};
    }
}

static void add_known(struct columns *out, const struct cli_column *known, size_t n_known,
                      const json_t *rows)
{
    for (size_t i = 0; i < n_known; i++) {
        if (strcmp(known[i].title, "moduleId") != 0 || any_has(rows, "moduleId")) {
            add(out, known[i].title, known[i].path);
        }
    }
}

static void add_members(struct columns *out, const json_t *rows)
{
    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_t *row = json_array_get(rows, i);
        const char *name = NULL;
        json_t *value = NULL;
        json_object_foreach(row, name, value)
        {
            add(out, name, name);
        }
    }
}

void columns_for_rows(struct columns *out, const char *item_type, const json_t *rows)
{
    *out = (struct columns){0};
    if (strcmp(item_type, "Twin") == 0) {
        add_known(out, twins, ARRAY_LEN(twins), rows);
    } else if (strcmp(item_type, "DeviceJob") == 0) {
        add_known(out, job_devices, ARRAY_LEN(job_devices), rows);
    } else if (strcmp(item_type, "JobResponse") == 0) {
        add_known(out, jobs, ARRAY_LEN(jobs), rows);
    } else {
        add_members(out, rows);
    }
}
