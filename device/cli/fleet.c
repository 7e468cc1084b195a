/*
 * fleet: thousands of devices from one process, and figures of what the hub makes of them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "device/cli/crowd.h"
#include "device/cli/verbs.h"
#include "iothub/limits.h"

#define COUNT_MAX 100000
#define RATE_MAX  1000000

/* How long outstanding acknowledgements are waited for at the end. */
#define DRAIN_MS 5000

/* Lines begin with the titles again after so many. */
#define LINES_A_TITLE 20

struct fleet {
    struct crowd crowd;
    struct crowd_figures before; /* as of the last line */
    struct histogram latency_us; /* of all lines */
    int64_t begun_us;
    int64_t line_us;      /* when the last line was made */
    int64_t connected_us; /* how long it took until all were */
    int64_t sending_us;   /* how long messages were sent */
    int n_lines;
};

static double ms_of(int64_t us)
{
    return (double)us / 1000.0;
}

static int64_t per_second(int64_t n, int64_t us)
{
    return us <= 0 ? 0 : (n * 1000000 + us / 2) / us;
}

static void print_titles(void)
{
    (void)printf("%8s %9s %8s %8s %8s %9s %9s %8s %8s %8s\n", "seconds", "connected", "conn/s",
                 "sent/s", "ackd/s", "p50 ms", "p99 ms", "method/s", "recvd/s", "lost/s");
}

/* One line about what has happened since the last. */
static void print_line(struct fleet *fleet)
{
    const struct crowd_figures now = fleet->crowd.figures;
    const struct crowd_figures *b = &fleet->before;
    int64_t now_us = clock_monotonic_us();
    int64_t us = now_us - fleet->line_us;
    struct histogram latency_us;
    crowd_take_latency(&fleet->crowd, &latency_us);
    histogram_join(&fleet->latency_us, &latency_us);
    if (!fleet->crowd.values->is_json) {
        if (fleet->n_lines++ % LINES_A_TITLE == 0) {
            print_titles();
        }
        (void)printf(
            "%8.1f %9zu %8" PRId64 " %8" PRId64 " %8" PRId64 " %9.2f %9.2f %8" PRId64
            " %8" PRId64 " %8" PRId64 "\n",
            (double)(now_us - fleet->begun_us) / 1e6, fleet->crowd.n_up,
            per_second(now.n_connects - b->n_connects, us),
            per_second(now.n_sent - b->n_sent, us),
            per_second(now.n_acknowledged - b->n_acknowledged, us),
            ms_of(histogram_quantile(&latency_us, 500)),
            ms_of(histogram_quantile(&latency_us, 990)),
            per_second(now.n_methods - b->n_methods, us),
            per_second(now.n_patches + now.n_messages - b->n_patches - b->n_messages, us),
            per_second(now.n_losses - b->n_losses, us));
    }
    fleet->before = now;
    fleet->line_us = now_us;
}

/* The rest of a second, if anything happened in it. */
static void print_rest(struct fleet *fleet)
{
    if (memcmp(&fleet->before, &fleet->crowd.figures, sizeof(fleet->before)) != 0) {
        print_line(fleet);
    }
}

/* What must go on, asked between two turns. */
typedef bool (*goes_on_fn)(const struct fleet *fleet);

static bool is_connecting(const struct fleet *fleet)
{
    return !crowd_is_complete(&fleet->crowd);
}

static bool is_playing(const struct fleet *fleet)
{
    return fleet->crowd.n_up != 0 ||
           fleet->crowd.figures.n_refused < (int64_t)fleet->crowd.n_members;
}

static bool is_draining(const struct fleet *fleet)
{
    return crowd_n_open(&fleet->crowd) > 0;
}

/* With a line each second, until a time, a signal, or there is nothing to go on with. */
static int go_on(struct fleet *fleet, int64_t end_ms, goes_on_fn goes_on)
{
    int64_t next_ms = app_now_ms() + 1000;
    int code = CLI_DONE;
    while (code == CLI_DONE && fleet->crowd.loop.signal == 0 && app_now_ms() < end_ms &&
           goes_on(fleet)) {
        code = crowd_turn(&fleet->crowd, next_ms < end_ms ? next_ms : end_ms);
        if (app_now_ms() >= next_ms) {
            print_line(fleet);
            next_ms += 1000;
        }
        if (ferror(stdout) != 0) {
            code = CLI_FAILED;
        }
    }
    return code;
}

