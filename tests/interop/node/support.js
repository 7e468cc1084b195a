// What the tests share: the SDKs' objects for the emulator under test, devices that go away with
// their test, and waiting with an end.
'use strict';

const { randomUUID } = require('node:crypto');
const { SharedAccessSignature } = require('azure-iot-common');
const { Client, ModuleClient } = require('azure-iot-device');
const { Mqtt, MqttWs } = require('azure-iot-device-mqtt');
const { Registry, Client: ServiceClient, JobClient } = require('azure-iothub');

const connectionString = process.env.IOTHUB_CONNECTION_STRING;
const host = /HostName=([^;]+)/.exec(connectionString)[1];
const registry = Registry.fromConnectionString(connectionString);
const service = ServiceClient.fromConnectionString(connectionString);
const jobs = JobClient.fromConnectionString(connectionString);

const PATIENCE_MS = 20000;

// The promise, or an error that names what did not happen.
function within(promise, what, ms = PATIENCE_MS) {
    let timer;
    const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`${what}: nothing after ${ms} ms`)), ms);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// Values that come one by one: push() from a handler, await next().
function queue(what) {
    const values = [];
    const waiting = [];
    return {
        push(value) {
            if (waiting.length > 0) {
                waiting.shift()(value);
            } else {
                values.push(value);
            }
        },
        next() {
            const value = values.length > 0
                ? Promise.resolve(values.shift())
                : new Promise((resolve) => waiting.push(resolve));
            return within(value, what);
        },
        get size() {
            return values.length;
        },
    };
}

function deviceString(identity) {
    const key = identity.authentication.symmetricKey.primaryKey;
    const module = identity.moduleId === undefined ? '' : `;ModuleId=${identity.moduleId}`;
    return `HostName=${host};DeviceId=${identity.deviceId}${module};SharedAccessKey=${key}`;
}

// The clients that each test has open.
const open = new WeakMap();

// Have it closed after the test.
function keepClient(t, client) {
    open.set(t, [...(open.get(t) ?? []), client]);
}

function closeClients(t) {
    const clients = open.get(t) ?? [];
    open.delete(t);
    return Promise.allSettled(clients.map((client) => within(client.close(), 'close', 5000)));
}

// Registers a device; it is removed after the test, and its clients are closed before that: one
// whose device is gone would try to come back for ever.
async function createDevice(t, description = {}) {
    const deviceId = `node-${randomUUID()}`;
    const { responseBody } = await registry.create({ deviceId, ...description });
    t.after(async () => {
        await closeClients(t);
        await registry.delete(deviceId).catch(() => {});
    });
    return responseBody;
}

async function createModule(deviceId, moduleId, description = {}) {
    const { responseBody } = await registry.addModule({ deviceId, moduleId, ...description });
    return responseBody;
}

// A request of the service without an SDK: what those do over AMQP only.
async function request(method, path, { headers = {}, body } = {}) {
    const key = /SharedAccessKey=(.*)$/.exec(connectionString)[1];
    const authorization = SharedAccessSignature.create(host, 'iothubowner', key,
        Math.floor(Date.now() / 1000) + 3600).toString();
    const answer = await fetch(`https://${host}${path}`, {
        method, headers: { authorization, ...headers }, body,
    });
    if (!answer.ok) {
        throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    }
    return answer;
}

// The device's first events, as many as that, once they are there.
async function events(deviceId, n) {
    let found = [];
    let after = 0;
    for (const end = Date.now() + PATIENCE_MS; found.length < n;) {
        if (Date.now() > end) {
            throw new Error(`${found.length} of ${n} events of ${deviceId}`);
        }
        const path = `/_emulator/events?deviceId=${deviceId}&after=${after}&wait=1`;
        const more = await (await request('GET', path)).json();
        found = found.concat(more);
        after = found.length === 0 ? 0 : found.at(-1).offset;
    }
    return found.slice(0, n);
}

// Puts a message into a device's queue.
function sendToDevice(deviceId, body, headers = {}) {
    return request('POST', `/devices/${deviceId}/messages/deviceBound?api-version=2021-04-12`,
        { headers, body });
}

// What a device's tests are run with: TLS on port 8883, and WebSockets on port 443.
const transports = { Mqtt, MqttWs };

// Connects; it is closed after the test.
async function openDevice(t, identity, transport = Mqtt, options = {}) {
    const kind = identity.moduleId === undefined ? Client : ModuleClient;
    const client = kind.fromConnectionString(deviceString(identity), transport);
    await client.setOptions(options);
    keepClient(t, client);
    await within(client.open(), 'open');
    return client;
}

// Whether subscribing has reached the hub shows in a first call that is answered.
async function onMethod(client, name, handler) {
    await new Promise((resolve, reject) => {
        client.onDeviceMethod(name, handler);
        // The SDK subscribes by itself and tells nobody when that is done; the twin's answer
        // comes after the SUBACK on the same connection.
        client.getTwin((err) => (err ? reject(err) : resolve()));
    });
}

// The twin, the desired properties as they are, and a queue of what is told of them from now on.
async function watchDesired(client) {
    const patches = queue('desired properties');
    const twin = await client.getTwin();
    // The SDK goes on merging into what it hands out.
    twin.on('properties.desired', (patch) => patches.push(structuredClone(patch)));
    // It tells the whole at once, and again with each answer to getTwin; that answer comes behind
    // the SUBACK on the same connection.
    await patches.next();
    await client.getTwin();
    return { twin, first: await patches.next(), patches };
}

// Until the job is over; its last state.
async function jobEnd(jobId) {
    const end = Date.now() + PATIENCE_MS;
    for (;;) {
        const { jobStatus } = await jobs.getJob(jobId);
        if (['completed', 'failed', 'cancelled'].includes(jobStatus.status)) {
            return jobStatus;
        }
        if (Date.now() > end) {
            throw new Error(`job ${jobId} is still ${jobStatus.status}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
}

module.exports = {
    connectionString,
    createDevice,
    createModule,
    deviceString,
    events,
    host,
    jobEnd,
    jobs,
    keepClient,
    onMethod,
    openDevice,
    queue,
    registry,
    request,
    sendToDevice,
    service,
    transports,
    watchDesired,
    within,
};
