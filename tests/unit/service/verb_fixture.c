/*
 * One run of iothub-service after the other against a scripted hub.
 */
#include "unit/service/verb_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    f->hub = fake_hub_start();
    *state = f;
    return 0;
}

int tear_down(void **state)
{
    struct fixture *f = *state;
    program_run_finish(&f->run);
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
