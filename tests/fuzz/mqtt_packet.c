/*
 * MQTT packets: what is read can be written, and then it is the same packet.
 */
#include "mqtt/packet.h"

#include "fuzz/fuzz.h"
#include "mqtt/text.h"
#include "unit/mqtt/notation.h"

#define PACKET_MAX 512

static void check_fields(const struct mqtt_packet *packet)
{
    struct mqtt_filter filter;
    if (packet->type == MQTT_PUBLISH) {
        FUZZ_CHECK(mqtt_topic_is_valid(packet->publish.topic));
        FUZZ_CHECK(packet->publish.qos <= 2);
        FUZZ_CHECK((packet->publish.packet_id != 0) == (packet->publish.qos > 0));
    }
    if (packet->type == MQTT_SUBSCRIBE || packet->type == MQTT_UNSUBSCRIBE) {
        struct mqtt_filters rest = packet->subscribe.filters;
        size_t n = 0;
        while (mqtt_filters_next(&rest, &filter)) {
            FUZZ_CHECK(mqtt_filter_is_valid(filter.topic));
            FUZZ_CHECK(filter.qos <= 2);
            n++;
        }
        FUZZ_CHECK(n == packet->subscribe.filters.count && n > 0);
    }
}

/* The remaining length may be written longer than it has to be; all else has one form. */
static void check_writing(const struct mqtt_packet *packet, struct slice read)
{
    struct mqtt_packet again;
    struct buf written = fuzz_buf();
    struct buf before = fuzz_buf();
    struct buf after = fuzz_buf();
    const char *reason = NULL;
    size_t used = 0;

    put_packet(&written, packet);
    FUZZ_CHECK(!written.failed && written.len <= read.len);
    if (written.len == read.len) {
        FUZZ_CHECK(slice_equal(buf_slice(&written), read));
    }
    FUZZ_CHECK(mqtt_packet_read(buf_slice(&written), PACKET_MAX, &again, &used, &reason) ==
               WIRE_OK);
    FUZZ_CHECK(used == written.len);
    describe_packet(&before, packet);
    describe_packet(&after, &again);
    fuzz_check_same(buf_slice(&after), buf_slice(&before));
    buf_finish(&written);
    buf_finish(&before);
    buf_finish(&after);
}

/* A front of a good packet is never bad, and its length, once told, is the right one. */
static void check_fronts(struct slice read)
{
    struct mqtt_packet packet;
    const char *reason = NULL;
    for (size_t len = 0; len < read.len; len++) {
        struct slice front = fuzz_copy(slice_make(read.data, len));
        size_t used = 0;
        FUZZ_CHECK(mqtt_packet_read(front, PACKET_MAX, &packet, &used, &reason) == WIRE_MORE);
        FUZZ_CHECK(used == 0 || used == read.len);
        fuzz_free(front);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = fuzz_input(data, size);
    struct mqtt_packet packet;
    const char *reason = NULL;
    size_t used = 0;
    while (mqtt_packet_read(rest, PACKET_MAX, &packet, &used, &reason) == WIRE_OK) {
        struct slice read = slice_make(rest.data, used);
        FUZZ_CHECK(used >= 2 && used <= rest.len);
        check_fields(&packet);
        check_fronts(read);
        /* Of another version's CONNECT only the beginning is read. */
        if (packet.type != MQTT_CONNECT || packet.connect.level == MQTT_LEVEL) {
            check_writing(&packet, read);
        }
        rest = slice_from(rest, used);
    }
    return 0;
}
