/*
 * Etags as the hub writes them, and the conditions they are compared in.
 */
#ifndef HUB_ETAG_H
#define HUB_ETAG_H

#include <stdint.h>

#include "hub/hub.h"

/* An identity's: base64 of the counter in decimal, "MjQxNzkxMTk4". */
void etag_of_identity(char out[HUB_ETAG_SIZE], int64_t counter);

/* A twin's: base64 of the counter as 8 bytes, "AAAAAAAAAAE=". */
void etag_of_twin(char out[HUB_ETAG_SIZE], int64_t counter);

#endif
