/*
 * A running iothub-emulator with free ports and a data directory in the scene, and the two
 * client programs run against it.
 */
#ifndef E2E_EMULATOR_H
#define E2E_EMULATOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "e2e/process.h"
#include "e2e/scene.h"

#define EMULATOR_TEXT_SIZE 512

enum emulator_port {
    EMULATOR_MQTTS,
    EMULATOR_HTTPS,
    EMULATOR_MQTT,
    EMULATOR_HTTP,
    EMULATOR_PORTS,
};

struct emulator {
    struct scene *scene;
    struct process *process; /* the latest; owned by the scene */
    char data_dir[SCENE_PATH_SIZE];
    char ready_file[SCENE_PATH_SIZE];
    int64_t ports[EMULATOR_PORTS]; /* of the latest start */
    char ca_file[SCENE_PATH_SIZE];
    char connection_string[EMULATOR_TEXT_SIZE]; /* of policy iothubowner */
    size_t n_descriptors; /* the most a start may have open; 0: as many as we */
    bool keeps_ports;     /* a further start takes the ports of the last */
};

/* Where it will be; nothing is started yet. */
void emulator_init(struct emulator *e, struct scene *scene);

/* Start it with these options besides the usual ones, and wait until it is ready. */
void emulator_start(struct emulator *e, const char *const options[]);

/* Start it and do not wait: for starts that should fail. */
struct process *emulator_try(struct emulator *e, const char *const options[]);

/* SIGTERM; it must end with 0. */
void emulator_stop(struct emulator *e);

/* A verb of iothub-emulator with its arguments. */
struct process *emulator_verb(struct emulator *e, const char *const arguments[]);

/* The client programs, told of the emulator by its ready file; the first starts and returns. */
struct process *service_start(struct emulator *e, const char *const arguments[]);
struct process *device_start(struct emulator *e, const char *const arguments[]);

/* Run one to its end, which must be 0.  The text is stdout, owned by the scene. */
const char *service_run(struct emulator *e, const char *const arguments[]);
const char *device_run(struct emulator *e, const char *const arguments[]);

/* The same with --output json behind the arguments.  The caller ends the reference. */
json_t *service_ask(struct emulator *e, const char *const arguments[]);

/* Register a device and write its connection string. */
void device_create(struct emulator *e, const char *id, char out[EMULATOR_TEXT_SIZE]);

/* `iothub-device run` with the connection string, waited for until it is connected. */
struct process *device_play(struct emulator *e, const char *connection_string,
                            const char *const options[]);

/* The value of "SharedAccessKey" in a connection string; its last part. */
const char *key_of(const char *connection_string);

/* A file of the scene parsed as JSON.  The caller ends the reference. */
json_t *read_json(const char *path);

/* Whether the members of `wanted`, and theirs in turn, are in `value` with the same values. */
void expect_json(const json_t *value, const char *wanted);

#endif
