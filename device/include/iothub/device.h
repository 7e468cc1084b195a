/*
 * A device, or one of its modules, at an IoT hub: messages both ways, direct methods and the
 * twin over MQTT 3.1.1; files over HTTPS.
 *
 * A client owns no thread.  iothub_device_poll() does all work and is the only place where
 * callbacks run; iothub_device_fd(), iothub_device_wants_write() and
 * iothub_device_deadline_ms() let a foreign event loop decide when to call it with a time-out
 * of 0.  Inside a callback every call is allowed but iothub_device_poll() and
 * iothub_device_destroy().  A client may be used by one thread at a time; creating and
 * destroying clients in several threads at once is not safe.
 *
 * Texts given to a call are borrowed for that call; texts given to a callback live until it
 * returns.  Creating a client makes the process ignore SIGPIPE, as libmosquitto does; each
 * takes three descriptors, its socket and a pair of libmosquitto's. Looking up a host name
 * waits for the system's resolver.
 *
 * Source: IoT Hub documentation, "Communicate with your IoT hub using the MQTT protocol".
 */
#ifndef IOTHUB_DEVICE_H
#define IOTHUB_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "iothub/status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct iothub_device;

/* How a client is made.  {0} with a connection string is a good start: 0 and NULL mean the
 * default. */
struct iothub_device_options {
    /*
     * "HostName=…;DeviceId=…[;ModuleId=…];" and one of "SharedAccessKey=…",
     * "SharedAccessSignature=…" and "x509=true".  With "SharedAccessKeyName=…" the key is that
     * of a hub policy with the DeviceConnect right.  With "GatewayHostName=…" the connection
     * goes there.
     */
    const char *connection_string;

    /*
     * Connect to this host name or IP address.  The server's certificate must still name the
     * host of the connection string, and TLS still asks for that name.
     */
    const char *address;
    uint16_t port; /* default 8883, or 1883 when is_plain */
    bool is_plain; /* without TLS: for an emulator on the same machine only */

    const char *ca_file;          /* PEM; default: the certificate authorities of the system */
    const char *certificate_file; /* PEM, the device's chain, leaf first: for x509=true */
    const char *key_file;         /* PEM, not encrypted */

    const char *model_id;     /* "dtmi:…": announce the plug and play model */
    const char *product_info; /* appended to the client type that the hub sees */

    bool
        clean_session; /* default false, as in the official SDKs: the hub keeps subscriptions */
    int keep_alive_s;  /* 5 to 1767; default 240 */
    int token_lifetime_s; /* 1 to 31536000; default 3600; renewed at 80 to 85 % of it */

    int connect_timeout_ms; /* of one attempt, subscriptions included; default 30000 */
    int request_timeout_ms; /* of a twin request, waiting for a connection included; default
                               60000 */
    int backoff_min_ms;     /* ceiling of the first pause between attempts; default 1000 */
    int backoff_max_ms;     /* ceiling of all pauses; default 30000 */
    int max_sends;          /* messages not acknowledged yet, 1 to 30000; default 1000 */

    /*
     * Another client whose certificate authorities are taken instead of loading ca_file, which
     * should be the same: for many clients in one process, since the system's take tens of
     * milliseconds and a megabyte each time.  Borrowed for the call; NULL or a plain one: load.
     */
    const struct iothub_device *share_with;
};

/* One line about what was wrong, without keys and tokens. */
struct iothub_device_error {
    char text[256];
};

enum iothub_device_state {
    IOTHUB_DEVICE_IDLE,       /* not connected, and not going to be */
    IOTHUB_DEVICE_CONNECTING, /* an attempt is under way */
    IOTHUB_DEVICE_CONNECTED,  /* and subscribed to what was asked for */
    IOTHUB_DEVICE_WAITING,    /* for the next attempt */
    IOTHUB_DEVICE_LEAVING,    /* taking leave of the hub */
};

/**
 * Make a client.  Nothing is sent before iothub_device_connect().
 *
 * @param error  receives what is wrong; may be NULL.
 * @param out    the client on success; end it with iothub_device_destroy().
 * @return IOTHUB_OK; IOTHUB_BAD_CONNECTION_STRING; IOTHUB_BAD_ARGUMENT (an option is out of
 *         range); IOTHUB_TLS_FAILED (a certificate or key file cannot be used).
 */
IOTHUB_API enum iothub_status iothub_device_create(const struct iothub_device_options *options,
                                                   struct iothub_device_error *error,
                                                   struct iothub_device **out);

/**
 * End a client.  An open connection is closed at once, as if it had been lost; what is pending
 * is dropped without calling its callbacks.  NULL is allowed.  Not for use from a callback.
 */
