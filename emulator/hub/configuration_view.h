/*
 * A configuration's document, as the hub answers it.
 */
#ifndef HUB_CONFIGURATION_VIEW_H
#define HUB_CONFIGURATION_VIEW_H

#include "hub/configuration.h"

/* `budget` is what may be counted for metrics, in rows. */
MUST_CHECK enum iothub_status configuration_view(struct hub *hub,
                                                 const struct configuration *configuration,
                                                 const struct store_configuration *record,
                                                 int64_t *budget, struct buf *out);

#endif
