"""A device made with Eclipse Paho for Python; play.sh says what it does."""
import ssl
import sys

try:
    import paho.mqtt.client as mqtt
except ImportError:
    print("there is no paho for this python", file=sys.stderr)
    raise SystemExit(77)

host, port, ca_file, device_id, password = sys.argv[1:]
EVENTS = f"devices/{device_id}/messages/events/"
MESSAGES = f"devices/{device_id}/messages/devicebound/"
METHODS = "$iothub/methods/POST/"
ANSWERS = "$iothub/twin/res/"
DESIRED = "$iothub/twin/PATCH/properties/desired/"
PROPERTIES = (
    "alert=true&place=a%20b%2Fc%26d&%24.ct=application%2Fjson&%24.ce=utf-8&%24.mid=m%201"
)


def make_client():
    """Version 2 of the library wants to be told for which version callbacks were written."""
    kind = {"client_id": device_id, "clean_session": True, "protocol": mqtt.MQTTv311}
    if hasattr(mqtt, "CallbackAPIVersion"):
        return mqtt.Client(mqtt.CallbackAPIVersion.VERSION1, **kind)
    return mqtt.Client(**kind)


def on_connect(client, _userdata, _flags, code):
    if code != 0:
        raise SystemExit(f"refused: {code}")
    client.subscribe([(topic + "#", 1) for topic in (MESSAGES, METHODS, ANSWERS, DESIRED)])


def on_subscribe(client, _userdata, _mid, granted):
    if list(granted) != [1, 1, 1, 1]:
        raise SystemExit(f"granted: {granted}")
    print("subscribed", flush=True)
    client.publish(EVENTS + PROPERTIES, '{"temperature":21.5}', qos=1)
    client.publish("$iothub/twin/GET/?$rid=1", "", qos=0)
    client.publish("$iothub/twin/PATCH/properties/reported/?$rid=2", '{"colour":"blue"}', qos=1)


def on_message(client, _userdata, message):
    print(message.topic, message.payload.decode(), flush=True)
    if message.topic.startswith(METHODS):
        rid = message.topic.split("$rid=")[1]
        client.publish(f"$iothub/methods/res/299/?$rid={rid}", message.payload, qos=1)
    elif message.topic.startswith(MESSAGES):
        client.disconnect()


def on_disconnect(_client, _userdata, code):
    if code != 0:
        raise SystemExit(f"the connection ended: {code}")


peer = make_client()
peer.username_pw_set(f"{host}/{device_id}/?api-version=2021-04-12", password)
peer.tls_set(ca_certs=ca_file, cert_reqs=ssl.CERT_REQUIRED)
peer.on_connect = on_connect
peer.on_subscribe = on_subscribe
peer.on_message = on_message
peer.on_disconnect = on_disconnect
peer.connect(host, int(port), keepalive=60)
peer.loop_forever()
