/*
 * What the parts of the parser share: the present token, names, and the two constructs that
 * clauses are made of.  Only the parser's own files look here.
 */
#ifndef QUERY_PARSE_H
#define QUERY_PARSE_H

#include "query/lexer.h"

struct query_parser {
    struct query *query;
    struct query_error *error;
    struct query_lexer lexer;
    struct query_token token; /* the present one */
    unsigned depth;
};

/* Tokens: `skip` takes one that may be there, `take` reports one that is missing. */

void query_parser_advance(struct query_parser *parser);

/* Report the present token as not what the grammar asks for. */
void query_parser_fail(struct query_parser *parser, const char *expected);

bool query_parser_at(const struct query_parser *parser, enum query_word word);
bool query_parser_skip_word(struct query_parser *parser, enum query_word word);
MUST_CHECK bool query_parser_take_word(struct query_parser *parser, enum query_word word,
                                       const char *expected);
bool query_parser_skip(struct query_parser *parser, enum query_token_type type);
MUST_CHECK bool query_parser_take(struct query_parser *parser, enum query_token_type type,
                                  const char *expected);

/* One name that stands for itself. */
MUST_CHECK bool query_parser_take_name(struct query_parser *parser, const char *expected,
                                       struct query_token *out);

/* `modules` or `jobs` behind `devices.`; else PREFIX_NONE. */
enum query_prefix query_parser_prefix(const struct query_token *name);

/*
 * Nesting: every recursion that the text can cause passes through here, and takes 1 off
 * parser->depth when it is over.
 */
MUST_CHECK bool query_parser_enter(struct query_parser *parser);

/* Constructs: NULL with the error set when there is none. */

struct query_attribute *query_parse_attribute(struct query_parser *parser);

/* An attribute whose first name has been taken already. */
struct query_attribute *query_parse_attribute_after(struct query_parser *parser,
                                                    struct query_token first);

/* An expression of operators that bind at least as tight as `loosest`. */
struct query_node *query_parse_expression(struct query_parser *parser,
                                          enum query_level loosest);

#endif
