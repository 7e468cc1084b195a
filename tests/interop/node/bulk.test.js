// Many identities in one request, and counts of them, through azure-iothub's Registry.
'use strict';

const assert = require('node:assert/strict');
const { randomUUID } = require('node:crypto');
const test = require('node:test');

const { registry } = require('./support');

function someDevices(t, n) {
    const devices = Array.from({ length: n }, () => ({ deviceId: `bulk-${randomUUID()}` }));
    t.after(() => Promise.allSettled(devices.map((device) => registry.delete(device.deviceId))));
    return devices;
}

test('devices are added, changed and removed a hundred at a time', async (t) => {
    const devices = someDevices(t, 100);
    const added = (await registry.addDevices(devices)).responseBody;
    assert.equal(added.isSuccessful, true);
    assert.deepEqual(added.errors, []);
    const changed = devices.map((device) => ({ ...device, status: 'disabled' }));
    assert.equal((await registry.updateDevices(changed, true)).responseBody.isSuccessful, true);
    const one = (await registry.get(devices[42].deviceId)).responseBody;
    assert.equal(one.status, 'disabled');
    assert.equal((await registry.removeDevices(devices, true)).responseBody.isSuccessful, true);
    await assert.rejects(registry.get(devices[0].deviceId), { name: 'DeviceNotFoundError' });
});

test('a bad row is told and the others are done', async (t) => {
    const [known, fresh] = someDevices(t, 2);
    await registry.create(known);
    await assert.rejects(registry.addDevices([known, fresh]), (error) => {
        const told = JSON.parse(error.responseBody);
        assert.equal(told.isSuccessful, false);
        assert.deepEqual(told.errors.map((row) => row.deviceId), [known.deviceId]);
        assert.equal(told.errors[0].errorCode, 'DeviceAlreadyExists');
        return true;
    });
    assert.equal((await registry.get(fresh.deviceId)).responseBody.deviceId, fresh.deviceId);
});

test('statistics count devices by their status', async (t) => {
    const before = (await registry.getRegistryStatistics()).responseBody;
    const [enabled, disabled] = someDevices(t, 2);
    await registry.create(enabled);
    await registry.create({ ...disabled, status: 'disabled' });
    const after = (await registry.getRegistryStatistics()).responseBody;
    assert.ok(after.totalDeviceCount >= before.totalDeviceCount + 2 ||
        after.totalDeviceCount === after.enabledDeviceCount + after.disabledDeviceCount);
    assert.equal(after.totalDeviceCount, after.enabledDeviceCount + after.disabledDeviceCount);
    assert.ok(after.disabledDeviceCount >= 1);
});

test('an edge device has a scope that its children take over', async (t) => {
    const [parent, child] = someDevices(t, 2);
    const edge = (await registry.create({ ...parent, capabilities: { iotEdge: true } }))
        .responseBody;
    assert.match(edge.deviceScope, /^ms-azure-iot-edge:\/\//);
    const leaf = (await registry.create({ ...child, deviceScope: edge.deviceScope })).responseBody;
    assert.equal(leaf.deviceScope, edge.deviceScope);
    assert.deepEqual(leaf.parentScopes, [edge.deviceScope]);
    const modules = (await registry.getModulesOnDevice(edge.deviceId)).responseBody;
    assert.deepEqual(modules.map((module) => module.moduleId).sort(), ['$edgeAgent', '$edgeHub']);
    await assert.rejects(registry.update({ ...leaf, deviceScope: randomUUID() }));
});
