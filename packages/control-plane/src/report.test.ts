import type { Issue } from '@inmesh/config';
import { describe, expect, it } from 'vitest';
import { type ConfigState, initialState, type ServedConfig } from './config-state.js';
import { StateReport } from './report.js';

function issueIn(file: string): Issue {
  return {
    severity: 'error',
    file,
    line: 3,
    column: 5,
    object: 'Service a',
    field: 'spec',
    message: 'is wrong',
  } as Issue;
}

const noResources = { listeners: new Map(), routes: new Map(), clusters: new Map(), assignments: new Map() };

function started() {
  const lines: string[] = [];
  const log = (line: string) => lines.push(line);
  const report = new StateReport({ info: log, warn: log, error: log });
  const write = (state: Partial<ConfigState>, texts?: Record<string, string>) => {
    const files = texts && Object.entries(texts).map(([path, text]) => ({ path, text }));
    const refused = report.write({ ...initialState, ...state }, files);
    return { lines: lines.splice(0), refused };
  };
  return { write };
}

describe('The report', () => {
  it('writes an issue again when its own file was saved, not when another was', () => {
    const { write } = started();
    const state = { issues: [issueIn('a.yaml')], refused: ['a.yaml'] };
    expect(write(state, { 'a.yaml': 'x', 'b.yaml': '1' })).toEqual({
      lines: [expect.stringMatching(/^a\.yaml:3:5: error: /)],
      refused: 1,
    });
    expect(write(state, { 'a.yaml': 'x', 'b.yaml': '2' })).toEqual({ lines: [], refused: 0 });
    expect(write(state, { 'a.yaml': 'y', 'b.yaml': '2' }).lines).toHaveLength(1);
    expect(write({}, { 'a.yaml': 'good', 'b.yaml': '2' })).toEqual({ lines: [], refused: 0 });
    expect(write(state, { 'a.yaml': 'y', 'b.yaml': '2' }).lines).toHaveLength(1);
  });

  it('says of each bad save that it is refused, and when the file is mended', () => {
    const { write } = started();
    const served = { resources: noResources } as unknown as ServedConfig;
    const bad = { served, refused: ['a.yaml'] };
    const refused = 'refused a.yaml: the last good content, if there was one, stays in use';
    expect(write({ served }, { 'a.yaml': '1', 'b.yaml': '1' }).lines).toEqual([expect.stringMatching(/^published /)]);
    expect(write(bad, { 'a.yaml': 'x', 'b.yaml': '1' }).lines).toEqual([refused]);
    expect(write(bad, { 'a.yaml': 'y', 'b.yaml': '1' }).lines).toEqual([refused]);
    expect(write(bad, { 'a.yaml': 'y', 'b.yaml': '2' }).lines).toEqual([]);
    expect(write({ served }, { 'a.yaml': '1', 'b.yaml': '2' }).lines).toEqual(['a.yaml is accepted again']);
    expect(write(bad, { 'a.yaml': 'y', 'b.yaml': '2' }).lines).toEqual([refused]);
    expect(write({ served }, { 'b.yaml': '2' }).lines).toEqual([]);
  });

  it('writes once that the files cannot be read', () => {
    const { write } = started();
    expect(write({ sourceErrors: ['ENOENT'] }).lines).toEqual(['the configuration cannot be read: ENOENT']);
    expect(write({ sourceErrors: ['ENOENT'] }).lines).toEqual([]);
    expect(write({ sourceErrors: ['ENOENT', 'EACCES'] }).lines).toEqual(['the configuration cannot be read: EACCES']);
    expect(write({ sourceErrors: ['EACCES'] }).lines).toEqual([]);
  });

  it('writes why nothing was published although the files are right', () => {
    const { write } = started();
    const state = { inconsistencies: ['Cluster "a": name: is missing'] };
    expect(write(state, {}).lines).toEqual(['the configuration is not published: Cluster "a": name: is missing']);
    expect(write(state, {}).lines).toEqual([]);
  });
});
