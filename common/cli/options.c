/*
 * Values from four sources.  Each is asked only for what no earlier one has given, so a bad
 * environment variable does no harm when the command line overrides it; the members of the file
 * are checked in any case, since nobody would look for the fault there later.
 */
#include "cli/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/args.h"
#include "cli/suggest.h"
#include "cli/text.h"
#include "cli/value.h"

struct reader {
    const struct cli_call *call;
    bool *is_given; /* one for each option of the call */
    struct buf *error;
};

size_t options_count(const struct cli_program *program, const struct cli_verb *verb)
{
    return program->n_options + verb->n_options;
}

const struct cli_option *options_at(const struct cli_program *program,
                                    const struct cli_verb *verb, size_t i)
{
    return i < verb->n_options ? &verb->options[i] : &program->options[i - verb->n_options];
}

static size_t reader_count(const struct reader *r)
{
    return options_count(r->call->program, r->call->verb);
}

static const struct cli_option *reader_at(const struct reader *r, size_t i)
{
    return options_at(r->call->program, r->call->verb, i);
}

/* Two rows with one offset are two names of one value. */
static bool is_given(const struct reader *r, const struct cli_option *option)
{
    for (size_t i = 0; i < reader_count(r); i++) {
        if (r->is_given[i] && reader_at(r, i)->offset == option->offset) {
            return true;
        }
    }
    return false;
}

static void mark_given(const struct reader *r, const struct cli_option *option)
{
    for (size_t i = 0; i < reader_count(r); i++) {
        if (reader_at(r, i)->offset == option->offset) {
            r->is_given[i] = true;
        }
    }
}

static void put_not(const struct reader *r, const struct cli_option *option, const char *text)
{
    value_put_expected(r->error, option);
    buf_put_text(r->error, ", not '");
    text_put_clean(r->error, slice_of(text));
    buf_put_char(r->error, '\'');
}

static bool read_option(const struct reader *r, const struct arg *arg)
{
    const struct cli_option *option = arg->option;
    union value value = {.list = {0}};
    mark_given(r, option);
    if (option->type == CLI_LIST) {
        value_append(option, r->call->values, arg->text);
        return true;
    }
    if (option->type == CLI_FLAG) {
        value.flag = !arg->is_negated;
    } else if (!value_from_text(option, arg->text, &value)) {
        buf_put_text(r->error, "option '");
        arg_put_name(r->error, arg);
        buf_put_text(r->error, "': ");
        put_not(r, option, arg->text);
        return false;
    }
    value_store(option, r->call->values, &value);
    return true;
}

static void offer_names(struct suggest *s, struct slice typed, const struct cli_option *rows,
                        size_t n_rows)
{
    for (size_t i = 0; i < n_rows; i++) {
        suggest_offer(s, typed, slice_of(rows[i].name));
    }
}

static struct slice suggest_option(const struct cli_program *program,
                                   const struct cli_verb *verb, struct slice typed)
{
    struct suggest s = {0};
    offer_names(&s, typed, program->options, program->n_options);
    for (size_t i = 0; i < program->n_verbs; i++) {
        const struct cli_verb *other = &program->verbs[i];
        if (verb == NULL || verb == other) {
            offer_names(&s, typed, other->options, other->n_options);
        }
    }
    suggest_offer(&s, typed, SLICE("help"));
    suggest_offer(&s, typed, SLICE("version"));
    return s.best;
}

/* An option that only other verbs have is named as such. */
void options_explain_unknown(struct buf *out, const struct cli_program *program,
                             const struct cli_verb *verb, const struct arg *arg)
{
    bool is_foreign = arg->is_letter
                          ? args_find_letter(program, NULL, arg->name.data[0]) != NULL
                          : args_find_name(program, NULL, arg->name) != NULL;
    if (verb != NULL && is_foreign) {
        buf_putf(out, "'%s' has no option '", verb->name);
    } else {
        buf_put_text(out, "unknown option '");
    }
    arg_put_name(out, arg);
    buf_put_char(out, '\'');
    struct slice best = arg->is_letter ? SLICE("") : suggest_option(program, verb, arg->name);
    if (best.len > 0) {
        buf_putf(out, "; did you mean '--%.*s'?", SLICE_ARG(best));
    }
}

const struct cli_verb *options_standard_verb(const struct cli_program *program)
{
    for (size_t i = 0; program->standard_verb != NULL && i < program->n_verbs; i++) {
        if (strcmp(program->verbs[i].name, program->standard_verb) == 0) {
            return &program->verbs[i];
        }
    }
    return NULL;
}

static bool explain_wrong(const struct reader *r, const struct arg *arg)
{
    if (arg->kind == ARG_UNKNOWN) {
        options_explain_unknown(r->error, r->call->program, r->call->verb, arg);
        return false;
    }
    buf_put_text(r->error, "option '");
    arg_put_name(r->error, arg);
    buf_put_text(r->error,
                 arg->kind == ARG_NEEDS_VALUE ? "' needs a value" : "' takes no value");
    return false;
}

