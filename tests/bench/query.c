/*
 * What queries cost over many devices: seeding, listing, scanning, selecting.
 *
 *     bench_query EMULATOR FOLDER [DEVICES]    FOLDER is empty; what is left in it is of no use
 *
 * Beside the time that passes, the emulator's own processor time is told: others on the machine
 * make only the first longer, and the second leaves this program out.  Targets are for the
 * build that is installed; the exit status says only whether everything could be measured.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/mem.h"
#include "bench/launch.h"
#include "bench/sqlite_scan.h"
#include "http/http.h"
#include "iothub/connection_string.h"
#include "iothub/sas_token.h"

#define DEVICES       100000
#define SMALLER       10  /* the smaller hub has this part of the devices */
#define BULK          100 /* devices a request, as many as the hub takes */
#define FILLER_BYTES  880 /* makes a twin's own content about 1 KiB */
#define N_RUNS        10
#define N_QUICK_RUNS  100
#define N_EDGE_PAGES  10 /* the first and the last pages that are compared */
#define ANSWER_MAX    (16U << 20)
#define TIMEOUT_MS    120000
#define TOKEN_LIFE_S  86400
#define PATH_SIZE     1024
#define URL_SIZE      1200
#define API           "?api-version=2021-04-12"
#define QUERY_BY_SCAN "SELECT COUNT() AS n FROM devices WHERE NOT tags.location.region != 'US'"
#define QUERY_BY_TAG  "SELECT * FROM devices WHERE tags.serial = 'S000042'"
#define QUERY_BY_ID   "SELECT * FROM devices WHERE deviceId = 'device-000042'"
#define QUERY_REGION  "SELECT COUNT() AS n FROM devices WHERE tags.location.region = 'US'"

struct run {
    struct bench bench;
    struct http http;
    struct http_headers headers;
    struct sqlite_scan *yardstick; /* of the larger hub only */
    char host[PATH_SIZE];
    long n_devices;
};

/* Time that passed, and the emulator's share of the processors in it. */
struct cost {
    double wall_us;
    double cpu_us;
};

/* ---- the table -------------------------------------------------------------------------- */

static void put_head(void)
{
    (void)printf("\n%-50s %12s %12s %10s\n", "", "passed", "processor", "target");
}

/* A row in milliseconds; `target_ms` is for the time that passed or the processor's, 0: none.
 */
static void put_times(const char *what, struct cost cost, double judged_us, double target_ms)
{
    (void)printf("%-50s %9.3f ms %9.3f ms", what, cost.wall_us / 1e3, cost.cpu_us / 1e3);
    if (target_ms > 0) {
        (void)printf(" %7.1f ms %s", target_ms, judged_us < target_ms * 1e3 ? "met" : "MISSED");
    }
    (void)printf("\n");
}

static void put_ratio(const char *what, double ratio, double target, bool more_is_better)
{
    bool is_met = more_is_better ? ratio >= target : ratio <= target;
    (void)printf("%-50s %11.2f  %12s %9.2f  %s\n", what, ratio, "", target,
                 is_met ? "met" : "MISSED");
}

/* ---- asking ----------------------------------------------------------------------------- */

