// Messages both ways, with all that they carry, and the feedback on what devices make of them.
'use strict';

const assert = require('node:assert/strict');
const test = require('node:test');
const { errors } = require('azure-iot-common');
const { Message } = require('azure-iot-device');

const {
    createDevice, createModule, events, openDevice, queue, request, sendToDevice, transports, within,
} = require('./support');

const SYSTEM = {
    messageId: 'message-1:+%_#*?!(),=@;$\'',
    correlationId: 'correlation/1 & more',
    userId: 'a user',
    to: '/devices/x/messages/events',
    contentType: 'application/json',
    contentEncoding: 'utf-8',
    interfaceId: 'dtmi:example:thing;1',
};
const EXPIRY = '2030-01-02T03:04:05.678Z';

// In the order in which they are set; each is a trap of some encoding.
const PROPERTIES = [
    ['zeta', 'last in the alphabet, first here'], ['&ey1', '=al1'], ['K/y2', 'V@l2'],
    ['Ke?3', 'Va%3'], ['plus+', 'a+b c'], ['$dollar', '$.mid'], ['empty', ''], ['#', 'é€😀'],
    ['%41', '%zz'], ['alpha', '"quoted"\\'], ['number', '12.50'],
];

function fullMessage(body) {
    const message = new Message(body);
    Object.assign(message, SYSTEM);
    message.expiryTimeUtc = new Date(EXPIRY);
    for (const [key, value] of PROPERTIES) {
        message.properties.add(key, value);
    }
    return message;
}

for (const [name, transport] of Object.entries(transports)) {
    test(`${name}: all that telemetry carries arrives`, async (t) => {
        const device = await createDevice(t);
        const client = await openDevice(t, device, transport);
        const message = fullMessage('{"temperature":21.5}');
        message.properties.add('dt-subject', 'thermostat1');
        await within(client.sendEvent(message), 'sendEvent');
        const [event] = await events(device.deviceId, 1);
        assert.equal(event.body, '{"temperature":21.5}');
        assert.deepEqual(event.systemProperties,
            { ...SYSTEM, expiryTimeUtc: EXPIRY, componentName: 'thermostat1' });
        assert.deepEqual(Object.entries(event.properties), PROPERTIES);
        assert.equal(event.annotations['dt-subject'], 'thermostat1');
        assert.equal(event.annotations['iothub-interface-id'], SYSTEM.interfaceId);
        assert.equal(event.annotations['iothub-message-source'], 'Telemetry');
        assert.equal(event.annotations['iothub-connection-auth-generation-id'], device.generationId);
    });

    test(`${name}: a plain message carries nothing else, bytes stay bytes, order is kept`, async (t) => {
        const device = await createDevice(t);
        const client = await openDevice(t, device, transport);
        const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
        const bodies = ['', bytes, ...Array.from({ length: 20 }, (_, i) => `${i}`)];
        await within(Promise.all(bodies.map((body) => client.sendEvent(new Message(body)))), 'sendEvent');
        const seen = await events(device.deviceId, bodies.length);
        for (const event of seen) {
            assert.deepEqual(event.systemProperties, {});
            assert.deepEqual(event.properties, {});
        }
        assert.deepEqual(seen.map((event) => Buffer.from(event.body,
            event.bodyEncoding === 'base64' ? 'base64' : 'utf8')), bodies.map((body) => Buffer.from(body)));
    });

    test(`${name}: an output of a module is told`, async (t) => {
        const device = await createDevice(t);
        const module = await createModule(device.deviceId, 'm1');
        const client = await openDevice(t, module, transport);
        await within(client.sendOutputEvent('out 1', fullMessage('x')), 'sendOutputEvent');
        const [event] = await events(device.deviceId, 1);
        assert.equal(event.moduleId, 'm1');
        assert.equal(event.systemProperties.outputName, 'out 1');
        assert.equal(event.systemProperties.messageId, SYSTEM.messageId);
        assert.deepEqual(Object.entries(event.properties).slice(0, -1), PROPERTIES.slice(0, -1));
    });

    test(`${name}: all that a message to a device carries arrives, and it is completed`, async (t) => {
        const device = await createDevice(t);
        const client = await openDevice(t, device, transport);
        const expiry = new Date(Date.now() + 600000).toISOString();
        await sendToDevice(device.deviceId, 'turn left', {
            'iothub-messageid': 'm-1',
            'iothub-correlationid': 'c/1',
            'iothub-userid': 'u 1',
            'iothub-expiry': expiry,
            'iothub-contenttype': 'text/plain',
            'iothub-contentencoding': 'utf-8',
            'iothub-ack': 'full',
            'iothub-app-zeta': 'a=b&c/d%20+?#',
            'iothub-app-alpha': 'x y',
        });
        const messages = queue('message');
        client.on('message', (message) => messages.push(message));
        const message = await messages.next();
        assert.equal(message.data.toString(), 'turn left');
        assert.equal(message.messageId, 'm-1');
        assert.equal(message.correlationId, 'c/1');
        assert.equal(message.userId, 'u 1');
        assert.equal(message.to, `/devices/${device.deviceId}/messages/deviceBound`);
        assert.equal(new Date(message.expiryTimeUtc).toISOString(), expiry);
        assert.equal(message.contentType, 'text/plain');
        assert.equal(message.contentEncoding, 'utf-8');
        // The SDK takes the kind of acknowledgement for a property.
        assert.deepEqual(message.properties.propertyList, [
            { key: 'iothub-ack', value: 'full' },
            { key: 'zeta', value: 'a=b&c/d%20+?#' },
            { key: 'alpha', value: 'x y' },
        ]);
        await within(client.complete(message), 'complete');
    });

    test(`${name}: rejecting and abandoning do not exist here`, async (t) => {
        const device = await createDevice(t);
        const client = await openDevice(t, device, transport);
        const messages = queue('message');
        client.on('message', (message) => messages.push(message));
        await sendToDevice(device.deviceId, 'once');
        const message = await messages.next();
        await assert.rejects(async () => client.reject(message), errors.NotImplementedError);
        await assert.rejects(async () => client.abandon(message), errors.NotImplementedError);
        // It was completed when it came, so the next one is all there is.
        await client.close();
        await within(client.open(), 'open');
        await sendToDevice(device.deviceId, 'twice');
        client.on('message', () => {});
        assert.equal((await messages.next()).data.toString(), 'twice');
    });
}

