/*
 * What becomes of a command line: values and where they come from, arguments, verbs, and the
 * text of every error.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sample.h"

static void check_run(const struct cli_program *program, const char *line, const char *out,
                      const char *err, int code)
{
    struct outcome o = run_line(program, line);
    assert_string_equal(o.err, err);
    assert_string_equal(o.out, out);
    assert_int_equal(o.code, code);
    outcome_finish(&o);
}

/* The line is good, and its verb prints `out` and a line feed. */
static void check_prints(const struct cli_program *program, const char *line, const char *out)
{
    struct buf text;
    buf_init(&text, 10000);
    buf_putf(&text, "%s\n", out);
    check_run(program, line, buf_text(&text), "", CLI_DONE);
    buf_finish(&text);
}

/* The line is wrong; `verb` is what the hint names, with a blank before it if not "". */
static void check_refuses(const struct cli_program *program, const char *line, const char *verb,
                          const char *message)
{
    struct buf text;
    buf_init(&text, 10000);
    buf_putf(&text, "%s: %s\nTry '%s%s --help'.\n", program->name, message, program->name,
             verb);
    check_run(program, line, "", buf_text(&text), CLI_WRONG);
    buf_finish(&text);
}

static void prints(const char *line, const char *out)
{
    check_prints(&sample_program, line, out);
}

/* The verb "status" was typed, and refuses the line. */
static void status_refuses(const char *line, const char *message)
{
    check_refuses(&sample_program, line, " status", message);
}

static void refuses(const char *line, const char *verb, const char *message)
{
    check_refuses(&sample_program, line, verb, message);
}

static void set(const char *variable, const char *value)
{
    assert_int_equal(setenv(variable, value, 1), 0);
}

/* Every test begins without variables. */
static int unset_all(void **state)
{
    (void)state;
    static const char *const variables[] = {
        "PROBE_NAME",   "PROBE_PORT",    "PROBE_TIMEOUT", "PROBE_PROPERTIES",
        "PROBE_OUTPUT", "PROBE_VERBOSE", "PROBE_SIZE",
    };
    for (size_t i = 0; i < ARRAY_LEN(variables); i++) {
        unsetenv(variables[i]);
    }
    return 0;
}

static void options_are_read_in_every_form(void **state)
{
    (void)state;
    prints("status", "- 8883 500 0 0 [] ()");
    prints("status --name ada", "ada 8883 500 0 0 [] ()");
    prints("status --name=ada", "ada 8883 500 0 0 [] ()");
    prints("status --name=", " 8883 500 0 0 [] ()");
    prints("status --name ''", " 8883 500 0 0 [] ()");
    prints("status --name=a=b", "a=b 8883 500 0 0 [] ()");
    prints("status -n ada", "ada 8883 500 0 0 [] ()");
    prints("status -nada", "ada 8883 500 0 0 [] ()");
    prints("status -vnada", "ada 8883 500 0 1 [] ()");
    prints("status -vn ada", "ada 8883 500 0 1 [] ()");
    prints("status --verbose", "- 8883 500 0 1 [] ()");
    prints("status -v --no-verbose", "- 8883 500 0 0 [] ()");
    prints("status -o text", "- 8883 500 2 0 [] ()");
    prints("status -p 0", "- 0 500 0 0 [] ()");
    prints("status -p 65535", "- 65535 500 0 0 [] ()");
}

static void value_may_begin_with_a_dash(void **state)
{
    (void)state;
    prints("status -n -x", "-x 8883 500 0 0 [] ()");
    prints("status -n -", "- 8883 500 0 0 [] ()");
    prints("status --name --x", "--x 8883 500 0 0 [] ()");
    prints("status --name=--verbose", "--verbose 8883 500 0 0 [] ()");
    prints("send x --a-rather-long-name-for-an-option -5", "-5 times: - 8883 500 0 0 [] (x)");
}

static void seconds_become_exact_milliseconds(void **state)
{
    (void)state;
    prints("status -t 1", "- 8883 1000 0 0 [] ()");
    prints("status -t 0.001", "- 8883 1 0 0 [] ()");
    prints("status -t .25", "- 8883 250 0 0 [] ()");
    prints("status -t 2.", "- 8883 2000 0 0 [] ()");
    prints("status -t 1.005", "- 8883 1005 0 0 [] ()");
    prints("status -t 60.50000", "- 8883 60500 0 0 [] ()");
}

