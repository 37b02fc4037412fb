// Runs a Postman collection (a file or a URL) against the server at URL with KEY, by newman.
//
// The collection's variables base_url and api_key are set from the arguments; NAME=VALUE sets
// more. Prints a line for each request and one with the counts. A request fails when it gets no
// answer, an error status, or an answer that one of the collection's own tests refuses.
import { createRequire } from 'node:module'
import { describe, print } from './lib.mjs'

const newman = createRequire(import.meta.url)('newman')

const [collection, url, key, ...variables] = process.argv.slice(2)
if (!key) {
  console.error('usage: node newman.mjs COLLECTION URL KEY [NAME=VALUE ...]')
  process.exit(2)
}
const envVar = [
  { key: 'base_url', value: url.replace(/\/$/, '') },
  { key: 'api_key', value: key },
  ...variables.map((v) => ({ key: v.slice(0, v.indexOf('=')), value: v.slice(v.indexOf('=') + 1) })),
]

newman.run({ collection, envVar, reporters: [], timeoutRequest: 30_000 }, (error, summary) => {
  if (error) {
    print({ error: describe(error) })
    process.exit(1)
  }
  let failed = 0
  for (const { item, request, response, requestError, assertions = [] } of summary.run.executions) {
    const problems = assertions.filter((a) => a.error).map((a) => `${a.assertion}: ${a.error.message}`)
    if (requestError) problems.push(describe(requestError))
    else if (response.code >= 400) problems.push(`HTTP ${response.code}: ${response.text().slice(0, 500)}`)
    if (problems.length) failed++
    print({ name: item.name, method: request.method, path: request.url.getPath(), status: response?.code, ms: response?.responseTime, assertions: assertions.length, problems })
  }
  // A script of the collection that throws is no request's failure, but the run's.
  const broken = summary.run.failures.filter((f) => f.error?.name !== 'AssertionError' && !f.source?.response).map((f) => f.error.message)
  const requests = summary.run.executions.length
  print({ requests, failed, broken })
  process.exit(requests > 0 && failed === 0 && summary.run.failures.length === 0 ? 0 : 1)
})
