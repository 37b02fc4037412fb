// What the scripts share: arguments, and one JSON document a line on standard output.

// args returns the script's arguments and ends it with status 2 when their number is wrong.
export function args(usage) {
  const names = usage.split(' ').slice(1)
  const given = process.argv.slice(2)
  if (given.length !== names.length) {
    console.error(`usage: node ${usage}`)
    process.exit(2)
  }
  return given
}

// print writes one JSON line, whole, before it returns: readers follow along as it happens.
export function print(value) {
  process.stdout.write(JSON.stringify(value) + '\n')
}

export async function stdin() {
  const chunks = []
  for await (const chunk of process.stdin) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

// describe is an error in words, with its cause: "fetch failed" alone tells nobody anything.
export function describe(error) {
  if (error?.code && 'reason' in error) return `closed with ${error.code} ${error.reason}` // a WebSocket
  if (!(error instanceof Error)) return JSON.stringify(error)
  return error.cause ? `${error.message}: ${describe(error.cause)}` : error.message
}
