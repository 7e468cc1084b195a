/*
 * Every documented limit of the hub, and ours where the hub has none that is known.
 * Source, where none is given: IoT Hub documentation, "Quotas and throttling".
 */
#ifndef IOTHUB_LIMITS_H
#define IOTHUB_LIMITS_H

#define KIB 1024

/* Identities. */
#define LIMIT_ID_CHARS            128 /* deviceId, moduleId */
#define LIMIT_STATUS_REASON_CHARS 128
#define LIMIT_KEY_MIN_BYTES       16 /* decoded symmetric key */
#define LIMIT_KEY_MAX_BYTES       64
#define LIMIT_MODULES_PER_DEVICE  50
#define LIMIT_LIST_DEVICES        1000 /* GET /devices?top= */

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
#define EVENT_PARTITIONS       16 /* the default the C SDK's end-to-end suite assumes */

/* Direct methods. */
#define LIMIT_METHOD_PAYLOAD_BYTES (128 * KIB)
#define LIMIT_METHOD_NAME_CHARS    100 /* unconfirmed at the hub */
#define METHOD_RESPONSE_S          30  /* default responseTimeoutInSeconds */
#define METHOD_RESPONSE_MIN_S      5
#define METHOD_RESPONSE_MAX_S      300
#define METHOD_CONNECT_S           0 /* default connectTimeoutInSeconds */
#define METHOD_CONNECT_MAX_S       300
#define LIMIT_METHODS_IN_FLIGHT    1000 /* per device; ours, the hub's is not published */
#define LIMIT_METHODS_WAITING      100000 /* in all; ours */

/* Queries. */
#define LIMIT_QUERY_CHARS 8192
#define QUERY_PAGE_ITEMS  100 /* default and maximum */

/* Jobs. */
#define LIMIT_JOB_ID_CHARS      64
#define LIMIT_ACTIVE_JOBS       100 /* ours: the hub allows 1 to 10 by tier */
#define LIMIT_JOB_START_AHEAD_S (168 * 3600)
#define JOB_EXECUTION_S         3600 /* when maxExecutionTimeInSeconds is missing */

/* MQTT. */
#define LIMIT_MQTT_PACKET_BYTES   (LIMIT_D2C_BYTES + 64 * KIB + 16) /* a full message and its topic */
#define MQTT_KEEP_ALIVE_CEILING_S 1767 /* IoT Hub documentation, "Communicate using MQTT" */
#define MQTT_CONNECT_ARRIVAL_S    60

/* HTTP. */
#define LIMIT_HTTP_BODY_BYTES (1 * KIB * KIB) /* ours: above every documented body */

#endif