static void seconds_that_are_none_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "-",
        ".",
        "abc",
        "1s",
        "1.5.0",
        "0",
        "60.501",
        "-1",
        "-0.5",
        "+1",
        "1e3",
        " 1",
        "0.0005",
        "1.0001",
        "9223372036854775807",
        "9223372036854775.807",
        "99999999999999999999",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        char line[100];
        char message[200];
        snprintf(line, sizeof(line), "status '--timeout=%s'", texts[i]);
        snprintf(message, sizeof(message),
                 "option '--timeout': expected a number of seconds from 0.001 to 60.5, with at "
                 "most three decimals, not '%s'",
                 texts[i]);
        status_refuses(line, message);
    }
}

static void options_may_stand_anywhere(void **state)
{
    (void)state;
    prints("-v --name ada send hello -c 2 file", "2 times: ada 8883 500 0 1 [] (hello,file)");
    prints("-c 3 send hello", "3 times: - 8883 500 0 0 [] (hello)");
    prints("device -v create d1 -p1", "- 1 500 0 1 [] (d1)");
    prints("device delete a b c", "- 8883 500 0 0 [] (a,b,c)");
}

static void words_with_dashes_may_be_arguments(void **state)
{
    (void)state;
    prints("send -- -v --name", "1 times: - 8883 500 0 0 [] (-v,--name)");
    prints("send -- --", "1 times: - 8883 500 0 0 [] (--)");
    prints("-- send -v", "1 times: - 8883 500 0 0 [] (-v)");
    prints("send - -5", "1 times: - 8883 500 0 0 [] (-,-5)");
    prints("send -.5 ''", "1 times: - 8883 500 0 0 [] (-.5,)");
}

static void last_of_a_repeated_option_wins_but_a_list_grows(void **state)
{
    (void)state;
    prints("status -n ada -n bob -p 1 --port=2", "bob 2 500 0 0 [] ()");
    prints("status --no-verbose -v", "- 8883 500 0 1 [] ()");
    prints("status --property a=1,2 --property=b", "- 8883 500 0 0 [a=1,2,b] ()");
}

static void variables_stand_above_defaults(void **state)
{
    (void)state;
    set("PROBE_NAME", "eve");
    set("PROBE_PORT", "7");
    set("PROBE_TIMEOUT", "2.5");
    set("PROBE_OUTPUT", "json");
    set("PROBE_PROPERTIES", " a=1 ,,b, ");
    set("PROBE_VERBOSE", "1");
    prints("status", "eve 7 2500 1 1 [a=1,b] ()");
    set("PROBE_VERBOSE", "False");
    prints("status", "eve 7 2500 1 0 [a=1,b] ()");
}

static void variables_stand_below_the_command_line(void **state)
{
    (void)state;
    set("PROBE_NAME", "eve");
    set("PROBE_PORT", "this need not be right");
    set("PROBE_VERBOSE", "true");
    set("PROBE_PROPERTIES", "a,b");
    prints("status -p 8 -n ada --no-verbose --property c", "ada 8 500 0 0 [c] ()");
}

static void empty_variable_is_not_set(void **state)
{
    (void)state;
    set("PROBE_NAME", "");
    set("PROBE_PORT", "");
    set("PROBE_VERBOSE", "");
    prints("status", "- 8883 500 0 0 [] ()");
}

static void bad_variable_is_named(void **state)
{
    (void)state;
    set("PROBE_VERBOSE", "yes");
    status_refuses("status", "variable PROBE_VERBOSE: expected true or false, not 'yes'");
    set("PROBE_OUTPUT", "xml");
    status_refuses("status", "variable PROBE_OUTPUT: expected table, json or text, not 'xml'");
    set("PROBE_PORT", "http");
    status_refuses("status",
                   "variable PROBE_PORT: expected a number from 0 to 65535, not 'http'");
}

static void unknown_option_is_refused_with_the_nearest_one(void **state)
{
    (void)state;
    status_refuses("status --nmae ada", "unknown option '--nmae'; did you mean '--name'?");
    status_refuses("status --prop=a", "unknown option '--prop'; did you mean '--property'?");
    status_refuses("status --hlep", "unknown option '--hlep'; did you mean '--help'?");
    status_refuses("status --xyzzy", "unknown option '--xyzzy'");
    status_refuses("status --no-name", "unknown option '--no-name'");
    status_refuses("status -x 1", "unknown option '-x'");
    status_refuses("status -vx", "unknown option '-x'");
    status_refuses("status --h", "unknown option '--h'");
    status_refuses("status --=x", "unknown option '--'");
}

