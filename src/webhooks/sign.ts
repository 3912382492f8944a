import { createHmac } from 'node:crypto'

/**
 * The value of `X-Chartroom-Signature`: `t=<unix time>,v1=<hex>`, HMAC-SHA256 over `<unix time>.<body>`. The time is
 * signed too, so that a receiver can refuse what somebody has recorded and sends again.
 */
export function signBody(body: string, secret: string, now: Date): string {
  const time = Math.floor(now.getTime() / 1000)
  const mac = createHmac('sha256', secret).update(`${time}.${body}`).digest('hex')
  return `t=${time},v1=${mac}`
}
