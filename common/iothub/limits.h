/*
 * Every documented limit of the hub, and ours where the hub has none that is known.
 * Source, where none is given: IoT Hub documentation, "Quotas and throttling".
 */
#ifndef IOTHUB_LIMITS_H
#define IOTHUB_LIMITS_H

#define KIB 1024

/* Identities.  Devices have no quota here; the hub's is a million (TooManyDevices). */
#define LIMIT_ID_CHARS            128 /* deviceId, moduleId */
#define LIMIT_STATUS_REASON_CHARS 128
#define LIMIT_KEY_MIN_BYTES       16 /* decoded symmetric key */
#define LIMIT_KEY_MAX_BYTES       64
#define LIMIT_MODULES_PER_DEVICE  50
#define LIMIT_LIST_DEVICES        1000 /* GET /devices?top= */
#define LIMIT_BULK_ITEMS          100

/* Twins: sizes count names and values, numbers as 8 and booleans as 4 bytes. */
#define LIMIT_TAGS_BYTES        (8 * KIB)
#define LIMIT_DESIRED_BYTES     (32 * KIB)
#define LIMIT_REPORTED_BYTES    (32 * KIB)
#define LIMIT_TWIN_KEY_BYTES    1024
#define LIMIT_TWIN_STRING_BYTES 4096
#define LIMIT_TWIN_DEPTH        10
#define LIMIT_TWIN_INTEGER_MIN  (-4503599627370496LL)
#define LIMIT_TWIN_INTEGER_MAX  4503599627370495LL

/* Messages. */
#define LIMIT_D2C_BYTES        (256 * KIB)
#define LIMIT_C2D_BYTES        (64 * KIB)
#define LIMIT_C2D_QUEUE        50
#define LIMIT_MESSAGE_ID_CHARS 128
#define LIMIT_D2C_BATCH        500 /* messages */
#define EVENT_PARTITIONS       16  /* the default the C SDK's end-to-end suite assumes */

/* Cloud-to-device messages, and the feedback on them: the defaults of a hub's settings. */
#define LIMIT_C2D_PROPERTIES_BYTES (60 * KIB) /* encoded; ours: an MQTT topic can take them */
#define LIMIT_C2D_TTL_S            (2 * 24 * 3600)
#define C2D_TTL_S                  3600
#define C2D_LOCK_S                 60
#define C2D_DELIVERIES             10
#define FEEDBACK_BATCH             64
#define FEEDBACK_BATCH_S           15
#define FEEDBACK_TTL_S             3600
#define FEEDBACK_DELIVERIES        10
#define LIMIT_FEEDBACK_RECORDS     100000 /* ours */

/* File uploads: the limits and defaults of a hub's settings. */
#define LIMIT_UPLOADS_PER_DEVICE     10   /* open at once */
#define LIMIT_BLOB_NAME_CHARS        1024 /* with the device's id; Azure Storage, "Naming" */
#define LIMIT_BLOB_SEGMENTS          254
#define LIMIT_STORAGE_WAITS          1000 /* ours */
#define STORAGE_TIMEOUT_S            15   /* ours */
#define UPLOAD_REMEMBERED_S          3600 /* after it expired; ours */
#define FILE_NOTIFICATION_TTL_S      3600
#define FILE_NOTIFICATION_LOCK_S     60
#define FILE_NOTIFICATION_DELIVERIES 10

/* Direct methods. */
#define LIMIT_METHOD_PAYLOAD_BYTES (128 * KIB)
#define LIMIT_METHOD_NAME_CHARS    100 /* unconfirmed at the hub */
#define METHOD_RESPONSE_S          30  /* default responseTimeoutInSeconds */
#define METHOD_RESPONSE_MIN_S      5
#define METHOD_RESPONSE_MAX_S      300
#define METHOD_CONNECT_S           0 /* default connectTimeoutInSeconds */
#define METHOD_CONNECT_MAX_S       300
#define LIMIT_METHODS_IN_FLIGHT    1000   /* per device; ours, the hub's is not published */
#define LIMIT_METHODS_WAITING      100000 /* in all; ours */

/* Queries. */
#define LIMIT_QUERY_CHARS 8192
#define QUERY_PAGE_ITEMS  100 /* default and maximum */

/* Jobs. */
#define LIMIT_JOB_ID_CHARS      64
#define LIMIT_ACTIVE_JOBS       100 /* ours: the hub allows 1 to 10 by tier */
#define LIMIT_JOB_START_AHEAD_S (168 * 3600)
#define JOB_EXECUTION_S         3600 /* when maxExecutionTimeInSeconds is missing */

/* Configurations and edge deployments. */
#define LIMIT_CONFIGURATION_ID_CHARS 128
#define LIMIT_CONFIGURATIONS         100 /* of both kinds together */
#define LIMIT_CONFIGURATION_METRICS  5   /* custom ones of a configuration */
#define LIMIT_DEPLOYMENT_MODULES     50

/* MQTT. */
#define LIMIT_MQTT_PACKET_BYTES \
    (LIMIT_D2C_BYTES + 64 * KIB + 16)  /* a full message and its topic */
#define MQTT_KEEP_ALIVE_CEILING_S 1767 /* IoT Hub documentation, "Communicate using MQTT" */
#define MQTT_CONNECT_ARRIVAL_S    60

#define LIMIT_MQTT_CONNECT_BYTES (64 * KIB)
#define LIMIT_MQTT_OUT_BYTES     (4 * KIB * KIB) /* that wait for a client; ours */
#define MQTT_WINDOW              16              /* messages to a client without PUBACK; ours */

/* HTTP; all ours. */
#define LIMIT_HTTP_BODY_BYTES   (1 * KIB * KIB)  /* above every documented body */
#define LIMIT_HTTP_BODIES_BYTES (64 * KIB * KIB) /* of all requests that are held */
#define LIMIT_HTTP_HEAD_BYTES   (32 * KIB)       /* beyond it the answer is 431 */
#define HTTP_IDLE_S             120
#define HTTP_REQUEST_S          30        /* for a whole request, its body aside */
#define HTTP_BODY_BYTES_PER_S   (4 * KIB) /* a body may take as much longer as this allows */
#define HTTP_ANSWER_S           300       /* for taking an answer, or a part of a stream */

/* TLS. */
#define TLS_HANDSHAKE_S 30 /* ours */

#endif
