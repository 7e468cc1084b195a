/*
 * Cutting a query's text into tokens.
 */
#include "query/lexer.h"

#include "base/coding.h"
#include "iothub/json_scan.h"

/* Of a text that is quoted in an error, this much. */
#define EXCERPT_BYTES 40

struct word {
    struct slice text;
    enum query_word word;
};

/* Source: the grammar of Azure/Industrial-IoT and the reserved words of Azure Digital Twins. */
static const struct word words[] = {
    {SLICE("all"),          WORD_RESERVED },
    {SLICE("and"),          WORD_AND      },
    {SLICE("as"),           WORD_AS       },
    {SLICE("asc"),          WORD_RESERVED },
    {SLICE("avg"),          WORD_AVG      },
    {SLICE("by"),           WORD_BY       },
    {SLICE("count"),        WORD_COUNT    },
    {SLICE("desc"),         WORD_RESERVED },
    {SLICE("devices"),      WORD_DEVICES  },
    {SLICE("ends_with"),    WORD_FUNCTION },
    {SLICE("endswith"),     WORD_FUNCTION },
    {SLICE("false"),        WORD_FALSE    },
    {SLICE("from"),         WORD_FROM     },
    {SLICE("group"),        WORD_GROUP    },
    {SLICE("in"),           WORD_IN       },
    {SLICE("is_bool"),      WORD_FUNCTION },
    {SLICE("is_defined"),   WORD_FUNCTION },
    {SLICE("is_null"),      WORD_FUNCTION },
    {SLICE("is_number"),    WORD_FUNCTION },
    {SLICE("is_object"),    WORD_FUNCTION },
    {SLICE("is_primitive"), WORD_FUNCTION },
    {SLICE("is_string"),    WORD_FUNCTION },
    {SLICE("max"),          WORD_MAX      },
    {SLICE("min"),          WORD_MIN      },
    {SLICE("nin"),          WORD_NIN      },
    {SLICE("not"),          WORD_NOT      },
    {SLICE("null"),         WORD_NULL     },
    {SLICE("or"),           WORD_OR       },
    {SLICE("order"),        WORD_RESERVED },
    {SLICE("select"),       WORD_SELECT   },
    {SLICE("starts_with"),  WORD_FUNCTION },
    {SLICE("startswith"),   WORD_FUNCTION },
    {SLICE("sum"),          WORD_SUM      },
    {SLICE("top"),          WORD_TOP      },
    {SLICE("true"),         WORD_TRUE     },
    {SLICE("undefined"),    WORD_UNDEFINED},
    {SLICE("where"),        WORD_WHERE    },
};

struct mark {
    struct slice text;
    enum query_token_type type;
};

/* Longer marks before their beginnings. */
static const struct mark marks[] = {
    {SLICE("!="), TOKEN_NOT_EQUAL    },
    {SLICE("<>"), TOKEN_NOT_EQUAL    },
    {SLICE("<="), TOKEN_LESS_EQUAL   },
    {SLICE(">="), TOKEN_GREATER_EQUAL},
    {SLICE("<"),  TOKEN_LESS         },
    {SLICE(">"),  TOKEN_GREATER      },
    {SLICE("="),  TOKEN_EQUAL        },
    {SLICE("."),  TOKEN_DOT          },
    {SLICE(","),  TOKEN_COMMA        },
    {SLICE("("),  TOKEN_OPEN         },
    {SLICE(")"),  TOKEN_CLOSE        },
    {SLICE("["),  TOKEN_OPEN_LIST    },
    {SLICE("]"),  TOKEN_CLOSE_LIST   },
    {SLICE("*"),  TOKEN_STAR         },
    {SLICE("+"),  TOKEN_PLUS         },
    {SLICE("-"),  TOKEN_MINUS        },
    {SLICE("/"),  TOKEN_SLASH        },
    {SLICE("%"),  TOKEN_PERCENT      },
};

static enum query_word find_word(struct slice name)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (slice_equal_nocase(words[i].text, name)) {
            return words[i].word;
        }
    }
    return WORD_NONE;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* C0 and C1 controls, the latter two bytes in UTF-8. */
static bool is_control(struct slice rest)
{
    unsigned char c = (unsigned char)rest.data[0];
    bool is_c1 = c == 0xC2 && rest.len > 1 && (unsigned char)rest.data[1] < 0xA0;
    return c < 0x20 || c == 0x7F || is_c1;
}

static bool is_name_char(struct slice rest)
{
    return rest.data[0] != ' ' && !is_control(rest) &&
           strchr(".,'\"!=<>*$#:(){}[]", rest.data[0]) == NULL;
}

static struct slice rest_of(const struct query_lexer *lexer)
{
    return slice_from(lexer->text, lexer->at);
}

static struct query_token make(const struct query_lexer *lexer, enum query_token_type type,
                               size_t len)
{
    return (struct query_token){
        .type = type,
        .text = slice_make(lexer->text.data + lexer->at, len),
        .at = lexer->at,
    };
}

