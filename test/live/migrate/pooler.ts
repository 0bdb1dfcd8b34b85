import net from 'node:net';

/** A connection pooler in transaction mode: each transaction of a client gets whichever server session is idle. */
export interface Pooler {
  readonly port: number;
  close(): Promise<void>;
}

interface Backend {
  readonly socket: net.Socket;
  client: net.Socket | undefined;
}

const SSL_REQUEST = 80_877_103;

/** Starts a pooler before a server that trusts its clients. */
export async function startTransactionPooler(host: string, port: number): Promise<Pooler> {
  const idle: Backend[] = [];
  const sockets = new Set<net.Socket>();
  const keep = (socket: net.Socket): net.Socket => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    return socket.on('close', () => sockets.delete(socket));
  };
  const server = net.createServer((client) => {
    keep(client);
    let startup: Buffer | undefined;
    let backend: Promise<Backend> | undefined;
    client.on('data', (data: Buffer) => {
      if (startup === undefined) {
        if (data.readInt32BE(4) === SSL_REQUEST) return void client.write('N');
        startup = data;
        const pretendedPid = message('K', Buffer.from([0, 0, 0, 99, 0, 0, 0, 1]));
        return void client.write(Buffer.concat([message('R', Buffer.alloc(4)), pretendedPid, message('Z', Buffer.from('I'))]));
      }
      if (data.toString('latin1', 0, 1) === 'X') return void client.end();
      const hello = startup;
      backend ??= take(hello);
      return void backend.then((taken) => {
        taken.client = client;
        taken.socket.write(data);
      });
    });
    const take = async (hello: Buffer): Promise<Backend> => {
      const again = idle.pop();
      if (again !== undefined) return again;
      const made: Backend = { socket: keep(net.connect(port, host)), client: undefined };
      made.socket.write(hello);
      await onMessages(made.socket, (type, bytes, status) => {
        made.client?.write(bytes);
        if (type !== 'Z' || status !== 'I') return;
        owners.get(made.client ?? client)?.();
        made.client = undefined;
        if (!idle.includes(made)) idle.push(made);
      });
      idle.splice(idle.indexOf(made), 1);
      return made;
    };
    owners.set(client, () => (backend = undefined));
  });
  const owners = new WeakMap<net.Socket, () => void>();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as net.AddressInfo).port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function message(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(type, 'latin1');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

/** Calls `handle` with each message of the server; resolves at the first ReadyForQuery. */
async function onMessages(socket: net.Socket, handle: (type: string, bytes: Buffer, status: string) => void): Promise<void> {
  let rest = Buffer.alloc(0);
  await new Promise<void>((resolve, reject) => {
    socket.on('close', () => reject(new Error('the server closed the connection')));
    socket.on('data', (data: Buffer) => {
      rest = Buffer.concat([rest, data]);
      while (rest.length >= 5 && rest.length >= rest.readInt32BE(1) + 1) {
        const bytes = rest.subarray(0, rest.readInt32BE(1) + 1);
        rest = rest.subarray(bytes.length);
        const type = bytes.toString('latin1', 0, 1);
        handle(type, Buffer.from(bytes), bytes.toString('latin1', 5, 6));
        if (type === 'Z') resolve();
      }
    });
  });
}
