/*
 * Conditions and what they are made of, by a table of operators.
 */
#include "query/parse.h"

struct query_operator {
    enum query_token_type type;
    enum query_word word;
    enum query_level level;
    enum query_node_kind kind;
    enum query_op op;
};

/* Every operator between two operands; how they bind is the order of enum query_level. */
static const struct query_operator operators[] = {
    {TOKEN_NAME,          WORD_OR,   LEVEL_OR,      NODE_OR,      OP_NONE         },
    {TOKEN_NAME,          WORD_AND,  LEVEL_AND,     NODE_AND,     OP_NONE         },
    {TOKEN_EQUAL,         WORD_NONE, LEVEL_COMPARE, NODE_COMPARE, OP_EQUAL        },
    {TOKEN_NOT_EQUAL,     WORD_NONE, LEVEL_COMPARE, NODE_COMPARE, OP_NOT_EQUAL    },
    {TOKEN_LESS,          WORD_NONE, LEVEL_COMPARE, NODE_COMPARE, OP_LESS         },
    {TOKEN_LESS_EQUAL,    WORD_NONE, LEVEL_COMPARE, NODE_COMPARE, OP_LESS_EQUAL   },
    {TOKEN_GREATER,       WORD_NONE, LEVEL_COMPARE, NODE_COMPARE, OP_GREATER      },
    {TOKEN_GREATER_EQUAL, WORD_NONE, LEVEL_COMPARE, NODE_COMPARE, OP_GREATER_EQUAL},
    {TOKEN_NAME,          WORD_IN,   LEVEL_COMPARE, NODE_IN,      OP_NONE         },
    {TOKEN_NAME,          WORD_NIN,  LEVEL_COMPARE, NODE_IN,      OP_NONE         },
    {TOKEN_PLUS,          WORD_NONE, LEVEL_SUM,     NODE_SUM,     OP_PLUS         },
    {TOKEN_MINUS,         WORD_NONE, LEVEL_SUM,     NODE_SUM,     OP_MINUS        },
    {TOKEN_STAR,          WORD_NONE, LEVEL_PRODUCT, NODE_PRODUCT, OP_TIMES        },
    {TOKEN_SLASH,         WORD_NONE, LEVEL_PRODUCT, NODE_PRODUCT, OP_DIVIDE       },
    {TOKEN_PERCENT,       WORD_NONE, LEVEL_PRODUCT, NODE_PRODUCT, OP_MODULO       },
};

/* Constants */

/* `true`, `false`, `null`, `undefined`. */
static bool find_constant_word(const struct query_token *token, struct query_value *out)
{
    if (token->type != TOKEN_NAME) {
        return false;
    }
    if (token->word == WORD_TRUE || token->word == WORD_FALSE) {
        *out = query_value_bool(token->word == WORD_TRUE);
        return true;
    }
    if (token->word == WORD_NULL) {
        *out = query_value_null();
        return true;
    }
    *out = (struct query_value){0};
    return token->word == WORD_UNDEFINED;
}

/* Take a constant that carries no sign; false, with nothing taken, when none stands there. */
static bool skip_constant(struct query_parser *parser, struct query_value *out)
{
    if (parser->token.type == TOKEN_STRING) {
        *out = query_value_string(parser->token.value);
    } else if (parser->token.type == TOKEN_NUMBER) {
        *out = query_value_number(parser->token.number);
    } else if (!find_constant_word(&parser->token, out)) {
        return false;
    }
    query_parser_advance(parser);
    return true;
}

static double negate(double number)
{
    return number == 0 ? 0 : -number; /* there is but one zero */
}

/* An element of a list: numbers may have a sign. */
static bool take_constant(struct query_parser *parser, struct query_value *out)
{
    bool is_negative = parser->token.type == TOKEN_MINUS;
    bool is_signed = is_negative || parser->token.type == TOKEN_PLUS;
    if (is_signed) {
        query_parser_advance(parser);
    }
    if ((is_signed && parser->token.type != TOKEN_NUMBER) || !skip_constant(parser, out)) {
        query_parser_fail(parser, is_signed ? "a number" : "a constant");
        return false;
    }
    if (is_negative) {
        out->number = negate(out->number);
    }
    return true;
}

