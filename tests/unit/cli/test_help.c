/*
 * The help texts, letter by letter, and where they go.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/help.h"
#include "sample.h"

static void check_out(const struct cli_program *program, const char *line, const char *text)
{
    struct outcome o = run_line(program, line);
    assert_string_equal(o.err, "");
    assert_string_equal(o.out, text);
    assert_int_equal(o.code, CLI_DONE);
    outcome_finish(&o);
}

#define COMMON_OPTIONS \
    "  -n, --name NAME               What the probe is called [PROBE_NAME]\n" \
    "  -p, --port PORT               Port to connect to [default: 8883] [PROBE_PORT]\n" \
    "  -t, --timeout SECONDS         Give up after so many seconds without an answer\n" \
    "                                from the other side [default: 0.5]\n" \
    "                                [PROBE_TIMEOUT]\n" \
    "      --property NAME=VALUE     A property of the message [repeatable]\n" \
    "                                [PROBE_PROPERTIES]\n" \
    "  -o, --output table|json|text  How results are shown [default: table]\n" \
    "                                [PROBE_OUTPUT]\n" \
    "  -v, --[no-]verbose            Say more [PROBE_VERBOSE]\n" \
    "  -h, --help                    Show this help\n" \
    "  -V, --version                 Show the version\n"

#define PROGRAM_HELP \
    "Usage: probe [OPTION...] VERB [ARGUMENT...]\n" \
    "\n" \
    "Asks probes how they are, and tells them what to do when they are well enough to\n" \
    "listen\n" \
    "\n" \
    "Verbs:\n" \
    "  send           Send a text\n" \
    "  status         Show how the probe is\n" \
    "  device create  Create a device\n" \
    "  device delete  Delete devices\n" \
    "  fail           Complain\n" \
    "  read           Read a configuration\n" \
    "  help [VERB]    Show this help, or a verb's\n" \
    "\n" \
    "Options:\n" COMMON_OPTIONS "\n" \
    "Exit codes are 0, 1 and 2.\n" \
    "\n" \
    "'probe VERB --help' shows a verb's arguments and options.\n"

#define SEND_HELP \
    "Usage: probe send [OPTION...] TEXT [FILE]\n" \
    "\n" \
    "Send a text\n" \
    "\n" \
    "Options:\n" \
    "  -c, --count N                 Send it so many times [default: 1]\n" \
    "      --a-rather-long-name-for-an-option N\n" \
    "                                Has its sentence on the next line\n" \
    "\n" \
    "Common options:\n" COMMON_OPTIONS "\n" \
    "The text is sent as it is, however long it may be, and this sentence goes on\n" \
    "until it has to be wrapped. A second sentence of the same paragraph.\n" \
    "\n" \
    "Examples:\n" \
    "  probe send hello    # this line is longer than the width of the help, which does not " \
    "matter\n" \
    "  probe send -c 3 hello\n"

#define STATUS_HELP \
    "Usage: probe status [OPTION...]\n" \
    "\n" \
    "Show how the probe is\n" \
    "\n" \
    "Options:\n" COMMON_OPTIONS

#define GROUP_HELP \
    "Usage: probe device VERB [OPTION...] [ARGUMENT...]\n" \
    "\n" \
    "Verbs:\n" \
    "  device create  Create a device\n" \
    "  device delete  Delete devices\n" \
    "\n" \
    "'probe device VERB --help' shows a verb's arguments and options.\n"

#define STANDARD_HELP \
    "Usage: probed [OPTION...] [VERB [ARGUMENT...]]\n" \
    "\n" \
    "Is a probe\n" \
    "\n" \
    "Verbs:\n" \
    "  send         Send a text\n" \
    "  status       Show how the probe is\n" \
    "  help [VERB]  Show this help, or a verb's\n" \
    "\n" \
    "Options of 'send', which runs when no verb is typed:\n" \
    "  -c, --count N       Send it so many times [default: 1]\n" \
    "      --a-rather-long-name-for-an-option N\n" \
    "                      Has its sentence on the next line\n" \
    "\n" \
    "Common options:\n" \
    "  -v, --[no-]verbose  Say more [PROBE_VERBOSE]\n" \
    "  -h, --help          Show this help\n" \
    "  -V, --version       Show the version\n" \
    "\n" \
    "'probed VERB --help' shows a verb's arguments and options.\n"

static void program_help_lists_verbs_and_options(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "--help", "-h", "help", "-vh", "--name --help", "--foo --help", "--version --help"};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        check_out(&sample_program, lines[i], PROGRAM_HELP);
    }
}

static void verb_help_shows_its_options_first(void **state)
{
    (void)state;
    static const char *const lines[] = {"send --help", "help send", "-h send x",
                                        "send --foo -h"};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        check_out(&sample_program, lines[i], SEND_HELP);
    }
    check_out(&sample_program, "status -h", STATUS_HELP);
}

static void group_help_lists_the_verbs_of_a_word(void **state)
{
    (void)state;
    static const char *const lines[] = {"device --help", "help device"};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        check_out(&sample_program, lines[i], GROUP_HELP);
    }
}

static void standard_verb_has_its_options_in_the_program_help(void **state)
{
    (void)state;
    check_out(&sample_standard_program, "--help", STANDARD_HELP);
}

static void help_beside_arguments_of_the_standard_verb_is_its_own(void **state)
{
    (void)state;
    struct outcome o = run_line(&sample_standard_program, "hello --help");
    assert_string_equal(o.err, "");
    assert_non_null(strstr(o.out, "Usage: probed send [OPTION...] TEXT [FILE]\n"));
    assert_int_equal(o.code, CLI_DONE);
    outcome_finish(&o);
}

static void line_without_a_verb_gets_the_help_on_stderr(void **state)
{
    (void)state;
    static const char *const lines[] = {"", "device", "-v"};
    static const char *const texts[] = {PROGRAM_HELP, GROUP_HELP, PROGRAM_HELP};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct outcome o = run_line(&sample_program, lines[i]);
        assert_string_equal(o.out, "");
        assert_string_equal(o.err, texts[i]);
        assert_int_equal(o.code, CLI_WRONG);
        outcome_finish(&o);
    }
}

static void version_is_one_line(void **state)
{
    (void)state;
    static const char *const lines[] = {"--version", "-V", "send --version", "-vV"};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        check_out(&sample_program, lines[i], "probe 1.2.3\n");
    }
}

static void table_may_take_the_builtin_letters(void **state)
{
    (void)state;
    static const struct cli_option options[] = {
        {
         .name = "host",
         .letter = 'h',
         .type = CLI_TEXT,
         .argument = "NAME",
         .help = "The host",
         },
    };
    static const struct cli_program program = {
        .name = "probe",
        .summary = "Is a probe",
        .options = options,
        .n_options = 1,
        .values_size = sizeof(char *),
    };
    check_out(&program, "-h x --help",
              "Usage: probe [OPTION...] VERB [ARGUMENT...]\n"
              "\n"
              "Is a probe\n"
              "\n"
              "Verbs:\n"
              "  help [VERB]  Show this help, or a verb's\n"
              "\n"
              "Options:\n"
              "  -h, --host NAME  The host\n"
              "      --help       Show this help\n"
              "  -V, --version    Show the version\n"
              "\n"
              "'probe VERB --help' shows a verb's arguments and options.\n");
}

static size_t width_of_terminal(unsigned short n_columns)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(master >= 0);
    assert_int_equal(grantpt(master), 0);
    assert_int_equal(unlockpt(master), 0);
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    assert_true(slave >= 0);
    struct winsize size = {.ws_row = 25, .ws_col = n_columns};
    assert_int_equal(ioctl(slave, TIOCSWINSZ, &size), 0);
    FILE *stream = fdopen(slave, "w");
    assert_non_null(stream);
    size_t width = help_width(stream);
    fclose(stream);
    close(master);
    return width;
}

static void width_is_the_terminals_between_bounds(void **state)
{
    (void)state;
    assert_int_equal(width_of_terminal(90), 90);
    assert_int_equal(width_of_terminal(100), 100);
    assert_int_equal(width_of_terminal(200), 100);
    assert_int_equal(width_of_terminal(10), 40);
    assert_int_equal(width_of_terminal(0), 80);
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(help_width(file), 80);
    fclose(file);
}

static void no_line_of_prose_is_wider_than_asked(void **state)
{
    (void)state;
    for (size_t width = 40; width <= 100; width += 7) {
        struct buf text;
        buf_init(&text, BUF_CAP_OWN);
        help_put_program(&text, &sample_program, width);
        struct slice rest = buf_slice(&text);
        struct slice line;
        while (slice_next(&rest, '\n', &line)) {
            /* The first line is for copying, and stays whole. */
            assert_true(line.len <= width || slice_starts_with(line, SLICE("Usage: ")));
        }
        buf_finish(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(program_help_lists_verbs_and_options),
        cmocka_unit_test(verb_help_shows_its_options_first),
        cmocka_unit_test(group_help_lists_the_verbs_of_a_word),
        cmocka_unit_test(standard_verb_has_its_options_in_the_program_help),
        cmocka_unit_test(help_beside_arguments_of_the_standard_verb_is_its_own),
        cmocka_unit_test(line_without_a_verb_gets_the_help_on_stderr),
        cmocka_unit_test(version_is_one_line),
        cmocka_unit_test(table_may_take_the_builtin_letters),
        cmocka_unit_test(width_is_the_terminals_between_bounds),
        cmocka_unit_test(no_line_of_prose_is_wider_than_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
