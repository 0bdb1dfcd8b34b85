import net from 'node:net';

/** When a run is cut off, counted in what its client asks the server: a query, or what ends in a Sync. */
export interface Cut {
  /** From 1. */
  readonly at: number;
  /**
   * `before`: the server never gets it; `during`: the server gets it and the client is gone while it works; `after`: the server
   * has answered and the client never sees the answer.
   */
  readonly side: 'before' | 'during' | 'after';
  /** Ends the client. What it had open is then closed towards the server, as the system does for a process that was killed. */
  readonly kill: () => void;
}

/** Stands between clients and a server, counts what they ask, and cuts everything off at one place. */
export interface CountingProxy {
  readonly port: number;
  /** How often the server was asked so far. */
  asked(): number;
  close(): Promise<void>;
}

const SSL_REQUEST = 80_877_103;

export async function startCountingProxy(host: string, port: number, cut?: Cut): Promise<CountingProxy> {
  const sockets = new Set<net.Socket>();
  let asked = 0;
  let isCut = false;
  const keep = (socket: net.Socket): net.Socket => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    return socket.on('close', () => sockets.delete(socket));
  };
  const cutOff = (): void => {
    if (isCut) return;
    isCut = true;
    cut?.kill();
    for (const socket of sockets) socket.destroy();
  };
  const server = net.createServer((client) => {
    if (isCut) return void client.destroy();
    keep(client);
    const backend = keep(net.connect(port, host));
    let [isGreeted, rest, isLast] = [false, Buffer.alloc(0), false];
    backend.on('data', (data: Buffer) => {
      if (isLast) cutOff();
      else if (!isCut) client.write(data);
    });
    backend.on('close', () => client.destroy());
    client.on('close', () => backend.destroy());
    client.on('data', (data: Buffer) => {
      rest = Buffer.concat([rest, data]);
      for (;;) {
        const head = isGreeted ? 1 : 0;
        if (rest.length < head + 4 || rest.length < head + rest.readInt32BE(head) || isCut) return;
        const message = Buffer.from(rest.subarray(0, head + rest.readInt32BE(head)));
        rest = rest.subarray(message.length);
        if (!isGreeted) isGreeted = message.readInt32BE(4) !== SSL_REQUEST;
        else if (['Q', 'S'].includes(message.toString('latin1', 0, 1))) {
          asked += 1;
          if (asked === cut?.at) {
            if (cut.side === 'before') return cutOff();
            isLast = cut.side === 'after';
            // The client is killed before anything can tell it that its connection is gone.
            backend.write(message, () => {
              if (cut.side === 'during') cutOff();
            });
            return;
          }
        }
        backend.write(message);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as net.AddressInfo).port,
    asked: () => asked,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
