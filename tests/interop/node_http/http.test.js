// Devices that speak HTTP: telemetry alone and in batches, messages to them and what became of
// those, and the errors that applications look for.
// Source: IoT Hub REST, "Device - Send Device Event" and "Device Bound Notification".
'use strict';

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { createHash, randomUUID, X509Certificate } = require('node:crypto');
const { mkdtempSync, readFileSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const test = require('node:test');
const { SharedAccessSignature, errors } = require('azure-iot-common');
const { Client, Message } = require('azure-iot-device');
const { Http } = require('azure-iot-device-http');

const {
    connectionString, createDevice, deviceString, host, keepClient, openDevice, queue, within,
} = require('../node/support');

const ownerKey = /SharedAccessKey=(.+)$/.exec(connectionString)[1];
const inAnHour = () => Math.floor(Date.now() / 1000) + 3600;

// ---- the service's side, which the service SDK would do over AMQP --------------------------------

async function request(token, method, route, more = {}) {
    const separator = route.includes('?') ? '&' : '?';
    return fetch(`https://${host}${route}${separator}api-version=2021-04-12`, {
        method,
        ...more,
        headers: { authorization: token.toString(), ...more.headers },
    });
}

function asService(method, route, more) {
    return request(SharedAccessSignature.create(host, 'iothubowner', ownerKey, inAnHour()),
        method, route, more);
}

function asDevice(device, method, route, more) {
    const key = device.authentication.symmetricKey.primaryKey;
    const resource = `${host}/devices/${device.deviceId}`;
    return request(SharedAccessSignature.create(resource, null, key, inAnHour()), method,
        `/devices/${device.deviceId}${route}`, more);
}

async function sendMessage(device, body, headers = {}) {
    const answer = await asService('POST', `/devices/${device.deviceId}/messages/deviceBound`,
        { body, headers });
    assert.equal(answer.status, 204);
}

// What the hub has received of a device, oldest first, once there are so many.
async function eventsOf(deviceId, n) {
    const events = [];
    let after = 0;
    while (events.length < n) {
        const answer = await asService('GET',
            `/_emulator/events?after=${after}&wait=20&deviceId=${deviceId}`);
        assert.equal(answer.status, 200);
        const page = await answer.json();
        assert.notEqual(page.length, 0, `only ${events.length} of ${n} events`);
        events.push(...page);
        after = events.at(-1).offset;
    }
    assert.equal(events.length, n);
    return events;
}

// ---- the device's side ---------------------------------------------------------------------------

function openHttp(t, device, receivePolicy = { interval: 0.05, drain: true }) {
    return openDevice(t, device, Http, { http: { receivePolicy } });
}

// The same client as a promise's function.
function settle(client, how, message) {
    return within(client[how](message), how);
}

function received(client) {
    const messages = queue('message');
    client.on('message', (message) => messages.push(message));
    return messages;
}

// ---- telemetry -----------------------------------------------------------------------------------

function fullMessage() {
    const message = new Message(JSON.stringify({ temperature: 21.5 }));
    message.messageId = 'message-1';
    message.correlationId = 'correlation/1';
    message.userId = 'somebody';
    message.to = '/devices/else/where';
    message.contentType = 'application/json';
    message.contentEncoding = 'utf-8';
    message.interfaceId = 'urn:example:interface:1';
    message.properties.add('alert', 'true');
    message.properties.add('Mixed-Case', 'value with blanks & signs?=/');
    message.properties.add('dt-subject', 'component1');
    return message;
}

test('a message has all its properties behind it', async (t) => {
    const device = await createDevice(t);
    const client = await openHttp(t, device);
    const { transportObj } = await within(client.sendEvent(fullMessage()), 'sendEvent');
    assert.equal(transportObj.statusCode, 204);
    const [event] = await eventsOf(device.deviceId, 1);
    assert.equal(event.deviceId, device.deviceId);
    assert.equal(event.body, '{"temperature":21.5}');
    assert.deepEqual(event.systemProperties, {
        messageId: 'message-1',
        correlationId: 'correlation/1',
        userId: 'somebody',
        to: '/devices/else/where',
        contentType: 'application/json',
        contentEncoding: 'utf-8',
        interfaceId: 'urn:example:interface:1',
        componentName: 'component1',
    });
    // Node writes names of headers as they are given, and so they arrive.
    assert.deepEqual(event.properties,
        { alert: 'true', 'Mixed-Case': 'value with blanks & signs?=/' });
    assert.equal(event.annotations['iothub-connection-device-id'], device.deviceId);
    assert.deepEqual(JSON.parse(event.annotations['iothub-connection-auth-method']).type, 'sas');
});

test('bodies of every size and kind arrive as they are', async (t) => {
    const device = await createDevice(t);
    const client = await openHttp(t, device);
    const bodies = [Buffer.from('hello'), Buffer.alloc(0), Buffer.from([0, 1, 254, 255]),
        Buffer.alloc(200 * 1024, 'x')];
    for (const body of bodies) {
        await within(client.sendEvent(new Message(body)), 'sendEvent');
    }
    const events = await eventsOf(device.deviceId, bodies.length);
    const got = events.map(({ body, bodyEncoding }) => Buffer.from(body,
        bodyEncoding === 'base64' ? 'base64' : 'utf8'));
    assert.deepEqual(got, bodies);
});

test('a batch becomes its messages, in their order and with their properties', async (t) => {
    const device = await createDevice(t);
    const client = await openHttp(t, device);
    const messages = Array.from({ length: 500 }, (_, i) => {
        const message = new Message(i === 7 ? Buffer.from([255, 0]) : `message ${i}`);
        message.properties.add('number', String(i));
        message.properties.add('kind', i % 2 === 0 ? 'even' : 'odd');
        if (i === 3) {
            message.properties.add('dt-subject', 'component1');
        }
        return message;
    });
    messages.push(new Message('without any'));
    messages.shift();
    const { transportObj } = await within(client.sendEventBatch(messages), 'sendEventBatch');
    assert.equal(transportObj.statusCode, 204);
    const events = await eventsOf(device.deviceId, 500);
    assert.deepEqual(events.slice(0, -1).map(({ properties }) => properties), messages.slice(0, -1)
        .map((_, i) => ({ number: String(i + 1), kind: i % 2 === 0 ? 'odd' : 'even' })));
    assert.equal(events[0].body, 'message 1');
    assert.equal(events[2].systemProperties.componentName, 'component1');
    assert.equal(events[6].bodyEncoding, 'base64');
    assert.equal(events[6].body, '/wA=');
    assert.deepEqual(events.at(-1).properties, {});
});

test('a batch that is too large leaves nothing behind', async (t) => {
    const device = await createDevice(t);
    const client = await openHttp(t, device);
    const big = Array.from({ length: 3 }, () => new Message(Buffer.alloc(100 * 1024, 'x')));
    await assert.rejects(within(client.sendEventBatch(big), 'sendEventBatch'),
        errors.MessageTooLargeError);
    await within(client.sendEvent(new Message('after')), 'sendEvent');
    assert.equal((await eventsOf(device.deviceId, 1))[0].body, 'after');
});

// ---- who may -------------------------------------------------------------------------------------

test('a token is as good as a key, and can be renewed', async (t) => {
    const device = await createDevice(t);
    const key = device.authentication.symmetricKey.primaryKey;
    const token = (expiry) => SharedAccessSignature.create(`${host}/devices/${device.deviceId}`,
        null, key, expiry).toString();
    const client = Client.fromSharedAccessSignature(token(inAnHour()), Http);
    keepClient(t, client);
    await within(client.open(), 'open');
    await within(client.sendEvent(new Message('first')), 'sendEvent');
    await within(client.updateSharedAccessSignature(token(inAnHour() - 24 * 3600)), 'update');
    await assert.rejects(within(client.sendEvent(new Message('late')), 'sendEvent'),
        errors.UnauthorizedError);
    await within(client.updateSharedAccessSignature(token(inAnHour() + 60)), 'update');
    await within(client.sendEvent(new Message('second')), 'sendEvent');
    const events = await eventsOf(device.deviceId, 2);
    assert.deepEqual(events.map(({ body }) => body), ['first', 'second']);
});

// A key and a certificate that nobody has signed.
function makeCertificate(t, name) {
    const folder = mkdtempSync(path.join(tmpdir(), 'iothub-http-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const [keyFile, certFile] = ['key.pem', 'cert.pem'].map((file) => path.join(folder, file));
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt',
        'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', `/CN=${name}`,
        '-keyout', keyFile, '-out', certFile], { stdio: 'pipe' });
    return { key: readFileSync(keyFile, 'utf8'), cert: readFileSync(certFile, 'utf8') };
}

function thumbprint({ cert }, hash) {
    return createHash(hash).update(new X509Certificate(cert).raw).digest('hex').toUpperCase();
}

async function openWithCertificate(t, device, credentials) {
    const client = Client.fromConnectionString(
        `HostName=${host};DeviceId=${device.deviceId};x509=true`, Http);
    keepClient(t, client);
    await client.setOptions({ ...credentials, http: { receivePolicy: { interval: 0.05 } } });
    await within(client.open(), 'open');
    return client;
}

test('a certificate is as good as a key', async (t) => {
    const credentials = makeCertificate(t, 'first');
    const other = makeCertificate(t, 'other');
    const device = await createDevice(t, {
        authentication: {
            type: 'selfSigned',
            x509Thumbprint: {
                primaryThumbprint: thumbprint(credentials, 'sha1'),
                secondaryThumbprint: thumbprint(makeCertificate(t, 'second'), 'sha256'),
            },
        },
    });
    const client = await openWithCertificate(t, device, credentials);
    await within(client.sendEvent(fullMessage()), 'sendEvent');
    await within(client.sendEventBatch([new Message('one'), new Message('two')]), 'batch');
    const [event] = await eventsOf(device.deviceId, 3);
    assert.equal(JSON.parse(event.annotations['iothub-connection-auth-method']).type,
        'x509');
    const messages = received(client);
    await sendMessage(device, 'to the certificate');
    const message = await messages.next();
    assert.equal(message.data.toString(), 'to the certificate');
    await settle(client, 'complete', message);
    const stranger = await openWithCertificate(t, device, other);
    await assert.rejects(within(stranger.sendEvent(new Message('x')), 'sendEvent'),
        errors.UnauthorizedError);
});

test('errors have the classes that applications look for', async (t) => {
    const device = await createDevice(t);
    const from = (text) => {
        const client = Client.fromConnectionString(text, Http);
        keepClient(t, client);
        return client;
    };
    const send = async (client, message = new Message('x')) => {
        await client.open();
        return within(client.sendEvent(message), 'sendEvent');
    };
    const stranger = deviceString(device)
        .replace(/SharedAccessKey=.*/, 'SharedAccessKey=d3JvbmdrZXl3cm9uZ2tleQ==');
    await assert.rejects(send(from(stranger)), errors.UnauthorizedError);
    // Over HTTP a device that does not exist is told apart from a wrong key.
    await assert.rejects(send(from(stranger.replace(device.deviceId, 'nobody-at-all'))),
        errors.DeviceNotFoundError);
    const disabled = await createDevice(t, { status: 'disabled' });
    // The SDK knows one meaning of 403 only.
    await assert.rejects(send(from(deviceString(disabled))), (err) => {
        assert.ok(err instanceof errors.IotHubQuotaExceededError);
        assert.match(err.responseBody, /DeviceDisabled/);
        return true;
    });
    await assert.rejects(
        send(from(deviceString(device)), new Message(Buffer.alloc(256 * 1024 + 1, 'x'))),
        errors.MessageTooLargeError);
    await assert.rejects(async () => {
        // A body that breaks the batch's JSON: the SDK escapes nothing in properties.
        const message = new Message('x');
        message.properties.add('name', 'a"b');
        const client = from(deviceString(device));
        await client.open();
        await within(client.sendEventBatch([message]), 'sendEventBatch');
    }, errors.ArgumentError);
});

test('a policy that may speak for devices learns that there is none', async (t) => {
    const client = Client.fromSharedAccessSignature(
        SharedAccessSignature.create(`${host}/devices/nobody-at-all`, 'iothubowner', ownerKey,
            inAnHour()).toString(), Http);
    t.after(() => client.close());
    await client.open();
    await assert.rejects(within(client.sendEvent(new Message('x')), 'sendEvent'),
        errors.DeviceNotFoundError);
});

// ---- messages to the device ----------------------------------------------------------------------

test('a message comes with its properties and is completed', async (t) => {
    const device = await createDevice(t);
    const expiry = new Date(Date.now() + 600000).toISOString();
    await sendMessage(device, Buffer.from([0, 255, 10]), {
        'iothub-messageid': 'm-1',
        'iothub-correlationid': 'c-1',
        'iothub-expiry': expiry,
        'iothub-app-colour': 'blue & green',
    });
    const client = await openHttp(t, device);
    const message = await received(client).next();
    assert.deepEqual(message.data, Buffer.from([0, 255, 10]).toString());
    assert.equal(message.messageId, 'm-1');
    assert.equal(message.correlationId, 'c-1');
    assert.equal(message.to, `/devices/${device.deviceId}/messages/deviceBound`);
    assert.equal(Date.parse(message.expiryTimeUtc), Date.parse(expiry));
    // This transport leaves the prefix on.
    assert.deepEqual(message.properties.propertyList,
        [{ key: 'iothub-app-colour', value: 'blue & green' }]);
    const { transportObj } = await settle(client, 'complete', message);
    assert.equal(transportObj.statusCode, 204);
    assert.equal((await asDevice(device, 'GET', '/messages/deviceBound')).status, 204);
});

test('a queue is drained in its order', async (t) => {
    const device = await createDevice(t);
    for (let i = 0; i < 20; i++) {
        await sendMessage(device, `${i}`);
    }
    // Only once: with an interval, a second drain may begin before the first has ended.
    const client = await openHttp(t, device, { at: new Date(), drain: true });
    const messages = received(client);
    for (let i = 0; i < 20; i++) {
        const message = await messages.next();
        assert.equal(message.data.toString(), `${i}`);
        await settle(client, 'complete', message);
    }
});

test('an abandoned message comes again and its delivery count rises', async (t) => {
    const device = await createDevice(t);
    await sendMessage(device, 'again', { 'iothub-messageid': 'm-1' });
    const client = await openHttp(t, device, { interval: 0.05, drain: false });
    const messages = received(client);
    const first = await messages.next();
    await settle(client, 'abandon', first);
    const second = await messages.next();
    assert.equal(second.messageId, 'm-1');
    assert.notEqual(second.lockToken, first.lockToken);
    // The SDK does not show the count: the third delivery is taken without it.
    client.removeAllListeners('message');
    await settle(client, 'abandon', second);
    const third = await asDevice(device, 'GET', '/messages/deviceBound');
    assert.equal(third.status, 200);
    assert.equal(third.headers.get('iothub-deliverycount'), '2');
    assert.equal(await third.text(), 'again');
    // Neither lock that was given back is worth anything.
    await assert.rejects(settle(client, 'complete', first),
        (err) => err.response.statusCode === 412 && /DeviceMessageLockLost/.test(err.responseBody));
    await settle(client, 'complete', { lockToken: third.headers.get('etag').slice(1, -1) });
});

test('a message that was settled cannot be settled again', async (t) => {
    const device = await createDevice(t);
    await sendMessage(device, 'once');
    const client = await openHttp(t, device);
    const message = await received(client).next();
    await settle(client, 'reject', message);
    for (const how of ['complete', 'reject', 'abandon']) {
        await assert.rejects(settle(client, how, message),
            (err) => err.response.statusCode === 412);
    }
    await assert.rejects(settle(client, 'complete', { lockToken: randomUUID() }),
        (err) => err.response.statusCode === 412);
});

// ---- feedback ------------------------------------------------------------------------------------

const BATCH = 64;

// A batch is cut as soon as it is full, so that nobody has to wait for its time.
async function fillBatch(t, n) {
    for (let left = n; left > 0;) {
        const device = await createDevice(t);
        const some = Math.min(left, 50);
        for (let i = 0; i < some; i++) {
            await sendMessage(device, 'purged', { 'iothub-ack': 'full', 'iothub-messageid': `p${i}` });
        }
        const answer = await asService('DELETE', `/devices/${device.deviceId}/commands`);
        assert.equal((await answer.json()).totalMessagesPurged, some);
        left -= some;
    }
}

test('each way of acknowledging gets the feedback that was asked for', async (t) => {
    const device = await createDevice(t);
    const client = await openHttp(t, device, { interval: 0.05, drain: false });
    const messages = received(client);
    const wanted = [];
    for (const ack of ['none', 'positive', 'negative', 'full']) {
        for (const [how, statusCode] of [['complete', 'Success'], ['reject', 'Rejected']]) {
            const id = `${ack}-${how}`;
            await sendMessage(device, id, { 'iothub-ack': ack, 'iothub-messageid': id });
            const message = await messages.next();
            assert.equal(message.messageId, id);
            await settle(client, how, message);
            if (ack === 'full' || ack === (how === 'complete' ? 'positive' : 'negative')) {
                wanted.push([id, statusCode]);
            }
        }
    }
    await sendMessage(device, 'x', { 'iothub-ack': 'negative', 'iothub-messageid': 'given-up' });
    for (let i = 0; i < 10; i++) {
        await settle(client, 'abandon', await messages.next());
    }
    wanted.push(['given-up', 'DeliveryCountExceeded']);
    await fillBatch(t, BATCH - wanted.length);

    const answer = await asService('GET', '/messages/serviceBound/feedback');
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('content-type').split(';')[0],
        'application/vnd.microsoft.iothub.feedback.json');
    const records = await answer.json();
    assert.equal(records.length, BATCH);
    assert.deepEqual(records.filter(({ deviceId }) => deviceId === device.deviceId)
        .map(({ originalMessageId, statusCode }) => [originalMessageId, statusCode]), wanted);
    assert.ok(records.filter(({ deviceId }) => deviceId !== device.deviceId)
        .every(({ statusCode }) => statusCode === 'Purged'));
    const lock = answer.headers.get('etag').slice(1, -1);
    assert.equal((await asService('DELETE', `/messages/serviceBound/feedback/${lock}`)).status, 204);
    assert.equal((await asService('GET', '/messages/serviceBound/feedback')).status, 204);
});
