// Verifies a webhook delivery as receivers do, with the default settings of three libraries.
//
// Reads {"headers": {…}, "body": "<base64>", "secret": "whsec_…", "token_header": "…"} on standard
// input, where token_header (default X-Authenticity-Token) may name X-Authenticity-Token-Next.
// Prints a line for each check and succeeds when all hold.
import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { jwtVerify } from 'jose'
import jsonwebtoken from 'jsonwebtoken'
import { Webhook } from 'standardwebhooks'
import { describe, print, stdin } from './lib.mjs'

const delivery = JSON.parse(await stdin())
// An HTTP client may give each value as a list, as Go's does.
const headers = Object.fromEntries(Object.entries(delivery.headers).map(([name, value]) => [name.toLowerCase(), [value].flat().join(',')]))
const body = Buffer.from(delivery.body, 'base64')
const token = headers[(delivery.token_header ?? 'x-authenticity-token').toLowerCase()] ?? ''

let failed = 0
async function check(name, verify) {
  try {
    const result = await verify()
    print({ check: name, ok: true, ...(result && { result }) })
    return result
  } catch (error) {
    failed++
    print({ check: name, ok: false, error: describe(error) })
    return undefined
  }
}

function equal(got, want, what) {
  if (!isDeepStrictEqual(got, want)) throw new Error(`${what} is ${JSON.stringify(got)}, want ${JSON.stringify(want)}`)
}

// The JWT's key is the whole secret as text, as people paste it.
const claims = await check('jose', async () => (await jwtVerify(token, new TextEncoder().encode(delivery.secret))).payload)
await check('jsonwebtoken', () => {
  equal(jsonwebtoken.verify(token, delivery.secret), claims, 'the payload')
})
await check('standardwebhooks', () => {
  equal(new Webhook(delivery.secret).verify(body.toString('utf8'), headers), JSON.parse(body), 'the body')
})
await check('claims', () => {
  equal(claims?.webhook?.hash, `sha-256:${createHash('sha256').update(body).digest('hex')}`, 'webhook.hash')
  equal(claims.webhook.id, headers['webhook-id'], 'webhook.id')
  equal(claims.webhook.event, JSON.parse(body).topic, 'webhook.event')
  equal(claims.sub, JSON.parse(body).submission_id, 'sub')
})
process.exit(failed ? 1 : 0)
