/*
 * What the tests of MQTT are written in: packets as notation, structs as text.
 *
 * Notation, with blanks anywhere between its words:
 *
 *     0a 003c      bytes in hex
 *     61*300       one byte, that many times
 *     'text'       the text's bytes
 *     <text>       two length bytes, then the text's
 *     [ words ]    a remaining length of one to four bytes, then the words
 */
#ifndef TESTS_UNIT_MQTT_NOTATION_H
#define TESTS_UNIT_MQTT_NOTATION_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/slice.h"
#include "mqtt/engine.h"
#include "mqtt/packet.h"

void put_notation(struct buf *out, const char *notation);

/* Compares and shows both in hex. */
void assert_bytes(struct slice have, const char *notation);
void assert_same_bytes(struct slice have, struct slice want);

/* All fields of a packet or an event, as in: PUBLISH a/b=hello qos 1 id 10 dup */
void describe_packet(struct buf *out, const struct mqtt_packet *packet);
void describe_event(struct buf *out, const struct mqtt_event *event);

/* By the writer of its type. */
void put_packet(struct buf *out, const struct mqtt_packet *packet);

/* A copy in memory of exactly that size, so that a sanitizer sees each byte read beyond it. */
char *exact_copy(struct slice bytes);

/* A test whose state is a row of a table. */
struct CMUnitTest row_test(const char *name, CMUnitTestFunction check, const void *row);

/* The same numbers in each run. */
struct dice {
    uint64_t state;
};

uint64_t roll(struct dice *dice, uint64_t n);

#endif
