/*
 * A client and the hub in this process that it speaks to.
 */
#ifndef TESTS_UNIT_SERVICE_CLIENT_FIXTURE_H
#define TESTS_UNIT_SERVICE_CLIENT_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "iothub/service.h"
#include "unit/service/fake_hub.h"

#define KEY               "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define HOST              "hub.localtest.example"
#define CONNECTION_STRING "HostName=" HOST ";SharedAccessKeyName=owner;SharedAccessKey=" KEY
#define VERSION           "?api-version=2021-04-12"

struct fixture {
    struct fake_hub *hub;
    struct iothub_service *service;
    int n_asked; /* how often `interrupted` was asked */
    int n_traced;
    bool is_interrupted;
};

int set_up(void **state);
int tear_down(void **state);

/* Short pauses, three repetitions, 100,000 bytes at most. */
struct iothub_service_options standard_options(struct fixture *f);

/* Go on with a client of these options. */
void reopen(struct fixture *f, const struct iothub_service_options *options);

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
