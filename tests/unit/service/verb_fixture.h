/*
 * One run of iothub-service after the other against a scripted hub.
 */
#ifndef TESTS_UNIT_SERVICE_VERB_FIXTURE_H
#define TESTS_UNIT_SERVICE_VERB_FIXTURE_H

#include <stddef.h>

#include "unit/service/program.h"

#define VERSION "?api-version=2021-04-12"

struct fixture {
    struct fake_hub *hub;
    struct program_run run;
};

int set_up(void **state);
int tear_down(void **state);

/* The i-th request must be this one. */
void expect_request(struct fixture *f, size_t i, const char *method, const char *target,
                    const char *body);

/* Its header must have this value; NULL: must be missing. */
void expect_header(struct fixture *f, size_t i, const char *name, const char *value);

#define REPLY(code, text) \
    { \
        .status = (code), .body = (text) \
    }

#define SCRIPT(f, ...) \
    static const struct fake_answer script[] = {__VA_ARGS__}; \
    fake_hub_script((f)->hub, script, ARRAY_LEN(script))

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
