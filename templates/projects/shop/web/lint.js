// Checks the syntax of every script of this folder: `npm run lint`. All are parsed in this process, which
// Node can do under --experimental-vm-modules; one with an error is shown again by `node --check`, which
// tells the line.
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { SourceTextModule } from 'node:vm';

function scripts(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === 'node_modules' || entry.name.startsWith('.')) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return scripts(path);
    return entry.name.endsWith('.js') ? [path] : [];
  });
}

function parses(path) {
  try {
    new SourceTextModule(readFileSync(path, 'utf8'), { identifier: path });
    return true;
  } catch {
    return false;
  }
}

const failed = scripts('.').filter((path) => !parses(path));
for (const path of failed) spawnSync(process.execPath, ['--check', path], { stdio: 'inherit' });
process.exit(failed.length > 0 ? 1 : 0);
