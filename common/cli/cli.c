/*
 * From argv to the exit code: find the verb, read its options, run it.
 */
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/args.h"
#include "cli/help.h"
#include "cli/options.h"
#include "cli/suggest.h"
#include "cli/text.h"

/* What the command line says before the verb is known. */
struct line {
    int argc;
    char **argv;
    char **words; /* the verb and its arguments; borrowed texts */
    size_t n_words;
    bool wants_help;
    bool wants_version;
    struct arg unknown; /* the first option that no verb has; its kind is ARG_END for none */
};

/* One line on stderr; a peer's or the user's text in it can neither end nor colour it. */
static void complain(const struct cli_program *program, struct slice message)
{
    struct buf line;
    buf_init(&line, BUF_CAP_OWN);
    buf_putf(&line, "%s: ", program->name);
    text_put_clean(&line, slice_trim(message));
    buf_put_char(&line, '\n');
    fputs(buf_text(&line), stderr);
    buf_finish(&line);
}

void cli_complain(const struct cli_call *call, const char *format, ...)
{
    struct buf message;
    buf_init(&message, BUF_CAP_OWN);
    va_list args;
    va_start(args, format);
    buf_vputf(&message, format, args);
    va_end(args);
    complain(call->program, buf_slice(&message));
    buf_finish(&message);
}

/* Frees the message. */
static int refuse(const struct cli_program *program, const struct cli_verb *verb,
                  struct buf *message)
{
    complain(program, buf_slice(message));
    fprintf(stderr, "Try '%s%s%s --help'.\n", program->name, verb == NULL ? "" : " ",
            verb == NULL ? "" : verb->name);
    buf_finish(message);
    return CLI_WRONG;
}

static void line_init(struct line *line, const struct cli_program *program, int argc,
                      char **argv)
{
    *line = (struct line){.argc = argc, .argv = argv};
    line->words = mem_array((size_t)argc + 1, sizeof(*line->words));
    struct args args;
    args_init(&args, program, NULL, argc, argv);
    for (struct arg arg = args_next(&args); arg.kind != ARG_END; arg = args_next(&args)) {
        if (arg.kind == ARG_WORD) {
            line->words[line->n_words++] = arg.text;
        } else if (arg.kind == ARG_UNKNOWN && line->unknown.kind == ARG_END) {
            line->unknown = arg;
        }
        line->wants_help = line->wants_help || arg.kind == ARG_HELP;
        line->wants_version = line->wants_version || arg.kind == ARG_VERSION;
    }
}

/* How many of the words the name has; 0 when they are not its words. */
static size_t match_verb(const struct cli_verb *verb, char *const *words, size_t n_words)
{
    struct slice rest = slice_of(verb->name);
    struct slice word;
    size_t n_matched = 0;
    while (slice_next(&rest, ' ', &word)) {
        if (n_matched == n_words || !slice_equal_text(word, words[n_matched])) {
            return 0;
        }
        n_matched++;
    }
    return n_matched;
}

/* The verb with the most words that the line begins with; NULL when there is none. */
static const struct cli_verb *find_verb(const struct cli_program *program, char *const *words,
                                        size_t n_words, size_t *n_matched)
{
    const struct cli_verb *best = NULL;
    *n_matched = 0;
    for (size_t i = 0; i < program->n_verbs; i++) {
        size_t n = match_verb(&program->verbs[i], words, n_words);
        if (n > *n_matched) {
            best = &program->verbs[i];
            *n_matched = n;
        }
    }
    return best;
}

/* Whether some verb of several words begins with this one. */
static bool is_group(const struct cli_program *program, const char *word)
{
    size_t len = strlen(word);
    for (size_t i = 0; i < program->n_verbs; i++) {
        const char *name = program->verbs[i].name;
        if (len > 0 && strncmp(name, word, len) == 0 && name[len] == ' ') {
            return true;
        }
    }
    return false;
}

/* As many of the typed words as `name` has, joined by blanks. */
static void put_words_like(struct buf *out, const char *name, char *const *words,
                           size_t n_words)
{
    struct slice rest = slice_of(name);
    struct slice word;
    for (size_t i = 0; i < n_words && slice_next(&rest, ' ', &word); i++) {
        buf_put_text(out, i == 0 ? "" : " ");
        buf_put_text(out, words[i]);
    }
}

static struct slice suggest_verb(const struct cli_program *program, char *const *words,
                                 size_t n_words)
{
    struct suggest s = {0};
    struct buf typed;
    buf_init(&typed, BUF_CAP_OWN);
    for (size_t i = 0; i < program->n_verbs; i++) {
        const char *name = program->verbs[i].name;
        buf_reset(&typed);
        put_words_like(&typed, name, words, n_words);
        suggest_offer(&s, buf_slice(&typed), slice_of(name));
    }
    suggest_offer(&s, slice_of(words[0]), SLICE("help"));
    buf_finish(&typed);
    return s.best;
}

static int refuse_verb(const struct cli_program *program, char *const *words, size_t n_words)
{
    struct buf message;
    buf_init(&message, BUF_CAP_OWN);
    struct slice best = suggest_verb(program, words, n_words);
    bool has_two_words = is_group(program, words[0]) || slice_find(best, ' ') < best.len;
    buf_put_text(&message, "unknown verb '");
    put_words_like(&message, has_two_words ? "a b" : "a", words, n_words);
    buf_put_char(&message, '\'');
    if (best.len > 0) {
        buf_putf(&message, "; did you mean '%.*s'?", SLICE_ARG(best));
    }
    return refuse(program, NULL, &message);
}

