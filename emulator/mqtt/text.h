/*
 * The rules for texts in MQTT: UTF-8 (1.5.3), topic names and topic filters (4.7).
 */
#ifndef MQTT_TEXT_H
#define MQTT_TEXT_H

#include <stdbool.h>

#include "base/slice.h"

/* Well-formed UTF-8 without surrogates [MQTT-1.5.3-1] and without U+0000 [MQTT-1.5.3-2]. */
bool mqtt_text_is_valid(struct slice text);

/* Such a text, not empty [MQTT-4.7.3-1] and without wildcards [MQTT-3.3.2-2]. */
bool mqtt_topic_is_valid(struct slice topic);

/* Such a text, not empty, with '#' and '+' only where they may stand [MQTT-4.7.1-2, -3]. */
bool mqtt_filter_is_valid(struct slice filter);

/*
 * Whether a valid filter matches a valid topic.  A leading wildcard does not match a topic that
 * begins with '$' [MQTT-4.7.2-1].
 */
bool mqtt_filter_matches(struct slice filter, struct slice topic);

#endif
