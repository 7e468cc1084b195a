// What the tests share: the SDKs' objects for the emulator under test, devices that go away with
// their test, and waiting with an end.
'use strict';

const { randomUUID } = require('node:crypto');
const { Client, ModuleClient } = require('azure-iot-device');
const { Mqtt } = require('azure-iot-device-mqtt');
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

// Registers a device; it is removed after the test.
async function createDevice(t, description = {}) {
    const deviceId = `node-${randomUUID()}`;
    const { responseBody } = await registry.create({ deviceId, ...description });
    t.after(() => registry.delete(deviceId).catch(() => {}));
    return responseBody;
}

async function createModule(deviceId, moduleId) {
    const { responseBody } = await registry.addModule({ deviceId, moduleId });
    return responseBody;
}

// Connects by MQTT; it is closed after the test.
async function openDevice(t, identity) {
    const kind = identity.moduleId === undefined ? Client : ModuleClient;
    const client = kind.fromConnectionString(deviceString(identity), Mqtt);
    await within(client.open(), 'open');
    t.after(() => client.close().catch(() => {}));
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
    host,
    jobEnd,
    jobs,
    onMethod,
    openDevice,
    queue,
    registry,
    service,
    within,
};
