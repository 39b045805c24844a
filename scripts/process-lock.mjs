// Lets one process at a time do something: the one that managed to create a folder.
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Runs `work` while no other process does so under the same folder. A folder left by a process that died is taken over. */
export async function withProcessLock(folder, work) {
  fs.mkdirSync(path.dirname(folder), { recursive: true });
  while (!tryAcquire(folder)) {
    if (isAbandoned(folder)) fs.rmSync(folder, { recursive: true, force: true });
    else await sleep(200);
  }
  try {
    return await work();
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

function tryAcquire(folder) {
  try {
    fs.mkdirSync(folder);
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
  fs.writeFileSync(path.join(folder, 'pid'), String(process.pid));
  return true;
}

function isAbandoned(folder) {
  try {
    const pid = Number(fs.readFileSync(path.join(folder, 'pid'), 'utf8'));
    // An empty file belongs to an owner that is about to write its number.
    return pid > 0 && !isAlive(pid);
  } catch {
    return isOlderThan(folder, 10_000);
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function isOlderThan(folder, milliseconds) {
  const stats = fs.statSync(folder, { throwIfNoEntry: false });
  return stats !== undefined && Date.now() - stats.mtimeMs > milliseconds;
}
