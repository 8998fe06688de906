// oauth2-mock-server on loopback, with its token endpoint where Commerce Layer has it. It signs what it says.
//
//     node oauth.mjs PORT
import { OAuth2Server } from 'oauth2-mock-server'

const server = new OAuth2Server(undefined, undefined, { endpoints: { token: '/oauth/token' } })
await server.issuer.keys.generate('RS256')
server.service.on('beforeResponse', response => console.log(`token, ${response.body.expires_in} s`))
await server.start(Number(process.argv[2]), '127.0.0.1')
