import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { toolchainFolder } from './paths.mjs';
import { say } from './progress.mjs';

const pollMs = 300;

/**
 * One set-up at a time in a folder: two would write over each other's node_modules and dist. A lock whose holder was
 * killed is taken over.
 * @template T
 * @param {() => Promise<T>} work
 * @param {string} [folder]
 * @returns {Promise<T>}
 */
export async function withLock(work, folder = toolchainFolder) {
  const path = join(folder, 'setup.lock');
  mkdirSync(folder, { recursive: true });
  let told = false;
  while (!take(path)) {
    if (!told)
      say(`another set-up is at work here (process ${readLock(path)?.split(' ')[0] ?? '?'}), waiting for it`);
    told = true;
    await delay(pollMs);
  }
  const release = () => rmSync(path, { force: true });
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.off('exit', release);
    release();
  }
}

/** @param {string} path */
function take(path) {
  const own = `${path}.${process.pid}`;
  writeFileSync(own, identity(process.pid));
  try {
    // A link appears whole or not at all, and never replaces one that is there.
    linkSync(own, path);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    dropIfAbandoned(path);
    return false;
  } finally {
    rmSync(own, { force: true });
  }
}

/** @param {string} path */
function dropIfAbandoned(path) {
  const seen = readLock(path);
  if (seen === undefined) return;
  // Empty after a loss of power: it had been linked whole, but nothing of it had reached the disk.
  if (seen !== '' && seen === identity(Number(seen.split(' ')[0]))) return;
  const aside = `${path}.abandoned-${process.pid}`;
  try {
    renameSync(path, aside);
    // Another waiter may have dropped it and taken the lock in between: then it goes back.
    if (readFileSync(aside, 'utf8') !== seen) linkSync(aside, path);
  } catch {
    // Somebody else was quicker at either step; the next turn looks again.
  }
  rmSync(aside, { force: true });
}

/** @param {string} path */
function readLock(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/**
 * The number of a process and when it began, since numbers are used again; empty for one that is gone.
 * @param {number} pid
 */
function identity(pid) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code !== 'EPERM') return '';
  }
  if (process.platform !== 'linux') return `${pid}`;
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ');
    return `${pid} ${fields[19]}`;
  } catch {
    return '';
  }
}