static double cpu_us(const struct run *run)
{
    clockid_t clock = 0;
    struct timespec now = {0};
    if (clock_getcpuclockid(run->bench.pid, &clock) != 0 || clock_gettime(clock, &now) != 0) {
        bench_fail(&run->bench, "the emulator's processor time cannot be read");
    }
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static struct cost begin(const struct run *run)
{
    return (struct cost){(double)bench_now_us(), cpu_us(run)};
}

static struct cost since(const struct run *run, struct cost begun)
{
    return (struct cost){(double)bench_now_us() - begun.wall_us, cpu_us(run) - begun.cpu_us};
}

/* The larger of two runs' costs leaves; of each kind the smaller is what it costs. */
static struct cost least(struct cost a, struct cost b)
{
    return (struct cost){a.wall_us < b.wall_us ? a.wall_us : b.wall_us,
                         a.cpu_us < b.cpu_us ? a.cpu_us : b.cpu_us};
}

static void connect_service(struct run *run)
{
    char path[PATH_SIZE];
    struct connection_string hub = {0};
    struct buf token = {.cap = BUF_CAP_OWN};
    (void)snprintf(path, sizeof(path), "%s/" BENCH_READY_FILE, run->bench.folder);
    json_t *ready = json_load_file(path, 0, NULL);
    struct slice text = slice_of(json_string_value(json_object_get(ready, "connectionString")));
    if (!connection_string_parse(text, CONNECTION_STRING_SERVICE, NULL, &hub) ||
        !sas_token_write(&token, slice_of(hub.host_name), slice_of(hub.shared_access_key),
                         slice_of(hub.shared_access_key_name),
                         (int64_t)time(NULL) + TOKEN_LIFE_S)) {
        bench_fail(&run->bench, "the ready file's connection string is of no use");
    }
    (void)snprintf(run->host, sizeof(run->host), "http://127.0.0.1:%lld",
                   json_integer_value(json_object_get(ready, "httpPort")));
    run->http =
        (struct http){.user_agent = "bench", .max_answer_bytes = ANSWER_MAX, .is_direct = true};
    if (!http_init(&run->http, NULL)) {
        bench_fail(&run->bench, "libcurl cannot be set up");
    }
    run->headers = (struct http_headers){0};
    http_headers_add(&run->headers, "Authorization", buf_text(&token));
    http_headers_add(&run->headers, "Content-Type", "application/json; charset=utf-8");
    http_headers_forbid(&run->headers, "Expect");
    connection_string_finish(&hub);
    buf_finish(&token);
    json_decref(ready);
}

static void post(struct run *run, const char *path, struct slice body,
                 const struct http_headers *headers, struct http_answer *out)
{
    char url[URL_SIZE];
    struct buf error = {.cap = BUF_CAP_OWN};
    (void)snprintf(url, sizeof(url), "%s%s" API, run->host, path);
    const struct http_request request = {.verb = "POST",
                                         .url = url,
                                         .headers = headers,
                                         .body = body.data,
                                         .body_len = body.len,
                                         .timeout_ms = TIMEOUT_MS};
    enum iothub_status status = http_exchange(&run->http, &request, out, &error);
    if (status != IOTHUB_OK || out->status != 200) {
        bench_fail(&run->bench, "%s: %d %s %s", path, out->status, buf_text(&error),
                   buf_text(&out->body));
    }
    buf_finish(&error);
}

/* The next page of a query; moves *continuation on, which is NULL at first and at the end. */
static struct cost ask_page(struct run *run, const char *query, char **continuation,
                            struct buf *page)
{
    struct http_answer answer = {0};
    struct http_headers headers = {0};
    char body[PATH_SIZE];
    int len = snprintf(body, sizeof(body), "{\"query\":\"%s\"}", query);
    for (const struct curl_slist *line = run->headers.lines; line != NULL; line = line->next) {
        headers.lines = curl_slist_append(headers.lines, line->data);
    }
    if (*continuation != NULL) {
        http_headers_add(&headers, "x-ms-continuation", *continuation);
    }
    struct cost begun = begin(run);
    post(run, "/devices/query", slice_make(body, (size_t)len), &headers, &answer);
    struct cost cost = since(run, begun);
    free(*continuation);
    *continuation = mem_dup_text(answer.continuation);
    buf_reset(page);
    buf_put_slice(page, buf_slice(&answer.body));
    http_answer_finish(&answer);
    http_headers_finish(&headers);
    return cost;
}

/* ---- seeding ---------------------------------------------------------------------------- */

static void put_tags(struct buf *out, long i)
{
    static const char *const regions[] = {"US", "DE", "FR", "SE", "JP",
                                          "BR", "IN", "ZA", "AU", "CA"};
    buf_putf(out, "{\"location\":{\"region\":\"%s\",\"plant\":%ld},\"serial\":\"S%06ld\"}",
             regions[i % 10], i % 500, i);
}

static void put_desired(struct buf *out, long i)
{
    char filler[FILLER_BYTES + 1];
    for (int n = 0; n < FILLER_BYTES; n++) {
        filler[n] = (char)('a' + (i + n) % 26);
    }
    filler[FILLER_BYTES] = '\0';
    buf_putf(out, "{\"interval\":%ld,\"note\":\"%s\"}", i % 60, filler);
}

/* A device's item of a bulk request, and the same twin for the yardstick. */
static void put_device(struct run *run, struct buf *out, long i)
{
    struct buf tags = {.cap = BUF_CAP_OWN};
    struct buf twin = {.cap = BUF_CAP_OWN};
    put_tags(&tags, i);
    buf_putf(&twin, "\"status\":\"enabled\",\"tags\":%s,\"properties\":{\"desired\":",
             buf_text(&tags));
    put_desired(&twin, i);
    buf_put_text(&twin, "}}");
    buf_putf(out, "{\"id\":\"device-%06ld\",\"importMode\":\"create\",%s", i, buf_text(&twin));
    if (run->yardstick != NULL) {
        struct buf document = {.cap = BUF_CAP_OWN};
        buf_putf(&document, "{\"deviceId\":\"device-%06ld\",%s", i, buf_text(&twin));
        sqlite_scan_add(run->yardstick, buf_slice(&document), buf_slice(&tags));
        buf_finish(&document);
    }
    buf_finish(&tags);
    buf_finish(&twin);
}

static void seed(struct run *run)
{
    struct buf items = {.cap = BUF_CAP_OWN};
    struct cost all = {0};
    for (long i = 0; i < run->n_devices; i += BULK) {
        struct http_answer answer = {0};
        buf_reset(&items);
        for (long k = i; k < i + BULK && k < run->n_devices; k++) {
            buf_put_char(&items, k == i ? '[' : ',');
            put_device(run, &items, k);
        }
        buf_put_char(&items, ']');
        struct cost begun = begin(run);
        post(run, "/devices", buf_slice(&items), &run->headers, &answer);
        struct cost one = since(run, begun);
        all.wall_us += one.wall_us;
        all.cpu_us += one.cpu_us;
        http_answer_finish(&answer);
    }
    buf_finish(&items);
    double rate = (double)run->n_devices * 1e6;
    (void)printf("%-50s %8.0f /s  %8.0f /s  %7d /s  %s\n", "devices by POST /devices, 100 each",
                 rate / all.wall_us, rate / all.cpu_us, 20000,
                 rate / all.cpu_us > 20000 ? "met" : "MISSED");
}

/* ---- queries ---------------------------------------------------------------------------- */

static double mean_us(const double *costs, long n)
{
    double sum = 0;
    for (long i = 0; i < n; i++) {
        sum += costs[i];
    }
    return n == 0 ? 0 : sum / (double)n;
}

/* All pages of a query, and whether the last ones cost what the first ones did. */
static void measure_pages(struct run *run, const char *query)
{
    char *continuation = NULL;
    char what[PATH_SIZE];
    struct buf page = {.cap = BUF_CAP_OWN};
    struct cost all = {0};
    long n_pages = 0;
    double *cpu = mem_array((size_t)run->n_devices, sizeof(*cpu));
    do {
        struct cost one = ask_page(run, query, &continuation, &page);
        all.wall_us += one.wall_us;
        all.cpu_us += one.cpu_us;
        cpu[n_pages++] = one.cpu_us;
    } while (continuation != NULL);
    long n_edge = n_pages < 2L * N_EDGE_PAGES ? n_pages / 2 : N_EDGE_PAGES;
    struct cost one = {all.wall_us / (double)n_pages, all.cpu_us / (double)n_pages};
    (void)snprintf(what, sizeof(what), "one of %ld pages", n_pages);
    (void)printf("%s\n", query);
    put_times(what, one, one.cpu_us, 1);
    if (n_edge > 0) {
        put_ratio("last pages to first",
                  mean_us(cpu + n_pages - n_edge, n_edge) / mean_us(cpu, n_edge), 1.5, false);
    }
    free(cpu);
    buf_finish(&page);
}

/* The best of some runs of a query that has one page. */
static struct cost measure(struct run *run, const char *query, int n_runs)
{
    struct cost best = {0};
    struct buf page = {.cap = BUF_CAP_OWN};
    for (int i = 0; i < n_runs; i++) {
        char *continuation = NULL;
        struct cost one = ask_page(run, query, &continuation, &page);
        best = i == 0 ? one : least(best, one);
        free(continuation);
    }
    buf_finish(&page);
    return best;
}

static void measure_selecting(struct run *run)
{
    struct cost by_id = measure(run, QUERY_BY_ID, N_QUICK_RUNS);
    struct cost first = measure(run, QUERY_BY_TAG, 1);
    struct cost by_tag = measure(run, QUERY_BY_TAG, N_QUICK_RUNS);
    (void)printf("%s\n", QUERY_BY_ID);
    put_times("best of a hundred", by_id, by_id.wall_us, 1);
    (void)printf("%s\n", QUERY_BY_TAG);
    put_times("first time", first, 0, 0);
    put_times("best of a hundred", by_tag, by_tag.wall_us, 1);
    struct cost region = measure(run, QUERY_REGION, N_RUNS);
    (void)printf("%s\n", QUERY_REGION);
    put_times("best of ten", region, 0, 0);
}

static double measure_scan(struct run *run)
{
    struct cost scan = measure(run, QUERY_BY_SCAN, N_RUNS);
    (void)printf("%s\n", QUERY_BY_SCAN);
    put_times("best of ten", scan, 0, 0);
    return scan.cpu_us;
}

static void compare_scans(const struct run *run, double scan_us, double smaller_us)
{
    double documents_us = sqlite_scan_documents_us(run->yardstick);
    double tags_us = sqlite_scan_tags_us(run->yardstick);
    put_times("json_extract over whole documents", (struct cost){documents_us, documents_us}, 0,
              0);
    put_times("json_extract over a table of the tags alone", (struct cost){tags_us, tags_us}, 0,
              0);
    put_ratio("times faster than over documents", documents_us / scan_us, 5, true);
    put_ratio("times faster than over tags alone", tags_us / scan_us, 1, true);
    put_ratio("ten times the devices cost times", scan_us / smaller_us, 1.2 * SMALLER, false);
}

/* ---- the two hubs ----------------------------------------------------------------------- */

static void start(struct run *run, const char *data_name, long n_devices)
{
    run->n_devices = n_devices;
    (void)bench_start(&run->bench, data_name);
    connect_service(run);
    (void)printf("\n%ld devices with twins of about 1 KiB, in memory", n_devices);
    put_head();
    seed(run);
    (void)printf("%-50s %8.1f MiB\n", "resident memory",
                 bench_memory_mib(&run->bench, "VmRSS"));
}

static void end(struct run *run)
{
    (void)printf("%-50s %8.1f MiB\n", "peak memory", bench_memory_mib(&run->bench, "VmHWM"));
    http_headers_finish(&run->headers);
    http_finish(&run->http);
    bench_end(&run->bench);
}

int main(int argc, char **argv)
{
    if (argc < 3 || argc > 4) {
        (void)fputs("usage: bench_query EMULATOR FOLDER [DEVICES]\n", stderr);
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    struct run run = {
        .bench = {.program = argv[1], .folder = argv[2]}
    };
    long n_devices = argc == 4 ? strtol(argv[3], NULL, 10) : DEVICES;
    http_begin_use();
    start(&run, "smaller", n_devices / SMALLER);
    double smaller_us = measure_scan(&run);
    end(&run);
    run.yardstick = sqlite_scan_create();
    start(&run, "data", n_devices);
    double scan_us = measure_scan(&run);
    compare_scans(&run, scan_us, smaller_us);
    measure_selecting(&run);
    measure_pages(&run, "SELECT * FROM devices");
    measure_pages(&run, "SELECT * FROM devices WHERE tags.location.region = 'US'");
    end(&run);
    sqlite_scan_destroy(run.yardstick);
    http_end_use();
    return 0;
}
