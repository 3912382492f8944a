import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CORE_SCHEMA, load } from 'js-yaml'
import { configSchema } from '../../../src/config/schema.ts'
import { signBody } from '../../../src/webhooks/sign.ts'

const TEXT = readFileSync(join(import.meta.dirname, '../../../docs/webhooks.md'), 'utf8')

describe('docs/webhooks.md', () => {
  const secret = "a secret 'of' the receiver"
  const body = '{"event":"ping"}\n'

  function block(language: string, place = 0): string {
    const blocks = TEXT.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))
    return [...blocks][place]?.[1] ?? assert.fail(`no block ${language} ${place}`)
  }

  it('shows a setting that the program takes', () => {
    const settings = load(block('yaml'), { schema: CORE_SCHEMA })
    assert.equal(configSchema.parse(settings).webhooks.length, 1)
  })

  it('verifies a signature in JavaScript, and no other, nor one that is old', async () => {
    const source = `data:text/javascript,${encodeURIComponent(block('js'))}`
    const { isFromChartroom } = (await import(source)) as {
      isFromChartroom: (header: string, body: string, secret: string) => boolean
    }
    const now = new Date()
    const signature = signBody(body, secret, now)
    assert.equal(isFromChartroom(signature, body, secret), true)
    assert.equal(isFromChartroom(signature, `${body} `, secret), false)
    assert.equal(isFromChartroom(signature, body, 'another'), false)
    assert.equal(isFromChartroom('v1=', body, secret), false)
    const old = signBody(body, secret, new Date(now.getTime() - 400_000))
    assert.equal(isFromChartroom(old, body, secret), false)
  })

  it('verifies a signature by hand, and no other', () => {
    const folder = mkdtempSync(join(tmpdir(), 'chartroom-docs-'))
    try {
      writeFileSync(join(folder, 'body'), body)
      const verify = (key: string): string => {
        const env = { ...process.env, secret: key, signature: signBody(body, secret, new Date()) }
        const script = `${block('sh', 1)} || true`
        return execFileSync('sh', ['-c', script.replace('\n ||', ' ||')], { cwd: folder, env }).toString()
      }
      assert.equal(verify(secret), 'genuine\n')
      assert.equal(verify('another'), '')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