static int refuse_option(const struct cli_program *program, const struct arg *unknown)
{
    struct buf message;
    buf_init(&message, BUF_CAP_OWN);
    options_explain_unknown(&message, program, NULL, unknown);
    return refuse(program, NULL, &message);
}

static void print_help(const struct cli_program *program, const struct cli_verb *verb,
                       const char *group, FILE *stream)
{
    struct buf text;
    buf_init(&text, BUF_CAP_OWN);
    size_t width = help_width(stream);
    if (verb != NULL) {
        help_put_verb(&text, program, verb, width);
    } else if (group != NULL) {
        help_put_group(&text, program, group, width);
    } else {
        help_put_program(&text, program, width);
    }
    fputs(buf_text(&text), stream);
    buf_finish(&text);
}

/* Help on what the words name. */
static int show_help(const struct cli_program *program, char *const *words, size_t n_words)
{
    size_t n_matched;
    const struct cli_verb *verb = find_verb(program, words, n_words, &n_matched);
    bool has_group = verb == NULL && n_words == 1 && is_group(program, words[0]);
    if (verb == NULL && n_words > 0 && !has_group) {
        return refuse_verb(program, words, n_words);
    }
    print_help(program, verb, has_group ? words[0] : NULL, stdout);
    return CLI_DONE;
}

/* The word of the verb's usage line that argument `at` stands for; the last one may repeat. */
static struct slice argument_name(const struct cli_verb *verb, size_t at)
{
    struct slice rest = slice_of(verb->arguments);
    struct slice name = SLICE("an argument");
    struct slice word;
    for (size_t i = 0; i <= at && slice_next(&rest, ' ', &word); i++) {
        name = word;
    }
    return name;
}

static bool check_arguments(const struct cli_call *call, struct buf *error)
{
    const struct cli_verb *verb = call->verb;
    if (call->n_arguments < verb->min_arguments) {
        struct slice name = argument_name(verb, call->n_arguments);
        buf_putf(error, "'%s' needs %.*s", verb->name, SLICE_ARG(name));
        return false;
    }
    if (call->n_arguments > verb->max_arguments) {
        buf_putf(error, "'%s' takes no argument '%s'", verb->name,
                 call->arguments[verb->max_arguments]);
        return false;
    }
    return true;
}

static int run_verb(const struct cli_program *program, const struct cli_verb *verb,
                    const struct line *line, size_t n_verb_words)
{
    struct cli_call call = {
        .program = program,
        .verb = verb,
        .values = mem_alloc(program->values_size + 1),
        .arguments = line->words + n_verb_words,
        .n_arguments = line->n_words - n_verb_words,
        .argc = line->argc,
        .argv = line->argv,
    };
    struct buf error;
    buf_init(&error, BUF_CAP_OWN);
    int code;
    if (!options_read(&call, NULL, &error) || !check_arguments(&call, &error)) {
        code = refuse(program, verb, &error);
    } else {
        code = verb->run(&call);
    }
    if (program->finish != NULL) {
        program->finish(call.values);
    }
    options_finish(program, verb, call.values);
    free(call.values);
    buf_finish(&error);
    return code;
}

/* Whether words that are no verb are the arguments of the standard verb. */
static bool takes_words(const struct cli_program *program)
{
    const struct cli_verb *verb = options_standard_verb(program);
    return verb != NULL && verb->max_arguments > 0;
}

/* No word of the line is a verb. */
static int run_without_verb(const struct cli_program *program, const struct line *line)
{
    const struct cli_verb *verb = options_standard_verb(program);
    if (verb != NULL && (line->n_words == 0 || takes_words(program))) {
        return run_verb(program, verb, line, 0);
    }
    if (line->unknown.kind != ARG_END) {
        return refuse_option(program, &line->unknown);
    }
    if (line->n_words > 1 || (line->n_words == 1 && !is_group(program, line->words[0]))) {
        return refuse_verb(program, line->words, line->n_words);
    }
    print_help(program, NULL, line->n_words == 1 ? line->words[0] : NULL, stderr);
    return CLI_WRONG;
}

static int run_line(const struct cli_program *program, const struct line *line)
{
    size_t n_matched;
    const struct cli_verb *verb = find_verb(program, line->words, line->n_words, &n_matched);
    if (verb == NULL && line->n_words > 0 && strcmp(line->words[0], "help") == 0) {
        return show_help(program, line->words + 1, line->n_words - 1);
    }
    if (line->wants_help && verb == NULL && line->n_words > 0 && takes_words(program)) {
        print_help(program, options_standard_verb(program), NULL, stdout);
        return CLI_DONE;
    }
    if (line->wants_help) {
        return show_help(program, line->words, line->n_words);
    }
    if (line->wants_version) {
        printf("%s %s\n", program->name, program->version);
        return CLI_DONE;
    }
    if (verb == NULL) {
        return run_without_verb(program, line);
    }
    return run_verb(program, verb, line, n_matched);
}

/* Output that never arrived makes every success a failure. */
static int check_output(const struct cli_program *program, int code)
{
    errno = 0;
    bool is_lost = fflush(stdout) != 0;
    int reason = errno;
    is_lost = is_lost || ferror(stdout) != 0;
    if (!is_lost) {
        return code;
    }
    /* A reader that has left, as in "| head", knows it. */
    if (reason != EPIPE) {
        fprintf(stderr, "%s: cannot write the output%s%s\n", program->name,
                reason == 0 ? "" : ": ", reason == 0 ? "" : strerror(reason));
    }
    return CLI_FAILED;
}

int cli_main(const struct cli_program *program, int argc, char **argv)
{
    options_check_tables(program);
    struct line line;
    line_init(&line, program, argc, argv);
    int code = run_line(program, &line);
    free(line.words);
    return check_output(program, code);
}
