/*
 * JSON texts that get a member more on their way out, everything else in them left as it is.
 */
#ifndef SERVICE_SRC_DOCUMENT_H
#define SERVICE_SRC_DOCUMENT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/macros.h"

/**
 * Append an object's text with "name":"value" as its first member unless it has one of that
 * name.
 *
 * @param object  JSON text of an object, parsed before.
 * @return false, and nothing appended, when it has that member with another value.
 */
MUST_CHECK bool document_put_with(struct buf *out, const char *object, const char *name,
                                  const char *value);

#endif
