/*
 * The MQTT topics of a hub, as both sides spell them.
 * Source: IoT Hub documentation, "Communicate with your IoT hub using the MQTT protocol".
 */
#ifndef IOTHUB_TOPICS_H
#define IOTHUB_TOPICS_H

/* devices/{d}/messages/events/{bag} and devices/{d}/modules/{m}/messages/events/{bag} */
#define TOPIC_DEVICES     "devices/"
#define TOPIC_MODULES     "/modules/"
#define TOPIC_EVENTS      "/messages/events/"
#define TOPIC_DEVICEBOUND "/messages/devicebound/"
#define TOPIC_INPUTS      "/inputs/"

/* $iothub/methods/POST/{name}/?$rid={rid} down, $iothub/methods/res/{status}/?$rid={rid} up */
#define TOPIC_METHOD_POST "$iothub/methods/POST/"
#define TOPIC_METHOD_RES  "$iothub/methods/res/"

/* $iothub/twin/GET/?$rid={rid} up, $iothub/twin/res/{status}/?$rid={rid}[&$version={n}] down */
#define TOPIC_TWIN_GET      "$iothub/twin/GET/"
#define TOPIC_TWIN_RES      "$iothub/twin/res/"
#define TOPIC_TWIN_REPORTED "$iothub/twin/PATCH/properties/reported/"
#define TOPIC_TWIN_DESIRED  "$iothub/twin/PATCH/properties/desired/"

#define TOPIC_RID     "?$rid="
#define TOPIC_VERSION "$version="

#endif