static bool read_line(const struct reader *r)
{
    struct args args;
    args_init(&args, r->call->program, r->call->verb, r->call->argc, r->call->argv);
    for (struct arg arg = args_next(&args); arg.kind != ARG_END; arg = args_next(&args)) {
        bool is_good = true;
        switch (arg.kind) {
        case ARG_OPTION:
            is_good = read_option(r, &arg);
            break;
        case ARG_UNKNOWN:
        case ARG_NEEDS_VALUE:
        case ARG_TAKES_NO_VALUE:
            is_good = explain_wrong(r, &arg);
            break;
        case ARG_WORD:
        case ARG_HELP:
        case ARG_VERSION:
        case ARG_END:
            break;
        }
        if (!is_good) {
            return false;
        }
    }
    return true;
}

/* An empty variable counts as not set. */
static bool read_variables(const struct reader *r)
{
    for (size_t i = 0; i < reader_count(r); i++) {
        const struct cli_option *option = reader_at(r, i);
        const char *text = option->variable == NULL ? NULL : getenv(option->variable);
        if (text == NULL || text[0] == '\0' || is_given(r, option)) {
            continue;
        }
        union value value;
        if (!value_from_text(option, text, &value)) {
            buf_putf(r->error, "variable %s: ", option->variable);
            put_not(r, option, text);
            return false;
        }
        value_store(option, r->call->values, &value);
        mark_given(r, option);
    }
    return true;
}

/* A member that is null counts as not set. */
static bool read_members(const struct reader *r, const json_t *file)
{
    if (!json_is_object(file)) {
        buf_put_text(r->error, "expected an object");
        return false;
    }
    for (size_t i = 0; i < reader_count(r); i++) {
        const struct cli_option *option = reader_at(r, i);
        const json_t *member = option->key == NULL ? NULL : json_object_get(file, option->key);
        if (member == NULL || json_is_null(member)) {
            continue;
        }
        union value value;
        if (!value_from_json(option, member, &value, r->error)) {
            return false;
        }
        if (is_given(r, option)) {
            value_finish(option, &value);
            continue;
        }
        value_store(option, r->call->values, &value);
        mark_given(r, option);
    }
    return true;
}

static void read_standards(const struct reader *r)
{
    for (size_t i = 0; i < reader_count(r); i++) {
        const struct cli_option *option = reader_at(r, i);
        union value value;
        bool is_used = option->standard != NULL && !is_given(r, option) &&
                       value_from_text(option, option->standard, &value);
        if (is_used) {
            value_store(option, r->call->values, &value);
            mark_given(r, option);
        }
    }
}

bool options_read(const struct cli_call *call, const json_t *file, struct buf *error)
{
    struct reader r = {.call = call, .error = error};
    r.is_given = mem_array(reader_count(&r) + 1, sizeof(*r.is_given));
    bool is_good = read_line(&r) && read_variables(&r) &&
                   (file == NULL || read_members(&r, file));
    if (is_good) {
        read_standards(&r);
    }
    free(r.is_given);
    return is_good;
}

void options_finish(const struct cli_program *program, const struct cli_verb *verb,
                    void *values)
{
    union value none = {.list = {0}};
    for (size_t i = 0; i < options_count(program, verb); i++) {
        value_store(options_at(program, verb, i), values, &none);
    }
}

bool cli_read_file(struct cli_call *call, const json_t *file, struct buf *error)
{
    struct cli_call fresh = *call;
    fresh.values = mem_alloc(call->program->values_size + 1);
    bool is_good = options_read(&fresh, file, error);
    if (is_good) {
        /* Only the options move: the verb may keep members of its own in the structure. */
        options_finish(call->program, call->verb, call->values);
        for (size_t i = 0; i < options_count(call->program, call->verb); i++) {
            const struct cli_option *option = options_at(call->program, call->verb, i);
            value_move(option, fresh.values, call->values);
        }
    } else {
        options_finish(call->program, call->verb, fresh.values);
    }
    free(fresh.values);
    return is_good;
}

/* A mistake in the tables is ours; it shows at the first start of the program. */
static void check(bool is_sound, const struct cli_program *program,
                  const struct cli_option *option, const char *fault)
{
    if (!is_sound) {
        fprintf(stderr, "%s: option table: --%s: %s\n", program->name, option->name, fault);
        abort();
    }
}

static void check_option(const struct cli_program *program, const struct cli_option *option)
{
    bool is_flag = option->type == CLI_FLAG;
    check(option->offset < program->values_size, program, option, "offset");
    check(option->letter < '0' || option->letter > '9', program, option, "a digit as letter");
    check(is_flag || option->argument != NULL, program, option, "no argument text");
    if (option->standard != NULL) {
        union value value;
        bool is_good = value_from_text(option, option->standard, &value);
        check(is_good, program, option, "default");
        value_finish(option, &value);
    }
    /* Words must be told from values before the verb is known. */
    const char *fault = "a flag in one verb and not in another";
    const struct cli_option *same = args_find_name(program, NULL, slice_of(option->name));
    check(same == NULL || (same->type == CLI_FLAG) == is_flag, program, option, fault);
    if (option->letter != '\0') {
        same = args_find_letter(program, NULL, option->letter);
        check(same == NULL || (same->type == CLI_FLAG) == is_flag, program, option, fault);
    }
}

void options_check_tables(const struct cli_program *program)
{
    for (size_t i = 0; i < program->n_options; i++) {
        check_option(program, &program->options[i]);
    }
    for (size_t i = 0; i < program->n_verbs; i++) {
        const struct cli_verb *verb = &program->verbs[i];
        for (size_t j = 0; j < verb->n_options; j++) {
            check_option(program, &verb->options[j]);
        }
    }
}
