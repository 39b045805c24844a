import { X509Certificate as NodeCertificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '../logger.js';
import { readIssuer } from './make-certificate.js';
import { readPrivateFile } from './private-files.js';
import type { Signer, SignerSource } from './signer.js';
import { readPrivateKey } from './signing-key.js';

/** Istio's `cacerts`, else what cert-manager writes. */
const layouts = [
  { certificate: 'ca-cert.pem', key: 'ca-key.pem', chain: 'cert-chain.pem', roots: 'root-cert.pem' },
  { certificate: 'tls.crt', key: 'tls.key', chain: 'tls.crt', roots: 'ca.crt' },
] as const;

type Layout = (typeof layouts)[number];

interface Files {
  readonly certificate: string;
  readonly key: string;
  readonly chain: string;
  readonly roots: string;
}

/** Whether somebody else's authority is in this folder. */
export function holdsGivenAuthority(folder: string): boolean {
  return layoutOf(folder) !== undefined;
}

/** An intermediate that an outside CA has made, read anew when its files change. That CA changes the root as well. */
export class GivenSigner implements SignerSource {
  readonly description: string;
  #files: Files;
  #signer: Signer;
  #problem: string | undefined;

  private constructor(
    private readonly options: GivenSignerOptions,
    files: Files,
    signer: Signer,
  ) {
    this.description = `given in ${options.folder}`;
    this.#files = files;
    this.#signer = signer;
  }

  /** @throws Error that names the file that is missing or wrong */
  static async open(options: GivenSignerOptions): Promise<GivenSigner> {
    const files = readFiles(options.folder);
    return new GivenSigner(options, files, await signerOf(files, options));
  }

  get signer(): Signer {
    return this.#signer;
  }

  /** What is broken or half-written is not taken; the one before it signs on. */
  async refresh(): Promise<boolean> {
    try {
      const files = readFiles(this.options.folder);
      if (isSame(files, this.#files)) return false;
      this.#signer = await signerOf(files, this.options);
      this.#files = files;
      this.#problem = undefined;
      this.options.logger.info('a new certificate of the outside CA signs', { folder: this.options.folder });
      return true;
    } catch (error) {
      const problem = (error as Error).message;
      if (problem !== this.#problem) this.options.logger.error('the outside CA in use stays', { problem });
      this.#problem = problem;
      return false;
    }
  }

  async rotate(): Promise<void> {
    throw new Error(`the certificate authority is ${this.description}: change its root where it was made`);
  }
}

export interface GivenSignerOptions {
  readonly folder: string;
  readonly logger: Logger;
  /** Wall clock, in ms. */
  readonly now: () => number;
}

function layoutOf(folder: string): Layout | undefined {
  return layouts.find(({ key }) => existsSync(join(folder, key)));
}

function readFiles(folder: string): Files {
  const layout = layoutOf(folder) ?? layouts[0];
  const read = (name: string) => {
    const path = join(folder, name);
    if (!existsSync(path)) throw new Error(`${path} is missing`);
    return readFileSync(path, 'utf8');
  };
  const certificate = read(layout.certificate);
  const key = readPrivateFile(join(folder, layout.key)) ?? '';
  // The chain is optional in Istio too: without it the certificate is the root's own child.
  const chain = existsSync(join(folder, layout.chain)) ? read(layout.chain) : certificate;
  return { certificate, key, chain, roots: read(layout.roots) };
}

function isSame(one: Files, other: Files): boolean {
  return (Object.keys(one) as (keyof Files)[]).every((name) => one[name] === other[name]);
}

async function signerOf(files: Files, { folder, now }: GivenSignerOptions): Promise<Signer> {
  const names = layoutOf(folder) ?? layouts[0];
  const at = (name: string) => join(folder, name);
  const [own] = certificatesIn(files.certificate, at(names.certificate));
  const chain = certificatesIn(files.chain, at(names.chain));
  const roots = certificatesIn(files.roots, at(names.roots));
  const parsed = new NodeCertificate(own!);
  if (!parsed.ca) throw new Error(`${at(names.certificate)} is not the certificate of an authority`);
  if (Date.parse(parsed.validTo) <= now()) throw new Error(`${at(names.certificate)} has expired on ${parsed.validTo}`);
  if (!isKeyOf(files.key, parsed, at(names.key))) {
    throw new Error(`${at(names.key)} is not the key of ${at(names.certificate)}`);
  }
  const intermediates = [own!, ...chain.filter((one) => one !== own)].filter((one) => !roots.includes(one));
  checkPath([parsed, ...intermediates.slice(1).map((one) => new NodeCertificate(one))], roots, at(names.roots));
  return { issuer: await readIssuer(own!, files.key), chain: intermediates, roots };
}

function isKeyOf(key: string, certificate: NodeCertificate, path: string): boolean {
  try {
    return certificate.checkPrivateKey(readPrivateKey(key));
  } catch (error) {
    throw new Error(`${path} ${(error as Error).message}`);
  }
}

function checkPath(path: readonly NodeCertificate[], roots: readonly string[], rootsPath: string): void {
  const anchors = roots.map((root) => new NodeCertificate(root));
  const isSigned = path.every((one, index) => {
    const above = [path[index + 1], ...anchors].filter((candidate) => candidate !== undefined);
    return above.some((candidate) => one.checkIssued(candidate) && one.verify(candidate.publicKey));
  });
  if (!isSigned) throw new Error(`${rootsPath} holds no root of the certificate that is to sign`);
}

/** Every block, each by itself. @throws Error for one that cannot be read: half a bundle must not be taken for a whole one */
function certificatesIn(text: string, path: string): string[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  const begun = text.split('-----BEGIN CERTIFICATE-----').length - 1;
  if (blocks.length === 0 || blocks.length !== begun)
    throw new Error(`${path} has no certificate, or half of one, in it`);
  return blocks.map((block) => {
    try {
      return new NodeCertificate(block).toString();
    } catch {
      throw new Error(`${path} has a certificate in it that cannot be read`);
    }
  });
}
