// Queries through Registry.createQuery, page by page.
'use strict';

const assert = require('node:assert/strict');
const { randomUUID } = require('node:crypto');
const test = require('node:test');

const { createDevice, registry } = require('./support');

// Devices with the same tag, so that tests do not see each other's.
async function createTagged(t, n) {
    const batch = randomUUID();
    for (let i = 0; i < n; i++) {
        const device = await createDevice(t);
        await registry.updateTwin(device.deviceId, { tags: { batch, number: i } }, '*');
    }
    return batch;
}

async function readPages(query, next) {
    const pages = [];
    while (query.hasMoreResults) {
        pages.push((await next(query)).result);
    }
    return pages;
}

test('pages come one after the other until there are no more', async (t) => {
    const batch = await createTagged(t, 5);
    const query = registry.createQuery(`SELECT * FROM devices WHERE tags.batch = '${batch}'`, 2);
    const pages = await readPages(query, (q) => q.nextAsTwin());
    assert.deepEqual(pages.map((page) => page.length), [2, 2, 1]);
    const numbers = pages.flat().map((twin) => twin.tags.number);
    assert.deepEqual(numbers.sort(), [0, 1, 2, 3, 4]);
});

test('a last page that is full is the last', async (t) => {
    const batch = await createTagged(t, 4);
    const query = registry.createQuery(`SELECT * FROM devices WHERE tags.batch = '${batch}'`, 2);
    const pages = await readPages(query, (q) => q.nextAsTwin());
    assert.deepEqual(pages.map((page) => page.length), [2, 2]);
});

test('projections and counts are rows of their own', async (t) => {
    const batch = await createTagged(t, 3);
    const rows = registry.createQuery(
        `SELECT deviceId, tags.number AS n FROM devices WHERE tags.batch = '${batch}' AND tags.number >= 1`);
    const { result } = await rows.next();
    assert.deepEqual(result.map((row) => row.n).sort(), [1, 2]);
    const count = registry.createQuery(
        `SELECT COUNT() AS total FROM devices WHERE tags.batch = '${batch}'`);
    assert.deepEqual((await count.next()).result, [{ total: 3 }]);
});

test('a query of nothing has one empty page', async () => {
    const query = registry.createQuery(`SELECT * FROM devices WHERE tags.batch = '${randomUUID()}'`);
    assert.deepEqual((await query.next()).result, []);
    assert.equal(query.hasMoreResults, false);
});

test('a query that is none is an argument error', async () => {
    await assert.rejects(registry.createQuery('SELECT * FROM').next(), { name: 'ArgumentError' });
});
