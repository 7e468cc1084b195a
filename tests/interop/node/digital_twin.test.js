// Plug and Play through azure-iothub's DigitalTwinClient.
'use strict';

const assert = require('node:assert/strict');
const test = require('node:test');
const { DigitalTwinClient, IoTHubTokenCredentials } = require('azure-iothub');

const {
    connectionString, createDevice, onMethod, openDevice, queue, transports, within,
} = require('./support');

const model = 'dtmi:com:example:TemperatureController;1';
const digitalTwins = new DigitalTwinClient(new IoTHubTokenCredentials(connectionString));

function openWithModel(t, identity) {
    return openDevice(t, identity, transports.Mqtt, { modelId: model });
}

test('the model and writable properties show in the digital twin', async (t) => {
    const device = await createDevice(t);
    const client = await openWithModel(t, device);
    const twin = await within(client.getTwin(), 'getTwin');
    const wishes = queue('desired patch');
    twin.on('properties.desired.targetTemperature', (value) => wishes.push(value));
    await digitalTwins.updateDigitalTwin(device.deviceId,
        [{ op: 'add', path: '/targetTemperature', value: 42 }]);
    assert.equal(await wishes.next(), 42);
    await new Promise((resolve, reject) => {
        twin.properties.reported.update(
            { targetTemperature: { value: 42, ac: 200, av: 2, ad: 'ok' } },
            (err) => (err ? reject(err) : resolve()));
    });
    const document = (await digitalTwins.getDigitalTwin(device.deviceId));
    const body = document.body ?? document;
    assert.equal(body.$dtId, device.deviceId);
    assert.equal(body.$metadata.$model, model);
    assert.equal(body.targetTemperature, 42);
    assert.equal(body.$metadata.targetTemperature.ackCode, 200);
    assert.equal(body.$metadata.targetTemperature.desiredValue, 42);
});

test('commands reach the device, also those of a component', async (t) => {
    const device = await createDevice(t);
    const client = await openWithModel(t, device);
    await onMethod(client, 'reboot', (request, response) => {
        response.send(202, { delay: request.payload }, () => {});
    });
    await onMethod(client, 'thermostat1*getMaxMinReport', (request, response) => {
        response.send(200, { since: request.payload }, () => {});
    });
    const root = await digitalTwins.invokeCommand(device.deviceId, 'reboot', 3);
    assert.deepEqual(root.body ?? root.payload ?? root, { delay: 3 });
    const component = await digitalTwins.invokeComponentCommand(device.deviceId, 'thermostat1',
        'getMaxMinReport', '2026-01-01T00:00:00Z');
    assert.deepEqual(component.body ?? component.payload ?? component,
        { since: '2026-01-01T00:00:00Z' });
});
