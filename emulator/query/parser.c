/*
 * The clauses of a query, one function each.
 */
#include "query/parser.h"

#include "query/parse.h"

static enum query_aggregate aggregate_of(const struct query_parser *parser)
{
    static const enum query_word words[] = {
        [AGGREGATE_COUNT] = WORD_COUNT, [AGGREGATE_SUM] = WORD_SUM, [AGGREGATE_AVG] = WORD_AVG,
        [AGGREGATE_MIN] = WORD_MIN,     [AGGREGATE_MAX] = WORD_MAX,
    };
    for (enum query_aggregate i = AGGREGATE_COUNT; i <= AGGREGATE_MAX; i++) {
        if (query_parser_at(parser, words[i])) {
            return i;
        }
    }
    return AGGREGATE_NONE;
}

static bool parse_aggregate(struct query_parser *parser, struct query_item *item)
{
    query_parser_advance(parser);
    if (!query_parser_take(parser, TOKEN_OPEN, "'('")) {
        return false;
    }
    if (item->aggregate != AGGREGATE_COUNT) {
        item->attribute = query_parse_attribute(parser);
        if (item->attribute == NULL) {
            return false;
        }
    }
    return query_parser_take(parser, TOKEN_CLOSE, "')'");
}

static struct query_item *parse_item(struct query_parser *parser)
{
    struct query_item *item = query_arena_alloc(&parser->query->arena, sizeof(*item));
    struct query_token alias;
    item->at = parser->token.at;
    item->aggregate = aggregate_of(parser);
    if (item->aggregate == AGGREGATE_NONE) {
        item->attribute = query_parse_attribute(parser);
    }
    bool is_parsed = item->aggregate == AGGREGATE_NONE ? item->attribute != NULL
                                                       : parse_aggregate(parser, item);
    if (!is_parsed) {
        return NULL;
    }
    if (query_parser_skip_word(parser, WORD_AS)) {
        if (!query_parser_take_name(parser, "a name", &alias)) {
            return NULL;
        }
        item->alias = alias.value;
    }
    return item;
}

static bool parse_items(struct query_parser *parser)
{
    struct query *query = parser->query;
    struct query_item **tail = &query->items;
    query->is_star = query_parser_skip(parser, TOKEN_STAR);
    if (query->is_star) {
        return true;
    }
    do {
        *tail = parse_item(parser);
        if (*tail == NULL) {
            return false;
        }
        tail = &(*tail)->next;
        query->n_items++;
    } while (query_parser_skip(parser, TOKEN_COMMA));
    return true;
}

/* A positive whole number in plain digits. */
static bool take_count(struct query_parser *parser, uint64_t *out)
{
    struct query_token token = parser->token;
    int64_t count = 0;
    bool is_whole = token.type == TOKEN_NUMBER && slice_to_i64(token.text, &count);
    if (!is_whole || count < 1) {
        query_parser_fail(parser, "a positive whole number");
        return false;
    }
    *out = (uint64_t)count;
    query_parser_advance(parser);
    return true;
}

static bool parse_top(struct query_parser *parser)
{
    if (!query_parser_skip_word(parser, WORD_TOP)) {
        return true;
    }
    bool is_open = query_parser_skip(parser, TOKEN_OPEN);
    return take_count(parser, &parser->query->top) &&
           (!is_open || query_parser_take(parser, TOKEN_CLOSE, "')'"));
}

static bool parse_collection(struct query_parser *parser)
{
    static const char expected[] = "devices, devices.modules or devices.jobs";
    if (!query_parser_take_word(parser, WORD_DEVICES, expected)) {
        return false;
    }
    parser->query->collection = QUERY_DEVICES;
    if (!query_parser_skip(parser, TOKEN_DOT)) {
        return true;
    }
    enum query_prefix prefix = query_parser_prefix(&parser->token);
    if (prefix == PREFIX_NONE) {
        query_parser_fail(parser, "modules or jobs");
        return false;
    }
    parser->query->collection = prefix == PREFIX_JOBS ? QUERY_JOBS : QUERY_MODULES;
    query_parser_advance(parser);
    return true;
}

static bool parse_condition(struct query_parser *parser)
{
    if (!query_parser_skip_word(parser, WORD_WHERE)) {
        return true;
    }
    parser->query->condition = query_parse_expression(parser, LEVEL_OR);
    return parser->query->condition != NULL;
}

static bool parse_group_by(struct query_parser *parser)
{
    struct query *query = parser->query;
    struct query_group_by **tail = &query->groups;
    query->groups_at = parser->token.at;
    if (!query_parser_skip_word(parser, WORD_GROUP)) {
        return true;
    }
    if (!query_parser_take_word(parser, WORD_BY, "BY")) {
        return false;
    }
    do {
        *tail = query_arena_alloc(&query->arena, sizeof(**tail));
        (*tail)->attribute = query_parse_attribute(parser);
        if ((*tail)->attribute == NULL) {
            return false;
        }
        tail = &(*tail)->next;
        query->n_groups++;
    } while (query_parser_skip(parser, TOKEN_COMMA));
    return true;
}

static bool parse_query(struct query_parser *parser)
{
    return query_parser_take_word(parser, WORD_SELECT, "SELECT") && parse_top(parser) &&
           parse_items(parser) && query_parser_take_word(parser, WORD_FROM, "FROM") &&
           parse_collection(parser) && parse_condition(parser) && parse_group_by(parser) &&
           query_parser_take(parser, TOKEN_END, "the end of the query");
}

bool query_parse(struct query *query, struct query_error *error)
{
    struct query_parser parser = {
        .query = query,
        .error = error,
        .lexer = {.text = query->text, .arena = &query->arena, .error = error},
    };
    query_parser_advance(&parser);
    return parse_query(&parser);
}
