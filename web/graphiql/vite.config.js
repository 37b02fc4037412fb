import { brotliCompressSync, constants } from 'node:zlib'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig } from 'vite'

// Bytes of the whole playground with Brotli, workers and fonts included.
const budget = 2_100_000

// Text is kept as .br only: the binary embeds one copy of each file, and unpacks it for the rare
// client that does not accept Brotli.
function brotliOnly() {
  let out
  return {
    name: 'brotli-only',
    apply: 'build',
    configResolved(config) {
      out = config.build.outDir
    },
    closeBundle() {
      let total = 0
      for (const entry of readdirSync(out, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || entry.name.endsWith('.br')) continue
        const path = join(entry.parentPath, entry.name)
        const raw = readFileSync(path)
        const packed = brotliCompressSync(raw, {
          params: { [constants.BROTLI_PARAM_QUALITY]: 10, [constants.BROTLI_PARAM_LGWIN]: 22, [constants.BROTLI_PARAM_SIZE_HINT]: raw.length },
        })
        if (packed.length > raw.length * 0.95) {
          total += raw.length
          continue
        }
        writeFileSync(`${path}.br`, packed)
        rmSync(path)
        total += packed.length
      }
      if (total > budget) this.error(`the bundle is ${total} bytes with Brotli, over its budget of ${budget}`)
      this.info(`${(total / 1e6).toFixed(2)} MB with Brotli`)
    },
  }
}

export default defineConfig({
  base: './',
  plugins: [brotliOnly()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 8000,
    reportCompressedSize: false,
    rolldownOptions: {
      onLog(level, log, next) {
        // "use client" means nothing to a bundle without a server half; dozens of files carry it.
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') next(level, log)
      },
    },
  },
  worker: { format: 'es' },
})