static void option_of_another_verb_is_refused(void **state)
{
    (void)state;
    status_refuses("status --count 2", "'status' has no option '--count'");
    status_refuses("--count=2 status", "'status' has no option '--count'");
    status_refuses("status -c2", "'status' has no option '-c'");
}

static void missing_value_is_refused(void **state)
{
    (void)state;
    status_refuses("status --port", "option '--port' needs a value");
    status_refuses("status -vp", "option '-p' needs a value");
    status_refuses("status --name --verbose", "option '--name' needs a value");
    status_refuses("status --name --no-verbose", "option '--name' needs a value");
    status_refuses("status --name --port=1", "option '--name' needs a value");
    status_refuses("status --name -- x", "option '--name' needs a value");
}

static void value_of_a_flag_is_refused(void **state)
{
    (void)state;
    status_refuses("status --verbose=true", "option '--verbose' takes no value");
    status_refuses("status --no-verbose=1", "option '--no-verbose' takes no value");
    status_refuses("status --version=1", "option '--version' takes no value");
}

static void bad_value_is_refused(void **state)
{
    (void)state;
    status_refuses("status --port=65536",
                   "option '--port': expected a number from 0 to 65535, not '65536'");
    status_refuses("status -p -1", "option '-p': expected a number from 0 to 65535, not '-1'");
    status_refuses("status -p=1", "option '-p': expected a number from 0 to 65535, not '=1'");
    status_refuses("status -p '\033[1m\xffz\n'",
                   "option '-p': expected a number from 0 to 65535, not '?[1m?z?'");
    status_refuses("status -o ''", "option '-o': expected table, json or text, not ''");
    status_refuses("status -o 'table|json'",
                   "option '-o': expected table, json or text, not 'table|json'");
    refuses("send x -c 0", " send", "option '-c': expected a number of at least 1, not '0'");
    refuses("send x --a-rather-long-name-for-an-option=8", " send",
            "option '--a-rather-long-name-for-an-option': expected a number of at most 7, not "
            "'8'");
}

static void wrong_number_of_arguments_is_refused(void **state)
{
    (void)state;
    refuses("send", " send", "'send' needs TEXT");
    refuses("send a b c d", " send", "'send' takes no argument 'c'");
    refuses("status now", " status", "'status' takes no argument 'now'");
    refuses("device create", " device create", "'device create' needs DEVICE_ID");
    refuses("device delete a", " device delete", "'device delete' needs DEVICE_ID...");
}

static void unknown_verb_is_refused_with_the_nearest_one(void **state)
{
    (void)state;
    refuses("sned x", "", "unknown verb 'sned'; did you mean 'send'?");
    refuses("stat", "", "unknown verb 'stat'; did you mean 'status'?");
    refuses("hepl", "", "unknown verb 'hepl'; did you mean 'help'?");
    refuses("device crate d1", "",
            "unknown verb 'device crate'; did you mean 'device create'?");
    refuses("devise create d1", "",
            "unknown verb 'devise create'; did you mean 'device create'?");
    refuses("device xyzzy", "", "unknown verb 'device xyzzy'");
    refuses("frobnicate it", "", "unknown verb 'frobnicate'");
    refuses("''", "", "unknown verb ''");
    refuses("help sent", "", "unknown verb 'sent'; did you mean 'send'?");
    refuses("sent --help", "", "unknown verb 'sent'; did you mean 'send'?");
}

static void unknown_option_comes_before_the_unknown_verb_after_it(void **state)
{
    (void)state;
    /* The word may be the value that the option was to have. */
    refuses("--prot 5 status", "", "unknown option '--prot'; did you mean '--port'?");
    refuses("--cuont 5 send x", "", "unknown option '--cuont'; did you mean '--count'?");
}

static void standard_verb_runs_when_none_is_typed(void **state)
{
    (void)state;
    const struct cli_program *program = &sample_standard_program;
    check_prints(program, "hello -c2", "2 times: - 0 0 0 0 [] (hello)");
    check_prints(program, "-v -- status", "- 0 0 0 1 [] ()");
    check_refuses(program, "", " send", "'send' needs TEXT");
    check_refuses(program, "--cuont", " send",
                  "unknown option '--cuont'; did you mean '--count'?");
}

