/*
 * What the specification demands of a server, statement by statement in its order, as
 * conversations.  Each is held with all bytes at once, byte by byte, and in random pieces, and
 * must go the same way; cut off at any byte it must have gone so as far as it came.  What the
 * statements demand of texts and of single packets is in test_text.c and test_packet_read.c;
 * here it is seen to end the connection.
 */
#include "mqtt/engine.h"

#include <stdlib.h>

#include "base/macros.h"
#include "unit/mqtt/notation.h"
#include "unit/mqtt/talk.h"

struct row {
    const char *name;
    const char *client; /* what the client says */
    const char *events; /* what the gateway hears; ends in BAD when the connection is closed */
    const char *server; /* what the client gets */
    enum mqtt_connack_code refusal;
    bool session_present;
};

#define D       "CONNECT MQTT/4 client d keep-alive 60"
#define FLAGS   "BAD a reserved flag of the fixed header is wrong"
#define ID      "BAD the packet id is 0"
#define SHORT   "BAD the packet is shorter than its fields"
#define LONG    "BAD the packet is longer than its fields"
#define TOPIC   "BAD the topic of PUBLISH is not a topic name"
#define FILTER  "BAD a topic filter is malformed"
#define LEVEL   "BAD the protocol level is not 4"
#define QOS_2   "BAD QoS 2 is not supported"
#define SERVERS "BAD the packet is one that only servers send"

/* Rows are laid out by hand: they are too uneven for columns. */
// clang-format off

