/*
 * The keys that every emulator starts with, so that a connection string can be written down
 * before the first start.  They are published and protect nothing: an emulator that others can
 * reach should be given a key of its own (--shared-access-key, or policies in the configuration
 * file).
 */
#ifndef SERVER_WELL_KNOWN_H
#define SERVER_WELL_KNOWN_H

/* Base64 of the 32 bytes "iothub-emulator-well-known-key-1" and
 * "iothub-emulator-well-known-key-2". */
#define WELL_KNOWN_PRIMARY_KEY   "aW90aHViLWVtdWxhdG9yLXdlbGwta25vd24ta2V5LTE="
#define WELL_KNOWN_SECONDARY_KEY "aW90aHViLWVtdWxhdG9yLXdlbGwta25vd24ta2V5LTI="

/* The policy whose connection string is shown unless another is asked for. */
#define WELL_KNOWN_OWNER "iothubowner"

#endif
