import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/** As PEM. */
export interface Credentials {
  readonly cert: Buffer;
  readonly key: Buffer;
}

export interface Authority {
  readonly cert: Buffer;
  issue(name: string, purpose: 'server' | 'client'): Credentials;
}

const DAY_MS = 24 * 60 * 60_000;

/** The contents of object identifiers, as DER has them. */
const OBJECTS = {
  ecdsaWithSha256: '2a8648ce3d040302',
  commonName: '550403',
  subjectAlternativeName: '551d11',
  basicConstraints: '551d13',
  extendedKeyUsage: '551d25',
  server: '2b06010505070301',
  client: '2b06010505070302',
} as const;

function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const size = content.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

const sequence = (...contents: readonly Uint8Array[]): Buffer => der(0x30, ...contents);
const object = (name: keyof typeof OBJECTS): Buffer => der(0x06, Buffer.from(OBJECTS[name], 'hex'));
const bits = (bytes: Uint8Array): Buffer => der(0x03, Buffer.of(0), bytes);
const extension = (name: keyof typeof OBJECTS, value: Uint8Array): Buffer =>
  sequence(object(name), der(0x04, value));
const named = (name: string): Buffer =>
  sequence(der(0x31, sequence(object('commonName'), der(0x0c, Buffer.from(name)))));
const time = (milliseconds: number): Buffer =>
  der(0x17, Buffer.from(`${new Date(milliseconds).toISOString().replaceAll(/^..|[-:T]|\..*/g, '')}Z`));

const SIGNATURE = sequence(object('ecdsaWithSha256'));
const VERSION_3 = der(0xa0, der(0x02, Buffer.of(2)));
const IS_AUTHORITY = extension('basicConstraints', sequence(der(0x01, Buffer.of(0xff))));
/** `localhost` and 127.0.0.1. */
const LOOPBACK = extension(
  'subjectAlternativeName',
  sequence(der(0x82, Buffer.from('localhost')), der(0x87, Buffer.of(127, 0, 0, 1))),
);

interface Contents {
  readonly issuer: string;
  readonly subject: string;
  readonly key: KeyObject;
  readonly extensions: readonly Buffer[];
}

function certificate({ issuer, subject, key, extensions }: Contents, signer: KeyObject): Buffer {
  const now = Date.now();
  const content = sequence(
    VERSION_3,
    // Its first byte keeps it positive.
    der(0x02, Buffer.of(1), randomBytes(8)),
    SIGNATURE,
    named(issuer),
    sequence(time(now - DAY_MS), time(now + DAY_MS)),
    named(subject),
    key.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions)),
  );
  const whole = sequence(content, SIGNATURE, bits(sign('sha256', content, signer)));
  const lines = whole.toString('base64').match(/.{1,64}/g) ?? [];
  return Buffer.from(['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n'));
}

const newKeys = () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' });

/** A new authority; what it signs holds from yesterday to tomorrow, a server's for loopback. */
export function makeAuthority(): Authority {
  const own = newKeys();
  const issuer = 'test-authority';
  return {
    cert: certificate(
      { issuer, subject: issuer, key: own.publicKey, extensions: [IS_AUTHORITY] },
      own.privateKey,
    ),
    issue: (subject, purpose) => {
      const { publicKey: key, privateKey } = newKeys();
      const usage = extension('extendedKeyUsage', sequence(object(purpose)));
      const extensions = purpose === 'server' ? [LOOPBACK, usage] : [usage];
      return {
        cert: certificate({ issuer, subject, key, extensions }, own.privateKey),
        key: Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' })),
      };
    },
  };
}
