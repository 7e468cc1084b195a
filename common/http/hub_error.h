/*
 * Reading a hub's refusal: header, status and the two shapes of error bodies.
 */
#ifndef HTTP_HUB_ERROR_H
#define HTTP_HUB_ERROR_H

#include "base/slice.h"
#include "iothub/status.h"

/* {0} is valid; the texts are owned, NULL when there is none. */
struct hub_error {
    enum iothub_status status;
    char *text;
    char *tracking_id;
};

/**
 * Make sense of an answer whose HTTP status is no success.
 *
 * The outcome is named by the `iothub-errorcode` header, else by the body, else by the HTTP
 * status.
 * @param code_name  that header's value; NULL when it is missing.
 * @param body       whatever came, also nothing or another server's page.
 */
void hub_error_read(struct hub_error *out, int http_status, const char *code_name,
                    struct slice body);

/* NULL and {0} are allowed. */
void hub_error_finish(struct hub_error *error);

#endif
