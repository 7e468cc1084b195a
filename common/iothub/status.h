/*
 * Every outcome that the hub, the emulator and the client libraries name: one table.
 *
 * A hub's outcome is its documented six-digit code, whose first three digits are the HTTP
 * status; its name is what travels in the `iothub-errorcode` header and in error bodies.
 * Outcomes below 100 arise on the client's own side and have no wire form.
 *
 * Source: IoT Hub documentation, "Understand and resolve errors"; the service SDKs' ErrorCode
 * enums.
 */
#ifndef IOTHUB_STATUS_H
#define IOTHUB_STATUS_H

/* What the client libraries show of themselves; everything else in them is hidden. */
#ifndef IOTHUB_API
#define IOTHUB_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* X(constant, code, name): what a client meets without an answer from the hub. */
#define IOTHUB_LOCAL_STATUSES(X) \
    X(IOTHUB_OK, 0, "Ok") \
    X(IOTHUB_BAD_CONNECTION_STRING, 1, "BadConnectionString") \
    X(IOTHUB_BAD_ARGUMENT, 2, "BadArgument") \
    X(IOTHUB_CONNECTION_FAILED, 3, "ConnectionFailed") \
    X(IOTHUB_TLS_FAILED, 4, "TlsFailed") \
    X(IOTHUB_TIMED_OUT, 5, "TimedOut") \
    X(IOTHUB_NOT_CONNECTED, 6, "NotConnected") \
    X(IOTHUB_UNEXPECTED_ANSWER, 7, "UnexpectedAnswer") \
    X(IOTHUB_INTERRUPTED, 8, "Interrupted")

