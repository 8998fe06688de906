// undici: a pool of connections, as many loops over a shared counter.  node undici.mjs ORIGIN ROWS WORKERS
import { readFileSync } from "node:fs";
import { Pool } from "undici";

const [origin, rows, workers] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const headers = {
  accept: "application/vnd.api+json",
  "content-type": "application/vnd.api+json",
  authorization: "Bearer x",
};
const pool = new Pool(origin, { connections: workers, connect: { ca: readFileSync(process.env.SSL_CERT_FILE) } });
let next = 0;

async function work() {
  while (next < rows) {
    const number = String(next++).padStart(8, "0");
    const attributes = `{"reference":"ref-${number}","metadata":{"batch":"2026-11","cost_centre":"007"}}`;
    const body = `{"data":{"type":"stripe_payments","id":"id${number}","attributes":${attributes}}}`;
    const reply = await pool.request({ method: "PATCH", path: `/api/stripe_payments/id${number}`, headers, body });
    await reply.body.text();
    if (reply.statusCode !== 200) throw new Error(`status ${reply.statusCode}`);
  }
}

await Promise.all(Array.from({ length: workers }, work));
await pool.close();
