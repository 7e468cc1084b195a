/*
 * Messages and a connection that knows all the ways to settle them, as no MQTT client does.
 */
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "hub/mail.h"

/* Takes as many messages as it has room for, and remembers the last. */
struct taker {
    struct hub_peer peer;
    int room;
    int n_taken;
    int64_t last_id;
    int64_t last_delivery_count;
    bool was_sent;
    char body[16];
};

static enum hub_taken on_message(struct hub_peer *peer, const struct hub_message *message)
{
    struct taker *taker = CONTAINER_OF(peer, struct taker, peer);
    if (taker->room == 0) {
        return HUB_FULL;
    }
    taker->room--;
    taker->n_taken++;
    taker->last_id = message->id;
    taker->last_delivery_count = message->delivery_count;
    taker->was_sent = message->was_sent;
    assert_int_equal(strlen(message->lock_token), GUID_LEN);
    (void)snprintf(taker->body, sizeof(taker->body), "%.*s", SLICE_ARG(message->body));
    return HUB_TAKEN;
}

static void on_close(struct hub_peer *peer, enum iothub_status why)
{
    (void)peer;
    (void)why;
}

static const struct hub_peer_ops ops = {.message = on_message, .close = on_close};

static void attach(struct fixture *f, struct taker *taker, const char *id, int room)
{
    const struct hub_principal principal = {.kind = HUB_IDENTITY, .expires_ms = NEVER_MS};
    *taker = (struct taker){.peer.ops = &ops, .room = room};
    assert_int_equal(hub_peer_attach(f->hub, &taker->peer, id_of(id), &principal, SLICE("")),
                     IOTHUB_OK);
    hub_peer_want(f->hub, &taker->peer, HUB_WANTS_MESSAGES);
}

static void detach(struct fixture *f, struct taker *taker)
{
    hub_peer_detach(f->hub, &taker->peer);
    assert_null(taker->peer.locks);
    fixture_turn(f);
}

static void peer_completes_and_rejects(void **state)
{
    struct fixture *f = *state;
    struct taker taker;
    static const char *const headers[] = {"iothub-messageid: m", "iothub-ack: negative", NULL};
    make(f, "d");
    attach(f, &taker, "d", 2);
    post_message(f, "d", "0", headers);
    hub_peer_settle(f->hub, &taker.peer, taker.last_id, HUB_COMPLETED);
    assert_int_equal(message_count(f, "d"), 0);
    post_message(f, "d", "1", headers);
    hub_peer_settle(f->hub, &taker.peer, taker.last_id, HUB_REJECTED);
    assert_int_equal(message_count(f, "d"), 0);
    assert_null(f->hub->message_locks.by_id);
    assert_feedback(f, "Rejected", "Message rejected");
    detach(f, &taker);
}

static void abandoned_message_goes_to_its_peer_again(void **state)
{
    struct fixture *f = *state;
    struct taker taker;
    make(f, "d");
    attach(f, &taker, "d", 2);
    post_message(f, "d", "0", NULL);
    assert_false(taker.was_sent);
    hub_peer_settle(f->hub, &taker.peer, taker.last_id, HUB_ABANDONED);
    assert_int_equal(taker.n_taken, 2);
    assert_int_equal(taker.last_delivery_count, 1);
    assert_true(taker.was_sent);
    detach(f, &taker);
}

static void peer_that_is_full_is_asked_again_when_it_is_ready(void **state)
{
    struct fixture *f = *state;
    struct taker taker;
    make(f, "d");
    attach(f, &taker, "d", 1);
    post_messages(f, "d", 3);
    assert_int_equal(taker.n_taken, 1);
    taker.room = 1;
    hub_peer_ready(f->hub, &taker.peer);
    assert_int_equal(taker.n_taken, 2);
    assert_string_equal(taker.body, "1");
    detach(f, &taker);
    taker.room = 1;
    hub_peer_ready(f->hub, &taker.peer);
    assert_int_equal(taker.n_taken, 2);
}

static void peer_settles_only_what_it_has(void **state)
{
    struct fixture *f = *state;
    struct taker taker;
    struct taker other;
    make(f, "d");
    make(f, "e");
    attach(f, &taker, "d", 1);
    attach(f, &other, "e", 1);
    post_message(f, "d", "0", NULL);
    hub_peer_settle(f->hub, &other.peer, taker.last_id, HUB_COMPLETED);
    hub_peer_settle(f->hub, &other.peer, taker.last_id + 1, HUB_COMPLETED);
    assert_int_equal(message_count(f, "d"), 1);
    detach(f, &taker);
    hub_peer_settle(f->hub, &taker.peer, taker.last_id, HUB_COMPLETED);
    assert_int_equal(message_count(f, "d"), 1);
    detach(f, &other);
}

static void messages_go_to_who_wants_them_alone(void **state)
{
    struct fixture *f = *state;
    struct taker taker;
    make(f, "d");
    make(f, "d/m");
    attach(f, &taker, "d/m", 1);
    post_message(f, "d", "0", NULL);
    assert_int_equal(taker.n_taken, 0);
    detach(f, &taker);
    attach(f, &taker, "d", 1);
    assert_int_equal(taker.n_taken, 1);
    hub_peer_want(f->hub, &taker.peer, 0);
    taker.room = 1;
    post_message(f, "d", "1", NULL);
    assert_int_equal(taker.n_taken, 1);
    detach(f, &taker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(peer_completes_and_rejects),
        HUB_TEST(abandoned_message_goes_to_its_peer_again),
        HUB_TEST(peer_that_is_full_is_asked_again_when_it_is_ready),
        HUB_TEST(peer_settles_only_what_it_has),
        HUB_TEST(messages_go_to_who_wants_them_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
