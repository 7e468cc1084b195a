/*
 * Somebody else's program, which uses both installed client libraries and what they share.
 */
#include <iothub/device.h>
#include <iothub/service.h>

#include <stdio.h>

int main(void)
{
    const struct iothub_device_options device_options = {
        .connection_string = "HostName=hub.example.test;DeviceId=a;SharedAccessKey=aGVsbG8="};
    const struct iothub_service_options service_options = {
        .connection_string =
            "HostName=hub.example.test;SharedAccessKeyName=a;SharedAccessKey=aGVsbG8="};
    struct iothub_device *device = NULL;
    struct iothub_service *service = NULL;
    enum iothub_status status = iothub_device_create(&device_options, NULL, &device);
    if (status == IOTHUB_OK) {
        status = iothub_service_create(&service_options, NULL, &service);
    }
    (void)puts(iothub_status_name(status));
    iothub_service_destroy(service);
    iothub_device_destroy(device);
    return status == IOTHUB_OK && iothub_status_http(IOTHUB_DEVICE_NOT_FOUND) == 404 &&
                   iothub_status_from_http(404) == IOTHUB_GENERIC_NOT_FOUND &&
                   iothub_status_from_name("DeviceNotFound", IOTHUB_OK) ==
                       IOTHUB_DEVICE_NOT_FOUND
               ? 0
               : 1;
}