/* X(constant, code, name): the hub's own codes. */
#define IOTHUB_HUB_STATUSES(X) \
    X(IOTHUB_GENERIC_BAD_REQUEST, 400000, "GenericBadRequest") \
    X(IOTHUB_INVALID_PROTOCOL_VERSION, 400001, "InvalidProtocolVersion") \
    X(IOTHUB_DEVICE_INVALID_RESULT_COUNT, 400002, "DeviceInvalidResultCount") \
    X(IOTHUB_INVALID_OPERATION, 400003, "InvalidOperation") \
    X(IOTHUB_ARGUMENT_INVALID, 400004, "ArgumentInvalid") \
    X(IOTHUB_ARGUMENT_NULL, 400005, "ArgumentNull") \
    X(IOTHUB_FORMAT_ERROR, 400006, "IotHubFormatError") \
    X(IOTHUB_DEVICE_STORAGE_ENTITY_SERIALIZATION_ERROR, 400007, \
      "DeviceStorageEntitySerializationError") \
    X(IOTHUB_BLOB_CONTAINER_VALIDATION_ERROR, 400008, "BlobContainerValidationError") \
    X(IOTHUB_IMPORT_WARNING_EXISTS_ERROR, 400009, "ImportWarningExistsError") \
    X(IOTHUB_INVALID_SCHEMA_VERSION, 400010, "InvalidSchemaVersion") \
    X(IOTHUB_DEVICE_DEFINED_MULTIPLE_TIMES, 400011, "DeviceDefinedMultipleTimes") \
    X(IOTHUB_DESERIALIZATION_ERROR, 400012, "DeserializationError") \
    X(IOTHUB_BULK_REGISTRY_OPERATION_FAILURE, 400013, "BulkRegistryOperationFailure") \
    X(IOTHUB_DEFAULT_STORAGE_ENDPOINT_NOT_CONFIGURED, 400014, \
      "DefaultStorageEndpointNotConfigured") \
    X(IOTHUB_INVALID_FILE_UPLOAD_CORRELATION_ID, 400015, "InvalidFileUploadCorrelationId") \
    X(IOTHUB_EXPIRED_FILE_UPLOAD_CORRELATION_ID, 400016, "ExpiredFileUploadCorrelationId") \
    X(IOTHUB_INVALID_STORAGE_ENDPOINT, 400017, "InvalidStorageEndpoint") \
    X(IOTHUB_INVALID_MESSAGING_ENDPOINT, 400018, "InvalidMessagingEndpoint") \
    X(IOTHUB_INVALID_FILE_UPLOAD_COMPLETION_STATUS, 400019, \
      "InvalidFileUploadCompletionStatus") \
    X(IOTHUB_INVALID_STORAGE_ENDPOINT_OR_BLOB, 400020, "InvalidStorageEndpointOrBlob") \
    X(IOTHUB_REQUEST_CANCELED, 400021, "RequestCanceled") \
    X(IOTHUB_INVALID_STORAGE_ENDPOINT_PROPERTY, 400022, "InvalidStorageEndpointProperty") \
    X(IOTHUB_ETAG_DOES_NOT_MATCH, 400023, "EtagDoesNotMatch") \
    X(IOTHUB_REQUEST_TIMED_OUT, 400024, "RequestTimedOut") \
    X(IOTHUB_UNSUPPORTED_OPERATION_ON_REPLICA, 400025, "UnsupportedOperationOnReplica") \
    X(IOTHUB_NULL_MESSAGE, 400026, "NullMessage") \
    X(IOTHUB_CONNECTION_FORCEFULLY_CLOSED_ON_NEW_CONNECTION, 400027, \
      "ConnectionForcefullyClosedOnNewConnection") \
    X(IOTHUB_INVALID_DEVICE_SCOPE, 400028, "InvalidDeviceScope") \
    X(IOTHUB_CONNECTION_FORCEFULLY_CLOSED_ON_FAULT_INJECTION, 400029, \
      "ConnectionForcefullyClosedOnFaultInjection") \
    X(IOTHUB_CONNECTION_REJECTED_ON_FAULT_INJECTION, 400030, \
      "ConnectionRejectedOnFaultInjection") \
    X(IOTHUB_INVALID_ENDPOINT_AUTHENTICATION_TYPE, 400031, \
      "InvalidEndpointAuthenticationType") \
    X(IOTHUB_MANAGED_IDENTITY_NOT_ENABLED, 400032, "ManagedIdentityNotEnabled") \
    X(IOTHUB_INVALID_POLICY_KEY, 400035, "InvalidPolicyKey") \
    X(IOTHUB_BULK_REGENERATE_DEVICE_KEY_OPERATION_FAILURE, 400036, \
      "BulkRegenerateDeviceKeyOperationFailure") \
    X(IOTHUB_INVALID_ROUTE_TEST_INPUT, 400100, "InvalidRouteTestInput") \
    X(IOTHUB_INVALID_SOURCE_ON_ROUTE, 400101, "InvalidSourceOnRoute") \
    X(IOTHUB_ROUTING_NOT_ENABLED, 400102, "RoutingNotEnabled") \
    X(IOTHUB_INVALID_CONTENT_ENCODING_OR_TYPE, 400103, "InvalidContentEncodingOrType") \
    X(IOTHUB_CANNOT_REGISTER_MODULE_TO_MODULE, 400301, "CannotRegisterModuleToModule") \
    X(IOTHUB_TENANT_HUB_ROUTING_NOT_ENABLED, 400302, "TenantHubRoutingNotEnabled") \
    X(IOTHUB_INVALID_CONFIGURATION_TARGET_CONDITION, 400401, \
      "InvalidConfigurationTargetCondition") \
    X(IOTHUB_INVALID_CONFIGURATION_CONTENT, 400402, "InvalidConfigurationContent") \
    X(IOTHUB_CANNOT_MODIFY_IMMUTABLE_CONFIGURATION_CONTENT, 400403, \
      "CannotModifyImmutableConfigurationContent") \
    X(IOTHUB_INVALID_CONFIGURATION_CUSTOM_METRICS_QUERY, 400404, \
      "InvalidConfigurationCustomMetricsQuery") \
    X(IOTHUB_INVALID_PNP_INTERFACE_DEFINITION, 400501, "InvalidPnPInterfaceDefinition") \
    X(IOTHUB_INVALID_PNP_DESIRED_PROPERTIES, 400502, "InvalidPnPDesiredProperties") \
    X(IOTHUB_INVALID_PNP_REPORTED_PROPERTIES, 400503, "InvalidPnPReportedProperties") \
    X(IOTHUB_INVALID_PNP_WRITABLE_REPORTED_PROPERTIES, 400504, \
      "InvalidPnPWritableReportedProperties") \
    X(IOTHUB_INVALID_DIGITAL_TWIN_JSON_PATCH, 400505, "InvalidDigitalTwinJsonPatch") \
    X(IOTHUB_INVALID_DIGITAL_TWIN_PAYLOAD, 400506, "InvalidDigitalTwinPayload") \
    X(IOTHUB_INVALID_DIGITAL_TWIN_PATCH, 400507, "InvalidDigitalTwinPatch") \
    X(IOTHUB_INVALID_DIGITAL_TWIN_PATCH_PATH, 400508, "InvalidDigitalTwinPatchPath") \
    X(IOTHUB_GENERIC_UNAUTHORIZED, 401000, "GenericUnauthorized") \
    X(IOTHUB_NOT_FOUND, 401001, "IotHubNotFound") \
    X(IOTHUB_UNAUTHORIZED_ACCESS, 401002, "IotHubUnauthorizedAccess") \
    X(IOTHUB_UNAUTHORIZED, 401003, "IotHubUnauthorized") \
    X(IOTHUB_ELASTIC_POOL_NOT_FOUND, 401004, "ElasticPoolNotFound") \
    X(IOTHUB_SYSTEM_MODULE_MODIFY_UNAUTHORIZED_ACCESS, 401100, \
      "SystemModuleModifyUnauthorizedAccess") \
    X(IOTHUB_GENERIC_FORBIDDEN, 403000, "GenericForbidden") \
    X(IOTHUB_SUSPENDED, 403001, "IotHubSuspended") \
    X(IOTHUB_QUOTA_EXCEEDED, 403002, "IotHubQuotaExceeded") \
    X(IOTHUB_JOB_QUOTA_EXCEEDED, 403003, "JobQuotaExceeded") \
    X(IOTHUB_DEVICE_MAXIMUM_QUEUE_DEPTH_EXCEEDED, 403004, "DeviceMaximumQueueDepthExceeded") \
    X(IOTHUB_MAX_CBS_TOKEN_EXCEEDED, 403005, "IotHubMaxCbsTokenExceeded") \
    X(IOTHUB_DEVICE_MAXIMUM_ACTIVE_FILE_UPLOAD_LIMIT_EXCEEDED, 403006, \
      "DeviceMaximumActiveFileUploadLimitExceeded") \
    X(IOTHUB_DEVICE_MAXIMUM_QUEUE_SIZE_EXCEEDED, 403007, "DeviceMaximumQueueSizeExceeded") \
    X(IOTHUB_ROUTING_ENDPOINT_RESPONSE_FORBIDDEN, 403008, "RoutingEndpointResponseForbidden") \
    X(IOTHUB_INVALID_MESSAGE_EXPIRY_TIME, 403009, "InvalidMessageExpiryTime") \
    X(IOTHUB_OPERATION_NOT_AVAILABLE_IN_CURRENT_TIER, 403010, \
      "OperationNotAvailableInCurrentTier") \
    X(IOTHUB_KEY_ENCRYPTION_KEY_REVOKED, 403011, "KeyEncryptionKeyRevoked") \
    X(IOTHUB_DEVICE_DISABLED, 403012, "DeviceDisabled") \
    X(IOTHUB_DEVICE_MODEL_MAX_PROPERTIES_EXCEEDED, 403100, "DeviceModelMaxPropertiesExceeded") \
    X(IOTHUB_DEVICE_MODEL_MAX_INDEXABLE_PROPERTIES_EXCEEDED, 403101, \
      "DeviceModelMaxIndexablePropertiesExceeded") \
    X(IOTHUB_DEVICE_MAXIMUM_INFLIGHT_METHOD_EXCEEDED, 403800, \
      "DeviceMaximumInflightMethodExceeded") \
    X(IOTHUB_GENERIC_NOT_FOUND, 404000, "GenericNotFound") \
    X(IOTHUB_DEVICE_NOT_FOUND, 404001, "DeviceNotFound") \
    X(IOTHUB_JOB_NOT_FOUND, 404002, "JobNotFound") \
    X(IOTHUB_QUOTA_METRIC_NOT_FOUND, 404004, "QuotaMetricNotFound") \
    X(IOTHUB_SYSTEM_PROPERTY_NOT_FOUND, 404005, "SystemPropertyNotFound") \
    X(IOTHUB_AMQP_ADDRESS_NOT_FOUND, 404006, "AmqpAddressNotFound") \
    X(IOTHUB_ROUTING_ENDPOINT_RESPONSE_NOT_FOUND, 404007, "RoutingEndpointResponseNotFound") \
    X(IOTHUB_CERTIFICATE_NOT_FOUND, 404008, "CertificateNotFound") \
    X(IOTHUB_ELASTIC_POOL_TENANT_HUB_NOT_FOUND, 404009, "ElasticPoolTenantHubNotFound") \
    X(IOTHUB_MODULE_NOT_FOUND, 404010, "ModuleNotFound") \
    X(IOTHUB_AZURE_TABLE_STORE_NOT_FOUND, 404011, "AzureTableStoreNotFound") \
    X(IOTHUB_FAILING_OVER, 404012, "IotHubFailingOver") \
    X(IOTHUB_FEATURE_NOT_SUPPORTED, 404013, "FeatureNotSupported") \
    X(IOTHUB_DIGITAL_TWIN_INTERFACE_NOT_FOUND, 404014, "DigitalTwinInterfaceNotFound") \
    X(IOTHUB_QUERY_STORE_CLUSTER_NOT_FOUND, 404101, "QueryStoreClusterNotFound") \
    X(IOTHUB_DEVICE_NOT_ONLINE, 404103, "DeviceNotOnline") \
    X(IOTHUB_DEVICE_CONNECTION_CLOSED_REMOTELY, 404104, "DeviceConnectionClosedRemotely") \
    X(IOTHUB_CONFIGURATION_NOT_FOUND, 404301, "ConfigurationNotFound") \
    X(IOTHUB_GROUP_NOT_FOUND, 404302, "GroupNotFound") \
    X(IOTHUB_DIGITAL_TWIN_MODEL_NOT_FOUND, 404401, "DigitalTwinModelNotFound") \
    X(IOTHUB_INTERFACE_NAME_MODEL_NOT_FOUND, 404402, "InterfaceNameModelNotFound") \
    X(IOTHUB_GENERIC_METHOD_NOT_ALLOWED, 405000, "GenericMethodNotAllowed") \
    X(IOTHUB_OPERATION_NOT_ALLOWED_IN_CURRENT_STATE, 405102, \
      "OperationNotAllowedInCurrentState") \
    X(IOTHUB_IMPORT_DEVICES_NOT_SUPPORTED, 405103, "ImportDevicesNotSupported") \
    X(IOTHUB_BULK_ADD_DEVICES_NOT_SUPPORTED, 405104, "BulkAddDevicesNotSupported") \
    X(IOTHUB_GENERIC_CONFLICT, 409000, "GenericConflict") \
    X(IOTHUB_DEVICE_ALREADY_EXISTS, 409001, "DeviceAlreadyExists") \
    X(IOTHUB_LINK_CREATION_CONFLICT, 409002, "LinkCreationConflict") \
    X(IOTHUB_CALLBACK_SUBSCRIPTION_CONFLICT, 409003, "CallbackSubscriptionConflict") \
    X(IOTHUB_MODEL_ALREADY_EXISTS, 409101, "ModelAlreadyExists") \
    X(IOTHUB_DEVICE_LOCKED, 409102, "DeviceLocked") \
    X(IOTHUB_DEVICE_JOB_ALREADY_EXISTS, 409103, "DeviceJobAlreadyExists") \
    X(IOTHUB_JOB_ALREADY_EXISTS, 409104, "JobAlreadyExists") \
    X(IOTHUB_MODULE_ALREADY_EXISTS_ON_DEVICE, 409301, "ModuleAlreadyExistsOnDevice") \
    X(IOTHUB_CONFIGURATION_ALREADY_EXISTS, 409401, "ConfigurationAlreadyExists") \
    X(IOTHUB_APPLY_CONFIGURATION_ALREADY_IN_PROGRESS_ON_DEVICE, 409402, \
      "ApplyConfigurationAlreadyInProgressOnDevice") \
    X(IOTHUB_GENERIC_PRECONDITION_FAILED, 412000, "GenericPreconditionFailed") \
    X(IOTHUB_PRECONDITION_FAILED, 412001, "PreconditionFailed") \
    X(IOTHUB_DEVICE_MESSAGE_LOCK_LOST, 412002, "DeviceMessageLockLost") \
    X(IOTHUB_JOB_RUN_PRECONDITION_FAILED, 412003, "JobRunPreconditionFailed") \
    X(IOTHUB_INFLIGHT_MESSAGES_IN_LINK, 412004, "InflightMessagesInLink") \
    X(IOTHUB_GENERIC_REQUEST_ENTITY_TOO_LARGE, 413000, "GenericRequestEntityTooLarge") \
    X(IOTHUB_MESSAGE_TOO_LARGE, 413001, "MessageTooLarge") \
    X(IOTHUB_TOO_MANY_DEVICES, 413002, "TooManyDevices") \
    X(IOTHUB_TOO_MANY_MODULES_ON_DEVICE, 413003, "TooManyModulesOnDevice") \
    X(IOTHUB_CONFIGURATION_COUNT_LIMIT_EXCEEDED, 413101, "ConfigurationCountLimitExceeded") \
    X(IOTHUB_GENERIC_UNSUPPORTED_MEDIA_TYPE, 415000, "GenericUnsupportedMediaType") \
    X(IOTHUB_INCOMPATIBLE_DATA_TYPE, 415101, "IncompatibleDataType") \
    X(IOTHUB_GENERIC_TOO_MANY_REQUESTS, 429000, "GenericTooManyRequests") \
    X(IOTHUB_THROTTLING_EXCEPTION, 429001, "ThrottlingException") \
    X(IOTHUB_THROTTLE_BACKLOG_LIMIT_EXCEEDED, 429002, "ThrottleBacklogLimitExceeded") \
    X(IOTHUB_THROTTLING_BACKLOG_TIMEOUT, 429003, "ThrottlingBacklogTimeout") \
    X(IOTHUB_THROTTLING_MAX_ACTIVE_JOB_COUNT_EXCEEDED, 429004, \
      "ThrottlingMaxActiveJobCountExceeded") \
    X(IOTHUB_DEVICE_THROTTLING_LIMIT_EXCEEDED, 429005, "DeviceThrottlingLimitExceeded") \
    X(IOTHUB_CLIENT_CLOSED_REQUEST, 499000, "ClientClosedRequest") \
    X(IOTHUB_SERVER_ERROR, 500001, "ServerError") \
    X(IOTHUB_JOB_CANCELLED, 500002, "JobCancelled") \
    X(IOTHUB_GENERIC_TIMEOUT, 500008, "GenericTimeout") \
    X(IOTHUB_INVALID_THROTTLE_PARAMETER, 500009, "InvalidThrottleParameter") \
    X(IOTHUB_GENERIC_BAD_GATEWAY, 502000, "GenericBadGateway") \
    X(IOTHUB_GENERIC_SERVICE_UNAVAILABLE, 503000, "GenericServiceUnavailable") \
    X(IOTHUB_SERVICE_UNAVAILABLE, 503001, "ServiceUnavailable") \
    X(IOTHUB_PARTITION_NOT_FOUND, 503003, "PartitionNotFound") \
    X(IOTHUB_ACTIVATION_FAILED, 503004, "IotHubActivationFailed") \
    X(IOTHUB_SERVER_BUSY, 503005, "ServerBusy") \
    X(IOTHUB_RESTORING, 503006, "IotHubRestoring") \
    X(IOTHUB_RECEIVE_LINK_OPENS_THROTTLED, 503008, "ReceiveLinkOpensThrottled") \
    X(IOTHUB_DEVICE_UNAVAILABLE, 503102, "DeviceUnavailable") \
    X(IOTHUB_GENERIC_GATEWAY_TIMEOUT, 504000, "GenericGatewayTimeout") \
    X(IOTHUB_GATEWAY_TIMEOUT, 504101, "GatewayTimeout")
