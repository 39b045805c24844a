import { expect, it } from 'vitest';
import { discovering } from './discover-keys.js';

const issuer = 'https://issuer.example/realm';
const description = `${issuer}/.well-known/openid-configuration`;
const keys = 'https://keys.example/jwks';

/** What is asked for, and what comes of it. */
async function ask(uri: string, answers: Readonly<Record<string, string>>) {
  const asked: string[] = [];
  const fetch = discovering(async (address, timeoutMs) => {
    asked.push(`${address} ${timeoutMs}`);
    return answers[address] ?? 'nothing';
  });
  const outcome = await fetch(uri, 7).catch((error: Error) => error.message);
  return { asked, outcome };
}

const said = (fields: object) => ({ [description]: JSON.stringify(fields), [keys]: 'the keys' });

it('asks an issuer where its keys are, and then for them', async () => {
  for (const name of [issuer, `${issuer}/`]) {
    expect(await ask(description, said({ issuer: name, jwks_uri: keys }))).toEqual({
      asked: [`${description} 7`, `${keys} 7`],
      outcome: 'the keys',
    });
  }
});

it('asks for keys where their address is known', async () => {
  expect(await ask(keys, { [keys]: 'the keys' })).toEqual({ asked: [`${keys} 7`], outcome: 'the keys' });
});

it.each([
  [{ issuer: 'https://evil.example', jwks_uri: keys }, 'the description is of another issuer'],
  [{ jwks_uri: keys }, 'the description is of another issuer'],
  [{ issuer }, 'the description has no «jwks_uri»'],
  [{ issuer, jwks_uri: 'keys' }, 'the description has no «jwks_uri»'],
  [{ issuer, jwks_uri: 'http://keys.example/jwks' }, 'the keys are not behind https'],
])('does not follow %j', async (fields, reason) => {
  expect(await ask(description, said(fields))).toEqual({ asked: [`${description} 7`], outcome: reason });
});

it('says when an issuer describes nothing', async () => {
  expect((await ask(description, { [description]: '<html>' })).outcome).toBe(
    'the description of the issuer is not JSON',
  );
  expect((await ask(description, { [description]: '7' })).outcome).toBe('the description of the issuer is no object');
});
