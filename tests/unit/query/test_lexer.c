/*
 * The lexer: what is one token, and where it stands.
 */
#include "query/lexer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"

#define TOKENS_MAX 40

/* The tokens of one text, END or BAD the last of them. */
struct cut {
    struct query_arena arena;
    struct buf sentence;
    struct query_error error;
    struct query_token tokens[TOKENS_MAX];
    size_t n;
};

static void cut(struct cut *cut, struct slice text)
{
    *cut = (struct cut){0};
    buf_init(&cut->sentence, BUF_CAP_OWN);
    cut->error = (struct query_error){.text = text, .out = &cut->sentence};
    struct query_lexer lexer = {.text = text, .arena = &cut->arena, .error = &cut->error};
    enum query_token_type type = TOKEN_COMMA;
    while (type != TOKEN_END && type != TOKEN_BAD) {
        assert_true(cut->n < TOKENS_MAX);
        cut->tokens[cut->n] = query_lexer_next(&lexer);
        type = cut->tokens[cut->n].type;
        cut->n++;
    }
}

static void finish(struct cut *cut)
{
    query_arena_finish(&cut->arena);
    buf_finish(&cut->sentence);
}

/* The tokens as written, each in angle brackets, "bad" for a text that is refused. */
static void assert_cut(const char *text, const char *expected)
{
    struct cut c;
    struct buf shown;
    cut(&c, slice_of(text));
    buf_init(&shown, BUF_CAP_OWN);
    for (size_t i = 0; i + 1 < c.n; i++) {
        buf_putf(&shown, "<%.*s>", SLICE_ARG(c.tokens[i].text));
    }
    buf_put_text(&shown, c.error.is_set ? "bad" : "");
    assert_string_equal(buf_text(&shown), expected);
    buf_finish(&shown);
    finish(&c);
}

/* The characters of the string that a text consists of. */
static void assert_string(const char *text, const char *expected)
{
    struct cut c;
    cut(&c, slice_of(text));
    assert_int_equal(c.n, 2);
    assert_int_equal(c.tokens[0].type, TOKEN_STRING);
    assert_string_equal(c.tokens[0].value.data, expected);
    assert_int_equal(c.tokens[0].value.len, strlen(expected));
    finish(&c);
}

static void assert_number(const char *text, double expected)
{
    struct cut c;
    cut(&c, slice_of(text));
    assert_int_equal(c.n, 2);
    assert_int_equal(c.tokens[0].type, TOKEN_NUMBER);
    assert_true(c.tokens[0].number == expected);
    finish(&c);
}

static void assert_bad(const char *text, const char *sentence)
{
    struct cut c;
    cut(&c, slice_of(text));
    assert_true(c.error.is_set);
    const char *what = strrchr(buf_text(&c.sentence), '\t');
    assert_non_null(what);
    assert_string_equal(what + 1, sentence);
    finish(&c);
}

static void blanks_and_comments_separate_and_are_not_needed(void **state)
{
    (void)state;
    assert_cut("", "");
    assert_cut(" \t\r\n", "");
    assert_cut("SELECT*FROM devices", "<SELECT><*><FROM><devices>");
    assert_cut("a='x'AND(b)", "<a><=><'x'><AND><(><b><)>");
    assert_cut("a/* b */=/**/1 /* c", "<a><=><1>bad");
    assert_cut("a<=b>=c<>d!=e<f>g=h", "<a><<=><b><>=><c><<>><d><!=><e><<><f><>><g><=><h>");
}

static void tokens_know_where_they_stand(void **state)
{
    (void)state;
    struct cut c;
    cut(&c, SLICE("SELECT\n  \xc3\xa9.[[x y]] /* */ 'z'"));
    assert_int_equal(c.n, 6);
    assert_int_equal(c.tokens[0].at, 0);
    assert_int_equal(c.tokens[1].at, 9);
    assert_int_equal(c.tokens[2].at, 11);
    assert_int_equal(c.tokens[3].at, 12);
    assert_int_equal(c.tokens[4].at, 26);
    assert_int_equal(c.tokens[5].at, 29);
    assert_int_equal(c.tokens[5].type, TOKEN_END);
    finish(&c);
}

