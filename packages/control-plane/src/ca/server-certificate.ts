import type { SecureContextOptions } from 'node:tls';
import type { Clock, Timer } from '@inmesh/core';
import type { Logger } from '../logger.js';
import type { CertificateAuthority } from './authority.js';
import { makeKey } from './signing-key.js';

export interface ServerCertificateOptions {
  readonly authority: CertificateAuthority;
  /** DNS names and addresses that clients may call it by. */
  readonly hosts: readonly string[];
  readonly clock: Clock;
  /** Wall clock, in ms. */
  readonly now: () => number;
  readonly logger: Logger;
  readonly use: (context: SecureContextOptions) => void;
}

const retryMs = 10_000;

/** The config server's own certificate, made anew at the half of its life and when the authority has changed. */
export class ServerCertificate {
  #timer: Timer | undefined;
  #isClosed = false;
  readonly #unwatch: () => void;

  private constructor(private readonly options: ServerCertificateOptions) {
    this.#unwatch = options.authority.onChange(() => void this.#renew());
  }

  /** @throws Error when there is no first one */
  static async start(options: ServerCertificateOptions): Promise<ServerCertificate> {
    const certificate = new ServerCertificate(options);
    try {
      await certificate.#make();
    } catch (error) {
      certificate.close();
      throw error;
    }
    return certificate;
  }

  close(): void {
    this.#isClosed = true;
    this.#unwatch();
    this.#timer?.cancel();
  }

  async #renew(): Promise<void> {
    try {
      await this.#make();
    } catch (error) {
      this.options.logger.error('the certificate of the config server is not renewed', {
        problem: (error as Error).message,
      });
      this.#schedule(retryMs);
    }
  }

  async #make(): Promise<void> {
    const { authority, hosts, now, use } = this.options;
    const { key, publicKey } = await makeKey();
    const own = `spiffe://${authority.trustDomain}/ns/inmesh-system/sa/inmesh`;
    const signed = await authority.signServer(publicKey, hosts, own);
    if (!signed.ok) throw new Error(signed.detail);
    use({ key, cert: signed.chain.join(''), ca: [...signed.roots] });
    this.#schedule((signed.notAfter - now()) / 2);
  }

  #schedule(delayMs: number): void {
    this.#timer?.cancel();
    if (this.#isClosed) return;
    this.#timer = this.options.clock.setTimer(delayMs, () => void this.#renew());
  }
}
