import { expect, it } from 'vitest';
import { bootstrapOf } from './bootstrap.js';
import { authorityOf, listenerName } from './listener-names.js';

const plain = bootstrapOf(['a:1']);
const type = 'envoy.config.listener.v3.Listener';
const rich = {
  ...plain,
  clientListenerTemplate: `xdstp://main/${type}/client/%s?p=1`,
  authorities: new Map([
    ['main', { servers: plain.servers, clientListenerTemplate: `xdstp://main/${type}/%s` }],
    ['other', { servers: plain.servers, clientListenerTemplate: `xdstp://other/${type}/%s` }],
  ]),
};

it('names a listener as its host, without any template', () => {
  expect(listenerName(plain, 'reviews:9080')).toBe('reviews:9080');
});

it('names a listener by the template, and by that of the authority of the target', () => {
  expect(listenerName(rich, 'reviews:9080')).toBe(`xdstp://main/${type}/client/reviews:9080?p=1`);
  expect(listenerName(rich, 'reviews:9080', 'other')).toBe(`xdstp://other/${type}/reviews:9080`);
  expect(listenerName(rich, 'reviews:9080', 'nobody')).toBeUndefined();
});

it('encodes in a new name what a path may not have, and in an old name nothing (gRFC A47)', () => {
  expect(listenerName(rich, "a/b:1@c!$&'()*+,;=-._~ ?#[%ä", 'other')).toBe(
    `xdstp://other/${type}/a/b:1@c!$&'()*+,;=-._~%20%3F%23%5B%25%C3%A4`,
  );
  expect(listenerName({ ...plain, clientListenerTemplate: 'old/%s/%s' }, 'a ?')).toBe('old/a ?/a ?');
});

it('tells the authority of a name', () => {
  expect(authorityOf(`xdstp://main/${type}/a?x=1`)).toBe('main');
  expect(authorityOf(`xdstp:///${type}/a`)).toBe('');
  expect(authorityOf('reviews:9080')).toBeUndefined();
});
