import { describe, expect, it } from 'vitest';
import { fieldSupport, supportedMessages } from './field-support.js';

describe('the table of supported fields', () => {
  it.each(supportedMessages.map(({ schema }) => [schema.typeName, schema] as const))(
    'names every field of %s, and no other',
    (typeName, schema) => {
      expect(Object.keys(fieldSupport[typeName] ?? {}).sort()).toEqual(schema.fields.map(({ name }) => name).sort());
    },
  );

  it('names every message once', () => {
    expect(Object.keys(fieldSupport)).toHaveLength(supportedMessages.length);
  });
});
