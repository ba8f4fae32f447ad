import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

// Hundreds of real servers, workers and clients are started: compiled once, each starts in half of the time.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('build/compile-cache', import.meta.url))

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Two cores: more forks than that only make real processes fight for time.
    maxWorkers: 2,
  },
})
