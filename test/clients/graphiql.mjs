// Opens GraphiQL at URL in a headless Chromium, pastes KEY, runs a query
// and looks whether everything came from the server itself.
//
// Prints one JSON line; succeeds when the schema was loaded with the key, the query's answer is
// shown, nothing was asked of another origin and the browser complained of nothing.
import { existsSync } from 'node:fs'
import { chromium } from 'playwright-core'
import { args, describe, print } from './lib.mjs'

const [url, key] = args('graphiql.mjs URL KEY')

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome', '/Applications/Chromium.app/Contents/MacOS/Chromium'].find(existsSync)
if (!executablePath) {
  console.error('Chromium is not installed: make setup installs it')
  process.exit(1)
}
const browser = await chromium.launch({
  executablePath,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
})

const complaints = []
const foreign = []
const origin = new URL(url).origin
const page = await browser.newPage()
try {
  page.setDefaultTimeout(20_000)
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(describe(error)))
  page.on('request', (request) => {
    const target = request.url()
    if (!target.startsWith(origin) && !/^(data|blob):/.test(target)) foreign.push(target)
  })
  const unauthorised = []
  page.on('request', (request) => {
    if (new URL(request.url()).pathname === '/graphql' && request.headers().authorization !== `Bearer ${key}`) unauthorised.push(request.url())
  })

  // Without a key the schema may be refused: only what happens with it counts.
  await page.goto(url)
  await page.getByLabel('API key', { exact: true }).first().waitFor()
  await page.locator('.graphiql-container').waitFor()
  await page.waitForLoadState('networkidle')
  complaints.length = unauthorised.length = 0

  const schema = page.waitForResponse((r) => new URL(r.url()).pathname === '/graphql' && r.request().postData().includes('__schema'))
  await page.locator('input[name=key]').fill(key)
  await page.getByRole('button', { name: 'Use' }).click()
  const introspected = '__schema' in ((await (await schema).json()).data ?? {})

  const editor = page.locator('.graphiql-query-editor .monaco-editor').first()
  await editor.click()
  await page.keyboard.press('ControlOrMeta+a')
  await page.keyboard.insertText('query Probe { __typename }')
  // GraphiQL reads the operation's name a moment after the typing stops; the tab shows it.
  await page.locator('.graphiql-tab', { hasText: 'Probe' }).waitFor()
  await page.keyboard.press('ControlOrMeta+Enter')
  const answer = page.locator('.result-window')
  await answer.getByText('__typename').waitFor()
  const result = (await answer.innerText()).replace(/\s+/g, ' ')

  const workers = page.workers().length
  const ok = introspected && /"__typename"/.test(result) && foreign.length === 0 && complaints.length === 0 && unauthorised.length === 0
  print({ ok, introspected, result, workers, foreign, complaints, unauthorised })
  process.exitCode = ok ? 0 : 1
} catch (error) {
  print({ ok: false, error: describe(error), foreign, complaints })
  process.exitCode = 1
} finally {
  if (process.env.HEADROOM_SCREENSHOT) await page.screenshot({ path: process.env.HEADROOM_SCREENSHOT })
  await browser.close()
}
