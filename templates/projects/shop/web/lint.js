// Checks the syntax of every script of this folder: `npm run lint`.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

function scripts(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === 'node_modules' || entry.name.startsWith('.')) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return scripts(path);
    return entry.name.endsWith('.js') ? [path] : [];
  });
}

const failed = scripts('.').filter(
  (path) => spawnSync(process.execPath, ['--check', path], { stdio: 'inherit' }).status !== 0,
);
if (failed.length > 0) console.error(`scripts with errors: ${failed.join(', ')}`);
process.exit(failed.length > 0 ? 1 : 0);
