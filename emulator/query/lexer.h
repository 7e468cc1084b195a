/*
 * A query's text, one token at a time.
 *
 * What a character means may depend on the token before it: after a dot digits begin a name,
 * and `-` inside a name belongs to it.
 */
#ifndef QUERY_LEXER_H
#define QUERY_LEXER_H

#include "query/error.h"
#include "query/tree.h"

enum query_token_type {
    TOKEN_END,
    TOKEN_NAME,   /* plain; `word` tells whether it has a meaning of its own */
    TOKEN_QUOTED, /* [[name]] */
    TOKEN_STRING,
    TOKEN_NUMBER,
    TOKEN_DOT,
    TOKEN_COMMA,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_OPEN_LIST,
    TOKEN_CLOSE_LIST,
    TOKEN_STAR,
    TOKEN_PLUS,
    TOKEN_MINUS,
    TOKEN_SLASH,
    TOKEN_PERCENT,
    TOKEN_EQUAL,
    TOKEN_NOT_EQUAL,
    TOKEN_LESS,
    TOKEN_LESS_EQUAL,
    TOKEN_GREATER,
    TOKEN_GREATER_EQUAL,
    TOKEN_BAD, /* the error is reported; every further token is bad as well */
};

enum query_word {
    WORD_NONE,      /* an ordinary name */
    WORD_UNDEFINED, /* a constant where an operand begins, else an ordinary name */
    WORD_AND,
    WORD_AS,
    WORD_AVG,
    WORD_BY,
    WORD_COUNT,
    WORD_DEVICES,
    WORD_FALSE,
    WORD_FROM,
    WORD_GROUP,
    WORD_IN,
    WORD_MAX,
    WORD_MIN,
    WORD_NIN,
    WORD_NOT,
    WORD_NULL,
    WORD_OR,
    WORD_SELECT,
    WORD_SUM,
    WORD_TOP,
    WORD_TRUE,
    WORD_WHERE,
    WORD_FUNCTION, /* a function's name that is also reserved */
    WORD_RESERVED, /* reserved for the future: ORDER, ASC, … */
};

struct query_token {
    enum query_token_type type;
    enum query_word word;
    struct slice text;  /* as written */
    struct slice value; /* a name without its brackets, a string's characters */
    double number;
    size_t at; /* byte offset */
};

struct query_lexer {
    struct slice text;
    size_t at;
    bool follows_name; /* the token before was a name: a dot goes on with it */
    bool follows_dot;
    struct query_arena *arena; /* for strings with escapes */
    struct query_error *error;
};

struct query_token query_lexer_next(struct query_lexer *lexer);

#endif
