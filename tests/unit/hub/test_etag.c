/*
 * hub/etag: the two spellings of a counter, as recorded answers show them.
 */
#include "hub/etag.h"

#include "unit/hub/documents.h"

static void identity_etag_is_the_counters_digits(void **state)
{
    char etag[HUB_ETAG_SIZE];
    (void)state;
    etag_of_identity(etag, 241791198);
    assert_string_equal(etag, "MjQxNzkxMTk4");
    etag_of_identity(etag, 241791199);
    assert_string_equal(etag, "MjQxNzkxMTk5");
    etag_of_identity(etag, 1);
    assert_string_equal(etag, "MQ==");
    etag_of_identity(etag, INT64_MAX);
    assert_string_equal(etag, "OTIyMzM3MjAzNjg1NDc3NTgwNw==");
}

static void twin_etag_is_eight_bytes_big_end_first(void **state)
{
    char etag[HUB_ETAG_SIZE];
    (void)state;
    etag_of_twin(etag, 1);
    assert_string_equal(etag, "AAAAAAAAAAE=");
    etag_of_twin(etag, 7);
    assert_string_equal(etag, "AAAAAAAAAAc=");
    etag_of_twin(etag, 12);
    assert_string_equal(etag, "AAAAAAAAAAw=");
    etag_of_twin(etag, 256);
    assert_string_equal(etag, "AAAAAAAAAQA=");
    etag_of_twin(etag, INT64_MAX);
    assert_string_equal(etag, "f/////////8=");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identity_etag_is_the_counters_digits),
        cmocka_unit_test(twin_etag_is_eight_bytes_big_end_first),
    };
    return cmocka_run_group_tests_name("hub.etag", tests, NULL, NULL);
}
