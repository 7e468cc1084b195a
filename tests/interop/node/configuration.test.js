// Automatic device management through azure-iothub's Registry.
'use strict';

const assert = require('node:assert/strict');
const { randomUUID } = require('node:crypto');
const test = require('node:test');

const { createDevice, openDevice, queue, registry, within } = require('./support');

async function createConfiguration(t, description) {
    const id = `node-${randomUUID()}`;
    const made = (await registry.addConfiguration({ id, ...description })).responseBody;
    t.after(() => registry.removeConfiguration(id).catch(() => {}));
    return made;
}

// Until the device's twin is as wanted; twins change in the turns after a configuration did.
async function twinWhere(deviceId, holds) {
    return within((async () => {
        for (;;) {
            const twin = (await registry.getTwin(deviceId)).responseBody;
            if (holds(twin)) {
                return twin;
            }
            await new Promise((resolve) => setTimeout(resolve, 20));
        }
    })(), 'twin');
}

test('a configuration is created, read, changed and removed', async (t) => {
    const content = { deviceContent: { 'properties.desired.chiller': { temperature: 66, on: true } } };
    const made = await createConfiguration(t, {
        content, targetCondition: '', priority: 10, labels: { a: 'b' },
    });
    const read = (await registry.getConfiguration(made.id)).responseBody;
    assert.deepEqual(read.content, content);
    assert.equal(read.priority, 10);
    assert.deepEqual(read.labels, { a: 'b' });
    const changed = (await registry.updateConfiguration({ ...read, priority: 20 }, true))
        .responseBody;
    assert.equal(changed.priority, 20);
    assert.notEqual(changed.etag, read.etag);
    const listed = (await registry.getConfigurations()).responseBody;
    assert.ok(listed.some((configuration) => configuration.id === made.id));
    await registry.removeConfiguration(made.id);
    await assert.rejects(registry.getConfiguration(made.id));
});

test('targeted devices get the content, the higher priority wins, and removal takes it back', async (t) => {
    const { deviceId } = await createDevice(t);
    const mark = randomUUID();
    const targetCondition = `tags.mark='${mark}'`;
    const low = await createConfiguration(t, {
        content: { deviceContent: { 'properties.desired.speed': 1 } }, targetCondition, priority: 1,
    });
    const high = await createConfiguration(t, {
        content: { deviceContent: { 'properties.desired.speed': 2 } }, targetCondition, priority: 2,
    });
    await registry.updateTwin(deviceId, { tags: { mark } }, '*');
    const twin = await twinWhere(deviceId, (now) => now.properties.desired.speed === 2);
    assert.equal(twin.configurations[high.id].status, 'Applied');
    assert.equal(twin.configurations[low.id].status, 'Targeted');
    await registry.removeConfiguration(high.id);
    await twinWhere(deviceId, (now) => now.properties.desired.speed === 1);
    await registry.removeConfiguration(low.id);
    await twinWhere(deviceId, (now) => now.properties.desired.speed === undefined);
});

test('a connected device is told what a configuration sets', async (t) => {
    const device = await createDevice(t);
    const client = await openDevice(t, device);
    const twin = await within(client.getTwin(), 'getTwin');
    const patches = queue('desired patch');
    twin.on('properties.desired.level', (level) => patches.push(level));
    await createConfiguration(t, {
        content: { deviceContent: { 'properties.desired.level': 7 } },
        targetCondition: `deviceId='${device.deviceId}'`,
    });
    assert.equal(await patches.next(), 7);
});

test('content is applied to an edge device', async (t) => {
    const { deviceId } = await createDevice(t, { capabilities: { iotEdge: true } });
    await registry.applyConfigurationContentOnDevice(deviceId, {
        modulesContent: {
            $edgeAgent: { 'properties.desired': { modules: { camera: { type: 'docker' } } } },
            $edgeHub: { 'properties.desired': { routes: {} } },
            camera: { 'properties.desired': { rate: 5 } },
        },
    });
    const modules = (await registry.getModulesOnDevice(deviceId)).responseBody;
    assert.deepEqual(modules.map((module) => module.moduleId).sort(),
        ['$edgeAgent', '$edgeHub', 'camera']);
    const camera = (await registry.getModuleTwin(deviceId, 'camera')).responseBody;
    assert.equal(camera.properties.desired.rate, 5);
});
