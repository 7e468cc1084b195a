// Scheduled jobs through JobClient.
'use strict';

const assert = require('node:assert/strict');
const { randomUUID } = require('node:crypto');
const test = require('node:test');

const { createDevice, jobEnd, jobs, onMethod, openDevice, registry } = require('./support');

const inAnHour = () => new Date(Date.now() + 3600 * 1000);

test('a twin job changes every device that its query selects', async (t) => {
    const devices = [await createDevice(t), await createDevice(t)];
    const list = devices.map((device) => `'${device.deviceId}'`).join(',');
    const jobId = randomUUID();
    await jobs.scheduleTwinUpdate(jobId, `deviceId IN [${list}]`,
        { etag: '*', tags: { floor: 3 }, properties: { desired: { speed: 1 } } });
    const end = await jobEnd(jobId);
    assert.equal(end.status, 'completed');
    assert.equal(end.type, 'scheduleUpdateTwin');
    assert.equal(end.deviceJobStatistics.succeededCount, 2);
    for (const device of devices) {
        const twin = (await registry.getTwin(device.deviceId)).responseBody;
        assert.deepEqual(twin.tags, { floor: 3 });
        assert.equal(twin.properties.desired.speed, 1);
    }
});

test('a method job that nobody answers completes with a failure', async (t) => {
    const device = await createDevice(t);
    const jobId = randomUUID();
    await jobs.scheduleDeviceMethod(jobId, `deviceId = '${device.deviceId}'`,
        { methodName: 'x', payload: null, responseTimeoutInSeconds: 5 });
    const end = await jobEnd(jobId);
    assert.equal(end.status, 'completed');
    assert.equal(end.deviceJobStatistics.failedCount, 1);
    const rows = await registry.createQuery(
        `SELECT * FROM devices.jobs WHERE devices.jobs.jobId = '${jobId}'`).next();
    assert.equal(rows.result[0].status, 'failed');
    assert.equal(rows.result[0].error.code, 'DeviceNotOnline');
});

test('a method answered without payload, as the end-to-end tests of the SDK do', async (t) => {
    const device = await createDevice(t);
    const client = await openDevice(t, device);
    await onMethod(client, 'reboot', (request, response) => response.send(200, assert.ifError));
    const jobId = randomUUID();
    await jobs.scheduleDeviceMethod(jobId, `deviceId = '${device.deviceId}'`,
        { methodName: 'reboot', payload: { a: 1 } }, new Date(), 120);
    const end = await jobEnd(jobId);
    assert.equal(end.status, 'completed');
    assert.equal(end.deviceJobStatistics.succeededCount, 1);
});

test('a job that waits is cancelled', async () => {
    const jobId = randomUUID();
    await jobs.scheduleTwinUpdate(jobId, "deviceId = 'nobody'",
        { etag: '*', properties: { desired: {}, reported: {} } }, inAnHour(), 120);
    const { jobStatus } = await jobs.cancelJob(jobId);
    assert.equal(jobStatus.status, 'cancelled');
    assert.equal((await jobs.getJob(jobId)).jobStatus.status, 'cancelled');
});

test('jobs are listed by type and state', async () => {
    const jobId = randomUUID();
    await jobs.scheduleDeviceMethod(jobId, "deviceId = 'nobody'", { methodName: 'x' }, inAnHour(), 120);
    await jobs.cancelJob(jobId);
    const query = jobs.createQuery('scheduleDeviceMethod', 'cancelled');
    const { result } = await query.next();
    assert.ok(result.some((job) => job.jobId === jobId));
    assert.ok(result.every((job) => job.status === 'cancelled'));
});

test('the same id twice is refused', async () => {
    const jobId = randomUUID();
    const schedule = () => jobs.scheduleTwinUpdate(jobId, "deviceId = 'nobody'", { tags: {} }, inAnHour());
    await schedule();
    await assert.rejects(schedule());
    await jobs.cancelJob(jobId);
});

test('a condition that is none fails the job, not its creation', async () => {
    const jobId = randomUUID();
    await jobs.scheduleTwinUpdate(jobId, 'this is not a condition', { tags: { a: 1 } });
    const end = await jobEnd(jobId);
    assert.equal(end.status, 'failed');
});
