import { createGraphiQLFetcher } from '@graphiql/toolkit'
import { createClient } from 'graphql-ws'

// createFetcher returns GraphiQL's fetcher for the endpoint url: queries and mutations by POST,
// subscriptions over graphql-transport-ws. The credential of a subscription travels in
// connection_init, since a browser cannot set headers on a WebSocket. Because the headers may
// differ from one run to the next, each run has a client of its own; it is lazy, so only a
// subscription opens a socket, and closes it when it ends.
export function createFetcher(url, key) {
  const socket = new URL(url)
  socket.protocol = socket.protocol.replace('http', 'ws')

  return (params, options) => {
    const headers = withKey(options?.headers ?? {}, key)
    const wsClient = createClient({ url: socket.href, retryAttempts: 0, connectionParams: connectionParams(headers) })
    return createGraphiQLFetcher({ url: url.href, headers, wsClient })(params, { ...options, headers })
  }
}

function withKey(headers, key) {
  if (!key || authorization(headers)) return headers
  return { ...headers, Authorization: `Bearer ${key}` }
}

function connectionParams(headers) {
  const value = authorization(headers)
  return value ? { authorization: value } : {}
}

function authorization(headers) {
  const name = Object.keys(headers).find((n) => n.toLowerCase() === 'authorization')
  return name && headers[name]
}
