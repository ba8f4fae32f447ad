const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1000,
  KB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
  TB: 1000 ** 4,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
}
const SIZE = /^(\d{1,15}(?:\.\d{1,6})?) ?([A-Za-z]{1,3})$/

/** What a person may write, for messages. */
export const SIZE_FORM = 'a size such as 512 MiB, 2 GiB or 100 MB'

/** Bytes of `2 GiB`, `512 MiB`, `1.5GB`, rounded to whole ones, or undefined when the text is no such size. */
export function parseSize(text: string): number | undefined {
  const match = SIZE.exec(text.trim())
  const unit = UNITS[match?.[2] ?? '']
  return match && unit !== undefined ? Math.round(Number(match[1]) * unit) : undefined
}

/** Bytes as a person reads them, in powers of 1000: 12_345_678 → `12.3 MB`. */
export function formatSize(bytes: number): string {
  for (const unit of ['TB', 'GB', 'MB', 'kB'] as const) {
    const count = bytes / UNITS[unit]!
    if (count >= 1) return `${count.toFixed(count >= 100 ? 0 : 1).replace(/\.0$/, '')} ${unit}`
  }
  return `${bytes} B`
}
