// A fortune.js store in memory, served as JSON:API below /api: two listeners, one that asks for a token, one for the judge.
//
//     node fortune.mjs PORT JUDGE_PORT JWKS_URL SECONDS < records.json
//
// A token is taken for SECONDS after it was made, whatever it says of itself. The shim: Commerce Layer's spelling of
// filters and page sizes, and the spelling of one content type.
import http from 'node:http'
import { readFileSync } from 'node:fs'
import fortune from 'fortune'
import fortuneHTTP from 'fortune-http'
import jsonApi from 'fortune-json-api'
import { createRemoteJWKSet, jwtVerify } from 'jose'

const [port, judgePort, keysUrl, seconds] = process.argv.slice(2)
const common = { reference: String, reference_origin: String, metadata: Object }
const store = fortune({
  orders: { ...common },
  stripe_payments: { ...common, options: Object, return_url: String, order: 'orders' },
  stock_items: { ...common, sku_code: String, quantity: Number }
})
await store.connect()
for (const [type, records] of Object.entries(JSON.parse(readFileSync(0, 'utf8')))) {
  await store.adapter.create(type, records)
}

const options = { prefix: '/api', inflectType: false, inflectKeys: false, castNumericIds: false }
const listener = fortuneHTTP(store, { serializers: [[jsonApi, options]] })
const keys = createRemoteJWKSet(new URL(keysUrl))

async function guarded (request, response) {
  const token = (request.headers.authorization || '').replace(/^Bearer /, '')
  try {
    await jwtVerify(token, keys, { maxTokenAge: `${seconds}s` })
  } catch (error) {
    console.log(`refused ${request.method} ${error.code}`)
    response.writeHead(401, { 'WWW-Authenticate': `Bearer error="invalid_token", error_description="${error.code}"` })
    return response.end()
  }
  await served(request, response)
}

async function served (request, response) {
  const url = new URL(request.url, 'http://127.0.0.1')
  const query = []
  for (const [name, value] of url.searchParams) {
    const named = name.match(/^filter\[q\]\[(\w+)_(?:in|eq)\]$/)
    // fortune filters by any field but the id: ids belong into the path, of which a single one makes `data` an object.
    if (named && named[1] === 'id') url.pathname += `/${value},none`
    else if (named) query.push([`filter[${named[1]}]`, value])
    else if (name === 'page[size]') query.push(['page[limit]', value])
    else if (name === 'page[number]') query.push(['page[offset]', (value - 1) * url.searchParams.get('page[size]')])
    else query.push([name, value])
  }
  const text = query.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')
  request.url = url.pathname + (text && `?${text}`)
  try {
    await listener(request, response)
  } catch (error) {
    // fortune has answered already; this is its hook for a log.
  }
  console.log(`${response.statusCode} ${request.method} ${request.url}`)
}

http.createServer(served).listen(Number(judgePort), '127.0.0.1')
http.createServer(guarded).listen(Number(port), '127.0.0.1')
