// Certificates for devices, made by openssl; the emulator trusts the CA in IOTHUB_DEVICE_CA_FOLDER.
'use strict';

const { execFileSync } = require('node:child_process');
const { X509Certificate } = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const ca = process.env.IOTHUB_DEVICE_CA_FOLDER;

function openssl(...args) {
    return execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] });
}

function newFolder(t) {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'iothub-certificate-'));
    t.after(() => fs.rmSync(folder, { recursive: true }));
    return folder;
}

function read(folder, name) {
    return fs.readFileSync(path.join(folder, name), 'utf8');
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

// A slash would begin the next part of a subject.
function subject(name) {
    return ['-subj', `/CN=${name.replaceAll('/', '\\/')}`];
}

// {cert, key} as the SDK's options want them, and the thumbprint for the registry.
function selfSignedCertificate(t, name) {
    const folder = newFolder(t);
    openssl('req', '-x509', ...NEW_KEY, ...subject(name), '-days', '2',
        '-keyout', path.join(folder, 'key.pem'), '-out', path.join(folder, 'cert.pem'));
    const cert = read(folder, 'cert.pem');
    return {
        cert,
        key: read(folder, 'key.pem'),
        thumbprint: new X509Certificate(cert).fingerprint.replaceAll(':', ''),
    };
}

// Has the CA in `by` sign a certificate for the name, in `folder`.
function sign(folder, by, name, extension) {
    const at = (file) => path.join(folder, file);
    fs.writeFileSync(at('extension'), extension);
    openssl('req', ...NEW_KEY, ...subject(name), '-keyout', at('key.pem'), '-out', at('request.pem'));
    openssl('x509', '-req', '-in', at('request.pem'), '-days', '2', '-extfile', at('extension'),
        '-CA', path.join(by, 'cert.pem'), '-CAkey', path.join(by, 'key.pem'), '-CAcreateserial',
        '-CAserial', at('serial'), '-out', at('cert.pem'));
}

// {cert, key} of a certificate that leads to the CA, with one in between if that has a name.
function chainCertificate(t, name, between) {
    let by = ca;
    let rest = '';
    if (between !== undefined) {
        by = newFolder(t);
        sign(by, ca, between, 'basicConstraints=critical,CA:TRUE\n');
        rest = read(by, 'cert.pem');
    }
    const folder = newFolder(t);
    sign(folder, by, name, 'basicConstraints=CA:FALSE\nextendedKeyUsage=clientAuth\n');
    return { cert: read(folder, 'cert.pem') + rest, key: read(folder, 'key.pem') };
}

module.exports = { chainCertificate, selfSignedCertificate };
