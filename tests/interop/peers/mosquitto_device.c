/*
 * A device made with libmosquitto and nothing of this project; play.sh says what it does.
 */
#include <mosquitto.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DESIRED  "$iothub/twin/PATCH/properties/desired/#"
#define REPORTED "$iothub/twin/PATCH/properties/reported/?$rid=2"
#define METHODS  "$iothub/methods/POST/"
#define PROPERTIES \
    "alert=true&place=a%20b%2Fc%26d&%24.ct=application%2Fjson&%24.ce=utf-8&%24.mid=m%201"

enum {
    TEXT_SIZE = 512,
    N_FILTERS = 4,
    KEEP_ALIVE_S = 60,
};

struct device {
    struct mosquitto *client;
    const char *id;
    int n_granted;
    bool is_leaving;
};

static void check(int code, const char *what)
{
    if (code != MOSQ_ERR_SUCCESS) {
        (void)fprintf(stderr, "%s: %s\n", what, mosquitto_strerror(code));
        exit(1);
    }
}

static void publish(const struct device *device, const char *topic, const char *text, int qos)
{
    check(mosquitto_publish(device->client, NULL, topic, (int)strlen(text), text, qos, false),
          topic);
}

static void on_connect(struct mosquitto *client, void *ctx, int code)
{
    const struct device *device = ctx;
    char messages[TEXT_SIZE];
    if (code != 0) {
        (void)fprintf(stderr, "refused: %s\n", mosquitto_connack_string(code));
        exit(1);
    }
    (void)snprintf(messages, sizeof(messages), "devices/%s/messages/devicebound/#", device->id);
    const char *const filters[N_FILTERS] = {messages, METHODS "#", "$iothub/twin/res/#",
                                            DESIRED};
    for (int i = 0; i < N_FILTERS; i++) {
        check(mosquitto_subscribe(client, NULL, filters[i], 1), filters[i]);
    }
}

static void on_subscribe(struct mosquitto *client, void *ctx, int id, int n, const int *granted)
{
    struct device *device = ctx;
    char topic[TEXT_SIZE];
    (void)client;
    (void)id;
    if (n != 1 || granted[0] != 1) {
        (void)fputs("not granted\n", stderr);
        exit(1);
    }
    if (++device->n_granted < N_FILTERS) {
        return;
    }
    (void)puts("subscribed");
    (void)snprintf(topic, sizeof(topic), "devices/%s/messages/events/%s", device->id,
                   PROPERTIES);
    publish(device, topic, "{\"temperature\":21.5}", 1);
    publish(device, "$iothub/twin/GET/?$rid=1", "", 0);
    publish(device, REPORTED, "{\"colour\":\"blue\"}", 1);
}

static void on_message(struct mosquitto *client, void *ctx,
                       const struct mosquitto_message *message)
{
    struct device *device = ctx;
    char topic[TEXT_SIZE];
    const char *payload = message->payloadlen == 0 ? "" : message->payload;
    (void)printf("%s %.*s\n", message->topic, message->payloadlen, payload);
    const char *rid = strstr(message->topic, "$rid=");
    if (strncmp(message->topic, METHODS, sizeof(METHODS) - 1) == 0 && rid != NULL) {
        (void)snprintf(topic, sizeof(topic), "$iothub/methods/res/299/?%s", rid);
        check(mosquitto_publish(client, NULL, topic, message->payloadlen, payload, 1, false),
              topic);
    } else if (strncmp(message->topic, "devices/", 8) == 0) {
        device->is_leaving = true;
        check(mosquitto_disconnect(client), "leaving");
    }
}

static int live(struct device *device, char *const argv[])
{
    char user_name[TEXT_SIZE];
    (void)snprintf(user_name, sizeof(user_name), "%s/%s/?api-version=2021-04-12", argv[1],
                   device->id);
    check(mosquitto_username_pw_set(device->client, user_name, argv[5]), "the user's name");
    check(mosquitto_tls_set(device->client, argv[3], NULL, NULL, NULL, NULL), argv[3]);
    mosquitto_connect_callback_set(device->client, on_connect);
    mosquitto_subscribe_callback_set(device->client, on_subscribe);
    mosquitto_message_callback_set(device->client, on_message);
    int port = (int)strtol(argv[2], NULL, 10);
    check(mosquitto_connect(device->client, argv[1], port, KEEP_ALIVE_S), "connecting");
    int code = MOSQ_ERR_SUCCESS;
    while (code == MOSQ_ERR_SUCCESS) {
        code = mosquitto_loop(device->client, -1, 1);
    }
    if (!device->is_leaving) {
        (void)fprintf(stderr, "the connection ended: %s\n", mosquitto_strerror(code));
    }
    return device->is_leaving ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        (void)fputs("usage: mosquitto_device HOST PORT CA_FILE DEVICE_ID PASSWORD\n", stderr);
        return 2;
    }
    struct device device = {.id = argv[4]};
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    (void)mosquitto_lib_init();
    device.client = mosquitto_new(device.id, true, &device);
    if (device.client == NULL) {
        return 1;
    }
    int code = live(&device, argv);
    mosquitto_destroy(device.client);
    (void)mosquitto_lib_cleanup();
    return code;
}