enum iothub_status {
#define IOTHUB_STATUS_CONSTANT(constant, code, name) constant = (code),
    IOTHUB_LOCAL_STATUSES(IOTHUB_STATUS_CONSTANT) IOTHUB_HUB_STATUSES(IOTHUB_STATUS_CONSTANT)
#undef IOTHUB_STATUS_CONSTANT
};

/**
 * The outcome's name as it goes over the wire: "DeviceNotFound".
 * @return a constant; "Unknown" for a value that is no row.
 */
IOTHUB_API const char *iothub_status_name(enum iothub_status status);

/**
 * The HTTP status of a hub's outcome: 404 for IOTHUB_DEVICE_NOT_FOUND.
 * @return 200 for IOTHUB_OK; 500 for an outcome that has no wire form.
 */
IOTHUB_API int iothub_status_http(enum iothub_status status);

/**
 * The outcome with that name, compared without case.
 * @param name  NUL-terminated.
 * @return the row's status, or `otherwise` when there is none.
 */
IOTHUB_API enum iothub_status iothub_status_from_name(const char *name,
                                                      enum iothub_status otherwise);

/**
 * The most general outcome for an HTTP status that came without a name.
 * @return IOTHUB_OK below 300; the status's *000 row (IOTHUB_SERVER_ERROR for 500), or
 *         IOTHUB_UNEXPECTED_ANSWER.
 */
IOTHUB_API enum iothub_status iothub_status_from_http(int http_status);

#ifdef __cplusplus
}
#endif

#endif
