/*
 * What MQTT 3.1.1 demands of a server that keeps sessions and delivers messages, statement by
 * statement in the order of the specification, as raw packets to a whole hub.  What it demands
 * of single packets and of their order is in unit/mqtt/test_engine_rules.c.  A hub has no
 * retained messages and no QoS 2, so the statements about those have no row.  [MQTT-4.4.0-1] is
 * held for the messages only: the hub keeps these and not packets, and numbers what it sends
 * again anew.
 */
#include <stdio.h>
#include <string.h>

#include "hub/mail.h"
#include "unit/mqtt/notation.h"

enum {
    STEPS_MAX = 14,
};

/*
 * A step is a word and what it is about:
 *
 *     login [clean] [will]    a further connection, which is the one the next steps speak of
 *     say NOTATION            the client sends these bytes
 *     heard PACKETS           that is all it was sent since the last look
 *     post BODY               the service sends a message
 *     break                   the connection is lost
 *     closed                  the hub has closed it
 *     older closed            it has closed the connection before it
 *     event BODY              the hub has taken this telemetry next
 *     no event                it has taken none
 */
struct row {
    const char *name;
    const char *steps[STEPS_MAX];
};

#define MESSAGES  "devices/d/messages/devicebound/"
#define TO        MESSAGES "%24.to=%2Fdevices%2Fd%2Fmessages%2FdeviceBound"
#define EVENTS_OF "devices/d/messages/events/"
#define SUB_1     "say 82 [ 0001 <" MESSAGES "#> 01 ]"
#define SUB_0     "say 82 [ 0002 <" MESSAGES "#> 00 ]"
#define GRANTED_1 "heard SUBACK id 1 0x01"
#define GRANTED_0 "heard SUBACK id 2 0x00"

/* Rows are laid out by hand: they are too uneven for columns. */
// clang-format off

