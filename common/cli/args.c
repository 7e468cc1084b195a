/*
 * Reading argv word by word: "--name=value", "--name value", "--no-flag", "-x value",
 * "-xvalue",
 * "-abc" for flags, "--" as the end of options.
 */
#include "cli/args.h"

#include <stddef.h>
#include <string.h>

#include "cli/text.h"

void args_init(struct args *args, const struct cli_program *program,
               const struct cli_verb *verb, int argc, char **argv)
{
    *args = (struct args){
        .program = program,
        .verb = verb,
        .argc = argc,
        .argv = argv,
        .at = 1,
    };
}

/* `letter` is looked for when it is not '\0', else `name`. */
static const struct cli_option *find_row(const struct cli_option *rows, size_t n_rows,
                                         struct slice name, char letter)
{
    for (size_t i = 0; i < n_rows; i++) {
        bool is_it = letter != '\0' ? rows[i].letter == letter
                                    : slice_equal_text(name, rows[i].name);
        if (is_it) {
            return &rows[i];
        }
    }
    return NULL;
}

static const struct cli_option *find_option(const struct cli_program *program,
                                            const struct cli_verb *verb, struct slice name,
                                            char letter)
{
    const struct cli_option *option = NULL;
    if (verb != NULL) {
        option = find_row(verb->options, verb->n_options, name, letter);
    }
    if (option == NULL) {
        option = find_row(program->options, program->n_options, name, letter);
    }
    for (size_t i = 0; verb == NULL && option == NULL && i < program->n_verbs; i++) {
        const struct cli_verb *other = &program->verbs[i];
        option = find_row(other->options, other->n_options, name, letter);
    }
    return option;
}

const struct cli_option *args_find_name(const struct cli_program *program,
                                        const struct cli_verb *verb, struct slice name)
{
    return find_option(program, verb, name, '\0');
}

const struct cli_option *args_find_letter(const struct cli_program *program,
                                          const struct cli_verb *verb, char letter)
{
    return find_option(program, verb, SLICE(""), letter);
}

/* The name in "--name" or "--name=value". */
static struct slice long_name(const char *word)
{
    struct slice text = slice_of(word + 2);
    return slice_make(text.data, slice_find(text, '='));
}

/* A flag by "no-" and its name. */
static const struct cli_option *find_negated(const struct cli_program *program,
                                             const struct cli_verb *verb, struct slice name)
{
    struct slice prefix = SLICE("no-");
    if (!slice_starts_with(name, prefix)) {
        return NULL;
    }
    const struct cli_option *option =
        args_find_name(program, verb, slice_from(name, prefix.len));
    return option != NULL && option->type == CLI_FLAG ? option : NULL;
}

static enum arg_kind builtin_kind(struct slice name)
{
    if (slice_equal_text(name, "help") || slice_equal_text(name, "h")) {
        return ARG_HELP;
    }
    if (slice_equal_text(name, "version") || slice_equal_text(name, "V")) {
        return ARG_VERSION;
    }
    return ARG_UNKNOWN;
}

/*
 * Whether a word is surely meant as an option of this program, so that no value is eaten up in
 * "--file --verbose".  Asked of all verbs, for the line must split the same way for each of
 * them.
 */
static bool is_known_option(const struct cli_program *program, const char *word)
{
    if (strncmp(word, "--", 2) != 0) {
        return false;
    }
    struct slice name = long_name(word);
    return name.len == 0 || (name.len > 1 && builtin_kind(name) != ARG_UNKNOWN) ||
           args_find_name(program, NULL, name) != NULL ||
           find_negated(program, NULL, name) != NULL;
}

/* Give an option its value: the rest of its own word, or else the next word. */
static void take_value(struct args *args, char *rest, struct arg *arg)
{
    arg->kind = ARG_OPTION;
    if (rest != NULL) {
        arg->text = rest;
    } else if (args->at < args->argc && !is_known_option(args->program, args->argv[args->at])) {
        arg->text = args->argv[args->at++];
    } else {
        arg->kind = ARG_NEEDS_VALUE;
    }
}

static struct arg next_long(struct args *args, char *word)
{
    struct arg arg = {.kind = ARG_OPTION, .name = long_name(word)};
    char *end = word + 2 + arg.name.len;
    char *value = *end == '=' ? end + 1 : NULL;
    arg.option = args_find_name(args->program, args->verb, arg.name);
    if (arg.option == NULL) {
        arg.option = find_negated(args->program, args->verb, arg.name);
        arg.is_negated = arg.option != NULL;
    }
    bool is_builtin = arg.option == NULL;
    if (is_builtin) {
        arg.kind = arg.name.len > 1 ? builtin_kind(arg.name) : ARG_UNKNOWN;
    }
    if (arg.kind == ARG_UNKNOWN) {
        return arg;
    }
    if (!is_builtin && arg.option->type != CLI_FLAG) {
        take_value(args, value, &arg);
    } else if (value != NULL) {
        arg.kind = ARG_TAKES_NO_VALUE;
    }
    return arg;
}

static struct arg next_letter(struct args *args)
{
    char *at = args->letters;
    struct arg arg = {.kind = ARG_OPTION, .name = slice_make(at, 1), .is_letter = true};
    char *rest = at[1] == '\0' ? NULL : at + 1;
    args->letters = rest;
    arg.option = args_find_letter(args->program, args->verb, *at);
    if (arg.option == NULL) {
        arg.kind = builtin_kind(arg.name);
    } else if (arg.option->type != CLI_FLAG) {
        args->letters = NULL;
        take_value(args, rest, &arg);
    }
    if (arg.kind == ARG_UNKNOWN) {
        args->letters = NULL;
    }
    return arg;
}

/* "-5" and "-.5" are arguments: no option's letter is a digit. */
static bool looks_negative(const char *word)
{
    return (word[1] >= '0' && word[1] <= '9') || word[1] == '.';
}

struct arg args_next(struct args *args)
{
    if (args->letters != NULL) {
        return next_letter(args);
    }
    if (!args->is_past_options && args->at < args->argc &&
        strcmp(args->argv[args->at], "--") == 0) {
        args->is_past_options = true;
        args->at++;
    }
    if (args->at >= args->argc) {
        return (struct arg){.kind = ARG_END};
    }
    char *word = args->argv[args->at++];
    bool is_word = args->is_past_options || word[0] != '-' || word[1] == '\0' ||
                   looks_negative(word);
    if (is_word) {
        return (struct arg){.kind = ARG_WORD, .text = word};
    }
    if (word[1] == '-') {
        return next_long(args, word);
    }
    args->letters = word + 1;
    return next_letter(args);
}

void arg_put_name(struct buf *out, const struct arg *arg)
{
    buf_put_text(out, arg->is_letter ? "-" : "--");
    text_put_clean(out, arg->name);
}