/* Expressions */

static struct query_node *new_node(struct query_parser *parser, enum query_node_kind kind,
                                   size_t at)
{
    struct query_node *node = query_arena_alloc(&parser->query->arena, sizeof(*node));
    node->kind = kind;
    node->at = at;
    return node;
}

static struct query_node *parse_not(struct query_parser *parser)
{
    struct query_node *node = new_node(parser, NODE_NOT, parser->token.at);
    if (!query_parser_enter(parser)) {
        return NULL;
    }
    query_parser_advance(parser);
    node->first = query_parse_expression(parser, LEVEL_NOT);
    node->n_operands = 1;
    parser->depth--;
    return node->first == NULL ? NULL : node;
}

/* A sign before a number makes a constant, before anything else a node. */
static struct query_node *parse_sign(struct query_parser *parser)
{
    struct query_node *node = new_node(parser, NODE_SIGN, parser->token.at);
    node->op = parser->token.type == TOKEN_MINUS ? OP_MINUS : OP_PLUS;
    if (!query_parser_enter(parser)) {
        return NULL;
    }
    query_parser_advance(parser);
    if (parser->token.type == TOKEN_NUMBER) {
        double number = parser->token.number;
        node->kind = NODE_CONSTANT;
        node->constant = query_value_number(node->op == OP_MINUS ? negate(number) : number);
        node->op = OP_NONE;
        query_parser_advance(parser);
        parser->depth--;
        return node;
    }
    node->first = query_parse_expression(parser, LEVEL_SIGN);
    node->n_operands = 1;
    parser->depth--;
    return node->first == NULL ? NULL : node;
}

static struct query_node *parse_parentheses(struct query_parser *parser)
{
    if (!query_parser_enter(parser)) {
        return NULL;
    }
    query_parser_advance(parser);
    struct query_node *node = query_parse_expression(parser, LEVEL_OR);
    if (node == NULL || !query_parser_take(parser, TOKEN_CLOSE, "')'")) {
        return NULL;
    }
    parser->depth--;
    return node;
}

/* The parenthesis after the name is the present token. */
static struct query_node *parse_call(struct query_parser *parser, struct query_token name)
{
    struct query_node *node = new_node(parser, NODE_CALL, name.at);
    struct query_node **tail = &node->first;
    node->name = name.text;
    if (!query_parser_enter(parser)) {
        return NULL;
    }
    query_parser_advance(parser);
    while (parser->token.type != TOKEN_CLOSE || node->n_operands > 0) {
        *tail = query_parse_expression(parser, LEVEL_SUM);
        if (*tail == NULL) {
            return NULL;
        }
        tail = &(*tail)->next;
        node->n_operands++;
        if (!query_parser_skip(parser, TOKEN_COMMA)) {
            break;
        }
    }
    parser->depth--;
    return query_parser_take(parser, TOKEN_CLOSE, "')' or ','") ? node : NULL;
}

static struct query_node *parse_name(struct query_parser *parser)
{
    struct query_token name = parser->token;
    bool is_prefix = query_parser_at(parser, WORD_DEVICES);
    bool is_function = query_parser_at(parser, WORD_FUNCTION);
    if (is_prefix || is_function) {
        query_parser_advance(parser);
    } else if (!query_parser_take_name(parser, "an operand", &name)) {
        return NULL;
    }
    if (parser->token.type == TOKEN_OPEN && name.type == TOKEN_NAME && !is_prefix) {
        return parse_call(parser, name);
    }
    if (is_function) {
        query_parser_fail(parser, "'('");
        return NULL;
    }
    struct query_node *node = new_node(parser, NODE_ATTRIBUTE, name.at);
    node->attribute = query_parse_attribute_after(parser, name);
    return node->attribute == NULL ? NULL : node;
}

