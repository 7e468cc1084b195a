// The tutorial "Schedule and broadcast jobs", Node edition: a method job and a twin job on one
// device.
// Source: IoT Hub documentation, "Schedule and broadcast jobs (Node.js)".
'use strict';

const assert = require('node:assert/strict');
const { randomUUID } = require('node:crypto');
const test = require('node:test');

const { createDevice, jobEnd, jobs, onMethod, openDevice, queue, registry, transports, watchDesired } =
    require('./support');

for (const [name, transport] of Object.entries(transports)) {
    test(`${name}: both jobs of the tutorial complete`, async (t) => {
        const device = await createDevice(t);
        const client = await openDevice(t, device, transport);
        const calls = queue('lockDoor');
        await onMethod(client, 'lockDoor', (request, response) => {
            calls.push(request.payload);
            response.send(200, { Response: 'lockDoor called successfully' }, assert.ifError);
        });
        const { first, patches } = await watchDesired(client);
        assert.deepEqual(first, { $version: 1 });

        const condition = `deviceId IN ['${device.deviceId}']`;
        const start = new Date(Date.now() + 500);
        const methodJob = randomUUID();
        const twinJob = randomUUID();
        const begun = await jobs.scheduleDeviceMethod(methodJob, condition, {
            methodName: 'lockDoor',
            payload: { lockTime: '10m' },
            responseTimeoutInSeconds: 15,
        }, start, 300);
        assert.deepEqual(begun.jobStatus,
            { jobId: methodJob, type: 'scheduleDeviceMethod', status: 'queued' });
        await jobs.scheduleTwinUpdate(twinJob, condition, {
            etag: '*',
            properties: { desired: { building: '43', floor: 3 } },
        }, start, 300);

        const methodEnd = await jobEnd(methodJob);
        assert.equal(methodEnd.status, 'completed');
        assert.deepEqual(methodEnd.deviceJobStatistics, {
            deviceCount: 1, failedCount: 0, succeededCount: 1, runningCount: 0, pendingCount: 0,
        });
        assert.deepEqual(await calls.next(), { lockTime: '10m' });
        assert.equal((await jobEnd(twinJob)).status, 'completed');
        assert.deepEqual(await patches.next(), { building: '43', floor: 3, $version: 2 });

        const query = registry.createQuery(
            `SELECT * FROM devices.jobs WHERE devices.jobs.jobId = '${methodJob}'`);
        const { result } = await query.next();
        assert.equal(result.length, 1);
        assert.equal(result[0].deviceId, device.deviceId);
        assert.equal(result[0].status, 'completed');
        assert.deepEqual(result[0].outcome.deviceMethodResponse,
            { status: 200, payload: { Response: 'lockDoor called successfully' } });
    });
}