static const struct row rows[] = {
    {"[MQTT-1.5.3-1] text that is not UTF-8 ends the connection",
     CONNECT_D "30 [ 0002 c080 ] c0 00",
     D "; " TOPIC, CONNACK_0, 0, false},
    {"[MQTT-1.5.3-2] text with U+0000 ends the connection",
     CONNECT_D "30 [ 0001 00 ]",
     D "; " TOPIC, CONNACK_0, 0, false},
    {"[MQTT-1.5.3-3] a byte order mark is not stripped",
     CONNECT_D "30 [ 0003 efbbbf ]",
     D "; PUBLISH 0xefbbbf= qos 0 id 0", CONNACK_0, 0, false},
    {"2.2.3: a remaining length of five bytes ends the connection",
     CONNECT_D "30 ffffffff 7f",
     D "; BAD the remaining length has more than four bytes", CONNACK_0, 0, false},
    {"2.2.3: a packet as long as the limit is taken",
     CONNECT_D "30 [ <a> 62*506 ]",
     D "; PUBLISH a=(506 bytes, f738c18b99caed25) qos 0 id 0", CONNACK_0, 0, false},
    {"2.2.3: a packet longer than the limit ends the connection",
     CONNECT_D "30 [ <a> 62*507 ]",
     D "; BAD the packet is too large", CONNACK_0, 0, false},
    {"2.2.3: CONNECT as long as its limit is taken",
     "10 [ <MQTT> 04 02 003c 00f1 61*241 ]",
     "CONNECT MQTT/4 client (241 bytes, 1e897c67daa46f1c) keep-alive 60 clean", CONNACK_0,
     0, false},
    {"2.2.3: CONNECT longer than its limit ends the connection",
     "10 [ <MQTT> 04 02 003c 00f2 61*242 ]",
     "BAD the packet is too large", "", 0, false},
    {"[MQTT-2.2.2-2] reserved flags end the connection",
     CONNECT_D "c3 00",
     D "; " FLAGS, CONNACK_0, 0, false},
    {"[MQTT-2.2.2-1] what the server sends has the flags that are reserved for it",
     CONNECT_D "82 [ 0001 <a> 00 ] a2 [ 0002 <a> ] 32 [ <a> 0003 ] c0 00",
     D "; SUBSCRIBE id 1 a:0; UNSUBSCRIBE id 2 a; PUBLISH a= qos 1 id 3",
     CONNACK_0 "90 03 0001 00 b0 02 0002 40 02 0003 d0 00", 0, false},
    {"[MQTT-2.3.1-1] PUBLISH with packet id 0 ends the connection",
     CONNECT_D "32 [ <a> 0000 'x' ]",
     D "; " ID, CONNACK_0, 0, false},
    {"[MQTT-2.3.1-6] PUBACK has the packet id of PUBLISH",
     CONNECT_D "32 [ <a> 1234 'x' ] 32 [ <a> ffff ]",
     D "; PUBLISH a=x qos 1 id 4660; PUBLISH a= qos 1 id 65535",
     CONNACK_0 "40 02 1234 40 02 ffff", 0, false},
    {"[MQTT-2.3.1-7] SUBACK and UNSUBACK have the packet id of their packets",
     CONNECT_D "82 [ 1234 <a> 00 ] a2 [ 4321 <a> ]",
     D "; SUBSCRIBE id 4660 a:0; UNSUBSCRIBE id 17185 a",
     CONNACK_0 "90 03 1234 00 b0 02 4321", 0, false},

    {"[MQTT-3.1.0-1] PUBLISH before CONNECT ends the connection",
     "30 [ <a> ]", "BAD the first packet is not CONNECT", "", 0, false},
    {"[MQTT-3.1.0-1] PINGREQ before CONNECT ends the connection and is not answered",
     "c0 00", "BAD the first packet is not CONNECT", "", 0, false},
    {"[MQTT-3.1.0-1] DISCONNECT before CONNECT ends the connection",
     "e0 00", "BAD the first packet is not CONNECT", "", 0, false},
    {"[MQTT-3.1.0-2] a second CONNECT ends the connection",
     CONNECT_D CONNECT_D, D "; BAD a second CONNECT", CONNACK_0, 0, false},
    {"[MQTT-3.1.0-2] a second CONNECT of another level is not answered either",
     CONNECT_D "10 [ <MQTT> 05 02 003c 00 <d> ]",
     D "; BAD a second CONNECT", CONNACK_0, 0, false},
    {"[MQTT-3.1.2-1] another protocol ends the connection without CONNACK",
     "10 [ <XMPP> 04 02 003c <d> ]", "BAD the protocol name is not MQTT", "", 0, false},
    {"[MQTT-3.1.2-1] what is not MQTT at all ends the connection",
     "'GET / HTTP/1.1' 0d0a", FLAGS, "", 0, false},
    {"[MQTT-3.1.2-1] TLS where none is expected ends the connection",
     "16 0301 0200 01", FLAGS, "", 0, false},
    {"[MQTT-3.1.2-2] level 5 gets CONNACK 1",
     "10 [ <MQTT> 05 02 003c 00 <d> ] c0 00", LEVEL, "20 02 00 01", 0, false},
    {"[MQTT-3.1.2-2] level 3 gets CONNACK 1",
     "10 [ <MQIsdp> 03 02 003c <d> ]", LEVEL, "20 02 00 01", 0, false},
    {"[MQTT-3.1.2-2] level 0x84 gets CONNACK 1",
     "10 [ <MQTT> 84 02 003c <d> ]", LEVEL, "20 02 00 01", 0, false},
    {"[MQTT-3.1.2-3] the reserved flag of CONNECT ends the connection",
     "10 [ <MQTT> 04 03 003c <d> ]", "BAD the reserved flag of CONNECT is set", "", 0, false},
    {"[MQTT-3.1.2-4] a stored session is present",
     CONNECT_D, D, "20 02 01 00", 0, true},
    {"[MQTT-3.1.2-6] a clean session is asked for",
     "10 [ <MQTT> 04 02 003c <d> ]", D " clean", CONNACK_0, 0, false},
    {"[MQTT-3.1.2-9] a will is announced and missing",
     "10 [ <MQTT> 04 06 003c <d> ]", SHORT, "", 0, false},
    {"[MQTT-3.1.2-9] a will is heard of with its QoS and retain",
     "10 [ <MQTT> 04 2e 003c <d> <t> <p> ]", D " clean will t=p qos 1 retain", CONNACK_0,
     0, false},
    {"[MQTT-3.1.2-11] a will is there and not announced",
     "10 [ <MQTT> 04 02 003c <d> <t> <p> ]", LONG, "", 0, false},
    {"[MQTT-3.1.2-13] QoS of no will",
     "10 [ <MQTT> 04 0a 003c <d> ]", "BAD CONNECT has flags of a will and no will", "",
     0, false},
    {"[MQTT-3.1.2-14] QoS 3 of a will",
     "10 [ <MQTT> 04 1e 003c <d> <t> <p> ]", "BAD the QoS of the will is 3", "", 0, false},
    {"[MQTT-3.1.2-15] retain of no will",
     "10 [ <MQTT> 04 22 003c <d> ]", "BAD CONNECT has flags of a will and no will", "",
     0, false},
    {"[MQTT-3.1.2-16] a will without RETAIN [MQTT-3.1.2-17] is heard of without it",
     "10 [ <MQTT> 04 0e 003c <d> <t> <p> ]", D " clean will t=p qos 1", CONNACK_0, 0, false},
    {"[MQTT-3.1.2-18] a user name is there and not announced",
     "10 [ <MQTT> 04 02 003c <d> <u> ]", LONG, "", 0, false},
    {"[MQTT-3.1.2-19] a user name is announced and missing",
     "10 [ <MQTT> 04 82 003c <d> ]", SHORT, "", 0, false},
    {"[MQTT-3.1.2-20] a password is there and not announced",
     "10 [ <MQTT> 04 82 003c <d> <u> <p> ]", LONG, "", 0, false},
    {"[MQTT-3.1.2-21] a password is announced and missing",
     "10 [ <MQTT> 04 c2 003c <d> <u> ]", SHORT, "", 0, false},
    {"[MQTT-3.1.2-22] a password without a user name",
     "10 [ <MQTT> 04 42 003c <d> <p> ]", "BAD CONNECT has a password and no user name", "",
     0, false},
    {"[MQTT-3.1.3-1] the fields come in their order",
     "10 [ <MQTT> 04 c6 003c <d> <t> <w> <u> <p> ]",
     D " clean user u password p will t=w qos 0", CONNACK_0, 0, false},
    {"[MQTT-3.1.3-3] the client id must be there",
     "10 [ <MQTT> 04 02 003c ]", SHORT, "", 0, false},
    {"[MQTT-3.1.3-4] the client id must be UTF-8",
     "10 [ <MQTT> 04 02 003c 0001 ff ]", "BAD the client id is not UTF-8", "", 0, false},
    {"[MQTT-3.1.3-5] 23 letters and digits are a client id",
     "10 [ <MQTT> 04 02 003c <0123456789abcdefghiJKLM> ]",
     "CONNECT MQTT/4 client 0123456789abcdefghiJKLM keep-alive 60 clean", CONNACK_0,
     0, false},
    {"[MQTT-3.1.3-6] an empty client id with a clean session is left to the gateway",
     "10 [ <MQTT> 04 02 003c 0000 ]", "CONNECT MQTT/4 client  keep-alive 60 clean", CONNACK_0,
     0, false},
    {"[MQTT-3.1.3-8] an empty client id that keeps its session gets CONNACK 2",
     "10 [ <MQTT> 04 00 003c 0000 ] c0 00", "BAD an empty client id cannot keep a session",
     "20 02 00 02", 0, false},
    {"[MQTT-3.1.3-9] a client id that is refused gets CONNACK 2",
     CONNECT_D, D "; BAD the connection was refused", "20 02 00 02", 2, false},
    {"[MQTT-3.1.3-10] the topic of the will must be UTF-8",
     "10 [ <MQTT> 04 06 003c <d> 0001 ff <p> ]",
     "BAD the topic of the will is not a topic name", "", 0, false},
    {"[MQTT-3.1.3-11] the user name must be UTF-8",
     "10 [ <MQTT> 04 82 003c <d> 0001 ff ]", "BAD the user name is not UTF-8", "", 0, false},
    {"[MQTT-3.1.4-1] a malformed CONNECT gets no CONNACK",
     "10 [ <MQTT> 04 02 003c <d> 'more' ]", LONG, "", 0, false},
    {"[MQTT-3.1.4-4] an accepted CONNECT gets CONNACK 0",
     CONNECT_D, D, "20 02 00 00", 0, false},
    {"[MQTT-3.1.4-5] nothing is processed after a refused CONNECT",
     CONNECT_D "c0 00 30 [ <a> ]", D "; BAD the connection was refused", "20 02 00 05",
     5, false},
    {"3.1.4: packets sent right behind CONNECT are processed after it",
     CONNECT_D "82 [ 0001 <a> 01 ] 32 [ <b> 0002 'x' ] c0 00",
     D "; SUBSCRIBE id 1 a:1; PUBLISH b=x qos 1 id 2",
     CONNACK_0 "90 03 0001 01 40 02 0002 d0 00", 0, false},

    {"[MQTT-3.2.0-1] CONNACK from a client ends the connection",
     CONNECT_D "20 02 00 00", D "; " SERVERS, CONNACK_0, 0, false},

    {"[MQTT-3.3.1-2] DUP with QoS 0 ends the connection",
     CONNECT_D "38 [ <a> ]", D "; BAD PUBLISH is a duplicate and has QoS 0", CONNACK_0,
     0, false},
    {"[MQTT-3.3.1-3] DUP is heard of",
     CONNECT_D "3a [ <a> 0001 'x' ]", D "; PUBLISH a=x qos 1 id 1 dup",
     CONNACK_0 "40 02 0001", 0, false},
    {"[MQTT-3.3.1-4] QoS 3 ends the connection",
     CONNECT_D "36 [ <a> 0001 ]", D "; BAD the QoS of PUBLISH is 3", CONNACK_0, 0, false},
    {"[MQTT-3.3.1-5] RETAIN is heard of",
     CONNECT_D "31 [ <a> 'x' ]", D "; PUBLISH a=x qos 0 id 0 retain", CONNACK_0, 0, false},
    {"[MQTT-3.3.2-1] PUBLISH without a topic ends the connection",
     CONNECT_D "30 00", D "; " SHORT, CONNACK_0, 0, false},
    {"[MQTT-3.3.2-2] PUBLISH to a wildcard ends the connection",
     CONNECT_D "30 [ <a/#> 'x' ]", D "; " TOPIC, CONNACK_0, 0, false},
    {"[MQTT-3.3.4-1] QoS 0 gets no answer, QoS 1 gets PUBACK",
     CONNECT_D "30 [ <a> 'x' ] 32 [ <a> 0007 'y' ]",
     D "; PUBLISH a=x qos 0 id 0; PUBLISH a=y qos 1 id 7", CONNACK_0 "40 02 0007", 0, false},
    {"IoT Hub: PUBLISH with QoS 2 ends the connection",
     CONNECT_D "34 [ <a> 0001 'x' ]", D "; " QOS_2, CONNACK_0, 0, false},
    {"3.4: PUBACK of nothing in flight is passed over",
     CONNECT_D "40 02 0001 c0 00", D, CONNACK_0 "d0 00", 0, false},
    {"3.5: PUBREC ends the connection",
     CONNECT_D "50 02 0001", D "; " QOS_2, CONNACK_0, 0, false},
    {"3.6: PUBREL ends the connection",
     CONNECT_D "62 02 0001", D "; " QOS_2, CONNACK_0, 0, false},
    {"[MQTT-3.6.1-1] PUBREL with other flags is malformed",
     CONNECT_D "60 02 0001", D "; " FLAGS, CONNACK_0, 0, false},
    {"3.7: PUBCOMP ends the connection",
     CONNECT_D "70 02 0001", D "; " QOS_2, CONNACK_0, 0, false},

    {"[MQTT-3.8.1-1] SUBSCRIBE with other flags ends the connection",
     CONNECT_D "80 [ 0001 <a> 00 ]", D "; " FLAGS, CONNACK_0, 0, false},
    {"[MQTT-3.8.3-1] a filter that is not UTF-8 ends the connection",
     CONNECT_D "82 [ 0001 0001 ff 00 ]", D "; " FILTER, CONNACK_0, 0, false},
    {"[MQTT-3.8.3-3] SUBSCRIBE without filters ends the connection",
     CONNECT_D "82 [ 0001 ]", D "; BAD there are no topic filters", CONNACK_0, 0, false},
    {"[MQTT-3-8.3-4] a requested QoS above 2 ends the connection",
     CONNECT_D "82 [ 0001 <a> 03 ]", D "; BAD the requested QoS is not 0, 1 or 2", CONNACK_0,
     0, false},
    {"[MQTT-3.8.4-1] SUBSCRIBE gets SUBACK",
     CONNECT_D "82 [ 0001 <devices/d/messages/devicebound/#> 01 ]",
     D "; SUBSCRIBE id 1 devices/d/messages/devicebound/#:1", CONNACK_0 "90 03 0001 01",
     0, false},
    {"[MQTT-3.8.4-2] SUBACK has the packet id of its SUBSCRIBE",
     CONNECT_D "82 [ ffff <a> 01 ] 82 [ 0001 <a> 00 ]",
     D "; SUBSCRIBE id 65535 a:1; SUBSCRIBE id 1 a:0",
     CONNACK_0 "90 03 ffff 01 90 03 0001 00", 0, false},
    {"[MQTT-3.8.4-4] several filters are one event [MQTT-3.8.4-5] and get a code each",
     CONNECT_D "82 [ 0001 <a/#> 02 <b/+/c> 00 <d> 01 ]",
     D "; SUBSCRIBE id 1 a/#:2 b/+/c:0 d:1", CONNACK_0 "90 05 0001 01 00 01", 0, false},
    {"3.9: SUBACK from a client ends the connection",
     CONNECT_D "90 03 0001 00", D "; " SERVERS, CONNACK_0, 0, false},
    {"[MQTT-3.10.1-1] UNSUBSCRIBE with other flags ends the connection",
     CONNECT_D "a0 [ 0001 <a> ]", D "; " FLAGS, CONNACK_0, 0, false},
    {"[MQTT-3.10.3-1] a filter to forget that is not UTF-8 ends the connection",
     CONNECT_D "a2 [ 0001 0001 ff ]", D "; " FILTER, CONNACK_0, 0, false},
    {"[MQTT-3.10.3-2] UNSUBSCRIBE without filters ends the connection",
     CONNECT_D "a2 [ 0001 ]", D "; BAD there are no topic filters", CONNACK_0, 0, false},
    {"[MQTT-3.10.4-4] UNSUBSCRIBE gets UNSUBACK [MQTT-3.10.4-6] and one for several filters",
     CONNECT_D "a2 [ 0001 <a> <b/#> ]", D "; UNSUBSCRIBE id 1 a b/#", CONNACK_0 "b0 02 0001",
     0, false},
    {"3.11: UNSUBACK from a client ends the connection",
     CONNECT_D "b0 02 0001", D "; " SERVERS, CONNACK_0, 0, false},
    {"[MQTT-3.12.4-1] each PINGREQ gets PINGRESP",
     CONNECT_D "c0 00 c0 00 30 [ <a> ] c0 00", D "; PUBLISH a= qos 0 id 0",
     CONNACK_0 "d0 00 d0 00 d0 00", 0, false},
    {"3.13: PINGRESP from a client ends the connection",
     CONNECT_D "d0 00", D "; " SERVERS, CONNACK_0, 0, false},
    {"[MQTT-3.14.1-1] DISCONNECT with flags ends the connection as malformed",
     CONNECT_D "e1 00", D "; " FLAGS, CONNACK_0, 0, false},
    {"3.14: DISCONNECT is heard of",
     CONNECT_D "e0 00", D "; DISCONNECT", CONNACK_0, 0, false},
    {"[MQTT-3.14.4-2] nothing may follow DISCONNECT",
     CONNECT_D "e0 00 c0", D "; DISCONNECT; BAD something follows DISCONNECT", CONNACK_0,
     0, false},

    {"[MQTT-4.3.2-2] a packet id that was acknowledged is that of a new message",
     CONNECT_D "32 [ <a> 0007 'x' ] 3a [ <a> 0007 'x' ]",
     D "; PUBLISH a=x qos 1 id 7; PUBLISH a=x qos 1 id 7 dup",
     CONNACK_0 "40 02 0007 40 02 0007", 0, false},
    {"[MQTT-4.6.0-2] PUBACKs leave in the order of the PUBLISHes",
     CONNECT_D "32 [ <a> 0003 ] 32 [ <a> 0001 ] 30 [ <a> ] 32 [ <a> 0002 ] 32 [ <a> 0001 ]",
     D "; PUBLISH a= qos 1 id 3; PUBLISH a= qos 1 id 1; PUBLISH a= qos 0 id 0; "
     "PUBLISH a= qos 1 id 2; PUBLISH a= qos 1 id 1",
     CONNACK_0 "40 02 0003 40 02 0001 40 02 0002 40 02 0001", 0, false},
    {"[MQTT-4.7.1-1] wildcards may stand in filters",
     CONNECT_D "82 [ 0001 <+/+/#> 00 <#> 00 <+> 00 ]",
     D "; SUBSCRIBE id 1 +/+/#:0 #:0 +:0", CONNACK_0 "90 05 0001 00 00 00", 0, false},
    {"[MQTT-4.7.1-2] what follows # ends the connection",
     CONNECT_D "82 [ 0001 <a/#/b> 00 ]", D "; " FILTER, CONNACK_0, 0, false},
    {"[MQTT-4.7.1-3] + beside other characters ends the connection",
     CONNECT_D "82 [ 0001 <a/b+> 00 ]", D "; " FILTER, CONNACK_0, 0, false},
    {"[MQTT-4.7.3-1] an empty topic ends the connection",
     CONNECT_D "30 [ 0000 'x' ]", D "; " TOPIC, CONNACK_0, 0, false},
    {"[MQTT-4.7.3-1] an empty filter ends the connection",
     CONNECT_D "82 [ 0001 0000 00 ]", D "; " FILTER, CONNACK_0, 0, false},
    {"[MQTT-4.7.3-2] U+0000 in a filter ends the connection",
     CONNECT_D "82 [ 0001 0003 610062 00 ]", D "; " FILTER, CONNACK_0, 0, false},
    {"[MQTT-4.7.3-4] a topic is heard of as it was written",
     CONNECT_D "30 [ <//A/a//> 'x' ]", D "; PUBLISH //A/a//=x qos 0 id 0", CONNACK_0,
     0, false},
    {"[MQTT-4.8.0-1] a reserved packet type ends the connection",
     CONNECT_D "f0 00", D "; BAD the packet type is reserved", CONNACK_0, 0, false},
    {"[MQTT-4.8.0-1] what follows a violation is not processed",
     CONNECT_D "00 00 30 [ <a> ] c0 00", D "; BAD the packet type is reserved", CONNACK_0,
     0, false},
};

