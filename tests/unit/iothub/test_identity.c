/*
 * identity: which ids are accepted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "iothub/identity.h"
#include "iothub/limits.h"

static void every_documented_character_is_accepted_and_no_other(void **state)
{
    (void)state;
    const char *allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                          "-:.+%_#*?!(),=@;$'";

    for (int c = 0; c < 256; c++) {
        char id[2] = {(char)c, 'x'};
        bool is_allowed = c != 0 && strchr(allowed, c) != NULL;
        if (identity_is_valid_id(slice_make(id, 2)) != is_allowed) {
            fail_msg("character %d is %s", c, is_allowed ? "refused" : "accepted");
        }
    }
}

static void an_id_has_1_to_128_characters(void **state)
{
    (void)state;
    char id[LIMIT_ID_CHARS + 1];

    memset(id, 'a', sizeof(id));
    assert_false(identity_is_valid_id(slice_make(id, 0)));
    assert_true(identity_is_valid_id(slice_make(id, 1)));
    assert_true(identity_is_valid_id(slice_make(id, LIMIT_ID_CHARS)));
    assert_false(identity_is_valid_id(slice_make(id, LIMIT_ID_CHARS + 1)));
}

static void identities_are_equal_in_both_parts_and_case(void **state)
{
    (void)state;
    struct identity device = identity_of_device(SLICE("d"));
    struct identity module = {SLICE("d"), SLICE("m")};

    assert_false(identity_is_module(device));
    assert_true(identity_is_module(module));
    assert_true(identity_equal(device, identity_of_device(slice_make("dx", 1))));
    assert_false(identity_equal(device, identity_of_device(SLICE("D"))));
    assert_false(identity_equal(device, module));
    assert_false(identity_equal(module, (struct identity){SLICE("d"), SLICE("n")}));
    assert_true(identity_equal(module, (struct identity){SLICE("d"), SLICE("m")}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_documented_character_is_accepted_and_no_other),
        cmocka_unit_test(an_id_has_1_to_128_characters),
        cmocka_unit_test(identities_are_equal_in_both_parts_and_case),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
