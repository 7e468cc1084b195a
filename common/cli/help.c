/*
 * Help in two columns: what to type, and what it does.
 */
#include "cli/help.h"

#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/slice.h"
#include "cli/args.h"
#include "cli/options.h"
#include "cli/text.h"

#define WIDTH_STANDARD 80
#define WIDTH_MIN      40
#define WIDTH_MAX      100
/* A left part that does not end before it has its sentence on the next line. */
#define COLUMN_MAX     34
#define GAP            2

/* One row of the two columns. */
struct entry {
    struct buf left;
    struct buf right;
};

static const struct cli_option builtins[] = {
    {.name = "help",    .letter = 'h', .type = CLI_FLAG, .help = "Show this help"  },
    {.name = "version", .letter = 'V', .type = CLI_FLAG, .help = "Show the version"},
};

static const struct cli_verb help_verb = {
    .name = "help [VERB]",
    .summary = "Show this help, or a verb's",
};

size_t help_width(FILE *stream)
{
    struct winsize size = {0};
    if (ioctl(fileno(stream), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
        return WIDTH_STANDARD;
    }
    if (size.ws_col < WIDTH_MIN) {
        return WIDTH_MIN;
    }
    return size.ws_col > WIDTH_MAX ? WIDTH_MAX : size.ws_col;
}

static void entry_init(struct entry *e)
{
    buf_init(&e->left, BUF_CAP_OWN);
    buf_init(&e->right, BUF_CAP_OWN);
}

static void entry_finish(struct entry *e)
{
    buf_finish(&e->left);
    buf_finish(&e->right);
}

static void put_entry(struct buf *out, const struct entry *e, size_t column, size_t width)
{
    size_t at = text_width(buf_slice(&e->left));
    buf_put_slice(out, buf_slice(&e->left));
    if (at + GAP > column) {
        buf_put_char(out, '\n');
        at = 0;
    }
    text_put_blanks(out, column - at);
    text_wrap(out, buf_slice(&e->right), column, width);
}

/* Where the right column begins when the left part of one more entry goes before it. */
static size_t widen(size_t column, const struct entry *e, size_t width)
{
    size_t needed = text_width(buf_slice(&e->left)) + GAP;
    size_t most = width / 2 < COLUMN_MAX ? width / 2 : COLUMN_MAX;
    return needed > column && needed <= most ? needed : column;
}

/* "--no-x" is of use only where something else can switch x on. */
static bool can_be_on(const struct cli_option *option)
{
    return option->variable != NULL || option->key != NULL ||
           (option->standard != NULL && strcmp(option->standard, "true") == 0);
}

static void put_option_left(struct buf *out, const struct cli_option *option)
{
    if (option->letter != '\0') {
        buf_putf(out, "  -%c, ", option->letter);
    } else {
        text_put_blanks(out, 6);
    }
    bool is_flag = option->type == CLI_FLAG;
    buf_putf(out, "--%s%s", is_flag && can_be_on(option) ? "[no-]" : "", option->name);
    if (!is_flag) {
        buf_putf(out, " %s", option->argument);
    }
}

static void put_option_right(struct buf *out, const struct cli_option *option)
{
    buf_put_text(out, option->help);
    if (option->type == CLI_LIST) {
        buf_put_text(out, " [repeatable]");
    }
    if (option->standard != NULL && option->standard[0] != '\0') {
        buf_putf(out, " [default:%c%s]", TEXT_HARD_BLANK, option->standard);
    }
    if (option->variable != NULL) {
        buf_putf(out, " [%s]", option->variable);
    }
}

static void entry_set_option(struct entry *e, const struct cli_option *option)
{
    buf_reset(&e->left);
    buf_reset(&e->right);
    put_option_left(&e->left, option);
    put_option_right(&e->right, option);
}

static void entry_set_verb(struct entry *e, const struct cli_verb *verb)
{
    buf_reset(&e->left);
    buf_reset(&e->right);
    buf_putf(&e->left, "  %s", verb->name);
    buf_put_text(&e->right, verb->summary);
}

static size_t options_column(size_t column, const struct cli_option *options, size_t n_options,
                             size_t width)
{
    struct entry e;
    entry_init(&e);
    for (size_t i = 0; i < n_options; i++) {
        entry_set_option(&e, &options[i]);
        column = widen(column, &e, width);
    }
    entry_finish(&e);
    return column;
}

static void put_options(struct buf *out, const struct cli_option *options, size_t n_options,
                        size_t column, size_t width)
{
    struct entry e;
    entry_init(&e);
    for (size_t i = 0; i < n_options; i++) {
        entry_set_option(&e, &options[i]);
        put_entry(out, &e, column, width);
    }
    entry_finish(&e);
}

/* The builtins whose names the tables do not use otherwise. */
static void put_builtins(struct buf *out, const struct cli_program *program,
                         const struct cli_verb *verb, size_t column, size_t width)
{
    for (size_t i = 0; i < ARRAY_LEN(builtins); i++) {
        struct cli_option option = builtins[i];
        if (args_find_name(program, verb, slice_of(option.name)) != NULL) {
            continue;
        }
        if (args_find_letter(program, verb, option.letter) != NULL) {
            option.letter = '\0';
        }
        put_options(out, &option, 1, column, width);
    }
}

/* The program's own options and the builtins, and a verb's, aligned with each other. */
static void put_option_sections(struct buf *out, const struct cli_program *program,
                                const struct cli_verb *verb, const char *title, size_t width)
{
    size_t column = options_column(0, builtins, ARRAY_LEN(builtins), width);
    column = options_column(column, program->options, program->n_options, width);
    bool has_own = verb != NULL && verb->n_options > 0;
    if (has_own) {
        column = options_column(column, verb->options, verb->n_options, width);
        buf_putf(out, "\n%s:\n", title);
        put_options(out, verb->options, verb->n_options, column, width);
    }
    buf_put_text(out, has_own ? "\nCommon options:\n" : "\nOptions:\n");
    put_options(out, program->options, program->n_options, column, width);
    put_builtins(out, program, verb, column, width);
}

/* Whether the verb's first word is `group`, and not its only one; NULL stands for every verb.
 */
static bool is_in_group(const struct cli_verb *verb, const char *group)
{
    if (group == NULL) {
        return true;
    }
    size_t len = strlen(group);
    return strncmp(verb->name, group, len) == 0 && verb->name[len] == ' ';
}

static void put_verbs(struct buf *out, const struct cli_program *program, const char *group,
                      size_t width)
{
    struct entry e;
    entry_init(&e);
    entry_set_verb(&e, &help_verb);
    size_t column = group == NULL ? widen(0, &e, width) : 0;
    for (size_t i = 0; i < program->n_verbs; i++) {
        if (is_in_group(&program->verbs[i], group)) {
            entry_set_verb(&e, &program->verbs[i]);
            column = widen(column, &e, width);
        }
    }
    buf_put_text(out, "\nVerbs:\n");
    for (size_t i = 0; i < program->n_verbs; i++) {
        if (is_in_group(&program->verbs[i], group)) {
            entry_set_verb(&e, &program->verbs[i]);
            put_entry(out, &e, column, width);
        }
    }
    if (group == NULL) {
        entry_set_verb(&e, &help_verb);
        put_entry(out, &e, column, width);
    }
    entry_finish(&e);
}

/* Paragraphs are wrapped; a line that begins with a blank is an example and stays as it is. */
static void put_details(struct buf *out, const char *details, size_t width)
{
    if (details == NULL) {
        return;
    }
    struct slice rest = slice_of(details);
    struct slice line;
    struct buf paragraph;
    buf_init(&paragraph, BUF_CAP_OWN);
    buf_put_char(out, '\n');
    while (slice_next(&rest, '\n', &line)) {
        bool is_prose = line.len > 0 && line.data[0] != ' ';
        if (is_prose) {
            buf_put_slice(&paragraph, line);
            buf_put_char(&paragraph, ' ');
        }
        bool is_end = !is_prose || rest.len == 0 || rest.data[0] == ' ' || rest.data[0] == '\n';
        if (is_end && paragraph.len > 0) {
            text_wrap(out, buf_slice(&paragraph), 0, width);
            buf_reset(&paragraph);
        }
        if (!is_prose) {
            buf_put_slice(out, line);
            buf_put_char(out, '\n');
        }
    }
    buf_finish(&paragraph);
}

static void put_summary(struct buf *out, const char *summary, size_t width)
{
    buf_put_char(out, '\n');
    text_wrap(out, slice_of(summary), 0, width);
}

/* `words` are those between the program's name and the verb, with a blank before them. */
static void put_hint(struct buf *out, const char *name, const char *words, size_t width)
{
    struct buf hint;
    buf_init(&hint, BUF_CAP_OWN);
    buf_putf(&hint, "'%s%s VERB --help' shows a verb's arguments and options.", name, words);
    buf_put_char(out, '\n');
    text_wrap(out, buf_slice(&hint), 0, width);
    buf_finish(&hint);
}

void help_put_program(struct buf *out, const struct cli_program *program, size_t width)
{
    const struct cli_verb *standard = options_standard_verb(program);
    const char *form = standard == NULL ? "VERB [ARGUMENT...]" : "[VERB [ARGUMENT...]]";
    buf_putf(out, "Usage: %s [OPTION...] %s\n", program->name, form);
    put_summary(out, program->summary, width);
    put_verbs(out, program, NULL, width);
    struct buf title;
    buf_init(&title, BUF_CAP_OWN);
    if (standard != NULL) {
        buf_putf(&title, "Options of '%s', which runs when no verb is typed", standard->name);
    }
    put_option_sections(out, program, standard, buf_text(&title), width);
    buf_finish(&title);
    put_details(out, program->details, width);
    put_hint(out, program->name, "", width);
}

void help_put_group(struct buf *out, const struct cli_program *program, const char *group,
                    size_t width)
{
    buf_putf(out, "Usage: %s %s VERB [OPTION...] [ARGUMENT...]\n", program->name, group);
    put_verbs(out, program, group, width);
    struct buf words;
    buf_init(&words, BUF_CAP_OWN);
    buf_putf(&words, " %s", group);
    put_hint(out, program->name, buf_text(&words), width);
    buf_finish(&words);
}

void help_put_verb(struct buf *out, const struct cli_program *program,
                   const struct cli_verb *verb, size_t width)
{
    struct slice arguments = slice_of(verb->arguments);
    buf_putf(out, "Usage: %s %s [OPTION...]", program->name, verb->name);
    buf_put_text(out, arguments.len == 0 ? "" : " ");
    buf_put_slice(out, arguments);
    buf_put_char(out, '\n');
    put_summary(out, verb->summary, width);
    put_option_sections(out, program, verb, "Options", width);
    put_details(out, verb->details, width);
}