static int64_t end_of(int64_t span_ms)
{
    return span_ms == 0 ? NEVER_MS : app_now_ms() + span_ms;
}

static int connect_all(struct fleet *fleet)
{
    const struct crowd *crowd = &fleet->crowd;
    int code = go_on(fleet, end_of(crowd->values->wait_ms), is_connecting);
    print_rest(fleet);
    fleet->connected_us = clock_monotonic_us() - fleet->begun_us;
    if (code == CLI_DONE && crowd->loop.signal == 0 && !crowd_is_complete(crowd)) {
        cli_complain(crowd->call, "%zu of %zu devices connected within %g seconds%s%s",
                     crowd->n_up, crowd->n_members, (double)crowd->values->wait_ms / 1000.0,
                     crowd->reason[0] == '\0' ? "" : ": ", crowd->reason);
        return CLI_FAILED;
    }
    return code;
}

static int play(struct fleet *fleet)
{
    struct crowd *crowd = &fleet->crowd;
    fleet->begun_us = clock_monotonic_us();
    fleet->line_us = fleet->begun_us;
    int code = connect_all(fleet);
    if (code != CLI_DONE || crowd->loop.signal != 0) {
        return code;
    }
    int64_t since_us = clock_monotonic_us();
    crowd_set_sending(crowd, true);
    code = go_on(fleet, end_of(crowd->values->for_ms), is_playing);
    crowd_set_sending(crowd, false);
    fleet->sending_us = clock_monotonic_us() - since_us;
    if (code == CLI_DONE) {
        /* A signal has ended the sending; another one ends the program. */
        int signal = crowd->loop.signal;
        crowd->loop.signal = 0;
        code = go_on(fleet, end_of(DRAIN_MS), is_draining);
        crowd->loop.signal = signal;
    }
    print_rest(fleet);
    return code;
}

static void print_summary_json(const struct fleet *fleet)
{
    const struct crowd_figures *f = &fleet->crowd.figures;
    const struct histogram *connecting = &fleet->crowd.connecting_us;
    (void)printf(
        "{\"devices\":%zu,\"connects\":%" PRId64 ",\"connectSeconds\":%.3f,"
        "\"connectsPerSecond\":%" PRId64 ",\"connectP50Ms\":%.3f,\"connectP99Ms\":%.3f,"
        "\"sent\":%" PRId64 ",\"acknowledged\":%" PRId64 ",\"messagesPerSecond\":%" PRId64
        ",\"heldBack\":%" PRId64 ",\"p50Ms\":%.3f,\"p99Ms\":%.3f,\"maxMs\":%.3f,"
        "\"methods\":%" PRId64 ",\"patches\":%" PRId64 ",\"messages\":%" PRId64
        ",\"losses\":%" PRId64 ",\"failedAttempts\":%" PRId64 ",\"refused\":%" PRId64 "}\n",
        fleet->crowd.n_members, f->n_connects, (double)fleet->connected_us / 1e6,
        per_second((int64_t)connecting->n_values, fleet->connected_us),
        ms_of(histogram_quantile(connecting, 500)), ms_of(histogram_quantile(connecting, 990)),
        f->n_sent, f->n_acknowledged, per_second(f->n_acknowledged, fleet->sending_us),
        f->n_held_back, ms_of(histogram_quantile(&fleet->latency_us, 500)),
        ms_of(histogram_quantile(&fleet->latency_us, 990)), ms_of(fleet->latency_us.max),
        f->n_methods, f->n_patches, f->n_messages, f->n_losses, f->n_attempts, f->n_refused);
}

