// Device clients: let in, refused, put out; telemetry.
'use strict';

const assert = require('node:assert/strict');
const test = require('node:test');
const { NoRetry, SharedAccessSignature, errors } = require('azure-iot-common');
const { Client, Message } = require('azure-iot-device');
const { Mqtt } = require('azure-iot-device-mqtt');

const {
    createDevice, createModule, deviceString, host, keepClient, openDevice, queue, registry, transports,
    within,
} = require('./support');

function clientFrom(connectionString, transport = Mqtt) {
    const client = Client.fromConnectionString(connectionString, transport);
    client.setRetryPolicy(new NoRetry());
    return client;
}

for (const [name, transport] of Object.entries(transports)) {
    test(`${name}: messages of all kinds are acknowledged`, async (t) => {
        const device = await createDevice(t);
        const client = await openDevice(t, device, transport);
        const plain = new Message('hello');
        const full = new Message(JSON.stringify({ temperature: 21.5 }));
        full.messageId = 'message-1';
        full.correlationId = 'correlation/1';
        full.contentType = 'application/json';
        full.contentEncoding = 'utf-8';
        full.properties.add('key with space & more', 'value/with?signs=é');
        full.properties.add('empty', '');
        for (const message of [plain, full, new Message(''), new Message(Buffer.alloc(64 * 1024 - 512, 'x'))]) {
            await within(client.sendEvent(message), 'sendEvent');
        }
    });
}

test('a module sends as itself', async (t) => {
    const device = await createDevice(t);
    const module = await createModule(device.deviceId, 'm1');
    const client = await openDevice(t, module);
    await within(client.sendEvent(new Message('from a module')), 'sendEvent');
    await within(client.sendOutputEvent('out', new Message('to an output')), 'sendOutputEvent');
});

for (const [name, transport] of Object.entries(transports)) {
    test(`${name}: a wrong key is unauthorized`, async (t) => {
        const device = await createDevice(t);
        const client = clientFrom(deviceString(device)
            .replace(/SharedAccessKey=.*/, 'SharedAccessKey=d3JvbmdrZXl3cm9uZ2tleQ=='), transport);
        await assert.rejects(within(client.open(), 'open'), errors.UnauthorizedError);
    });
}

test('an unknown device is unauthorized', async () => {
    const client = clientFrom(
        `HostName=${host};DeviceId=nobody-at-all;SharedAccessKey=d3JvbmdrZXl3cm9uZ2tleQ==`);
    await assert.rejects(within(client.open(), 'open'), errors.UnauthorizedError);
});

test('an expired token is unauthorized, a fresh one is not', async (t) => {
    const device = await createDevice(t);
    const key = device.authentication.symmetricKey.primaryKey;
    const resource = `${host}/devices/${device.deviceId}`;
    const now = Math.floor(Date.now() / 1000);
    const expired = Client.fromSharedAccessSignature(
        SharedAccessSignature.create(resource, null, key, now - 24 * 3600).toString(), Mqtt);
    expired.setRetryPolicy(new NoRetry());
    await assert.rejects(within(expired.open(), 'open'), errors.UnauthorizedError);
    const fresh = Client.fromSharedAccessSignature(
        SharedAccessSignature.create(resource, null, key, now + 3600).toString(), Mqtt);
    await within(fresh.open(), 'open');
    await within(fresh.sendEvent(new Message('x')), 'sendEvent');
    await fresh.close();
});

test('a token is renewed on a live client', async (t) => {
    const device = await createDevice(t);
    const key = device.authentication.symmetricKey.primaryKey;
    const token = () => SharedAccessSignature.create(`${host}/devices/${device.deviceId}`, null, key,
        Math.floor(Date.now() / 1000) + 3600).toString();
    const client = Client.fromSharedAccessSignature(token(), Mqtt);
    keepClient(t, client);
    await within(client.open(), 'open');
    await within(client.updateSharedAccessSignature(token()), 'updateSharedAccessSignature');
    await within(client.sendEvent(new Message('after')), 'sendEvent');
});

test('a disabled device is unauthorized', async (t) => {
    const device = await createDevice(t, { status: 'disabled' });
    await assert.rejects(within(clientFrom(deviceString(device)).open(), 'open'),
        errors.UnauthorizedError);
});

test('the newer of two connections stays', async (t) => {
    const device = await createDevice(t);
    const first = clientFrom(deviceString(device));
    const ends = queue('disconnect');
    first.on('disconnect', () => ends.push(true));
    first.on('error', () => ends.push(true));
    keepClient(t, first);
    await within(first.open(), 'open');
    const second = await openDevice(t, device);
    await ends.next();
    await within(second.sendEvent(new Message('still here')), 'sendEvent');
    assert.equal((await registry.get(device.deviceId)).responseBody.connectionState, 'Connected');
});

test('the registry knows who is connected', async (t) => {
    const device = await createDevice(t);
    const state = async () => (await registry.get(device.deviceId)).responseBody.connectionState;
    assert.equal(await state(), 'Disconnected');
    const client = await openDevice(t, device);
    assert.equal(await state(), 'Connected');
    await client.close();
    for (const end = Date.now() + 10000; await state() !== 'Disconnected';) {
        assert.ok(Date.now() < end, 'still connected');
    }
});
