import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { pino } from 'pino'
import { createExpressListener, type ExpressDeps } from '../../../src/http/express-app.ts'
import { createFrequentListener } from '../../../src/http/frequent-routes.ts'
import { type VerifiedListener } from '../../../src/http/listener.ts'
import { jsonReply } from '../../../src/http/reply.ts'
import { frequent, verifiedRoute } from '../../../src/http/route.ts'
import { Policy } from '../../../src/policy/policy.ts'
import { actor } from '../../support/catalog-samples.ts'
import { identity } from '../../support/identity.ts'

const PATHS = [
  '/index.yaml',
  '/index.yaml/',
  '/index.yaml?fresh=1',
  '/INDEX.yaml',
  '/index.yamlx',
  '//index.yaml',
  '/team-a/index.yaml',
  '/team-a/stable/index.yaml',
  '/team%2Da/index.yaml',
  '/%zz/index.yaml',
  '/charts/demo-1.0.0.tgz',
  '/charts/demo-1.0.0+b.1.tgz?x=%41',
  '/charts/demo-1.0.0%2Bb.1.tgz',
  '/charts/a.tgz.tgz',
  '/charts/.tgz',
  '/charts/a/b.tgz',
  '/a/charts/charts/b.tgz',
  `/${'a'.repeat(600)}/charts/b.tgz`,
  '/other',
]

/** What both ways of finding a route are tried with: the handlers answer what they were given. */
const ROUTES = ['/{*repository/}index.yaml', '/{*repository/}charts/:stem.tgz'].map((path) =>
  frequent(
    verifiedRoute('get', path, ({ params, query }) =>
      Promise.resolve(jsonReply(200, { path, params, query: String(query) })),
    ),
  ),
)

describe('the routes that are served without the framework', () => {
  const servers: Server[] = []

  after(() => {
    for (const server of servers) server.close()
  })

  async function serve(listener: VerifiedListener): Promise<number> {
    const server = createServer((incoming, response) => {
      listener(incoming, response, { identity: identity(), actor: actor() })
    })
    servers.push(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }

  for (const contextPath of ['', '/helm']) {
    it(`are found as the framework finds them, below "${contextPath}"`, async () => {
      const deps = { contextPath, log: pino({ level: 'silent' }), policyInForce: () => new Policy([]) }
      const express = createExpressListener(deps as unknown as ExpressDeps, ROUTES)
      const direct = createFrequentListener(deps as unknown as ExpressDeps, ROUTES, express)
      const ports = [await serve(express), await serve(direct)]
      for (const method of ['GET', 'HEAD', 'POST', 'get']) {
        for (const path of PATHS) {
          const [expected, given] = await Promise.all(
            ports.map((port) => ask(port, method, `${contextPath}${path}`)),
          )
          assert.deepEqual(given, expected, `${method} ${path}`)
          // The second time the path is known.
          assert.deepEqual(await ask(ports[1] ?? 0, method, `${contextPath}${path}`), expected)
        }
      }
    })
  }

  it('are not found by another method, and the rest goes on to the framework', async () => {
    const passedOn: (string | undefined)[] = []
    const deps = { contextPath: '', log: pino({ level: 'silent' }), policyInForce: () => new Policy([]) }
    const listener = createFrequentListener(deps as unknown as ExpressDeps, ROUTES, (incoming, response) => {
      passedOn.push(`${incoming.method ?? ''} ${incoming.url ?? ''}`)
      response.end()
    })
    const port = await serve(listener)
    await ask(port, 'GET', '/index.yaml')
    await ask(port, 'POST', '/index.yaml')
    await ask(port, 'GET', '/other')
    assert.deepEqual(passedOn, ['POST /index.yaml', 'GET /other'])
  })
})

async function ask(port: number, method: string, path: string): Promise<unknown> {
  const sent = request({ host: '127.0.0.1', port, method, path, agent: false })
  sent.end()
  const [reply] = (await once(sent, 'response')) as [IncomingMessage]
  const { statusCode, statusMessage, headers } = reply
  return { statusCode, statusMessage, type: headers['content-type'], body: await text(reply) }
}
