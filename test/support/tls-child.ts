// A process of its own: `node tls-child.ts <module> <export> <url>` gets the url by that adapter and prints the answer
// or the failure as JSON. Node reads NODE_EXTRA_CA_CERTS only when a process starts. It ends by itself, without close().
import { TransportError } from '../../transport/transport.ts'

const [module = '', name = '', url = ''] = process.argv.slice(2)
const { [name]: make } = await import(module)
try {
  const response = await make({ env: process.env }).request({ method: 'GET', url, timeoutMs: 10_000 })
  console.log(JSON.stringify({ status: response.status, text: await response.text() }))
} catch (error) {
  if (!(error instanceof TransportError)) throw error
  console.log(JSON.stringify({ failure: error.failure, message: error.message }))
}