static const struct row rows[] = {
    {"[MQTT-3.1.2-4] a session that is kept goes on",
     {"login", "heard CONNACK 0", SUB_1, GRANTED_1, "break", "login", "heard CONNACK 0 session",
      "post a", "heard PUBLISH " TO "=a qos 1 id 1"}},
    {"[MQTT-3.1.2-5] messages with QoS 1 wait for a client that is away",
     {"login", "heard CONNACK 0", SUB_1, GRANTED_1, "say e0 00", "closed", "post a", "login",
      "heard CONNACK 0 session; PUBLISH " TO "=a qos 1 id 1"}},
    {"[MQTT-3.1.2-6] a clean session ends the kept one",
     {"login", "heard CONNACK 0", SUB_1, GRANTED_1, "break", "login clean", "heard CONNACK 0",
      "break", "login", "heard CONNACK 0", "post a", "heard "}},
    {"[MQTT-3.1.2-8] the will of a connection that is lost is published",
     {"login clean will", "heard CONNACK 0", "no event", "break", "event gone", "no event"}},
    {"[MQTT-3.1.2-8] also of one that broke the protocol",
     {"login clean will", "heard CONNACK 0", "say f0 00", "closed", "event gone"}},
    {"[MQTT-3.1.2-10] the will goes with DISCONNECT",
     {"login clean will", "heard CONNACK 0", "say e0 00", "closed", "no event"}},
    {"[MQTT-3.1.4-2] a newer connection of a client ends the older one",
     {"login clean", "heard CONNACK 0", "login clean", "heard CONNACK 0", "older closed",
      "say c0 00", "heard PINGRESP"}},
    {"[MQTT-3.2.2-1] a clean session is never present",
     {"login", "heard CONNACK 0", "break", "login clean", "heard CONNACK 0"}},
    {"[MQTT-3.2.2-2] a stored session is present [MQTT-3.2.2-3] and none is not",
     {"login", "heard CONNACK 0", "break", "login", "heard CONNACK 0 session"}},

    {"[MQTT-3.3.1-1] what is delivered again is marked so",
     {"login", "heard CONNACK 0", SUB_1, GRANTED_1, "post a",
      "heard PUBLISH " TO "=a qos 1 id 1", "break", "login",
      "heard CONNACK 0 session; PUBLISH " TO "=a qos 1 id 1 dup"}},
    {"[MQTT-3.3.1-9] what was sent with RETAIN is not sent on with it",
     {"login clean", "heard CONNACK 0", SUB_1, GRANTED_1,
      "say 31 [ <" EVENTS_OF "> 'kept' ]", "event kept", "post a",
      "heard PUBLISH " TO "=a qos 1 id 1"}},
    {"[MQTT-3.3.2-3] a topic that is sent matches the filter",
     {"login clean", "heard CONNACK 0", "say 82 [ 0001 <$iothub/twin/res/204/+> 00 ]",
      "heard SUBACK id 1 0x00", "say 30 [ <$iothub/twin/GET/?$rid=1> ]", "heard ",
      "say 30 [ <$iothub/twin/PATCH/properties/reported/?$rid=2> '{}' ]",
      "heard PUBLISH $iothub/twin/res/204/?$rid=2&$version=2= qos 0 id 0"}},
    {"[MQTT-3.3.5-1] filters that overlap bring a message with the best QoS",
     {"login clean", "heard CONNACK 0",
      "say 82 [ 0001 <" MESSAGES "#> 00 <" MESSAGES "+> 01 ]", "heard SUBACK id 1 0x0001",
      "post a", "heard PUBLISH " TO "=a qos 1 id 1"}},
    {"[MQTT-3.3.5-2] a message that is not allowed ends the connection",
     {"login clean", "heard CONNACK 0", "say 32 [ <devices/e/messages/events/> 0001 'x' ]",
      "heard ", "closed", "no event"}},

    {"[MQTT-3.8.4-2] SUBACK has the packet id of SUBSCRIBE",
     {"login clean", "heard CONNACK 0", "say 82 [ fedc <" MESSAGES "#> 01 ]",
      "heard SUBACK id 65244 0x01"}},
    {"[MQTT-3.8.4-3] the same filter again takes the place of the first",
     {"login clean", "heard CONNACK 0", SUB_1, GRANTED_1, SUB_0, GRANTED_0, "post a",
      "heard PUBLISH " TO "=a qos 0 id 0"}},
    {"[MQTT-3.8.4-6] a message has the lower of its QoS and the granted one",
     {"login clean", "heard CONNACK 0", "say 82 [ 0001 <" MESSAGES "#> 02 ]", GRANTED_1,
      "post a", "heard PUBLISH " TO "=a qos 1 id 1"}},
    {"[MQTT-3.10.4-1] only the very same filter is forgotten",
     {"login clean", "heard CONNACK 0", SUB_1, GRANTED_1, "say a2 [ 0003 <" MESSAGES "+> ]",
      "heard UNSUBACK id 3", "post a", "heard PUBLISH " TO "=a qos 1 id 1"}},
    {"[MQTT-3.10.4-2] nothing new comes of a filter that was forgotten",
     {"login clean", "heard CONNACK 0", SUB_1, GRANTED_1, "say a2 [ 0003 <" MESSAGES "#> ]",
      "heard UNSUBACK id 3", "post a", "heard "}},
    {"[MQTT-3.10.4-3] what was under way can still be acknowledged",
     {"login clean", "heard CONNACK 0", SUB_1, GRANTED_1, "post a",
      "heard PUBLISH " TO "=a qos 1 id 1", "say a2 [ 0003 <" MESSAGES "#> ]",
      "heard UNSUBACK id 3", "say 40 02 0001", "break", "login clean", "heard CONNACK 0", SUB_1,
      GRANTED_1}},
    {"[MQTT-3.10.4-5] UNSUBACK comes although there was no such filter",
     {"login clean", "heard CONNACK 0", "say a2 [ 0003 <nothing/of/the/kind> ]",
      "heard UNSUBACK id 3"}},

    {"[MQTT-4.3.2-2] a packet id that was acknowledged is that of a new message",
     {"login clean", "heard CONNACK 0",
      "say 32 [ <" EVENTS_OF "> 0007 'a' ] 3a [ <" EVENTS_OF "> 0007 'a' ]",
      "heard PUBACK id 7; PUBACK id 7", "event a", "event a", "no event"}},
    {"[MQTT-4.6.0-6] messages come in the order in which they were sent",
     {"login clean", "heard CONNACK 0", SUB_1, GRANTED_1, "post a", "post b", "post c",
      "heard PUBLISH " TO "=a qos 1 id 1; PUBLISH " TO "=b qos 1 id 2; PUBLISH " TO
      "=c qos 1 id 3"}},
    {"[MQTT-4.7.2-1] a filter that begins with a wildcard reaches nobody's topics",
     {"login clean", "heard CONNACK 0", "say 82 [ 0001 <+/twin/res/#> 00 ]", "heard ", "closed"}},
    {"[MQTT-4.7.3-4] a topic in other letters is another topic",
     {"login clean", "heard CONNACK 0", "say 32 [ <Devices/d/messages/events/> 0001 'x' ]",
      "heard ", "closed", "no event"}},
    {"[MQTT-4.8.0-1] a violation ends the connection, and nothing after it counts",
     {"login clean", "heard CONNACK 0", "say f0 00 32 [ <" EVENTS_OF "> 0001 'x' ]", "heard ",
      "closed", "no event"}},
};

