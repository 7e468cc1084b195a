/*
 * Reading and writing "k=v&k=v".
 */
#include "iothub/property_bag.h"

#include <stdlib.h>

#include "base/coding.h"
#include "base/mem.h"

#define ROOM_MIN 8

static void clear(struct property_bag *bag)
{
    buf_reset(&bag->text);
    bag->n_items = 0;
}

static struct property *find(const struct property_bag *bag, struct slice name)
{
    for (size_t i = 0; i < bag->n_items; i++) {
        if (slice_equal(bag->items[i].name, name)) {
            return &bag->items[i];
        }
    }
    return NULL;
}

/* NULL when there are too many. */
static struct property *append(struct property_bag *bag)
{
    if (bag->n_items == PROPERTY_BAG_MAX) {
        return NULL;
    }
    if (bag->n_items == bag->room) {
        bag->room = bag->room == 0 ? ROOM_MIN : bag->room * 2;
        bag->items = mem_grow(bag->items, bag->room, sizeof(bag->items[0]));
    }
    return &bag->items[bag->n_items++];
}

static struct slice decode_text(struct property_bag *bag, struct slice encoded)
{
    size_t start = bag->text.len;

    percent_decode(&bag->text, encoded);
    return slice_from(buf_slice(&bag->text), start);
}

static bool decode_part(struct property_bag *bag, struct slice part)
{
    size_t equals = slice_find(part, '=');
    struct slice name = decode_text(bag, slice_make(part.data, equals));
    struct property *property = find(bag, name);

    if (property == NULL) {
        property = append(bag);
    }
    if (property == NULL) {
        return false;
    }
    *property = (struct property){
        .name = name,
        .value = decode_text(bag, slice_from(part, equals + 1)),
        .is_null = equals == part.len,
    };
    return true;
}

bool property_bag_decode(struct property_bag *bag, struct slice encoded)
{
    struct slice part;

    bag->text.cap = PROPERTY_BAG_MAX_BYTES;
    clear(bag);
    if (slice_starts_with(encoded, SLICE("?"))) {
        encoded = slice_from(encoded, 1);
    }
    if (slice_ends_with(encoded, SLICE("/"))) {
        encoded.len--;
    }
    /*
     * Decoded text is never longer than the encoded one: with all its room made now, the buffer
     * does not move while slices into it are taken.
     */
    if (buf_extend(&bag->text, encoded.len) == NULL) {
        clear(bag);
        return false;
    }
    buf_cut(&bag->text, 0);
    while (slice_next(&encoded, '&', &part)) {
        if (part.len > 0 && !decode_part(bag, part)) {
            clear(bag);
            return false;
        }
    }
    return true;
}

void property_bag_finish(struct property_bag *bag)
{
    if (bag == NULL) {
        return;
    }
    free(bag->items);
    buf_finish(&bag->text);
    *bag = (struct property_bag){0};
}

void property_bag_add(struct property_bag *bag, struct slice name, struct slice value)
{
    struct property *property = append(bag);

    if (property != NULL) {
        *property = (struct property){.name = name, .value = value};
    }
}

const struct property *property_bag_get(const struct property_bag *bag, const char *name)
{
    return find(bag, slice_of(name));
}

void property_bag_encode(struct buf *out, struct slice name, struct slice value, bool is_null)
{
    if (out->len > 0) {
        buf_put_char(out, '&');
    }
    percent_encode(out, name);
    if (!is_null) {
        buf_put_char(out, '=');
        percent_encode(out, value);
    }
}
