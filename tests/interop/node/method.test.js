// Direct methods.
'use strict';

const assert = require('node:assert/strict');
const test = require('node:test');

const { createDevice, createModule, onMethod, openDevice, service, transports } = require('./support');

async function invoke(deviceId, params) {
    return (await service.invokeDeviceMethod(deviceId, params)).result;
}

for (const [name, transport] of Object.entries(transports)) {
    test(`${name}: payloads of every kind go there and come back`, async (t) => {
        const device = await createDevice(t);
        const client = await openDevice(t, device, transport);
        await onMethod(client, 'echo', (request, response) => {
            response.send(299, request.payload, assert.ifError);
        });
        const payloads = [null, '', 'foo', 0, 1.5, true, {}, { k1: 'v1', nested: { a: [1, 2] } }, [1, 'é']];
        for (const payload of payloads) {
            const answer = await invoke(device.deviceId, { methodName: 'echo', payload });
            assert.equal(answer.status, 299);
            assert.deepEqual(answer.payload, payload);
        }
    });
}

test('a call without payload is answered without one', async (t) => {
    const device = await createDevice(t);
    const client = await openDevice(t, device);
    await onMethod(client, 'ping', (request, response) => response.send(200, assert.ifError));
    const answer = await invoke(device.deviceId, { methodName: 'ping' });
    assert.equal(answer.status, 200);
    assert.equal(answer.payload, null);
});

test('many calls at once find their answers', async (t) => {
    const device = await createDevice(t);
    const client = await openDevice(t, device);
    await onMethod(client, 'echo', (request, response) => {
        setTimeout(() => response.send(200, request.payload, assert.ifError), 20 - request.payload);
    });
    const numbers = Array.from({ length: 20 }, (_, i) => i);
    const answers = await Promise.all(numbers.map(
        (payload) => invoke(device.deviceId, { methodName: 'echo', payload })));
    assert.deepEqual(answers.map((answer) => answer.payload), numbers);
});

test('a module is called by its own name', async (t) => {
    const device = await createDevice(t);
    const module = await createModule(device.deviceId, 'm1');
    const client = await openDevice(t, module);
    await new Promise((resolve, reject) => {
        client.onMethod('echo', (request, response) => {
            response.send(400, request.payload, assert.ifError);
        });
        client.getTwin((err) => (err ? reject(err) : resolve()));
    });
    const { result } = await service.invokeDeviceMethod(device.deviceId, 'm1',
        { methodName: 'echo', payload: 'x' });
    assert.equal(result.status, 400);
    assert.equal(result.payload, 'x');
});

test('a device that is not there has the errors that applications look for', async (t) => {
    const device = await createDevice(t);
    // Both are plain errors for this SDK, which looks for names where the hub writes numbers.
    const is = (code) => (err) => {
        assert.equal(err.response.statusCode, 404);
        assert.match(err.responseBody, new RegExp(code));
        return true;
    };
    await assert.rejects(invoke('nobody-at-all', { methodName: 'x' }), is('404001'));
    await assert.rejects(invoke(device.deviceId, { methodName: 'x' }), is('404103'));
});

test('a device that does not answer is a gateway time-out', async (t) => {
    const device = await createDevice(t);
    const client = await openDevice(t, device);
    await onMethod(client, 'silence', () => {});
    await assert.rejects(
        invoke(device.deviceId, { methodName: 'silence', responseTimeoutInSeconds: 5 }),
        { name: 'GatewayTimeoutError' });
});

test('a call waits for a device that comes', async (t) => {
    const device = await createDevice(t);
    const call = invoke(device.deviceId, {
        methodName: 'late', connectTimeoutInSeconds: 20, responseTimeoutInSeconds: 30,
    });
    const client = await openDevice(t, device);
    await onMethod(client, 'late', (request, response) => {
        response.send(200, 'here', assert.ifError);
    });
    assert.equal((await call).payload, 'here');
});
