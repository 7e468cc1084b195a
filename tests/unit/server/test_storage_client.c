/*
 * The end of the emulator while the storage account's name is still being looked up.
 */
#include "support.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "hub/storage_account.h"
#include "server/storage_client.h"
#include "server/turn.h"

/* A name that nobody has [RFC 6761, 6.4], and bytes of no meaning. */
#define ACCOUNT \
    "DefaultEndpointsProtocol=https;AccountName=account;" \
    "AccountKey=MDEyMzQ1Njc4OWFiY2RlZg==;BlobEndpoint=https://storage.invalid"

struct bench {
    struct turn turn;
    struct storage_account account;
    struct storage_client *client;
    bool was_told;
};

static void open_hub(struct bench *b)
{
    struct buf error = {.cap = BUF_CAP_OWN};
    bool created = false;
    const struct hub_options options = {
        .files = {.account = &b->account, .container = "uploads", .upload_ttl_ms = 60000}
    };
    json_t *device = json_pack("{s:s}", "deviceId", "d");
    assert_true(hub_open(&options, clock_read(&b->turn.clock), &error, &b->turn.hub));
    assert_int_equal(hub_device_seed(b->turn.hub, device, &created), IOTHUB_OK);
    json_decref(device);
}

static int set_up(void **state)
{
    struct bench *b = mem_alloc(sizeof(*b));
    struct buf error = {.cap = BUF_CAP_OWN};
    log_set_level(LOG_ERROR);
    assert_true(storage_account_parse(SLICE(ACCOUNT), &error, &b->account));
    open_hub(b);
    assert_true(turn_init(&b->turn));
    b->client = storage_client_create(
        &b->turn, &(struct storage_client_options){.account = &b->account}, &error);
    assert_non_null(b->client);
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    turn_finish(&b->turn);
    hub_close(b->turn.hub);
    storage_account_finish(&b->account);
    free(b);
    return 0;
}

static void on_done(void *ctx, const struct hub_file_result *result)
{
    struct bench *b = ctx;
    (void)result;
    b->was_told = true;
}

/* Whether all was freed is what the sanitizers say at the end of the process. */
static void a_look_up_under_way_is_given_up_at_the_end(void **state)
{
    struct bench *b = *state;
    uint64_t id = 0;
    json_t *body = json_pack("{s:s}", "blobName", "photo.png");
    turn_enter(&b->turn);
    assert_int_equal(hub_file_begin(b->turn.hub, SLICE("d"), body, on_done, b, &id), IOTHUB_OK);
    json_decref(body);
    storage_client_destroy(b->client);
    assert_false(b->was_told);
}

/* As when a client leaves: its number is known no more, and nothing is told of it. */
static void a_look_up_that_was_cancelled_is_given_up_at_the_end(void **state)
{
    struct bench *b = *state;
    uint64_t id = 0;
    json_t *body = json_pack("{s:s}", "blobName", "photo.png");
    turn_enter(&b->turn);
    assert_int_equal(hub_file_begin(b->turn.hub, SLICE("d"), body, on_done, b, &id), IOTHUB_OK);
    json_decref(body);
    hub_file_cancel(b->turn.hub, id);
    storage_client_destroy(b->client);
    assert_false(b->was_told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_look_up_under_way_is_given_up_at_the_end, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_look_up_that_was_cancelled_is_given_up_at_the_end,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
