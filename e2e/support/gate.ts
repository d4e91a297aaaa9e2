import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** Stands in front of a server, which it can make slow, or seem down. */
export class Gate {
  /** The origin by which the server is reached. */
  readonly origin: string;
  /** The server's port. */
  target = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #hold = 0;
  #opensAt: number | undefined;

  private constructor(server: Server) {
    this.#server = server;
    this.origin = `http://localhost:${(server.address() as AddressInfo).port}`;
    server.on('connection', (socket) => {
      this.#opensAt ??= performance.now() + this.#hold;
      this.#keep(socket);
      setTimeout(() => this.#pass(socket), this.#opensAt - performance.now());
    });
  }

  static async start(): Promise<Gate> {
    const server = createServer().listen(0, 'localhost');
    await once(server, 'listening');
    return new Gate(server);
  }

  /** Whatever comes reaches the server only that many milliseconds after the next connection. */
  hold(milliseconds: number): void {
    this.#hold = milliseconds;
    this.#opensAt = undefined;
  }

  /** From now on nothing listens here. */
  async shut(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }

  #pass(socket: Socket): void {
    if (socket.destroyed) return;
    const onward = connect(this.target, 'localhost');
    this.#keep(onward);
    socket.pipe(onward).pipe(socket);
    socket.once('close', () => onward.destroy());
    onward.once('close', () => socket.destroy());
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => this.#sockets.delete(socket));
  }
}
