/*
 * Whether what the ledger of a load says is what the hub has after its next start.
 */
#ifndef RELIABILITY_LOAD_CHECK_H
#define RELIABILITY_LOAD_CHECK_H

#include "reliability/load.h"

/* The file as the dead have left it: SQLite finds no fault, and each event is there as told. */
void load_check_file(struct load *load);

/*
 * With the emulator running again: twins, the registry, messages and jobs.  The devices are
 * connected again for it, and what is under way is brought to its end, so that a next round can
 * begin.
 */
void load_check_hub(struct load *load);

#endif
