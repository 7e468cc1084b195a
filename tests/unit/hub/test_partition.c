/*
 * hub/partition: the partitions that clients expect, worked out apart from this program from
 * the published hash (whose own test vectors the working reproduces).
 */
#include "hub/partition.h"

#include <stdio.h>
#include <string.h>

#include "iothub/limits.h"
#include "unit/hub/documents.h"

static const int counts[] = {1, 2, 4, 16, 32};

static void device_goes_where_clients_expect_it(void **state)
{
    static const struct {
        const char *id;
        int partitions[5]; /* of as many as `counts` says */
    } rows[] = {
        {"d",                            {0, 0, 0, 0, 0}  },
        {"abcd",                         {0, 1, 2, 11, 22}},
        {"device",                       {0, 1, 3, 14, 29}},
        {"abcdefgh",                     {0, 0, 0, 3, 6}  },
        {"abcdefghi",                    {0, 1, 3, 14, 29}},
        {"lock-43-3",                    {0, 1, 2, 11, 23}},
        {"myDeviceId",                   {0, 1, 2, 10, 20}},
        {"abcdefghijk",                  {0, 1, 3, 14, 28}},
        {"abcdefghijkl",                 {0, 1, 2, 11, 22}},
        {"a#b$c%d'e(f)",                 {0, 0, 0, 2, 5}  },
        {"abcdefghijklm",                {0, 0, 0, 0, 1}  },
        {"thermostat-0123456789-abcdef", {0, 1, 2, 8, 16} },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t k = 0; k < ARRAY_LEN(counts); k++) {
            assert_int_equal(partition_of_device(slice_of(rows[i].id), counts[k]),
                             rows[i].partitions[k]);
        }
    }
}

static void longest_id_has_its_partition(void **state)
{
    char id[LIMIT_ID_CHARS];
    (void)state;
    memset(id, 'x', sizeof(id));
    assert_int_equal(partition_of_device(slice_make(id, sizeof(id)), 16), 12);
    assert_int_equal(partition_of_device(slice_make(id, sizeof(id)), 32), 25);
}

static void case_of_the_id_does_not_matter(void **state)
{
    (void)state;
    assert_int_equal(partition_of_device(SLICE("DEVICE"), 16), 14);
    assert_int_equal(partition_of_device(SLICE("Device"), 16), 14);
}

static void every_id_has_a_partition_and_every_partition_ids(void **state)
{
    int n[EVENT_PARTITIONS] = {0};
    (void)state;
    for (int i = 0; i < 10000; i++) {
        char id[20];
        int len = snprintf(id, sizeof(id), "device-%d", i);
        int partition = partition_of_device(slice_make(id, (size_t)len), EVENT_PARTITIONS);
        assert_in_range(partition, 0, EVENT_PARTITIONS - 1);
        n[partition]++;
    }
    for (int i = 0; i < EVENT_PARTITIONS; i++) {
        assert_in_range(n[i], 400, 900);
    }
    assert_int_equal(partition_of_device(SLICE(""), EVENT_PARTITIONS), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(device_goes_where_clients_expect_it),
        cmocka_unit_test(longest_id_has_its_partition),
        cmocka_unit_test(case_of_the_id_does_not_matter),
        cmocka_unit_test(every_id_has_a_partition_and_every_partition_ids),
    };
    return cmocka_run_group_tests_name("hub.partition", tests, NULL, NULL);
}
