// jsonapi-server with its own store in memory and its own validation (Joi, which also converts): customers, below /api.
//
//     node jsonapi_server.cjs PORT < records.json
//
// It filters after it has paged: of 50 records, whatever was asked for. The shim: Commerce Layer's spelling of filters.
const http = require('node:http')
const { readFileSync } = require('node:fs')
const express = require('express')
const jsonApi = require('jsonapi-server')

const { Joi } = jsonApi
const router = express()

function shimmed (request, response) {
  response.on('finish', () => console.log(`${response.statusCode} ${request.method} ${request.url}`))
  const url = new URL(request.url, 'http://127.0.0.1')
  const query = []
  for (const [name, value] of url.searchParams) {
    const named = name.match(/^filter\[q\]\[(\w+)_(?:in|eq)\]$/)
    if (named) query.push([`filter[${named[1]}]`, value])
    else if (!['page[size]', 'page[number]'].includes(name)) query.push([name, value])
  }
  request.url = url.pathname + (query.length ? `?${query.map(each => each.join('=')).join('&')}` : '')
  router(request, response)
}

jsonApi.setConfig({ router, protocol: 'http', hostname: '127.0.0.1', port: Number(process.argv[2]), base: 'api', graphiql: false })
jsonApi.define({
  resource: 'customers',
  primaryKey: 'string',
  handlers: new jsonApi.MemoryHandler(),
  attributes: {
    email: Joi.string().trim().lowercase().email(),
    tax_exemption_code: Joi.string().trim().uppercase().max(12).allow(null),
    reference: Joi.string().truncate().max(20).allow(null),
    reference_origin: Joi.string().allow(null),
    metadata: Joi.object()
  },
  examples: JSON.parse(readFileSync(0, 'utf8'))
})
jsonApi.start()
http.createServer(shimmed).listen(Number(process.argv[2]), '127.0.0.1')
