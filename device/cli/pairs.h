/*
 * Socket pairs that nobody uses.
 *
 * For each connection libmosquitto makes a pair of sockets to wake a loop of its own, which is
 * not used here.  With every packet it writes a byte into it that nobody reads: thousands of
 * devices would cost three descriptors each instead of one, and hundreds of kilobytes of the
 * kernel's memory.  It does without a pair when it cannot have one, so this program does not
 * let it.
 */
#ifndef DEVICE_CLI_PAIRS_H
#define DEVICE_CLI_PAIRS_H

/* From now on socketpair() fails in this process, with EMFILE. */
void pairs_refuse(void);

#endif
