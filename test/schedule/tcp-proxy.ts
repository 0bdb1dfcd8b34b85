import net from 'node:net';

/** A way to a server that can be cut: then nothing comes through any more, and nobody is told. */
export interface TcpProxy {
  readonly port: number;
  /** Everything sent from now on is lost; connections stay open, new ones get no answer. */
  cut(): void;
  /** New connections are refused from now on; those from before stay, and go through. */
  refuse(): void;
  /** New connections are let through again; those from before are closed. */
  heal(): void;
  close(): Promise<void>;
}

export async function startProxy(host: string, port: number): Promise<TcpProxy> {
  let isCut = false;
  const pairs = new Set<readonly [net.Socket, net.Socket | undefined]>();
  const server = net.createServer((client) => {
    client.on('error', () => undefined);
    if (isCut) {
      pairs.add([client, undefined]);
      return;
    }
    const upstream = net.connect(port, host);
    const pair = [client, upstream] as const;
    pairs.add(pair);
    const forget = (): void => {
      pairs.delete(pair);
      client.destroy();
      upstream.destroy();
    };
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.on('data', (data) => {
        if (!isCut) to.write(data);
      });
      from.on('error', () => undefined);
      from.on('close', forget);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const drop = (): void => {
    for (const pair of pairs) for (const socket of pair) socket?.destroy();
    pairs.clear();
  };
  return {
    port: (server.address() as net.AddressInfo).port,
    cut: () => (isCut = true),
    refuse: () => void server.close(),
    heal: () => {
      isCut = false;
      drop();
    },
    close: async () => {
      drop();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
}
