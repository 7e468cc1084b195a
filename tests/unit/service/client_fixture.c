/*
 * Opening and closing both sides, and looking at what arrived.
 */
#include "unit/service/client_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool on_interrupted(void *ctx)
{
    struct fixture *f = ctx;
    f->n_asked++;
    return f->is_interrupted;
}

static void on_trace(void *ctx, const char *line)
{
    struct fixture *f = ctx;
    f->n_traced++;
    assert_null(strstr(line, "sig="));
}

struct iothub_service_options standard_options(struct fixture *f)
{
    return (struct iothub_service_options){
        .connection_string = CONNECTION_STRING,
        .address = "127.0.0.1",
        .port = (unsigned)fake_hub_port(f->hub),
        .is_plain = true,
        .timeout_ms = 20000,
        .retry_delay_ms = 1,
        .retries = 3,
        .max_answer_bytes = 100000,
        .interrupted = on_interrupted,
        .trace = on_trace,
        .ctx = f,
    };
}

void reopen(struct fixture *f, const struct iothub_service_options *options)
{
    iothub_service_destroy(f->service);
    f->service = NULL;
    assert_int_equal(iothub_service_create(options, NULL, &f->service), IOTHUB_OK);
}

int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    f->hub = fake_hub_start();
    const struct iothub_service_options options = standard_options(f);
    reopen(f, &options);
    *state = f;
    return 0;
}

int tear_down(void **state)
{
    struct fixture *f = *state;
    iothub_service_destroy(f->service);
    fake_hub_stop(f->hub);
    free(f);
    return 0;
}

void expect_request(struct fixture *f, size_t i, const char *method, const char *target,
                    const char *body)
{
    const struct fake_request *request = fake_hub_request(f->hub, i);
    assert_non_null(request);
    assert_string_equal(request->method, method);
    assert_string_equal(request->target, target);
    assert_string_equal(request->body, body);
}

void expect_header(struct fixture *f, size_t i, const char *name, const char *value)
{
    const char *found = fake_request_header(fake_hub_request(f->hub, i), name);
    if (value == NULL) {
        assert_null(found);
    } else {
        assert_non_null(found);
        assert_string_equal(found, value);
    }
}
