import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Instruction {
  readonly name: string;
  readonly text: string;
}

export interface Stage {
  readonly from: string;
  /** The last stage needs none. */
  readonly name: string | undefined;
  readonly instructions: readonly Instruction[];
}

/** Of the few instructions that ours have, each on a line. */
export function readDockerfile(file: string): Stage[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  const instructions = lines.flatMap((line): Instruction[] => {
    const [, name, text] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
    return name === undefined || text === undefined ? [] : [{ name, text }];
  });
  const stages: { from: string; name: string | undefined; instructions: Instruction[] }[] = [];
  for (const { name, text } of instructions) {
    const [from = '', , as] = text.split(' ');
    if (name === 'FROM') stages.push({ from, name: as, instructions: [] });
    else stages.at(-1)?.instructions.push({ name, text });
  }
  return stages;
}

/** Whether a path of the repository is left out by `.dockerignore`: the last pattern that matches decides. */
export function readIgnored(file: string): (path: string) => boolean {
  const rules = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => ({ isKept: line.startsWith('!'), pattern: patternOf(line.replace(/^!/, '')) }));
  return (path) => rules.findLast(({ pattern }) => pattern.test(path))?.isKept === false;
}

function patternOf(glob: string): RegExp {
  const escaped = glob.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  const source = escaped.replace('**/', '(?:.+/)?').replace(/(?<!\))\*/g, '[^/]*');
  return new RegExp(`^${source}(?:/.*)?$`);
}

/** Does in folders what Docker would do in layers: copies, and commands; all but the image that it begins with. */
export class StagesOnDisk {
  constructor(
    private readonly context: string,
    private readonly folder: string,
    private readonly isIgnored: (path: string) => boolean,
  ) {}

  /** @param prepare called before the first command, to save it what takes long. Returns the folder of the stage. */
  async build({ name = 'last', instructions }: Stage, prepare?: (folder: string) => Promise<void>): Promise<string> {
    const folder = join(this.folder, name);
    mkdirSync(folder, { recursive: true });
    for (const instruction of instructions) {
      if (instruction.name === 'COPY') this.#copy(instruction.text.split(' '), folder);
      if (instruction.name !== 'RUN') continue;
      await prepare?.(folder);
      await run('sh', ['-c', instruction.text], { cwd: folder, env: { ...process.env, NODE_OPTIONS: '' } });
    }
    return folder;
  }

  #copy(words: readonly string[], folder: string): void {
    const [, stage] = /^--from=(.*)$/.exec(words[0] ?? '') ?? [];
    const target = join(folder, words.at(-1) ?? '');
    if (stage === undefined) {
      const filter = (path: string) => !this.isIgnored(relative(this.context, path));
      for (const entry of readdirSync(this.context)) {
        const source = join(this.context, entry);
        if (filter(source)) cpSync(source, join(target, entry), { recursive: true, filter, verbatimSymlinks: true });
      }
      return;
    }
    for (const word of words.slice(1, -1)) {
      const source = join(this.folder, stage, word.replace('/inmesh', ''));
      if (!existsSync(source)) throw new Error(`COPY ${words.join(' ')}: there is no ${source}`);
      const isWhole = word === '/inmesh' || words.at(-1) !== './';
      cpSync(source, isWhole ? target : join(target, basename(source)), { recursive: true, verbatimSymlinks: true });
    }
  }
}
