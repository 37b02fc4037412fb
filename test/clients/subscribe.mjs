// Subscribes to submissionUpdated of one contact, by graphql-ws or graphql-sse, as a customer's
// program would, and prints each submission as a JSON line.
//
// It prints {"ready":true} once the server has accepted the connection and the subscription is on
// its way; it ends with status 0 at COMPLETE or FAILED, and with 1 at an error, when the server
// ends the subscription before, or after HEADROOM_TIMEOUT seconds (60).
import { createClient as createSSE } from 'graphql-sse'
import { createClient as createWS } from 'graphql-ws'
import WebSocket from 'ws'
import { args, describe, print } from './lib.mjs'

const [transport, url, key, contactId] = args('subscribe.mjs ws|sse URL KEY CONTACT_ID')
const authorization = `Bearer ${key}`

const request = {
  query: `subscription($contactId: ID!) {
    submissionUpdated(contactId: $contactId) {
      id state processingState progress complete
      images { kind url width height }
    }
  }`,
  variables: { contactId },
}

let ended = false
function end(status, last) {
  if (ended) return
  ended = true
  if (last) print(last)
  // Let the line reach a pipe before the process goes.
  process.stdout.write('', () => process.exit(status))
}

// Neither protocol acknowledges a subscription. So, once connected, a query goes after it on the
// same road: when that is answered, the subscription before it has been taken up.
async function ready() {
  try {
    await probe()
    print({ ready: true })
  } catch (error) {
    end(1, { error: `probe: ${describe(error)}` })
  }
}

const sink = {
  next({ data, errors }) {
    if (errors) return end(1, { error: errors })
    print(data.submissionUpdated)
    const { processingState } = data.submissionUpdated
    if (processingState === 'COMPLETE' || processingState === 'FAILED') end(0)
  },
  error(error) {
    end(1, { error: describe(error) })
  },
  complete() {
    end(1, { error: 'the server ended the subscription' })
  },
}

const query = { query: '{ __typename }' }

const transports = {
  ws() {
    const client = createWS({
      url: url.replace(/^http/, 'ws'),
      webSocketImpl: WebSocket,
      connectionParams: { authorization },
      retryAttempts: 0,
      on: { connected: () => setImmediate(ready) }, // after the client has sent its subscription
    })
    client.subscribe(request, sink)
    return () => new Promise((resolve, reject) => {
      client.subscribe(query, { next: ({ errors }) => (errors ? reject(errors) : resolve()), error: reject, complete: resolve })
    })
  },
  sse() {
    const client = createSSE({ url, headers: { authorization }, retryAttempts: 0, on: { connected: () => setImmediate(ready) } })
    client.subscribe(request, sink)
    return async () => {
      const answer = await fetch(url, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: JSON.stringify(query),
      })
      if (!answer.ok) throw new Error(`HTTP ${answer.status}`)
    }
  },
}

if (!Object.hasOwn(transports, transport)) {
  console.error(`no transport ${transport}: it is ws or sse`)
  process.exit(2)
}
const seconds = Number(process.env.HEADROOM_TIMEOUT ?? 60)
setTimeout(() => end(1, { error: `nothing final within ${seconds} s` }), seconds * 1000)
const probe = transports[transport]()