static void names_hold_what_other_languages_take_for_operators(void **state)
{
    (void)state;
    assert_cut("bathroom-light", "<bathroom-light>");
    assert_cut("a-5", "<a-5>");
    assert_cut("a -5", "<a><-><5>");
    assert_cut("a - 5", "<a><-><5>");
    assert_cut("a+b/c%d@e|f;g~h^i&j?k\\l", "<a+b/c%d@e|f;g~h^i&j?k\\l>");
    assert_cut("a +b /c %d", "<a><+><b></><c><%><d>");
    assert_cut("\xc3\xa9t\xc3\xa9.\xe6\xb8\xa9", "<\xc3\xa9t\xc3\xa9><.><\xe6\xb8\xa9>");
    assert_cut("a*b", "<a><*><b>");
    assert_cut("_a.__type__", "<_a><.><__type__>");
}

static void a_dollar_may_only_begin_a_name(void **state)
{
    (void)state;
    assert_cut("$version", "<$version>");
    assert_cut("a.$metadata.$lastUpdated", "<a><.><$metadata><.><$lastUpdated>");
    assert_cut("a$b", "<a><$b>");
    assert_cut("$ a", "bad");
    assert_cut("$$a", "bad");
}

static void a_digit_begins_a_number_unless_a_dot_precedes(void **state)
{
    (void)state;
    assert_cut("tags.2ndFloor", "<tags><.><2ndFloor>");
    assert_cut("tags.1.5", "<tags><.><1><.><5>");
    assert_cut("tags . 5e3", "<tags><.><5e3>");
    assert_cut("2ndFloor", "<2><ndFloor>");
    assert_cut("a=.5", "<a><=><.5>");
    assert_cut("a>1.5", "<a><>><1.5>");
    assert_cut("and .5", "<and><.5>");
    assert_cut("1.x", "<1><.><x>");
    assert_cut("5-3", "<5><-><3>");
}

static void numbers_are_decimal_or_hexadecimal(void **state)
{
    (void)state;
    assert_number("43", 43);
    assert_number("007", 7);
    assert_number("1.50", 1.5);
    assert_number(".25", 0.25);
    assert_number("1e3", 1000);
    assert_number("1.5E-3", 0.0015);
    assert_number("2e+2", 200);
    assert_number("0x2B", 43);
    assert_number("0XfF", 255);
    assert_number("4503599627370495", 4503599627370495.0);
    assert_cut("1e", "<1><e>");
    assert_cut("0x", "<0><x>");
}

static void strings_end_at_a_quote_that_is_not_doubled(void **state)
{
    (void)state;
    assert_string("''", "");
    assert_string("'a b'", "a b");
    assert_string("'O''Brien'", "O'Brien");
    assert_string("''''", "'");
    assert_string("\"say \"\"hi\"\"\"", "say \"hi\"");
    assert_string("'say \"hi\"'", "say \"hi\"");
    assert_string("\"O'Brien\"", "O'Brien");
    assert_string("'two\nlines'", "two\nlines");
    assert_cut("'a' 'b'", "<'a'><'b'>");
}

static void backslash_escapes_quotes_itself_and_code_units(void **state)
{
    (void)state;
    assert_string("'O\\'Brien'", "O'Brien");
    assert_string("\"\\\"\"", "\"");
    assert_string("'\\\"'", "\"");
    assert_string("'C:\\\\logs'", "C:\\logs");
    assert_string("'C:\\logs'", "C:\\logs");
    assert_string("'\\n'", "\\n");
    assert_string("'\\u00e9\\u20AC'", "\xc3\xa9\xe2\x82\xac");
    assert_string("'\\ud83d\\ude00'", "\xf0\x9f\x98\x80");
    assert_string("'\\u12'", "\\u12");
    assert_string("'\\u0041\\u'", "A\\u");
}

