/*
 * The verb `run`: the emulator itself.
 */
#ifndef SERVER_RUN_H
#define SERVER_RUN_H

#include "cli/cli.h"

/* Serve until a signal ends it; the call's values are a struct verb_values. */
int run_emulator(struct cli_call *call);

#endif
