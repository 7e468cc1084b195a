/*
 * Whom a job works on, cut out of a query.
 *
 * Queries are whole sentences, "SELECT … FROM devices WHERE …"; a job takes only what follows
 * WHERE, "*" for everybody, and "FROM devices.modules WHERE …" for modules.
 * Source: IoT Hub developer guide, "IoT Hub query language" and "Schedule jobs on multiple
 * devices".
 */
#ifndef SERVICE_CLI_CONDITION_H
#define SERVICE_CLI_CONDITION_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/slice.h"

/* {0} is empty; the text is owned. */
struct condition {
    bool is_modules; /* the query is about devices.modules */
    char *where;     /* what follows WHERE; NULL: everybody */
};

/**
 * Cut a query, or a bare condition, that selects devices or modules.
 *
 * Refused is what selects no devices to work on: TOP, aggregates, GROUP BY, devices.jobs; and
 * what cannot be cut: an open string, comment or bracket.  Other faults are left to the hub,
 * which names them better.
 * @param text   a whole query, one without SELECT, a condition with or without WHERE, or "*".
 * @param error  receives a sentence.
 * @param out    written on success; end it with condition_finish().
 */
MUST_CHECK bool condition_cut(struct slice text, struct buf *error, struct condition *out);

/* NULL and {0} are allowed. */
void condition_finish(struct condition *condition);

/* Append what a job takes as its queryCondition. */
void condition_put_job(struct buf *out, const struct condition *condition);

/* Append "SELECT <items> FROM devices WHERE …" over the same devices. */
void condition_put_query(struct buf *out, const struct condition *condition, const char *items);

/* Append "deviceId = '…'", quotes in the id doubled. */
void condition_put_device(struct buf *out, struct slice device_id);

#endif
