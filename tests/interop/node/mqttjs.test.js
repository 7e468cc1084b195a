// MQTT.js as a device, topic by topic, with and without TLS.
// Source: IoT Hub documentation, "Communicate with your IoT hub using the MQTT protocol".
'use strict';

const assert = require('node:assert/strict');
const test = require('node:test');
const { SharedAccessSignature } = require('azure-iot-common');
const mqtt = require('mqtt');

const { createDevice, host, queue, registry, service, within } = require('./support');

function options(device, more = {}) {
    const expiry = Math.floor(Date.now() / 1000) + 3600;
    return {
        clientId: device.deviceId,
        username: `${host}/${device.deviceId}/?api-version=2021-04-12`,
        password: SharedAccessSignature.create(`${host}/devices/${device.deviceId}`, null,
            device.authentication.symmetricKey.primaryKey, expiry).toString(),
        protocolVersion: 4,
        reconnectPeriod: 0,
        ...more,
    };
}

// A connected client with its messages in a queue of [topic, text].
async function connect(t, url, device, more) {
    const client = await within(mqtt.connectAsync(url, options(device, more)), 'connect');
    t.after(() => client.endAsync(true));
    const messages = queue('message');
    client.on('message', (topic, payload) => messages.push([topic, payload.toString()]));
    return { client, messages };
}

for (const url of [`mqtts://${host}:8883`, `mqtt://${host}:1883`]) {
    const kind = url.split(':')[0];

    test(`${kind}: twin requests are answered under their request ids`, async (t) => {
        const device = await createDevice(t);
        const { client, messages } = await connect(t, url, device);
        await client.subscribeAsync('$iothub/twin/res/#', { qos: 0 });
        await client.publishAsync('$iothub/twin/GET/?$rid=first', '');
        assert.deepEqual(await messages.next(), ['$iothub/twin/res/200/?$rid=first',
            '{"desired":{"$version":1},"reported":{"$version":1}}']);
        await client.publishAsync('$iothub/twin/PATCH/properties/reported/?$rid=second', '{"a":1}',
            { qos: 1 });
        assert.deepEqual(await messages.next(),
            ['$iothub/twin/res/204/?$rid=second&$version=2', '']);
        await client.publishAsync('$iothub/twin/PATCH/properties/reported/?$rid=third', '{"a"');
        const [topic, body] = await messages.next();
        assert.equal(topic, '$iothub/twin/res/400/?$rid=third');
        assert.match(String(JSON.parse(body).errorCode), /^4000/);
    });

    test(`${kind}: a method call is answered by a publish`, async (t) => {
        const device = await createDevice(t);
        const { client, messages } = await connect(t, url, device);
        await client.subscribeAsync('$iothub/methods/POST/#', { qos: 1 });
        const call = service.invokeDeviceMethod(device.deviceId,
            { methodName: 'lockDoor', payload: { lockTime: '10m' } });
        const [topic, body] = await messages.next();
        const rid = /^\$iothub\/methods\/POST\/lockDoor\/\?\$rid=([0-9a-f]+)$/.exec(topic)[1];
        assert.equal(body, '{"lockTime":"10m"}');
        // Answers nobody waits for are dropped.
        await client.publishAsync('$iothub/methods/res/200/?$rid=ffffffff', '{}', { qos: 1 });
        await client.publishAsync(`$iothub/methods/res/201/?$rid=${rid}`, '{"done":true}', { qos: 1 });
        const { result } = await call;
        assert.equal(result.status, 201);
        assert.deepEqual(result.payload, { done: true });
    });

    test(`${kind}: a desired change is told to who subscribed`, async (t) => {
        const device = await createDevice(t);
        const { client, messages } = await connect(t, url, device);
        await client.subscribeAsync('$iothub/twin/PATCH/properties/desired/#');
        await registry.updateTwin(device.deviceId, { properties: { desired: { floor: 3 } } }, '*');
        assert.deepEqual(await messages.next(),
            ['$iothub/twin/PATCH/properties/desired/?$version=2', '{"floor":3,"$version":2}']);
        await client.unsubscribeAsync('$iothub/twin/PATCH/properties/desired/#');
        await registry.updateTwin(device.deviceId, { properties: { desired: { floor: 4 } } }, '*');
        await client.subscribeAsync('$iothub/twin/res/#');
        await client.publishAsync('$iothub/twin/GET/?$rid=1', '');
        assert.equal((await messages.next())[0], '$iothub/twin/res/200/?$rid=1');
    });
}

test('a subscription is kept for a client that asks for it', async (t) => {
    const device = await createDevice(t);
    const first = await connect(t, `mqtts://${host}:8883`, device, { clean: false });
    await first.client.subscribeAsync('$iothub/methods/POST/#', { qos: 1 });
    await first.client.endAsync();
    const second = mqtt.connect(`mqtts://${host}:8883`, options(device, { clean: false }));
    t.after(() => second.endAsync(true));
    const connack = await within(new Promise((resolve, reject) => {
        second.once('connect', resolve);
        second.once('error', reject);
    }), 'connect');
    assert.equal(connack.sessionPresent, true);
    const call = service.invokeDeviceMethod(device.deviceId, { methodName: 'x' });
    const topic = await within(new Promise((resolve) => {
        second.once('message', (name) => resolve(name));
    }), 'message');
    await second.publishAsync(topic.replace('POST/x', 'res/200'), '');
    assert.equal((await call).result.status, 200);
});

test('what is not allowed ends the connection', async (t) => {
    const device = await createDevice(t);
    const forbidden = [
        (client) => client.publish('devices/other/messages/events/', 'x', { qos: 1 }),
        (client) => client.publish(`devices/${device.deviceId}/messages/events/`, 'x', { qos: 2 }),
        (client) => client.subscribe('#'),
        (client) => client.subscribe('devices/other/messages/devicebound/#'),
    ];
    for (const act of forbidden) {
        const { client } = await connect(t, `mqtt://${host}:1883`, device);
        const closed = new Promise((resolve) => {
            client.once('close', resolve);
        });
        client.on('error', () => {});
        act(client);
        await within(closed, 'close');
    }
});

test('a wrong password is refused with 5, MQTT 5 with 1', async (t) => {
    const device = await createDevice(t);
    await assert.rejects(
        within(mqtt.connectAsync(`mqtt://${host}:1883`, options(device, { password: 'wrong' })), 'connect'),
        (err) => err.code === 5);
    await assert.rejects(within(
        mqtt.connectAsync(`mqtt://${host}:1883`, options(device, { protocolVersion: 5 })), 'connect'));
});
