/*
 * The program "probe" and the catching of its output in temporary files.
 */
#include "sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

#define WORDS_MAX 16

struct sample_values {
    bool verbose;
    char *name;
    int64_t port;
    int64_t timeout_ms;
    struct cli_list properties;
    int64_t output;
    int64_t count;
    int64_t runs; /* no option's: the verb's own */
};

size_t sample_n_finished;

static const struct cli_option common_options[] = {
    {
     .name = "name",
     .letter = 'n',
     .type = CLI_TEXT,
     .argument = "NAME",
     .variable = "PROBE_NAME",
     .key = "name",
     .help = "What the probe is called",
     .offset = offsetof(struct sample_values, name),
     },
    {
     .name = "port",
     .letter = 'p',
     .type = CLI_NUMBER,
     .argument = "PORT",
     .variable = "PROBE_PORT",
     .key = "mqttPort",
     .standard = "8883",
     .help = "Port to connect to",
     .offset = offsetof(struct sample_values, port),
     .max = 65535,
     },
    {
     .name = "timeout",
     .letter = 't',
     .type = CLI_SECONDS,
     .argument = "SECONDS",
     .variable = "PROBE_TIMEOUT",
     .key = "timeout",
     .standard = "0.5",
     .help = "Give up after so many seconds without an answer from the other side",
     .offset = offsetof(struct sample_values, timeout_ms),
     .min = 1,
     .max = 60500,
     },
    {
     .name = "property",
     .type = CLI_LIST,
     .argument = "NAME=VALUE",
     .variable = "PROBE_PROPERTIES",
     .key = "properties",
     .help = "A property of the message",
     .offset = offsetof(struct sample_values,                  properties),
     },
    {
     .name = "output",
     .letter = 'o',
     .type = CLI_CHOICE,
     .argument = "table|json|text",
     .variable = "PROBE_OUTPUT",
     .key = "output",
     .standard = "table",
     .help = "How results are shown",
     .offset = offsetof(struct sample_values, output),
     },
    {
     .name = "verbose",
     .letter = 'v',
     .type = CLI_FLAG,
     .variable = "PROBE_VERBOSE",
     .key = "verbose",
     .help = "Say more",
     .offset = offsetof(struct sample_values,                                  verbose),
     },
};

static const struct cli_option send_options[] = {
    {
     .name = "count",
     .letter = 'c',
     .type = CLI_NUMBER,
     .argument = "N",
     .standard = "1",
     .help = "Send it so many times",
     .offset = offsetof(struct sample_values, count),
     .min = 1,
     .max = INT64_MAX,
     },
    {
     .name = "a-rather-long-name-for-an-option",
     .type = CLI_NUMBER,
     .argument = "N",
     .help = "Has its sentence on the next line",
     .offset = offsetof(struct sample_values, count),
     .min = INT64_MIN,
     .max = 7,
     },
};

static void print_list(const char *begin, char *const *items, size_t n_items, const char *end)
{
    fputs(begin, stdout);
    for (size_t i = 0; i < n_items; i++) {
        printf("%s%s", i == 0 ? "" : ",", items[i]);
    }
    fputs(end, stdout);
}

static void print_values(const struct cli_call *call)
{
    const struct sample_values *v = call->values;
    printf("%s %lld %lld ", v->name == NULL ? "-" : v->name, (long long)v->port,
           (long long)v->timeout_ms);
    printf("%lld %d ", (long long)v->output, v->verbose);
    print_list("[", v->properties.items, v->properties.n_items, "] ");
    if (strcmp(call->verb->name, "read") == 0) {
        puts("(*)");
    } else {
        print_list("(", call->arguments, call->n_arguments, ")\n");
    }
}

static int run_print(struct cli_call *call)
{
    print_values(call);
    return CLI_DONE;
}

static int run_send(struct cli_call *call)
{
    const struct sample_values *v = call->values;
    printf("%lld times: ", (long long)v->count);
    print_values(call);
    return CLI_DONE;
}

static int run_fail(struct cli_call *call)
{
    cli_complain(call, "cannot reach %s\n", call->arguments[0]);
    return CLI_FAILED;
}

static int run_read(struct cli_call *call)
{
    struct sample_values *v = call->values;
    v->runs = 7;
    print_values(call);
    struct buf error;
    buf_init(&error, 1000);
    json_t *file = json_loads(call->arguments[0], JSON_ALLOW_NUL, NULL);
    bool is_good = file != NULL && cli_read_file(call, file, &error);
    if (!is_good) {
        cli_complain(call, "%s", buf_text(&error));
    }
    json_decref(file);
    buf_finish(&error);
    print_values(call);
    if (v->runs != 7) {
        return CLI_FAILED;
    }
    return is_good ? CLI_DONE : CLI_WRONG;
}

static void count_finish(void *values)
{
    (void)values;
    sample_n_finished++;
}

