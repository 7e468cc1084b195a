/*
 * Property bags: "k=v&k=v", both percent-encoded, as they stand in MQTT topics.
 *
 * A key without '=' has a null value, "k=" an empty one.  '+' is a plus.  The order is kept:
 * SDK tests compare properties index by index after a round trip.
 */
#ifndef IOTHUB_PROPERTY_BAG_H
#define IOTHUB_PROPERTY_BAG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/slice.h"

/* More properties than this, or more text than the cap, is refused. */
#define PROPERTY_BAG_MAX       256
#define PROPERTY_BAG_MAX_BYTES ((size_t)64 * 1024)

struct property {
    struct slice name;
    struct slice value;
    bool is_null;
};

/* {0} is an empty bag.  Names and values are slices into `text`, which the bag owns. */
struct property_bag {
    struct property *items;
    size_t n_items;
    size_t room;
    struct buf text;
};

/**
 * Decode an encoded bag.  A leading '?' and a trailing '/' are dropped, as clients add them;
 * empty parts are skipped; a repeated key keeps its place and takes the last value.
 * @return false when a limit above is passed; the bag is then empty.
 */
MUST_CHECK bool property_bag_decode(struct property_bag *bag, struct slice encoded);

void property_bag_finish(struct property_bag *bag);

/* Append a property, unless the bag is full; both texts are borrowed for the life of the bag.
 */
void property_bag_add(struct property_bag *bag, struct slice name, struct slice value);

/* NULL when there is none. */
const struct property *property_bag_get(const struct property_bag *bag, const char *name);

/* Append "name=value" in encoded form, with '&' before it unless `out` holds nothing yet. */
void property_bag_encode(struct buf *out, struct slice name, struct slice value, bool is_null);

#endif