test('messages wait for a device, and come in their order', async (t) => {
    const device = await createDevice(t);
    const bodies = Array.from({ length: 50 }, (_, i) => `message ${i}`);
    for (const body of bodies) {
        await sendToDevice(device.deviceId, body);
    }
    await assert.rejects(sendToDevice(device.deviceId, 'one too many'), /403.*DeviceMaximumQueueDepthExceeded/);
    const client = await openDevice(t, device);
    const messages = queue('message');
    client.on('message', (message) => messages.push(message.data.toString()));
    for (const body of bodies) {
        assert.equal(await messages.next(), body);
    }
});

test('after the last listener is gone messages wait again', async (t) => {
    const device = await createDevice(t);
    const client = await openDevice(t, device);
    const messages = queue('message');
    const listener = (message) => messages.push(message.data.toString());
    client.on('message', listener);
    await sendToDevice(device.deviceId, 'first');
    assert.equal(await messages.next(), 'first');
    client.removeListener('message', listener);
    // The twin's answer comes behind the UNSUBACK on the same connection.
    await client.getTwin();
    await sendToDevice(device.deviceId, 'second');
    await client.getTwin();
    assert.equal(messages.size, 0);
    client.on('message', listener);
    assert.equal(await messages.next(), 'second');
});

// The records of feedback about these devices, once there are so many.
async function feedback(deviceIds, n) {
    const path = '/messages/serviceBound/feedback';
    let records = [];
    for (const end = Date.now() + 60000; records.length < n;) {
        assert.ok(Date.now() < end, `${records.length} of ${n} records`);
        const answer = await request('GET', `${path}?api-version=2021-04-12`);
        if (answer.status === 204) {
            await new Promise((resolve) => setTimeout(resolve, 200));
            continue;
        }
        const found = await answer.json();
        const lock = answer.headers.get('etag').replaceAll('"', '');
        await request('DELETE', `${path}/${lock}?api-version=2021-04-12`);
        records = records.concat(found.filter((record) => deviceIds.includes(record.deviceId)));
    }
    return records;
}

test('each kind of acknowledgement has the feedback that was asked for', async (t) => {
    const kinds = ['none', 'positive', 'negative', 'full'];
    const there = await createDevice(t);
    const away = await createDevice(t);
    const client = await openDevice(t, there);
    const messages = queue('message');
    client.on('message', (message) => messages.push(message.messageId));
    for (const kind of kinds) {
        await sendToDevice(there.deviceId, 'x', { 'iothub-messageid': `taken-${kind}`, 'iothub-ack': kind });
        await sendToDevice(away.deviceId, 'x', {
            'iothub-messageid': `missed-${kind}`,
            'iothub-ack': kind,
            'iothub-expiry': new Date(Date.now() + 1000).toISOString(),
        });
    }
    for (const kind of kinds) {
        assert.equal(await messages.next(), `taken-${kind}`);
    }
    const records = await feedback([there.deviceId, away.deviceId], 4);
    const told = records.map((record) => `${record.originalMessageId} ${record.statusCode}`).sort();
    assert.deepEqual(told, ['missed-full Expired', 'missed-negative Expired', 'taken-full Success',
        'taken-positive Success']);
    for (const record of records) {
        const device = record.deviceId === there.deviceId ? there : away;
        assert.equal(record.deviceGenerationId, device.generationId);
        assert.match(record.enqueuedTimeUtc, /^\d{4}-\d\d-\d\dT/);
    }
});
