/*
 * Shared access signatures of Azure Storage: a query string that opens one blob, or lets
 * containers be made.
 *
 * The signed version is 2020-12-06, whose string to sign is that of all later ones.
 * Source: Azure Storage REST, "Create a service SAS" and "Create an account SAS".
 */
#ifndef HUB_STORAGE_SAS_H
#define HUB_STORAGE_SAS_H

#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "hub/storage_account.h"

/**
 * Append "?sv=…&sr=b&sig=…&se=…&sp=…" for one blob.
 * @param permissions  "rw"
 * @param expiry_ms    wall time, whose fraction of a second is dropped.
 *
 * Where the end point is https, the signature holds for nothing else.
 */
void storage_sas_put_blob(const struct storage_account *account, struct slice container,
                          struct slice blob, const char *permissions, int64_t expiry_ms,
                          struct buf *out);

/* The same for making containers. */
void storage_sas_put_containers(const struct storage_account *account, int64_t expiry_ms,
                                struct buf *out);

#endif
