// Connections that end and come back: renewed and lapsed tokens, faults, other clients of the device.
'use strict';

const assert = require('node:assert/strict');
const { describe, test } = require('node:test');
const { NoRetry, ExponentialBackOffWithJitter, SharedAccessSignature, errors, results } =
    require('azure-iot-common');
const { Client, Message, SharedAccessKeyAuthenticationProvider } = require('azure-iot-device');
const { Mqtt, MqttWs } = require('azure-iot-device-mqtt');

const {
    createDevice, createModule, deviceString, events, host, keepClient, onMethod, openDevice, queue,
    registry, sendToDevice, service, transports, watchDesired, within,
} = require('./support');

const GRACE_S = 2; // --token-grace-seconds, node.sh

// Everything that a device can do, in queues; once more after each reconnection.
async function useAll(client, device) {
    const messages = queue('message');
    client.on('message', (message) => messages.push(message.data.toString()));
    await onMethod(client, 'echo', (request, response) => {
        response.send(200, request.payload, assert.ifError);
    });
    const { twin, patches } = await watchDesired(client);
    let round = 0;
    return async () => {
        round++;
        await within(client.sendEvent(new Message(`event ${round}`)), 'sendEvent');
        await sendToDevice(device.deviceId, `message ${round}`);
        assert.equal(await messages.next(), `message ${round}`);
        const { result } = await service.invokeDeviceMethod(device.deviceId, {
            methodName: 'echo', payload: round, connectTimeoutInSeconds: 20, responseTimeoutInSeconds: 20,
        });
        assert.equal(result.payload, round);
        await registry.updateTwin(device.deviceId, { properties: { desired: { round } } }, '*');
        // Along with the whole, which the SDK fetches and tells whenever it has come back.
        while ((await patches.next()).round !== round) { /* an older one */ }
        await within(new Promise((resolve, reject) => {
            twin.properties.reported.update({ round, before: round > 1 ? null : 'here' },
                (err) => (err ? reject(err) : resolve()));
        }), 'reported');
        const { reported } = (await registry.getTwin(device.deviceId)).responseBody.properties;
        assert.equal(reported.round, round);
        assert.equal(reported.before, round > 1 ? undefined : 'here');
    };
}

async function state(device) {
    return (await registry.get(device.deviceId)).responseBody.connectionState;
}

describe('tokens', { concurrency: true }, () => {
    for (const [name, transport] of Object.entries(transports)) {
        test(`${name}: a client that renews its short tokens stays`, async (t) => {
            const device = await createDevice(t);
            const provider = SharedAccessKeyAuthenticationProvider.fromConnectionString(
                deviceString(device), 8, 4);
            const client = Client.fromAuthenticationProvider(provider, transport);
            keepClient(t, client);
            const renewals = queue('newTokenAvailable');
            provider.on('newTokenAvailable', () => renewals.push(true));
            const ends = queue('disconnect');
            client.on('disconnect', (end) => ends.push(end));
            await within(client.open(), 'open');
            const check = await useAll(client, device);
            await check();
            // By then the first token and its grace are over.
            for (let i = 0; i < 3; i++) {
                await renewals.next();
                await check();
            }
            assert.equal(ends.size, 0);
        });

        const token = (device, seconds) => SharedAccessSignature.create(
            `${host}/devices/${device.deviceId}`, null,
            device.authentication.symmetricKey.primaryKey,
            Math.floor(Date.now() / 1000) + seconds).toString();

        test(`${name}: a client whose token lapses is put out, and told`, async (t) => {
            const device = await createDevice(t);
            const client = Client.fromSharedAccessSignature(token(device, 2), transport);
            keepClient(t, client);
            client.setRetryPolicy(new NoRetry());
            const ends = queue('disconnect');
            client.on('disconnect', (end) => ends.push(end));
            await within(client.open(), 'open');
            await within(client.sendEvent(new Message('while it is good')), 'sendEvent');
            const begun = Date.now();
            const end = await ends.next();
            assert.ok(end instanceof results.Disconnected);
            assert.ok(end.transportObj instanceof errors.NotConnectedError);
            assert.ok(Date.now() - begun > (GRACE_S - 1) * 1000);
            // Only of its first connection this SDK says that it was unauthorized.
            await assert.rejects(within(client.open(), 'open'), /Not authorized/);
            await client.updateSharedAccessSignature(token(device, 3600));
            await within(client.open(), 'open');
            await within(client.sendEvent(new Message('with a new one')), 'sendEvent');
        });

        test(`${name}: a client that goes on trying is let in with its next token`, async (t) => {
            const device = await createDevice(t);
            const client = Client.fromSharedAccessSignature(token(device, 2), transport);
            keepClient(t, client);
            const messages = queue('message');
            client.on('message', (message) => messages.push(message.data.toString()));
            await within(client.open(), 'open');
            for (const end = Date.now() + 10000; await state(device) !== 'Disconnected';) {
                assert.ok(Date.now() < end, 'still connected');
            }
            await client.updateSharedAccessSignature(token(device, 3600));
            await sendToDevice(device.deviceId, 'welcome back');
            assert.equal(await messages.next(), 'welcome back');
        });
    }
});

