import { createInterface } from 'node:readline/promises'
import type { Writable } from 'node:stream'
import { WrongUseError } from '../gate/wrong-use.ts'
import type { Input } from './host.ts'
import { InterruptedError } from './interruption.ts'

/** The longest value that the server takes (a suite's secret), bytes, and a line end. */
const VALUE_MAX_BYTES = 64 * 1024 + 2
const CONTROL = {
  interrupt: '\u0003',
  end: '\u0004',
  backspace: '\u0008',
  erase: '\u007f',
  eraseLine: '\u0015',
} as const

/**
 * A value that must not be seen: typed without echo when standard input is a terminal, else all of standard input less
 * its last line end. `what` names it ("API key").
 */
export async function readSecret(stdin: Input, stderr: Writable, what: string): Promise<string> {
  const value = stdin.isTTY ? await typedUnseen(stdin, stderr, `${what} (not shown): `) : await piped(stdin, what)
  if (value === '')
    throw new WrongUseError(`no ${what} was given: type it at the prompt, or pipe it into standard input`)
  return value
}

async function piped(stdin: Input, what: string): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stdin) {
    const buffer = Buffer.from(chunk)
    bytes += buffer.length
    if (bytes > VALUE_MAX_BYTES) throw new WrongUseError(`standard input is too long for a ${what}: at most 64 KiB`)
    chunks.push(buffer)
  }
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '')
}

/** Raw mode, because readline would echo. The terminal is given back however it ends. */
function typedUnseen(stdin: Input, stderr: Writable, question: string): Promise<string> {
  stderr.write(question)
  stdin.setRawMode?.(true)
  stdin.resume()
  return new Promise<string>((resolve, reject) => {
    let typed = ''
    const finish = (settle: () => void) => {
      stdin.off('data', onData)
      stdin.off('end', onEnd)
      stdin.setRawMode?.(false)
      stdin.pause()
      stderr.write('\n')
      settle()
    }
    const onEnd = () => finish(() => resolve(typed))
    const onData = (chunk: Buffer | string) => {
      for (const character of chunk.toString()) {
        if (character === '\r' || character === '\n' || character === CONTROL.end) return finish(() => resolve(typed))
        if (character === CONTROL.interrupt) return finish(() => reject(new InterruptedError('SIGINT')))
        if (character === CONTROL.eraseLine) typed = ''
        else if (character === CONTROL.backspace || character === CONTROL.erase)
          typed = [...typed].slice(0, -1).join('')
        else if (character >= ' ') typed += character
      }
    }
    stdin.on('data', onData)
    stdin.on('end', onEnd)
  })
}

/** What a person answers at the terminal; only to be called when standard input is one. */
export async function ask(stdin: Input, stderr: Writable, question: string): Promise<string> {
  const reader = createInterface({ input: stdin, output: stderr })
  const interrupted = new Promise<never>((_, reject) => {
    reader.on('SIGINT', () => reject(new InterruptedError('SIGINT')))
    reader.on('close', () => reject(new WrongUseError('no answer was given')))
  })
  interrupted.catch(() => {})
  try {
    return (await Promise.race([reader.question(question), interrupted])).trim()
  } finally {
    reader.close()
  }
}
