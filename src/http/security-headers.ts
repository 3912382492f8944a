import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import helmet from 'helmet'

/**
 * What Helmet says by default, for a server of files and JSON: no page of it loads anything, and no header that only
 * speaks to browsers and plug-ins of the past is sent.
 */
const OPTIONS = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  },
  crossOriginOpenerPolicy: false,
  originAgentCluster: false,
  xDnsPrefetchControl: false,
  xDownloadOptions: false,
  xPermittedCrossDomainPolicies: false,
  xXssProtection: false,
} as const

/** Of every reply to a verified peer: names and values in turn. They are the same for each reply. */
export const SECURITY_HEADERS: readonly string[] = readHelmet()

function readHelmet(): readonly string[] {
  const request = new IncomingMessage(new Socket())
  const response = new ServerResponse(request)
  helmet(OPTIONS)(request, response, (error) => {
    if (error !== undefined) throw new Error('Helmet has not set its headers', { cause: error })
  })
  return Object.entries(response.getHeaders()).flatMap(([name, value]) => [name, String(value)])
}