static struct query_node *parse_operand(struct query_parser *parser, enum query_level loosest)
{
    struct query_value constant = {0};
    size_t at = parser->token.at;
    if (loosest <= LEVEL_NOT && query_parser_at(parser, WORD_NOT)) {
        return parse_not(parser);
    }
    if (parser->token.type == TOKEN_PLUS || parser->token.type == TOKEN_MINUS) {
        return parse_sign(parser);
    }
    if (parser->token.type == TOKEN_OPEN) {
        return parse_parentheses(parser);
    }
    if (skip_constant(parser, &constant)) {
        struct query_node *node = new_node(parser, NODE_CONSTANT, at);
        node->constant = constant;
        return node;
    }
    bool is_name = parser->token.type == TOKEN_QUOTED || query_parser_at(parser, WORD_NONE) ||
                   query_parser_at(parser, WORD_DEVICES) ||
                   query_parser_at(parser, WORD_FUNCTION);
    if (!is_name) {
        query_parser_fail(parser, "an operand");
        return NULL;
    }
    return parse_name(parser);
}

static const struct query_operator *find_operator(const struct query_token *token)
{
    for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
        const struct query_operator *row = &operators[i];
        if (row->type == token->type && (row->type != TOKEN_NAME || row->word == token->word)) {
            return row;
        }
    }
    return NULL;
}

static bool parse_list(struct query_parser *parser, struct query_node *node)
{
    if (!query_parser_take(parser, TOKEN_OPEN_LIST, "'['")) {
        return false;
    }
    if (query_parser_skip(parser, TOKEN_CLOSE_LIST)) {
        return true;
    }
    size_t room = 0;
    do {
        if (node->n_list == room) {
            struct query_value *old = node->list;
            room = room == 0 ? 4 : 2 * room;
            node->list = query_arena_alloc(&parser->query->arena, room * sizeof(*old));
            for (size_t i = 0; i < node->n_list; i++) {
                node->list[i] = old[i];
            }
        }
        if (!take_constant(parser, &node->list[node->n_list])) {
            return false;
        }
        node->n_list++;
    } while (query_parser_skip(parser, TOKEN_COMMA));
    return query_parser_take(parser, TOKEN_CLOSE_LIST, "']' or ','");
}

/* The operator is the present token. */
static struct query_node *parse_comparison(struct query_parser *parser, struct query_node *left,
                                           const struct query_operator *row)
{
    struct query_node *node = new_node(parser, row->kind, parser->token.at);
    node->op = row->op;
    node->is_negated = row->word == WORD_NIN;
    node->first = left;
    node->n_operands = 1;
    query_parser_advance(parser);
    if (row->kind == NODE_IN) {
        return parse_list(parser, node) ? node : NULL;
    }
    left->next = query_parse_expression(parser, LEVEL_SUM);
    node->n_operands = 2;
    return left->next == NULL ? NULL : node;
}

/* All operands that operators of one level join, from the left. */
static struct query_node *parse_chain(struct query_parser *parser, struct query_node *left,
                                      const struct query_operator *row)
{
    struct query_node *node = new_node(parser, row->kind, parser->token.at);
    struct query_node **tail = &left->next;
    enum query_level level = row->level;
    node->first = left;
    node->n_operands = 1;
    while (row != NULL && row->level == level) {
        query_parser_advance(parser);
        *tail = query_parse_expression(parser, level + 1);
        if (*tail == NULL) {
            return NULL;
        }
        (*tail)->join = row->op;
        tail = &(*tail)->next;
        node->n_operands++;
        row = find_operator(&parser->token);
    }
    return node;
}

struct query_node *query_parse_expression(struct query_parser *parser, enum query_level loosest)
{
    struct query_node *node = parse_operand(parser, loosest);
    bool is_comparison = false;
    while (node != NULL) {
        const struct query_operator *row = find_operator(&parser->token);
        if (row == NULL || row->level < loosest) {
            break;
        }
        if (row->level == LEVEL_COMPARE && is_comparison) {
            query_error_set(parser->error, parser->token.at,
                            "Unexpected input '%.*s', comparisons do not chain",
                            SLICE_ARG(parser->token.text));
            return NULL;
        }
        is_comparison = row->level == LEVEL_COMPARE;
        node = is_comparison ? parse_comparison(parser, node, row)
                             : parse_chain(parser, node, row);
    }
    return node;
}
