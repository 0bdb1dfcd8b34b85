import { once } from 'node:events';
import net from 'node:net';

/**
 * A way to the server on which a connection is lost, the `nth` of those that say `words`: at its next commit, before the server has it, or before
 * its answer is here. With `refused` the server hears other words, and takes none of it.
 */
export async function cutAtCommitOf(
  words: string,
  side: 'before' | 'after' | 'refused',
  port: number,
  nth = 1,
): Promise<{ readonly port: number; readonly close: () => void }> {
  let said = 0;
  const listener = net.createServer((client) => {
    const server = net.connect(port, '127.0.0.1');
    let [count, isLast] = [0, false];
    client.on('data', (data) => {
      const text = data.toString('latin1');
      if (count === nth && text.includes('commit')) {
        isLast = true;
        if (side === 'before') return void client.destroy();
      }
      if (count === 0 && text.includes(words)) count = said += 1;
      const isSpoilt = count === nth && side === 'refused';
      server.write(isSpoilt ? Buffer.from(text.replace(words, '?'.repeat(words.length)), 'latin1') : data);
    });
    server.on('data', (data) => void (isLast ? client.destroy() : client.write(data)));
    for (const socket of [client, server]) socket.on('error', () => undefined);
    client.on('close', () => server.destroy());
    server.on('close', () => client.destroy());
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return { port: (listener.address() as net.AddressInfo).port, close: () => void listener.close() };
}
