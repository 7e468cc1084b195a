/*
 * Queries and listings of jobs: pages of rows, joined by a token that the hub makes.
 */
#include "iothub/service.h"

#include <stdlib.h>

#include "base/coding.h"
#include "base/mem.h"
#include "iothub/json.h"
#include "service/src/client.h"

struct iothub_service_query {
    struct iothub_service *service; /* borrowed */
    enum operation operation;
    char *body;       /* of a query */
    char *parameters; /* of a listing */
    unsigned page_size;
    char *continuation; /* of the next page; NULL for the first and after the last */
    char *item_type;    /* of the last page; NULL before the first */
    bool is_begun;
};

static struct iothub_service_query *make(struct iothub_service *service,
                                         enum operation operation, unsigned page_size)
{
    struct iothub_service_query *query = mem_alloc(sizeof(*query));
    client_forget(service);
    query->service = service;
    query->operation = operation;
    query->page_size = page_size;
    return query;
}

enum iothub_status iothub_service_query_create(struct iothub_service *service, const char *text,
                                               unsigned page_size,
                                               struct iothub_service_query **out)
{
    if (slice_trim(slice_of(text)).len == 0) {
        return client_fail(service, IOTHUB_BAD_ARGUMENT, "the query is empty");
    }
    struct buf body;
    buf_init(&body, BUF_CAP_OWN);
    buf_put_text(&body, "{\"query\":");
    json_put_string(&body, slice_of(text));
    buf_put_char(&body, '}');
    struct iothub_service_query *query = make(service, OP_QUERY, page_size);
    query->body = buf_take_text(&body);
    *out = query;
    return IOTHUB_OK;
}

static void put_parameter(struct buf *out, const char *name, const char *value)
{
    if (value == NULL) {
        return;
    }
    if (out->len != 0) {
        buf_put_char(out, '&');
    }
    buf_putf(out, "%s=", name);
    percent_encode(out, slice_of(value));
}

enum iothub_status iothub_service_job_query_create(struct iothub_service *service,
                                                   const char *type, const char *status,
                                                   unsigned page_size,
                                                   struct iothub_service_query **out)
{
    struct buf parameters;
    buf_init(&parameters, BUF_CAP_OWN);
    put_parameter(&parameters, "jobType", type);
    put_parameter(&parameters, "jobStatus", status);
    struct iothub_service_query *query = make(service, OP_JOB_LIST, page_size);
    query->parameters = buf_take_text(&parameters);
    *out = query;
    return IOTHUB_OK;
}

void iothub_service_query_destroy(struct iothub_service_query *query)
{
    if (query == NULL) {
        return;
    }
    free(query->body);
    free(query->parameters);
    free(query->continuation);
    free(query->item_type);
    free(query);
}

bool iothub_service_query_has_more(const struct iothub_service_query *query)
{
    return !query->is_begun || query->continuation != NULL;
}

/* Move on to what this answer says is next. */
static void turn_page(struct iothub_service_query *query, struct http_answer *answer)
{
    free(query->continuation);
    free(query->item_type);
    query->continuation = answer->continuation;
    query->item_type = answer->item_type;
    answer->continuation = NULL;
    answer->item_type = NULL;
    query->is_begun = true;
    /* Some hubs end with an empty token instead of none. */
    if (query->continuation != NULL && query->continuation[0] == '\0') {
        free(query->continuation);
        query->continuation = NULL;
    }
}

enum iothub_status iothub_service_query_next(struct iothub_service_query *query, char **out)
{
    if (!iothub_service_query_has_more(query)) {
        if (out != NULL) {
            *out = mem_dup_text("[]");
        }
        return IOTHUB_OK;
    }
    const struct call call = {.operation = query->operation,
                              .body = query->body,
                              .parameters = query->parameters,
                              .page_size = query->page_size,
                              .continuation = query->continuation};
    struct http_answer answer;
    enum iothub_status status = client_call(query->service, &call, &answer);
    if (status != IOTHUB_OK) {
        return status;
    }
    turn_page(query, &answer);
    if (out != NULL) {
        *out = buf_take_text(&answer.body);
    }
    http_answer_finish(&answer);
    return IOTHUB_OK;
}

const char *iothub_service_query_item_type(const struct iothub_service_query *query)
{
    return query->item_type == NULL ? "" : query->item_type;
}