/* From here on every token is bad. */
static struct query_token fail(struct query_lexer *lexer, const char *what)
{
    struct slice rest = rest_of(lexer);
    size_t len = rest.len < EXCERPT_BYTES ? rest.len : EXCERPT_BYTES;
    while (len < rest.len && ((unsigned char)rest.data[len] & 0xC0) == 0x80) {
        len++;
    }
    rest.len = len;
    query_error_set(lexer->error, lexer->at, "%s at input '%.*s'", what, SLICE_ARG(rest));
    return make(lexer, TOKEN_BAD, 0);
}

/* False when a comment does not end; lexer->at is then at its beginning. */
static bool skip_blanks(struct query_lexer *lexer)
{
    for (;;) {
        struct slice rest = rest_of(lexer);
        if (rest.len > 0 && strchr(" \t\r\n", rest.data[0]) != NULL && rest.data[0] != '\0') {
            lexer->at++;
            continue;
        }
        if (!slice_starts_with(rest, SLICE("/*"))) {
            return true;
        }
        const char *end = memmem(rest.data + 2, rest.len - 2, "*/", 2);
        if (end == NULL) {
            return false;
        }
        lexer->at += (size_t)(end - rest.data) + 2;
    }
}

static struct query_token take_name(struct query_lexer *lexer)
{
    struct slice rest = rest_of(lexer);
    size_t len = rest.data[0] == '$' ? 1 : 0;
    size_t begin = len;
    while (len < rest.len && is_name_char(slice_from(rest, len)) &&
           !slice_starts_with(slice_from(rest, len), SLICE("/*"))) {
        len++;
    }
    if (len == begin) {
        return fail(lexer, "Unexpected character");
    }
    struct query_token token = make(lexer, TOKEN_NAME, len);
    token.value = token.text;
    token.word = find_word(token.text);
    return token;
}

static struct query_token take_quoted(struct query_lexer *lexer)
{
    struct slice rest = rest_of(lexer);
    const char *end = memmem(rest.data + 2, rest.len - 2, "]]", 2);
    if (end == NULL) {
        return fail(lexer, "Missing ]]");
    }
    struct query_token token = make(lexer, TOKEN_QUOTED, (size_t)(end - rest.data) + 2);
    token.value = slice_between(rest.data + 2, end);
    return token;
}

/* Strings */

/* The code unit of "\uXXXX" at the front of `rest`, or -1. */
static int32_t read_unit(struct slice rest)
{
    int32_t unit = 0;
    if (rest.len < 6 || rest.data[0] != '\\' || rest.data[1] != 'u') {
        return -1;
    }
    for (size_t i = 2; i < 6; i++) {
        int digit = hex_digit(rest.data[i]);
        if (digit < 0) {
            return -1;
        }
        unit = unit * 16 + digit;
    }
    return unit;
}

/*
 * One character of a string to `out`, two halves of a surrogate pair being one character; how
 * many bytes of the text it took.  Half a pair alone is encoded as if it were a character: it
 * equals nothing that a row can hold.
 */
static size_t decode_unit(struct slice rest, struct buf *out)
{
    int32_t point = read_unit(rest);
    int32_t low = read_unit(slice_from(rest, 6));
    size_t taken = 6;
    if (point >= 0xD800 && point < 0xDC00 && low >= 0xDC00 && low < 0xE000) {
        point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
        taken = 12;
    }
    if (point < 0x80) {
        buf_put_u8(out, (uint8_t)point);
        return taken;
    }
    if (point < 0x800) {
        buf_put_u8(out, (uint8_t)(0xC0 | point >> 6));
    } else if (point < 0x10000) {
        buf_put_u8(out, (uint8_t)(0xE0 | point >> 12));
        buf_put_u8(out, (uint8_t)(0x80 | (point >> 6 & 0x3F)));
    } else {
        buf_put_u8(out, (uint8_t)(0xF0 | point >> 18));
        buf_put_u8(out, (uint8_t)(0x80 | (point >> 12 & 0x3F)));
        buf_put_u8(out, (uint8_t)(0x80 | (point >> 6 & 0x3F)));
    }
    buf_put_u8(out, (uint8_t)(0x80 | (point & 0x3F)));
    return taken;
}

/* One character of a string that is not its closing quote; how many bytes it took. */
static size_t decode_char(struct slice rest, char quote, struct buf *out)
{
    if (rest.data[0] == quote) {
        buf_put_char(out, quote);
        return 2;
    }
    if (read_unit(rest) >= 0) {
        return decode_unit(rest, out);
    }
    bool is_escape = rest.data[0] == '\\' && rest.len > 1 && rest.data[1] != '\0' &&
                     strchr("'\"\\", rest.data[1]) != NULL;
    buf_put_char(out, rest.data[is_escape ? 1 : 0]);
    return is_escape ? 2 : 1;
}

