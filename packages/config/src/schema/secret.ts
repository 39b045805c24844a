import { isRecord } from '../objects.js';
import { anything, checked, type ObjectOf, text } from './field.js';

/** What is wrong is said without the value: not only those of private keys are secret. */
const values = checked<Readonly<Record<string, unknown>>>((value) =>
  isRecord(value) ? undefined : 'should be a mapping',
);

/** Which values are read, and how, is a matter of `secrets/`: most Secrets are no certificates. */
export const secretFields = {
  type: text(),
  data: values,
  stringData: values,
  immutable: anything,
  /** Of SOPS, which encrypts the values. */
  sops: anything,
};

export type Secret = ObjectOf<typeof secretFields>;
