// Files: the device SDK uploads them to Azurite, and the hub tells the service.
'use strict';

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { createHash, randomBytes, randomUUID } = require('node:crypto');
const { mkdtempSync, readFileSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { Readable } = require('node:stream');
const { test } = require('node:test');
const { BlobServiceClient, BlockBlobClient, newPipeline, AnonymousCredential,
    StorageSharedKeyCredential } = require('@azure/storage-blob');
const { ConnectionString, SharedAccessSignature } = require('azure-iot-common');
const { Client } = require('azure-iot-device');
const { Mqtt } = require('azure-iot-device-mqtt');
const { connectionString, createDevice, host, openDevice, registry, within } =
    require('./support');

const FILES = `https://${host}/messages/serviceBound/filenotifications`;
const VERSION = 'api-version=2021-04-12';

// The account of every storage emulator, whose key is published.
const ACCOUNT = 'devstoreaccount1';
const KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';
const container = new BlobServiceClient(`https://${host}:10000/${ACCOUNT}`,
    new StorageSharedKeyCredential(ACCOUNT, KEY)).getContainerClient('uploads');

function serviceToken() {
    const cs = ConnectionString.parse(connectionString);
    const expiry = Math.ceil(Date.now() / 1000) + 600;
    return SharedAccessSignature.create(host, cs.SharedAccessKeyName, cs.SharedAccessKey, expiry)
        .toString();
}

// What the hub tells of that device's file; the service SDK itself reads it over AMQP only.
async function notificationOf(deviceId) {
    const headers = { Authorization: serviceToken() };
    for (;;) {
        const answer = await fetch(`${FILES}?${VERSION}`, { headers });
        assert.equal(answer.status, 200, `${deviceId}: no notification`);
        const lock = answer.headers.get('etag').replaceAll('"', '');
        const notification = await answer.json();
        const done = await fetch(`${FILES}/${lock}?${VERSION}`, { method: 'DELETE', headers });
        assert.equal(done.status, 204);
        if (notification.deviceId === deviceId) {
            return notification;
        }
    }
}

async function expectStored(deviceId, name, data) {
    const blob = container.getBlobClient(`${deviceId}/${name}`);
    const stored = await blob.downloadToBuffer();
    const digest = (bytes) => createHash('sha256').update(bytes).digest('hex');
    assert.equal(digest(stored), digest(data));
    const told = await notificationOf(deviceId);
    assert.equal(told.blobName, `${deviceId}/${name}`);
    assert.equal(told.blobSizeInBytes, data.length);
    assert.equal(told.blobUri, `${container.url}/${deviceId}/${name}`);
    const { lastModified } = await blob.getProperties();
    assert.equal(Date.parse(told.lastUpdatedTime), lastModified.getTime());
    assert.ok(Math.abs(Date.parse(told.enqueuedTimeUtc) - Date.now()) < 60000);
}

for (const size of [1, 9000000]) {
    test(`uploadToBlob with ${size} bytes`, async (t) => {
        const identity = await createDevice(t);
        const client = await openDevice(t, identity);
        const data = randomBytes(size);
        await within(client.uploadToBlob('mye2edir/e2eblob', Readable.from([data]), size),
            'uploadToBlob');
        await expectStored(identity.deviceId, 'mye2edir/e2eblob', data);
    });
}

test('a place, a blob client, and the end of the upload', async (t) => {
    const identity = await createDevice(t);
    const client = await openDevice(t, identity);
    const data = randomBytes(1000);
    const place = await within(client.getBlobSharedAccessSignature('a/b.bin'), 'a place');
    assert.equal(place.blobName, `${identity.deviceId}/a/b.bin`);
    const url = `https://${place.hostName}/${place.containerName}/${place.blobName}${place.sasToken}`;
    const blob = new BlockBlobClient(url, newPipeline(new AnonymousCredential()));
    const { _response } = await within(blob.uploadData(data), 'uploadData');
    assert.equal(_response.status, 201);
    await within(client.notifyBlobUploadStatus(place.correlationId, true, _response.status,
        'done'), 'notifyBlobUploadStatus');
    await expectStored(identity.deviceId, 'a/b.bin', data);
});

test('an upload that failed, and one that never was', async (t) => {
    const identity = await createDevice(t);
    const client = await openDevice(t, identity);
    const place = await within(client.getBlobSharedAccessSignature('a'), 'a place');
    await within(client.notifyBlobUploadStatus(place.correlationId, false, 403, 'no'),
        'notifyBlobUploadStatus');
    await assert.rejects(
        within(client.notifyBlobUploadStatus(place.correlationId, true, 200, 'yes'), 'the end'),
        { message: 'Bad Request' });
});

test('the eleventh upload at once', async (t) => {
    const identity = await createDevice(t);
    const client = await openDevice(t, identity);
    for (let i = 0; i < 10; i++) {
        await within(client.getBlobSharedAccessSignature(`b${i}`), 'a place');
    }
    await assert.rejects(within(client.getBlobSharedAccessSignature('b10'), 'a place'),
        (err) => /DeviceMaximumActiveFileUploadLimitExceeded/.test(err.responseBody));
});

test('uploadToBlob of a device with a certificate', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'iothub-upload-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const deviceId = `node-${randomUUID()}`;
    const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt',
        'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyFile, '-out', certFile, '-days',
        '2', '-subj', `/CN=${deviceId}`], { stdio: 'ignore' });
    const print = execFileSync('openssl', ['x509', '-in', certFile, '-noout', '-fingerprint',
        '-sha256'], { encoding: 'utf8' }).split('=')[1].trim().replaceAll(':', '');
    await registry.create({ deviceId, authentication: { type: 'selfSigned',
        x509Thumbprint: { primaryThumbprint: print, secondaryThumbprint: print } } });
    const client = Client.fromConnectionString(`HostName=${host};DeviceId=${deviceId};x509=true`,
        Mqtt);
    t.after(async () => {
        await within(client.close(), 'close', 5000).catch(() => {});
        await registry.delete(deviceId);
    });
    await client.setOptions({ cert: readFileSync(certFile, 'utf8'),
        key: readFileSync(keyFile, 'utf8') });
    await within(client.open(), 'open');
    const data = randomBytes(100);
    await within(client.uploadToBlob('file', Readable.from([data]), data.length), 'uploadToBlob');
    await expectStored(deviceId, 'file', data);
});
