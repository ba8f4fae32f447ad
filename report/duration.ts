/** A duration in words: `850 ms`, `3.2 s`, `2 min 5 s`, `1 h 4 min`. */
export function formatDuration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 3600) return words(Math.floor(seconds / 60), 'min', seconds % 60, 's')
  const minutes = Math.round(seconds / 60)
  return words(Math.floor(minutes / 60), 'h', minutes % 60, 'min')
}

function words(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`
}

/**
 * Milliseconds of a JUnit `time` in seconds, or null if it is none. Writers use their machine's language: a lone comma is
 * a decimal point (`0,25`), commas before a point or several of them part thousands (`1,234.5`).
 */
export function readSeconds(text: string | undefined): number | null {
  if (text === undefined) return null
  const compact = /^[\d.]+$/.test(text) ? text : text.replace(/[\s_\u00a0\u202f']/g, '').replace(/s$/, '')
  const commas = compact.split(',').length - 1
  const plain = commas === 1 && !compact.includes('.') ? compact.replace(',', '.') : compact.replaceAll(',', '')
  const ms = /^\+?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$/.test(plain) ? Number(plain) * 1000 : Number.NaN
  return Number.isFinite(ms) ? Math.round(ms * 1000) / 1000 : null
}
