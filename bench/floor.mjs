// What Node cannot do without: a line from stdin, a POST, the answer to stdout. Knows no sessions, no events, no errors.
import http from 'node:http';
import { createInterface } from 'node:readline';

const agent = new http.Agent({ keepAlive: true });
const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
createInterface({ input: process.stdin }).on('line', (line) => {
  const request = http.request(process.argv[2], { method: 'POST', agent, headers }, async (response) => {
    const body = Buffer.concat(await response.toArray());
    if (body.length > 0) process.stdout.write(Buffer.concat([body, Buffer.of(10)]));
  });
  request.end(line);
});
