import 'graphiql/setup-workers/vite'
import { useMemo, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { GraphiQL } from 'graphiql'
import 'graphiql/style.css'
import './page.css'
import { createFetcher } from './fetcher.js'

const keyName = 'headroom:graphiql:key'

const firstQuery = `# Paste an API key at the top, then press Ctrl+Enter (Cmd+Enter) to run.
# A header typed in the Headers tab wins over the key field.

query Newest {
  submissions(first: 3) {
    nodes {
      id
      state
      processingState
    }
  }
}
`

// The key lives in sessionStorage: it survives a reload and ends with the tab. Nothing of it
// reaches localStorage, where GraphiQL keeps its tabs and history.
function Page() {
  const [key, setKey] = useState(() => sessionStorage.getItem(keyName) ?? '')
  // A new fetcher makes GraphiQL load the schema again, so a key takes effect at once.
  const fetcher = useMemo(() => createFetcher(new URL('/graphql', location.origin), key), [key])

  return (
    <>
      <KeyField value={key} onChange={(next) => {
        if (next) sessionStorage.setItem(keyName, next)
        else sessionStorage.removeItem(keyName)
        setKey(next)
      }} />
      <main>
        <GraphiQL fetcher={fetcher} defaultQuery={firstQuery} isHeadersEditorEnabled shouldPersistHeaders={false} schemaDescription />
      </main>
    </>
  )
}

function KeyField({ value, onChange }) {
  return (
    <form className="key" aria-label="API key" onSubmit={(event) => {
      event.preventDefault()
      onChange(new FormData(event.currentTarget).get('key').trim().replace(/^Bearer\s+/i, ''))
    }}>
      <label htmlFor="key">API key</label>
      <input id="key" name="key" type="password" defaultValue={value} key={value} placeholder="hr_test_…" autoComplete="off" spellCheck={false} />
      <button type="submit">Use</button>
      {value && <button type="button" onClick={() => onChange('')}>Forget</button>}
      <span role="status">{value ? 'Sent with every request, kept until this tab is closed.' : 'No key: only what your log-in may see.'}</span>
    </form>
  )
}

createRoot(document.getElementById('graphiql')).render(<Page />)
