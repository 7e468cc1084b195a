// Ways to prove who one is: keys, tokens and certificates, of devices and of modules.
'use strict';

const assert = require('node:assert/strict');
const test = require('node:test');
const { NoRetry, SharedAccessSignature, errors } = require('azure-iot-common');
const { Client, Message, ModuleClient, X509AuthenticationProvider } = require('azure-iot-device');

const { chainCertificate, selfSignedCertificate } = require('./certificates');
const {
    createDevice, createModule, deviceString, events, host, keepClient, transports, within,
} = require('./support');

const SELF_SIGNED = (certificate) => ({
    type: 'selfSigned',
    x509Thumbprint: { primaryThumbprint: certificate.thumbprint, secondaryThumbprint: null },
});

function clientOf(identity) {
    return identity.moduleId === undefined ? Client : ModuleClient;
}

function token(identity, seconds = 3600) {
    const module = identity.moduleId === undefined ? '' : `/modules/${identity.moduleId}`;
    return SharedAccessSignature.create(`${host}/devices/${identity.deviceId}${module}`, null,
        identity.authentication.symmetricKey.primaryKey,
        Math.floor(Date.now() / 1000) + seconds).toString();
}

// A client of the device, or of a module on it, that was not opened yet.
const ways = {
    'a key': (identity, transport) =>
        clientOf(identity).fromConnectionString(deviceString(identity), transport),
    'the second key': (identity, transport) =>
        clientOf(identity).fromConnectionString(deviceString(identity).replace(/SharedAccessKey=.*/,
            `SharedAccessKey=${identity.authentication.symmetricKey.secondaryKey}`), transport),
    'a token': (identity, transport) =>
        clientOf(identity).fromSharedAccessSignature(token(identity), transport),
};

// Connects, sends, and gives the annotations of what arrived.
async function say(t, client, deviceId) {
    keepClient(t, client);
    client.setRetryPolicy(new NoRetry());
    await within(client.open(), 'open');
    await within(client.sendEvent(new Message('hello')), 'sendEvent');
    const [event] = await events(deviceId, 1);
    assert.equal(event.body, 'hello');
    return event.annotations;
}

function method(annotations) {
    const { scope, type } = JSON.parse(annotations['iothub-connection-auth-method']);
    return `${scope} ${type}`;
}

for (const [name, transport] of Object.entries(transports)) {
    for (const [way, make] of Object.entries(ways)) {
        test(`${name}: a device connects with ${way}`, async (t) => {
            const device = await createDevice(t);
            const annotations = await say(t, make(device, transport), device.deviceId);
            assert.equal(annotations['iothub-connection-device-id'], device.deviceId);
            assert.equal(annotations['iothub-connection-module-id'], undefined);
            assert.equal(method(annotations), 'device sas');
        });

        test(`${name}: a module connects with ${way}`, async (t) => {
            const device = await createDevice(t);
            const module = await createModule(device.deviceId, 'm1');
            const annotations = await say(t, make(module, transport), device.deviceId);
            assert.equal(annotations['iothub-connection-device-id'], device.deviceId);
            assert.equal(annotations['iothub-connection-module-id'], 'm1');
            assert.equal(method(annotations), 'module sas');
        });
    }

    // A device that shows a certificate.
    const certified = async (identity, certificate) => {
        const client = Client.fromConnectionString(
            `HostName=${host};DeviceId=${identity.deviceId};x509=true`, transport);
        await client.setOptions(certificate);
        return client;
    };

    // A module has no connection string for that in this SDK.
    const certifiedModule = ({ deviceId, moduleId }, x509) => ModuleClient.fromAuthenticationProvider(
        new X509AuthenticationProvider({ host, deviceId, moduleId, x509 }), transport);

    test(`${name}: a device connects with a certificate of its own`, async (t) => {
        const certificate = selfSignedCertificate(t, 'anything');
        const device = await createDevice(t, { authentication: SELF_SIGNED(certificate) });
        const client = await certified(device, certificate);
        assert.equal(method(await say(t, client, device.deviceId)), 'device x509');
    });

    test(`${name}: another certificate is unauthorized`, async (t) => {
        const registered = selfSignedCertificate(t, 'registered');
        const shown = selfSignedCertificate(t, 'shown');
        const device = await createDevice(t, { authentication: SELF_SIGNED(registered) });
        const client = await certified(device, shown);
        client.setRetryPolicy(new NoRetry());
        await assert.rejects(within(client.open(), 'open'), errors.UnauthorizedError);
    });

    test(`${name}: a device connects with a certificate that the CA has signed`, async (t) => {
        const device = await createDevice(t, { authentication: { type: 'certificateAuthority' } });
        const client = await certified(device, chainCertificate(t, device.deviceId));
        assert.equal(method(await say(t, client, device.deviceId)), 'device x509');
    });

    test(`${name}: a device connects with a chain of certificates`, async (t) => {
        const device = await createDevice(t, { authentication: { type: 'certificateAuthority' } });
        const client = await certified(device, chainCertificate(t, device.deviceId, 'line 7'));
        assert.equal(method(await say(t, client, device.deviceId)), 'device x509');
    });

    test(`${name}: a signed certificate for another device is unauthorized`, async (t) => {
        const device = await createDevice(t, { authentication: { type: 'certificateAuthority' } });
        const client = await certified(device, chainCertificate(t, 'somebody-else'));
        client.setRetryPolicy(new NoRetry());
        await assert.rejects(within(client.open(), 'open'), errors.UnauthorizedError);
    });

    test(`${name}: a module connects with certificates of both kinds`, async (t) => {
        const own = selfSignedCertificate(t, 'a module');
        const device = await createDevice(t);
        const first = await createModule(device.deviceId, 'm1', { authentication: SELF_SIGNED(own) });
        const second = await createModule(device.deviceId, 'm2',
            { authentication: { type: 'certificateAuthority' } });
        const signed = chainCertificate(t, `${device.deviceId}/m2`);
        for (const client of [certifiedModule(first, own), certifiedModule(second, signed)]) {
            assert.equal(method(await say(t, client, device.deviceId)), 'module x509');
        }
        const [, event] = await events(device.deviceId, 2);
        assert.equal(event.moduleId, 'm2');
    });
}