IOTHUB_API void iothub_device_destroy(struct iothub_device *client);

/**
 * Called when the connection's state changes, and again with IOTHUB_DEVICE_WAITING when an
 * attempt fails.
 *
 * @param status  why: IOTHUB_OK; IOTHUB_UNAUTHORIZED (the hub refused the identity or token);
 *                IOTHUB_SERVICE_UNAVAILABLE and IOTHUB_INVALID_PROTOCOL_VERSION (it refused for
 *                such a reason); IOTHUB_CONNECTION_FAILED; IOTHUB_TLS_FAILED; IOTHUB_TIMED_OUT;
 *                IOTHUB_UNEXPECTED_ANSWER (it broke the protocol or refused a subscription).
 * @param text    a sentence for people; never NULL.
 */
typedef void (*iothub_device_connection_fn)(void *ctx, enum iothub_device_state state,
                                            enum iothub_status status, const char *text);

IOTHUB_API void iothub_device_on_connection(struct iothub_device *client,
                                            iothub_device_connection_fn fn, void *ctx);

/* A direct method that the hub calls. */
struct iothub_device_method {
    uint64_t request_id; /* for iothub_device_method_answer() */
    const char *name;
    const char *payload; /* JSON, NUL-terminated; empty when the call has none */
    size_t payload_len;
};

struct iothub_device_answer {
    int status;
    const char *payload; /* JSON; NULL means null; must live until the callback has returned */
};

enum iothub_device_answering {
    IOTHUB_DEVICE_ANSWER_NOW,   /* with what stands in *answer */
    IOTHUB_DEVICE_ANSWER_LATER, /* by iothub_device_method_answer() */
};

/**
 * Called when the hub calls a direct method.
 *
 * @param answer  status 200 and no payload at first; its payload must be JSON of at most
 *                128 KiB, else the caller gets status 500.
 */
typedef enum iothub_device_answering (*iothub_device_method_fn)(
    void *ctx, const struct iothub_device_method *method, struct iothub_device_answer *answer);

/**
 * Subscribe to direct methods, now and after every reconnection; fn NULL unsubscribes.
 * A call that arrives while there is no function is answered with status 501.
 */
IOTHUB_API void iothub_device_on_method(struct iothub_device *client,
                                        iothub_device_method_fn fn, void *ctx);

/**
 * Answer a method that was kept for later.
 *
 * @param payload  JSON of at most 128 KiB; NULL means null.
 * @return IOTHUB_OK; IOTHUB_BAD_ARGUMENT (not JSON); IOTHUB_MESSAGE_TOO_LARGE;
 *         IOTHUB_NOT_CONNECTED (the connection that the call came over has ended, the call was
 *         answered already, or 300 seconds have passed: nobody waits for this answer).
 */
IOTHUB_API enum iothub_status iothub_device_method_answer(struct iothub_device *client,
                                                          uint64_t request_id, int status,
                                                          const char *payload);

/**
 * Called when desired properties have changed.
 *
 * @param patch    JSON object, NUL-terminated: what has changed, null for a removed property,
 *                 and "$version".
 * @param version  the new desired version; 0 when the hub did not say.
 */
typedef void (*iothub_device_desired_fn)(void *ctx, const char *patch, size_t patch_len,
                                         int64_t version);

/**
 * Subscribe to changes of desired properties, now and after every reconnection; fn NULL
 * unsubscribes.  The hub does not repeat what changed while there was no connection:
 * get the twin after IOTHUB_DEVICE_CONNECTED and ignore patches that are not newer.
 */
IOTHUB_API void iothub_device_on_desired(struct iothub_device *client,
                                         iothub_device_desired_fn fn, void *ctx);

/**
 * Start connecting; iothub_device_poll() carries it out and keeps the client connected.
 *
 * A lost connection, and an attempt that failed for any other reason than a refusal, is
 * followed by further ones after pauses that grow, without end.  A refusal ends it with
 * IOTHUB_DEVICE_IDLE as long as this call has not led to a connection; later the client
 * retries, as a refusal may then be a hub that is being changed.
 *
 * @return IOTHUB_OK; IOTHUB_INVALID_OPERATION (already connecting, connected or leaving).
 */
IOTHUB_API enum iothub_status iothub_device_connect(struct iothub_device *client);

/**
 * Take leave of the hub.  Go on polling until IOTHUB_DEVICE_IDLE is reported, which takes 2
 * seconds at most.  What is pending stays pending.  No effect when idle already.
 */
IOTHUB_API void iothub_device_disconnect(struct iothub_device *client);