static void standard_verb_without_arguments_leaves_words_to_be_verbs(void **state)
{
    (void)state;
    struct cli_program program = sample_standard_program;
    program.standard_verb = "status";
    check_prints(&program, "", "- 0 0 0 0 [] ()");
    check_prints(&program, "-v", "- 0 0 0 1 [] ()");
    check_refuses(&program, "sned", "", "unknown verb 'sned'; did you mean 'send'?");
}

static void complaint_is_one_line(void **state)
{
    (void)state;
    check_run(&sample_program, "fail 'a\nprobe: b\x9b\xc2\x9b\xc3\xa4'", "",
              "probe: cannot reach a?probe: b?\?\xc3\xa4\n", CLI_FAILED);
}

static void values_are_finished_once_also_after_an_error(void **state)
{
    (void)state;
    static const char *const lines[] = {"status -n ada", "status -n ada -p x"};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        sample_n_finished = 0;
        struct outcome o = run_line(&sample_program, lines[i]);
        outcome_finish(&o);
        assert_int_equal(sample_n_finished, 1);
    }
}

struct pair {
    int64_t number;
    char *text;
};

static int print_pair(struct cli_call *call)
{
    const struct pair *p = call->values;
    printf("%lld %s\n", (long long)p->number, p->text == NULL ? "-" : p->text);
    return CLI_DONE;
}

static const struct cli_verb pair_verb = {
    .name = "show",
    .summary = "Show",
    .run = print_pair,
};

static const struct cli_option pair_options[] = {
    {
     .name = "size",
     .type = CLI_NUMBER,
     .argument = "N",
     .variable = "PROBE_SIZE",
     .standard = "5",
     .offset = offsetof(struct pair, number),
     },
    {
     .name = "length",
     .type = CLI_NUMBER,
     .argument = "N",
     .standard = "6",
     .offset = offsetof(struct pair, number),
     },
    {
     .name = "text",
     .type = CLI_TEXT,
     .argument = "TEXT",
     .standard = "none",
     .offset = offsetof(struct pair, text),
     },
    {
     .name = "word",
     .type = CLI_TEXT,
     .argument = "TEXT",
     .offset = offsetof(struct pair,               text),
     },
};

static const struct cli_program pair_program = {
    .name = "pair",
    .summary = "A pair",
    .options = pair_options,
    .n_options = ARRAY_LEN(pair_options),
    .verbs = &pair_verb,
    .n_verbs = 1,
    .values_size = sizeof(struct pair),
};

static void two_rows_may_name_one_value(void **state)
{
    (void)state;
    check_prints(&pair_program, "show", "5 none");
    check_prints(&pair_program, "show --length=-7 --word a", "-7 a");
    check_prints(&pair_program, "show --word=a --text=b", "5 b");
    set("PROBE_SIZE", "8");
    check_prints(&pair_program, "show", "8 none");
    check_prints(&pair_program, "show --length=7", "7 none");
}

static void number_without_bounds_takes_all_that_fit(void **state)
{
    (void)state;
    check_prints(&pair_program, "show --size=9223372036854775807", "9223372036854775807 none");
    check_prints(&pair_program, "show --size=-9223372036854775808",
                 "-9223372036854775808 none");
    check_refuses(&pair_program, "show --size=9223372036854775808", " show",
                  "option '--size': expected a number, not '9223372036854775808'");
}

/* The signal that a run of the program ends with; 0 when it returns. */
static int ending_signal(const struct cli_program *program)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char name[] = "pair";
        char *argv[] = {name, NULL};
        bool is_silent = freopen("/dev/null", "w", stderr) != NULL;
        _exit(is_silent ? cli_main(program, 1, argv) : 99);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* One row more, beside the flag "--flag" or "-x" and the rows of the pair. */
static void check_row(const struct cli_option *row, int signal_number)
{
    static const struct cli_option flag = {.name = "flag", .letter = 'x', .type = CLI_FLAG};
    struct cli_verb verb = pair_verb;
    verb.options = row;
    verb.n_options = 1;
    struct cli_program program = pair_program;
    program.options = &flag;
    program.n_options = 1;
    program.verbs = &verb;
    assert_int_equal(ending_signal(&program), signal_number);
}