// clang-format on

/* How many of the `left` bytes come next. */
typedef size_t pace(struct dice *dice, size_t left);

static size_t all_at_once(struct dice *dice, size_t left)
{
    (void)dice;
    return left;
}

static size_t byte_by_byte(struct dice *dice, size_t left)
{
    (void)dice;
    (void)left;
    return 1;
}

static size_t in_pieces(struct dice *dice, size_t left)
{
    return 1 + (size_t)roll(dice, left);
}

static void hold(const struct row *row, pace *next, bool is_clogged)
{
    struct talk talk;
    struct buf bytes;
    struct dice dice = {42};
    talk_init(&talk, &talk_limits, TALK_OUT_CAP);
    talk.refusal = row->refusal;
    talk.session_present = row->session_present;
    talk.is_clogged = is_clogged;
    buf_init(&bytes, BUF_CAP_OWN);
    put_notation(&bytes, row->client);
    struct slice rest = buf_slice(&bytes);
    enum wire_result result = WIRE_MORE;
    while (rest.len > 0 && result != WIRE_BAD) {
        size_t len = next(&dice, rest.len);
        result = talk_say(&talk, slice_make(rest.data, len));
        rest = slice_from(rest, len);
    }
    assert_string_equal(buf_text(&talk.log), row->events);
    if (result == WIRE_BAD) {
        assert_int_equal(talk.engine.state, MQTT_ENGINE_CLOSED);
    } else {
        assert_int_equal(talk.engine.wait, MQTT_WAIT_BYTES);
        assert_int_equal(talk.in.len, 0);
    }
    talk_expect(&talk, row->server);
    buf_finish(&bytes);
    talk_finish(&talk);
}

