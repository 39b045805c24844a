import { X509Certificate } from 'node:crypto';

const marker = /-----(BEGIN|END) ([A-Z0-9 ]+)-----/g;

/**
 * The certificates of a PEM text, each parsed by itself: Node passes over what it cannot read and says nothing, and a
 * bundle that is cut short would trust fewer authorities than it should, or none.
 * @throws Error that says which block is wrong; blocks are counted from 1
 */
export function parseCertificates(pem: string): X509Certificate[] {
  const certificates = blocksOf(pem).map(({ label, text }, index) => {
    if (label !== 'CERTIFICATE') throw new Error(`block ${index + 1} is a ${label}, not a CERTIFICATE`);
    try {
      return new X509Certificate(text);
    } catch (error) {
      throw new Error(
        `block ${index + 1} is no certificate (${(error as NodeJS.ErrnoException).code ?? 'unreadable'})`,
      );
    }
  });
  if (certificates.length === 0) throw new Error('there is no certificate in it');
  return certificates;
}

interface Block {
  readonly label: string;
  readonly text: string;
}

/** Text between blocks is allowed (RFC 7468 2); a block that does not end is not. */
function blocksOf(pem: string): Block[] {
  const blocks: Block[] = [];
  let open: { label: string; from: number } | undefined;
  for (const { 1: kind, 2: label, 0: line, index } of pem.matchAll(marker)) {
    if (kind === 'BEGIN') {
      if (open !== undefined) throw new Error(`block ${blocks.length + 1} does not end`);
      open = { label: label!, from: index };
    } else {
      if (open?.label !== label) throw new Error(`block ${blocks.length + 1} ends and has not begun`);
      blocks.push({ label: label!, text: pem.slice(open!.from, index + line.length) });
      open = undefined;
    }
  }
  if (open !== undefined || /-----(BEGIN|END)(?! [A-Z0-9 ]+-----)/.test(pem)) {
    throw new Error(`block ${blocks.length + 1} is cut short`);
  }
  return blocks;
}