static void print_summary(const struct fleet *fleet)
{
    const struct crowd_figures *f = &fleet->crowd.figures;
    const struct histogram *connecting = &fleet->crowd.connecting_us;
    const struct histogram *latency = &fleet->latency_us;
    if (fleet->crowd.values->is_json) {
        print_summary_json(fleet);
        return;
    }
    (void)printf("\ndevices       %zu, connected in %.2f s, %" PRId64
                 "/s; one took p50 %.2f ms, p99 %.2f ms\n",
                 fleet->crowd.n_members, (double)fleet->connected_us / 1e6,
                 per_second((int64_t)connecting->n_values, fleet->connected_us),
                 ms_of(histogram_quantile(connecting, 500)),
                 ms_of(histogram_quantile(connecting, 990)));
    (void)printf("messages      %" PRId64 " sent, %" PRId64 " acknowledged, %" PRId64
                 "/s, held back %" PRId64 "\n",
                 f->n_sent, f->n_acknowledged, per_second(f->n_acknowledged, fleet->sending_us),
                 f->n_held_back);
    (void)printf("acknowledged  after p50 %.2f ms, p99 %.2f ms, at most %.2f ms\n",
                 ms_of(histogram_quantile(latency, 500)),
                 ms_of(histogram_quantile(latency, 990)), ms_of(latency->max));
    (void)printf("from the hub  %" PRId64 " methods answered, %" PRId64 " patches, %" PRId64
                 " messages\n",
                 f->n_methods, f->n_patches, f->n_messages);
    (void)printf("trouble       %" PRId64 " connections lost, %" PRId64
                 " attempts failed, %" PRId64 " devices refused%s%s\n",
                 f->n_losses, f->n_attempts, f->n_refused,
                 fleet->crowd.reason[0] == '\0' ? "" : "; the last: ", fleet->crowd.reason);
}

static int judge(const struct fleet *fleet)
{
    const struct crowd *crowd = &fleet->crowd;
    if (crowd->figures.n_refused != 0) {
        cli_complain(crowd->call, "the hub refused %" PRId64 " devices; %s",
                     crowd->figures.n_refused, crowd->reason);
        return CLI_FAILED;
    }
    if (crowd_n_open(crowd) > 0) {
        cli_complain(crowd->call, "messages not acknowledged: %" PRId64, crowd_n_open(crowd));
        return CLI_FAILED;
    }
    return CLI_DONE;
}

static int run(struct cli_call *call)
{
    struct fleet fleet = {0};
    app_begin(call->values);
    int code = crowd_init(&fleet.crowd, call);
    if (code == CLI_DONE) {
        code = play(&fleet);
        print_summary(&fleet);
        code = code == CLI_DONE ? judge(&fleet) : code;
        loop_disconnect(&fleet.crowd.loop);
    }
    crowd_finish(&fleet.crowd);
    return code;
}

static const struct cli_option options[] = {
    APP_OPTION("count", CLI_NUMBER, "N", "How many devices", count,
               APP_RANGE("100", 1, COUNT_MAX)),
    APP_OPTION("device-prefix", CLI_TEXT, "NAME", "The devices' ids are NAME-1, NAME-2 ...",
               device_prefix, .standard = "device"),
    APP_OPTION("rate", CLI_NUMBER, "N", "Messages a second of all together; 0 sends none", rate,
               .standard = "0", .max = RATE_MAX),
    APP_OPTION("size", CLI_NUMBER, "BYTES", "The size of a message's body", payload_bytes,
               .standard = "100", .max = (int64_t)LIMIT_D2C_BYTES),
    APP_LIST("method", "NAME[=STATUS[:JSON]]",
             "Answer this method as well, with 200 and null unless told", methods),
    APP_OPTION("subscribe", CLI_FLAG, NULL,
               "Take methods, desired properties and messages to the devices", takes_messages,
               .standard = "true"),
    APP_SPAN("for", "End that long after all are connected; 0 has no end", for_ms),
    APP_FLAG("json", "Print one JSON object at the end, and no lines before", is_json),
};

static const char details[] =
    "Connects many devices of one policy from this one process, then lets them send messages "
    "in "
    "turn and answer methods, and prints figures each second and at the end: connections, "
    "messages, how long acknowledgements take (p50, p99), methods. The devices must exist. "
    "Exit code 0 means that none was refused and every message was acknowledged.\n"
    "\n"
    "  for i in $(seq 2000); do echo \"{\\\"id\\\":\\\"device-$i\\\"}\"; done |\n"
    "      iothub-service device import -\n"
    "  iothub-device fleet --ready-file ready.json --count 2000 --rate 1000 --for 10";

const struct cli_verb verb_fleet = {
    .name = "fleet",
    .arguments = "",
    .summary = "Connect many devices at once, send messages, and print rates and latencies",
    .details = details,
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
