// A device made with MQTT.js; play.sh says what it does.
'use strict';

const { readFileSync } = require('node:fs');

let mqtt;
try {
    mqtt = require('mqtt');
} catch {
    console.error('MQTT.js is not installed');
    process.exit(77);
}

const [host, port, caFile, deviceId, password] = process.argv.slice(2);
const messages = `devices/${deviceId}/messages/devicebound/`;
const methods = '$iothub/methods/POST/';
const properties =
    'alert=true&place=a%20b%2Fc%26d&%24.ct=application%2Fjson&%24.ce=utf-8&%24.mid=m%201';

function fail(why) {
    console.error(why);
    process.exit(1);
}

const client = mqtt.connect({
    protocol: 'mqtts',
    protocolVersion: 4,
    host,
    port: Number(port),
    ca: readFileSync(caFile),
    clientId: deviceId,
    username: `${host}/${deviceId}/?api-version=2021-04-12`,
    password,
    reconnectPeriod: 0,
});

client.on('error', fail);

client.on('connect', async () => {
    const filters = [messages, methods, '$iothub/twin/res/', '$iothub/twin/PATCH/properties/desired/'];
    const grants = await client.subscribeAsync(filters.map((filter) => `${filter}#`), { qos: 1 });
    if (grants.some(({ qos }) => qos !== 1)) {
        fail('not granted');
    }
    console.log('subscribed');
    await client.publishAsync(`devices/${deviceId}/messages/events/${properties}`,
        '{"temperature":21.5}', { qos: 1 });
    await client.publishAsync('$iothub/twin/GET/?$rid=1', '');
    await client.publishAsync('$iothub/twin/PATCH/properties/reported/?$rid=2',
        '{"colour":"blue"}', { qos: 1 });
});

client.on('message', (topic, payload) => {
    console.log(`${topic} ${payload}`);
    if (topic.startsWith(methods)) {
        const rid = topic.split('$rid=')[1];
        client.publish(`$iothub/methods/res/299/?$rid=${rid}`, payload, { qos: 1 });
    } else if (topic.startsWith(messages)) {
        client.end();
    }
});
