/*
 * Which partition of the event log a device's events go to.
 */
#ifndef HUB_PARTITION_H
#define HUB_PARTITION_H

#include "base/slice.h"

/*
 * The partition of 0 … n_partitions - 1 that IoT Hub gives the device: the C SDK's end-to-end
 * suite computes it by itself and listens only there.
 * @param n_partitions  1 to 32767.
 */
int partition_of_device(struct slice device_id, int n_partitions);

#endif
