/*
 * Somebody else's program, which uses the installed service library.
 */
#include <iothub/service.h>

#include <stdio.h>

int main(void)
{
    const struct iothub_service_options options = {
        .connection_string =
            "HostName=hub.example.test;SharedAccessKeyName=a;SharedAccessKey=aGVsbG8=",
    };
    struct iothub_service *service = NULL;
    enum iothub_status status = iothub_service_create(&options, NULL, &service);
    (void)puts(iothub_status_name(status));
    iothub_service_destroy(service);
    return status == IOTHUB_OK ? 0 : 1;
}
