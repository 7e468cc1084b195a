/*
 * An event of the log as JSON, for whoever reads device-to-cloud messages here.
 */
#ifndef GATEWAY_EVENT_JSON_H
#define GATEWAY_EVENT_JSON_H

#include "base/buf.h"
#include "hub/hub.h"

/*
 * Append one object, in one line:
 *
 *     {"offset", "partition", "sequenceNumber", "enqueuedTime", "deviceId", "moduleId"?,
 * "source", "systemProperties": {…}, "properties": {…}, "annotations": {…}, "body": text,
 * "bodyEncoding": "text" or "base64"}
 *
 * Properties keep their order; a body that is no text is base64.
 */
void event_put_json(struct buf *out, const struct hub_event *event);

#endif