/**
 * Give the client a newer shared access signature in place of the one it was made with.
 *
 * A connection is taken leave of and made again with it, as when a token of the client's own is
 * renewed: nobody is told of a loss, and what is pending stays pending.  A client that waits
 * for its next attempt makes it at once; an idle one keeps it for iothub_device_connect().
 *
 * @param signature  "SharedAccessSignature sr=…&sig=…&se=…"; copied.
 * @return IOTHUB_OK; IOTHUB_BAD_ARGUMENT (not such a text); IOTHUB_INVALID_OPERATION (the
 * client was made with a key, and renews by itself, or with a certificate).
 */
IOTHUB_API enum iothub_status iothub_device_renew_signature(struct iothub_device *client,
                                                            const char *signature);

IOTHUB_API enum iothub_device_state iothub_device_state(const struct iothub_device *client);

/**
 * Do what is to do, waiting for it at most timeout_ms; -1 waits without limit.
 *
 * @return IOTHUB_OK (something was done, or the time has passed); IOTHUB_INTERRUPTED (a signal
 *         came first); IOTHUB_INVALID_OPERATION (called from a callback);
 *         IOTHUB_CONNECTION_FAILED (the system cannot wait, errno says why).
 */
IOTHUB_API enum iothub_status iothub_device_poll(struct iothub_device *client, int timeout_ms);

/* The descriptor to watch for reading; -1 when there is none now.  It changes with each
 * connection. */
IOTHUB_API int iothub_device_fd(const struct iothub_device *client);

/* Whether to watch the descriptor for writing as well. */
IOTHUB_API bool iothub_device_wants_write(const struct iothub_device *client);

/* Milliseconds until iothub_device_poll() wants to be called in any case; -1 when never. */
IOTHUB_API int iothub_device_deadline_ms(const struct iothub_device *client);

struct iothub_device_property {
    const char *name;
    const char *value; /* NULL: a property without a value */
};

/* Texts are UTF-8; NULL means absent. */
struct iothub_device_message {
    const void *payload;
    size_t payload_len;
    const struct iothub_device_property *properties; /* their order is kept */
    size_t n_properties;
    const char
        *message_id; /* at most 128 letters, digits and - : . + % _ # * ? ! ( ) , = @ ; $ ' */
    const char *correlation_id;
    const char *content_type;     /* "application/json": lets queries look into the body */
    const char *content_encoding; /* "utf-8" */
    const char *output;           /* of a module: the output it goes by */
};

/* Called when the hub has acknowledged a message: from then on it is the hub's. */
typedef void (*iothub_device_sent_fn)(void *ctx);

/**
 * Send a message to the hub, at least once: without a connection it waits for one, and what was
 * not acknowledged when a connection broke is sent again.
 *
 * @param message  copied.  At most 256 KiB: the payload, the system properties' values, the
 *                 others' names and values.
 * @param fn       may be NULL.
 * @return IOTHUB_OK; IOTHUB_BAD_ARGUMENT; IOTHUB_MESSAGE_TOO_LARGE;
 *         IOTHUB_DEVICE_MAXIMUM_QUEUE_DEPTH_EXCEEDED (max_sends messages, or 64 MiB of them,
 *         are not acknowledged yet).
 * Source: IoT Hub documentation, "Create and read IoT Hub messages".
 */
IOTHUB_API enum iothub_status iothub_device_send(struct iothub_device *client,
                                                 const struct iothub_device_message *message,
                                                 iothub_device_sent_fn fn, void *ctx);

/* How many messages are not acknowledged yet. */
IOTHUB_API size_t iothub_device_n_unsent(const struct iothub_device *client);

/* A message from the hub.  Texts are UTF-8; NULL means absent. */
struct iothub_device_received {
    const void *payload; /* a NUL that is not counted is behind it */
    size_t payload_len;
    const struct iothub_device_property *properties; /* in the sender's order */
    size_t n_properties;
    const char *message_id;
    const char *correlation_id;
    const char *user_id;
    const char *to; /* "/devices/…/messages/devicebound" */
    const char *content_type;
    const char *content_encoding;
    const char *expiry_time;   /* ISO 8601, as are all times */
    const char *creation_time; /* when its sender made it */
    const char *ack;           /* which feedback the sender wants: "none", "full" ... */
    const char *input;         /* of a module: the input it came by */
};

/*
 * Called when a message has come.  The hub has been told already that it arrived: over MQTT a
 * message can neither be rejected nor given back.  After iothub_device_disconnect() from here,
 * what comes behind it stays in the hub's queue, and is to be ignored should it still come.
 */
typedef void (*iothub_device_message_fn)(void *ctx,
                                         const struct iothub_device_received *message);