// clang-format on

struct scene {
    struct fixture *f;
    struct device *current;
    struct device *older;
};

static void login(struct scene *s, const char *how)
{
    bool has_will = strstr(how, "will") != NULL;
    s->older = s->current;
    s->current = device_connect(s->f, &(struct login){
                                          .id = "d",
                                          .is_clean = strstr(how, "clean") != NULL,
                                          .will_topic = has_will ? EVENTS_OF : NULL,
                                          .will_payload = has_will ? "gone" : NULL,
                                      });
}

static void say_bytes(struct scene *s, const char *notation)
{
    put_notation(device_packets(s->current), notation);
    device_say(s->current);
}

static void expect_event(struct scene *s, const char *body)
{
    struct store_event event;
    assert_true(next_event(s->f, &event));
    assert_slice(event.body, body);
}

/* Whether the step begins so; the rest of it is left in *rest. */
static bool begins(const char *step, const char *word, const char **rest)
{
    size_t len = strlen(word);
    *rest = step + len;
    return strncmp(step, word, len) == 0;
}

static void take(struct scene *s, const char *step)
{
    const char *rest = NULL;
    if (begins(step, "login", &rest)) {
        login(s, rest);
    } else if (begins(step, "say ", &rest)) {
        say_bytes(s, rest);
    } else if (begins(step, "heard ", &rest)) {
        assert_heard_in_full(s->current, rest);
    } else if (begins(step, "post ", &rest)) {
        post_message(s->f, "d", rest, NULL);
    } else if (begins(step, "event ", &rest)) {
        expect_event(s, rest);
    } else if (strcmp(step, "no event") == 0) {
        assert_no_event(s->f);
    } else if (strcmp(step, "break") == 0) {
        device_break(s->current);
    } else if (strcmp(step, "closed") == 0) {
        assert_true(device_is_closed(s->current));
    } else if (strcmp(step, "older closed") == 0) {
        assert_true(device_is_closed(s->older));
    } else {
        fail_msg("there is no step \"%s\"", step);
    }
}

static void check_row(void **state)
{
    const struct row *row = *state;
    void *fixture = NULL;
    assert_int_equal(fixture_memory(&fixture), 0);
    struct scene s = {.f = fixture};
    make(s.f, "d");
    for (size_t i = 0; i < STEPS_MAX && row->steps[i] != NULL; i++) {
        take(&s, row->steps[i]);
    }
    assert_int_equal(fixture_end(&fixture), 0);
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(rows)];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        tests[i] = row_test(rows[i].name, check_row, &rows[i]);
    }
    return cmocka_run_group_tests_name("hub.mqtt_rules", tests, NULL, NULL);
}
