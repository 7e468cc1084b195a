// Twins seen from both sides.
'use strict';

const assert = require('node:assert/strict');
const test = require('node:test');

const { createDevice, createModule, openDevice, registry, transports, watchDesired } =
    require('./support');

function report(twin, properties) {
    return new Promise((resolve, reject) => {
        twin.properties.reported.update(properties, (err) => (err ? reject(err) : resolve()));
    });
}

async function serviceTwin(id, moduleId) {
    const answer = moduleId === undefined
        ? await registry.getTwin(id)
        : await registry.getModuleTwin(id, moduleId);
    return answer.responseBody;
}

for (const [name, transport] of Object.entries(transports)) {
    test(`${name}: desired properties reach the device, with version and nulls`, async (t) => {
        const device = await createDevice(t);
        const client = await openDevice(t, device, transport);
        const { patches, first } = await watchDesired(client);
        assert.deepEqual(first, { $version: 1 });
        const twin = await serviceTwin(device.deviceId);
        await twin.update({ properties: { desired: { foo: 'bar', deep: { er: [1, 'two', true] } } } });
        assert.deepEqual(await patches.next(),
            { foo: 'bar', deep: { er: [1, 'two', true] }, $version: 2 });
        await registry.updateTwin(device.deviceId, { properties: { desired: { foo: null } } }, '*');
        assert.deepEqual(await patches.next(), { foo: null, $version: 3 });
        const after = await serviceTwin(device.deviceId);
        assert.equal(after.properties.desired.foo, undefined);
        assert.deepEqual(after.properties.desired.deep, { er: [1, 'two', true] });
    });
}

test('properties that were set while the device was away are there when it comes', async (t) => {
    const device = await createDevice(t);
    await registry.updateTwin(device.deviceId, { properties: { desired: { early: 1 } } }, '*');
    const client = await openDevice(t, device);
    const { first, patches } = await watchDesired(client);
    assert.deepEqual(first, { early: 1, $version: 2 });
    assert.equal(patches.size, 0);
});

for (const [name, transport] of Object.entries(transports)) {
    test(`${name}: reported properties reach the back end`, async (t) => {
        const device = await createDevice(t);
        const client = await openDevice(t, device, transport);
        const { twin } = await watchDesired(client);
        await report(twin, { temperature: 21.5, mode: { name: 'eco', since: '2026-01-02T03:04:05' } });
        let seen = await serviceTwin(device.deviceId);
        assert.equal(seen.properties.reported.temperature, 21.5);
        assert.deepEqual(seen.properties.reported.mode, { name: 'eco', since: '2026-01-02T03:04:05' });
        assert.equal(seen.properties.reported.$version, 2);
        await report(twin, { mode: null });
        seen = await serviceTwin(device.deviceId);
        assert.equal(seen.properties.reported.mode, undefined);
        assert.equal(seen.connectionState, 'Connected');
    });
}

test('an etag guards a change, and reporting does not move it', async (t) => {
    const device = await createDevice(t);
    const client = await openDevice(t, device);
    const { twin } = await watchDesired(client);
    const { etag } = await serviceTwin(device.deviceId);
    await report(twin, { a: 1 });
    const changed = (await registry.updateTwin(device.deviceId, { tags: { floor: 3 } }, etag))
        .responseBody;
    assert.deepEqual(changed.tags, { floor: 3 });
    assert.notEqual(changed.etag, etag);
    await assert.rejects(registry.updateTwin(device.deviceId, { tags: { floor: 4 } }, etag),
        { name: 'InvalidEtagError' });
    await assert.rejects(registry.updateTwin(device.deviceId, { tags: { floor: 4 } }, 'abc'),
        { name: 'InvalidEtagError' });
    await registry.updateTwin(device.deviceId, { tags: { floor: null } }, '*');
    assert.equal((await serviceTwin(device.deviceId)).tags?.floor, undefined);
});

test('what a twin may not hold is refused on both sides', async (t) => {
    const device = await createDevice(t);
    const client = await openDevice(t, device);
    const { twin } = await watchDesired(client);
    await assert.rejects(
        registry.updateTwin(device.deviceId, { properties: { desired: { 'a.b': 1 } } }, '*'),
        { name: 'ArgumentError' });
    await assert.rejects(report(twin, { $bad: 1 }));
    await assert.rejects(registry.getTwin('nobody-at-all'), { name: 'DeviceNotFoundError' });
});

test('a module has a twin of its own', async (t) => {
    const device = await createDevice(t);
    const module = await createModule(device.deviceId, 'm1');
    const client = await openDevice(t, module);
    const { twin, patches } = await watchDesired(client);
    await registry.updateModuleTwin(device.deviceId, 'm1', { properties: { desired: { x: 1 } } }, '*');
    assert.deepEqual(await patches.next(), { x: 1, $version: 2 });
    await report(twin, { y: 2 });
    assert.equal((await serviceTwin(device.deviceId, 'm1')).properties.reported.y, 2);
    assert.equal((await serviceTwin(device.deviceId)).properties.reported.y, undefined);
});