/**
 * Subscribe to the messages that a service sends to the device, and of a module to those that
 * come by its inputs; now and after every reconnection.  fn NULL unsubscribes.
 *
 * The hub keeps messages while there is no connection, up to their expiry, and repeats what was
 * not acknowledged.  What comes while there is no function is acknowledged and dropped.
 * Source: IoT Hub developer guide, "Send cloud-to-device messages".
 */
IOTHUB_API void iothub_device_on_message(struct iothub_device *client,
                                         iothub_device_message_fn fn, void *ctx);

/* How a twin request ended. */
struct iothub_device_twin_result {
    enum iothub_status
        status;           /* IOTHUB_OK; IOTHUB_TIMED_OUT; the most general row of the hub's */
    const char *text;     /* what the hub says of an error; never NULL */
    const char *document; /* of a get: {"desired":{…},"reported":{…}}; "" otherwise */
    size_t document_len;
    int64_t version; /* of a report: the new reported version, 0 when the hub did not say */
};

typedef void (*iothub_device_twin_fn)(void *ctx,
                                      const struct iothub_device_twin_result *result);

/**
 * Ask for the twin's desired and reported properties.  Without a connection the request waits
 * for one; when the connection breaks before the answer, it is asked again.
 *
 * @return IOTHUB_OK; IOTHUB_BAD_ARGUMENT (fn is NULL);
 *         IOTHUB_DEVICE_MAXIMUM_QUEUE_DEPTH_EXCEEDED (1000 requests are open).
 */
IOTHUB_API enum iothub_status iothub_device_twin_get(struct iothub_device *client,
                                                     iothub_device_twin_fn fn, void *ctx);

/**
 * Change the twin's reported properties, as iothub_device_twin_get() asks for them.
 *
 * @param patch  JSON object, at most 256 KiB as text; null removes a property.  The hub allows
 *               32 KiB of reported properties, counted in its own way.
 * @param fn     may be NULL.
 * @return as iothub_device_twin_get(); IOTHUB_BAD_ARGUMENT (not a JSON object);
 *         IOTHUB_MESSAGE_TOO_LARGE.
 */
IOTHUB_API enum iothub_status iothub_device_twin_report(struct iothub_device *client,
                                                        const char *patch,
                                                        iothub_device_twin_fn fn, void *ctx);

/* A file for the storage account behind the hub. */
struct iothub_device_upload {
    const char *blob_name; /* "dir/file.txt": the blob is "{deviceId}/dir/file.txt" */
    const char *path;      /* what is uploaded: a file, or NULL for the bytes that follow */
    const void *data;
    size_t data_len;
    const char *content_type; /* of the blob; NULL: the storage's default */

    /* Asked several times a second; true ends the upload.  May be NULL, as all that follow. */
    bool (*interrupted)(void *ctx);
    /* Told what part has arrived, in bytes. */
    void (*progress)(void *ctx, int64_t n_done, int64_t n_bytes);
    void *ctx;
};

/**
 * Upload a file: ask the hub for a place, write the blob there, tell the hub how that ended.
 *
 * It goes over HTTPS connections of its own and waits until it is done, so that a program with
 * a client of the same device calls it from another thread.  Failed requests are repeated up to
 * four times.  Larger files go in blocks.
 *
 * @param options  as for iothub_device_create(); the port is 443, or 80 when is_plain, unless
 *                 it is given.  Each request to the hub has request_timeout_ms.
 * @param error    receives what went wrong; may be NULL.
 * @return IOTHUB_OK (the hub knows that the blob is there); IOTHUB_BAD_CONNECTION_STRING;
 *         IOTHUB_BAD_ARGUMENT (an option, a module, no blob name, a file that cannot be read);
 *         IOTHUB_CONNECTION_FAILED; IOTHUB_TLS_FAILED; IOTHUB_TIMED_OUT; IOTHUB_INTERRUPTED;
 *         IOTHUB_UNEXPECTED_ANSWER; IOTHUB_DEFAULT_STORAGE_ENDPOINT_NOT_CONFIGURED,
 *         IOTHUB_DEVICE_MAXIMUM_ACTIVE_FILE_UPLOAD_LIMIT_EXCEEDED and others of the hub's; the
 *         most general row for what the storage account refuses.
 * Source: IoT Hub developer guide, "Upload files with IoT Hub".
 */
IOTHUB_API enum iothub_status iothub_device_upload(const struct iothub_device_options *options,
                                                   const struct iothub_device_upload *upload,
                                                   struct iothub_device_error *error);

#ifdef __cplusplus
}
#endif

#endif
