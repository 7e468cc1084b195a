/*
 * Starting emulators and brokers, and filling the former with devices.
 */
#include "bench/server.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/mem.h"
#include "iothub/connection_string.h"
#include "iothub/sas_token.h"
#include "iothub/service.h"

#define PATH_SIZE  1024
#define BULK       100
#define DEVICE_KEY "YmVuY2hiZW5jaGJlbmNoYmVuY2hiZW5jaGJlbmNoMDE="
#define TOKEN_S    36000

static void make_folder(const char *folder)
{
    if (mkdir(folder, S_IRWXU) != 0 && errno != EEXIST) {
        bench_fail(NULL, "%s: %s", folder, strerror(errno));
    }
}

int64_t server_start_hub(struct server *server, const char *program, const char *folder,
                         enum server_data data)
{
    char path[PATH_SIZE];
    make_folder(folder);
    *server = (struct server){
        .bench = {.program = program, .folder = folder, .is_on_disk = data == SERVER_ON_DISK}
    };
    int64_t took_us = bench_start(&server->bench, "data");
    (void)snprintf(path, sizeof(path), "%s/" BENCH_READY_FILE, folder);
    json_t *ready = json_load_file(path, 0, NULL);
    server->mqtt_port = (int)json_integer_value(json_object_get(ready, "mqttPort"));
    server->mqtts_port = (int)json_integer_value(json_object_get(ready, "mqttsPort"));
    server->http_port = (int)json_integer_value(json_object_get(ready, "httpPort"));
    server->connection_string =
        mem_dup_text(json_string_value(json_object_get(ready, "connectionString")));
    json_decref(ready);
    return took_us;
}

void server_end_hub(struct server *server)
{
    bench_end(&server->bench);
    free(server->connection_string);
}

/*
 * No limit on what is in flight or waits, nothing kept, nothing logged; small packets leave at
 * once, as the emulator's do.
 */
static void write_configuration(const struct server *server, const char *path,
                                const char *hub_folder)
{
    FILE *file = fopen(path, "we");
    if (file == NULL) {
        bench_fail(NULL, "%s: %s", path, strerror(errno));
    }
    (void)fprintf(file,
                  "user root\nallow_anonymous true\npersistence false\nlog_dest none\n"
                  "connection_messages false\nmax_inflight_messages 0\n"
                  "max_queued_messages 0\nset_tcp_nodelay true\n"
                  "listener %d 127.0.0.1\nmax_connections -1\n"
                  "listener %d 127.0.0.1\nmax_connections -1\n"
                  "certfile %s/data/tls/server.pem\nkeyfile %s/data/tls/server.key\n",
                  server->mqtt_port, server->mqtts_port, hub_folder, hub_folder);
    (void)fclose(file);
}

int64_t server_start_broker(struct server *server, const char *folder, const char *hub_folder)
{
    char path[PATH_SIZE];
    char program[] = "mosquitto";
    char option[] = "-c";
    char *argv[] = {program, option, path, NULL};
    make_folder(folder);
    *server = (struct server){
        .bench = {.program = program, .folder = folder},
        .mqtt_port = bench_free_port(),
        .mqtts_port = bench_free_port()
    };
    (void)snprintf(path, sizeof(path), "%s/mosquitto.conf", folder);
    write_configuration(server, path, hub_folder);
    int ports[] = {server->mqtt_port, server->mqtts_port};
    return bench_start_other(&server->bench, argv, ports, 2);
}

void server_end_broker(struct server *server)
{
    bench_end_other(&server->bench);
}

/* ---- devices ---- */

static void put_devices(struct buf *out, size_t begin, size_t end)
{
    buf_reset(out);
    for (size_t i = begin; i < end; i++) {
        buf_putf(out,
                 "%c{\"id\":\"device-%zu\",\"importMode\":\"create\",\"status\":\"enabled\","
                 "\"authentication\":{\"type\":\"sas\",\"symmetricKey\":{\"primaryKey\":"
                 "\"" DEVICE_KEY "\",\"secondaryKey\":\"" DEVICE_KEY "\"}}}",
                 i == begin ? '[' : ',', i);
    }
    buf_put_char(out, ']');
}

void server_seed(const struct server *server, size_t n)
{
    struct iothub_service *service = NULL;
    struct iothub_service_options options = {.connection_string = server->connection_string,
                                             .port = (unsigned)server->http_port,
                                             .is_plain = true};
    struct buf items = {.cap = BUF_CAP_OWN};
    if (iothub_service_create(&options, NULL, &service) != IOTHUB_OK) {
        bench_fail(NULL, "no service client");
    }
    for (size_t i = 0; i < n; i += BULK) {
        char *answer = NULL;
        put_devices(&items, i, i + BULK < n ? i + BULK : n);
        if (iothub_service_devices_bulk(service, buf_text(&items), &answer) != IOTHUB_OK) {
            bench_fail(NULL, "seeding: %s", iothub_service_error_text(service));
        }
        free(answer);
    }
    buf_finish(&items);
    iothub_service_destroy(service);
}

static void take_apart(const struct server *server, struct connection_string *out)
{
    if (!connection_string_parse(slice_of(server->connection_string), CONNECTION_STRING_SERVICE,
                                 NULL, out)) {
        bench_fail(NULL, "the hub's connection string is none");
    }
}

void server_put_token(const struct server *server, const char *device_id, struct buf *out)
{
    struct connection_string cs;
    struct buf resource = {.cap = BUF_CAP_OWN};
    bool is_owner = device_id[0] == '\0';
    take_apart(server, &cs);
    buf_putf(&resource, "%s%s%s", cs.host_name, is_owner ? "" : "/devices/", device_id);
    bool is_written = sas_token_write(
        out, buf_slice(&resource),
        is_owner ? slice_of(cs.shared_access_key) : SLICE(DEVICE_KEY),
        slice_of(is_owner ? cs.shared_access_key_name : NULL), time(NULL) + TOKEN_S);
    if (!is_written) {
        bench_fail(NULL, "no token for '%s'", device_id);
    }
    buf_finish(&resource);
    connection_string_finish(&cs);
}

void server_put_host(const struct server *server, struct buf *out)
{
    struct connection_string cs;
    take_apart(server, &cs);
    buf_put_text(out, cs.host_name);
    connection_string_finish(&cs);
}
