/*
 * The parser's tokens and the names made of them.
 */
#include "query/parse.h"

/* Tokens */

void query_parser_advance(struct query_parser *parser)
{
    parser->token = query_lexer_next(&parser->lexer);
}

/* Report the present token as not what the grammar asks for. */
void query_parser_fail(struct query_parser *parser, const char *expected)
{
    const struct query_token *token = &parser->token;
    if (token->type == TOKEN_END) {
        query_error_set(parser->error, token->at, "Unexpected end of input, expected %s",
                        expected);
        return;
    }
    query_error_set(parser->error, token->at, "Unexpected input '%.*s', expected %s",
                    SLICE_ARG(token->text), expected);
}

bool query_parser_at(const struct query_parser *parser, enum query_word word)
{
    return parser->token.type == TOKEN_NAME && parser->token.word == word;
}

bool query_parser_skip_word(struct query_parser *parser, enum query_word word)
{
    bool is_there = query_parser_at(parser, word);
    if (is_there) {
        query_parser_advance(parser);
    }
    return is_there;
}

bool query_parser_take_word(struct query_parser *parser, enum query_word word,
                            const char *expected)
{
    if (!query_parser_skip_word(parser, word)) {
        query_parser_fail(parser, expected);
        return false;
    }
    return true;
}

bool query_parser_skip(struct query_parser *parser, enum query_token_type type)
{
    bool is_there = parser->token.type == type;
    if (is_there) {
        query_parser_advance(parser);
    }
    return is_there;
}

bool query_parser_take(struct query_parser *parser, enum query_token_type type,
                       const char *expected)
{
    if (!query_parser_skip(parser, type)) {
        query_parser_fail(parser, expected);
        return false;
    }
    return true;
}

/* One name that stands for itself. */
bool query_parser_take_name(struct query_parser *parser, const char *expected,
                            struct query_token *out)
{
    struct query_token token = parser->token;
    bool is_free = token.word == WORD_NONE || token.word == WORD_UNDEFINED;
    if (token.type == TOKEN_QUOTED || (token.type == TOKEN_NAME && is_free)) {
        *out = token;
        query_parser_advance(parser);
        return true;
    }
    if (token.type == TOKEN_NAME) {
        query_error_set(
            parser->error, token.at,
            "Unexpected input '%.*s', expected %s; a reserved word as a name must be "
            "written [[%.*s]]",
            SLICE_ARG(token.text), expected, SLICE_ARG(token.text));
        return false;
    }
    query_parser_fail(parser, expected);
    return false;
}

/* Nesting: every level of recursion that the text can cause passes through here. */
bool query_parser_enter(struct query_parser *parser)
{
    parser->depth++;
    if (parser->depth > QUERY_DEPTH_MAX) {
        query_error_set(parser->error, parser->token.at, "Nested deeper than %d levels",
                        QUERY_DEPTH_MAX);
        return false;
    }
    return true;
}

/* Attributes */

static void add_segment(struct query_parser *parser, struct query_attribute *attribute,
                        struct slice name)
{
    size_t n = attribute->n_segments;
    bool is_full = (n & (n - 1)) == 0; /* room is the next power of two */
    if (is_full) {
        size_t room = n == 0 ? 1 : 2 * n;
        struct slice *segments =
            query_arena_alloc(&parser->query->arena, room * sizeof(*segments));
        for (size_t i = 0; i < n; i++) {
            segments[i] = attribute->segments[i];
        }
        attribute->segments = segments;
    }
    attribute->segments[n] = name;
    attribute->n_segments++;
}

enum query_prefix query_parser_prefix(const struct query_token *name)
{
    if (name->type == TOKEN_NAME && slice_equal_nocase(name->text, SLICE("modules"))) {
        return PREFIX_MODULES;
    }
    if (name->type == TOKEN_NAME && slice_equal_nocase(name->text, SLICE("jobs"))) {
        return PREFIX_JOBS;
    }
    return PREFIX_NONE;
}

/*
 * What follows `devices`: *first becomes the first name that is no prefix.  A last `modules` or
 * `jobs` is a name like any other.
 */
static bool parse_prefix(struct query_parser *parser, struct query_attribute *attribute,
                         struct query_token *first)
{
    if (!query_parser_take(parser, TOKEN_DOT, "'.'") ||
        !query_parser_take_name(parser, "the name of an attribute", first)) {
        return false;
    }
    attribute->prefix = PREFIX_DEVICES;
    enum query_prefix longer = query_parser_prefix(first);
    if (longer == PREFIX_NONE || !query_parser_skip(parser, TOKEN_DOT)) {
        return true;
    }
    attribute->prefix = longer;
    return query_parser_take_name(parser, "the name of an attribute", first);
}

/* An attribute whose first name has been taken already. */
struct query_attribute *query_parse_attribute_after(struct query_parser *parser,
                                                    struct query_token first)
{
    struct query *query = parser->query;
    struct query_attribute *attribute = query_arena_alloc(&query->arena, sizeof(*attribute));
    attribute->at = first.at;
    if (first.type == TOKEN_NAME && first.word == WORD_DEVICES &&
        !parse_prefix(parser, attribute, &first)) {
        return NULL;
    }
    add_segment(parser, attribute, first.value);
    while (query_parser_skip(parser, TOKEN_DOT)) {
        if (!query_parser_take_name(parser, "the name of an attribute", &first)) {
            return NULL;
        }
        add_segment(parser, attribute, first.value);
    }
    buf_init(&attribute->scratch, BUF_CAP_OWN);
    attribute->next = query->attributes;
    query->attributes = attribute;
    return attribute;
}

struct query_attribute *query_parse_attribute(struct query_parser *parser)
{
    struct query_token first = parser->token;
    if (query_parser_at(parser, WORD_DEVICES)) {
        query_parser_advance(parser);
    } else if (!query_parser_take_name(parser, "an attribute", &first)) {
        return NULL;
    }
    return query_parse_attribute_after(parser, first);
}
