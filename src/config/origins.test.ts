import { expect, test } from 'vitest';
import { areOrigins, originsOf } from './origins.js';

test.each([
  ['https://chat.example.org', ['https://chat.example.org']],
  ['https://Chat.Example.org/', ['https://chat.example.org']],
  ['https://x.example:443, http://x.example:80', ['https://x.example', 'http://x.example']],
  ['http://127.0.0.1:5173', ['http://127.0.0.1:5173']],
  ['app://desktop', ['app://desktop']],
  ['chrome-extension://abcdef', ['chrome-extension://abcdef']],
  [' , ', []],
])('%s is compared as a browser writes it', (text, origins) => {
  expect([areOrigins(text), originsOf(text)]).toEqual([true, origins]);
});

test.each([
  'chat.example.org',
  'chat.example.org:8080',
  'https:chat.example.org',
  'https://chat.example.org/app',
  'https://chat.example.org/?a',
  'https://user@chat.example.org',
  'https://',
  'null',
  '*',
])('%s is no origin that a browser sends', (text) => {
  expect(areOrigins(text)).toBe(false);
});