/* Whatever is cut off, nothing happens that would not have happened, and nothing is read there.
 */
static void hold_cut_off(const struct row *row, struct slice bytes, struct slice answers)
{
    struct talk talk;
    char *copy = exact_copy(bytes);
    talk_init(&talk, &talk_limits, TALK_OUT_CAP);
    talk.refusal = row->refusal;
    talk.session_present = row->session_present;
    (void)!talk_say(&talk, slice_make(copy, bytes.len));
    talk_drain(&talk);
    assert_true(slice_starts_with(slice_of(row->events), buf_slice(&talk.log)));
    assert_true(slice_starts_with(answers, buf_slice(&talk.out)));
    talk_finish(&talk);
    free(copy);
}

static void hold_each_beginning(const struct row *row)
{
    struct buf bytes = {.cap = BUF_CAP_OWN};
    struct buf answers = {.cap = BUF_CAP_OWN};
    put_notation(&bytes, row->client);
    put_notation(&answers, row->server);
    for (size_t len = 1; len < bytes.len; len++) {
        hold_cut_off(row, slice_make(bytes.data, len), buf_slice(&answers));
    }
    buf_finish(&bytes);
    buf_finish(&answers);
}

static void check_row(void **state)
{
    const struct row *row = *state;
    hold_each_beginning(row);
    hold(row, all_at_once, false);
    hold(row, all_at_once, true);
    hold(row, byte_by_byte, false);
    hold(row, in_pieces, false);
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(rows)];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        tests[i] = row_test(rows[i].name, check_row, &rows[i]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