static void brackets_quote_everything_up_to_their_end(void **state)
{
    (void)state;
    struct cut c;
    cut(&c, SLICE("tags.[[HomeTemp(F) 'x' $ # ] group]]"));
    assert_int_equal(c.n, 4);
    assert_int_equal(c.tokens[2].type, TOKEN_QUOTED);
    assert_true(slice_equal_text(c.tokens[2].value, "HomeTemp(F) 'x' $ # ] group"));
    assert_int_equal(c.tokens[2].word, WORD_NONE);
    finish(&c);
    assert_cut("['a']", "<[><'a'><]>");
}

static void words_are_known_in_any_case(void **state)
{
    (void)state;
    struct cut c;
    cut(&c, SLICE("select Devices Is_Defined ORDER undefined value"));
    assert_int_equal(c.tokens[0].word, WORD_SELECT);
    assert_int_equal(c.tokens[1].word, WORD_DEVICES);
    assert_int_equal(c.tokens[2].word, WORD_FUNCTION);
    assert_int_equal(c.tokens[3].word, WORD_RESERVED);
    assert_int_equal(c.tokens[4].word, WORD_UNDEFINED);
    assert_int_equal(c.tokens[5].word, WORD_NONE);
    finish(&c);
}

static void what_is_no_token_is_reported_where_it_stands(void **state)
{
    (void)state;
    assert_bad("a = #x", "Line 1:5 Unexpected character at input '#x'");
    assert_bad("a\n\n  !b", "Line 3:3 Unexpected character at input '!b'");
    assert_bad("a : b", "Line 1:3 Unexpected character at input ': b'");
    assert_bad("a = 'x", "Line 1:5 Missing closing quote at input ''x'");
    assert_bad("a = 'x\\'", "Line 1:5 Missing closing quote at input ''x\\''");
    assert_bad("a.[[b", "Line 1:3 Missing ]] at input '[[b'");
    assert_bad("a /* b", "Line 1:3 Missing */ at input '/* b'");
    assert_bad("a\x01", "Line 1:2 Unexpected character at input '\x01'");
    assert_bad("a\xc2\x85", "Line 1:2 Unexpected character at input '\xc2\x85'");
    assert_bad("{", "Line 1:1 Unexpected character at input '{'");
}

static void columns_count_characters_as_utf16_does(void **state)
{
    (void)state;
    assert_bad("\xc3\xa9 #", "Line 1:3 Unexpected character at input '#'");
    assert_bad("'\xf0\x9f\x98\x80' #", "Line 1:6 Unexpected character at input '#'");
}

static void texts_are_never_read_past_their_end(void **state)
{
    (void)state;
    static const char text[] = "SELECT [[a]], 'b''c\\u00e9\\ud83d\\ude00\\'' 0x1F 1.5e+3 .5 /* "
                               "x */ $y <= >= <> != \xc2\xa0";
    for (size_t len = 1; len < sizeof(text); len++) {
        struct cut c;
        char *exact = mem_dup(text, len);
        cut(&c, slice_make(exact, len));
        assert_true(c.n > 0);
        finish(&c);
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blanks_and_comments_separate_and_are_not_needed),
        cmocka_unit_test(tokens_know_where_they_stand),
        cmocka_unit_test(names_hold_what_other_languages_take_for_operators),
        cmocka_unit_test(a_dollar_may_only_begin_a_name),
        cmocka_unit_test(a_digit_begins_a_number_unless_a_dot_precedes),
        cmocka_unit_test(numbers_are_decimal_or_hexadecimal),
        cmocka_unit_test(strings_end_at_a_quote_that_is_not_doubled),
        cmocka_unit_test(backslash_escapes_quotes_itself_and_code_units),
        cmocka_unit_test(brackets_quote_everything_up_to_their_end),
        cmocka_unit_test(words_are_known_in_any_case),
        cmocka_unit_test(what_is_no_token_is_reported_where_it_stands),
        cmocka_unit_test(columns_count_characters_as_utf16_does),
        cmocka_unit_test(texts_are_never_read_past_their_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
