// Runs oidc-provider on a free port of 127.0.0.1, for the tests in ../python.
//
// It prints one line of JSON, {"issuer": ..., "token_endpoint": ..., "resources": ...}, when it accepts connections.
// A line {"overlap": true} on standard input makes new keys and keeps the old ones published, {"overlap": false} drops
// them; {} answers it. The program ends with its input.
//
// The issuer has a path, so that only the last of the three forms of discovery finds its metadata (OpenID Connect
// Discovery, path-appended). Each resource has its own signature algorithm.

import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'
import { Provider } from 'oidc-provider'

const PATH = '/tenant'
const CLIENT = { client_id: 'assistant', client_secret: 'test-only-assistant-secret' }
const SCOPES = 'mcp:tools:weather mcp:tools:email:send'
const KEY_TYPES = {
  RS256: ['rsa', { modulusLength: 2048 }],
  PS256: ['rsa', { modulusLength: 2048 }],
  ES256: ['ec', { namedCurve: 'P-256' }],
  EdDSA: ['ed25519', {}]
}
const ALGORITHMS = Object.keys(KEY_TYPES)
const RESOURCES = Object.fromEntries(ALGORITHMS.map((alg) => [alg, `https://mcp.test/${alg.toLowerCase()}`]))

const listener = createServer((request, response) => {
  if (!request.url.startsWith(`${PATH}/`)) {
    response.writeHead(404).end()
    return
  }
  request.originalUrl = request.url // tells oidc-provider where it is mounted
  request.url = request.url.slice(PATH.length)
  handle(request, response)
})
listener.listen(0, '127.0.0.1')
await once(listener, 'listening')

const origin = `http://127.0.0.1:${listener.address().port}`
let keys = newKeys()
let handle = handlerFor(keys)
console.log(JSON.stringify({ issuer: origin + PATH, token_endpoint: `${origin}${PATH}/token`, resources: RESOURCES }))

for await (const line of createInterface({ input: process.stdin })) {
  const { overlap } = JSON.parse(line)
  keys = [...newKeys(), ...(overlap ? keys : [])]
  handle = handlerFor(keys)
  console.log('{}')
}
process.exit()

function newKeys () {
  return ALGORITHMS.map((alg) => {
    const { privateKey } = generateKeyPairSync(...KEY_TYPES[alg])
    return { ...privateKey.export({ format: 'jwk' }), alg, use: 'sig' }
  })
}

function handlerFor (keys) {
  const provider = new Provider(origin + PATH, {
    clients: [{ ...CLIENT, grant_types: ['client_credentials'], redirect_uris: [], response_types: [] }],
    jwks: { keys },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: { enabled: true, getResourceServerInfo }
    }
  })
  return provider.callback()
}

function getResourceServerInfo (ctx, indicator) {
  const alg = ALGORITHMS.find((alg) => RESOURCES[alg] === indicator)
  return { scope: SCOPES, audience: indicator, accessTokenFormat: 'jwt', accessTokenTTL: 300, jwt: { sign: { alg } } }
}
