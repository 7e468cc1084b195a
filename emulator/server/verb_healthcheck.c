/*
 * `iothub-emulator healthcheck`: whether an emulator is up, for containers and scripts.
 */
#include "server/verbs.h"

#include "iothub/json.h"
#include "server/local_request.h"
#include "server/ready_file.h"

#define TIMEOUT_MIN_MS 100
#define TIMEOUT_MAX_MS 600000
#define PORT_MAX       65535

/* clang-format 14 cannot lay out rows of designated members. */
/* clang-format off */
const struct cli_option verb_healthcheck_options[] = {
    {.name = "port", .type = CLI_NUMBER, .argument = "PORT",
     .offset = offsetof(struct verb_values, port),
     .min = 1, .max = PORT_MAX,
     .help = "Plain HTTP port to ask, whatever the other settings say"},
    {.name = "timeout", .type = CLI_SECONDS, .argument = "SECONDS",
     .offset = offsetof(struct verb_values, timeout_ms),
     .standard = "5", .min = TIMEOUT_MIN_MS, .max = TIMEOUT_MAX_MS,
     .help = "How long to wait for the answer"},
};
/* clang-format on */
const size_t verb_healthcheck_n_options = ARRAY_LEN(verb_healthcheck_options);

const char verb_healthcheck_details[] =
    "The port to ask is --port, or the ready file's, or that of the settings: plain HTTP, or "
    "HTTPS "
    "where that is switched off. The certificate is not checked.\n"
    "The exit code is 0 when the emulator says that it is healthy, and 1 when not.\n"
    "\n"
    "  iothub-emulator healthcheck --ready-file /run/iothub/ready.json\n"
    "  iothub-emulator healthcheck --port 8080 --timeout 2\n";

static bool set_port(struct local_target *target, int64_t http_port, int64_t https_port)
{
    target->is_tls = http_port == 0;
    target->port = target->is_tls ? https_port : http_port;
    return target->port != 0;
}

static bool use_ready_file(const char *path, struct local_target *target, struct buf *error)
{
    struct ready ready = {0};
    switch (ready_file_read(path, error, &ready)) {
    case READY_FOUND:
        break;
    case READY_MISSING:
        buf_putf(error, "not ready: there is no %s", path);
        return false;
    case READY_BAD:
        return false;
    }
    bool is_set = set_port(target, ready.http_port, ready.https_port);
    if (!is_set) {
        buf_put_text(error, "the running emulator listens for neither HTTP nor HTTPS");
    }
    ready_finish(&ready);
    return is_set;
}

static bool use_settings(const struct config *config, struct local_target *target,
                         struct buf *error)
{
    bool is_chosen_at_start = config->has_http ? config->http_port == 0
                                               : config->has_https && config->https_port == 0;
    if (is_chosen_at_start) {
        buf_put_text(error, "the port is chosen at start: give --port or --ready-file");
        return false;
    }
    if (!set_port(target, config->has_http ? config->http_port : 0,
                  config->has_https ? config->https_port : 0)) {
        buf_put_text(error, "HTTP and HTTPS are both switched off");
        return false;
    }
    return true;
}

static bool find_target(const struct verb_values *values, struct local_target *target,
                        struct buf *error)
{
    const struct config *config = &values->config;
    *target = (struct local_target){
        .address = config_local_address(config),
        .timeout_ms = values->timeout_ms,
    };
    if (values->port != 0) {
        return set_port(target, values->port, 0);
    }
    return config->ready_file != NULL ? use_ready_file(config->ready_file, target, error)
                                      : use_settings(config, target, error);
}

static bool says_healthy(const struct local_answer *answer)
{
    json_t *json = json_parse(buf_slice(&answer->body), NULL);
    bool is_healthy =
        answer->status == 200 &&
        slice_equal_text(json_string_slice(json_object_get(json, "status")), "healthy");
    json_decref(json);
    return is_healthy;
}

static int check_health(struct cli_call *call, struct buf *error)
{
    const struct verb_values *values = verb_values_of(call);
    const struct local_request request = {
        .host = config_host_name(&values->config),
        .path = "/health",
    };
    struct local_target target;
    struct local_answer answer = {0};
    if (!find_target(values, &target, error) || !local_get(&target, &request, error, &answer)) {
        return CLI_FAILED;
    }
    bool is_healthy = says_healthy(&answer);
    int status = answer.status;
    local_answer_finish(&answer);
    if (!is_healthy) {
        buf_putf(error, "%s:%lld: not healthy: the answer has status %d%s", target.address,
                 (long long)target.port, status, status == 200 ? " and does not say so" : "");
        return CLI_FAILED;
    }
    return verb_print(SLICE("healthy\n"), error);
}

int verb_healthcheck(struct cli_call *call)
{
    return verb_with_config(call, check_health);
}
