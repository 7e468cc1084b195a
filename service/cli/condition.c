/*
 * A scanner that knows the query language's tokens and not its grammar: enough to find WHERE
 * where it is a word, and not inside a string, a comment or a [[quoted name]].
 */
#include "service/cli/condition.h"

#include <stdlib.h>

enum token_kind {
    TOKEN_END,
    TOKEN_BAD, /* a string, comment or name that does not end */
    TOKEN_WORD,
    TOKEN_STRING,
    TOKEN_NAME, /* [[…]] */
    TOKEN_MARK, /* any other single character */
};

struct token {
    enum token_kind kind;
    struct slice text;
    bool is_step; /* a dot stands before it: part of a path, no keyword */
};

struct scanner {
    struct slice rest;
    bool is_after_dot;
    struct buf *error;
};

/* Characters that end a name; all others, hyphen and slash among them, are part of one. */
static bool ends_word(char c)
{
    struct slice marks = SLICE(".,'\"!=<>*$#:(){}[]");
    return (unsigned char)c <= ' ' || c == 0x7f || slice_find(marks, c) != marks.len;
}

static bool fail(struct scanner *s, const char *what)
{
    buf_put_text(s->error, what);
    return false;
}

/* Drop white space and comments; false when a comment does not end. */
static bool skip_blanks(struct scanner *s)
{
    while (s->rest.len != 0) {
        if ((unsigned char)s->rest.data[0] <= ' ') {
            s->rest = slice_from(s->rest, 1);
        } else if (slice_starts_with(s->rest, SLICE("/*"))) {
            const char *end = memmem(s->rest.data + 2, s->rest.len - 2, "*/", 2);
            if (end == NULL) {
                return fail(s, "the query has a comment without an end");
            }
            s->rest = slice_from(s->rest, (size_t)(end + 2 - s->rest.data));
        } else {
            break;
        }
    }
    return true;
}

static struct token take(struct scanner *s, enum token_kind kind, size_t len)
{
    struct token token = {kind, slice_make(s->rest.data, len), s->is_after_dot};
    s->is_after_dot = kind == TOKEN_MARK && s->rest.data[0] == '.';
    s->rest = slice_from(s->rest, len);
    return token;
}

/* A doubled quote is two strings to this scanner, which makes no difference to it. */
static struct token take_string(struct scanner *s)
{
    char quote = s->rest.data[0];
    for (size_t i = 1; i < s->rest.len; i++) {
        if (s->rest.data[i] == '\\') {
            i++;
        } else if (s->rest.data[i] == quote) {
            return take(s, TOKEN_STRING, i + 1);
        }
    }
    (void)fail(s, "the query has a string without an end");
    return (struct token){.kind = TOKEN_BAD};
}

static struct token take_name(struct scanner *s)
{
    const char *end = memmem(s->rest.data, s->rest.len, "]]", 2);
    if (end == NULL) {
        (void)fail(s, "the query has a name in [[ ]] without an end");
        return (struct token){.kind = TOKEN_BAD};
    }
    return take(s, TOKEN_NAME, (size_t)(end + 2 - s->rest.data));
}

static struct token next(struct scanner *s)
{
    if (!skip_blanks(s)) {
        return (struct token){.kind = TOKEN_BAD};
    }
    if (s->rest.len == 0) {
        return (struct token){.kind = TOKEN_END};
    }
    char c = s->rest.data[0];
    if (c == '\'' || c == '"') {
        return take_string(s);
    }
    if (slice_starts_with(s->rest, SLICE("[["))) {
        return take_name(s);
    }
    if (ends_word(c)) {
        return take(s, TOKEN_MARK, 1);
    }
    size_t len = 1;
    while (len < s->rest.len && !ends_word(s->rest.data[len]) &&
           !slice_starts_with(slice_from(s->rest, len), SLICE("/*"))) {
        len++;
    }
    return take(s, TOKEN_WORD, len);
}

static bool is_word(const struct token *token, const char *word)
{
    return token->kind == TOKEN_WORD && !token->is_step &&
           slice_equal_nocase(token->text, slice_of(word));
}

static bool is_mark(const struct token *token, char c)
{
    return token->kind == TOKEN_MARK && token->text.data[0] == c;
}

/* Keeps count of brackets; false when one closes that is not open. */
static bool count_bracket(struct scanner *s, const struct token *token, int *depth)
{
    if (is_mark(token, '(') || is_mark(token, '[')) {
        ++*depth;
    } else if (is_mark(token, ')') || is_mark(token, ']')) {
        --*depth;
    }
    return *depth >= 0 || fail(s, "the query closes a bracket that is not open");
}

