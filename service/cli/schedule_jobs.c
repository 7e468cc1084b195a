/*
 * iothub-service schedule-jobs: the service app of the tutorial "Schedule and broadcast jobs".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/random.h"
#include "service/cli/job_request.h"
#include "service/cli/schedule.h"
#include "service/cli/selection.h"
#include "service/cli/twin_body.h"
#include "service/cli/verbs.h"

#define WAIT_MAX_MS ((int64_t)LIMIT_JOB_START_AHEAD_S * 1000)

static const struct cli_option options[] = {
    SELECTION_OPTIONS,
    {APP_ROW(CLI_TEXT, "method", "NAME", "Which method the first job calls", method),
      .standard = "lockDoor"},
    APP_OPTION_PAYLOAD("{\"lockTime\":\"10m\"}"),
    TWIN_OPTION_DESIRED("{\"building\":43,\"floor\":3}"),
    TWIN_OPTION_TAGS,
    APP_SECONDS("method-wait", "20", "When the method job starts, from now", method_wait_ms, 0,
                WAIT_MAX_MS),
    APP_SECONDS("twin-wait", "10", "When the twin job starts, from now", twin_wait_ms, 0,
                WAIT_MAX_MS),
    JOB_EXECUTION_OPTION("60"),
    APP_OPTION_RESPONSE_TIMEOUT,
    APP_OPTION_CONNECT_TIMEOUT,
    APP_SECONDS("poll-every", "5", "How often the status is asked for and posted", poll_ms, 100,
                3600000),
    APP_TEXT("job-id-prefix", "TEXT", "What the jobs' ids begin with, before a GUID",
             job_id_prefix),
    APP_FLAG("client-timers",
             "Do it with timers of this program: for hubs whose tier has no jobs",
             uses_client_timers),
};

static void init_job(struct schedule_job *job, enum schedule_kind kind,
                     const struct app_values *values)
{
    char guid[GUID_LEN + 1];
    const char *prefix = values->job_id_prefix == NULL ? "" : values->job_id_prefix;
    *job = (struct schedule_job){
        .kind = kind,
        .wait_ms = kind == SCHEDULE_METHOD ? values->method_wait_ms : values->twin_wait_ms,
    };
    (void)snprintf(job->id, sizeof(job->id), "%s%s", prefix, random_guid(guid));
}

static int init(const struct cli_call *call, struct schedule *schedule)
{
    const struct app_values *values = call->values;
    if (values->job_id_prefix != NULL &&
        strlen(values->job_id_prefix) > LIMIT_JOB_ID_CHARS - GUID_LEN) {
        cli_complain(call, "a prefix has at most %d characters", LIMIT_JOB_ID_CHARS - GUID_LEN);
        return CLI_WRONG;
    }
    if (!app_json_argument(call, "payload", values->payload, &schedule->payload) ||
        !twin_body(call, &schedule->patch)) {
        return CLI_WRONG;
    }
    schedule->method = (struct iothub_service_method){
        .name = values->method,
        .payload = schedule->payload,
        .response_timeout_s = app_seconds(values->response_timeout_ms),
        .connect_timeout_s = app_seconds(values->connect_timeout_ms),
    };
    init_job(&schedule->jobs[0], SCHEDULE_METHOD, values);
    init_job(&schedule->jobs[1], SCHEDULE_TWIN, values);
    return selection_read(call, &schedule->selection);
}

static void finish(struct schedule *schedule)
{
    for (size_t i = 0; i < SCHEDULE_JOBS; i++) {
        json_decref(schedule->jobs[i].state);
        json_decref(schedule->jobs[i].rows);
    }
    condition_finish(&schedule->selection);
    free(schedule->payload);
    free(schedule->patch);
}

/* Who is spoken to, and of how many; the key is nobody's business. */
static int introduce(const struct schedule *schedule)
{
    const struct app *app = schedule->app;
    int64_t n_devices = 0;
    struct buf query;
    buf_init(&query, BUF_CAP_OWN);
    condition_put_query(&query, &schedule->selection, "*");
    schedule_say(schedule, "Starting the IoT Hub jobs sample...");
    schedule_say(schedule, "    Host    = %s", iothub_service_host_name(app->service));
    schedule_say(schedule, "    Policy  = %s", iothub_service_policy_name(app->service));
    schedule_say(schedule, "    Query   = %s", buf_text(&query));
    enum iothub_status status = selection_count(app, &schedule->selection, &n_devices);
    int code = CLI_DONE;
    if (status != IOTHUB_OK) {
        code = app_fail(app, status);
    } else if (n_devices == 0) {
        cli_complain(app->call, "the query selects no %s: %s",
                     schedule->selection.is_modules ? "module" : "device", buf_text(&query));
        code = CLI_FAILED;
    } else {
        schedule_say(schedule, "    Devices = %lld", (long long)n_devices);
    }
    buf_finish(&query);
    return code;
}

static int work(struct schedule *schedule)
{
    int code = introduce(schedule);
    if (code == CLI_DONE) {
        code = schedule->app->values->uses_client_timers ? schedule_by_timers(schedule)
                                                         : schedule_by_hub(schedule);
    }
    if (code == CLI_DONE) {
        schedule_tell_outcome(schedule);
        code = schedule_is_success(schedule) ? CLI_DONE : CLI_FAILED;
    }
    return code;
}

static int run(struct cli_call *call)
{
    struct app app = {0};
    struct schedule schedule = {.app = &app};
    int code = init(call, &schedule);
    if (code == CLI_DONE) {
        code = app_open(call, &app);
    }
    if (code == CLI_DONE) {
        code = work(&schedule);
    }
    finish(&schedule);
    app_close(&app);
    return code;
}

const struct cli_verb verb_schedule_jobs = {
    .name = "schedule-jobs",
    .arguments = "",
    .summary = "Schedule a method call and a twin update on devices, and watch both jobs",
    .details =
        "Schedules two jobs on the devices that a query selects, posts their status until both "
        "are "
        "over, and shows what came of them on each device. Exit code 0 means that both "
        "completed "
        "and no device failed. Ctrl-C stops watching; the jobs go on.\n"
        "With --client-timers the program waits itself and then works on one device after the "
        "other, as the Python edition of the tutorial does; Ctrl-C then ends the jobs too.\n"
        "\n"
        "  iothub-service schedule-jobs --device-id door-1\n"
        "  iothub-service schedule-jobs --query \"SELECT * FROM devices WHERE tags.floor = "
        "3\"\n"
        "  iothub-service schedule-jobs --query \"FROM devices.modules WHERE moduleId = "
        "'lock'\"",
    .options = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};
