/*
 * The generator is splitmix64, by Sebastiano Vigna, in the public domain.
 */
#include "reliability/chance.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/slice.h"

int64_t environment_number(const char *name, int64_t standard)
{
    int64_t number = standard;
    const char *text = getenv(name);
    if (text != NULL && !slice_to_i64(slice_of(text), &number)) {
        fail_msg("%s is no number: %s", name, text);
    }
    return number;
}

struct chance chance_begin(void)
{
    int64_t seed = environment_number("IOTHUB_TEST_SEED", (int64_t)(random_u64() >> 32));
    print_message("IOTHUB_TEST_SEED=%" PRId64 "\n", seed);
    return (struct chance){.state = (uint64_t)seed};
}

uint64_t chance_next(struct chance *chance)
{
    uint64_t z = chance->state += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

int chance_below(struct chance *chance, int n)
{
    return (int)(chance_next(chance) % (uint64_t)n);
}

bool chance_one_in(struct chance *chance, int n)
{
    return chance_below(chance, n) == 0;
}
