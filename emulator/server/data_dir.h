/*
 * The folder that keeps what outlives the process: the hub's data and the TLS material.
 */
#ifndef SERVER_DATA_DIR_H
#define SERVER_DATA_DIR_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/macros.h"

/* The store's file, and the folder of the TLS material. */
#define DATA_DIR_STORE "hub.db"
#define DATA_DIR_TLS   "tls"

/**
 * Where the data is kept when nobody says where: $XDG_STATE_HOME/iothub-emulator, else
 * ~/.local/state/iothub-emulator.  A relative XDG_STATE_HOME counts as not set.
 * Source: XDG Base Directory Specification.
 * @return a text the caller frees; NULL when there is no home either.
 */
char *data_dir_default(void);

/**
 * Make the folder and its parents, open to the user alone, and check that it can be written.
 * A folder that exists keeps its permissions.
 * @param error  receives one sentence when that fails.
 */
MUST_CHECK bool data_dir_prepare(const char *path, struct buf *error);

#endif
