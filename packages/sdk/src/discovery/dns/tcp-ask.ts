import { connect } from 'node:net';
import type { Ask, AskHandler } from './dns-ask.js';
import { type DnsMessage, type DnsQuestion, decodeAnswer, encodeQuery, isAnswerTo } from './dns-message.js';
import type { DnsServer } from './resolv-conf.js';

/** Asks one question on a connection of its own: a length of two bytes goes before each message (RFC 1035 section 4.2.2). */
export function askOverTcp(server: DnsServer, id: number, question: DnsQuestion, handler: AskHandler): Ask {
  const socket = connect({ host: server.address, port: server.port });
  let listening: AskHandler | undefined = handler;
  let received = Buffer.alloc(0);
  const settle = (tell: (to: AskHandler) => void) => {
    const to = listening;
    listening = undefined;
    socket.destroy();
    if (to !== undefined) tell(to);
  };
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk]);
    const packet = completePacket(received);
    if (packet === undefined) return;
    const message = readAnswer(packet, id, question);
    settle((to) => (message === undefined ? to.onFailure('badPacket') : to.onMessage(message)));
  });
  socket.on('error', () => settle((to) => to.onFailure('network')));
  socket.on('end', () => settle((to) => to.onFailure('network')));
  socket.write(withLength(encodeQuery(id, question, 0)));
  return { cancel: () => settle(() => {}) };
}

function readAnswer(packet: Buffer, id: number, question: DnsQuestion): DnsMessage | undefined {
  if (packet.length < 2 || packet.readUInt16BE(0) !== id) return undefined;
  const message = decodeAnswer(packet);
  return message !== undefined && isAnswerTo(question, message) ? message : undefined;
}

function withLength(packet: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(packet.length);
  return Buffer.concat([length, packet]);
}

function completePacket(received: Buffer): Buffer | undefined {
  if (received.length < 2) return undefined;
  const end = 2 + received.readUInt16BE(0);
  return received.length < end ? undefined : received.subarray(2, end);
}
