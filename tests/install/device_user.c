/*
 * Somebody else's program, which uses the installed device library.
 */
#include <iothub/device.h>

#include <stdio.h>

int main(void)
{
    const struct iothub_device_options options = {
        .connection_string = "HostName=hub.example.test;DeviceId=a;SharedAccessKey=aGVsbG8=",
    };
    struct iothub_device_error error;
    struct iothub_device *device = NULL;
    enum iothub_status status = iothub_device_create(&options, &error, &device);
    (void)puts(iothub_status_name(status));
    iothub_device_destroy(device);
    return status == IOTHUB_OK ? 0 : 1;
}
