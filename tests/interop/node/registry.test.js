// Identities through azure-iothub's Registry.
'use strict';

const assert = require('node:assert/strict');
const { randomUUID } = require('node:crypto');
const test = require('node:test');
const { Registry } = require('azure-iothub');

const { createDevice, createModule, host, registry } = require('./support');

test('a device is created, read, changed and deleted', async (t) => {
    const device = await createDevice(t);
    assert.equal(device.status, 'enabled');
    assert.equal(device.authentication.type, 'sas');
    const read = (await registry.get(device.deviceId)).responseBody;
    assert.deepEqual(read, device);
    const changed = (await registry.update({ ...read, status: 'disabled', statusReason: 'test' }))
        .responseBody;
    assert.equal(changed.status, 'disabled');
    assert.equal(changed.statusReason, 'test');
    assert.deepEqual(changed.authentication, device.authentication);
    await registry.delete(device.deviceId);
    await assert.rejects(registry.get(device.deviceId), { name: 'DeviceNotFoundError' });
});

test('keys and thumbprints are kept as they were given', async (t) => {
    const key = Buffer.from('k'.repeat(32)).toString('base64');
    const withKeys = await createDevice(t, {
        authentication: { symmetricKey: { primaryKey: key, secondaryKey: key } },
    });
    assert.equal(withKeys.authentication.symmetricKey.primaryKey, key);
    const thumbprint = 'A'.repeat(40);
    const withThumbprint = await createDevice(t, {
        authentication: { x509Thumbprint: { primaryThumbprint: thumbprint } },
    });
    assert.equal(withThumbprint.authentication.type, 'selfSigned');
    assert.equal(withThumbprint.authentication.x509Thumbprint.primaryThumbprint, thumbprint);
});

test('errors have the classes that applications look for', async (t) => {
    const device = await createDevice(t);
    await assert.rejects(registry.create({ deviceId: device.deviceId }),
        { name: 'DeviceAlreadyExistsError' });
    await assert.rejects(registry.get(`nobody-${randomUUID()}`), { name: 'DeviceNotFoundError' });
    await assert.rejects(registry.delete(`nobody-${randomUUID()}`), { name: 'DeviceNotFoundError' });
    await assert.rejects(registry.create({ deviceId: 'invalid/name' }));
    await assert.rejects(registry.create({ deviceId: 'white space' }), { name: 'ArgumentError' });
});

test('a wrong key and a missing right are unauthorized', async () => {
    const wrong = Registry.fromConnectionString(
        `HostName=${host};SharedAccessKeyName=iothubowner;SharedAccessKey=d3JvbmdrZXl3cm9uZ2tleQ==`);
    await assert.rejects(wrong.list(), { name: 'UnauthorizedError' });
    const service = Registry.fromConnectionString(
        process.env.IOTHUB_CONNECTION_STRING.replace('iothubowner', 'service'));
    await assert.rejects(service.list(), { name: 'UnauthorizedError' });
});

test('every device is in the list', async (t) => {
    const made = await Promise.all([createDevice(t), createDevice(t), createDevice(t)]);
    const listed = (await registry.list()).responseBody.map((device) => device.deviceId);
    for (const device of made) {
        assert.ok(listed.includes(device.deviceId), device.deviceId);
    }
});

test('modules belong to their device', async (t) => {
    const device = await createDevice(t);
    await createModule(device.deviceId, 'one');
    await createModule(device.deviceId, 'two');
    const modules = (await registry.getModulesOnDevice(device.deviceId)).responseBody;
    assert.deepEqual(modules.map((module) => module.moduleId).sort(), ['one', 'two']);
    const one = (await registry.getModule(device.deviceId, 'one')).responseBody;
    const changed = (await registry.updateModule({ ...one, managedBy: 'me' })).responseBody;
    assert.equal(changed.managedBy, 'me');
    await registry.removeModule(device.deviceId, 'one');
    await assert.rejects(registry.getModule(device.deviceId, 'one'));
});
