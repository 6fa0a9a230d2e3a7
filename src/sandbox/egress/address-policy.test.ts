import { networkInterfaces } from 'node:os';
import { expect, test } from 'vitest';
import { createAddressPolicy, isNetwork } from './address-policy.js';

const isAllowed = createAddressPolicy([]);

test.each(['1.1.1.1', '93.184.216.34', '172.15.0.1', '172.32.0.1', '2606:4700::1111', '2a00:1450::1'])(
  '%s is public',
  (address) => {
    expect(isAllowed(address)).toBe(true);
  },
);

test.each([
  '0.0.0.0',
  '10.0.0.1',
  '100.64.0.1',
  '100.100.100.200',
  '127.0.0.1',
  '127.255.255.254',
  '168.63.129.16',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.192',
  '192.168.1.1',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:127.0.0.1',
  '::ffff:8.8.8.8',
  '::127.0.0.1',
  '64:ff9b::a9fe:a9fe',
  '64:ff9b:1::1',
  '100::1',
  '2001::1',
  '2001:db8::1',
  '2002:7f00:1::1',
  'fc00::1',
  'fd00:ec2::254',
  'fe80::1',
  'fe80::1%lo',
  '2606:4700::1111%lo',
  'ff02::1',
  'localhost',
  '0x7f.1',
  '',
])('%j is not', (address) => {
  expect(isAllowed(address)).toBe(false);
});

test("this machine's own addresses are not, whatever they are", () => {
  const own = Object.values(networkInterfaces()).flatMap((found) =>
    (found ?? []).map(({ address }) => address),
  );
  expect(own.length).toBeGreaterThan(0);
  expect(own.filter(isAllowed)).toEqual([]);
});

test('named networks are allowed, and nothing beside them', () => {
  const allows = createAddressPolicy(['10.1.0.0/16', '127.0.0.2', 'fd12::/16']);
  expect(['10.1.2.3', '127.0.0.2', 'fd12::1', '1.1.1.1'].map(allows)).toEqual([true, true, true, true]);
  expect(['10.2.0.1', '127.0.0.1', 'fd13::1', '::ffff:10.2.0.1'].map(allows)).toEqual([
    false,
    false,
    false,
    false,
  ]);
});

test.each(['10.0.0.0/8', '127.0.0.1', '::1', 'fd00::/8', '0.0.0.0/0'])('%s is a network', (text) => {
  expect(isNetwork(text)).toBe(true);
});

test.each(['', '10.0.0.0/33', '10.0.0/8', 'localhost', '::1/129', 'fe80::1%lo/64', '10.0.0.0/8/8', '/8'])(
  '%j is no network',
  (text) => {
    expect(isNetwork(text)).toBe(false);
  },
);
