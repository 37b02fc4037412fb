// Runs graphql-http's audit of the GraphQL-over-HTTP specification against URL, with KEY.
//
// Prints a line for each audit that is not ok and one with the counts. Succeeds only with exactly
// what the contract says: 58 ok, and notices for the three audits that GET MAY be served, which it is not.
import { serverAudits } from 'graphql-http'
import { args, describe, print } from './lib.mjs'

const [url, key] = args('audits.mjs URL KEY')

const fetchFn = (input, init = {}) => {
  const headers = new Headers(init.headers)
  headers.set('authorization', `Bearer ${key}`)
  return fetch(input, { ...init, headers })
}

// x-www-form-urlencoded GET, and URL-encoded variables in GETs for either media type.
const unserved = ['5A70', 'D6D5', '6A70']

const counts = { ok: 0, notice: 0, warn: 0, error: 0 }
let unexpected = 0
for (const audit of serverAudits({ url, fetchFn })) {
  let result
  try {
    result = await audit.fn()
  } catch (error) {
    result = { status: 'error', reason: describe(error) } // the server hung up, say
  }
  counts[result.status]++
  if (result.status === 'ok') continue
  const expected = result.status === 'notice' && unserved.includes(audit.id)
  if (!expected) unexpected++
  print({ id: audit.id, name: audit.name, status: result.status, reason: result.reason, http_status: result.response?.status, expected })
}
const passed = unexpected === 0 && counts.ok === 58 && counts.notice === unserved.length
print({ ...counts, passed })
process.exit(passed ? 0 : 1)
