/*
 * What a sans-IO codec answers to bytes.
 */
#ifndef BASE_WIRE_H
#define BASE_WIRE_H

enum wire_result {
    WIRE_OK,   /* one whole unit was read */
    WIRE_MORE, /* the bytes end in the middle of one */
    WIRE_BAD,  /* no continuation can make it right */
};

#endif
