/*
 * hub/continuation: tokens, where a list goes on.
 */
#include "hub/continuation.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/coding.h"
#include "unit/hub/documents.h"

#define LIST SLICE("SELECT * FROM devices")

/* A hub that is enough to write sentences into. */
static struct hub hub;

static int begin(void **state)
{
    (void)state;
    hub = (struct hub){0};
    buf_init(&hub.error, 1000);
    return 0;
}

static int end(void **state)
{
    (void)state;
    buf_finish(&hub.error);
    return 0;
}

static void assert_refused(struct slice token, struct slice list)
{
    struct continuation out = {7, 8};
    assert_int_equal(continuation_read(&hub, token, list, &out), IOTHUB_ARGUMENT_INVALID);
    assert_int_equal(out.after, 7);
    assert_int_equal(out.n_given, 8);
    assert_true(hub.error.len > 0);
}

/* "after:given:hash" with the right hash of the list. */
static void assert_made_up_token_refused(const char *numbers)
{
    struct buf text = {.cap = 200};
    struct buf token = {.cap = 400};
    buf_putf(&text, "%s:%" PRIx64, numbers, slice_hash(LIST));
    base64_encode(&token, text.data, text.len);
    assert_refused(buf_slice(&token), LIST);
    buf_finish(&text);
    buf_finish(&token);
}

static void token_gives_back_what_it_was_made_of(void **state)
{
    static const struct continuation rows[] = {
        {0,         0      },
        {1,         1      },
        {123456789, 100    },
        {INT64_MAX, 1000000}
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf token = {.cap = 400};
        struct continuation out = {0};
        continuation_write(&token, &rows[i], LIST);
        assert_int_equal(continuation_read(&hub, buf_slice(&token), LIST, &out), IOTHUB_OK);
        assert_int_equal(out.after, rows[i].after);
        assert_int_equal(out.n_given, rows[i].n_given);
        /* It travels in a header. */
        for (size_t k = 0; k < token.len; k++) {
            assert_true(token.data[k] > ' ' && token.data[k] < 0x7F);
        }
        buf_finish(&token);
    }
}

static void no_token_is_the_beginning(void **state)
{
    struct continuation out = {7, 8};
    (void)state;
    assert_int_equal(continuation_read(&hub, (struct slice){0}, LIST, &out), IOTHUB_OK);
    assert_int_equal(out.after, 0);
    assert_int_equal(out.n_given, 0);
}

static void token_of_another_list_is_refused(void **state)
{
    struct buf token = {.cap = 400};
    (void)state;
    continuation_write(&token, &(struct continuation){5, 5}, LIST);
    assert_refused(buf_slice(&token), SLICE("SELECT * FROM devices "));
    assert_refused(buf_slice(&token), SLICE(""));
    buf_finish(&token);
}

static void what_is_no_token_is_refused(void **state)
{
    static const char *const tokens[] = {"a",    "====",        "AAAA",
                                         "MTox", "hello world", "MToxOg=="};
    char longest[5000];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
        assert_refused(slice_of(tokens[i]), LIST);
    }
    memset(longest, 'A', sizeof(longest));
    assert_refused(slice_make(longest, sizeof(longest)), LIST);
}

static void cut_token_is_refused(void **state)
{
    struct buf token = {.cap = 400};
    (void)state;
    continuation_write(&token, &(struct continuation){5, 5}, LIST);
    for (size_t len = 1; len < token.len; len++) {
        assert_refused(slice_make(token.data, len), LIST);
    }
    buf_finish(&token);
}

static void token_with_numbers_that_cannot_be_is_refused(void **state)
{
    (void)state;
    assert_made_up_token_refused("-1:0");
    assert_made_up_token_refused("0:-1");
    assert_made_up_token_refused(":0");
    assert_made_up_token_refused("0:x");
    assert_made_up_token_refused("99999999999999999999:0");
    /* Counting on from here would leave the numbers there are. */
    assert_made_up_token_refused("0:9223372036854775807");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(token_gives_back_what_it_was_made_of, begin, end),
        cmocka_unit_test_setup_teardown(no_token_is_the_beginning, begin, end),
        cmocka_unit_test_setup_teardown(token_of_another_list_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(what_is_no_token_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(cut_token_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(token_with_numbers_that_cannot_be_is_refused, begin,
                                        end),
    };
    return cmocka_run_group_tests_name("hub.continuation", tests, NULL, NULL);
}
