/*
 * One list of columns a kind of document.
 */
#include "service/cli/columns.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/slice.h"

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

static const struct cli_column configuration[] = {
    {"id",              "id"                                 },
    {"targetCondition", "targetCondition"                    },
    {"priority",        "priority"                           },
    {"labels",          "labels"                             },
    {"schemaVersion",   "schemaVersion"                      },
    {"content",         "content"                            },
    {"createdTime",     "createdTimeUtc"                     },
    {"lastUpdatedTime", "lastUpdatedTimeUtc"                 },
    {"targeted",        "systemMetrics.results.targetedCount"},
    {"applied",         "systemMetrics.results.appliedCount" },
    {"metrics",         "metrics.results"                    },
    {"metricQueries",   "metrics.queries"                    },
    {"etag",            "etag"                               },
};

static const struct cli_column configurations[] = {
    {"id",              "id"                                 },
    {"priority",        "priority"                           },
    {"targetCondition", "targetCondition"                    },
    {"targeted",        "systemMetrics.results.targetedCount"},
    {"applied",         "systemMetrics.results.appliedCount" },
    {"lastUpdatedTime", "lastUpdatedTimeUtc"                 },
};

static const struct cli_column configuration_test[] = {
    {"targetCondition", "targetConditionError"   },
    {"metrics",         "customMetricQueryErrors"},
};

static const struct cli_column statistics[] = {
    {"devices",   "totalDeviceCount"    },
    {"enabled",   "enabledDeviceCount"  },
    {"disabled",  "disabledDeviceCount" },
    {"connected", "connectedDeviceCount"},
};

static const struct cli_column purge[] = {
    {"deviceId", "deviceId"           },
    {"purged",   "totalMessagesPurged"},
};

static const struct cli_column sent[] = {
    {"deviceId",  "deviceId" },
    {"messageId", "messageId"},
};

static const struct cli_column keys[] = {
    {"deviceId", "id"      },
    {"moduleId", "moduleId"},
};

static const struct cli_column feedback[] = {
    {"messageId",   "originalMessageId"},
    {"deviceId",    "deviceId"         },
    {"statusCode",  "statusCode"       },
    {"description", "description"      },
    {"time",        "enqueuedTimeUtc"  },
};

static const struct cli_column file_notification[] = {
    {"deviceId", "deviceId"       },
    {"blobName", "blobName"       },
    {"bytes",    "blobSizeInBytes"},
    {"time",     "enqueuedTimeUtc"},
};

static const struct cli_column import[] = {
    {"deviceId",  "deviceId"   },
    {"moduleId",  "moduleId"   },
    {"error",     "errorCode"  },
    {"errorText", "errorStatus"},
};

const struct app_view columns_device = APP_CARD(device);
const struct app_view columns_devices = APP_LIST(devices);
const struct app_view columns_module = APP_CARD(module);
const struct app_view columns_modules = APP_LIST(modules);
/* A table has no room for when each property was written; JSON output shows it. */
static void drop_metadata(json_t *tree)
{
    json_t *properties = json_object_get(tree, "properties");
    (void)json_object_del(json_object_get(properties, "desired"), "$metadata");
    (void)json_object_del(json_object_get(properties, "reported"), "$metadata");
}

/* A hub that has nothing against any metric may say so with an empty object. */
static void drop_no_errors(json_t *tree)
{
    if (json_object_size(json_object_get(tree, "customMetricQueryErrors")) == 0) {
        (void)json_object_del(tree, "customMetricQueryErrors");
    }
}

const struct app_view columns_twin = {twin, ARRAY_LEN(twin), false, drop_metadata};
const struct app_view columns_method_result = APP_CARD(method_result);
const struct app_view columns_job = APP_CARD(job);
const struct app_view columns_job_devices = APP_LIST(job_devices);
const struct app_view columns_configuration = APP_CARD(configuration);
const struct app_view columns_configurations = APP_LIST(configurations);
const struct app_view columns_configuration_test = {
    configuration_test, ARRAY_LEN(configuration_test), false, drop_no_errors};
const struct app_view columns_statistics = APP_CARD(statistics);
const struct app_view columns_purge = APP_CARD(purge);
const struct app_view columns_sent = APP_CARD(sent);
const struct app_view columns_keys = APP_LIST(keys);
const struct app_view columns_feedback = APP_LIST(feedback);
const struct app_view columns_file_notification = APP_LIST(file_notification);
const struct app_view columns_import = APP_LIST(import);
const struct app_view columns_any = {NULL, 0, false, NULL};

/* The value at a path of members parted by dots; NULL when there is none. */
static const json_t *find(const json_t *row, const char *path)
{
    struct slice rest = slice_of(path);
    struct slice name = {0};
    while (row != NULL && slice_next(&rest, '.', &name)) {
        char *key = slice_dup(name);
        row = json_object_get(row, key);
        free(key);
    }
    return json_is_null(row) ? NULL : row;
}

static bool any_has(const json_t *rows, const char *path)
{
    for (size_t i = 0; i < json_array_size(rows); i++) {
        if (find(json_array_get(rows, i), path) != NULL) {
            return true;
        }
    }
    return false;
}

/* Columns that most tables would show empty. */
static bool is_optional(const char *title)
{
    static const char *const titles[] = {"moduleId", "methodStatus", "payload", "error",
                                         "description"};
    for (size_t i = 0; i < ARRAY_LEN(titles); i++) {
        if (strcmp(title, titles[i]) == 0) {
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
        if (!is_optional(known[i].title) || any_has(rows, known[i].path)) {
            add(out, known[i].title, known[i].path);
        }
    }
}

static void add_members(struct columns *out, const json_t *row)
{
    for (void *at = json_object_iter((json_t *)(uintptr_t)row); at != NULL;
         at = json_object_iter_next((json_t *)(uintptr_t)row, at)) {
        add(out, json_object_iter_key(at), json_object_iter_key(at));
    }
}

void columns_of_card(struct columns *out, const struct app_view *view, const json_t *document)
{
    *out = (struct columns){0};
    if (view->n_columns == 0) {
        add_members(out, document);
    }
    for (size_t i = 0; i < view->n_columns; i++) {
        if (find(document, view->columns[i].path) != NULL) {
            add(out, view->columns[i].title, view->columns[i].path);
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
        for (size_t i = 0; i < json_array_size(rows); i++) {
            add_members(out, json_array_get(rows, i));
        }
    }
}