static const struct cli_verb verbs[] = {
    {
     .name = "send",
     .arguments = "TEXT [FILE]",
     .min_arguments = 1,
     .max_arguments = 2,
     .summary = "Send a text",
     .details =
            "The text is sent as it is, however long it may be, and this sentence goes on "
            "until it has to be wrapped.\n"
            "A second sentence of the same paragraph.\n"
            "\n"
            "Examples:\n"
            "  probe send hello    # this line is longer than the width of the help, which "
            "does not matter\n"
            "  probe send -c 3 hello", .options = send_options,
     .n_options = ARRAY_LEN(send_options),
     .run = run_send,
     },
    {
     .name = "status",
     .arguments = "",
     .summary = "Show how the probe is",
     .run = run_print,
     },
    {
     .name = "device create",
     .arguments = "DEVICE_ID",
     .min_arguments = 1,
     .max_arguments = 1,
     .summary = "Create a device",
     .run = run_print,
     },
    {
     .name = "device delete",
     .arguments = "DEVICE_ID...",
     .min_arguments = 2,
     .max_arguments = SIZE_MAX,
     .summary = "Delete devices",
     .run = run_print,
     },
    {
     .name = "fail",
     .arguments = "WHAT",
     .min_arguments = 1,
     .max_arguments = 1,
     .summary = "Complain",
     .run = run_fail,
     },
    {
     .name = "read",
     .arguments = "JSON",
     .min_arguments = 1,
     .max_arguments = 1,
     .summary = "Read a configuration",
     .run = run_read,
     },
};

const struct cli_program sample_program = {
    .name = "probe",
    .version = "1.2.3",
    .summary =
        "Asks probes how they are, and tells them what to do when they are well enough to "
        "listen",
    .details = "Exit codes are 0, 1 and 2.",
    .options = common_options,
    .n_options = ARRAY_LEN(common_options),
    .verbs = verbs,
    .n_verbs = ARRAY_LEN(verbs),
    .values_size = sizeof(struct sample_values),
    .finish = count_finish,
};

const struct cli_program sample_standard_program = {
    .name = "probed",
    .version = "1.2.3",
    .summary = "Is a probe",
    .options = &common_options[5],
    .n_options = 1,
    .verbs = verbs,
    .n_verbs = 2,
    .standard_verb = "send",
    .values_size = sizeof(struct sample_values),
};

/* Put a temporary file in the place of a stream's descriptor; the old one is returned. */
static int redirect(FILE *stream, FILE *file)
{
    fflush(stream);
    int old = dup(fileno(stream));
    assert_true(old >= 0);
    assert_true(dup2(fileno(file), fileno(stream)) >= 0);
    return old;
}

/* What could not be written must not come out now. */
static void restore(FILE *stream, int old)
{
    __fpurge(stream);
    clearerr(stream);
    dup2(old, fileno(stream));
    close(old);
}

static char *read_all(FILE *file)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    rewind(file);
    char chunk[4096];
    for (size_t n = fread(chunk, 1, sizeof(chunk), file); n > 0;
         n = fread(chunk, 1, sizeof(chunk), file)) {
        buf_put(&text, chunk, n);
    }
    fclose(file);
    return buf_take_text(&text);
}

/* The next word of a line, NULL at its end; the caller frees it. */
static char *next_word(struct slice *line)
{
    struct buf word;
    buf_init(&word, 1000);
    bool is_quoted = false;
    while (line->len > 0 && line->data[0] == ' ') {
        *line = slice_from(*line, 1);
    }
    if (line->len == 0) {
        return NULL;
    }
    while (line->len > 0 && (is_quoted || line->data[0] != ' ')) {
        if (line->data[0] == '\'') {
            is_quoted = !is_quoted;
        } else {
            buf_put_char(&word, line->data[0]);
        }
        *line = slice_from(*line, 1);
    }
    return buf_take_text(&word);
}

struct outcome run_line_to(FILE *out, const struct cli_program *program, const char *line)
{
    char *argv[WORDS_MAX + 1] = {mem_dup_text(program->name)};
    int argc = 1;
    struct slice rest = slice_of(line);
    for (char *word = next_word(&rest); word != NULL; word = next_word(&rest)) {
        assert_true(argc < WORDS_MAX);
        argv[argc++] = word;
    }
    FILE *err = tmpfile();
    assert_non_null(out);
    assert_non_null(err);
    int old_out = redirect(stdout, out);
    int old_err = redirect(stderr, err);
    struct outcome outcome = {.code = cli_main(program, argc, argv)};
    restore(stdout, old_out);
    restore(stderr, old_err);
    outcome.out = read_all(out);
    outcome.err = read_all(err);
    for (int i = 0; i < argc; i++) {
        free(argv[i]);
    }
    return outcome;
}

struct outcome run_line(const struct cli_program *program, const char *line)
{
    return run_line_to(tmpfile(), program, line);
}

void outcome_finish(struct outcome *outcome)
{
    free(outcome->out);
    free(outcome->err);
    *outcome = (struct outcome){0};
}