// Asks for a fault.  This message is lost with the connection, and repeated it would end the next.
function breakConnection(client, type) {
    const message = new Message('break me');
    message.properties.add('AzIoTHub_FaultOperationType', type);
    message.properties.add('AzIoTHub_FaultOperationCloseReason', ' severs the connection ');
    message.properties.add('AzIoTHub_FaultOperationDelayInSecs', 1);
    client.setRetryPolicy(new NoRetry());
    const sent = client.sendEvent(message);
    client.setRetryPolicy(new ExponentialBackOffWithJitter());
    return assert.rejects(within(sent, 'the fault'), errors.NotConnectedError);
}

describe('faults', { concurrency: true }, () => {
    for (const [name, transport] of Object.entries(transports)) {
        for (const type of ['KillTcp', 'ShutDownMqtt', 'InvokeThrottling', 'InvokeMaxMessageQuota',
            'InvokeAuthError']) {
            // A reset of TCP is an error that this SDK leaves to the application, whose next
            // message then connects again; a WebSocket just ends.
            const comesBack = type !== 'KillTcp' || transport !== Mqtt;

            test(`${name}: after ${type} everything works again`, async (t) => {
                const device = await createDevice(t);
                const client = await openDevice(t, device, transport);
                const changes = queue('connection');
                client.on('connect', () => changes.push('connect'));
                client.on('disconnect', () => changes.push('disconnect'));
                const check = await useAll(client, device);
                await check();
                for (let i = 0; i < 2; i++) {
                    await breakConnection(client, type);
                    assert.equal(await changes.next(), comesBack ? 'connect' : 'disconnect');
                    await check();
                    if (!comesBack) {
                        assert.equal(await changes.next(), 'connect');
                    }
                    assert.equal(changes.size, 0);
                }
                const bodies = (await events(device.deviceId, 3)).map((event) => event.body);
                assert.deepEqual(bodies, ['event 1', 'event 2', 'event 3']);
            });
        }

        test(`${name}: what is sent behind the request arrives, and is sent again`, async (t) => {
            const device = await createDevice(t);
            const client = await openDevice(t, device, transport);
            const fault = breakConnection(client, 'KillTcp');
            await within(client.sendEvent(new Message('x')), 'sendEvent');
            await fault;
            const bodies = (await events(device.deviceId, 2)).map((event) => event.body);
            assert.deepEqual(bodies, ['x', 'x']);
        });
    }
});

describe('takeover', { concurrency: true }, () => {
    for (const [older, newer] of [[Mqtt, Mqtt], [Mqtt, MqttWs], [MqttWs, Mqtt], [MqttWs, MqttWs]]) {
        test(`of ${older.name} by ${newer.name}`, async (t) => {
            const device = await createDevice(t);
            const first = await openDevice(t, device, older);
            first.setRetryPolicy(new NoRetry());
            const ends = queue('disconnect');
            first.on('disconnect', (end) => ends.push(end));
            const second = await openDevice(t, device, newer);
            await ends.next();
            const check = await useAll(second, device);
            await check();
            assert.equal(ends.size, 0);
        });
    }

    test('a device and its modules leave each other alone', async (t) => {
        const device = await createDevice(t);
        const ends = queue('disconnect');
        const clients = [];
        for (const identity of [device, await createModule(device.deviceId, 'm1'),
            await createModule(device.deviceId, 'm2')]) {
            const client = await openDevice(t, identity);
            client.on('disconnect', (end) => ends.push(end));
            clients.push(client);
        }
        for (const client of clients) {
            await within(client.sendEvent(new Message('still here')), 'sendEvent');
        }
        assert.equal(ends.size, 0);
    });
});