/* The rest is a condition, which ends where the text ends. */
static bool cut_where(struct scanner *s, struct condition *out)
{
    struct slice where = slice_trim(s->rest);
    int depth = 0;
    size_t n_tokens = 0;
    for (;;) {
        struct token token = next(s);
        if (token.kind == TOKEN_END) {
            break;
        }
        if (token.kind == TOKEN_BAD || !count_bracket(s, &token, &depth)) {
            return false;
        }
        if (is_word(&token, "GROUP")) {
            return fail(s, "a job cannot work on groups: leave GROUP BY out");
        }
        n_tokens++;
    }
    if (depth != 0) {
        return fail(s, "the query opens a bracket that is not closed");
    }
    if (n_tokens == 0) {
        return fail(s, "the condition is empty");
    }
    bool is_everybody = slice_equal_text(where, "*");
    out->where = is_everybody ? NULL : slice_dup(where);
    return true;
}

/* devices or devices.modules, and perhaps WHERE. */
static bool cut_from(struct scanner *s, struct condition *out)
{
    struct token token = next(s);
    if (token.kind == TOKEN_BAD) {
        return false;
    }
    if (!is_word(&token, "devices")) {
        return fail(s, "the query must select FROM devices or FROM devices.modules");
    }
    token = next(s);
    if (is_mark(&token, '.')) {
        token = next(s);
        if (token.kind == TOKEN_BAD) {
            return false;
        }
        if (token.kind != TOKEN_WORD || !slice_equal_nocase(token.text, SLICE("modules"))) {
            return fail(s, "the query must select FROM devices or FROM devices.modules");
        }
        out->is_modules = true;
        token = next(s);
    }
    if (token.kind == TOKEN_END) {
        return true;
    }
    if (is_word(&token, "WHERE")) {
        return cut_where(s, out);
    }
    if (token.kind == TOKEN_BAD) {
        return false;
    }
    return fail(s, is_word(&token, "GROUP") ? "a job cannot work on groups: leave GROUP BY out"
                                            : "only WHERE may follow the query's FROM");
}

/* The list of items, which may be any as long as each row stays one device. */
static bool cut_select(struct scanner *s, struct condition *out)
{
    struct token token = next(s);
    if (is_word(&token, "TOP")) {
        return fail(s, "a job works on all that a condition selects: leave TOP out");
    }
    while (!is_word(&token, "FROM")) {
        if (token.kind == TOKEN_BAD) {
            return false;
        }
        if (token.kind == TOKEN_END) {
            return fail(s, "the query has no FROM");
        }
        if (is_mark(&token, '(')) {
            return fail(s, "a job needs devices, not an aggregate of them");
        }
        token = next(s);
    }
    return cut_from(s, out);
}

bool condition_cut(struct slice text, struct buf *error, struct condition *out)
{
    struct scanner s = {.rest = text, .error = error};
    struct condition cut = {0};
    struct token first = next(&s);
    bool is_good = false;
    if (is_word(&first, "SELECT")) {
        is_good = cut_select(&s, &cut);
    } else if (is_word(&first, "FROM")) {
        is_good = cut_from(&s, &cut);
    } else if (is_word(&first, "WHERE")) {
        is_good = cut_where(&s, &cut);
    } else if (first.kind != TOKEN_BAD) {
        s = (struct scanner){.rest = text, .error = error};
        is_good = cut_where(&s, &cut);
    }
    if (is_good) {
        *out = cut;
    } else {
        condition_finish(&cut);
    }
    return is_good;
}

void condition_finish(struct condition *condition)
{
    if (condition != NULL) {
        free(condition->where);
        *condition = (struct condition){0};
    }
}

void condition_put_job(struct buf *out, const struct condition *condition)
{
    if (condition->is_modules) {
        buf_put_text(out, "FROM devices.modules");
        if (condition->where != NULL) {
            buf_put_text(out, " WHERE ");
        }
    } else if (condition->where == NULL) {
        buf_put_char(out, '*');
    }
    buf_put_slice(out, slice_of(condition->where));
}

void condition_put_query(struct buf *out, const struct condition *condition, const char *items)
{
    buf_putf(out, "SELECT %s FROM devices%s", items, condition->is_modules ? ".modules" : "");
    if (condition->where != NULL) {
        buf_putf(out, " WHERE %s", condition->where);
    }
}

void condition_put_device(struct buf *out, struct slice device_id)
{
    buf_put_text(out, "deviceId = '");
    for (size_t i = 0; i < device_id.len; i++) {
        if (device_id.data[i] == '\'') {
            buf_put_char(out, '\'');
        }
        buf_put_char(out, device_id.data[i]);
    }
    buf_put_char(out, '\'');
}