static bool is_closing_quote(struct slice rest, char quote)
{
    return rest.data[0] == quote && (rest.len < 2 || rest.data[1] != quote);
}

static struct query_token take_string(struct query_lexer *lexer)
{
    struct slice rest = rest_of(lexer);
    char quote = rest.data[0];
    size_t len = 1;
    struct buf decoded;
    buf_init(&decoded, BUF_CAP_OWN);
    while (len < rest.len && !is_closing_quote(slice_from(rest, len), quote)) {
        len += decode_char(slice_from(rest, len), quote, &decoded);
    }
    if (len >= rest.len) {
        buf_finish(&decoded);
        return fail(lexer, "Missing closing quote");
    }
    struct query_token token = make(lexer, TOKEN_STRING, len + 1);
    char *copy = query_arena_alloc(lexer->arena, decoded.len + 1);
    token.value = slice_make(copy, decoded.len);
    if (decoded.len > 0) {
        memcpy(copy, decoded.data, decoded.len);
    }
    buf_finish(&decoded);
    return token;
}

/* Numbers */

static size_t count_digits(struct slice rest)
{
    size_t n = 0;
    while (n < rest.len && is_digit(rest.data[n])) {
        n++;
    }
    return n;
}

static struct query_token take_hexadecimal(struct query_lexer *lexer)
{
    struct slice rest = rest_of(lexer);
    double number = 0;
    size_t len = 2;
    while (len < rest.len && hex_digit(rest.data[len]) >= 0) {
        number = number * 16 + hex_digit(rest.data[len]);
        len++;
    }
    struct query_token token = make(lexer, TOKEN_NUMBER, len);
    token.number = number;
    return token;
}

/* Digits, a fraction, an exponent: the latter two only when digits follow their mark. */
static struct query_token take_decimal(struct query_lexer *lexer)
{
    struct slice rest = rest_of(lexer);
    size_t len = count_digits(rest);
    if (len < rest.len && rest.data[len] == '.') {
        size_t n_fraction = count_digits(slice_from(rest, len + 1));
        len += n_fraction == 0 ? 0 : n_fraction + 1;
    }
    if (len < rest.len && (rest.data[len] == 'e' || rest.data[len] == 'E')) {
        struct slice exponent = slice_from(rest, len + 1);
        bool is_signed = exponent.len > 0 &&
                         (exponent.data[0] == '-' || exponent.data[0] == '+');
        size_t n_digits = count_digits(slice_from(exponent, is_signed ? 1 : 0));
        len += n_digits == 0 ? 0 : n_digits + (is_signed ? 2 : 1);
    }
    struct query_token token = make(lexer, TOKEN_NUMBER, len);
    token.number = json_scan_number(token.text);
    return token;
}

static struct query_token take_number(struct query_lexer *lexer)
{
    struct slice rest = rest_of(lexer);
    bool is_hexadecimal = slice_starts_with_nocase(rest, SLICE("0x")) && rest.len > 2 &&
                          hex_digit(rest.data[2]) >= 0;
    return is_hexadecimal ? take_hexadecimal(lexer) : take_decimal(lexer);
}

static bool begins_number(const struct query_lexer *lexer, struct slice rest)
{
    if (is_digit(rest.data[0])) {
        return !lexer->follows_dot;
    }
    return rest.data[0] == '.' && !lexer->follows_name && rest.len > 1 &&
           is_digit(rest.data[1]);
}

static struct query_token take_mark_or_name(struct query_lexer *lexer)
{
    struct slice rest = rest_of(lexer);
    for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
        if (slice_starts_with(rest, marks[i].text)) {
            return make(lexer, marks[i].type, marks[i].text.len);
        }
    }
    return take_name(lexer);
}

static struct query_token take(struct query_lexer *lexer)
{
    if (lexer->error->is_set) {
        return make(lexer, TOKEN_BAD, 0);
    }
    if (!skip_blanks(lexer)) {
        return fail(lexer, "Missing */");
    }
    struct slice rest = rest_of(lexer);
    if (rest.len == 0) {
        return make(lexer, TOKEN_END, 0);
    }
    if (begins_number(lexer, rest)) {
        return take_number(lexer);
    }
    if (rest.data[0] == '\'' || rest.data[0] == '"') {
        return take_string(lexer);
    }
    if (slice_starts_with(rest, SLICE("[["))) {
        return take_quoted(lexer);
    }
    return take_mark_or_name(lexer);
}

struct query_token query_lexer_next(struct query_lexer *lexer)
{
    struct query_token token = take(lexer);
    bool is_plain = token.word == WORD_NONE || token.word == WORD_UNDEFINED ||
                    token.word == WORD_DEVICES;
    lexer->follows_name = token.type == TOKEN_QUOTED ||
                          (token.type == TOKEN_NAME && (is_plain || lexer->follows_dot));
    lexer->follows_dot = token.type == TOKEN_DOT;
    lexer->at = token.at + token.text.len;
    return token;
}