static void table_that_contradicts_itself_ends_the_process(void **state)
{
    (void)state;
    struct cli_option row = {.name = "size", .type = CLI_NUMBER, .argument = "N", .max = 2};
    check_row(&row, 0);
    row.standard = "2";
    check_row(&row, 0);
    row.standard = "3";
    check_row(&row, SIGABRT);
    row = (struct cli_option){.name = "size", .type = CLI_NUMBER};
    check_row(&row, SIGABRT);
    row = (struct cli_option){.name = "size", .type = CLI_FLAG, .letter = '5'};
    check_row(&row, SIGABRT);
    row = (struct cli_option){.name = "b", .type = CLI_FLAG, .offset = sizeof(struct pair)};
    check_row(&row, SIGABRT);
    row = (struct cli_option){.name = "flag", .type = CLI_TEXT, .argument = "TEXT"};
    check_row(&row, SIGABRT);
    row = (struct cli_option){.name = "a", .letter = 'x', .type = CLI_TEXT, .argument = "A"};
    check_row(&row, SIGABRT);
}

static void lost_output_is_a_failure(void **state)
{
    (void)state;
    static const char *const lines[] = {"status", "--help", "--version"};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct outcome o = run_line_to(fopen("/dev/full", "w"), &sample_program, lines[i]);
        assert_string_equal(o.err, "probe: cannot write the output: No space left on device\n");
        assert_int_equal(o.code, CLI_FAILED);
        outcome_finish(&o);
    }
}

static void closed_pipe_is_a_failure_without_a_word(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    sighandler_t old = signal(SIGPIPE, SIG_IGN);
    struct outcome o = run_line_to(fdopen(ends[1], "w"), &sample_program, "status");
    signal(SIGPIPE, old);
    assert_string_equal(o.err, "");
    assert_int_equal(o.code, CLI_FAILED);
    outcome_finish(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(options_are_read_in_every_form, unset_all),
        cmocka_unit_test_setup(value_may_begin_with_a_dash, unset_all),
        cmocka_unit_test_setup(seconds_become_exact_milliseconds, unset_all),
        cmocka_unit_test_setup(seconds_that_are_none_are_refused, unset_all),
        cmocka_unit_test_setup(options_may_stand_anywhere, unset_all),
        cmocka_unit_test_setup(words_with_dashes_may_be_arguments, unset_all),
        cmocka_unit_test_setup(last_of_a_repeated_option_wins_but_a_list_grows, unset_all),
        cmocka_unit_test_setup(variables_stand_above_defaults, unset_all),
        cmocka_unit_test_setup(variables_stand_below_the_command_line, unset_all),
        cmocka_unit_test_setup(empty_variable_is_not_set, unset_all),
        cmocka_unit_test_setup(bad_variable_is_named, unset_all),
        cmocka_unit_test_setup(unknown_option_is_refused_with_the_nearest_one, unset_all),
        cmocka_unit_test_setup(option_of_another_verb_is_refused, unset_all),
        cmocka_unit_test_setup(missing_value_is_refused, unset_all),
        cmocka_unit_test_setup(value_of_a_flag_is_refused, unset_all),
        cmocka_unit_test_setup(bad_value_is_refused, unset_all),
        cmocka_unit_test_setup(wrong_number_of_arguments_is_refused, unset_all),
        cmocka_unit_test_setup(unknown_verb_is_refused_with_the_nearest_one, unset_all),
        cmocka_unit_test_setup(unknown_option_comes_before_the_unknown_verb_after_it,
                               unset_all),
        cmocka_unit_test_setup(standard_verb_runs_when_none_is_typed, unset_all),
        cmocka_unit_test_setup(standard_verb_without_arguments_leaves_words_to_be_verbs,
                               unset_all),
        cmocka_unit_test_setup(complaint_is_one_line, unset_all),
        cmocka_unit_test_setup(values_are_finished_once_also_after_an_error, unset_all),
        cmocka_unit_test_setup(two_rows_may_name_one_value, unset_all),
        cmocka_unit_test_setup(number_without_bounds_takes_all_that_fit, unset_all),
        cmocka_unit_test_setup(table_that_contradicts_itself_ends_the_process, unset_all),
        cmocka_unit_test_setup(lost_output_is_a_failure, unset_all),
        cmocka_unit_test_setup(closed_pipe_is_a_failure_without_a_word, unset_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
