import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MeshObject, type MeshSize, podsOf, rulesOf, sliceOf } from './mesh-objects.js';
import type { ChangeName, MeshSource } from './mesh-source.js';
import { nowMs } from './messages.js';

/** Two files for each service: what it is with its rules, and where it is. */
export class FolderSource implements MeshSource {
  readonly name = 'folder';
  readonly place = mkdtempSync(join(tmpdir(), 'inmesh-bench-'));
  readonly begin = 'save';
  readonly remark = 'Of each change some 100 ms are the wait of the folder for the next one.';

  constructor(private readonly size: MeshSize) {
    mkdirSync(this.place, { recursive: true });
    for (let index = 0; index < size.services; index += 1) {
      this.#writeRules(index, 50);
      this.#writeEndpoints(index, 0);
    }
  }

  async change(name: ChangeName, round: number): Promise<number> {
    const savedAt = nowMs();
    if (name === 'one endpoint') this.#writeEndpoints(0, round);
    else this.#writeRules(0, 50 - round);
    return savedAt;
  }

  async measureObjects(): Promise<undefined> {}

  async close(): Promise<void> {
    rmSync(this.place, { recursive: true });
  }

  #writeRules(index: number, weight: number): void {
    this.#write(`s${index}-rules`, rulesOf(index, weight));
  }

  #writeEndpoints(index: number, generation: number): void {
    const { endpointsOfService } = this.size;
    const slice = sliceOf(index, endpointsOfService, generation);
    this.#write(`s${index}-endpoints`, [slice, ...podsOf(index, endpointsOfService, generation)]);
  }

  /** JSON is YAML, too. */
  #write(name: string, objects: readonly MeshObject[]): void {
    const text = objects.map((object) => JSON.stringify(object)).join('\n---\n');
    writeFileSync(join(this.place, `${name}.yaml`), `${text}\n`);
  }
}
