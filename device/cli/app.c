/*
 * Clients as the options want them.
 */
#include "device/cli/app.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "device/cli/loop.h"

struct iothub_device_options app_device_options(const struct cli_call *call,
                                                const struct roster *roster, size_t which)
{
    const struct app_values *v = call->values;
    return (struct iothub_device_options){
        .connection_string = roster->connection_strings[which],
        .address = v->address,
        .port = (uint16_t)roster->port,
        .is_plain = v->is_plain,
        .ca_file = roster->ca_file,
        .certificate_file = v->certificate_file,
        .key_file = v->key_file,
        .model_id = v->model_id,
        .clean_session = v->is_clean_session,
        .keep_alive_s = (int)v->keep_alive_s,
        .token_lifetime_s = (int)((v->token_lifetime_ms + 999) / 1000),
        .request_timeout_ms = (int)v->timeout_ms,
    };
}

int app_make_client(const struct cli_call *call, const struct roster *roster, size_t which,
                    const struct iothub_device *like, struct iothub_device **out)
{
    struct iothub_device_error error;
    struct iothub_device_options options = app_device_options(call, roster, which);
    options.share_with = like;
    enum iothub_status status = iothub_device_create(&options, &error, out);
    if (status == IOTHUB_OK) {
        return CLI_DONE;
    }
    cli_complain(call, "%s: %s", roster->names[which], error.text);
    return status == IOTHUB_TLS_FAILED ? CLI_FAILED : CLI_WRONG;
}

int app_allow_clients(const struct cli_call *call, size_t n_clients)
{
    size_t n_allowed = loop_allow_clients(n_clients);
    if (n_allowed == 0) {
        return CLI_DONE;
    }
    cli_complain(
        call,
        "the system lets this program open descriptors for about %zu devices, not %zu: "
        "raise the limit (ulimit -n)",
        n_allowed, n_clients);
    return CLI_FAILED;
}

int app_open_loop(const struct cli_call *call, struct loop *loop,
                  struct iothub_device *const *clients, size_t n_clients)
{
    int result = loop_init(loop, clients, n_clients);
    if (result != 0) {
        cli_complain(call, "cannot wait for events: %s", strerror(-result));
        return CLI_FAILED;
    }
    return CLI_DONE;
}

void app_begin(const struct app_values *values)
{
    log_set_level((enum log_level)values->log_level);
    /* Scripts read what is printed while the program goes on. */
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
}

int64_t app_now_ms(void)
{
    static const struct clock clock = {0};
    return clock_read(&clock).now_ms;
}
